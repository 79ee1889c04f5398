//! `nodewright attach`.

use clap_complete::ArgValueCompleter;

/// Arguments of `attach`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(super::completions::node_names))]
    pub node: String,
    /// The run; the latest where none is named.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
}
