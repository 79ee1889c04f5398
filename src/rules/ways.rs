//! Ways to the nodes: jump hosts, knocking, peers, the serial line.

use super::{Rule, at, found};
use crate::site::tables::inventory::Reach;
use crate::site::words::types::Duration;
use crate::site::{Finding, Severity, Site};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "KNOCK-UNDESCRIBED",
        severity: Severity::Error,
        title: "A site with a way in by knocking describes the knock.",
        why: "Without `[firewall] knock` the nodes do not react to knocks.",
        facts: &[],
        check: knock_undescribed,
    },
    Rule {
        code: "KNOCK-WINDOW",
        severity: Severity::Error,
        title: "A knock opens the port for 5 to 60 seconds.",
        why: "A shorter time is not enough to log in; a longer one lets others in from the same address.",
        facts: &["firewall#port-knocking"],
        check: knock_window,
    },
    Rule {
        code: "PEER-ADDRESS",
        severity: Severity::Error,
        title: "Every member has an address in the zone of a way in over the peer.",
        why: "A member without an address there cannot be reached that way.",
        facts: &[],
        check: peer_address,
    },
    Rule {
        code: "LOCK-OUT",
        severity: Severity::Warning,
        title: "The firewall admits operators to sshd from outside.",
        why: "With neither operators' addresses nor a knock it admits nobody.",
        facts: &["firewall#who-gets-in"],
        check: lock_out,
    },
    Rule {
        code: "OPERATORS-ANYWHERE",
        severity: Severity::Warning,
        title: "Operators' addresses are narrow networks.",
        why: "A network of more than 65,536 addresses admits almost everybody.",
        facts: &[],
        check: anywhere,
    },
    Rule {
        code: "SERIAL-CONSOLE",
        severity: Severity::Error,
        title: "The serial line is not also a console.",
        why: "A login prompt would answer the packets of PPP.",
        facts: &["network#serial-line"],
        check: console,
    },
    Rule {
        code: "SERIAL-ADDRESS",
        severity: Severity::Error,
        title: "Both ends of the serial line have an address.",
        why: "PPP is configured with fixed addresses and assigns none here.",
        facts: &["network#serial-line"],
        check: serial_address,
    },
    Rule {
        code: "SERIAL-ENDS",
        severity: Severity::Error,
        title: "Exactly two nodes are on the serial line.",
        why: "A serial line has two ends.",
        facts: &["network#serial-line"],
        check: serial_ends,
    },
];

fn ways(site: &Site) -> impl Iterator<Item = (usize, Reach)> {
    let ways = site.inventory.site.reach.iter();
    ways.map(crate::site::words::types::ReachWord::get)
        .enumerate()
}

fn knock_undescribed(site: &Site, findings: &mut Vec<Finding>) {
    if site.inventory.firewall.knock.is_some() {
        return;
    }
    for (i, way) in ways(site) {
        if let Reach::Knock(zone) = way {
            findings.push(
                found(format!("`knock {zone}`, and no knocking is described"))
                    .at(at(site, &["site", "reach", &i.to_string()]))
                    .help("add `knock = { sequence = { secret = \"knock\" } }` to `[firewall]`")
                    .also(at(site, &["firewall"]), "it is not set here"),
            );
        }
    }
}

fn knock_window(site: &Site, findings: &mut Vec<Finding>) {
    let Some(knock) = &site.inventory.firewall.knock else {
        return;
    };
    let outside = |d: &Duration, min: u64, max: u64| !(min..=max).contains(&d.get().as_secs());
    for (key, value, min, max) in [("open", &knock.open, 5, 60), ("step", &knock.step, 1, 60)] {
        if outside(value, min, max) {
            findings.push(
                found(format!("`{key}` of knocking is {value}"))
                    .at(at(site, &["firewall", "knock", key]))
                    .help(format!("from {min}s to {max}s"))
                    .also(at(site, &["firewall", "knock", "sequence"]), "the knock"),
            );
        }
    }
}

fn peer_address(site: &Site, findings: &mut Vec<Finding>) {
    for (i, way) in ways(site) {
        let Reach::Peer(zone) = way else { continue };
        for member in site.members() {
            if site.address(member, zone.as_str()).is_none() {
                findings.push(
                    found(format!(
                        "`peer {zone}`, and `{member}` has no address there"
                    ))
                    .at(at(site, &["site", "reach", &i.to_string()]))
                    .help(format!("add `{zone}` to its `address`"))
                    .also(
                        at(site, &["node", member, "address"]),
                        format!("`{member}`"),
                    ),
                );
            }
        }
    }
}

fn lock_out(site: &Site, findings: &mut Vec<Finding>) {
    let firewall = &site.inventory.firewall;
    let mut zones = site.inventory.zone.keys();
    let Some(outside) = zones.find(|z| site.is_outside(z.as_str())) else {
        return;
    };
    let outside = at(site, &["zone", outside.as_str()]);
    if firewall.operators.is_empty() && firewall.knock.is_none() {
        findings.push(
            found("sshd is reachable for no address outside")
                .at(site.place_of("firewall").or_else(|| at(site, &["zone"])))
                .help("add `operators`, the addresses they come from, or `knock`, to `[firewall]`")
                .also(outside, "where outside is"),
        );
    }
}

fn anywhere(site: &Site, findings: &mut Vec<Finding>) {
    for (i, from) in site.inventory.firewall.operators.iter().enumerate() {
        let net = from.net();
        if net.max_prefix_len() - net.prefix_len() > 16 && net.addr().is_ipv4() {
            findings.push(
                found(format!("operators come from {net}"))
                    .at(at(site, &["firewall", "operators", &i.to_string()]))
                    .help("name the addresses they come from; from elsewhere they knock"),
            );
        }
    }
}

fn console(site: &Site, findings: &mut Vec<Finding>) {
    if site.inventory.serial.as_ref().is_some_and(|s| s.console) {
        findings.push(
            found("the serial line is a console as well")
                .at(at(site, &["serial", "console"]))
                .help("use another port for the console")
                .also(at(site, &["serial", "tty"]), "the port"),
        );
    }
}

fn serial_address(site: &Site, findings: &mut Vec<Finding>) {
    if site.inventory.serial.is_none() {
        return;
    }
    for member in site.members() {
        if site.address(member, "serial").is_none() {
            findings.push(
                found(format!("`{member}` has no address on the serial line"))
                    .at(at(site, &["node", member, "address"]))
                    .help("add `serial` to its `address`")
                    .also(at(site, &["serial", "network"]), "the line's network"),
            );
        }
    }
}

fn serial_ends(site: &Site, findings: &mut Vec<Finding>) {
    let ends = site
        .nodes()
        .filter(|(_, n)| n.address.contains_key("serial"));
    let ends: Vec<&str> = ends.map(|(name, _)| name).collect();
    let place = |node: &str| at(site, &["node", node, "address", "serial"]);
    match ends.as_slice() {
        [one] if site.members().is_empty() => findings.push(
            found(format!("`{one}` alone is on the serial line"))
                .at(place(one))
                .help("add `serial` to the `address` of the other node")
                .also(at(site, &["serial", "network"]), "the line's network"),
        ),
        [first, _, more @ ..] => findings.extend(more.iter().map(|node| {
            found(format!("`{node}` is the third on the serial line"))
                .at(place(node))
                .help("a line has two ends: take one address out")
                .also(place(first), format!("`{first}`"))
        })),
        _ => {}
    }
}
