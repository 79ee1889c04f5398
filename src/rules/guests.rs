//! Guests: where they live, what they are connected to, whether one node can carry all.

use super::{Rule, at, found};
use crate::site::{Finding, Severity, Site};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "GUEST-BRIDGE",
        severity: Severity::Error,
        title: "A guest is connected only to zones with a bridge.",
        why: "A guest's network card is a port of a bridge.",
        facts: &["guests#network-cards"],
        check: bridge,
    },
    Rule {
        code: "GUEST-MACS",
        severity: Severity::Error,
        title: "A guest has one MAC address for each interface, or none.",
        why: "The addresses are assigned in the order of the guest's zones.",
        facts: &[],
        check: macs,
    },
    Rule {
        code: "GUEST-MAC-RANGE",
        severity: Severity::Warning,
        title: "A guest's MAC addresses begin with 52:54:00.",
        why: "KVM uses that range for guests; another address may belong to a physical card.",
        facts: &["guests#network-cards"],
        check: mac_range,
    },
    Rule {
        code: "GUEST-VOLUME",
        severity: Severity::Error,
        title: "A guest with fail-over has a volume group whose home is the guest's node.",
        why: "Its disk is created in that volume group.",
        facts: &[],
        check: volume,
    },
    Rule {
        code: "GUEST-LOCAL",
        severity: Severity::Error,
        title: "A guest without fail-over has a partition mounted at /local.",
        why: "Its disk is created there.",
        facts: &[],
        check: local,
    },
    Rule {
        code: "GUEST-DISK",
        severity: Severity::Error,
        title: "The guests' disks fit into the space where they are created.",
        why: "A volume group or a filesystem that is full takes no further disk.",
        facts: &[],
        check: disk,
    },
    Rule {
        code: "GUEST-MEMORY",
        severity: Severity::Error,
        title: "Each member has enough memory for all guests that may run there.",
        why: "When a member fails, the survivor runs every guest with fail-over beside its own guests.",
        facts: &["guests#capacity"],
        check: memory,
    },
    Rule {
        code: "TWIN-TOGETHER",
        severity: Severity::Error,
        title: "Guests that are twins live on different nodes.",
        why: "Twins on one node fail together.",
        facts: &["guests#capacity"],
        check: twin_together,
    },
    Rule {
        code: "TWIN-FAILOVER",
        severity: Severity::Warning,
        title: "A guest with a twin has no fail-over.",
        why: "The twin goes on working; a restarted copy on the same node adds load and no redundancy.",
        facts: &[],
        check: twin_failover,
    },
];

fn bridge(site: &Site, findings: &mut Vec<Finding>) {
    for (name, guest) in &site.inventory.guest {
        for (i, zone_path) in guest.zones.iter().enumerate() {
            let (zone, project) = zone_path.parts();
            let Some(there) = site.inventory.zone.get(zone) else {
                continue;
            };
            if there.bridge_of(project).is_none() {
                let help = if there.vlans.is_empty() {
                    format!("add `bridge` to zone `{zone}`")
                } else {
                    let first = there.vlans.keys().next().map_or("", |p| p.as_str());
                    format!("name the project: `{zone}.{first}`")
                };
                findings.push(
                    found(format!(
                        "guest `{name}` is connected to zone `{zone_path}`, which has no bridge"
                    ))
                    .at(at(site, &["guest", name.as_str(), "zones", &i.to_string()]))
                    .help(help)
                    .also(at(site, &["zone", zone]), "the zone"),
                );
            }
        }
    }
}

fn macs(site: &Site, findings: &mut Vec<Finding>) {
    for (name, guest) in &site.inventory.guest {
        if !guest.macs.is_empty() && guest.macs.len() != guest.zones.len() {
            findings.push(
                found(format!(
                    "guest `{name}` has {} MAC address(es) and {} zone(s)",
                    guest.macs.len(),
                    guest.zones.len()
                ))
                .at(at(site, &["guest", name.as_str(), "macs"]))
                .help("one for each zone, in their order")
                .also(at(site, &["guest", name.as_str(), "zones"]), "its zones"),
            );
        }
    }
}

fn mac_range(site: &Site, findings: &mut Vec<Finding>) {
    for (name, guest) in &site.inventory.guest {
        for (i, mac) in guest.macs.iter().enumerate() {
            if !mac.lower().starts_with("52:54:00:") {
                findings.push(
                    found(format!("guest `{name}` has the MAC address {mac}"))
                        .at(at(site, &["guest", name.as_str(), "macs", &i.to_string()]))
                        .help("one that begins with 52:54:00"),
                );
            }
        }
    }
}

