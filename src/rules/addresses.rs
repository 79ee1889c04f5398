//! Addresses, networks and gateways.

use super::{Rule, at, found, once, path};
use crate::site::words::types::{HostAddress, Network};
use crate::site::{Finding, Severity, Site};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "ADDRESS-TWICE",
        severity: Severity::Error,
        title: "No two hosts have the same address.",
        why: "Two hosts that answer ARP for one address receive each other's packets.",
        facts: &["network#addresses"],
        check: twice,
    },
    Rule {
        code: "NAME-TWICE",
        severity: Severity::Error,
        title: "No two addresses have the same name in /etc/hosts.",
        why: "A name leads to the first address that it stands beside, so the other is never reached by it.",
        facts: &["membership#names"],
        check: name_twice,
    },
    Rule {
        code: "ADDRESS-NETWORK",
        severity: Severity::Error,
        title: "A node's address is a host address in its zone's network.",
        why: "A node with an address outside the network, or with the network or broadcast address, cannot talk to its neighbours.",
        facts: &["network#addresses"],
        check: network,
    },
    Rule {
        code: "ADDRESS-PROJECTS",
        severity: Severity::Error,
        title: "A node has no address in a zone with `vlans`.",
        why: "Such a zone has a VLAN and a network of guests for each project, so no device of it could carry the node's address.",
        facts: &[],
        check: projects,
    },
    Rule {
        code: "NETWORK-OVERLAP",
        severity: Severity::Error,
        title: "The zones' networks do not overlap.",
        why: "The kernel picks one route for an address, so packets for one zone would leave over the other zone's link.",
        facts: &["network#routes"],
        check: overlap,
    },
    Rule {
        code: "EXTRA-ALONE",
        severity: Severity::Error,
        title: "A node with further addresses in a zone has a first address there.",
        why: "Without a first address the zone has no device on the node that could take the others.",
        facts: &[],
        check: extra_alone,
    },
    Rule {
        code: "MTU-IPV6",
        severity: Severity::Error,
        title: "A link with an IPv6 address has an MTU of 1280 bytes or more.",
        why: "The kernel turns IPv6 off on a link with a smaller MTU.",
        facts: &["network#addresses"],
        check: mtu_ipv6,
    },
];

fn twice(site: &Site, findings: &mut Vec<Finding>) {
    let gateways = site.inventory.zone.iter().filter_map(|(name, zone)| {
        let gateway = zone.gateway.as_ref()?.ip();
        Some((gateway, path(&["zone", name.as_str(), "gateway"])))
    });
    let all: Vec<_> = gateways.chain(all(site)).collect();
    once(site, all, "address", "give each its own", findings);
}

/// Names are made: a node's own, `NODE-ZONE` for its address in a zone, `NODE-bmc` for its management controller.
fn name_twice(site: &Site, findings: &mut Vec<Finding>) {
    let mut leads: BTreeMap<String, IpAddr> = BTreeMap::new();
    let named = site.hosts().into_iter();
    let named = named.flat_map(|(ip, names)| names.into_iter().map(move |name| (name, ip)));
    for (name, ip) in named {
        let first = *leads.entry(name.clone()).or_insert(ip);
        if first == ip {
            continue;
        }
        let maker = site.node_names().find_map(|node| {
            let zone = name.strip_prefix(node)?.strip_prefix('-')?;
            site.inventory
                .zone
                .contains_key(zone)
                .then_some((node, zone))
        });
        let place = match maker {
            Some((node, zone)) => at(site, &["node", node, "address", zone]),
            None => at(site, &["node", &name]),
        };
        findings.push(
            found(format!("`{name}` would be {first} as well as {ip}"))
                .at(place)
                .help(match maker {
                    Some((_, zone)) => format!("call the zone `{zone}` otherwise"),
                    None => "call the node otherwise".to_owned(),
                }),
        );
    }
}

