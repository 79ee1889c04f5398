//! Checks of a cluster.conf beyond its schema, done before any node is observed, whoever wrote the template.
//!
//! Facts: docs/facts/membership.md#configuration-of-cman, docs/facts/membership.md#two-nodes,
//! docs/facts/resources.md#services-of-rgmanager.

use super::cman::canonical;
use std::collections::BTreeSet;

/// One tag with its attributes.
struct Tag<'a> {
    name: &'a str,
    /// Whether it is an element without content: `<resources/>`.
    empty: bool,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let rest = line.strip_prefix('<')?;
        let inner = rest.split('>').next()?;
        let empty = inner.ends_with('/');
        let inner = inner.trim_end_matches('/');
        let (name, mut rest) = inner.split_once(' ').unwrap_or((inner, ""));
        let mut attributes = Vec::new();
        while let Some((key, after)) = rest.split_once('=') {
            let quote = after.chars().next().filter(|c| "\"'".contains(*c))?;
            let (value, left) = after[1..].split_once(quote)?;
            attributes.push((key.trim(), value));
            rest = left;
        }
        Some(Self {
            name,
            empty,
            attributes,
        })
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        let mut all = self.attributes.iter();
        all.find(|(k, _)| *k == key).map(|(_, v)| *v)
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.get(key) == Some(value)
    }
}

/// Everything that is wrong with a cluster.conf.
pub(super) fn problems(content: &str) -> Vec<String> {
    let canonical = canonical(content);
    let tags: Vec<Tag<'_>> = canonical.lines().filter_map(Tag::read).collect();
    let mut found = Vec::new();
    let all = |name: &'static str| tags.iter().filter(move |t| t.name == name);
    let version = content
        .split_once(" config_version=\"")
        .map(|(_, rest)| rest.split('"').next());
    if version.flatten().is_none_or(|v| v.parse::<u64>().is_err()) {
        found.push("config_version is no number".to_owned());
    }
    members(&tags, &mut found);
    devices(&tags, &mut found);
    domains(&tags, &mut found);
    services(&tags, &mut found);
    for cman in all("cman") {
        let transport = cman.get("transport");
        if let Some(word) = transport.filter(|t| !["udp", "udpb", "udpu", "rdma"].contains(t)) {
            found.push(format!("cman has no transport `{word}`"));
        }
        if cman.is("broadcast", "yes") && transport.is_some_and(|t| t != "udpb") {
            found.push("broadcast goes with no other transport".to_owned());
        }
        if cman.get("two_node").is_some_and(|v| v != "0") {
            let nodes = all("clusternode").count();
            if nodes != 2 {
                found.push(format!("two_node is for two nodes, not for {nodes}"));
            }
            if !cman.is("expected_votes", "1") {
                found.push("two_node needs expected_votes=\"1\"".to_owned());
            }
            if all("clusternode").any(|n| n.get("votes").is_some_and(|v| v != "1")) {
                found.push("two_node needs one vote of each node".to_owned());
            }
        }
    }
    if all("totem").any(|t| t.get("transport").is_some()) {
        found.push("the transport is an attribute of cman, and fatal in totem".to_owned());
    }
    if all("fence_daemon").any(|t| t.get("clean_start").is_some_and(|v| v != "0")) {
        found.push("clean_start assumes that a node is down without having fenced it".to_owned());
    }
    found
}

