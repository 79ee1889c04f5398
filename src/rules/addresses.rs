//! Addresses, networks and gateways.

use super::{Rule, at, found, once, path};
use crate::site::{Finding, Severity, Site};
use ipnet::IpNet;
use std::net::IpAddr;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "ADDRESS-TWICE",
        severity: Severity::Error,
        title: "No address is given twice.",
        why: "Two that answer to one address lose each other's packets (27).",
        check: twice,
    },
    Rule {
        code: "ADDRESS-NETWORK",
        severity: Severity::Error,
        title: "An address is in its zone's network, and is a host's.",
        why: "Outside it, neither end finds the other (27, 38, 65).",
        check: network,
    },
    Rule {
        code: "ADDRESS-PROJECTS",
        severity: Severity::Error,
        title: "A node has no address in a zone of projects.",
        why: "Each project is a network of its own for guests; there is no device for it.",
        check: projects,
    },
    Rule {
        code: "NETWORK-OVERLAP",
        severity: Severity::Error,
        title: "Zones have networks that do not overlap.",
        why: "The kernel would send one zone's packets over the other's link (31).",
        check: overlap,
    },
    Rule {
        code: "GATEWAY-TWICE",
        severity: Severity::Error,
        title: "One zone has the default gateway.",
        why: "With two, which one is used depends on what starts last (28).",
        check: gateway_twice,
    },
    Rule {
        code: "GATEWAY-NETWORK",
        severity: Severity::Error,
        title: "The gateway is in its zone's network.",
        why: "A gateway elsewhere cannot be reached (28).",
        check: gateway_network,
    },
    Rule {
        code: "GATEWAY-CROSSLINK",
        severity: Severity::Error,
        title: "Ring, mirrors and BMCs have no gateway.",
        why: "These links end at the other node; nothing lies behind them (28).",
        check: gateway_crosslink,
    },
];

fn twice(site: &Site, findings: &mut Vec<Finding>) {
    let mut all: Vec<(IpAddr, Vec<String>)> = Vec::new();
    for (name, zone) in &site.inventory.zone {
        if let Some(gateway) = &zone.gateway {
            all.push((gateway.ip(), path(&["zone", name.as_str(), "gateway"])));
        }
    }
    for (name, node) in site.nodes() {
        for (zone, address) in &node.address {
            all.push((
                address.ip(),
                path(&["node", name, "address", zone.as_str()]),
            ));
        }
    }
    once(site, all, "address", "give each its own", findings);
}

fn network(site: &Site, findings: &mut Vec<Finding>) {
    for (name, node) in site.nodes() {
        for (zone, address) in &node.address {
            let (net, place) = match site.inventory.zone.get(zone.as_str()) {
                Some(z) => (
                    z.network.as_ref(),
                    path(&["zone", zone.as_str(), "network"]),
                ),
                None => (
                    site.inventory.serial.as_ref().map(|s| &s.network),
                    path(&["serial", "network"]),
                ),
            };
            let own = site
                .address(name, zone.as_str())
                .and_then(|(ip, prefix)| IpNet::new(ip, prefix?).ok());
            let message = match (net.map(crate::site::types::Network::net), own) {
                (Some(net), _) if !net.contains(&address.ip()) => {
                    format!("{} is not in {net}", address.ip())
                }
                (Some(net), _) if address.prefix().is_some_and(|p| p != net.prefix_len()) => {
                    format!("{address} has another prefix than {net}")
                }
                (_, Some(own)) if is_edge(own) => {
                    format!("{} is the first or last of its network", address.ip())
                }
                _ => continue,
            };
            findings.push(
                found(message)
                    .at(at(site, &["node", name, "address", zone.as_str()]))
                    .label(format!("`{name}` in zone `{zone}`"))
                    .help("correct the address or the network")
                    .also(at(site, &place).filter(|_| net.is_some()), "the network"),
            );
        }
    }
}

