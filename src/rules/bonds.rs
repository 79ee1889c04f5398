//! Rules about bonds: their cards, their modes, the monitoring of their links.

use super::{Rule, at, found};
use crate::site::tables::network::{Bond, BondMode};
use crate::site::words::types::ZoneName;
use crate::site::{Finding, Severity, Site};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "BOND-EMPTY",
        severity: Severity::Error,
        title: "A bond has at least one card.",
        why: "A bond without cards never has a link.",
        facts: &[],
        check: bond_empty,
    },
    Rule {
        code: "BOND-PRIMARY",
        severity: Severity::Error,
        title: "A bond's primary is one of its cards.",
        why: "The kernel refuses a primary that is not in the bond.",
        facts: &["network#bonds"],
        check: bond_primary,
    },
    Rule {
        code: "BOND-MODE",
        severity: Severity::Error,
        title: "A bond under a bridge uses a mode that works with bridges.",
        why: "balance-tlb and balance-alb rewrite the MAC addresses of packets, which breaks the traffic of guests behind the bridge.",
        facts: &["network#bonds"],
        check: bond_mode,
    },
    Rule {
        code: "BOND-ONE",
        severity: Severity::Warning,
        title: "A bond has at least two cards.",
        why: "A bond with one card looks redundant and is not.",
        facts: &[],
        check: bond_one,
    },
    Rule {
        code: "BOND-DIFFERS",
        severity: Severity::Error,
        title: "All zones on one bond describe it in the same way.",
        why: "The bond is one device with one list of cards and one mode.",
        facts: &[],
        check: bond_differs,
    },
    Rule {
        code: "BOND-OPTION",
        severity: Severity::Error,
        title: "A bond has only options that its mode supports.",
        why: "The kernel refuses the others, and the bond comes up without them.",
        facts: &["network#bonds"],
        check: bond_option,
    },
    Rule {
        code: "BOND-DELAY",
        severity: Severity::Warning,
        title: "A bond's delays are multiples of `miimon`.",
        why: "The kernel rounds a delay down to a multiple of `miimon`, and ignores it where the bond is monitored by ARP.",
        facts: &["network#bonds"],
        check: bond_delay,
    },
    Rule {
        code: "BOND-ARP",
        severity: Severity::Error,
        title: "A bond monitored by ARP uses a mode that supports it.",
        why: "802.3ad, balance-tlb and balance-alb can only watch the carrier.",
        facts: &["network#bonds"],
        check: bond_arp,
    },
    Rule {
        code: "BOND-ARP-TARGET",
        severity: Severity::Error,
        title: "A bond has 1 to 16 ARP targets, all in networks of its own zones.",
        why: "A target elsewhere never answers, and the bond then takes every link for dead.",
        facts: &["network#bonds"],
        check: bond_arp_target,
    },
];

/// The zones whose device is on a bond.
fn bonds(site: &Site) -> impl Iterator<Item = (&ZoneName, &Bond)> {
    let zones = site.inventory.zone.iter();
    zones.filter_map(|(name, zone)| Some((name, zone.bond.as_ref()?)))
}

fn bond_empty(site: &Site, findings: &mut Vec<Finding>) {
    for (name, zone) in &site.inventory.zone {
        if zone.bond.as_ref().is_some_and(|b| b.nics.is_empty()) {
            findings.push(
                found(format!("the bond of zone `{name}` has no cards"))
                    .at(at(site, &["zone", name.as_str(), "bond", "nics"]))
                    .help("name two cards or more"),
            );
        }
    }
}

fn bond_primary(site: &Site, findings: &mut Vec<Finding>) {
    for (name, zone) in &site.inventory.zone {
        if let Some(bond) = &zone.bond
            && let Some(primary) = &bond.primary
            && !bond.nics.contains(primary)
        {
            findings.push(
                found(format!("`{primary}` is not a card of `{}`", bond.name))
                    .at(at(site, &["zone", name.as_str(), "bond", "primary"]))
                    .help("name one of `nics`")
                    .also(
                        at(site, &["zone", name.as_str(), "bond", "nics"]),
                        "its cards",
                    ),
            );
        }
    }
}

fn bond_mode(site: &Site, findings: &mut Vec<Finding>) {
    for (name, zone) in &site.inventory.zone {
        if let Some(bond) = &zone.bond
            && !zone.bridges().is_empty()
            && matches!(bond.mode.number(), 5 | 6)
        {
            findings.push(
                found(format!("the bond of zone `{name}` carries a bridge"))
                    .at(at(site, &["zone", name.as_str(), "bond", "mode"]))
                    .help("`active-backup`, `balance-xor` or `802.3ad`"),
            );
        }
    }
}

fn bond_one(site: &Site, findings: &mut Vec<Finding>) {
    for (name, bond) in bonds(site).filter(|(_, b)| b.nics.len() == 1) {
        findings.push(
            found(format!("`{}` has one card", bond.name))
                .at(at(site, &["zone", name.as_str(), "bond", "nics"]))
                .help("name two or more, or make it a plain card: `nic`"),
        );
    }
}

