//! `nodewright knock`.

use crate::exit::Exit;
use crate::workplace::{self, Context, Usage};
use anyhow::Context as _;
use clap_complete::ArgValueCompleter;

/// Arguments of `knock`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Commands that connect send the knock themselves where `reach` says `knock ZONE`. To use ssh yourself:
  nodewright knock node1 && ssh root@192.0.2.5")]
pub struct Args {
    /// The nodes.
    #[arg(value_name = "NODE", required = true, add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub nodes: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, an unknown node, a site without knocking, secrets that cannot be opened.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&args.nodes)?;
    if context.global.lab {
        return Err(Usage("a lab's nodes are reached without knocking".to_owned()).into());
    }
    let site = &place.site;
    let Some(knock) = &site.inventory.firewall.knock else {
        return Err(Usage("this site describes no knocking in `[firewall]`".to_owned()).into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let door = place.doors(context, None);
    let mut exit = Exit::Done;
    for node in nodes {
        let zones = site.firewall(&node).knocking;
        let addresses: Vec<_> = zones
            .iter()
            .filter_map(|zone| site.address(&node, zone))
            .map(|(address, _)| address)
            .collect();
        if addresses.is_empty() {
            context.warn(&format!("{node}: it has no address to knock at\n"));
            exit = Exit::Unreachable;
        }
        for address in addresses {
            match runtime.block_on(door(address).knock()) {
                Ok(count) => context.print(&format!(
                    "{node}: knocked {count} times at {address}; the port is open to this machine for {}\n",
                    knock.open
                ))?,
                Err(failure) => {
                    context.warn(&format!("{node}: {failure}\n"));
                    exit = Exit::Unreachable;
                }
            }
        }
    }
    Ok(exit)
}
