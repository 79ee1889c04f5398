//! `nodewright stop`.

use crate::exit::Exit;
use crate::operate::stop::ClusterStop;
use crate::workplace::{self, Context, time};
use std::time::Duration;

/// Arguments of `stop`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Everything that the cluster runs is stopped, guests first, then the storage beneath them; then the resource manager on all
members at once, then the membership on all at once, so that none sees another one fail and fences it. A layer is begun
once the one above it is down everywhere. The nodes stay on.

Nothing is forced: --within is a limit, as of a UPS. What is not down by then is named, nothing beneath it is touched, and the
cluster goes on stopping it. Under Pacemaker nothing is started until `nodewright start`, also where a member is booted
meanwhile; the property stop-all-resources says so.

The name of the site is typed, whatever the options (a program writes it to standard input). If it is broken off, the same command goes on from there.

Exit codes: 0 down, or it was already; 1 failed, or not everything was down in time; 2 not agreed to; 3 refused, since the
cluster is in maintenance or a member does not say how it is; 4 a member that may be in the cluster does not answer; 7
another run is at work.

Examples:
  nodewright stop
  echo crosslink | nodewright stop --within 5m")]
pub struct Args {
    /// The time that it may take: `5m`, `300s`.
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = time)]
    pub within: Duration,
}

/// Does it.
///
/// # Errors
/// An unsound site, or one without a cluster.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    workplace::operate(context, false, |site| ClusterStop::new(site, args.within))
}
