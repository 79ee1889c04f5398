//! `nodewright capture`.

use super::{Forks, Nodes};
use std::path::PathBuf;

/// Arguments of `capture`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Nothing is changed on the node; what the site calls secret is taken out.")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// How many nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Where the specimens go: DIR/NODE/….
    #[arg(long, short, value_name = "DIR", default_value = "specimens")]
    pub out: PathBuf,
}
