//! `nodewright rules`.

use crate::exit::Exit;
use crate::report;
use crate::rules::{all, rule};
use crate::site::did_you_mean;
use crate::workplace::completers::beginning;
use crate::workplace::{Context, Usage};
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use std::ffi::OsStr;

/// Arguments of `rules`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A warning can be accepted: [accept] CODE = { why = \"…\", until = \"2027-06-30\" }"
)]
pub struct Args {
    /// Only these codes.
    #[arg(value_name = "CODE", add = ArgValueCompleter::new(known))]
    codes: Vec<String>,
}

fn known(current: &OsStr) -> Vec<CompletionCandidate> {
    beginning(all().map(|r| r.code), current)
}

/// Prints the reference of rules as Markdown.
///
/// # Errors
/// When a code is not known.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    if args.codes.is_empty() {
        context.print(&report::rules(all()))?;
        return Ok(Exit::Done);
    }
    let mut chosen = Vec::new();
    for code in &args.codes {
        let known: Vec<_> = all().map(|r| r.code).collect();
        let near = || {
            did_you_mean(code, &known).map_or_else(String::new, |c| format!("; did you mean {c}?"))
        };
        chosen.push(
            rule(code).ok_or_else(|| Usage(format!("no rule has the code {code}{}", near())))?,
        );
    }
    context.print(&report::rules(chosen))?;
    Ok(Exit::Done)
}
