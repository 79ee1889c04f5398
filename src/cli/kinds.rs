//! `nodewright kinds`.

use crate::exit::Exit;
use crate::kind::Erased;
use crate::kinds::{kind_named, kinds};
use crate::role::kinds_reference;
use crate::workplace::completers::beginning;
use crate::workplace::{Context, Usage};
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use std::ffi::OsStr;

/// Arguments of `kinds`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these kinds.
    #[arg(value_name = "KIND", add = ArgValueCompleter::new(known))]
    kinds: Vec<String>,
}

fn known(current: &OsStr) -> Vec<CompletionCandidate> {
    beginning(kinds().map(Erased::name), current)
}

/// Prints the reference of kinds as Markdown.
///
/// # Errors
/// When a kind is not known.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let reference = kinds_reference();
    if args.kinds.is_empty() {
        context.print(&reference)?;
    }
    for name in &args.kinds {
        let Some(kind) = kind_named(name) else {
            let known: Vec<_> = kinds().map(Erased::name).collect();
            let known = known.join(", ");
            return Err(Usage(format!("no kind is called `{name}`; there are {known}")).into());
        };
        let head = format!("\n## {}\n", kind.name());
        let from = reference.find(&head).map_or(0, |at| at + 1);
        let page = &reference[from..];
        let page = page.find("\n## ").map_or(page, |end| &page[..=end]);
        context.print(page)?;
    }
    Ok(Exit::Done)
}
