//! What nodes use of others, groups and repositories.

use super::{Rule, at, found};
use crate::site::{Finding, Severity, Site};

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
        code: "MONITORING-OPEN",
        severity: Severity::Warning,
        title: "Only monitoring servers may query the monitoring agent.",
        why: "The agent sends a full description of the node to everyone who connects.",
        facts: &[],
        check: monitoring,
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
