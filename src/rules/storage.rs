//! Disks, partitions, mirrors, volume groups and shared filesystems.

use super::{Rule, at, found, once, path};
use crate::site::{Finding, Severity, Site};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "DISK-TWICE",
        severity: Severity::Error,
        title: "Each disk is listed once.",
        why: "An id identifies one physical disk; a copied line would turn the wrong disk into a mirror.",
        facts: &["storage#disks"],
        check: disk_twice,
    },
    Rule {
        code: "DISK-SMALL",
        severity: Severity::Error,
        title: "The partitions fit on every node's disk.",
        why: "A partition that does not fit cannot be created, and a mirror needs the same size on both nodes.",
        facts: &["storage#mirrors"],
        check: disk_small,
    },
    Rule {
        code: "MOUNT-TWICE",
        severity: Severity::Error,
        title: "A mount point has one filesystem.",
        why: "A filesystem that is mounted later hides the one below it.",
        facts: &["storage#disks"],
        check: mount_twice,
    },
    Rule {
        code: "MIRROR-MINOR",
        severity: Severity::Error,
        title: "Each mirror has its own minor number.",
        why: "The minor number is the name of the mirror's device.",
        facts: &["storage#mirrors"],
        check: minor_twice,
    },
    Rule {
        code: "MIRROR-PORT",
        severity: Severity::Error,
        title: "Each mirror has its own port.",
        why: "Two mirrors that listen on one port cannot both connect.",
        facts: &["storage#mirrors"],
        check: port_twice,
    },
    Rule {
        code: "PORT-TAKEN",
        severity: Severity::Error,
        title: "A mirror's port is not used by another service.",
        why: "sshd, corosync, DLM, libvirt and the monitoring agent have fixed ports on the same node.",
        facts: &["firewall#ports-of-the-cluster"],
        check: port_taken,
    },
    Rule {
        code: "MIRROR-PARTITION",
        severity: Severity::Error,
        title: "Each mirror has its own partition, which is reserved for a mirror.",
        why: "Two mirrors on one partition, or a mirror on a filesystem, destroy each other's data.",
        facts: &["storage#mirrors"],
        check: mirror_partition,
    },
    Rule {
        code: "PARTITION-IDLE",
        severity: Severity::Warning,
        title: "Every partition reserved for a mirror is used by one.",
        why: "An unused one most often means a wrong number in a mirror's entry.",
        facts: &[],
        check: partition_idle,
    },
    Rule {
        code: "MIRROR-ENDS",
        severity: Severity::Error,
        title: "A mirror has two members, each with a disk and an address in the mirrors' zone.",
        why: "DRBD keeps a disk of one host and a disk of another equal over the network.",
        facts: &["storage#mirrors"],
        check: mirror_ends,
    },
    Rule {
        code: "MIRROR-IDLE",
        severity: Severity::Warning,
        title: "Every mirror carries a filesystem or a volume group.",
        why: "A mirror with neither is created and never used.",
        facts: &[],
        check: mirror_idle,
    },
    Rule {
        code: "VOLUME-GROUP-TWICE",
        severity: Severity::Error,
        title: "A volume group is on one mirror.",
        why: "LVM cannot tell two volume groups with one name apart.",
        facts: &["storage#volume-groups"],
        check: group_twice,
    },
    Rule {
        code: "GFS2-NAME",
        severity: Severity::Error,
        title: "The name of a mirror with GFS2 has at most 16 characters.",
        why: "The mirror's name is the filesystem's name in its lock table, which is limited to 16 characters.",
        facts: &["storage#gfs2"],
        check: gfs2_name,
    },
];

fn disk_twice(site: &Site, findings: &mut Vec<Finding>) {
    let mut all = Vec::new();
    for (name, node) in site.nodes() {
        if let Some(disk) = &node.disk {
            all.push((disk.id.to_string(), path(&["node", name, "disk", "id"])));
        }
        for (key, disk) in &node.disks {
            all.push((
                disk.id.to_string(),
                path(&["node", name, "disks", key.as_str(), "id"]),
            ));
        }
    }
    once(
        site,
        all,
        "disk",
        "`nodewright facts NODE` lists the disks of a node",
        findings,
    );
}

