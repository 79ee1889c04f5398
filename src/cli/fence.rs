//! `nodewright fence`.

use crate::exit::Exit;
use crate::operate::fence::Fence;
use crate::workplace::{self, Context};
use clap_complete::ArgValueCompleter;

/// Arguments of `fence`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The cluster's own fencing switches the node off and on: stonith_admin under Pacemaker, fence_node under cman. Everything
that runs there is interrupted; the command waits until the other members have taken over what may move, and says how
long each took. The node itself is not asked, so one that hangs can be fenced. Its name is typed again, whatever the
options (a program writes it to standard input).

It is refused unless every other member is whole: it answers, has quorum, is neither in standby nor drained, and has the
data of its mirrors. So the last member is never fenced. A node that the cluster cannot fence, and that is off, is declared
to be off by `nodewright confirm-fenced NODE`.

Exit codes: 0 fenced, and everything that may move was taken over; 1 failed; 2 not agreed to; 3 refused, since another
member is not whole or the cluster is in maintenance; 4 another member does not answer; 7 another run is at work; 64 no
member.

Example:
  nodewright fence node2")]
pub struct Args {
    /// The member to fence.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub node: String,
    /// The number of seconds that the others may take to take over.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub within: u64,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a node that is no member of a cluster.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    workplace::operate(context, false, |site| {
        Fence::new(site, &args.node, args.within)
    })
}
