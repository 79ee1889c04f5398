//! `nodewright lab`.

use crate::exit::Exit;
use crate::lab::{Accel, Backend, Flavour, LabSpec, MachineSpec, Power, UpProgress};
use crate::report::{Align, TextTable, Tone};
use crate::workplace::lab::default_name;
use crate::workplace::{Context, keys};
use anyhow::Context as _;
use clap_complete::ArgValueCompleter;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;

/// Arguments of `lab`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nodewright lab up                 two bare Debian nodes with the names and addresses of the site
  nodewright --lab apply            apply the site to them
  nodewright lab ssh node1          look around
  nodewright lab down

Virtual machines have a kernel, disks and wires of their own:
  nodewright lab up --vm
  nodewright lab save clean         memory and disks of all machines, in a second
  nodewright lab power node2 cut    as if its power cable was pulled
  nodewright lab link node1 eth2 down
  nodewright lab reset clean        back to the saved state")]
pub struct Args {
    /// The name of the lab. Commands with `--lab` use the one that `$NODEWRIGHT_LAB_NAME` names, else `lab`.
    #[arg(long, global = true, default_value_t = default_name())]
    name: String,
    /// The command.
    #[command(subcommand)]
    verb: LabCommand,
}

/// A command on a lab.
#[derive(Debug, clap::Subcommand)]
enum LabCommand {
    /// Start fresh, bare local nodes.
    Up {
        /// Start virtual machines instead of containers, with the network cards, disks and wires of the site.
        #[arg(long, conflicts_with = "root")]
        vm: bool,
        /// The accelerator of virtual machines.
        #[arg(long, value_enum, default_value = "tcg", requires = "vm")]
        accel: Accel,
        /// Memory of each virtual machine, MiB.
        #[arg(long, value_name = "MIB", default_value_t = 512, requires = "vm",
              value_parser = clap::value_parser!(u32).range(256..))]
        memory: u32,
        /// Packages to preinstall in virtual machines: installing many takes minutes under emulation.
        #[arg(long, value_name = "PACKAGE,…", value_delimiter = ',', requires = "vm")]
        install: Vec<String>,
        /// The number of nodes, named node1, node2, …. Default: the nodes of the site, or two.
        #[arg(short = 'n', long)]
        nodes: Option<u8>,
        /// A root filesystem of your own: a folder or a tarball that contains sshd.
        #[arg(long, value_name = "PATH")]
        root: Option<PathBuf>,
    },
    /// Remove the nodes and all their data.
    Down,
    /// List the nodes.
    Status,
    /// Log in on a node, or run a command there.
    Ssh {
        /// The node.
        #[arg(add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
        node: String,
        /// The command.
        #[arg(trailing_var_arg = true)]
        words: Vec<String>,
    },
    /// Save memory and disks of all virtual machines under a name.
    Save {
        /// The name of the saved state.
        tag: String,
    },
    /// Reset all nodes to fresh roots, or to a saved state; names, addresses and host keys stay.
    Reset {
        /// The name of the saved state. Default: fresh roots.
        tag: Option<String>,
    },
    /// Shut a node down, cut its power, start it, or show whether it is on.
    Power {
        /// The node.
        #[arg(add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
        node: String,
        /// The action.
        how: PowerAction,
    },
    /// Unplug or plug wires of a virtual machine.
    Link {
        /// The node.
        #[arg(add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
        node: String,
        /// A zone (all its wires) or a network card.
        #[arg(add = ArgValueCompleter::new(crate::workplace::completers::wires))]
        what: String,
        /// The carrier state to set.
        how: Carrier,
    },
    /// Print the console log of a node.
    Console {
        /// The node.
        #[arg(add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
        node: String,
    },
}

/// Whether there is a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Carrier {
    /// Plugged in.
    Up,
    /// Pulled out.
    Down,
}

/// An action on a node's power, or the query of its state.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum PowerAction {
    /// Shut down cleanly.
    Off,
    /// Cut the power at once.
    Cut,
    /// Stop its processors, as if it hung; its controller still answers (virtual machines).
    Hang,
    /// Start with the existing disks.
    On,
    /// Print `on` or `off`.
    Status,
}

