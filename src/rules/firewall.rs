//! Rules about the firewall: settings that Shorewall would refuse, or that would admit nobody or everybody.

use super::{Rule, at, found};
use crate::firewall::zones::ShorewallSyntax;
use crate::site::tables::inventory::Reach;
use crate::site::tables::network::{Otherwise, Zone};
use crate::site::{Finding, Provision, Severity, Site};
use std::net::IpAddr;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "ZONE-LENGTH",
        severity: Severity::Error,
        title: "A zone's name is no longer than Shorewall allows.",
        why: "Shorewall before 5.1 puts zone names into the kernel's log prefix, which holds 29 characters.",
        facts: &["firewall#zone-names"],
        check: zone_length,
    },
    Rule {
        code: "SHOREWALL-NONE",
        severity: Severity::Error,
        title: "A firewall on a release that has no package of Shorewall (EL9, EL10) has a repository of the site with one.",
        why: "EPEL has no package of Shorewall since EL9.",
        facts: &["packages#shorewall-on-el9-and-el10"],
        check: shorewall_none,
    },
    Rule {
        code: "DOCKER-SHOREWALL",
        severity: Severity::Error,
        title: "Docker's rules stay only where Shorewall can keep them.",
        why: "Shorewall before 5.0.6 removes them at each start, and containers lose their network.",
        facts: &["firewall#versions-of-shorewall"],
        check: docker_shorewall,
    },
    Rule {
        code: "KNOCK-ZONE",
        severity: Severity::Error,
        title: "A zone with port knocking drops unwanted packets.",
        why: "Where other ports refuse connections, a scan shows the silent ports of the knock.",
        facts: &["firewall#port-knocking"],
        check: knock_zone,
    },
    Rule {
        code: "KNOCK-ADDRESS",
        severity: Severity::Error,
        title: "Every node has an address in the zone with port knocking.",
        why: "A node without an address there cannot be knocked at.",
        facts: &[],
        check: knock_address,
    },
    Rule {
        code: "KNOCK-TWO",
        severity: Severity::Error,
        title: "A knock has one port, or at least three.",
        why: "Two ports can only rise or fall, so a scan of all ports in that order is a valid knock.",
        facts: &["firewall#port-knocking"],
        check: knock_two,
    },
    Rule {
        code: "OPERATORS-NOWHERE",
        severity: Severity::Error,
        title: "A zone leads to every address that operators come from.",
        why: "If neither a network nor a default route leads to an address, no connection from it can be answered.",
        facts: &["firewall#who-gets-in"],
        check: operators_nowhere,
    },
    Rule {
        code: "WAY-CLOSED",
        severity: Severity::Warning,
        title: "A way in without knocking is open to an operator's address.",
        why: "Without operators' addresses the firewall admits only those who have knocked.",
        facts: &["firewall#who-gets-in"],
        check: way_closed,
    },
    Rule {
        code: "PEER-CLOSED",
        severity: Severity::Error,
        title: "A way in over the peer uses a zone in which the nodes reach each other.",
        why: "A crossed cable leads to a BMC, which runs no sshd for the node.",
        facts: &["fencing#crossed-controllers"],
        check: peer_closed,
    },
    Rule {
        code: "PROXYARP-ZONE",
        severity: Severity::Error,
        title: "An address in `proxyarp` is behind a zone that has one device and is not the outside.",
        why: "The node answers ARP on the device of the default route and forwards the packets to one other device.",
        facts: &["firewall#proxy-arp"],
        check: proxyarp_zone,
    },
    Rule {
        code: "PROXYARP-ADDRESS",
        severity: Severity::Error,
        title: "An address in `proxyarp` is an IPv4 address that no other host has.",
        why: "ARP exists for IPv4 only, and two hosts that answer for one address receive each other's packets.",
        facts: &["firewall#proxy-arp", "network#addresses"],
        check: proxyarp_address,
    },
];

fn zone_length(site: &Site, findings: &mut Vec<Finding>) {
    let forms = site.node_names().map(|n| site.shorewall_form(n));
    let Some(longest) = forms.map(|f| f.longest_zone).min() else {
        return;
    };
    for name in site.inventory.zone.keys() {
        if name.as_str().len() > longest {
            findings.push(
                found(format!(
                    "zone `{name}` has a name of more than {longest} characters"
                ))
                .at(at(site, &["zone", name.as_str()]))
                .help("give it a shorter one: Shorewall before 5.1 refuses it")
                .also(
                    site.place_of("versions.shorewall")
                        .or_else(|| at(site, &["site", "platform"])),
                    format!(
                        "names of {} characters fit from 5.1 on",
                        ShorewallSyntax::of("5.1").longest_zone
                    ),
                ),
            );
        }
    }
}

fn docker_shorewall(site: &Site, findings: &mut Vec<Finding>) {
    if !site.inventory.firewall.docker {
        return;
    }
    for (node, _) in with_firewall(site) {
        if !site.shorewall_form(node).docker {
            findings.push(
                found(format!("Shorewall on `{node}` cannot keep Docker's rules"))
                    .at(at(site, &["firewall", "docker"]))
                    .help("take `docker` out, and run no containers there")
                    .also(
                        site.place_of("versions.shorewall")
                            .or_else(|| at(site, &["site", "platform"])),
                        "5.0.6 and later can",
                    ),
            );
        }
    }
}

