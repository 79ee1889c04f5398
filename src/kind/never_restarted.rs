//! Services that no step restarts or reloads: a restart ends a membership, a lease or a link that others depend on.
//!
//! Facts: docs/facts/network.md#a-running-clusters-links, docs/facts/guests.md#locks.

/// Names of services, without `.service`. A template's instances (`drbd@r0`) count as their template.
const NEVER: &[&str] = &[
    // Membership and locking: a restart leaves the cluster, and the peer fences.
    "corosync",
    "cman",
    "dlm",
    "dlm_controld",
    "clvmd",
    "lvmlockd",
    "lvm2-lvmlockd",
    "wdmd",
    "sanlock",
    "pacemaker",
    "pacemaker_remote",
    "rgmanager",
    // Storage: a restart takes devices from under what is mounted or running on them.
    "drbd",
    // Links: changed under the guard only.
    "network",
    "networking",
    "NetworkManager",
    "systemd-networkd",
];

/// Whether a step must leave a running service of this name alone. A restart that it owes is reported, and done by
/// hand.
pub fn never_restarted(service: &str) -> bool {
    let name = service.strip_suffix(".service").unwrap_or(service);
    let name = name.split_once('@').map_or(name, |(template, _)| template);
    NEVER.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::super::never_restarted;

    #[test]
    fn a_unit_an_instance_and_a_plain_name_are_the_same_service() {
        for name in ["corosync", "corosync.service", "drbd@r0.service", "cman"] {
            assert!(never_restarted(name), "{name}");
        }
        for name in [
            "chronyd",
            "corosync-notifyd",
            "libvirtd.service",
            "drbdlinks",
        ] {
            assert!(!never_restarted(name), "{name}");
        }
    }
}
