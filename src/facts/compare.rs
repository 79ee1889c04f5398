//! Compares the facts of a node with the site's declarations.

use super::Facts;
use crate::site::Site;

/// A difference between a node and its declaration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Mismatch {
    /// The subject: `release`, `mac eth0`, `disk`.
    pub what: String,
    /// The declared value.
    pub declared: String,
    /// The observed value.
    pub seen: String,
}

/// Everything in which a node differs from what the site declares of it. `now` is the time here, in seconds since 1970.
pub fn differences(site: &Site, node: &str, facts: &Facts, now: u64) -> Vec<Mismatch> {
    let mut all = Vec::new();
    let mut add = |what: String, declared: String, seen: String| {
        all.push(Mismatch {
            what,
            declared,
            seen,
        });
    };
    let platform = site.platform_of(node);
    if !facts.platform.is_some_and(|seen| platform.covers(seen)) {
        add(
            "release".into(),
            platform.to_string(),
            facts.release.clone(),
        );
    }
    if facts.hostname != node {
        add("name".into(), node.to_owned(), facts.hostname.clone());
    }
    let Some(declared) = site.node(node) else {
        return all;
    };
    for (name, mac) in &declared.mac {
        let wanted = mac.to_string().to_lowercase();
        match facts.interfaces.get(name.as_str()) {
            Some(interface) if interface.mac.to_lowercase() == wanted => {}
            Some(interface) => add(format!("mac {name}"), wanted, interface.mac.clone()),
            None => {
                let other = facts
                    .interfaces
                    .iter()
                    .find(|(_, i)| i.mac.to_lowercase() == wanted);
                let seen = other.map_or("no such interface".to_owned(), |(n, _)| {
                    format!("it is called {n}")
                });
                add(format!("mac {name}"), wanted, seen);
            }
        }
    }
    for disk in declared.disk.iter().chain(declared.disks.values()) {
        let id = disk.id.to_string();
        match facts.disks.values().find(|d| d.ids.contains(&id)) {
            None => add(
                format!("disk {id}"),
                format!("at least {}", disk.size),
                "not there".into(),
            ),
            Some(found) if found.bytes < disk.size.bytes() => {
                add(
                    format!("disk {id}"),
                    format!("at least {}", disk.size),
                    format!("{} bytes", found.bytes),
                );
            }
            Some(_) => {}
        }
    }
    let versions = serde_json::to_value(site.versions_of(node)).unwrap_or_default();
    for (name, seen) in &facts.versions {
        if let Some(wanted) = versions.get(name).and_then(|v| v.as_str())
            && seen != wanted
            && !seen.starts_with(&format!("{wanted}."))
        {
            add(
                format!("version of {name}"),
                wanted.to_owned(),
                seen.clone(),
            );
        }
    }
    // Members of a cluster may not be further apart than a second; from here, over a slow login, five tell enough.
    if let Some(clock) = facts.clock.filter(|c| c.abs_diff(now) > 5) {
        add(
            "clock".into(),
            format!("{now}"),
            format!("{clock}: {} s apart", clock.abs_diff(now)),
        );
    }
    all
}
