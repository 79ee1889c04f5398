//! `nodewright roles`.

use crate::exit::Exit;
use crate::report;
use crate::role::Library;
use crate::site::{Sources, did_you_mean};
use crate::workplace::completers::{self, beginning};
use crate::workplace::{Context, Usage};
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use std::ffi::OsStr;

/// Arguments of `roles`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Outside a site, the shipped roles are shown; inside a site, its own as well."
)]
pub struct Args {
    /// Only these roles.
    #[arg(value_name = "ROLE", add = ArgValueCompleter::new(known))]
    roles: Vec<String>,
}

/// The shipped roles, and those of the site around.
fn known(current: &OsStr) -> Vec<CompletionCandidate> {
    let library = completers::library();
    beginning(library.roles().map(|r| r.name.as_str()), current)
}

/// Prints the reference of roles as Markdown.
///
/// # Errors
/// When a role is not known.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let library = match context.site_dir() {
        Ok(dir) => Library::load(&dir, &mut Sources::default(), &mut Vec::new()),
        Err(_) => Library::of([], &mut Sources::default(), &mut Vec::new()),
    };
    for role in library.roles().filter(|r| !r.sound) {
        let text = format!(
            "the role {} has errors, which `nodewright check` lists",
            role.name
        );
        context.warn(&format!("{text}\n"));
    }
    if args.roles.is_empty() {
        context.print(&report::roles(library.roles()))?;
        return Ok(Exit::Done);
    }
    let mut chosen = Vec::new();
    for name in &args.roles {
        let known: Vec<_> = library.roles().map(|r| r.name.as_str()).collect();
        let near = || {
            did_you_mean(name, &known).map_or_else(
                || format!("; there are {}", known.join(", ")),
                |r| format!("; did you mean `{r}`?"),
            )
        };
        let role = library.role(name);
        chosen.push(role.ok_or_else(|| Usage(format!("no role is called `{name}`{}", near())))?);
    }
    context.print(&report::roles(chosen))?;
    Ok(Exit::Done)
}
