//! `nodewright forget`.

use crate::exit::Exit;
use crate::operate::{Intent, forget};
use crate::plan::Selection;
use crate::run::Event;
use crate::workplace::{self, Context, Usage, Values};
use clap_complete::ArgValueCompleter;
use std::io::IsTerminal as _;

/// Arguments of `forget`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An orphan that a run does not remove stays on the node. This removes it from the manifest of the node only, so that
plans no longer list it; the journal of the node records who did that.

Examples:
  nodewright forget node1 base/package:telnet
  nodewright forget hypervisors 'old/*' --yes")]
pub struct Args {
    /// A node or a group.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub node: String,
    /// Addresses of orphans as the plan shows them, or globs (`base/package:*`).
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
    /// Forget without asking.
    #[arg(long, short)]
    pub yes: bool,
}

/// Stops tracking the named orphans.
///
/// # Errors
/// An unsound site, an unknown node, an address that is no orphan there, no terminal to confirm on.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(std::slice::from_ref(&args.node))?;
    if !args.yes && !std::io::stdin().is_terminal() {
        let text =
            "forget asks before it forgets anything, and there is no terminal to ask on: use --yes";
        return Err(Usage(text.to_owned()).into());
    }
    let mut setup = place.setup_whole(context, &nodes, Values::Needed)?;
    setup.intent = Intent::Forget;
    let mut reporter = context.reporter();
    let chosen = Selection::new(&args.addresses, &[]);
    let (answer, answered) = std::sync::mpsc::channel();
    let after = |event: &Event| {
        if matches!(event, Event::Forget { .. }) {
            let _ = answer.send(args.yes || context.agrees("Forget these? [y/N] "));
        }
    };
    let exit = workplace::with_engine(&mut reporter, setup, after, async move |engine| {
        // Not on this thread, which listens for Ctrl-C meanwhile.
        let answer = async || {
            let answer = tokio::task::spawn_blocking(move || answered.recv().unwrap_or(false));
            answer.await.unwrap_or(false)
        };
        forget::forget(engine, &chosen, answer()).await
    })?;
    reporter.finish()?;
    exit.map_err(|e| Usage(e.to_string()).into())
}