fn bond_differs(site: &Site, findings: &mut Vec<Finding>) {
    let all: Vec<_> = bonds(site).collect();
    for (i, (zone, bond)) in all.iter().enumerate() {
        let first = all[..i].iter().find(|(_, other)| other.name == bond.name);
        if let Some((there, _)) = first.filter(|(_, other)| other != bond) {
            findings.push(
                found(format!(
                    "zones `{there}` and `{zone}` describe `{}` differently",
                    bond.name
                ))
                .at(at(site, &["zone", zone.as_str(), "bond"]))
                .help("write the same in both")
                .also(at(site, &["zone", there.as_str(), "bond"]), "the other"),
            );
        }
    }
}

fn bond_option(site: &Site, findings: &mut Vec<Finding>) {
    use BondMode::{ActiveBackup, BalanceTlb, BalanceXor, Lacp};
    for (name, bond) in bonds(site) {
        let options = [
            ("primary", bond.primary.is_some(), &[ActiveBackup][..]),
            ("reselect", bond.reselect.is_some(), &[ActiveBackup]),
            ("lacp_rate", bond.lacp_rate.is_some(), &[Lacp]),
            ("hash", bond.hash.is_some(), &[BalanceXor, Lacp, BalanceTlb]),
        ];
        for (key, _, _) in options
            .into_iter()
            .filter(|(_, set, modes)| *set && !modes.contains(&bond.mode))
        {
            let mode = at(site, &["zone", name.as_str(), "bond", "mode"]);
            findings.push(
                found(format!("the mode of `{}` knows no `{key}`", bond.name))
                    .at(at(site, &["zone", name.as_str(), "bond", key]))
                    .help("take it out, or choose another mode")
                    .also(mode, "the mode"),
            );
        }
    }
}

fn bond_delay(site: &Site, findings: &mut Vec<Finding>) {
    for (name, bond) in bonds(site) {
        for (key, delay) in [("updelay", bond.updelay), ("downdelay", bond.downdelay)] {
            let (message, other) = if delay > 0 && bond.arp.is_some() {
                (format!("`{key}` is not used with `arp`"), "arp")
            } else if delay % bond.miimon.max(1) > 0 {
                let message = format!("`{key}` is no multiple of {} ms", bond.miimon);
                (message, "miimon")
            } else {
                continue;
            };
            let bond = |key| at(site, &["zone", name.as_str(), "bond", key]);
            findings.push(
                found(message)
                    .at(bond(key))
                    .help("write a multiple of `miimon`, or take it out")
                    .also(bond(other), format!("`{other}`")),
            );
        }
    }
}

fn bond_arp(site: &Site, findings: &mut Vec<Finding>) {
    for (name, bond) in bonds(site) {
        if bond.arp.is_some() && matches!(bond.mode.number(), 4..=6) {
            findings.push(
                found(format!(
                    "`{}` monitors by ARP, which its mode cannot",
                    bond.name
                ))
                .at(at(site, &["zone", name.as_str(), "bond", "arp"]))
                .help("take `arp` out: then carriers are checked, by `miimon`")
                .also(
                    at(site, &["zone", name.as_str(), "bond", "mode"]),
                    "the mode",
                ),
            );
        }
    }
}

fn bond_arp_target(site: &Site, findings: &mut Vec<Finding>) {
    for (name, bond) in bonds(site) {
        let Some(arp) = &bond.arp else { continue };
        let own = |i: &str| at(site, &["zone", name.as_str(), "bond", "arp", "targets", i]);
        if arp.targets.is_empty() || arp.targets.len() > 16 {
            findings.push(
                found(format!(
                    "`{}` probes {} hosts",
                    bond.name,
                    arp.targets.len()
                ))
                .at(at(site, &["zone", name.as_str(), "bond", "arp", "targets"]))
                .help("name 1 to 16: the gateway, the other node"),
            );
        }
        let on_it = site.inventory.zone.values();
        let on_it = on_it.filter(|z| z.base() == Some(bond.name.as_str()));
        let networks: Vec<_> = on_it
            .filter_map(|z| Some(z.network.as_ref()?.net()))
            .collect();
        for (i, target) in arp.targets.iter().enumerate() {
            let ip = target.ip();
            if !ip.is_ipv4() || !networks.iter().any(|n| n.contains(&ip)) {
                findings.push(
                    found(format!("{ip} is in no network of `{}`", bond.name))
                        .at(own(&i.to_string()))
                        .help("name hosts of its own networks, by their IPv4 addresses")
                        .also(
                            at(site, &["zone", name.as_str(), "network"])
                                .filter(|_| !networks.is_empty()),
                            "its network",
                        ),
                );
            }
        }
    }
}
