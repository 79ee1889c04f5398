//! Cards, bonds, VLANs, bridges and their addresses.

use super::{Rule, at, found, once, path};
use crate::platform::NetworkStyle;
use crate::site::tables::network::Zone;
use crate::site::words::types::Word as _;
use crate::site::{Finding, Severity, Site};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "CABLE-NODES",
        severity: Severity::Error,
        title: "A cable joins two nodes.",
        why: "A cable has two ends, so a third node has to be reached through a switch.",
        facts: &[],
        check: cable_nodes,
    },
    Rule {
        code: "NIC-TWICE",
        severity: Severity::Error,
        title: "A card belongs to one zone, one bond or one trunk.",
        why: "A card that is a port of a bond or bridge carries nothing else.",
        facts: &["network#bonds", "network#bridges"],
        check: nic_twice,
    },
    Rule {
        code: "DEVICE-TWICE",
        severity: Severity::Error,
        title: "No two cards, bonds or bridges have the same name.",
        why: "The kernel knows one device by a name.",
        facts: &[],
        check: device_twice,
    },
    Rule {
        code: "DEVICE-NAME",
        severity: Severity::Error,
        title: "The name of a VLAN's device has at most 15 characters.",
        why: "The kernel does not accept a longer name.",
        facts: &["network#device-names"],
        check: device_name,
    },
    Rule {
        code: "DEVICE-DASH",
        severity: Severity::Error,
        title: "On EL6 and EL7 the name of a device has no `-`.",
        why: "The network scripts read ifcfg-br-lan as an addition to ifcfg-br and fail if there is no ifcfg-br.",
        facts: &["network#device-names"],
        check: device_dash,
    },
    Rule {
        code: "DEVICE-RESERVED",
        severity: Severity::Error,
        title: "No device has a name that the kernel or the serial line uses.",
        why: "`lo`, `all`, `default` and `bonding_masters` have a meaning of their own in the kernel; ppp0 is the serial line.",
        facts: &["network#device-names"],
        check: device_reserved,
    },
    Rule {
        code: "CROSSED-PLAIN",
        severity: Severity::Error,
        title: "A zone with `crossed = true` is a plain card.",
        why: "At the other end of the cable is a BMC, which supports neither bonds nor VLANs, and no guest belongs there.",
        facts: &["fencing#crossed-controllers"],
        check: crossed_plain,
    },
    Rule {
        code: "VLAN-TWICE",
        severity: Severity::Error,
        title: "A VLAN number is used once on a trunk.",
        why: "Two zones with one VLAN number are one network.",
        facts: &["network#vlans"],
        check: vlan_twice,
    },
    Rule {
        code: "MAC-TWICE",
        severity: Severity::Error,
        title: "No two cards, of nodes or guests, have the same MAC address.",
        why: "Switches and the kernel tell cards apart by their MAC addresses.",
        facts: &[],
        check: mac_twice,
    },
    Rule {
        code: "MAC-MISSING",
        severity: Severity::Warning,
        title: "The MAC address of every card is in the inventory.",
        why: "The kernel's name for a card can change with the hardware; the MAC address still identifies it.",
        facts: &["network#card-names"],
        check: mac_missing,
    },
    Rule {
        code: "MAC-UNUSED",
        severity: Severity::Warning,
        title: "Every MAC address belongs to a card that a zone uses.",
        why: "A MAC address without a card in a zone most often means that the card's name is misspelt.",
        facts: &[],
        check: mac_unused,
    },
];

/// The cards of a zone, each with its path.
fn cable_nodes(site: &Site, findings: &mut Vec<Finding>) {
    let count = site.nodes().count();
    for (name, zone) in &site.inventory.zone {
        if zone.cable && count != 2 {
            findings.push(
                found(format!(
                    "zone `{name}` is a cable, and the site has {count} nodes"
                ))
                .at(at(site, &["zone", name.as_str(), "cable"]))
                .help("take `cable` out: its wires end in a switch"),
            );
        }
    }
}

