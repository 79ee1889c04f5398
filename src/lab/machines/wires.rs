//! The wires of machines: a bridge for each segment in the controller's namespace, a tap device for each card.
//!
//! A bridge without a filter passes tagged frames as they are, so trunks need nothing more. The controller has an address
//! only where nodes are reached: on the network that an installer would have set up, and on the lab's own.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{MANAGEMENT_LENGTH, Machines};
use crate::lab::hardware::{Segment, SegmentKind};
use crate::lab::namespace::{self, batch};
use crate::lab::spec::{LabSpec, last_free};
use crate::lab::state::LabState;

/// The bridge of the lab's own network.
const MANAGEMENT: &str = "mgmt";

/// A segment with its bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wired {
    /// The segment.
    pub segment: Segment,
    /// Its bridge in the controller's namespace.
    pub bridge: String,
    /// The controller's addresses on it.
    pub controller: Vec<IpNet>,
}

/// The bridges of a lab, with the controller's addresses on them.
pub fn wired(spec: &LabSpec) -> Vec<Wired> {
    let used: Vec<IpNet> = spec
        .nodes
        .iter()
        .flat_map(|node| node.addresses.iter().map(|address| address.cidr))
        .collect();
    let segments = spec.segments.iter().enumerate();
    segments
        .map(|(number, segment)| {
            let mut controller: Vec<IpNet> = Vec::new();
            for node in &spec.nodes {
                let Some(way_in) = &node.hardware.way_in else {
                    continue;
                };
                let card = &way_in.address.interface;
                let nics = &node.hardware.nics;
                let here = nics
                    .iter()
                    .any(|nic| nic.name == *card && nic.segment == segment.name);
                let network = way_in.address.cidr.trunc();
                if !here || controller.iter().any(|own| own.trunc() == network) {
                    continue;
                }
                let given = spec.controller.iter().find(|own| own.trunc() == network);
                controller.extend(given.copied().or_else(|| last_free(network, &used)));
            }
            Wired {
                segment: segment.clone(),
                bridge: format!("s{number}"),
                controller,
            }
        })
        .collect()
}

/// A node's address on the lab's own network, by its number from 0.
pub fn management(number: usize) -> Ipv4Addr {
    let last = u8::try_from(number + 1).expect("a lab has at most 200 nodes");
    Ipv4Addr::new(169, 254, 177, last)
}

/// The tap device of a node's card, by their numbers.
pub fn tap(node: usize, card: usize) -> String {
    format!("t{node}x{card}")
}

/// The tap device of a node's card on the lab's own network.
pub fn management_tap(node: usize) -> String {
    format!("m{node}")
}

/// Makes the controller's namespace with all that is in it.
pub fn make(lab: &LabState, own: &Machines) -> Result<()> {
    let mut lines = vec!["link set lo up".to_owned()];
    lines.push(format!("link add {MANAGEMENT} type bridge"));
    lines.push(format!(
        "addr add {}/{MANAGEMENT_LENGTH} dev {MANAGEMENT}",
        Ipv4Addr::new(169, 254, 177, 254)
    ));
    lines.push(format!("link set {MANAGEMENT} up"));
    for wired in &own.segments {
        let bridge = &wired.bridge;
        lines.push(format!(
            "link add {bridge} type bridge stp_state 0 mcast_snooping 0"
        ));
        // Without an address of its own a bridge is silent.
        lines.push(format!("link set {bridge} addrgenmode none"));
        if wired.controller.is_empty() {
            // Else the controller would answer here for the addresses that it has elsewhere, as any Linux does.
            lines.push(format!("link set {bridge} arp off"));
        }
        for address in &wired.controller {
            let nodad = if address.addr().is_ipv6() {
                " nodad"
            } else {
                ""
            };
            lines.push(format!("addr add {address} dev {bridge}{nodad}"));
        }
        lines.push(format!("link set {bridge} up"));
    }
    for (i, machine) in own.machines.iter().enumerate() {
        add_tap(&mut lines, &management_tap(i), MANAGEMENT, 1500);
        for (j, nic) in machine.hardware.nics.iter().enumerate() {
            if let Some(wired) = own.segment(&nic.segment) {
                let tap = tap(i, j);
                add_tap(&mut lines, &tap, &wired.bridge, wired.segment.mtu);
                if wired.segment.kind == SegmentKind::Cable {
                    // A cable passes LACP, which a switch answers itself.
                    lines.push(format!("link set {tap} type bridge_slave group_fwd_mask 4"));
                }
            }
        }
    }
    if let Some(operator) = own.operator {
        appear_as(&mut lines, own, operator);
    }
    namespace::add(&lab.namespace)?;
    batch(&lab.namespace, &lines)
}

fn add_tap(lines: &mut Vec<String>, tap: &str, bridge: &str, mtu: u32) {
    lines.push(format!("tuntap add dev {tap} mode tap vnet_hdr"));
    lines.push(format!("link set {tap} mtu {mtu}"));
    lines.push(format!("link set {tap} addrgenmode none"));
    lines.push(format!("link set {tap} master {bridge} up"));
}

/// Connections to the nodes come from this address; their answers come back by the gateway, which the controller is.
fn appear_as(lines: &mut Vec<String>, own: &Machines, operator: IpAddr) {
    let same_kind = |net: &&IpNet| net.addr().is_ipv4() == operator.is_ipv4();
    let gateways: Vec<IpAddr> = own
        .machines
        .iter()
        .filter_map(|machine| machine.hardware.way_in.as_ref()?.gateway)
        .collect();
    let mut added = false;
    for wired in &own.segments {
        let behind = wired.controller.iter().filter(same_kind);
        for own in behind.filter(|own| gateways.contains(&own.addr())) {
            if !added {
                lines.push(format!("addr add {operator} dev lo"));
                added = true;
            }
            lines.push(format!(
                "route replace {} dev {} src {operator}",
                own.trunc(),
                wired.bridge
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controller_is_the_gateway_where_nodes_are_reached_and_nothing_elsewhere() {
        let site = include_str!("../../../inventory/crosslink/inventory.toml");
        let loaded = crate::site::load_str(site);
        let spec = LabSpec::of_site("t", &loaded.site.unwrap());
        let shown: Vec<String> = wired(&spec)
            .iter()
            .map(|w| {
                let own: Vec<String> = w.controller.iter().map(ToString::to_string).collect();
                format!("{} {} {}", w.bridge, w.segment.name, own.join(" "))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "s0 eth0 192.0.2.1/24",
                "s1 eth1 ",
                "s2 eth2 ",
                "s3 eth3 ",
                "s4 eth4.node1 ",
                "s5 eth4.node2 "
            ]
        );
        let plain = wired(&LabSpec::machines("t", 2));
        assert_eq!(plain[0].controller, ["10.77.255.254/16".parse().unwrap()]);
    }
}
