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
    if args.shell == "bash" {
        script.extend(WHOLE_WORDS.as_bytes());
    }
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// The end of the script for bash, after which its function gets whole words.
const WHOLE_WORDS: &str = r#"
# A word ends for bash at each colon and equals sign, which addresses and options have: the function above gets whole words,
# and of what it offers bash gets the part behind the last of these.
_nodewright_whole_words() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} breaks= word
    local -a COMP_WORDS
    read -ra COMP_WORDS <<<"$line"
    [[ $line == *[[:space:]] ]] && COMP_WORDS+=('')
    local COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    word=${COMP_WORDS[COMP_CWORD]}
    _clap_complete_nodewright "$1" "$word" "${COMP_WORDS[COMP_CWORD - 1]}"
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
    [[ -n $breaks ]] && COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*[$breaks]}"}"}")
}
complete -o nospace -o bashdefault -F _nodewright_whole_words nodewright
"#;
