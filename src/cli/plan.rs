//! `nodewright plan`.

use crate::exit::Exit;
use crate::plan::Plan;
use crate::run::Event;
use crate::workplace::saved::Saved;
use crate::workplace::{self, Context, Forks, Nodes, Outage, Over, Pick};
use std::path::PathBuf;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 nothing to do, 2 changes pending, 3 only findings, 4 a node could not be reached, 5 refused,
8 waiting for a long step.

Examples:
  nodewright plan                               everything
  nodewright plan node1 --only '*/file:/etc/*'  the files under /etc of one node
  nodewright plan --out change.plan             save for review, then: nodewright apply change.plan")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The resources.
    #[command(flatten)]
    pub pick: Pick,
    /// What may be taken down.
    #[command(flatten)]
    pub outage: Outage,
    /// Over what.
    #[command(flatten)]
    pub over: Over,
    /// How many nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Save the plan to FILE. `apply FILE` carries it out, and refuses what changed on a node meanwhile.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Does it.
///
/// # Errors
/// An unsound site, a selection that matches nothing, a file that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&args.nodes.nodes)?;
    let mut setup = place.setup(context, &nodes, &args.pick, args.forks)?;
    setup.intent = args.outage.intent();
    setup.over = args.over.runs();
    setup.asks.set(true);
    let mut reporter = context.reporter();
    let (plan, worst) = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async |engine| {
            engine.observe().await;
            let plan = engine.plan();
            engine.send(Event::Planned { plan: plan.clone() });
            (plan, engine.worst())
        },
    )?;
    reporter.finish()?;
    if let Some(file) = &args.out {
        Saved::of(&place, &plan).save(&place, file)?;
        context.note(&format!(
            "Saved as {}; `nodewright apply {}` carries it out as it was reviewed.\n",
            file.display(),
            file.display()
        ));
    }
    Ok(match (ends_with(&plan), worst) {
        (Exit::Refused, _) => Exit::Refused,
        (ended, worst) => worst.unwrap_or(ended),
    })
}

/// What a plan alone ends a command with.
pub fn ends_with(plan: &Plan) -> Exit {
    if plan.nodes.iter().any(|n| !n.refusals.is_empty()) {
        Exit::Refused
    } else if plan.only_waits() {
        Exit::Waiting
    } else if !plan.is_empty() {
        Exit::Pending
    } else if plan.nodes.iter().any(|n| !n.findings.is_empty()) {
        Exit::Findings
    } else {
        Exit::Done
    }
}
