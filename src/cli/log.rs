//! `nodewright log`.

use super::{Forks, Nodes};

/// Arguments of `log`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nodewright log                                the latest runs of all nodes
  nodewright log node1 --run 20261121-0903-a1   what that run changed there")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// How many nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// One run, in full.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// How many runs a node.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub number: usize,
}
