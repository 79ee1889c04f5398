//! A node's view of its membership, and the views of the others.

use super::cman;
use super::corosync::{self, ConfigKeys};
use super::{DaemonStack, Want};
use crate::kind::{Answer, Section};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Sections of the answer.
pub(super) const OWN: &str = "membership";
pub(super) const MAP: &str = "membership.map";
pub(super) const LINKS: &str = "membership.links";
pub(super) const DOMAIN: &str = "membership.domain";
pub(super) const CONF: &str = "cluster_conf";
pub(super) const NAMES: &str = "membership.names";
pub(super) const ADDRESSES: &str = "membership.addresses";

/// The state of a node in its cluster.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is reported by a tool, in any combination"
)]
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Its own name for itself.
    pub name: String,
    /// The address that its name leads to there; empty where it leads nowhere.
    pub address: String,
    /// Names of members that do not lead to their addresses on the ring, and addresses that do not lead back, as they are
    /// looked up here: `10.0.2.2 leads to web`.
    pub names_apart: Vec<String>,
    /// Whether the membership's daemon runs.
    pub running: bool,
    /// Whether it may act.
    pub quorate: bool,
    /// The name of the cluster that runs; empty where none does.
    pub cluster: String,
    /// Members of the site's cluster that are not in the one that runs.
    pub missing: Vec<String>,
    /// Ids of members that the site does not know.
    pub foreign: Vec<String>,
    /// Whether it runs with the rule for two.
    pub two_node: bool,
    /// The token's timeout as it runs, ms; 0 where that is unknown.
    pub token: u64,
    /// Broken links: `2 on link 0`, `ring 0`.
    pub broken_links: Vec<String>,
    /// Of cman, the version of the configuration that runs.
    pub running_version: Option<u64>,
    /// Of cman, the version of the file.
    pub version: Option<u64>,
    /// Whether file and running version are the same on all members that answered.
    pub versions_equal: bool,
    /// Of cman: `whole`, or what the fence domain waits for.
    pub domain: String,
    /// Of cman: members of the site's cluster that are not in the one that runs, with the letter it has for each: `X`
    /// for one that is dead.
    #[serde(skip)]
    pub gone_as: BTreeMap<String, String>,
    /// Of cman: members of the site's cluster that the fence domain waits to be fenced.
    #[serde(skip)]
    pub victims: Vec<String>,
    /// Proofs of an earlier membership.
    pub traces: Vec<String>,
    /// Whether it takes part in forming the cluster, or was taken down by this tool, in this boot.
    #[serde(skip)]
    pub(super) due: bool,
    /// Whether a running daemon may have another key than its file.
    #[serde(skip)]
    pub(super) key: bool,
    /// The configuration that runs, of corosync.
    #[serde(skip)]
    pub(super) map: ConfigKeys,
    /// The tags of the file, of cman; of another member's where there is none here.
    #[serde(skip)]
    pub(super) tags: Vec<String>,
    /// The other members; `None` for one that was not observed or did not answer.
    #[serde(skip)]
    pub(super) peers: BTreeMap<String, Option<MemberSeen>>,
}

/// The report of a stack's tools about a running membership.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ToolReport {
    /// Whether it may act.
    pub(super) quorate: bool,
    /// The cluster's name.
    pub(super) cluster: String,
    /// The ids of its members.
    pub(super) members: Vec<String>,
    /// Of cman, the ids of nodes that are no members, each with its letter.
    pub(super) gone: Vec<(String, String)>,
    /// The flags of its quorum rules.
    pub(super) flags: String,
    /// The token's timeout, ms; 0 where that is unknown.
    pub(super) token: u64,
}

/// The observed state of another member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberSeen {
    pub(super) running: bool,
    pub(super) due: bool,
    pub(super) traces: Vec<String>,
}

/// The words behind a key in lines of `KEY WORDS`.
fn all<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    let words = text
        .lines()
        .filter_map(move |l| l.strip_prefix(key)?.strip_prefix(' '));
    words.map(str::trim)
}

fn first(text: &str, key: &str) -> String {
    all(text, key).next().unwrap_or_default().to_owned()
}

fn has_line(text: &str, line: &str) -> bool {
    text.lines().any(|l| l == line)
}

/// The beginning of a word for what the fence domain waits for.
const WAITS: &str = "waits for ";

impl Seen {
    /// The reason why this member is not healthy, once there was a cluster that this tool did not take down.
    pub(super) fn unhealthy(&self) -> Option<String> {
        if self.due || self.traces.is_empty() {
            None
        } else if !self.running {
            Some("out of the cluster".to_owned())
        } else if !self.quorate {
            Some("not quorate".to_owned())
        } else if self.missing.is_empty() {
            None
        } else {
            Some(format!("misses {}", self.missing.join(", ")))
        }
    }

    /// The reason for which the fence domain waits, if it does.
    pub fn domain_waits_for(&self) -> Option<&str> {
        self.domain.strip_prefix(WAITS)
    }

