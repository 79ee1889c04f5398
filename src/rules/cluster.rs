//! Members, rings and what decides who survives.

use super::{Rule, at, found, once, path};
use crate::platform::Stack;
use crate::site::tables::machines::{GuestLock, Start, Transport};
use crate::site::tables::network::{BondMode, Zone};
use crate::site::{Finding, Severity, Site};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "MEMBER-TWICE",
        severity: Severity::Error,
        title: "Each member is listed once.",
        why: "Votes are counted per member, so a name that is listed twice makes the quorum wrong.",
        facts: &["membership#members"],
        check: member_twice,
    },
    Rule {
        code: "CLUSTER-SIZE",
        severity: Severity::Error,
        title: "A cluster has at least two members.",
        why: "A single member has no peer that could take over its work.",
        facts: &[],
        check: size,
    },
    Rule {
        code: "RELEASE-MIXED",
        severity: Severity::Error,
        title: "All members run the same release.",
        why: "Releases ship different cluster stacks, which do not form one cluster.",
        facts: &["membership#members"],
        check: mixed,
    },
    Rule {
        code: "HOST-ID",
        severity: Severity::Error,
        title: "Every member has a host id.",
        why: "The host id is the node's number in the membership and its slot in sanlock's lease files.",
        facts: &["membership#members", "guests#locks"],
        check: host_id,
    },
    Rule {
        code: "HOST-ID-TWICE",
        severity: Severity::Error,
        title: "No two nodes have the same host id.",
        why: "The membership refuses a second node with the same number, and sanlock lets two hosts with one id take each other's leases.",
        facts: &["membership#members", "guests#locks"],
        check: host_id_twice,
    },
    Rule {
        code: "RING-ADDRESS",
        severity: Severity::Error,
        title: "Every member has an address on each ring.",
        why: "The membership reaches a member at its ring address, and its name resolves to that address on every node.",
        facts: &["membership#names"],
        check: ring_address,
    },
    Rule {
        code: "RING-BRIDGE",
        severity: Severity::Error,
        title: "The ring's zone has no bridge and no VLAN.",
        why: "Traffic of guests delays the token, and a bridge with multicast snooping may drop multicast where nobody queries for it.",
        facts: &["network#bridges"],
        check: ring_bridge,
    },
    Rule {
        code: "MIRRORS-BRIDGE",
        severity: Severity::Warning,
        title: "The mirrors' zone has no bridge and no VLAN.",
        why: "Every write of a guest waits for the other member, so what guests send there slows the disks of all of them.",
        facts: &["storage#mirrors"],
        check: mirrors_bridge,
    },
    Rule {
        code: "RING-SERIAL",
        severity: Severity::Error,
        title: "The ring is not on the serial line.",
        why: "One full packet occupies a line of 115,200 baud for 130 ms, so the token is late; the line is a last way in.",
        facts: &["network#serial-line"],
        check: ring_serial,
    },
    Rule {
        code: "RING-DLM",
        severity: Severity::Error,
        title: "A cluster that uses DLM has one ring.",
        why: "DLM uses the address of the first link only: when that link fails, the second one keeps both nodes quorate, nobody is fenced, and DLM's locks hang.",
        facts: &["membership#dlm-and-a-second-ring"],
        check: ring_dlm,
    },
    Rule {
        code: "RING-SECOND",
        severity: Severity::Error,
        title: "The second ring is another zone, on a transport that supports two rings.",
        why: "Two rings in one zone fail together; corosync 3 has a second link with knet only, and corosync 2 has none with multicast, whose addresses are not in the member list.",
        facts: &["membership#transports"],
        check: ring_second,
    },
    Rule {
        code: "RING-BOND",
        severity: Severity::Warning,
        title: "A bond under the ring or the mirrors is in mode active-backup.",
        why: "Other modes reorder packets or need a switch that takes part.",
        facts: &["network#bonds"],
        check: ring_bond,
    },
    Rule {
        code: "MULTICAST-RANGE",
        severity: Severity::Warning,
        title: "The multicast address is in 239.192.0.0/16.",
        why: "That range is for private use within an organisation; another address may belong to somebody else.",
        facts: &["membership#multicast"],
        check: multicast_range,
    },
    Rule {
        code: "MULTICAST-ADDRESS",
        severity: Severity::Error,
        title: "A multicast address is one, and is given where messages travel by multicast.",
        why: "No member hears what is sent to another sort of address, and other transports ignore the key.",
        facts: &["membership#multicast"],
        check: multicast_address,
    },
    Rule {
        code: "TRANSPORT-RELEASE",
        severity: Severity::Error,
        title: "The members' release supports the transport.",
        why: "knet came with corosync 3; EL6 and EL7 have older versions.",
        facts: &["membership#transports"],
        check: transport,
    },
    Rule {
        code: "JOIN-DELAY",
        severity: Severity::Warning,
        title: "A starting node waits at least 30 seconds for its peer.",
        why: "With a shorter delay, nodes that boot at the same time fence each other.",
        facts: &["membership#starting-together"],
        check: join_delay,
    },
    Rule {
        code: "FAIL-DELAY",
        severity: Severity::Error,
        title: "A delay before a lost member is fenced is whole seconds, and of cman.",
        why: "fenced counts in seconds; Pacemaker fences at once and has no such delay.",
        facts: &["membership#starting-together"],
        check: fail_delay,
    },
    Rule {
        code: "FAILBACK",
        severity: Severity::Warning,
        title: "Guests move back to their node only by an operator's command.",
        why: "A node that failed must be examined first, and moving back interrupts the guests a second time.",
        facts: &["resources#going-back"],
        check: failback,
    },
    Rule {
        code: "START-AT-BOOT",
        severity: Severity::Warning,
        title: "A member of a two-node cluster joins only by an operator's command.",
        why: "While the link is cut, two nodes that join at boot fence each other again and again.",
        facts: &["membership#two-nodes"],
        check: at_boot,
    },
    Rule {
        code: "LOCK-RELEASE",
        severity: Severity::Error,
        title: "The members' release supports the guests' lock manager.",
        why: "virtlockd came with libvirt 1.0; EL6 has an older version.",
        facts: &["guests#locks"],
        check: lock_release,
    },
    Rule {
        code: "LOCK-SHARED",
        severity: Severity::Error,
        title: "A lock manager that keeps its leases in files has a shared filesystem.",
        why: "Leases on a node's own disk do not keep the other node from starting the same guest.",
        facts: &["guests#locks"],
        check: lock_shared,
    },
    Rule {
        code: "SANLOCK-ON-MIRROR",
        severity: Severity::Warning,
        title: "sanlock's leases are not on a mirror between the members.",
        why: "A mirror freezes while a member is fenced; if that takes longer than the watchdog waits, the watchdog resets the survivor.",
        facts: &["guests#locks", "storage#mirrors"],
        check: sanlock_on_mirror,
    },
];

