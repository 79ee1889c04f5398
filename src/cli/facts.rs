//! `nodewright facts`.

use super::{Forks, Nodes};

/// Arguments of `facts`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 as the site declares, 3 something differs, 4 a node could not be reached."
)]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// How many nodes at once.
    #[command(flatten)]
    pub forks: Forks,
}