fn cards(name: &str, zone: &Zone) -> Vec<(String, Vec<String>)> {
    let own = zone
        .nic
        .iter()
        .map(|n| (n.to_string(), path(&["zone", name, "nic"])));
    let bond = zone.bond.iter().flat_map(|b| b.nics.iter().enumerate());
    let bond = bond.map(|(i, n)| {
        (
            n.to_string(),
            path(&["zone", name, "bond", "nics", &i.to_string()]),
        )
    });
    own.chain(bond).collect()
}

fn nic_twice(site: &Site, findings: &mut Vec<Finding>) {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    let mut trunks: Vec<&str> = Vec::new();
    for (name, zone) in &site.inventory.zone {
        // Zones may share the card or bond of a trunk: it is counted once.
        if let Some(base) = zone.base().filter(|_| zone.is_trunk()) {
            if trunks.contains(&base) {
                continue;
            }
            trunks.push(base);
        }
        all.extend(cards(name.as_str(), zone));
    }
    once(
        site,
        all,
        "card",
        "name another card, or give each zone on it a `vlan`; an untagged zone beside VLANs on one card (the switch's native VLAN) cannot be described",
        findings,
    );
}

fn device_twice(site: &Site, findings: &mut Vec<Finding>) {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    let mut bases: Vec<&str> = Vec::new();
    for (name, zone) in &site.inventory.zone {
        let name = name.as_str();
        if let Some(base) = zone.base().filter(|b| !bases.contains(b)) {
            bases.push(base);
            let place = if zone.bond.is_some() {
                path(&["zone", name, "bond", "name"])
            } else {
                path(&["zone", name, "nic"])
            };
            all.push((base.to_owned(), place));
        }
        for (project, bridge) in zone.bridges() {
            let place = match project {
                Some(project) => path(&["zone", name, "vlans", project]),
                None => path(&["zone", name, "bridge"]),
            };
            all.push((bridge, place));
        }
    }
    once(site, all, "device", "give each its own name", findings);
}

/// The devices that the site names, each with its path: cards, bonds and bridges.
fn named(site: &Site) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (name, zone) in &site.inventory.zone {
        let name = name.as_str();
        all.extend(cards(name, zone));
        if let Some(bond) = &zone.bond {
            all.push((bond.name.to_string(), path(&["zone", name, "bond", "name"])));
        }
        if let Some(bridge) = &zone.bridge {
            all.push((bridge.to_string(), path(&["zone", name, "bridge"])));
        }
    }
    all
}

fn device_dash(site: &Site, findings: &mut Vec<Finding>) {
    let old = site
        .node_names()
        .find(|n| site.platform_of(n).network() == NetworkStyle::Ifcfg);
    let Some(node) = old else { return };
    for (device, place) in named(site).into_iter().filter(|(d, _)| d.contains('-')) {
        let release = ["node", node, "platform"];
        let release = at(site, &release)
            .filter(|_| site.node(node).is_some_and(|n| n.platform.is_some()))
            .or_else(|| at(site, &["site", "platform"]));
        findings.push(
            found(format!("`{device}` has a `-` in its name"))
                .at(at(site, &place))
                .help(format!("call it `{}`", device.replace('-', "_")))
                .also(release, format!("`{node}` runs this release")),
        );
    }
}

fn device_reserved(site: &Site, findings: &mut Vec<Finding>) {
    let serial = site.inventory.serial.is_some();
    for (device, place) in named(site) {
        let kernel = ["lo", "all", "default", "bonding_masters"].contains(&device.as_str());
        if kernel || serial && device == "ppp0" {
            let line = at(site, &["serial"]).filter(|_| !kernel);
            findings.push(
                found(format!("`{device}` is no name for this device"))
                    .at(at(site, &place))
                    .help("give it another name")
                    .also(line, "the serial line"),
            );
        }
    }
}

fn crossed_plain(site: &Site, findings: &mut Vec<Finding>) {
    for (name, zone) in site.inventory.zone.iter().filter(|(_, z)| z.crossed) {
        let more = [
            (zone.bond.is_some(), "bond"),
            (zone.bridge.is_some(), "bridge"),
            (zone.vlan.is_some(), "vlan"),
            (!zone.vlans.is_empty(), "vlans"),
        ];
        for (_, key) in more.into_iter().filter(|(has, _)| *has) {
            findings.push(
                found(format!("zone `{name}` is crossed and has `{key}`"))
                    .at(at(site, &["zone", name.as_str(), key]))
                    .help("leave it a plain card: `nic`")
                    .also(at(site, &["zone", name.as_str(), "crossed"]), "crossed"),
            );
        }
    }
}

