//! `nodewright kinds`.

use crate::exit::Exit;
use crate::kind::Erased;
use crate::kinds::{kind_named, kinds};
use crate::report;
use crate::role::{Page, kind_page, page};
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

/// Prints the reference of kinds.
///
/// # Errors
/// When a kind is not known.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let print = |page: &Page| {
        context.print(&if context.global.json {
            report::reference_json(page)
        } else {
            report::reference(page, &context.style)
        })
    };
    if args.kinds.is_empty()
        && let Some(all) = page("kinds")
    {
        print(&all)?;
    }
    for name in &args.kinds {
        let Some(kind) = kind_named(name) else {
            let known: Vec<_> = kinds().map(Erased::name).collect();
            let known = known.join(", ");
            return Err(Usage(format!("no kind is called `{name}`; there are {known}")).into());
        };
        print(&kind_page(kind))?;
    }
    Ok(Exit::Done)
}