fn member_twice(site: &Site, findings: &mut Vec<Finding>) {
    let cluster = site.inventory.cluster.iter();
    let members = cluster.flat_map(|c| c.members.iter().enumerate());
    let members = members.map(|(i, m)| (m.as_str(), path(&["cluster", "members", &i.to_string()])));
    once(site, members, "member", "name each member once", findings);
}

fn size(site: &Site, findings: &mut Vec<Finding>) {
    if let Some(cluster) = &site.inventory.cluster
        && cluster.members.len() < 2
    {
        findings.push(
            found(format!(
                "the cluster has {} member(s)",
                cluster.members.len()
            ))
            .at(at(site, &["cluster", "members"]))
            .help("name two nodes or more, or leave `[cluster]` out"),
        );
    }
}

fn mixed(site: &Site, findings: &mut Vec<Finding>) {
    let members = site.members();
    let Some(first) = members.first() else { return };
    for member in &members[1..] {
        let (a, b) = (site.platform_of(first), site.platform_of(member));
        if a != b {
            findings.push(
                found(format!("`{first}` runs {a} and `{member}` runs {b}"))
                    .at(at(site, &["node", member, "platform"]))
                    .help("members of one cluster run one release")
                    .also(at(site, &["node", first, "platform"]), format!("`{first}`")),
            );
        }
    }
}