/// The VLANs of a zone, each with its path.
fn vlans(name: &str, zone: &Zone) -> Vec<(u16, Vec<String>)> {
    let own = zone
        .vlan
        .iter()
        .map(|v| (v.get(), path(&["zone", name, "vlan"])));
    let projects = zone
        .vlans
        .iter()
        .map(|(project, v)| (v.get(), path(&["zone", name, "vlans", project.as_str()])));
    own.chain(projects).collect()
}

fn device_name(site: &Site, findings: &mut Vec<Finding>) {
    for (name, zone) in &site.inventory.zone {
        let Some(base) = zone.base() else { continue };
        for (vlan, place) in vlans(name.as_str(), zone) {
            let device = format!("{base}.{vlan}");
            if crate::site::words::types::InterfaceName::parse(&device).is_err() {
                findings.push(
                    found(format!("`{device}` is longer than 15 characters"))
                        .at(at(site, &place))
                        .help("give the card or bond a shorter name"),
                );
            }
        }
    }
}

fn vlan_twice(site: &Site, findings: &mut Vec<Finding>) {
    let mut all = Vec::new();
    for (name, zone) in &site.inventory.zone {
        if let Some(base) = zone.base() {
            let own = vlans(name.as_str(), zone);
            all.extend(
                own.into_iter()
                    .map(|(vlan, place)| (format!("{vlan} of `{base}`"), place)),
            );
        }
    }
    once(
        site,
        all,
        "VLAN",
        "give each zone and project its own",
        findings,
    );
}

fn mac_twice(site: &Site, findings: &mut Vec<Finding>) {
    let nodes = site.nodes().flat_map(|(name, node)| {
        let macs = node.mac.iter();
        macs.map(move |(nic, mac)| (mac.lower(), path(&["node", name, "mac", nic.as_str()])))
    });
    let guests = site.inventory.guest.iter().flat_map(|(name, guest)| {
        let key = if guest.macs.is_empty() {
            "zones"
        } else {
            "macs"
        };
        let macs = site.macs_of(name.as_str(), guest).into_iter().enumerate();
        macs.map(move |(i, mac)| (mac, path(&["guest", name.as_str(), key, &i.to_string()])))
    });
    once(
        site,
        nodes.chain(guests),
        "MAC address",
        "`nodewright facts NODE` lists those of a node",
        findings,
    );
}

/// Every card that a zone uses.
fn used(site: &Site) -> Vec<String> {
    let zones = site.inventory.zone.iter();
    let mut all: Vec<String> = zones
        .flat_map(|(name, zone)| cards(name.as_str(), zone))
        .map(|(card, _)| card)
        .collect();
    all.dedup();
    all
}

fn mac_missing(site: &Site, findings: &mut Vec<Finding>) {
    for (name, node) in site.nodes() {
        let lacks: Vec<String> = used(site)
            .into_iter()
            .filter(|c| !node.mac.contains_key(c.as_str()))
            .collect();
        if !lacks.is_empty() {
            findings.push(
                found(format!(
                    "`{name}` has no MAC address for {}",
                    lacks.join(", ")
                ))
                .at(at(site, &["node", name]))
                .help(format!(
                    "add `mac.{} = \"…\"`; `nodewright facts {name}` lists them",
                    lacks[0]
                )),
            );
        }
    }
}

fn mac_unused(site: &Site, findings: &mut Vec<Finding>) {
    let used = used(site);
    for (name, node) in site.nodes() {
        for card in node.mac.keys() {
            if !used.iter().any(|u| u == card.as_str()) {
                findings.push(
                    found(format!("no zone uses card `{card}`"))
                        .at(at(site, &["node", name, "mac", card.as_str()]))
                        .help(format!("the zones use {}", used.join(", "))),
                );
            }
        }
    }
}
