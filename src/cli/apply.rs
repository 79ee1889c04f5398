//! `nodewright apply`.

use super::{Forks, Pick};
use clap_complete::ArgValueCompleter;
use std::path::{Path, PathBuf};

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Ctrl-C once: stops after the step under way. Twice: lets go; the nodes go on, and `attach` follows them again.

Examples:
  nodewright apply                  show what would change, ask, do it
  nodewright apply --yes node1      without asking, on one node
  nodewright apply ./change.plan    carry out a saved plan as it was reviewed")]
pub struct Args {
    /// Nodes and groups, or one saved plan (a file); all nodes of the site when nothing is named.
    #[arg(value_name = "NODE|PLAN", add = ArgValueCompleter::new(super::completions::node_names))]
    pub words: Vec<String>,
    /// The resources.
    #[command(flatten)]
    pub pick: Pick,
    /// How many nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
}

impl Args {
    /// The saved plan that is meant: the only word, which is a file. (No node's name holds a dot or a slash.)
    pub fn saved(&self) -> Option<PathBuf> {
        let [word] = self.words.as_slice() else {
            return None;
        };
        let path = Path::new(word);
        (word.contains(['.', '/']) && path.is_file()).then(|| path.to_owned())
    }
}