fn host_id(site: &Site, findings: &mut Vec<Finding>) {
    for member in site.members() {
        if site.node(member).is_some_and(|n| n.host_id.is_none()) {
            findings.push(
                found(format!("member `{member}` has no host id"))
                    .at(at(site, &["node", member]))
                    .help("add `host_id`, a number from 1 to 2000 that no other node has and that never changes"),
            );
        }
    }
}

fn host_id_twice(site: &Site, findings: &mut Vec<Finding>) {
    let ids = site
        .nodes()
        .filter_map(|(name, node)| Some((node.host_id?.get(), path(&["node", name, "host_id"]))));
    once(site, ids, "host id", "give each node its own", findings);
}

fn ring_address(site: &Site, findings: &mut Vec<Finding>) {
    let Some(cluster) = &site.inventory.cluster else {
        return;
    };
    for zone in std::iter::once(&cluster.ring).chain(&cluster.second_ring) {
        for member in site.members() {
            if site.address(member, zone.as_str()).is_none() {
                findings.push(
                    found(format!("member `{member}` has no address in zone `{zone}`"))
                        .at(at(site, &["node", member, "address"]))
                        .help(format!("add `{zone}` to its `address`"))
                        .also(at(site, &["cluster", "ring"]), "the ring"),
                );
            }
        }
    }
}

/// The key by which a zone carries more than the members' own traffic.
fn shared_by(zone: &Zone) -> Option<&'static str> {
    [
        (zone.bridge.is_some(), "bridge"),
        (zone.vlan.is_some(), "vlan"),
        (!zone.vlans.is_empty(), "vlans"),
    ]
    .into_iter()
    .find_map(|(is, key)| is.then_some(key))
}

fn ring_bridge(site: &Site, findings: &mut Vec<Finding>) {
    let Some(cluster) = &site.inventory.cluster else {
        return;
    };
    let zone = site.inventory.zone.get(cluster.ring.as_str());
    if let Some(key) = zone.and_then(shared_by) {
        findings.push(
            found(format!(
                "the ring is in zone `{}`, which has a `{key}`",
                cluster.ring
            ))
            .at(at(site, &["zone", cluster.ring.as_str(), key]))
            .help("give the ring a link of its own")
            .also(at(site, &["cluster", "ring"]), "the ring"),
        );
    }
}

fn mirrors_bridge(site: &Site, findings: &mut Vec<Finding>) {
    let Some(name) = site
        .mirror_zone()
        .filter(|_| !site.inventory.mirror.is_empty())
    else {
        return;
    };
    let zone = site.inventory.zone.get(name);
    if let Some(key) = zone.and_then(shared_by) {
        let guests = &site.inventory.guest;
        let guest = guests.iter().find_map(|(guest, g)| {
            let at_zone = g.zones.iter().position(|z| z.as_str() == name)?;
            at(
                site,
                &["guest", guest.as_str(), "zones", &at_zone.to_string()],
            )
        });
        findings.push(
            found(format!(
                "the mirrors are in zone `{name}`, which has a `{key}`"
            ))
            .at(at(site, &["zone", name, key]))
            .help("give the mirrors a link of their own")
            .also(guest, "a guest is connected there"),
        );
    }
}

fn ring_serial(site: &Site, findings: &mut Vec<Finding>) {
    if let Some(cluster) = &site.inventory.cluster
        && cluster.ring == "serial"
    {
        findings.push(
            found("the ring is on the serial line")
                .at(at(site, &["cluster", "ring"]))
                .help("name the zone of a network link; make it redundant by a bond"),
        );
    }
}

/// Whether anything on the members locks through DLM.
fn uses_dlm(site: &Site) -> bool {
    site.inventory
        .mirror
        .values()
        .any(|m| m.gfs2.is_some() || m.group.is_some())
}