/// The nodes with a firewall, each with the place where its role is given to them.
fn with_firewall(site: &Site) -> Vec<(&str, Option<crate::site::Place>)> {
    let mut nodes = Vec::new();
    for node in site.node_names() {
        let Some(role) = site.provider(node, Provision::Firewall) else {
            continue;
        };
        let mut groups = site.inventory.group.iter();
        let place = groups.find_map(|(name, group)| {
            let of_node = group.nodes.iter().any(|n| n == node);
            let i = group.roles.iter().position(|r| of_node && *r == role)?;
            at(site, &["group", name.as_str(), "roles", &i.to_string()])
        });
        nodes.push((node, place));
    }
    nodes
}

fn shorewall_none(site: &Site, findings: &mut Vec<Finding>) {
    let named = site.inventory.firewall.repository.as_ref();
    let has = |platform| {
        named.is_some_and(|name| {
            let found = site.inventory.repository.get(name.as_str());
            found.is_some_and(|r| r.is_for(platform))
        })
    };
    for (node, place) in with_firewall(site) {
        let platform = site.platform_of(node);
        if platform.has_shorewall() || has(platform) {
            continue;
        }
        let own = at(site, &["node", node, "platform"])
            .filter(|_| site.node(node).is_some_and(|n| n.platform.is_some()));
        let message = match named {
            None => format!("`{node}` runs {platform}, where no repository has Shorewall"),
            Some(name) => format!("repository `{name}` is not for {platform}, which `{node}` runs"),
        };
        findings.push(
            found(message)
                .at(own.or_else(|| at(site, &["site", "platform"])))
                .help(
                    "build the RPM of Shorewall, serve it, and name where: `[repository.own]` with its `url`, and \
                     `repository = \"own\"` in `[firewall]`",
                )
                .also(place, "the role that needs it"),
        );
        return;
    }
}

/// The zones at which one knocks, each with the place that says so.
fn knocked(site: &Site) -> Vec<(String, Option<crate::site::Place>)> {
    let ways = site.inventory.site.reach.iter().enumerate();
    let named: Vec<_> = ways
        .filter_map(|(i, way)| match way.get() {
            Reach::Knock(zone) => Some((
                zone.to_string(),
                at(site, &["site", "reach", &i.to_string()]),
            )),
            _ => None,
        })
        .collect();
    if !named.is_empty() || site.inventory.firewall.knock.is_none() {
        return named;
    }
    let zones = site.inventory.zone.keys().map(ToString::to_string);
    zones
        .filter(|z| site.is_outside(z))
        .map(|z| (z, at(site, &["firewall", "knock"])))
        .collect()
}

fn knock_zone(site: &Site, findings: &mut Vec<Finding>) {
    for (zone, place) in knocked(site) {
        let found_zone = site.inventory.zone.get(zone.as_str());
        if found_zone.is_some_and(|z| z.otherwise == Otherwise::Drop) {
            continue;
        }
        findings.push(
            found(format!("one knocks at zone `{zone}`, which does not drop"))
                .at(at(site, &["zone", &zone, "otherwise"]).or_else(|| at(site, &["serial"])))
                .help("write `otherwise = \"drop\"` into the zone")
                .also(place, "the knocking"),
        );
    }
}

fn knock_address(site: &Site, findings: &mut Vec<Finding>) {
    let ways = site.inventory.site.reach.iter().enumerate();
    for (i, way) in ways {
        let Reach::Knock(zone) = way.get() else {
            continue;
        };
        for node in site.node_names() {
            if site.address(node, zone.as_str()).is_none() {
                findings.push(
                    found(format!("`knock {zone}`, and `{node}` has no address there"))
                        .at(at(site, &["site", "reach", &i.to_string()]))
                        .help(format!("add `{zone}` to its `address`"))
                        .also(at(site, &["node", node, "address"]), format!("`{node}`")),
                );
            }
        }
    }
}

fn knock_two(site: &Site, findings: &mut Vec<Finding>) {
    if site
        .inventory
        .firewall
        .knock
        .as_ref()
        .is_some_and(|k| k.ports == 2)
    {
        findings.push(
            found("a knock of two ports")
                .at(at(site, &["firewall", "knock", "ports"]))
                .help("`ports = 3`, in an order that neither rises nor falls, or `ports = 1`")
                .also(at(site, &["firewall", "knock", "sequence"]), "its ports"),
        );
    }
}