fn volume(site: &Site, findings: &mut Vec<Finding>) {
    for (name, guest) in &site.inventory.guest {
        let mut mirrors = site.inventory.mirror.values();
        if guest.failover && !mirrors.any(|m| m.group.is_some() && m.source == guest.node) {
            findings.push(
                found(format!("guest `{name}` has fail-over, and no mirror with a volume group has `{}` as its source", guest.node))
                    .at(at(site, &["guest", name.as_str(), "node"]))
                    .help(format!("add a mirror with `group` and `source = \"{}\"`, or `failover = false`", guest.node)),
            );
        }
    }
}

fn local(site: &Site, findings: &mut Vec<Finding>) {
    let mut partitions = site.inventory.partition.values();
    if partitions.any(|p| p.purpose.mount() == Some("/local")) {
        return;
    }
    if let Some((name, _)) = site.inventory.guest.iter().find(|(_, g)| !g.failover) {
        findings.push(
            found(format!(
                "guest `{name}` has no fail-over, and there is no partition /local"
            ))
            .at(at(site, &["guest", name.as_str()]))
            .help("add a partition with `use = \"/local\"`"),
        );
    }
}

fn gib(bytes: u64) -> String {
    format!("{} GiB", bytes.div_ceil(1 << 30))
}

fn disk(site: &Site, findings: &mut Vec<Finding>) {
    let wanted_of = |node: &str, failover: bool| {
        let guests = site.inventory.guest.values();
        guests
            .filter(|g| g.node == node && g.failover == failover)
            .fold(0_u64, |sum, g| sum.saturating_add(g.disk.bytes()))
    };
    let bytes_of = |number: u16| {
        let mut partitions = site.inventory.partition.iter();
        partitions
            .find(|(n, _)| n.0 == number)
            .map(|(_, p)| p.size.bytes())
    };
    for node in site.node_names() {
        let groups = site.inventory.mirror.values();
        let room: u64 = groups
            .filter(|m| m.group.is_some() && m.source == node)
            .filter_map(|m| bytes_of(m.partition.get()))
            .fold(0, u64::saturating_add);
        let wanted = wanted_of(node, true);
        if room > 0 && wanted > room {
            findings.push(
                found(format!(
                    "the guests of `{node}` with fail-over need {}, its volume group has {}",
                    gib(wanted),
                    gib(room)
                ))
                .at(at(site, &["guest"]))
                .help("make disks smaller or the partition under the mirror larger"),
            );
        }
        let local = site
            .inventory
            .partition
            .iter()
            .find(|(_, p)| p.purpose.mount() == Some("/local"));
        let wanted = wanted_of(node, false);
        if let Some((number, partition)) = local
            && wanted > partition.size.bytes()
        {
            findings.push(
                found(format!(
                    "the guests of `{node}` without fail-over need {}, /local has {}",
                    gib(wanted),
                    gib(partition.size.bytes())
                ))
                .at(at(site, &["guest"]))
                .help("make disks smaller or the partition larger")
                .also(
                    at(site, &["partition", &number.to_string(), "size"]),
                    "/local",
                ),
            );
        }
    }
}

fn memory(site: &Site, findings: &mut Vec<Finding>) {
    let members = site.members();
    for node in &members {
        let Some(own) = site.node(node).and_then(|n| n.memory.as_ref()) else {
            continue;
        };
        // Whatever has fail-over may come here; what has none stays where it is.
        let wanted = site
            .inventory
            .guest
            .values()
            .filter(|g| g.node == **node || (g.failover && members.contains(&g.node.as_str())))
            .fold(0_u64, |sum, g| sum.saturating_add(g.memory.bytes()));
        if wanted > own.bytes() {
            findings.push(
                found(format!(
                    "`{node}` alone would need {} for guests and has {own}",
                    gib(wanted)
                ))
                .at(at(site, &["node", node, "memory"]))
                .help("give guests less memory, or fewer of them fail-over"),
            );
        }
    }
}

fn twin_together(site: &Site, findings: &mut Vec<Finding>) {
    let twins: Vec<_> = site
        .inventory
        .guest
        .iter()
        .filter_map(|(name, g)| Some((name.as_str(), g.twin.as_ref()?, g.node.as_str())))
        .collect();
    for (i, (name, twin, node)) in twins.iter().enumerate() {
        if let Some((other, ..)) = twins[..i].iter().find(|(_, t, n)| t == twin && n == node) {
            findings.push(
                found(format!(
                    "guests `{other}` and `{name}` do the same work on one node"
                ))
                .at(at(site, &["guest", name, "node"]))
                .help("let one of them live on the other node")
                .also(at(site, &["guest", other, "node"]), format!("`{other}`")),
            );
        }
    }
}

fn twin_failover(site: &Site, findings: &mut Vec<Finding>) {
    for (name, guest) in &site.inventory.guest {
        if guest.twin.is_some() && guest.failover {
            findings.push(
                found(format!("guest `{name}` has a twin and fail-over"))
                    .at(at(site, &["guest", name.as_str(), "failover"]))
                    .help("`failover = false`")
                    .also(at(site, &["guest", name.as_str(), "twin"]), "its twin"),
            );
        }
    }
}
