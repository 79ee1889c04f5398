//! `nodewright drain`.

use crate::exit::Exit;
use crate::operate::drain::{Direction, Drain};
use crate::workplace::{self, Context};
use clap_complete::ArgValueCompleter;

/// Arguments of `drain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What may move is kept off the node by constraints whose names begin with nodewright-drain-, so it moves to the other
members: live where its resource allows it, otherwise by an outage, which the plan names. Its clones stay, so mirrors stay
connected, and the others keep a second copy. What may run nowhere else stays too. With --storage the node is put in
standby once everything else has moved: then its storage and what may run nowhere else stop as well.

It is refused unless every other member is whole: it answers, has quorum, is neither in standby nor drained, waits for
nobody to be fenced, and has the data of its mirrors. Where service is interrupted, the name of the node is typed, also
with --yes (a program writes it to standard input).

`nodewright resume NODE` takes it back. If it is broken off, the same command goes on from there.

Exit codes: 0 drained, or it was already; 1 failed, or not everything moved in time; 2 not agreed to; 3 refused, since
another member is not whole or the node is not in the cluster; 4 a member does not answer; 7 another run is at work; 64
no member, or rgmanager.

Examples:
  nodewright drain node1
  nodewright drain node1 --storage --within 1800")]
pub struct Args {
    /// The member that is to carry nothing that moves.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub node: String,
    /// Stop its storage as well (standby): mirrors disconnect.
    #[arg(long)]
    pub storage: bool,
    #[command(flatten)]
    pub manner: DrainOptions,
}

/// Options of `drain` and `resume`.
#[derive(Clone, Debug, clap::Args)]
pub struct DrainOptions {
    /// Do it without asking, where nothing is interrupted.
    #[arg(long, short)]
    pub yes: bool,
    /// The number of seconds that the cluster may take each time it starts, stops or moves something.
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub within: u64,
}

/// Does it.
///
/// # Errors
/// An unsound site, a node that is no member of a cluster, rgmanager.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let direction = Direction::Off {
        storage: args.storage,
    };
    carry_out(context, &args.node, direction, &args.manner)
}

/// Does it, one way or the other.
pub(super) fn carry_out(
    context: &Context,
    node: &str,
    direction: Direction,
    manner: &DrainOptions,
) -> anyhow::Result<Exit> {
    workplace::operate(context, manner.yes, |site| {
        Drain::new(site, node, direction, manner.within)
    })
}
