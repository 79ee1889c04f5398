//! `nodewright plan`.

use super::{Forks, Nodes, Pick};
use std::path::PathBuf;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 nothing to do, 2 changes are pending, 3 only findings, 4 a node could not be reached, 5 refused.

Examples:
  nodewright plan                               everything
  nodewright plan node1 --only '*/file:/etc/*'  the files under /etc of one node
  nodewright plan --out change.plan             to be reviewed, then: nodewright apply change.plan")]
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
    /// Save the plan: what is approved is then carried out by `apply FILE`, or refused where a node moved meanwhile.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
