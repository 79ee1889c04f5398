//! `nodewright start`.

use crate::exit::Exit;
use crate::operate::alone::StartAlone;
use crate::operate::start::ClusterStart;
use crate::workplace::{self, Context, time};
use clap_complete::ArgValueCompleter;
use std::time::Duration;

/// Arguments of `start`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A member that does not answer, and of which a fence device reports to another one that it is off, is switched on by that
device. Then the membership is started on all members at once, then the resource manager, then mirrors, shared filesystems and
guests; each time the command says for what it waits. What runs already is left alone.

It needs every member: one that does not answer and is not known to be off is named, and nothing is begun.

--alone NODE starts one member of two without the other. After both lost their power a lone member is refused twice: it has no
quorum until it has seen the other one once, and its mirrors are Consistent and not UpToDate, since the other one may have gone on
alone. The command shows both, with the generation of each mirror and what the other one may hold. It is refused at any sign of
life of the other one, whose name is typed: by that it is declared to be off, where its fence device does not report that. A mirror
that is not up to date is left as it is, unless --force names it.

Exit codes: 0 everything runs that is to run; 1 failed, or not everything came up in time; 2 not agreed to; 3 a member does not
say how it is, or a mirror is not up to date; 4 a member does not answer; 5 the other member shows that it is on; 7 another run is at work.

Examples:
  nodewright start
  nodewright start --within 1h
  nodewright start --alone node1
  nodewright start --alone node1 --force r0")]
pub struct Args {
    /// The time that it may take: `15m`, `1h`.
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = time)]
    pub within: Duration,
    /// Start this member without the other one, which is off.
    #[arg(long, value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub alone: Option<String>,
    /// With --alone: take this member's data of a mirror, whatever the other one has.
    #[arg(long, value_name = "MIRROR", requires = "alone")]
    pub force: Vec<String>,
    /// Do it without asking.
    #[arg(long, short)]
    pub yes: bool,
}

/// Does it.
///
/// # Errors
/// An unsound site, or one without a cluster.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    match &args.alone {
        None => workplace::operate(context, args.yes, |site| {
            ClusterStart::new(site, args.within)
        }),
        Some(node) => workplace::operate(context, false, |site| {
            StartAlone::new(site, node, &args.force, args.within)
        }),
    }
}