/// The network's own address or its broadcast address.
fn is_edge(net: IpNet) -> bool {
    match net {
        IpNet::V4(n) => {
            n.prefix_len() < 31 && (n.addr() == n.network() || n.addr() == n.broadcast())
        }
        IpNet::V6(n) => n.prefix_len() < 127 && n.addr() == n.network(),
    }
}

fn projects(site: &Site, findings: &mut Vec<Finding>) {
    for (name, node) in site.nodes() {
        for zone in node.address.keys() {
            if site
                .inventory
                .zone
                .get(zone.as_str())
                .is_some_and(|z| !z.vlans.is_empty())
            {
                findings.push(
                    found(format!(
                        "`{name}` has an address in zone `{zone}`, which has a VLAN a project"
                    ))
                    .at(at(site, &["node", name, "address", zone.as_str()]))
                    .help("take it out, or make the zone one VLAN: `vlan = …`")
                    .also(at(site, &["zone", zone.as_str(), "vlans"]), "the projects"),
                );
            }
        }
    }
}

fn overlap(site: &Site, findings: &mut Vec<Finding>) {
    let zones = site.inventory.zone.iter().filter_map(|(name, z)| {
        Some((
            path(&["zone", name.as_str(), "network"]),
            z.network.as_ref()?.net(),
        ))
    });
    let serial = site
        .inventory
        .serial
        .iter()
        .map(|s| (path(&["serial", "network"]), s.network.net()));
    let all: Vec<_> = zones.chain(serial).collect();
    for (i, (here, net)) in all.iter().enumerate() {
        for (there, other) in &all[..i] {
            if net.contains(other) || other.contains(net) {
                findings.push(
                    found(format!("{net} and {other} overlap"))
                        .at(at(site, here))
                        .help("give each zone a network of its own")
                        .also(at(site, there), "the other"),
                );
            }
        }
    }
}

fn gateways(site: &Site) -> Vec<(&str, IpAddr)> {
    let zones = site.inventory.zone.iter();
    zones
        .filter_map(|(name, z)| Some((name.as_str(), z.gateway.as_ref()?.ip())))
        .collect()
}

fn gateway_twice(site: &Site, findings: &mut Vec<Finding>) {
    let all = gateways(site);
    for (i, (zone, ip)) in all.iter().enumerate() {
        if let Some((first, _)) = all[..i]
            .iter()
            .find(|(_, other)| other.is_ipv4() == ip.is_ipv4())
        {
            findings.push(
                found(format!("zones `{first}` and `{zone}` both have a gateway"))
                    .at(at(site, &["zone", zone, "gateway"]))
                    .help("keep that of the zone that leads to the Internet")
                    .also(at(site, &["zone", first, "gateway"]), "the other"),
            );
        }
    }
}

fn gateway_network(site: &Site, findings: &mut Vec<Finding>) {
    for (zone, ip) in gateways(site) {
        let net = site
            .inventory
            .zone
            .get(zone)
            .and_then(|z| z.network.as_ref());
        if !net.is_some_and(|n| n.net().contains(&ip)) {
            findings.push(
                found(format!(
                    "gateway {ip} is not in the network of zone `{zone}`"
                ))
                .at(at(site, &["zone", zone, "gateway"]))
                .help("correct the gateway or the network")
                .also(
                    net.and_then(|_| at(site, &["zone", zone, "network"])),
                    "the network",
                ),
            );
        }
    }
}

fn gateway_crosslink(site: &Site, findings: &mut Vec<Finding>) {
    let ring = site.inventory.cluster.as_ref().map(|c| c.ring.as_str());
    let mirrors = (!site.inventory.mirror.is_empty()).then_some("grey");
    for (zone, _) in gateways(site) {
        let crossed = site.inventory.zone.get(zone).is_some_and(|z| z.crossed);
        if Some(zone) == ring || Some(zone) == mirrors || crossed {
            findings.push(
                found(format!(
                    "zone `{zone}` ends at the other node and has a gateway"
                ))
                .at(at(site, &["zone", zone, "gateway"]))
                .help("take it out"),
            );
        }
    }
}
