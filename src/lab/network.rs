//! A lab's network: a namespace for the controller that holds the bridges, and one for each node.
//!
//! The machine's own network is never touched, and the lab's addresses cannot be seen from it.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use ipnet::IpNet;

use super::spec::LabSpec;
use super::state::{Network, State};
use super::tools;

/// The networks that a lab's addresses are in, each with a bridge and the controller's address.
pub fn networks(spec: &LabSpec) -> Vec<Network> {
    let used: Vec<IpNet> = spec
        .nodes
        .iter()
        .flat_map(|node| node.addresses.iter().map(|address| address.cidr))
        .collect();
    let mut networks: Vec<Network> = Vec::new();
    for address in &used {
        let network = address.trunc();
        if networks.iter().any(|known| known.network == network) {
            continue;
        }
        let given = spec
            .controller
            .iter()
            .find(|own| own.trunc() == network)
            .copied();
        networks.push(Network {
            bridge: format!("br{}", networks.len()),
            network,
            controller: given.or_else(|| last_free(network, &used)),
        });
    }
    networks
}

/// The last address of a network that no node has.
fn last_free(network: IpNet, used: &[IpNet]) -> Option<IpNet> {
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

/// Makes the namespaces, bridges, wires and addresses of a lab.
pub fn make(lab: &State) -> Result<()> {
    let mut controller = vec!["link set lo up".to_owned()];
    for network in &lab.networks {
        let bridge = &network.bridge;
        controller.push(format!("link add {bridge} type bridge"));
        if let Some(own) = network.controller {
            controller.push(format!("addr add {own} dev {bridge}{}", nodad(own)));
        }
        controller.push(format!("link set {bridge} up"));
    }
    for (i, node) in lab.nodes.iter().enumerate() {
        let mut wired: Vec<&str> = Vec::new();
        for address in &node.addresses {
            let (interface, wire) = (&address.interface, format!("v{i}x{}", wired.len()));
            if wired.contains(&interface.as_str()) {
                continue;
            }
            let bridge = lab
                .networks
                .iter()
                .find(|network| network.network == address.cidr.trunc())
                .map(|network| network.bridge.as_str())
                .context("an address of the lab is in none of its networks")?;
            let mac = address
                .mac
                .as_ref()
                .map_or(String::new(), |mac| format!(" address {mac}"));
            controller.push(format!(
                "link add {wire} type veth peer name {interface}{mac} netns {}",
                node.namespace
            ));
            controller.push(format!("link set {wire} master {bridge} up"));
            wired.push(interface);
        }
    }
    for namespace in namespaces(lab) {
        tools::call("ip", ["netns", "add", namespace])?;
    }
    batch(&lab.namespace, &controller)?;
    for node in &lab.nodes {
        let mut lines = vec!["link set lo up".to_owned()];
        for address in &node.addresses {
            let (interface, cidr) = (&address.interface, address.cidr);
            lines.push(format!("addr add {cidr} dev {interface}{}", nodad(cidr)));
            lines.push(format!("link set {interface} up"));
        }
        batch(&node.namespace, &lines)?;
    }
    Ok(())
}

/// A lab's addresses are unique by its making: looking for doubles would only delay the first connection.
fn nodad(address: IpNet) -> &'static str {
    match address {
        IpNet::V4(_) => "",
        IpNet::V6(_) => " nodad",
    }
}

fn namespaces(lab: &State) -> impl Iterator<Item = &str> {
    std::iter::once(lab.namespace.as_str())
        .chain(lab.nodes.iter().map(|node| node.namespace.as_str()))
}

/// One `ip` process for all lines.
fn batch(namespace: &str, lines: &[String]) -> Result<()> {
    let mut child = tools::command("ip")
        .args(["-n", namespace, "-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start `ip`")?;
    if let Some(mut input) = child.stdin.take() {
        // `ip` that ends early says why below.
        let _ = input.write_all((lines.join("\n") + "\n").as_bytes());
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!(
        "the network of {namespace} could not be made: {}",
        said.trim()
    )
}

/// Removes a lab's namespaces and with them its wires and bridges; those that are gone already are passed over.
pub fn remove(lab: &State) -> Result<()> {
    for namespace in namespaces(lab) {
        let path = path(namespace);
        if !path.exists() {
            continue;
        }
        if let Err(error) = tools::call("ip", ["netns", "del", namespace]) {
            // Left by an `ip netns add` that was ended between its two steps: a plain file.
            fs::remove_file(&path).map_err(|_| error)?;
        }
    }
    Ok(())
}

/// Where a named namespace stands.
pub fn path(namespace: &str) -> Box<Path> {
    Path::new("/run/netns").join(namespace).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::spec::{Address, LabNode};

    fn node(name: &str, addresses: &[(&str, &str)]) -> LabNode {
        LabNode {
            name: name.into(),
            addresses: addresses
                .iter()
                .map(|(interface, cidr)| Address::new(*interface, cidr.parse().unwrap()))
                .collect(),
        }
    }

    #[test]
    fn nodes_meet_where_their_networks_are_the_same() {
        let mut spec = LabSpec::new(
            "x",
            vec![
                node("a", &[("eth0", "192.0.2.5/24"), ("eth1", "10.0.3.1/30")]),
                node("b", &[("eth7", "10.0.3.2/30"), ("eth0", "192.0.2.254/24")]),
            ],
        );
        let seen = |spec: &LabSpec| -> Vec<(String, String, Option<String>)> {
            networks(spec)
                .into_iter()
                .map(|n| {
                    (
                        n.bridge,
                        n.network.to_string(),
                        n.controller.map(|own| own.to_string()),
                    )
                })
                .collect()
        };
        let row = |bridge: &str, network: &str, own: Option<&str>| {
            (bridge.to_owned(), network.to_owned(), own.map(Into::into))
        };
        // A full network leaves the controller out; 192.0.2.254 is taken.
        assert_eq!(
            seen(&spec),
            [
                row("br0", "192.0.2.0/24", Some("192.0.2.253/24")),
                row("br1", "10.0.3.0/30", None),
            ]
        );
        spec.controller = vec!["192.0.2.1/24".parse().unwrap()];
        assert_eq!(seen(&spec)[0].2.as_deref(), Some("192.0.2.1/24"));
    }
}
