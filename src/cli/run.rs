//! `nodewright run`.

use super::{Forks, Nodes};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nodewright run -- uptime
  nodewright run node1 -- sh -c 'df -h | tail -3'
  nodewright run hypervisors --parallel -- rpm -q kernel")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// How many nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// On all nodes at once; otherwise one node of a cluster at a time.
    #[arg(long)]
    pub parallel: bool,
    /// The command and its arguments, as they are: no shell reads them.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub words: Vec<String>,
}
