//! `nodewright verify`.

use super::{Forks, Nodes, Pick};
use std::path::PathBuf;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 all checks hold, 3 some do not, 4 a node could not be reached.

Examples:
  nodewright verify                     what does not hold
  nodewright verify -v                  what holds, too
  nodewright verify --junit checks.xml  for a build server")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The resources.
    #[command(flatten)]
    pub pick: Pick,
    /// How many nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Write the results as JUnit XML, too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}
