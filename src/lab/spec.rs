//! The specification of a lab: its name, its nodes and their hardware.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Result, bail};
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use super::hardware::{Hardware, MachineSpec, Segment};

/// A lab to bring up.
#[derive(Clone, Debug)]
pub struct LabSpec {
    /// Its name: lower-case letters, digits and `-`, at most 24. Labs of different names live beside each other.
    pub name: String,
    /// Its nodes.
    pub nodes: Vec<LabNode>,
    /// The type of its nodes.
    pub flavour: Flavour,
    /// Addresses that the controller must have (a site's gateway, the operator's own), with their network's length.
    ///
    /// A network without one gives the controller its last free address; one that is full gives it none.
    pub controller: Vec<IpNet>,
    /// The place where the wires of machines end. Containers have a bridge for each network instead.
    pub segments: Vec<Segment>,
    /// The address that the operator seems to come from, beyond the controller's gateway; machines only.
    pub operator: Option<IpAddr>,
    /// A private key whose public half (`.pub` beside it) the nodes accept for root; without one, a new pair is made.
    pub key: Option<PathBuf>,
    /// The program that knows the `lab-pipe` subcommand; without it, the running one.
    pub program: Option<PathBuf>,
}

/// One node of a lab.
#[derive(Clone, Debug)]
pub struct LabNode {
    /// Its host name: lower-case letters, digits and `-`, at most 32.
    pub name: String,
    /// Its addresses. Nodes whose addresses share a network share a bridge. The first one is the one it is reached at.
    pub addresses: Vec<NodeAddress>,
    /// The codename of the Debian that it runs; this machine's own release where none is named. A root that the user
    /// brings is what it is.
    pub codename: Option<String>,
    /// Its hardware, as a virtual machine.
    pub hardware: Hardware,
}

impl LabNode {
    /// A node of this name with these addresses.
    pub fn new(name: impl Into<String>, addresses: Vec<NodeAddress>) -> Self {
        Self {
            name: name.into(),
            addresses,
            codename: None,
            hardware: Hardware::default(),
        }
    }
}

/// An address of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddress {
    /// The interface that has it, such as `eth0`.
    pub interface: String,
    /// The address and the length of its network.
    pub cidr: IpNet,
    /// The interface's MAC; the kernel chooses where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

impl NodeAddress {
    /// An address whose interface takes any MAC.
    pub fn new(interface: impl Into<String>, cidr: IpNet) -> Self {
        Self {
            interface: interface.into(),
            cidr,
            mac: None,
        }
    }

    /// The same with a given MAC.
    #[must_use]
    pub fn with_mac(mut self, mac: impl Into<String>) -> Self {
        self.mac = Some(mac.into());
        self
    }
}

/// The type of a lab's nodes.
#[derive(Clone, Debug)]
pub enum Flavour {
    /// Bare Debian nodes, each of its release, with systemd.
    Debian,
    /// A root filesystem that the user brings, as a folder or a tarball.
    ///
    /// It needs `sshd` with root's login by key allowed (what OpenSSH allows by default); it boots with its systemd
    /// where it has one, else `sshd` is its first process, after the start scripts of runlevel 3. The libraries of an
    /// EL 6 one need a kernel that was started with `vsyscall=emulate`.
    Brought(PathBuf),
    /// Folders to lay over each other, the uppermost first; for tests that need nodes of their own making.
    Layers(Vec<PathBuf>, FirstProcess),
    /// Virtual machines with a bare Debian and Debian's kernel.
    Machines(MachineSpec),
}

/// The first process of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstProcess {
    /// The root's systemd, by `systemd-nspawn --boot`.
    Systemd,
    /// `sshd` itself, at this path within the root; no other daemon runs.
    Sshd(PathBuf),
}

impl LabSpec {
    /// A lab of `count` bare Debian nodes `node1`, `node2`, … at 10.77.1.1, 10.77.1.2, …
    pub fn debian(name: impl Into<String>, count: u8) -> Self {
        Self::new(
            name,
            (1..=count)
                .map(|i| {
                    let cidr = Ipv4Net::new_assert([10, 77, 1, i].into(), 16);
                    LabNode::new(
                        format!("node{i}"),
                        vec![NodeAddress::new("eth0", cidr.into())],
                    )
                })
                .collect(),
        )
    }

