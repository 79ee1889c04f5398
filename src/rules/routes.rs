//! Rules about the networks behind a zone: gateways, routes, and DHCP servers.

use super::{Rule, at, found, path};
use crate::site::tables::network::Route;
use crate::site::{Finding, Severity, Site};
use std::net::IpAddr;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "GATEWAY-TWICE",
        severity: Severity::Error,
        title: "At most one zone has a default gateway for an address family.",
        why: "With two, the one that is used depends on which interface starts last.",
        facts: &["network#routes"],
        check: gateway_twice,
    },
    Rule {
        code: "GATEWAY-NETWORK",
        severity: Severity::Error,
        title: "A gateway is in its zone's network.",
        why: "The kernel cannot reach a gateway outside the networks of its links.",
        facts: &["network#routes"],
        check: gateway_network,
    },
    Rule {
        code: "GATEWAY-CROSSLINK",
        severity: Severity::Error,
        title: "The zones of the ring, the mirrors and the BMCs have no gateway.",
        why: "These links end at the other node, and no router is on them.",
        facts: &[],
        check: gateway_crosslink,
    },
    Rule {
        code: "ROUTE-VIA",
        severity: Severity::Error,
        title: "A route's router is in its zone's network.",
        why: "The kernel refuses a route over a router that it cannot reach.",
        facts: &["network#routes"],
        check: route_via,
    },
    Rule {
        code: "ROUTE-TWICE",
        severity: Severity::Error,
        title: "Only one route leads to a network.",
        why: "With two, the one that is used depends on which interface starts last.",
        facts: &["network#routes"],
        check: route_twice,
    },
    Rule {
        code: "ROUTE-OVERLAP",
        severity: Severity::Error,
        title: "No route leads to a zone's own network.",
        why: "Such a route would send packets for a zone over another zone's link.",
        facts: &["network#routes"],
        check: route_overlap,
    },
    Rule {
        code: "DHCP-CLUSTER",
        severity: Severity::Error,
        title: "The zones of the ring and the mirrors have fixed addresses.",
        why: "corosync, cman and DRBD identify nodes by their addresses, and no DHCP server is on a crosslink.",
        facts: &["membership#names"],
        check: dhcp_cluster,
    },
    Rule {
        code: "DHCP-DEVICE",
        severity: Severity::Error,
        title: "A zone with DHCP has a device that takes an address.",
        why: "A zone with `vlans` has no such device, and a BMC runs no DHCP server.",
        facts: &[],
        check: dhcp_device,
    },
];

/// A default gateway: its zone, its address, and where it is written.
struct Gateway<'a> {
    zone: &'a str,
    ip: IpAddr,
    path: Vec<String>,
}

/// All default gateways, whether by `gateway` or by a route to everywhere.
fn gateways(site: &Site) -> Vec<Gateway<'_>> {
    let mut all = Vec::new();
    for (name, zone) in &site.inventory.zone {
        let name = name.as_str();
        all.extend(zone.gateway.iter().map(|gateway| Gateway {
            zone: name,
            ip: gateway.ip(),
            path: path(&["zone", name, "gateway"]),
        }));
        let everywhere = |r: &Route| r.to.net().prefix_len() == 0;
        let routes = zone.routes.iter().enumerate();
        all.extend(routes.filter(|(_, r)| everywhere(r)).map(|(i, r)| Gateway {
            zone: name,
            ip: r.via.ip(),
            path: path(&["zone", name, "routes", &i.to_string(), "to"]),
        }));
    }
    all
}

/// All routes, each with its zone and its number.
fn routes(site: &Site) -> impl Iterator<Item = (&str, usize, &Route)> {
    site.inventory.zone.iter().flat_map(|(name, zone)| {
        let routes = zone.routes.iter().enumerate();
        routes.map(move |(i, route)| (name.as_str(), i, route))
    })
}

fn gateway_twice(site: &Site, findings: &mut Vec<Finding>) {
    let all = gateways(site);
    for (i, gateway) in all.iter().enumerate() {
        let first = all[..i]
            .iter()
            .find(|other| other.ip.is_ipv4() == gateway.ip.is_ipv4());
        if let Some(first) = first {
            let message = if first.zone == gateway.zone {
                format!("zone `{}` has two gateways", gateway.zone)
            } else {
                format!(
                    "zones `{}` and `{}` both have a gateway",
                    first.zone, gateway.zone
                )
            };
            findings.push(
                found(message)
                    .at(at(site, &gateway.path))
                    .help("keep that of the zone that leads to the Internet")
                    .also(at(site, &first.path), "the other"),
            );
        }
    }
}

fn gateway_network(site: &Site, findings: &mut Vec<Finding>) {
    for (zone, z) in &site.inventory.zone {
        let Some(gateway) = &z.gateway else { continue };
        let (zone, ip) = (zone.as_str(), gateway.ip());
        let net = z.network.as_ref();
        // It is in every network of IPv6, on the zone's own device.
        if matches!(ip, IpAddr::V6(six) if six.is_unicast_link_local()) {
            continue;
        }
        if !net.is_some_and(|n| n.net().contains(&ip)) {
            findings.push(
                found(format!(
                    "gateway {ip} is not in the network of zone `{zone}`"
                ))
                .at(at(site, &["zone", zone, "gateway"]))
                .help(if net.is_some_and(|n| n.net().prefix_len() == n.net().max_prefix_len()) {
                    "a routed address, whose gateway lies outside of its network, cannot be described"
                } else {
                    "correct the gateway or the network"
                })
                .also(
                    net.and_then(|_| at(site, &["zone", zone, "network"])),
                    "the network",
                ),
            );
        }
    }
}

