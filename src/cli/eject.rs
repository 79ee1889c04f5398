//! `nodewright eject`.

use crate::exit::Exit;
use crate::report::write_whole;
use crate::role::Library;
use crate::site::Sources;
use crate::workplace::completers::beginning;
use crate::workplace::{Context, Usage};
use anyhow::Context as _;
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use std::ffi::OsStr;

/// Arguments of `eject`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The first line of a copy names its origin; `nodewright check` warns when the origin has changed since.

Examples:
  nodewright eject base             roles/base.toml and all of templates/base/
  nodewright eject sshd/sshd_config one template")]
pub struct Args {
    /// A shipped role or template.
    #[arg(value_name = "ROLE|TEMPLATE", add = ArgValueCompleter::new(shipped))]
    name: String,
    /// Print the files instead of writing them.
    #[arg(long)]
    print: bool,
}

/// The shipped roles.
fn shipped(current: &OsStr) -> Vec<CompletionCandidate> {
    let library = Library::of([], &mut Sources::default(), &mut Vec::new());
    beginning(library.roles().map(|r| r.name.as_str()), current)
}

/// Copies a shipped role or template into the site.
///
/// # Errors
/// When nothing is shipped under this name, or the site has such a file already.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let files = crate::role::eject(&args.name).map_err(Usage)?;
    if args.print {
        for (_, text) in &files {
            context.print(text)?;
        }
        return Ok(Exit::Done);
    }
    let site = context.site_dir()?;
    if let Some((path, _)) = files.iter().find(|(path, _)| site.join(path).exists()) {
        return Err(Usage(format!(
            "{path} is in the site already; nothing was written"
        ))
        .into());
    }
    for (path, text) in &files {
        let target = site.join(path);
        std::fs::create_dir_all(target.parent().expect("a file of the site is in a folder"))
            .and_then(|()| write_whole(&target, text.as_bytes(), 0o644))
            .with_context(|| format!("cannot write {}", target.display()))?;
        context.note(&format!("{path}\n"));
    }
    // A role names its schema: an editor has to find it.
    let schemas = site.join(super::schema::FOLDER);
    if files.iter().any(|(path, _)| path.starts_with("roles/")) && !schemas.exists() {
        super::schema::write_all(&schemas)?;
        context.note(&format!("{}/\n", super::schema::FOLDER));
    }
    Ok(Exit::Done)
}