fn disk_small(site: &Site, findings: &mut Vec<Finding>) {
    let wanted = site
        .inventory
        .partition
        .values()
        .fold(0_u64, |sum, p| sum.saturating_add(p.size.bytes()));
    for (name, node) in site.nodes() {
        if let Some(disk) = &node.disk
            && wanted > disk.size.bytes()
        {
            findings.push(
                found(format!(
                    "the partitions need {} GiB, the disk of `{name}` has {}",
                    wanted >> 30,
                    disk.size
                ))
                .at(at(site, &["node", name, "disk", "size"]))
                .help("make partitions smaller or correct the disk's size")
                .also(at(site, &["partition"]), "the partitions"),
            );
        }
    }
}

fn mount_twice(site: &Site, findings: &mut Vec<Finding>) {
    let partitions = site.inventory.partition.iter().filter_map(|(number, p)| {
        Some((
            p.purpose.mount()?.to_owned(),
            path(&["partition", &number.to_string(), "use"]),
        ))
    });
    let mirrors = site.inventory.mirror.iter().filter_map(|(name, m)| {
        Some((
            m.gfs2.as_ref()?.to_string(),
            path(&["mirror", name.as_str(), "gfs2"]),
        ))
    });
    once(
        site,
        partitions.chain(mirrors),
        "mount point",
        "give each its own",
        findings,
    );
}

fn minor_twice(site: &Site, findings: &mut Vec<Finding>) {
    let all = site.inventory.mirror.iter();
    let all = all.map(|(name, m)| (m.minor, path(&["mirror", name.as_str(), "minor"])));
    once(
        site,
        all,
        "minor number",
        "give each mirror its own",
        findings,
    );
}

fn port_twice(site: &Site, findings: &mut Vec<Finding>) {
    let all = site.inventory.mirror.iter();
    let all = all.map(|(name, m)| (m.port, path(&["mirror", name.as_str(), "port"])));
    once(site, all, "port", "give each mirror its own", findings);
}

/// Ports that others on a node use (docs/facts/firewall.md#ports-of-the-cluster).
const TAKEN: [(u16, u16, &str); 8] = [
    (22, 22, "sshd"),
    (2224, 2224, "pcsd"),
    (5404, 5412, "corosync"),
    (11111, 11111, "ricci"),
    (16509, 16514, "libvirt"),
    (16851, 16851, "modclusterd"),
    (21064, 21064, "DLM"),
    (49152, 49215, "libvirt's migration"),
];

fn port_taken(site: &Site, findings: &mut Vec<Finding>) {
    let monitoring = site
        .inventory
        .services
        .monitoring
        .as_ref()
        .map(|m| m.port.get());
    for (name, mirror) in &site.inventory.mirror {
        let port = mirror.port.get();
        let fixed = TAKEN
            .iter()
            .find(|(from, to, _)| (*from..=*to).contains(&port));
        let owner = fixed
            .map(|(_, _, who)| *who)
            .or((monitoring == Some(port)).then_some("monitoring"));
        if let Some(owner) = owner {
            findings.push(
                found(format!("port {port} of mirror `{name}` is that of {owner}"))
                    .at(at(site, &["mirror", name.as_str(), "port"]))
                    .help("7788 and those behind it are usual")
                    .also(
                        at(site, &["services", "monitoring", "port"]).filter(|_| fixed.is_none()),
                        "monitoring",
                    ),
            );
        }
    }
}

fn mirror_partition(site: &Site, findings: &mut Vec<Finding>) {
    let all = site.inventory.mirror.iter();
    let all = all.map(|(name, m)| (m.partition, path(&["mirror", name.as_str(), "partition"])));
    once(site, all, "partition", "give each mirror its own", findings);
    for (name, mirror) in &site.inventory.mirror {
        let number = mirror.partition.to_string();
        let found_there = site
            .inventory
            .partition
            .iter()
            .find(|(n, _)| n.to_string() == number);
        if let Some((_, partition)) = found_there
            && partition.purpose.as_str() != "mirror"
        {
            findings.push(
                found(format!(
                    "mirror `{name}` is on partition {number}, which is for {}",
                    partition.purpose
                ))
                .at(at(site, &["mirror", name.as_str(), "partition"]))
                .help("name a partition with `use = \"mirror\"`")
                .also(at(site, &["partition", &number, "use"]), "the partition"),
            );
        }
    }
}

