//! One observation of every node, which `facts`, `log` and `capture` begin with.

use crate::exit::Exit;
use crate::kind::{Answer, Observe};
use crate::run::Member;
use crate::text::Vault;

use crate::workplace::{self, Context, Forks, Nodes, Pick, Values, Workplace};
use std::collections::BTreeMap;

/// The answers.
pub struct Observation {
    /// The site.
    pub place: Workplace,
    /// The values of its secrets.
    pub vault: Vault,
    /// The answer of each node.
    pub answers: BTreeMap<String, Answer>,
    /// The gravest of what befell the others.
    pub worst: Option<Exit>,
}

/// Observes these nodes at once; a node that does not answer has been reported.
///
/// # Errors
/// An unsound site, a selection that matches nothing.
pub fn observe(
    context: &Context,
    nodes: &Nodes,
    forks: Forks,
    values: Values,
    question: impl Fn(&Member, &Vault) -> Observe + Sync,
) -> anyhow::Result<Observation> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&nodes.nodes)?;
    let setup = place.setup(context, &nodes, &Pick::default(), forks, values)?;
    let vault = setup.vault.clone();
    let mut reporter = context.reporter();
    let secrets = &vault;
    let (answers, worst) = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async |engine| {
            let answers = engine.observe_all(|member| question(member, secrets)).await;
            (answers, engine.worst())
        },
    )?;
    reporter.finish()?;
    Ok(Observation {
        place,
        vault,
        answers,
        worst,
    })
}
