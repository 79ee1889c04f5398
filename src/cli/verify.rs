//! `nodewright verify`.

use crate::exit::Exit;
use crate::run::Event;
use crate::workplace::{self, Context, Forks, Nodes, Pick, Values};
use std::path::PathBuf;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 all checks pass, 3 some fail, 4 a node could not be reached.

Examples:
  nodewright verify                     failed checks
  nodewright verify -v                  passed checks as well
  nodewright verify --junit checks.xml  for a build server")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The resources.
    #[command(flatten)]
    pub pick: Pick,
    /// How many nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Also write the results to FILE as `JUnit` XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a selection that matches nothing, a file that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&args.nodes.nodes)?;
    let setup = place.setup(context, &nodes, &args.pick, args.forks, Values::Needed)?;
    let mut reporter = context.reporter().of_checks(args.junit.as_deref());
    let selection = args.pick.selection();
    let (checks, left_out) = place.asked_checks(&nodes, &selection);
    let checks = &checks;
    let exit = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async move |engine| {
            engine.observe().await;
            let mut failed = false;
            for row in engine
                .verify(|node| checks.get(node).map_or(&[], Vec::as_slice))
                .await
            {
                let outcome = row.outcome;
                failed |= !outcome.ok && !outcome.skipped && outcome.severity != "info";
                engine.send(Event::Check {
                    node: row.node,
                    scope: row.scope.to_string(),
                    code: outcome.code,
                    severity: outcome.severity,
                    ok: outcome.ok,
                    skipped: outcome.skipped,
                    message: outcome.message,
                    remedy: outcome.remedy,
                });
            }
            let unseen = engine.plan().unseen;
            engine.send(Event::Verified {
                nodes,
                unseen,
                left_out,
            });
            engine
                .worst()
                .unwrap_or(if failed { Exit::Findings } else { Exit::Done })
        },
    )?;
    reporter.finish()?;
    Ok(exit)
}
