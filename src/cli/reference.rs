//! `nodewright reference`.

use crate::exit::Exit;
use crate::report::{self, write_whole};
use crate::role::{Library, PAGES, page};
use crate::site::{Sources, any_of, did_you_mean, shown};
use crate::workplace::completers::beginning;
use crate::workplace::{Context, Usage};
use anyhow::Context as _;
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Arguments of `reference`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Pages: inventory, role, templates, checks, kinds.

Examples:
  nodewright reference inventory | less
  nodewright reference checks --json
  nodewright kinds service            one kind
  nodewright roles membership         one role, with its variables
  nodewright explain RING-DLM         one code")]
pub struct Args {
    /// The pages. Default: their names.
    #[arg(value_name = "PAGE", add = ArgValueCompleter::new(known))]
    pages: Vec<String>,
    /// Write all pages, those of shipped roles and rules too, into this folder as Markdown.
    #[arg(long, short, value_name = "DIR", conflicts_with = "pages")]
    out: Option<PathBuf>,
}

fn known(current: &OsStr) -> Vec<CompletionCandidate> {
    beginning(PAGES.map(|(name, _)| name), current)
}

/// Prints or writes pages of the reference.
///
/// # Errors
/// A page that there is not, a file that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    if let Some(dir) = &args.out {
        write_all(dir)?;
        return Ok(Exit::Done);
    }
    if args.pages.is_empty() {
        for (name, title) in PAGES {
            context.print(&format!("{name:<10}  {title}\n"))?;
        }
        return Ok(Exit::Done);
    }
    for name in &args.pages {
        let Some(page) = page(name) else {
            let known = PAGES.map(|(name, _)| name);
            let near = did_you_mean(name, &known).map_or_else(
                || format!("; there are {}", any_of(&known)),
                |near| format!("; did you mean {}?", shown(&near)),
            );
            let text = format!("the reference has no page {}{near}", shown(name));
            return Err(Usage(text).into());
        };
        context.print(&if context.global.json {
            report::reference_json(&page)
        } else {
            report::reference(&page, &context.style)
        })?;
    }
    Ok(Exit::Done)
}

/// Writes every page as Markdown.
fn write_all(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let library = Library::of([], &mut Sources::default(), &mut Vec::new());
    let pages = PAGES.iter().filter_map(|(name, _)| page(name));
    let mut files: Vec<(String, String)> = pages
        .map(|page| (page.name.to_owned(), report::reference_markdown(&page)))
        .collect();
    files.push(("roles".to_owned(), report::roles(library.roles())));
    files.push(("rules".to_owned(), report::rules(crate::rules::all())));
    for (name, text) in files {
        let path = dir.join(format!("{name}.md"));
        write_whole(&path, text.as_bytes(), 0o644)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