fn network(site: &Site, findings: &mut Vec<Finding>) {
    for (name, node) in site.nodes() {
        for (zone, address) in &node.address {
            let own = site
                .address(name, zone.as_str())
                .and_then(|(ip, prefix)| IpNet::new(ip, prefix?).ok());
            let here = ["node", name, "address", zone.as_str()];
            in_network(site, &here, address, own, findings);
        }
        for (zone, extra) in &node.extra_address {
            let own = site.extra_addresses(name, zone.as_str());
            for (i, (address, (ip, prefix))) in extra.iter().zip(own).enumerate() {
                let (net, _) = network_of(site, zone.as_str());
                if net.is_some_and(|n| n.contains(&ip)) {
                    let own = prefix.and_then(|p| IpNet::new(ip, p).ok());
                    let i = i.to_string();
                    let here = ["node", name, "extra_address", zone.as_str(), &i];
                    in_network(site, &here, address, own, findings);
                }
            }
        }
    }
}

/// The network of a zone or of the serial line, and where it is written.
fn network_of(site: &Site, zone: &str) -> (Option<IpNet>, Vec<String>) {
    match site.inventory.zone.get(zone) {
        Some(z) => (
            z.network.as_ref().map(Network::net),
            path(&["zone", zone, "network"]),
        ),
        None => (
            site.inventory.serial.as_ref().map(|s| s.network.net()),
            path(&["serial", "network"]),
        ),
    }
}

fn in_network(
    site: &Site,
    here: &[&str],
    address: &HostAddress,
    own: Option<IpNet>,
    findings: &mut Vec<Finding>,
) {
    let (name, zone) = (here[1], here[3]);
    let (net, place) = network_of(site, zone);
    let message = match (net, own) {
        (Some(net), _) if !net.contains(&address.ip()) => {
            format!("{} is not in {net}", address.ip())
        }
        (Some(net), _) if address.prefix().is_some_and(|p| p != net.prefix_len()) => {
            format!("{address} has another prefix than {net}")
        }
        (_, Some(own)) if is_edge(own) => {
            format!("{} is the first or last of its network", address.ip())
        }
        _ => return,
    };
    findings.push(
        found(message)
            .at(at(site, here))
            .label(format!("`{name}` in zone `{zone}`"))
            .help("correct the address or the network")
            .also(at(site, &place).filter(|_| net.is_some()), "the network"),
    );
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

fn extra_alone(site: &Site, findings: &mut Vec<Finding>) {
    for (name, node) in site.nodes() {
        for zone in node.extra_address.keys() {
            if !node.address.contains_key(zone.as_str()) || zone == "serial" {
                findings.push(
                    found(format!(
                        "`{name}` has a further address in zone `{zone}`, and no first one"
                    ))
                    .at(at(site, &["node", name, "extra_address", zone.as_str()]))
                    .help(format!("write one under `address`: `{zone} = \"…\"`"))
                    .also(at(site, &["node", name, "address"]), "its addresses"),
                );
            }
        }
    }
}

fn mtu_ipv6(site: &Site, findings: &mut Vec<Finding>) {
    for (all, place) in all(site) {
        let zone = &place[3];
        let small = site.inventory.zone.get(zone.as_str());
        if all.is_ipv6() && small.is_some_and(|z| z.mtu.get() < 1280) {
            findings.push(
                found(format!("zone `{zone}` has an IPv6 address and a small MTU"))
                    .at(at(site, &["zone", zone, "mtu"]))
                    .help("at least 1280")
                    .also(at(site, &place), "the address"),
            );
        }
    }
}

/// Every address of a node, `extra_address` included, with its path.
pub(super) fn all(site: &Site) -> Vec<(IpAddr, Vec<String>)> {
    let mut all = Vec::new();
    for (name, node) in site.nodes() {
        for (zone, address) in &node.address {
            let place = path(&["node", name, "address", zone.as_str()]);
            all.push((address.ip(), place));
        }
        for (zone, extra) in &node.extra_address {
            for (i, address) in extra.iter().enumerate() {
                let place = ["node", name, "extra_address", zone.as_str(), &i.to_string()];
                all.push((address.ip(), path(&place)));
            }
        }
    }
    all
}