/// The reason why a zone is a link to the other node, with the place where it is written.
fn crosslink(site: &Site, zone: &str) -> Option<(&'static str, Vec<String>)> {
    let cluster = site.inventory.cluster.as_ref();
    let found = site.inventory.zone.get(zone);
    if cluster.is_some_and(|c| c.ring == *zone) {
        Some(("the ring", path(&["cluster", "ring"])))
    } else if site.mirror_zone() == Some(zone) && !site.inventory.mirror.is_empty() {
        Some(("the mirrors", path(&["mirror"])))
    } else if found.is_some_and(|z| z.crossed) {
        Some(("the BMCs", path(&["zone", zone, "crossed"])))
    } else {
        None
    }
}

fn gateway_crosslink(site: &Site, findings: &mut Vec<Finding>) {
    for gateway in gateways(site) {
        let zone = gateway.zone;
        if let Some((what, place)) = crosslink(site, zone) {
            findings.push(
                found(format!(
                    "zone `{zone}` ends at the other node and has a gateway"
                ))
                .at(at(site, &gateway.path))
                .help("take it out")
                .also(at(site, &place), what),
            );
        }
    }
}

fn route_via(site: &Site, findings: &mut Vec<Finding>) {
    for (zone, i, route) in routes(site) {
        let (to, via) = (route.to.net(), route.via.ip());
        let net = site.inventory.zone[zone].network.as_ref();
        let own = |key: &str| at(site, &["zone", zone, "routes", &i.to_string(), key]);
        if to.addr().is_ipv4() != via.is_ipv4() {
            findings.push(
                found(format!("{via} is no router for {to}"))
                    .at(own("via"))
                    .help("IPv4 goes over IPv4, IPv6 over IPv6")
                    .also(own("to"), "the network"),
            );
        } else if !net.is_some_and(|n| n.net().contains(&via)) && via.is_ipv4() {
            findings.push(
                found(format!("{via} is not in the network of zone `{zone}`"))
                    .at(own("via"))
                    .help("name a router in the zone")
                    .also(
                        net.and_then(|_| at(site, &["zone", zone, "network"])),
                        "the network",
                    ),
            );
        }
    }
}

fn route_twice(site: &Site, findings: &mut Vec<Finding>) {
    let all = routes(site).filter(|(_, _, r)| r.to.net().prefix_len() > 0);
    let all = all.map(|(zone, i, route)| {
        let place = path(&["zone", zone, "routes", &i.to_string(), "to"]);
        (route.to.net().trunc(), place)
    });
    super::once(
        site,
        all,
        "a route to",
        "keep the one that is right",
        findings,
    );
}

fn route_overlap(site: &Site, findings: &mut Vec<Finding>) {
    for (zone, i, route) in routes(site) {
        let to = route.to.net();
        let zones = site.inventory.zone.iter();
        let nets = zones.filter_map(|(name, z)| {
            let net = z.network.as_ref()?.net();
            Some((net, path(&["zone", name.as_str(), "network"])))
        });
        // A route to everywhere, or to a network that a zone is a part of, leaves the zone its own.
        let hit = nets.into_iter().find(|(net, _)| net.contains(&to));
        if let Some((net, place)) = hit {
            findings.push(
                found(format!("a route leads to {to}, which is in {net}"))
                    .at(at(site, &["zone", zone, "routes", &i.to_string(), "to"]))
                    .help("take the route out, or correct the network")
                    .also(at(site, &place), "the zone's own network"),
            );
        }
    }
}

fn dhcp_cluster(site: &Site, findings: &mut Vec<Finding>) {
    for (name, _) in site
        .inventory
        .zone
        .iter()
        .filter(|(_, z)| z.dhcp && !z.crossed)
    {
        if let Some((what, place)) = crosslink(site, name.as_str()) {
            findings.push(
                found(format!("zone `{name}` has DHCP and carries {what}"))
                    .at(at(site, &["zone", name.as_str(), "dhcp"]))
                    .help("take it out and write the nodes' addresses")
                    .also(at(site, &place), what),
            );
        }
    }
}

fn dhcp_device(site: &Site, findings: &mut Vec<Finding>) {
    for (name, zone) in site.inventory.zone.iter().filter(|(_, z)| z.dhcp) {
        let why = if zone.crossed {
            "crossed"
        } else if zone.vlans.is_empty() {
            continue;
        } else {
            "vlans"
        };
        findings.push(
            found(format!("zone `{name}` has DHCP, and no interface uses it"))
                .at(at(site, &["zone", name.as_str(), "dhcp"]))
                .help("take it out")
                .also(at(site, &["zone", name.as_str(), why]), format!("`{why}`")),
        );
    }
}