    pub(super) fn read(want: &Want, node: &str, answer: &Answer) -> Result<Self, String> {
        let own = answer.get(OWN).ok_or("the membership was not observed")?;
        if own.status == 124 {
            return Err("the cluster's tools did not answer in time: something is frozen".into());
        }
        let own = own.text();
        let running = has_line(&own, "running");
        let report = match want.stack {
            _ if !running => ToolReport::default(),
            DaemonStack::Cman => cman::parse_status(&own),
            DaemonStack::Corosync => corosync::parse_status(&own),
        };
        let gone = |m: &&super::MemberWant| running && !report.members.contains(&m.id.to_string());
        let known = |id: &&String| !want.members.iter().any(|m| m.id.to_string() == **id);
        let conf = answer.text(CONF);
        let peers: BTreeMap<_, _> = want
            .members
            .iter()
            .filter(|m| m.name != node)
            .map(|m| (m.name.clone(), peer(&m.name, answer)))
            .collect();
        let running_one = |text: &str| first(text, "running").parse().ok();
        let version_of = |text: &str| all(text, "tag").find_map(|tag| cman::split_version(tag).1);
        let versions = want
            .members
            .iter()
            .filter(|m| m.name != node)
            .filter_map(|m| {
                let text = answer.of(&m.name, CONF)?.text().into_owned();
                Some([version_of(&text), running_one(&text)])
            });
        // If the file is lost, that of another member shows what runs.
        let files = want.members.iter().filter_map(|m| answer.of(&m.name, CONF));
        let files = std::iter::once(conf.clone()).chain(files.map(Section::text));
        let unversioned = |text: Cow<'_, str>| -> Vec<String> {
            let tags = all(&text, "tag");
            tags.map(|tag| cman::split_version(tag).0).collect()
        };
        let tags = files.map(unversioned);
        let tags = tags
            .into_iter()
            .find(|tags| !tags.is_empty())
            .unwrap_or_default();
        let (version, running_version) = (version_of(&conf), running_one(&conf));
        let both: Vec<Option<u64>> = versions
            .flatten()
            .chain([version, running_version])
            .collect();
        let versions_equal = both.iter().all(|v| *v == version);
        Ok(Self {
            name: first(&own, "name"),
            address: first(&own, "address"),
            names_apart: want.names_apart(answer),
            running,
            quorate: report.quorate,
            cluster: report.cluster.clone(),
            missing: want
                .members
                .iter()
                .filter(gone)
                .map(|m| m.name.clone())
                .collect(),
            foreign: report.members.iter().filter(known).cloned().collect(),
            two_node: report.flags.to_lowercase().contains("2node"),
            token: report.token,
            broken_links: corosync::broken_links(&answer.text(LINKS)),
            running_version,
            version,
            versions_equal: versions_equal || want.stack == DaemonStack::Corosync,
            domain: domain(&answer.text(DOMAIN), want.members.len()),
            gone_as: report
                .gone
                .iter()
                .filter_map(|(id, letter)| Some((want.called(id)?, letter.clone())))
                .collect(),
            victims: victims(&answer.text(DOMAIN))
                .filter_map(|id| want.called(id))
                .collect(),
            traces: all(&own, "trace").map(str::to_owned).collect(),
            due: has_line(&own, "mark due"),
            key: has_line(&own, "mark key"),
            map: corosync::running(&answer.text(MAP)),
            tags,
            peers,
        })
    }
}

impl Want {
    /// The faults of the members' names, by two look-ups (docs/facts/membership.md#names).
    fn names_apart(&self, answer: &Answer) -> Vec<String> {
        let mut found = Vec::new();
        let (Some(names), Some(addresses)) = (answer.get(NAMES), answer.get(ADDRESSES)) else {
            return found;
        };
        if names.status == 124 || addresses.status == 124 {
            return vec!["look-ups take longer than they may: a name server is gone".to_owned()];
        }
        let (names, addresses) = (names.text(), addresses.text());
        // Each line of an answer is an address with its names.
        let lines = |text| -> Vec<(&str, Vec<&str>)> {
            let lines = str::lines(text).filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?, words.collect()))
            });
            lines.collect()
        };
        let (names, addresses) = (lines(&names), lines(&addresses));
        for member in &self.members {
            let Some(address) = member.address.get(&self.ring) else {
                continue;
            };
            let name = &member.name;
            let its = |words: &[&str]| words.iter().any(|w| w.split('.').next() == Some(name));
            let same = |other: &str| {
                let ip = |text: &str| text.parse::<std::net::IpAddr>().ok();
                ip(other) == ip(address)
            };
            let forward = || names.iter().filter(|(_, words)| its(words));
            if !forward().any(|(to, _)| same(to)) {
                let to = forward().next().map_or("nowhere", |(to, _)| *to);
                found.push(format!("{name} leads to {to}"));
            }
            let back = addresses.iter().find(|(from, _)| same(from));
            if !back.is_some_and(|(_, words)| its(words)) {
                let to = back.and_then(|(_, words)| words.first().copied());
                found.push(format!("{address} leads to {}", to.unwrap_or("nowhere")));
            }
        }
        found
    }

    /// The member that has this number.
    fn called(&self, id: &str) -> Option<String> {
        let member = self.members.iter().find(|m| m.id.to_string() == id);
        member.map(|m| m.name.clone())
    }
}

fn peer(name: &str, answer: &Answer) -> Option<MemberSeen> {
    let section = answer.of(name, OWN).filter(|s| s.status != 124)?;
    let text = section.text();
    Some(MemberSeen {
        running: has_line(&text, "running"),
        due: has_line(&text, "mark due"),
        traces: all(&text, "trace").map(str::to_owned).collect(),
    })
}

/// Reads `fence_tool ls` (docs/facts/membership.md#state-of-the-membership), as a word.
pub(super) fn domain(text: &str, members: usize) -> String {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().trim().to_owned()
    };
    let (count, wait) = (value("member count"), value("wait state"));
    if count.is_empty() {
        "not joined".to_owned()
    } else if wait != "none" {
        format!("{WAITS}{wait}")
    } else if count.parse() == Ok(members) && value("victim count") == "0" {
        "whole".to_owned()
    } else {
        format!(
            "{count} of {members} members, victims {}",
            value("victim count")
        )
    }
}

/// The numbers of those that the fence domain waits to be fenced, by lines such as
/// `nodeid 2 member 0 victim 1 last fence master 0 how none`.
fn victims(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["nodeid", id, "member", _, "victim", "1", ..] => Some(*id),
            _ => None,
        }
    })
}
