//! Rules about the services that nodes use, groups and repositories.

use super::{Rule, at, found};
use crate::platform::NetworkStyle;
use crate::site::{Finding, Provision, Severity, Site};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "TIME-SERVERS",
        severity: Severity::Warning,
        title: "A cluster has at least three time servers.",
        why: "If two servers differ, nothing shows which one is right.",
        facts: &["releases#time"],
        check: time,
    },
    Rule {
        code: "DNS-COUNT",
        severity: Severity::Warning,
        title: "Every name server of the site is asked.",
        why: "A resolver asks three servers, and the start scripts of EL6 and EL7 write two: the others are dropped in silence.",
        facts: &["network#name-servers"],
        check: name_servers,
    },
    Rule {
        code: "MONITORING-OPEN",
        severity: Severity::Warning,
        title: "Only monitoring servers may query the monitoring agent.",
        why: "The agent sends a full description of the node to everyone who connects.",
        facts: &[],
        check: monitoring,
    },
    Rule {
        code: "NO-ROLE-ACTS",
        severity: Severity::Warning,
        title: "A role acts on everything that the site describes.",
        why: "What no role acts on is not done, whatever is written there.",
        facts: &[],
        check: no_role_acts,
    },
    Rule {
        code: "NODE-IDLE",
        severity: Severity::Warning,
        title: "Every node is in a group.",
        why: "Groups assign roles, so a node without a group is never changed.",
        facts: &[],
        check: idle,
    },
    Rule {
        code: "ROLE-TWICE",
        severity: Severity::Warning,
        title: "A group lists each role once.",
        why: "The second entry has no effect.",
        facts: &[],
        check: role_twice,
    },
];

fn time(site: &Site, findings: &mut Vec<Finding>) {
    let count = site.inventory.services.time.len();
    if site.inventory.cluster.is_some() && count < 3 {
        findings.push(
            found(format!(
                "the cluster has {count} of the 3 time servers it needs"
            ))
            .at(at(site, &["services", "time"]).or_else(|| at(site, &["cluster"])))
            .help("name three or more in `[services] time`"),
        );
    }
}

fn name_servers(site: &Site, findings: &mut Vec<Finding>) {
    let named = site.inventory.services.dns.len();
    let asked = |node: &str| match site.platform_of(node).network() {
        NetworkStyle::Ifcfg => 2,
        NetworkStyle::Keyfile | NetworkStyle::Ifupdown => 3,
    };
    let fewest = site.node_names().map(|node| (asked(node), node)).min();
    if let Some((count, node)) = fewest
        && named > count
    {
        findings.push(
            found(format!(
                "{named} name servers, and node `{node}` ({}) asks the first {count}",
                site.platform_of(node)
            ))
            .at(at(site, &["services", "dns", &count.to_string()]))
            .help(format!("keep {count} in `[services] dns`")),
        );
    }
}

fn monitoring(site: &Site, findings: &mut Vec<Finding>) {
    let Some(monitoring) = &site.inventory.services.monitoring else {
        return;
    };
    for (i, from) in monitoring.from.iter().enumerate() {
        let net = from.net();
        if net.addr().is_ipv4() && net.prefix_len() < 24 {
            findings.push(
                found(format!("{net} may query the agent"))
                    .at(at(
                        site,
                        &["services", "monitoring", "from", &i.to_string()],
                    ))
                    .help("name the monitoring servers' addresses"),
            );
        }
    }
}

fn no_role_acts(site: &Site, findings: &mut Vec<Finding>) {
    let inventory = &site.inventory;
    let services = &inventory.services;
    let lock = site.place_of("cluster.lock").is_some();
    let mut guests = inventory.guest.iter();
    let installed = guests.find(|(_, g)| g.install.is_some());
    let install = installed.map_or_else(String::new, |(name, _)| format!("guest.{name}.install"));
    for (is_there, path, what) in [
        (
            !inventory.partition.is_empty(),
            "partition",
            Provision::Partitions,
        ),
        (!inventory.mirror.is_empty(), "mirror", Provision::Mirrors),
        (!inventory.guest.is_empty(), "guest", Provision::Guests),
        (!install.is_empty(), &install, Provision::Installs),
        (lock, "cluster.lock", Provision::Guests),
        (services.mail.is_some(), "services.mail", Provision::Mail),
        (services.log.is_some(), "services.log", Provision::Log),
        (
            services.monitoring.is_some(),
            "services.monitoring",
            Provision::Monitoring,
        ),
    ] {
        if is_there && !site.node_names().any(|node| site.provides(node, what)) {
            let word = Provision::ALL.iter().find(|(_, p, _)| *p == what);
            let word = word.map_or("", |(word, _, _)| word);
            let path: Vec<&str> = path.split('.').collect();
            findings.push(
                found(format!("no role of a node acts on `{}`", path.join(".")))
                    .at(at(site, &path))
                    .help(format!(
                        "write a role that `provides = [\"{word}\"]`, or accept that it is not done"
                    )),
            );
        }
    }
}

fn idle(site: &Site, findings: &mut Vec<Finding>) {
    for node in site.node_names() {
        if site.groups_of(node).is_empty() {
            findings.push(
                found(format!("node `{node}` is in no group"))
                    .at(at(site, &["node", node]))
                    .help("name it in the `nodes` of a group"),
            );
        }
    }
}

fn role_twice(site: &Site, findings: &mut Vec<Finding>) {
    for (name, group) in &site.inventory.group {
        for (i, role) in group.roles.iter().enumerate() {
            if let Some(first) = group.roles[..i].iter().position(|r| r == role) {
                findings.push(
                    found(format!("group `{name}` names role `{role}` twice"))
                        .at(at(site, &["group", name.as_str(), "roles", &i.to_string()]))
                        .help("keep the first")
                        .also(
                            at(site, &["group", name.as_str(), "roles", &first.to_string()]),
                            "the first",
                        ),
                );
            }
        }
    }
}
