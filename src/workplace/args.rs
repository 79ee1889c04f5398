//! Options that several commands share.

use super::{Context, Usage};
use crate::plan::{Intent, Selection};
use crate::site::words::types::{self, Word as _};
use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Options of every command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The folder of the site. Default: the current folder, or the nearest parent with inventory.toml or inventory/.
    /// `status` takes several.
    #[arg(short = 'C', long, value_name = "DIR", global = true)]
    pub site: Vec<PathBuf>,
    /// Use the nodes of the local lab instead of the real ones, and render for their release.
    #[arg(long, global = true)]
    pub lab: bool,
    /// A private key (age or OpenSSH) that decrypts secrets.age. Default: `~/.ssh/id_ed25519`, `~/.ssh/id_rsa` and
    /// `~/.config/age/keys.txt`.
    #[arg(
        short,
        long,
        value_name = "FILE",
        global = true,
        env = "NODEWRIGHT_IDENTITY",
        hide_env_values = true
    )]
    pub identity: Vec<PathBuf>,
    /// Print results as JSON, one object per line.
    #[arg(long, global = true)]
    pub json: bool,
    /// Connect to NODE at HOST (and PORT) instead of its address in the site, for example to renumber it or to give its
    /// sshd another port. The guard still confirms at the address and port in the site.
    #[arg(long, value_name = "NODE=HOST[:PORT]", global = true, value_parser = at)]
    pub at: Vec<At>,
    /// Show every difference of a long plan on a terminal, too.
    #[arg(long, global = true, action = clap::ArgAction::Count)]
    pub diff: u8,
    /// Show each step (-v), and what is sent (-vv).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Show only results and failures.
    #[arg(short, long, conflicts_with = "verbose", global = true)]
    pub quiet: bool,
    /// When to use colours; `auto`: on a terminal, unless `NO_COLOR` is set.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: Color,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also in pipes and files.
    Always,
    /// Never.
    Never,
}

/// The nodes that a command is about.
#[derive(Clone, Debug, Default, Args)]
pub struct Nodes {
    /// Nodes and groups. Default: all nodes of the site.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(super::completers::node_names))]
    pub nodes: Vec<String>,
}

/// The resources that a command is about.
#[derive(Clone, Debug, Default, Args)]
pub struct Pick {
    /// Select only resources whose address matches this glob (`base/*`, `*/file:/etc/hosts`); repeatable.
    #[arg(long, value_name = "GLOB", add = ArgValueCompleter::new(super::completers::addresses))]
    pub only: Vec<String>,
    /// Leave out resources whose address matches this glob; repeatable.
    #[arg(long, value_name = "GLOB", add = ArgValueCompleter::new(super::completers::addresses))]
    pub skip: Vec<String>,
}

impl Pick {
    /// These arguments as a selection.
    pub fn selection(&self) -> Selection {
        Selection::new(&self.only, &self.skip)
    }
}

/// The outage that a command permits.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Outage {
    /// Allow a change that needs all members of the cluster down: take them down for it, and up again. Without it, such
    /// a change is refused.
    #[arg(long)]
    pub outage: bool,
}

impl Outage {
    /// The intent of the command.
    pub fn intent(self) -> Intent {
        if self.outage {
            Intent::Outage
        } else {
            Intent::Converge
        }
    }
}

/// The runs over which this checkout is applied.
#[derive(Clone, Debug, Default, Args)]
pub struct Over {
    /// Go on though this checkout does not contain the commit that RUN applied (it was amended or rebased, or is in no
    /// git repository here); repeatable.
    #[arg(long, value_name = "RUN", add = ArgValueCompleter::new(super::completers::runs))]
    pub over: Vec<String>,
}

impl Over {
    /// The runs.
    pub fn runs(&self) -> RefCell<BTreeSet<String>> {
        self.over.iter().cloned().collect::<BTreeSet<_>>().into()
    }
}

/// The devices whose content a command may destroy.
#[derive(Clone, Debug, Default, Args)]
pub struct Destroy {
    /// Allow the content of this device of this node to be destroyed where a step needs the device, as a refusal names it
    /// (`node2:/dev/disk/by-id/ID-part7`); repeatable. Asks for the device's path again. Nothing else can allow this.
    #[arg(long, value_name = "NODE:DEVICE", value_parser = device)]
    pub destroy: Vec<(String, String)>,
}