fn members(tags: &[Tag<'_>], found: &mut Vec<String>) {
    let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for node in tags.iter().filter(|t| t.name == "clusternode") {
        let name = node.get("name").unwrap_or_default();
        if !names.insert(name) {
            found.push(format!("`{name}` is listed twice among the nodes"));
        }
        match node.get("nodeid").map(str::parse::<u32>) {
            Some(Ok(id)) if id > 0 => {
                if !ids.insert(id) {
                    found.push(format!("two nodes have the nodeid {id}"));
                }
            }
            _ => found.push(format!("`{name}` has no nodeid from 1 on")),
        }
        if let Some(votes) = node
            .get("votes")
            .filter(|v| !v.parse::<u8>().is_ok_and(|n| n > 0))
        {
            found.push(format!("`{name}` has {votes} votes: 1 to 255"));
        }
    }
    let mut names = 0;
    for tag in tags {
        match tag.name {
            "clusternode" | "/clusternode" => names = 0,
            "altname" => names += 1,
            _ => {}
        }
        if names > 1 {
            found.push("a node has one altname at most".to_owned());
            break;
        }
    }
}

fn devices(tags: &[Tag<'_>], found: &mut Vec<String>) {
    let mut known = BTreeSet::new();
    for device in tags.iter().filter(|t| t.name == "fencedevice") {
        let name = device.get("name").unwrap_or_default();
        let first = name.chars().next();
        if !first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_') {
            found.push(format!(
                "`{name}` is no name of a fence device: a letter first"
            ));
        }
        if !known.insert(name) {
            found.push(format!("`{name}` is listed twice among the fence devices"));
        }
        if device.get("agent").is_none() || device.is("agent", "fence_manual") {
            found.push(format!("`{name}` has no agent that switches something off"));
        }
    }
    for device in tags.iter().filter(|t| t.name == "device") {
        let name = device.get("name").unwrap_or_default();
        if !known.contains(name) {
            found.push(format!("there is no fence device `{name}`"));
        }
        for old in ["blade", "nodename"] {
            if device.get(old).is_some() {
                found.push(format!("`{old}` of a device is of release 5: write `port`"));
            }
        }
    }
}

/// The failover domains. Names are compared as rgmanager does, whatever their case.
fn domains(tags: &[Tag<'_>], found: &mut Vec<String>) {
    let nodes: BTreeSet<&str> = tags
        .iter()
        .filter(|t| t.name == "clusternode")
        .filter_map(|t| t.get("name"))
        .collect();
    let (mut known, mut members) = (BTreeSet::new(), BTreeSet::new());
    for tag in tags {
        let name = tag.get("name").unwrap_or_default();
        match tag.name {
            "failoverdomain" => {
                members.clear();
                if !known.insert(name.to_lowercase()) {
                    found.push(format!(
                        "`{name}` is listed twice among the failover domains: rgmanager knows none behind it"
                    ));
                }
            }
            "failoverdomainnode" => {
                if !nodes.contains(name) {
                    found.push(format!("a failover domain has `{name}`, which is no node"));
                }
                if !members.insert(name.to_lowercase()) {
                    found.push(format!("a failover domain has `{name}` twice"));
                }
                let priority = tag.get("priority");
                if let Some(word) =
                    priority.filter(|p| !p.parse::<u8>().is_ok_and(|n| (1..=100).contains(&n)))
                {
                    found.push(format!(
                        "`{name}` has the priority {word} in a failover domain: 1 to 100"
                    ));
                }
            }
            _ => {}
        }
    }
}

/// Services and virtual machines, and the resources that they refer to.
fn services(tags: &[Tag<'_>], found: &mut Vec<String>) {
    let domains: BTreeSet<String> = tags
        .iter()
        .filter(|t| t.name == "failoverdomain")
        .filter_map(|t| t.get("name"))
        .map(str::to_lowercase)
        .collect();
    let (mut names, mut resources, mut shared) = (BTreeSet::new(), BTreeSet::new(), false);
    for tag in tags {
        match tag.name {
            "resources" => shared = !tag.empty,
            "/resources" => shared = false,
            _ if shared => {
                let name = tag.get("name").or_else(|| tag.get("address"));
                resources.insert((tag.name, name.unwrap_or_default()));
            }
            _ => {}
        }
    }
    for tag in tags.iter().filter(|t| ["vm", "service"].contains(&t.name)) {
        let name = format!("{}:{}", tag.name, tag.get("name").unwrap_or_default());
        if let Some(domain) = tag
            .get("domain")
            .filter(|d| !domains.contains(&d.to_lowercase()))
        {
            found.push(format!(
                "there is no failover domain `{domain}`: `{name}` would start on any node"
            ));
        }
        for (key, words) in [
            (
                "recovery",
                &["restart", "relocate", "disable", "restart-disable"][..],
            ),
            ("migrate", &["live", "pause"]),
        ] {
            if let Some(word) = tag.get(key).filter(|word| !words.contains(word)) {
                found.push(format!(
                    "`{name}` has no {key} `{word}`: {}",
                    words.join(", ")
                ));
            }
        }
        if !names.insert(name.clone()) {
            found.push(format!("`{name}` is listed twice"));
        }
    }
    for tag in tags {
        if let Some(name) = tag
            .get("ref")
            .filter(|r| !resources.contains(&(tag.name, r)))
        {
            found.push(format!(
                "there is no {} `{name}` among the resources",
                tag.name
            ));
        }
    }
}
