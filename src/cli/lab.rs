//! `nodewright lab`.

use super::Context;
use crate::exit::Exit;
use crate::lab::{DEFAULT_NAME, Flavour, LabSpec, Power, Progress};
use crate::report::{Align, Table, Tone};
use crate::resource::Platform;
use anyhow::Context as _;
use clap_complete::ArgValueCompleter;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;

/// Arguments of `lab`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nodewright lab up                 two bare Debian nodes, with names and addresses of the site around
  nodewright --lab apply            carry the site out on them
  nodewright lab ssh node1          look around
  nodewright lab down")]
pub struct Args {
    /// The lab's name; labs of different names live beside each other. Commands with `--lab` go to the one called
    /// `$NODEWRIGHT_LAB_NAME`, or `lab`.
    #[arg(long, global = true, default_value_t = default_name())]
    name: String,
    /// What to do.
    #[command(subcommand)]
    verb: Verb,
}

/// What can be done with a lab.
#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Bring local nodes up: fresh, bare, reachable by SSH.
    Up {
        /// How many nodes, called node1, node2, …; without it, the nodes of the site around, or two.
        #[arg(short = 'n', long)]
        nodes: Option<u8>,
        /// A root filesystem of your own for the nodes: a folder or a tarball with sshd in it.
        #[arg(long, value_name = "PATH")]
        root: Option<PathBuf>,
    },
    /// Take the nodes down; nothing of them is left.
    Down,
    /// Show the nodes.
    Status,
    /// Log in on a node, or run a command there.
    Ssh {
        /// The node.
        #[arg(add = ArgValueCompleter::new(super::completions::node_names))]
        node: String,
        /// The command.
        #[arg(trailing_var_arg = true)]
        words: Vec<String>,
    },
    /// Give all nodes fresh roots; names, addresses and host keys stay.
    Reset,
    /// Switch a node off, on, or off as if its cable was pulled.
    Power {
        /// The node.
        #[arg(add = ArgValueCompleter::new(super::completions::node_names))]
        node: String,
        /// What is done to it.
        how: How,
    },
}

/// What can be done to a node's power.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum How {
    /// Shut down in order.
    Off,
    /// Ended at once, mid-write.
    Cut,
    /// Started with the disk it had.
    On,
}

impl From<How> for Power {
    fn from(how: How) -> Self {
        match how {
            How::Off => Self::Off,
            How::Cut => Self::Cut,
            How::On => Self::On,
        }
    }
}

/// The lab that is meant where none is named.
pub fn default_name() -> String {
    std::env::var("NODEWRIGHT_LAB_NAME").unwrap_or_else(|_| DEFAULT_NAME.to_owned())
}

/// What the nodes of that lab run; bare Debian while it is not up.
pub fn platform() -> Platform {
    let lab = crate::lab::State::load(&default_name()).ok().flatten();
    lab.and_then(|lab| crate::facts::platform_of_root(&lab.nodes.first()?.root))
        .unwrap_or(Platform::Debian12)
}

/// Does it.
///
/// # Errors
/// Those of the lab.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let name = args.name.as_str();
    match &args.verb {
        Verb::Up { nodes, root } => {
            let mut spec = match nodes {
                Some(count) => LabSpec::debian(name, *count),
                None => spec(name, context)?,
            };
            if let Some(root) = root {
                spec.flavour = Flavour::Brought(root.clone());
            }
            crate::lab::up(&spec, &mut |progress| context.note(&told(progress)))?;
            status(name, context)?;
        }
        Verb::Down => {
            if !crate::lab::down(name)? {
                context.note(&format!("There is no lab {name}.\n"));
            }
        }
        Verb::Status => status(name, context)?,
        Verb::Ssh { node, words } => {
            let mut command = crate::lab::ssh(name, node, words)?;
            return Err(command.exec()).context("cannot run ssh");
        }
        Verb::Power { node, how } => crate::lab::power(name, node, (*how).into())?,
        Verb::Reset => {
            crate::lab::reset(name)?;
            status(name, context)?;
        }
    }
    Ok(Exit::Done)
}

/// The site around as a lab; two bare nodes where there is none.
fn spec(name: &str, context: &Context) -> anyhow::Result<LabSpec> {
    if context.global.site.is_none() && context.site_dir().is_err() {
        return Ok(LabSpec::debian(name, 2));
    }
    let survey = context.sound()?;
    let site = survey.sound()?;
    Ok(LabSpec::of_site(name, site))
}

fn told(progress: &Progress) -> String {
    match progress {
        Progress::Building(path) => {
            format!("Making a root filesystem in {}, once.\n", path.display())
        }
        Progress::Root(_, took) => format!(
            "The root filesystem is there ({:.1} s).\n",
            took.as_secs_f64()
        ),
        Progress::Booting(nodes) => format!("Booting {nodes} nodes.\n"),
        Progress::Up(took) => format!("All nodes answer ({:.1} s).\n", took.as_secs_f64()),
    }
}

fn status(name: &str, context: &Context) -> anyhow::Result<()> {
    let (_, nodes) = crate::lab::status(name)?;
    if context.global.json {
        for node in &nodes {
            let line = serde_json::json!({
                "event": "lab-node",
                "lab": name,
                "node": node.name,
                "address": node.address,
                "processes": node.processes,
                "memory": node.memory,
            });
            context.print(&format!("{line}\n"))?;
        }
        return Ok(());
    }
    let mut table = Table::new(&[
        ("node", Align::Left),
        ("address", Align::Left),
        ("processes", Align::Right),
        ("MiB", Align::Right),
        ("", Align::Left),
    ]);
    for node in nodes {
        let state = if node.processes > 0 {
            (Tone::Good, "on".to_owned())
        } else {
            (Tone::Bad, "off".to_owned())
        };
        table.toned_row([
            (Tone::Strong, node.name),
            (Tone::Plain, node.address.to_string()),
            (Tone::Plain, node.processes.to_string()),
            (Tone::Plain, (node.memory / (1 << 20)).to_string()),
            state,
        ]);
    }
    context.print(&table.text(&context.look))
}