/// Runs the command.
///
/// # Errors
/// Those of the lab.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let name = args.name.as_str();
    match &args.verb {
        LabCommand::Up {
            vm,
            accel,
            memory,
            install,
            nodes,
            root,
        } => {
            let mut spec = match nodes {
                Some(count) => bare(name, *count, *vm),
                None => spec(name, *vm, context)?,
            };
            if *vm {
                spec.flavour = Flavour::Machines(MachineSpec {
                    accel: *accel,
                    memory: *memory,
                    installed: install.clone(),
                });
                passwords(&mut spec, context)?;
            }
            if let Some(root) = root {
                spec.flavour = Flavour::Brought(root.clone());
            }
            crate::lab::up(&spec, &mut |progress| {
                context.note(&progress_text(progress));
            })?;
            status(name, context)?;
        }
        LabCommand::Down => {
            if !crate::lab::down(name)? {
                context.note(&format!("There is no lab {name}.\n"));
            }
        }
        LabCommand::Status => status(name, context)?,
        LabCommand::Ssh { node, words } => {
            let mut command = crate::lab::ssh(name, node, words)?;
            return Err(command.exec()).context("cannot run ssh");
        }
        LabCommand::Power { node, how } => match how {
            PowerAction::Off => crate::lab::power(name, node, Power::Off)?,
            PowerAction::Cut => crate::lab::power(name, node, Power::Cut)?,
            PowerAction::Hang => crate::lab::power(name, node, Power::Hang)?,
            PowerAction::On => crate::lab::power(name, node, Power::On)?,
            PowerAction::Status => {
                let on = crate::lab::is_on(name, node)?;
                context.print(if on { "on\n" } else { "off\n" })?;
            }
        },
        LabCommand::Save { tag } => {
            crate::lab::save(name, tag)?;
        }
        LabCommand::Reset { tag } => {
            match tag {
                Some(tag) => crate::lab::reset_to(name, tag)?,
                None => crate::lab::reset(name)?,
            };
            status(name, context)?;
        }
        LabCommand::Link { node, what, how } => {
            crate::lab::link(name, node, what, *how == Carrier::Up)?;
        }
        LabCommand::Console { node } => context.print(&crate::lab::console(name, node)?)?,
    }
    Ok(Exit::Done)
}

/// The site around as a lab; two bare nodes where there is none.
fn spec(name: &str, vm: bool, context: &Context) -> anyhow::Result<LabSpec> {
    if context.global.site.is_empty() && context.site_dir().is_err() {
        return Ok(bare(name, 2, vm));
    }
    let survey = context.sound()?;
    let site = survey.sound()?;
    Ok(LabSpec::of_site(name, site))
}

/// Gives the management controllers the passwords that the site has for them, as far as its secrets can be opened.
fn passwords(spec: &mut LabSpec, context: &Context) -> anyhow::Result<()> {
    let bmcs = spec
        .nodes
        .iter_mut()
        .filter_map(|node| node.hardware.bmc.as_mut());
    let mut secret: Vec<_> = bmcs.filter(|bmc| bmc.secret.is_some()).collect();
    if secret.is_empty() {
        return Ok(());
    }
    let opened = keys::open(context, &context.site_dir()?);
    let vault = opened.map(|secrets| secrets.vault()).unwrap_or_default();
    let mut missing = Vec::new();
    for bmc in &mut secret {
        let name = bmc.secret.clone().unwrap_or_default();
        match vault.get(&name) {
            Some(value) => bmc.password.clone_from(value),
            None => missing.push(name),
        }
    }
    if !missing.is_empty() {
        let password = crate::lab::BMC_PASSWORD;
        context.note(&format!(
            "No value of {} can be read here: these BMCs take the password `{password}`.\n",
            missing.join(", ")
        ));
    }
    Ok(())
}

fn bare(name: &str, count: u8, vm: bool) -> LabSpec {
    if vm {
        LabSpec::machines(name, count)
    } else {
        LabSpec::debian(name, count)
    }
}

fn progress_text(progress: &UpProgress) -> String {
    match progress {
        UpProgress::Building(path) => {
            format!("Making a root filesystem in {}, once.\n", path.display())
        }
        UpProgress::Roots(took) => format!(
            "The root filesystem is there ({:.1} s).\n",
            took.as_secs_f64()
        ),
        UpProgress::Booting(nodes) => format!("Booting {nodes} nodes.\n"),
        UpProgress::Up(took) => format!("All nodes answer ({:.1} s).\n", took.as_secs_f64()),
    }
}

fn status(name: &str, context: &Context) -> anyhow::Result<()> {
    let (lab, nodes) = crate::lab::status(name)?;
    if context.global.json {
        for node in &nodes {
            let line = serde_json::json!({
                "event": "lab-node",
                "lab": name,
                "node": node.name,
                "address": node.address,
                "processes": node.processes,
                "memory": node.memory,
                "pulled": node.pulled,
            });
            context.print(&format!("{line}\n"))?;
        }
        return Ok(());
    }
    let mut table = TextTable::new(&[
        ("node", Align::Left),
        ("address", Align::Left),
        ("processes", Align::Right),
        ("MiB", Align::Right),
        ("", Align::Left),
    ]);
    for node in nodes {
        let pulled: Vec<String> = node.pulled.iter().map(|n| format!("{n} pulled")).collect();
        let state = if node.processes > 0 && !pulled.is_empty() {
            (Tone::Change, format!("on, {}", pulled.join(", ")))
        } else if node.processes > 0 {
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
    context.print(&table.text(&context.style))?;
    if let Backend::Machines(own) = &lab.backend
        && !own.saved.is_empty()
    {
        context.print(&format!("saved: {}\n", own.saved.join(", ")))?;
    }
    Ok(())
}
