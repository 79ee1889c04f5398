//! `nodewright completions`.

use super::{Context, Usage};
use crate::exit::Exit;
use clap_complete::CompletionCandidate;
use clap_complete::env::Shells;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "For bash: echo 'source <(nodewright completions bash)' >> ~/.bashrc")]
pub struct Args {
    /// The shell.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(["bash", "zsh", "fish", "elvish", "powershell"]))]
    shell: String,
}

/// Prints what the shell has to read.
///
/// # Errors
/// When it cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&args.shell) else {
        return Err(Usage(format!("no completions for {}", args.shell)).into());
    };
    let mut script = Vec::new();
    shell.write_registration(
        "COMPLETE",
        "nodewright",
        "nodewright",
        "nodewright",
        &mut script,
    )?;
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Nodes and groups of the site around, as far as it can be read.
pub fn node_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let context = Context::new(super::Global {
        site: named_site(std::env::args_os()),
        ..super::Global::default()
    });
    let Some(site) = context.survey().ok().and_then(|s| s.site) else {
        return Vec::new();
    };
    let names = site.node_names().chain(site.groups());
    names
        .filter(|name| current.to_str().is_some_and(|c| name.starts_with(c)))
        .map(CompletionCandidate::new)
        .collect()
}

/// The folder that `-C` or `--site` names in a line that is not finished.
fn named_site(words: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let words: Vec<_> = words.collect();
    let after = words
        .windows(2)
        .rfind(|pair| pair[0] == "-C" || pair[0] == "--site")
        .map(|pair| pair[1].clone());
    let glued = |word: &OsString| Some(word.to_str()?.strip_prefix("--site=")?.into());
    after
        .or_else(|| words.iter().rev().find_map(glued))
        .map(PathBuf::from)
}
