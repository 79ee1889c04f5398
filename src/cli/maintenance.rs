//! `nodewright maintenance`.

use crate::exit::Exit;
use crate::operate::maintenance::Maintenance;
use crate::workplace::{self, Context};
use clap::ValueEnum;

/// Arguments of `maintenance`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
In maintenance the cluster's resource manager leaves everything as it is: it starts, stops, moves and watches nothing,
so that hands can work on what it manages. Under Pacemaker this is the property maintenance-mode; under rgmanager each
service that runs is frozen on its node. The command shows its plan, asks, changes it while it holds the lock of all
members that answer, waits for actions under way to end, and reads the state back from each member.

Exit codes: 0 done, or it was so already; 1 failed, or a member does not have it; 2 not agreed to; 3 the resource
manager runs nowhere, or not where a service is; 4 no member answers; 7 another run is at work.

`nodewright status` says that a cluster is in maintenance, and how it is left.

Examples:
  nodewright maintenance on
  nodewright maintenance off --yes")]
pub struct Args {
    /// Whether the cluster is to be in maintenance.
    #[arg(value_name = "on|off")]
    pub to: To,
    /// Do it without asking.
    #[arg(long, short)]
    pub yes: bool,
}

/// The state that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum To {
    /// In maintenance.
    On,
    /// Not in maintenance.
    Off,
}

/// Does it.
///
/// # Errors
/// An unsound site, or one without a cluster.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    workplace::operate(context, args.yes, |site| {
        Maintenance::new(site, args.to == To::On)
    })
}
