//! `nodewright drift`.

use super::verify::PrometheusArg;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::report::CheckFiles;
use crate::run::Event;
use crate::workplace::{self, AskedChecks, Context, Forks, Nodes, Pick, Values};
use std::time::Duration;

/// Arguments of `drift`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What `plan` and `verify` show, from one observation, without a lock and without a question: for cron.

Exit codes, the first that holds: 5 a step would be refused, 1 a node failed (3: it is not what the site says), 4 a node
could not be reached, 2 changes pending, 3 failed checks or findings, 8 waiting for a long step, 0 all well.
docs/drift.md has a line for cron and the metrics of --prometheus.

Examples:
  nodewright drift                      one line when all is well, else what plan and verify show
  nodewright drift --prometheus /var/lib/prometheus/node-exporter/site.prom")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The resources.
    #[command(flatten)]
    pub pick: Pick,
    /// The number of nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// The file of metrics.
    #[command(flatten)]
    pub prometheus: PrometheusArg,
    /// Seconds that a node may take to be reached and observed, 1 to 3600; after that it counts as unreachable.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a selection that matches nothing, a file that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&args.nodes.nodes)?;
    let mut setup = place.setup(context, &nodes, &args.pick, args.forks, Values::Needed)?;
    setup.answers_within = Some(Duration::from_secs(args.timeout));
    let mut reporter = context.reporter().of_drift(CheckFiles {
        junit: None,
        prometheus: args.prometheus.file(&place),
    });
    let asked = AskedChecks::of(&place, &nodes, &args.pick);
    let exit = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async move |engine| {
            engine.observe().await;
            let plan = engine.plan();
            engine.send(Event::Planned { plan: plan.clone() });
            let failed = asked.tell(engine).await;
            ends_with(&plan, engine.worst(), failed)
        },
    )?;
    reporter.finish()?;
    Ok(exit)
}

/// The exit code of the command: by the plan, the nodes that failed, and whether a check fails.
pub(super) fn ends_with(plan: &Plan, worst: Option<Exit>, failed: bool) -> Exit {
    match (super::plan::ends_with(plan), worst) {
        (Exit::Refused, _) => Exit::Refused,
        (_, Some(worst)) => worst,
        (Exit::Pending, None) => Exit::Pending,
        // A long step goes on by itself, and what fails may not.
        (_, None) if failed => Exit::Findings,
        (Exit::Waiting, None) if plan.nodes.iter().any(|n| !n.findings.is_empty()) => {
            Exit::Findings
        }
        (ended, None) => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{Address, Progress};
    use crate::plan::{NodePlan, Orphan, Remark, Waiting};

    fn address() -> Address {
        Address::parse("base/file:/etc/x").unwrap()
    }

    fn remark() -> Remark {
        Remark {
            address: address(),
            what: String::new(),
            remedy: String::new(),
            device: None,
        }
    }

    fn of(change: impl FnOnce(&mut NodePlan)) -> Plan {
        let mut node = NodePlan::default();
        change(&mut node);
        Plan {
            nodes: vec![node],
            ..Plan::default()
        }
    }

    #[test]
    fn the_first_code_that_holds_is_the_end() {
        let pending = |n: &mut NodePlan| {
            n.orphans.push(Orphan {
                address: address(),
                paths: Vec::new(),
                removed: true,
                why: String::new(),
            });
        };
        let waiting = |n: &mut NodePlan| {
            n.waiting.push(Waiting {
                address: address(),
                progress: Progress::default(),
            });
        };
        let refused = of(|n| {
            pending(n);
            n.refusals.push(remark());
        });
        let gone = Some(Exit::Unreachable);
        assert_eq!(ends_with(&refused, gone, true), Exit::Refused);
        let pending = of(pending);
        assert_eq!(ends_with(&pending, gone, true), Exit::Unreachable);
        assert_eq!(ends_with(&pending, Some(Exit::Failed), true), Exit::Failed);
        assert_eq!(ends_with(&pending, None, true), Exit::Pending);
        assert_eq!(ends_with(&of(waiting), None, true), Exit::Findings);
        let found = of(|n| {
            waiting(n);
            n.findings.push(remark());
        });
        assert_eq!(ends_with(&found, None, false), Exit::Findings);
        assert_eq!(ends_with(&of(waiting), None, false), Exit::Waiting);
        assert_eq!(ends_with(&of(|_| ()), None, true), Exit::Findings);
        assert_eq!(ends_with(&of(|_| ()), None, false), Exit::Done);
    }
}
