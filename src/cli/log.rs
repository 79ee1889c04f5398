//! `nodewright log`.

use super::observe::observe;
use crate::exit::Exit;
use crate::kind::Observe;
use crate::node::{self, JournalLine, LoggedRun};
use crate::report::json_line;
use crate::workplace::{Context, Forks, Nodes, Usage, Values, completers};
use clap_complete::ArgValueCompleter;
use std::fmt::Write as _;

/// Arguments of `log`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nodewright log                                the latest runs of all nodes
  nodewright log node1 --run 20261121-0903-a1   what that run changed there

The shell completes RUN with those that `nodewright log` showed last.")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The number of nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Show this run in full.
    #[arg(long, value_name = "RUN", add = ArgValueCompleter::new(completers::runs))]
    pub run: Option<String>,
    /// The number of runs to show for each node.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub number: usize,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a selection that matches nothing.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let observed = observe(context, &args.nodes, args.forks, Values::Unused, |_, _| {
        let mut observe = Observe::default();
        node::observe_journal(&mut observe, LINES);
        observe
    })?;
    let mut found = false;
    let mut told = Vec::new();
    let nodes = observed.answers.keys().cloned().collect::<Vec<_>>();
    for (node, answer) in observed.answers {
        let lines = node::read_journal(&answer);
        let runs = node::logged_runs(&lines);
        let skip = if args.run.is_some() {
            0
        } else {
            runs.len().saturating_sub(args.number)
        };
        let asked = |r: &&LoggedRun<'_>| args.run.as_deref().is_none_or(|run| run == r.run);
        if runs.is_empty() && args.run.is_none() && !context.global.json {
            context.print(&format!("{node}  no run yet\n"))?;
        }
        for run in runs.iter().skip(skip).filter(asked) {
            found = true;
            told.push(run.run.to_owned());
            if context.global.json {
                let (name, lines) = (run.run, &run.lines);
                let line = serde_json::json!({"event": "logged", "node": node, "run": name, "lines": lines});
                context.print(&json_line(&line))?;
            } else {
                context.print(&shown(&node, run, args.run.is_some()))?;
            }
        }
    }
    if args.run.is_none() {
        completers::keep_runs(told.iter().map(String::as_str));
    }
    if let Some(run) = args.run.as_ref().filter(|_| !found && !nodes.is_empty()) {
        let why = format!(
            "no run {run} in the journal of {}; `nodewright log` lists the latest",
            nodes.join(", ")
        );
        return Err(Usage(why).into());
    }
    Ok(observed.worst.unwrap_or(Exit::Done))
}

/// The number of lines of a journal that are read: far more than `--number` runs have.
const LINES: u32 = 5000;

/// The origin of a run, in words.
fn about(begun: &JournalLine) -> String {
    let Some(header) = &begun.header else {
        return begun.text.clone();
    };
    let mut text = format!("{} site {}", header.who, header.site);
    for (name, value) in [
        ("commit", &header.commit),
        ("tool", &header.tool),
        ("for", &header.intent),
    ] {
        if !value.is_empty() {
            let _ = write!(text, " {name} {value}");
        }
    }
    text
}

/// One run of one node: a line, and what it did where that is asked.
fn shown(node: &str, run: &LoggedRun<'_>, whole: bool) -> String {
    let steps = run.lines.iter().filter(|l| l.event == "did").count();
    let who = run.begun().map_or_else(String::new, about);
    let (name, at, ended) = (run.run, run.at(), run.ended());
    let steps = format!("{steps} {}", if steps == 1 { "step" } else { "steps" });
    let mut text = format!("{node}  {name}  {at}  {ended}, {steps}\n    {who}\n");
    if whole {
        for line in run.lines.iter().filter(|l| l.event != "begin") {
            let _ = writeln!(text, "    {} {} {}", line.at, line.event, line.text);
        }
    }
    text
}