fn operators_nowhere(site: &Site, findings: &mut Vec<Finding>) {
    let zones = &site.inventory.zone;
    let networks = |zone: &Zone| -> Vec<ipnet::IpNet> {
        let routes = zone.routes.iter().map(|r| r.to.net());
        let own = zone
            .network
            .iter()
            .map(crate::site::words::types::Network::net);
        own.chain(routes).collect()
    };
    for (i, from) in site.inventory.firewall.operators.iter().enumerate() {
        let from = from.net();
        let near = zones.values().any(|z| {
            let mut nets = networks(z).into_iter();
            nets.any(|n| n.contains(&from) || from.contains(&n))
        });
        let out = zones.iter().any(|(name, z)| {
            let gateway = z
                .gateway
                .as_ref()
                .map(crate::site::words::types::IpAddress::ip);
            let same = |ip: IpAddr| ip.is_ipv6() == from.addr().is_ipv6();
            gateway.is_some_and(same)
                || z.dhcp && from.addr().is_ipv4() && site.is_outside(name.as_str())
        });
        if !near && !out {
            findings.push(
                found(format!("operators come from {from}, and no zone leads there"))
                    .at(at(site, &["firewall", "operators", &i.to_string()]))
                    .help("give a zone the `gateway` or the `routes` by which it is reached, or take the address out")
                    .also(at(site, &["zone"]), "the zones"),
            );
        }
    }
}

fn way_closed(site: &Site, findings: &mut Vec<Finding>) {
    let firewall = &site.inventory.firewall;
    if !firewall.operators.is_empty() || firewall.knock.is_none() {
        // With neither, rule LOCK-OUT speaks.
        return;
    }
    let ways = site.inventory.site.reach.iter().enumerate();
    for (i, way) in ways.filter(|(_, w)| matches!(w.get(), Reach::Direct | Reach::Jump(_))) {
        findings.push(
            found(format!(
                "`{way}` is a way in, and is closed without knocking"
            ))
            .at(at(site, &["site", "reach", &i.to_string()]))
            .help("name its address among `operators`, or take this way out")
            .also(at(site, &["firewall"]), "there are no `operators`"),
        );
    }
}

fn peer_closed(site: &Site, findings: &mut Vec<Finding>) {
    for (i, way) in site.inventory.site.reach.iter().enumerate() {
        let Reach::Peer(zone) = way.get() else {
            continue;
        };
        let crossed = site.inventory.zone.get(&zone).is_some_and(|z| z.crossed);
        if crossed {
            findings.push(
                found(format!("`peer {zone}` leads into the peer's BMC"))
                    .at(at(site, &["site", "reach", &i.to_string()]))
                    .help("name a zone over which the nodes reach each other")
                    .also(
                        at(site, &["zone", zone.as_str(), "crossed"]),
                        "its wires are crossed",
                    ),
            );
        }
    }
}

/// Each address that a node answers for: node, zone, number, address.
fn proxied(site: &Site) -> Vec<(&str, &str, String, IpAddr)> {
    let mut all = Vec::new();
    for (node, found) in site.nodes() {
        for (zone, addresses) in &found.proxyarp {
            for (i, address) in addresses.iter().enumerate() {
                all.push((node, zone.as_str(), i.to_string(), address.ip()));
            }
        }
    }
    all
}

fn proxyarp_zone(site: &Site, findings: &mut Vec<Finding>) {
    let outside = site
        .inventory
        .zone
        .keys()
        .find(|z| site.is_outside(z.as_str()));
    for (node, zone, i, ip) in proxied(site) {
        let Some(behind) = site.inventory.zone.get(zone) else {
            continue;
        };
        let (message, key) = if outside.is_none() {
            (format!("{ip} is outside, and no zone leads there"), "")
        } else if site.is_outside(zone) {
            (
                format!("{ip} is behind zone `{zone}`, which is outside itself"),
                "gateway",
            )
        } else if !behind.vlans.is_empty() {
            (
                format!("{ip} is behind zone `{zone}`, which has a network for each project"),
                "vlans",
            )
        } else {
            continue;
        };
        let place = if key.is_empty() {
            at(site, &["zone"])
        } else {
            at(site, &["zone", zone, key])
        };
        findings.push(
            found(message)
                .at(at(site, &["node", node, "proxyarp", zone, &i]))
                .help("name the zone of the guest's bridge, or connect the guest to the outer zone's bridge instead")
                .also(place, "here"),
        );
    }
}

fn proxyarp_address(site: &Site, findings: &mut Vec<Finding>) {
    let all = proxied(site);
    for (at_once, (node, zone, i, ip)) in all.iter().enumerate() {
        let here = at(site, &["node", node, "proxyarp", zone, i]);
        let other = all[..at_once].iter().find(|(_, _, _, o)| o == ip);
        let other = other.map(|(node, zone, i, _)| at(site, &["node", node, "proxyarp", zone, i]));
        let own = || {
            super::addresses::all(site)
                .into_iter()
                .find(|(o, _)| o == ip)
                .map(|(_, path)| at(site, &path))
        };
        let (message, also, says) = if ip.is_ipv6() {
            let zone = at(site, &["zone", zone]);
            (format!("{ip} is no IPv4 address"), zone, "the zone")
        } else if let Some(other) = other.or_else(own) {
            (
                format!("address {ip} is given twice"),
                other,
                "given here already",
            )
        } else {
            continue;
        };
        findings.push(
            found(message)
                .at(here)
                .help("one node answers for an address that no other machine has")
                .also(also, says),
        );
    }
}
