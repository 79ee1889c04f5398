//! `nodewright run`.

use crate::exit::Exit;
use crate::operate::Intent;
use crate::operate::script::{self, Ran};
use crate::report::json_line;
use crate::sh::has_nul;
use crate::workplace::{self, Context, Forks, Nodes, Pick, Usage, Values};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The journal of each node records who ran which command, and its exit code. The command does not take the lock: it runs
beside another run, and says so.

Examples:
  nodewright run -- uptime
  nodewright run node1 -- sh -c 'df -h | tail -3'
  nodewright run hypervisors --parallel -- rpm -q kernel")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The number of nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Run on all nodes at once instead of one member of a cluster at a time.
    #[arg(long)]
    pub parallel: bool,
    /// The command and its arguments. No shell interprets them.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub words: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a selection that matches nothing.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&args.nodes.nodes)?;
    if let Some(word) = args.words.iter().find(|w| has_nul(w)) {
        return Err(Usage(format!("{word:?} holds NUL, which no argument can carry")).into());
    }
    let mut setup = place.setup(
        context,
        &nodes,
        &Pick::default(),
        args.forks,
        Values::Hidden,
    )?;
    setup.intent = Intent::Script;
    let mut reporter = context.reporter();
    let (results, worst) = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async |engine| {
            let results = script::run(engine, &args.words, args.parallel).await;
            (results, engine.worst())
        },
    )?;
    reporter.finish()?;
    let failed = results.iter().any(|r| r.status != 0);
    for Ran {
        node,
        output,
        status,
    } in &results
    {
        if context.global.json {
            let line = serde_json::json!({"event": "ran", "node": node, "status": status, "output": output});
            context.print(&json_line(&line))?;
            continue;
        }
        for line in output.lines() {
            context.print(&format!("{node}: {line}\n"))?;
        }
        if *status != 0 {
            context.warn(&format!("{node}: ended with status {status}\n"));
        }
    }
    let left: Vec<&String> = nodes
        .iter()
        .filter(|n| !results.iter().any(|r| r.node == **n))
        .collect();
    if failed && !left.is_empty() {
        let left = left.into_iter().cloned().collect::<Vec<_>>().join(", ");
        context.warn(&format!(
            "not run on {left}: one member of a cluster failed\n"
        ));
    }
    Ok(worst.unwrap_or(if failed { Exit::Failed } else { Exit::Done }))
}