    /// A lab of bare Debian nodes with given names and addresses.
    pub fn new(name: impl Into<String>, nodes: Vec<LabNode>) -> Self {
        Self {
            name: name.into(),
            nodes,
            flavour: Flavour::Debian,
            controller: Vec::new(),
            segments: Vec::new(),
            operator: None,
            key: None,
            program: None,
        }
    }

    /// Checks names and addresses before anything is made.
    pub fn check(&self) -> Result<()> {
        check_name("the lab", &self.name, 24)?;
        if self.nodes.is_empty() || self.nodes.len() > 200 {
            bail!("a lab has 1 to 200 nodes, not {}", self.nodes.len());
        }
        let mut names = HashSet::new();
        let mut addresses = HashSet::new();
        for node in &self.nodes {
            check_name("a node of the lab", &node.name, 32)?;
            if !names.insert(&node.name) {
                bail!("two nodes of the lab are named `{}`", node.name);
            }
            let machine = matches!(self.flavour, Flavour::Machines(_));
            if node.addresses.is_empty() && !machine {
                bail!("node `{}` of the lab has no address", node.name);
            }
            for address in &node.addresses {
                check_interface(&address.interface)?;
                if !addresses.insert(address.cidr.addr()) {
                    bail!("address {} is used twice in the lab", address.cidr.addr());
                }
            }
        }
        for address in &self.controller {
            if !addresses.insert(address.addr()) {
                bail!("address {} is used twice in the lab", address.addr());
            }
        }
        Ok(())
    }
}

/// The last address of a network that no node has.
pub fn last_free(network: IpNet, used: &[IpNet]) -> Option<IpNet> {
    let taken = |address: IpAddr| used.iter().any(|other| other.addr() == address);
    let free = match network {
        IpNet::V4(four) => {
            let last = u32::from(four.broadcast());
            (u32::from(four.network()) + 1..last)
                .rev()
                .take(256)
                .map(|number| IpAddr::V4(number.into()))
                .find(|address| !taken(*address))
        }
        IpNet::V6(six) => {
            let last = u128::from(six.broadcast());
            (u128::from(six.network()) + 1..last)
                .rev()
                .take(256)
                .map(|number| IpAddr::V6(number.into()))
                .find(|address| !taken(*address))
        }
    }?;
    IpNet::new(free, network.prefix_len()).ok()
}

/// Fails unless a name can be part of namespaces, folders and host names.
pub fn check_name(what: &str, name: &str, most: usize) -> Result<()> {
    let fits = !name.is_empty()
        && name.len() <= most
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        Ok(())
    } else {
        bail!(
            "{what} cannot be named `{name}`: lower-case letters, digits and `-` inside, at most {most}"
        )
    }
}

fn check_interface(name: &str) -> Result<()> {
    let fits = (1..16).contains(&name.len())
        && name != "lo"
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && !name.starts_with(['.', '-']);
    if fits {
        Ok(())
    } else {
        bail!("`{name}` cannot name an interface: at most 15 letters, digits, `.`, `_` and `-`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_checked() {
        LabSpec::debian("t-1", 3).check().unwrap();
        let broken = |change: &dyn Fn(&mut LabSpec)| {
            let mut spec = LabSpec::debian("t", 2);
            change(&mut spec);
            spec.check().unwrap_err().to_string()
        };
        assert!(broken(&|spec| spec.name = "../x".into()).contains("`../x`"));
        assert!(broken(&|spec| spec.name = "a.b".into()).contains("`a.b`"));
        assert!(broken(&|spec| spec.nodes.clear()).contains("1 to 200"));
        assert!(broken(&|spec| spec.nodes[1].name = "node1".into()).contains("two nodes"));
        assert!(broken(&|spec| spec.nodes[1].addresses.clear()).contains("no address"));
        assert!(
            broken(&|spec| spec.nodes[0].addresses[0].interface = "lo".into()).contains("`lo`")
        );
        assert!(
            broken(&|spec| spec.controller = vec!["10.77.1.2/16".parse().unwrap()])
                .contains("10.77.1.2 is used twice")
        );
    }
}
