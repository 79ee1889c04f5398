//! The network of a lab of containers: a namespace for the controller that holds the bridges, and one for each node.
//!
//! The machine's own network is never touched, and the lab's addresses cannot be seen from it.

use anyhow::{Context as _, Result};
use ipnet::IpNet;

use super::{Containers, LabBridge};
use crate::lab::namespace::{self, batch};
use crate::lab::spec::{LabSpec, last_free};
use crate::lab::state::LabState;

/// The networks that a lab's addresses are in, each with a bridge and the controller's address.
pub fn networks(spec: &LabSpec) -> Vec<LabBridge> {
    let used: Vec<IpNet> = spec
        .nodes
        .iter()
        .flat_map(|node| node.addresses.iter().map(|address| address.cidr))
        .collect();
    let mut networks: Vec<LabBridge> = Vec::new();
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
        networks.push(LabBridge {
            bridge: format!("br{}", networks.len()),
            network,
            controller: given.or_else(|| last_free(network, &used)),
        });
    }
    networks
}

/// Makes the namespaces, bridges, wires and addresses of a lab.
pub fn make(lab: &LabState, own: &Containers) -> Result<()> {
    let mut controller = vec!["link set lo up".to_owned()];
    for network in &own.networks {
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
            let bridge = own
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
                lab.namespace_of(&node.name)
            ));
            controller.push(format!("link set {wire} master {bridge} up"));
            wired.push(interface);
        }
    }
    namespace::add(&lab.namespace)?;
    for node in &lab.nodes {
        namespace::add(&lab.namespace_of(&node.name))?;
    }
    batch(&lab.namespace, &controller)?;
    for node in &lab.nodes {
        let mut lines = vec!["link set lo up".to_owned()];
        for address in &node.addresses {
            let (interface, cidr) = (&address.interface, address.cidr);
            lines.push(format!("addr add {cidr} dev {interface}{}", nodad(cidr)));
            lines.push(format!("link set {interface} up"));
        }
        batch(&lab.namespace_of(&node.name), &lines)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::spec::{LabNode, NodeAddress};

    fn node(name: &str, addresses: &[(&str, &str)]) -> LabNode {
        LabNode::new(
            name,
            addresses
                .iter()
                .map(|(interface, cidr)| NodeAddress::new(*interface, cidr.parse().unwrap()))
                .collect(),
        )
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
