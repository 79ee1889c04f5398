//! `nodewright plan`.

use crate::exit::Exit;
use crate::plan::{Plan, Selection};
use crate::report::json_line;
use crate::run::Event;
use crate::survey::matching;
use crate::workplace::saved::Saved;
use crate::workplace::{
    self, Context, Destroy, Forks, Nodes, Outage, Over, Pick, Values, Workplace, review,
};
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
    /// The permission of an outage.
    #[command(flatten)]
    pub outage: Outage,
    /// The runs that may be overridden.
    #[command(flatten)]
    pub over: Over,
    /// The devices whose content may be destroyed.
    #[command(flatten)]
    pub destroy: Destroy,
    /// The number of nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Save the plan to FILE. `apply FILE` carries it out, and refuses what changed on a node meanwhile.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// List the addresses of the selected resources, and contact no node.
    #[arg(long, conflicts_with_all = ["out", "outage", "over"])]
    pub list: bool,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a selection that matches nothing, a file that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&args.nodes.nodes)?;
    if args.out.is_some() && place.site.inventory.site.review {
        review::author(&place.site, &Context::operator())?;
    }
    if args.list {
        return list(&place, &nodes, &args.pick.selection(), context);
    }
    let mut setup = place.setup(context, &nodes, &args.pick, args.forks, Values::Needed)?;
    setup.intent = args.outage.intent();
    setup.over = args.over.runs();
    setup.asks.set(true);
    setup.destroy = args.destroy.devices(&nodes)?;
    let mut reporter = context.paged_reporter();
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
        let shown = file.display();
        let next = if place.site.inventory.site.review {
            format!("another operator signs it by `nodewright review {shown}`")
        } else {
            format!("`nodewright apply {shown}` carries it out as it was reviewed")
        };
        context.note(&format!("Saved as {shown}; {next}.\n"));
    }
    Ok(match (ends_with(&plan), worst) {
        (Exit::Refused, _) => Exit::Refused,
        (ended, worst) => worst.unwrap_or(ended),
    })
}

/// Prints the addresses that a selection names: `NODE  ROLE/KIND:NAME`.
fn list(
    place: &Workplace,
    nodes: &[String],
    selection: &Selection,
    context: &Context,
) -> anyhow::Result<Exit> {
    matching(selection, nodes.iter().map(|n| &place.nodes[n]))?;
    let all = nodes.iter().map(String::len).max().unwrap_or(0);
    for node in nodes {
        let resources = place.nodes[node].resources.iter();
        for resource in resources.filter(|r| selection.takes(&r.address)) {
            let address = resource.address.to_string();
            if context.global.json {
                let line =
                    serde_json::json!({"event": "resource", "node": node, "address": address});
                context.print(&json_line(&line))?;
            } else {
                context.print(&format!("{node:all$}  {address}\n"))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// The exit code of a command that only plans.
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