fn ring_dlm(site: &Site, findings: &mut Vec<Finding>) {
    let Some(cluster) = &site.inventory.cluster else {
        return;
    };
    if cluster.second_ring.is_none() || !uses_dlm(site) {
        return;
    }
    let user = site.inventory.mirror.iter().find_map(|(name, mirror)| {
        let key = if mirror.gfs2.is_some() {
            "gfs2"
        } else {
            mirror.group.as_ref().map(|_| "group")?
        };
        at(site, &["mirror", name.as_str(), key])
    });
    findings.push(
        found("a second ring, and DLM")
            .at(at(site, &["cluster", "second_ring"]))
            .help("leave it out; make the ring redundant by a bond, and keep the serial line as a way in")
            .also(user, "locks through DLM"),
    );
}

fn ring_second(site: &Site, findings: &mut Vec<Finding>) {
    let Some(cluster) = &site.inventory.cluster else {
        return;
    };
    let Some(second) = &cluster.second_ring else {
        return;
    };
    let place = at(site, &["cluster", "second_ring"]);
    if *second == cluster.ring {
        findings.push(
            found("both rings are in one zone")
                .at(place)
                .help("name another zone, or leave it out")
                .also(at(site, &["cluster", "ring"]), "the ring"),
        );
        return;
    }
    let one = site.members().into_iter().find(|m| {
        match (site.platform_of(m).stack(), cluster.transport) {
            (Stack::Cman, _) => false,
            (Stack::Corosync2, transport) => transport == Some(Transport::Multicast),
            (Stack::Corosync3, transport) => !matches!(transport, None | Some(Transport::Knet)),
        }
    });
    if let Some(member) = one {
        findings.push(
            found(format!(
                "on {} this transport has one ring",
                site.platform_of(member)
            ))
            .at(at(site, &["cluster", "transport"]))
            .help("leave `transport` out, or the second ring")
            .also(place, "the second ring"),
        );
    }
}

fn ring_bond(site: &Site, findings: &mut Vec<Finding>) {
    let ring = site.inventory.cluster.as_ref().map(|c| c.ring.as_str());
    let mirrors = site.mirror_zone().filter(|zone| Some(*zone) != ring);
    for name in ring.into_iter().chain(mirrors) {
        if let Some(bond) = site.inventory.zone.get(name).and_then(|z| z.bond.as_ref())
            && bond.mode != BondMode::ActiveBackup
        {
            findings.push(
                found(format!("the bond of zone `{name}` is not `active-backup`"))
                    .at(at(site, &["zone", name, "bond", "mode"]))
                    .help("leave `mode` out"),
            );
        }
    }
}

fn multicast_range(site: &Site, findings: &mut Vec<Finding>) {
    let cluster = site.inventory.cluster.as_ref();
    if let Some(address) = cluster.and_then(|c| c.multicast.as_ref()) {
        let elsewhere = match address.ip() {
            std::net::IpAddr::V4(ip) => ip.is_multicast() && ip.octets()[..2] != [239, 192],
            std::net::IpAddr::V6(_) => false,
        };
        if elsewhere {
            findings.push(
                found(format!("{address} is not in 239.192.0.0/16"))
                    .at(at(site, &["cluster", "multicast"]))
                    .help("leave it out: one is made from the cluster's name"),
            );
        }
    }
}

fn multicast_address(site: &Site, findings: &mut Vec<Finding>) {
    let cluster = site.inventory.cluster.as_ref();
    let (Some(address), Some(totem)) = (cluster.and_then(|c| c.multicast.as_ref()), site.totem())
    else {
        return;
    };
    let place = at(site, &["cluster", "multicast"]);
    if !address.ip().is_multicast() {
        findings.push(
            found(format!("{address} is the address of one machine"))
                .at(place)
                .help(
                    "an address of 239.192.0.0/16; left out, one is made from the cluster's name",
                ),
        );
    } else if totem.transport != "udp" {
        findings.push(
            found(format!("messages travel by {}", totem.transport))
                .at(place)
                .help("leave it out, or write `transport = \"multicast\"`"),
        );
    }
}

fn transport(site: &Site, findings: &mut Vec<Finding>) {
    let knet = site
        .inventory
        .cluster
        .as_ref()
        .is_some_and(|c| c.transport == Some(Transport::Knet));
    let old = site
        .members()
        .into_iter()
        .find(|m| site.platform_of(m).stack() != Stack::Corosync3);
    if let Some(member) = old.filter(|_| knet) {
        findings.push(
            found(format!("{} has no `knet`", site.platform_of(member)))
                .at(at(site, &["cluster", "transport"]))
                .help("write `udpu`, or leave it out"),
        );
    }
}

