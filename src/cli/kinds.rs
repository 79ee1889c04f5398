//! `nodewright kinds`.

use super::{Context, Usage};
use crate::exit::Exit;
use crate::report::reference;
use crate::resource::{KINDS, kind_named};

/// Arguments of `kinds`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these kinds.
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
}

/// Prints the reference of kinds as Markdown.
///
/// # Errors
/// When a kind is not known.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let mut kinds = KINDS.to_vec();
    if !args.kinds.is_empty() {
        kinds.clear();
        for name in &args.kinds {
            let known = || {
                KINDS
                    .iter()
                    .map(|k| k.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let missing = || Usage(format!("no kind is called `{name}`; there are {}", known()));
            kinds.push(kind_named(name).ok_or_else(missing)?);
        }
    }
    let pages: Vec<_> = kinds.iter().map(|k| reference::kind(*k)).collect();
    context.print(&pages.join("\n"))?;
    Ok(Exit::Done)
}