impl Destroy {
    /// The devices, each with its node.
    ///
    /// # Errors
    /// A node that this run does not concern.
    pub fn devices(&self, nodes: &[String]) -> Result<BTreeSet<(String, String)>, Usage> {
        match self.destroy.iter().find(|(node, _)| !nodes.contains(node)) {
            Some((node, device)) => Err(Usage(format!(
                "--destroy {node}:{device}: `{node}` is no node of this run, whose nodes are {}",
                nodes.join(", ")
            ))),
            None => Ok(self.destroy.iter().cloned().collect()),
        }
    }

    /// Whether a person types the path of each device again.
    pub fn agreed(&self, context: &Context) -> bool {
        self.destroy.iter().all(|(node, device)| {
            context.types(
                &format!(
                    "What {device} of {node} carries is lost for good where the plan above changes it.\n\
                     Type the device's path to allow that: "
                ),
                device,
            )
        })
    }
}

/// The number of nodes that are worked on at once.
#[derive(Clone, Copy, Debug, Args)]
pub struct Forks {
    /// The number of nodes to work on in parallel.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub forks: u16,
}

/// Reads `NODE:DEVICE`.
fn device(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((node, device)) if !node.is_empty() && device.starts_with("/dev/") => {
            Ok((node.to_owned(), device.to_owned()))
        }
        _ => Err("it is NODE:DEVICE, such as node2:/dev/disk/by-id/ID-part7".to_owned()),
    }
}

/// Reads `NODE=HOST`.
/// The place where a node is reached in this command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The node.
    pub node: String,
    /// A name or an address.
    pub host: String,
    /// The port of its sshd; that of the site where it is none.
    pub port: Option<u16>,
}

fn at(text: &str) -> Result<At, String> {
    let wrong = || {
        "it is NODE=HOST or NODE=HOST:PORT, such as node1=192.0.2.5 or node1=[2001:db8::5]:22"
            .to_owned()
    };
    let (node, place) = text.split_once('=').ok_or_else(wrong)?;
    // An IPv6 address has colons of its own: with a port it is in brackets.
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
        (
            host,
            port.strip_prefix(':')
                .or(Some(port).filter(|p| !p.is_empty())),
        )
    } else if place.matches(':').count() == 1 {
        let (host, port) = place.split_once(':').ok_or_else(wrong)?;
        (host, Some(port))
    } else {
        (place, None)
    };
    let port = match port {
        Some(text) => Some(
            text.parse::<u16>()
                .ok()
                .filter(|p| *p > 0)
                .ok_or_else(wrong)?,
        ),
        None => None,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_:%".contains(c);
    if node.is_empty() || host.is_empty() || host.starts_with('-') || !host.chars().all(fits) {
        return Err(wrong());
    }
    Ok(At {
        node: node.to_owned(),
        host: host.to_owned(),
        port,
    })
}

/// A length of time of at least a second.
///
/// # Errors
/// A text that is none.
pub fn time(text: &str) -> Result<Duration, String> {
    let time = types::Duration::parse(text)?.get();
    if time < Duration::from_secs(1) {
        return Err("it is at least 1s".to_owned());
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_reached_at_a_host_and_perhaps_a_port() {
        for (text, host, port) in [
            ("n=192.0.2.5", "192.0.2.5", None),
            ("n=192.0.2.5:22", "192.0.2.5", Some(22)),
            ("n=gate.example.net:2022", "gate.example.net", Some(2022)),
            ("n=2001:db8::5", "2001:db8::5", None),
            ("n=[2001:db8::5]", "2001:db8::5", None),
            ("n=[2001:db8::5]:22", "2001:db8::5", Some(22)),
        ] {
            let found = at(text).unwrap();
            assert_eq!((found.host.as_str(), found.port), (host, port), "{text}");
            assert_eq!(found.node, "n");
        }
        for text in [
            "n",
            "n=",
            "=h",
            "n=h:",
            "n=h:0",
            "n=h:65536",
            "n=h:x",
            "n=[::1",
            "n=[::1]22x",
            "n=-o",
        ] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