fn partition_idle(site: &Site, findings: &mut Vec<Finding>) {
    for (number, partition) in &site.inventory.partition {
        let mut mirrors = site.inventory.mirror.values();
        if partition.purpose.as_str() == "mirror" && !mirrors.any(|m| m.partition.get() == number.0)
        {
            findings.push(
                found(format!("no mirror is on partition {number}"))
                    .at(at(site, &["partition", &number.to_string(), "use"]))
                    .help("add the mirror, or take the partition out"),
            );
        }
    }
}

/// The remedy for a node without a disk for its mirrors.
const DISK: &str = "add `disk = { id = …, size = … }`";

fn mirror_ends(site: &Site, findings: &mut Vec<Finding>) {
    if site.inventory.mirror.is_empty() {
        return;
    }
    let members = site.members();
    if members.len() != 2 {
        let finding = found(format!(
            "a mirror has two ends, and there are {} members",
            members.len()
        ))
        .at(at(site, &["mirror"]))
        .help("mirrors need a cluster of two members")
        .also(at(site, &["cluster", "members"]), "the members");
        findings.push(finding);
    }
    let zone = site.mirror_zone();
    if zone.is_none() && !members.is_empty() {
        findings.push(
            found("the site does not name the zone that carries the mirrors")
                .at(at(site, &["cluster"]))
                .help("add `mirrors = \"ZONE\"`, with the zone of a link between the members")
                .also(at(site, &["mirror"]), "the mirrors"),
        );
    }
    for member in members {
        let disk = site.node(member).is_some_and(|n| n.disk.is_some());
        let unaddressed = zone.filter(|zone| site.address(member, zone).is_none());
        let (lacks, help) = match (disk, unaddressed) {
            (true, None) => continue,
            (false, None) => ("no disk".to_owned(), DISK.to_owned()),
            (true, Some(zone)) => (
                format!("no address in zone `{zone}`"),
                format!("add `{zone}` to its `address`"),
            ),
            (false, Some(zone)) => (
                format!("neither a disk nor an address in zone `{zone}`"),
                format!("{DISK} and `{zone}` in `address`"),
            ),
        };
        findings.push(
            found(format!("`{member}` has {lacks} for its mirrors"))
                .at(at(site, &["node", member]))
                .help(help)
                .also(at(site, &["mirror"]), "the mirrors"),
        );
    }
}

fn mirror_idle(site: &Site, findings: &mut Vec<Finding>) {
    for (name, mirror) in &site.inventory.mirror {
        if mirror.gfs2.is_none() && mirror.group.is_none() {
            findings.push(
                found(format!("mirror `{name}` carries nothing"))
                    .at(at(site, &["mirror", name.as_str()]))
                    .help("add `gfs2 = \"/shared\"` or `group = \"vg_node1\"`"),
            );
        }
    }
}

fn group_twice(site: &Site, findings: &mut Vec<Finding>) {
    let all = site.inventory.mirror.iter();
    let all = all.filter_map(|(name, m)| {
        Some((
            m.group.as_ref()?.to_string(),
            path(&["mirror", name.as_str(), "group"]),
        ))
    });
    once(
        site,
        all,
        "volume group",
        "give each mirror its own",
        findings,
    );
}

fn gfs2_name(site: &Site, findings: &mut Vec<Finding>) {
    for (name, mirror) in &site.inventory.mirror {
        if mirror.gfs2.is_some() && name.as_str().len() > 16 {
            findings.push(
                found(format!(
                    "mirror `{name}` has GFS2 and a name of more than 16 characters"
                ))
                .at(at(site, &["mirror", name.as_str()]))
                .help("give it a shorter one"),
            );
        }
    }
}
