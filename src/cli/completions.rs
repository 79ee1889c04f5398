//! `nodewright completions`.

use super::{Context, Usage};
use crate::exit::Exit;
use clap_complete::CompletionCandidate;
use clap_complete::env::Shells;
use std::ffi::OsStr;

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

/// Nodes and groups of the site around, whatever else may be wrong with it.
pub fn node_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else {
        return Vec::new();
    };
    let _ = current;
    Vec::new()
}
