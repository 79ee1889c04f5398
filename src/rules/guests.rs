//! Rules about guests: their nodes, their networks, and whether one node can carry all.

use super::{Rule, at, found};
use crate::site::tables::guests::{Guest, Migrate};
use crate::site::tables::machines::GuestLock;
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
        code: "GUEST-CPUS",
        severity: Severity::Error,
        title: "No guest has more processors than a node that may run it.",
        why: "More of them than the node has share its processors and wait for each other.",
        facts: &["guests#capacity"],
        check: cpus,
    },
    Rule {
        code: "GUEST-CPU-SUM",
        severity: Severity::Warning,
        title: "The guests that may run on a member have at most four processors for each of its own.",
        why: "When a member fails, the survivor runs every guest with fail-over beside its own guests.",
        facts: &["guests#capacity"],
        check: cpu_sum,
    },
    Rule {
        code: "GUEST-POOL",
        severity: Severity::Error,
        title: "A guest with fail-over has its disks where every member reads them.",
        why: "On a node's own disk they are gone with that node.",
        facts: &["guests#migration"],
        check: pool,
    },
    Rule {
        code: "GUEST-LIVE",
        severity: Severity::Error,
        title: "A guest that is moved while it runs has fail-over, and disks that both members can have open.",
        why: "Both hypervisors have its disks open while it is moved; a volume that is active on one member only is not there on the other.",
        facts: &["guests#migration"],
        check: live,
    },
    Rule {
        code: "GUEST-CPU-MODEL",
        severity: Severity::Warning,
        title: "A guest that is moved while it runs has a CPU model that does not follow its node.",
        why: "Where the members' processors differ, the other member refuses it.",
        facts: &["guests#migration"],
        check: cpu_model,
    },
    Rule {
        code: "GUEST-CDROM",
        severity: Severity::Error,
        title: "A guest that boots from its CD drive has one.",
        why: "Without `cdrom` it has no drive.",
        facts: &[],
        check: cdrom,
    },
    Rule {
        code: "PROJECT-ZONE",
        severity: Severity::Error,
        title: "A guest of a project is in the project's own VLAN and in zones that lead outside, in no other.",
        why: "The other zones with a bridge belong to the site's own services.",
        facts: &["guests#projects"],
        check: project_zone,
    },
    Rule {
        code: "PROJECT-OUTSIDE",
        severity: Severity::Warning,
        title: "One guest of a project is reached from outside.",
        why: "One reverse proxy needs one public address and one set of open ports; the others have private addresses behind it.",
        facts: &["guests#projects"],
        check: project_outside,
    },
    Rule {
        code: "PROJECT-SYNC",
        severity: Severity::Error,
        title: "Guests that synchronise data have a VLAN of their project.",
        why: "Else that traffic takes the uplink, which everybody else needs.",
        facts: &["guests#projects"],
        check: project_sync,
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
        if guest.failover
            && guest.pool.is_none()
            && !mirrors.any(|m| m.group.is_some() && m.source == guest.node)
        {
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
    if let Some((name, _)) = site
        .inventory
        .guest
        .iter()
        .find(|(_, g)| !g.failover && g.pool.is_none())
    {
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
            .filter(|g| g.node == node && g.failover == failover && g.pool.is_none())
            .flat_map(|g| std::iter::once(&g.disk).chain(g.disks.values()))
            .fold(0_u64, |sum, disk| sum.saturating_add(disk.bytes()))
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

/// The guests that may run on a node: its own, and where it is a member those of the others that have fail-over.
fn may_run<'a>(site: &'a Site, node: &'a str) -> impl Iterator<Item = (&'a str, &'a Guest)> {
    let members = site.members();
    let comes = move |g: &Guest| {
        let members = members.contains(&node) && members.contains(&g.node.as_str());
        g.node == *node || g.failover && members
    };
    let all = site.inventory.guest.iter();
    all.map(|(name, g)| (name.as_str(), g))
        .filter(move |(_, g)| comes(g))
}

/// The sums of `of` over a node's own guests, and over the guests that may come to it; memory is in MiB.
fn sums(site: &Site, node: &str, of: fn(&Guest) -> u64) -> (u64, u64) {
    let mut sums = (0_u64, 0_u64);
    for (_, guest) in may_run(site, node) {
        let sum = if guest.node == *node {
            &mut sums.0
        } else {
            &mut sums.1
        };
        *sum = sum.saturating_add(of(guest));
    }
    sums
}

fn memory(site: &Site, findings: &mut Vec<Finding>) {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    for node in site.members() {
        let Some(has) = site.node(node).and_then(|n| n.memory.as_ref()) else {
            continue;
        };
        let (own, others) = sums(site, node, |g| g.memory.bytes());
        let wanted = own.saturating_add(others);
        if wanted > has.bytes() {
            findings.push(
                found(format!(
                    "`{node}` alone would need {} MiB for guests ({} for its own, {} for those that come by fail-over) and has {} MiB",
                    mib(wanted),
                    mib(own),
                    mib(others),
                    has.bytes() >> 20
                ))
                .at(at(site, &["node", node, "memory"]))
                .help("give guests less memory, or fewer of them fail-over"),
            );
        }
    }
}

fn cpus(site: &Site, findings: &mut Vec<Finding>) {
    for (node, has) in site.nodes() {
        let Some(has) = has.cpus else { continue };
        for (name, guest) in may_run(site, node).filter(|(_, g)| g.cpus > has) {
            findings.push(
                found(format!(
                    "guest `{name}` has {} processors, and `{node}` has {has}",
                    guest.cpus
                ))
                .at(at(site, &["guest", name, "cpus"]))
                .help(format!("{has} at most"))
                .also(at(site, &["node", node, "cpus"]), format!("`{node}`")),
            );
        }
    }
}

/// The guests' processors that one processor of a node carries: Ganeti's default limit.
const SHARE: u64 = 4;

fn cpu_sum(site: &Site, findings: &mut Vec<Finding>) {
    for node in site.members() {
        let Some(has) = site.node(node).and_then(|n| n.cpus) else {
            continue;
        };
        let (own, others) = sums(site, node, |g| u64::from(g.cpus.get()));
        if own + others > SHARE * u64::from(has.get()) {
            findings.push(
                found(format!(
                    "`{node}` alone would run guests with {} processors ({own} of its own, {others} of those that come by fail-over) and has {has}",
                    own + others
                ))
                .at(at(site, &["node", node, "cpus"]))
                .help("give guests fewer processors, or fewer of them fail-over"),
            );
        }
    }
}

fn pool(site: &Site, findings: &mut Vec<Finding>) {
    for (name, guest) in &site.inventory.guest {
        if let Some(pool) = site.pool_of(guest)
            && guest.failover
            && site.mount_of(pool).is_none()
        {
            let pool_name = guest.pool.as_ref().map_or("", |p| p.as_str());
            findings.push(
                found(format!(
                    "guest `{name}` has fail-over, and pool `{pool_name}` is not on a filesystem that all members mount"
                ))
                .at(at(site, &["guest", name.as_str(), "pool"]))
                .help("name a pool on the GFS2 of a mirror, or leave `pool` out: its disk is then a logical volume")
                .also(at(site, &["pool", pool_name, "path"]), "the pool"),
            );
        }
    }
}

fn live(site: &Site, findings: &mut Vec<Finding>) {
    let lock = site.inventory.cluster.as_ref().map(|c| c.lock);
    for (name, guest) in &site.inventory.guest {
        if guest.migrate != Some(Migrate::Live) {
            continue;
        }
        let here = at(site, &["guest", name.as_str(), "migrate"]);
        if !guest.failover {
            findings.push(
                found(format!(
                    "guest `{name}` is to be moved while it runs, and has no fail-over"
                ))
                .at(here)
                .help("leave `migrate` out, or give it fail-over"),
            );
        } else if lock == Some(GuestLock::Exclusive) && guest.pool.is_none() {
            findings.push(
                found(format!(
                    "guest `{name}` is to be moved while it runs, and its volume is active on one member only"
                ))
                .at(here)
                .help("`migrate = \"restart\"`, or another `lock` of the cluster")
                .also(at(site, &["cluster", "lock"]), "what keeps it from running twice"),
            );
        }
    }
}

fn cpu_model(site: &Site, findings: &mut Vec<Finding>) {
    for (name, guest) in &site.inventory.guest {
        if site.migrate_of(guest) == Migrate::Live
            && let Some(cpu) = &guest.cpu
            && ["host-model", "host-passthrough"].contains(&cpu.as_str())
        {
            findings.push(
                found(format!("guest `{name}` has the CPU model `{cpu}` and is moved while it runs"))
                    .at(at(site, &["guest", name.as_str(), "cpu"]))
                    .help("name a model that all members have (`virsh domcapabilities` lists them), or accept that their processors are equal"),
            );
        }
    }
}

fn cdrom(site: &Site, findings: &mut Vec<Finding>) {
    use crate::site::tables::guests::BootDevice;
    for (name, guest) in &site.inventory.guest {
        if guest.boot.contains(&BootDevice::Cdrom) && guest.cdrom.is_none() {
            findings.push(
                found(format!(
                    "guest `{name}` boots from a CD drive, and has none"
                ))
                .at(at(site, &["guest", name.as_str(), "boot"]))
                .help("add `cdrom = \"/shared/iso/install.iso\"`"),
            );
        }
    }
}

/// Whether a zone leads outside: the default gateway is behind it.
fn outside(site: &Site, zone: &str) -> bool {
    let zone = site.inventory.zone.get(zone);
    zone.is_some_and(|z| z.gateway.is_some())
}

fn project_zone(site: &Site, findings: &mut Vec<Finding>) {
    for (name, guest) in &site.inventory.guest {
        let Some(project) = site.project_of(guest) else {
            continue;
        };
        for (i, path) in guest.zones.iter().enumerate() {
            let (zone, own) = path.parts();
            if own == Some(project) || own.is_none() && outside(site, zone) {
                continue;
            }
            findings.push(
                found(format!(
                    "guest `{name}` of project `{project}` is connected to zone `{path}`"
                ))
                .at(at(site, &["guest", name.as_str(), "zones", &i.to_string()]))
                .help("a guest of a project is in its project's VLAN, in a zone with the gateway, or in both")
                .also(at(site, &["zone", zone]), "the zone"),
            );
        }
    }
}

fn project_outside(site: &Site, findings: &mut Vec<Finding>) {
    let mut first: std::collections::BTreeMap<&str, &str> = std::collections::BTreeMap::new();
    for (name, guest) in &site.inventory.guest {
        let mut zones = guest.zones.iter().map(|z| z.parts().0);
        let Some(project) = site
            .project_of(guest)
            .filter(|_| zones.any(|z| outside(site, z)))
        else {
            continue;
        };
        if let Some(other) = first.get(project) {
            findings.push(
                found(format!(
                    "guests `{other}` and `{name}` of project `{project}` are both reached from outside"
                ))
                .at(at(site, &["guest", name.as_str(), "zones"]))
                .help("put a reverse proxy on one of them, and the others into the project's VLAN alone")
                .also(at(site, &["guest", other, "zones"]), format!("`{other}`")),
            );
        } else {
            first.insert(project, name.as_str());
        }
    }
}

fn project_sync(site: &Site, findings: &mut Vec<Finding>) {
    for (name, guest) in &site.inventory.guest {
        if guest.sync && !guest.zones.iter().any(|z| z.parts().1.is_some()) {
            findings.push(
                found(format!(
                    "guest `{name}` synchronises data, and is in no project's VLAN"
                ))
                .at(at(site, &["guest", name.as_str(), "sync"]))
                .help("add the VLAN of its project to its `zones`, as `ZONE.PROJECT`")
                .also(at(site, &["guest", name.as_str(), "zones"]), "its zones"),
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
