//! `nodewright unlock`.

use clap_complete::ArgValueCompleter;

/// Arguments of `unlock`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The lock of a run that is still at work is never taken away; stop the run first."
)]
pub struct Args {
    /// The node.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(super::completions::node_names))]
    pub node: String,
    /// Do not ask after showing who holds it.
    #[arg(long, short)]
    pub yes: bool,
}
