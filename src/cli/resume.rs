//! `nodewright resume`.

use super::drain::{DrainOptions, carry_out};
use crate::exit::Exit;
use crate::operate::drain::Direction;
use crate::workplace::Context;
use clap_complete::ArgValueCompleter;

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The constraints of a drain go, and so does standby; the node's storage comes up again. What moved away stays where it is.
With --return, what prefers this node and runs elsewhere is brought back: live where its resource allows it, otherwise by
an outage, for which the name of the node is typed. Nothing is brought back while the node is not whole, for instance
while its mirrors are still being synced.

Exit codes: 0 the node carries again, or nothing was kept off it; 1 failed; 2 not agreed to; 3 refused, since the node is
not in the cluster or the cluster is in maintenance; 4 no member answers; 7 another run is at work; 8 the node carries
again and is not whole yet, so nothing was brought back; 64 no member, or rgmanager.

Examples:
  nodewright resume node1
  nodewright resume node1 --return")]
pub struct Args {
    /// The member that is to carry again.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub node: String,
    /// Bring back what prefers it.
    #[arg(long = "return")]
    pub returning: bool,
    #[command(flatten)]
    pub manner: DrainOptions,
}

/// Does it.
///
/// # Errors
/// An unsound site, a node that is no member of a cluster, rgmanager.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let direction = Direction::Back {
        returning: args.returning,
    };
    carry_out(context, &args.node, direction, &args.manner)
}