fn join_delay(site: &Site, findings: &mut Vec<Finding>) {
    if let Some(cluster) = &site.inventory.cluster
        && cluster.join.get().as_secs() < 30
    {
        findings.push(
            found(format!(
                "a starting node waits {} for the other",
                cluster.join
            ))
            .at(at(site, &["cluster", "join"]))
            .help("30s or more"),
        );
    }
}

fn fail_delay(site: &Site, findings: &mut Vec<Finding>) {
    let (Some(cluster), members) = (&site.inventory.cluster, site.members()) else {
        return;
    };
    let place = at(site, &["cluster", "fail"]);
    let other = members
        .into_iter()
        .find(|m| site.platform_of(m).stack() != Stack::Cman);
    if cluster.fail.get().subsec_millis() != 0 {
        findings.push(
            found(format!("{} is no whole number of seconds", cluster.fail))
                .at(place)
                .help("`0s`, or as many seconds as a member may take to come back"),
        );
    } else if let Some(member) = other.filter(|_| !cluster.fail.get().is_zero()) {
        findings.push(
            found(format!("{} has no such delay", site.platform_of(member)))
                .at(place)
                .help("leave it out; `token` says how long a member may be silent"),
        );
    }
}

fn failback(site: &Site, findings: &mut Vec<Finding>) {
    if site.inventory.cluster.as_ref().is_some_and(|c| c.failback) {
        findings.push(
            found("guests go back by themselves")
                .at(at(site, &["cluster", "failback"]))
                .help("`failback = false`; an operator moves them back"),
        );
    }
}

fn at_boot(site: &Site, findings: &mut Vec<Finding>) {
    if let Some(cluster) = &site.inventory.cluster
        && cluster.start == Start::AtBoot
        && cluster.members.len() == 2
    {
        findings.push(
            found("two nodes that join at boot")
                .at(at(site, &["cluster", "start"]))
                .help(
                    "`start = \"by hand\"`: a fenced node stays out until somebody has examined it",
                ),
        );
    }
}

fn lock_release(site: &Site, findings: &mut Vec<Finding>) {
    let lockd = site
        .inventory
        .cluster
        .as_ref()
        .is_some_and(|c| c.lock == GuestLock::Lockd);
    let platforms = site.members().into_iter().map(|m| site.platform_of(m));
    let without = platforms.filter(|p| !p.has_lockd()).min();
    if let Some(platform) = without.filter(|_| lockd) {
        findings.push(
            found(format!("{platform} has no `lockd`"))
                .at(at(site, &["cluster", "lock"]))
                .help("write `sanlock` or `exclusive`"),
        );
    }
}

fn lock_shared(site: &Site, findings: &mut Vec<Finding>) {
    let in_files = site
        .inventory
        .cluster
        .as_ref()
        .is_some_and(|c| c.lock != GuestLock::Exclusive);
    if in_files && site.inventory.mirror.values().all(|m| m.gfs2.is_none()) {
        findings.push(
            found("the guests' lock lives in files, and no mirror carries a shared filesystem")
                .at(at(site, &["cluster", "lock"]))
                .help("add a mirror with `gfs2`, or write `exclusive`"),
        );
    }
}

fn sanlock_on_mirror(site: &Site, findings: &mut Vec<Finding>) {
    if site
        .inventory
        .cluster
        .as_ref()
        .is_some_and(|c| c.lock == GuestLock::Sanlock)
        && let Some((name, _)) = site.inventory.mirror.iter().find(|(_, m)| m.gfs2.is_some())
    {
        findings.push(
            found("sanlock's leases are on a mirror")
                .at(at(site, &["cluster", "lock"]))
                .help("measure: fencing has to take less than the watchdog's 60 s; then accept it")
                .also(at(site, &["mirror", name.as_str(), "gfs2"]), "the mirror"),
        );
    }
}
