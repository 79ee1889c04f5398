//! `nodewright completions`.

use crate::exit::Exit;
use crate::workplace::{Context, Usage};
use clap_complete::env::Shells;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "For bash: echo 'source <(nodewright completions bash)' >> ~/.bashrc")]
pub struct Args {
    /// The shell.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(["bash", "zsh", "fish", "elvish", "powershell"]))]
    shell: String,
}

/// Prints the completion script for a shell.
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
