//! The content of a plan: changes, later decisions, orphans, findings. Comparing makes it; reports and runs read it.

use super::Held;
use crate::kind::{Address, Delta, Progress};
use std::collections::BTreeSet;

/// The plan of a whole site (or of what was selected of it).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Plan {
    /// One a node, in the site's order.
    pub nodes: Vec<NodePlan>,
    /// The selected nodes that were not observed.
    pub unseen: Vec<String>,
    /// Runs of a commit of the site that this checkout does not contain: no change is made over them before the
    /// operator agreed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub older: Vec<String>,
}

/// The plan of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NodePlan {
    /// The node's name.
    pub node: String,
    /// Changes, in order.
    pub changes: Vec<Change>,
    /// Resources that are decided after an earlier step.
    pub later: Vec<Later>,
    /// Long steps whose work goes on by itself: later steps are decided once they are done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// Differences that a run does not mend: findings.
    pub findings: Vec<Remark>,
    /// Changes that could destroy data or rights: with one of them nothing is done.
    pub refusals: Vec<Remark>,
    /// Orphans: an earlier run made them, and the site no longer wants them.
    pub orphans: Vec<Orphan>,
    /// The number of resources that are as wanted.
    pub same: usize,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// The resources that request it: several when their edits meet in one file.
    #[serde(serialize_with = "addresses", deserialize_with = "parse_addresses")]
    pub addresses: Vec<Address>,
    /// The change in a few words: `replace /etc/hosts`, `install chrony`.
    pub title: String,
    /// The differences.
    pub deltas: Vec<Delta>,
    /// The difference in each file that it writes or removes.
    pub diffs: Vec<FileDiff>,
    /// The stage it belongs to, from 0: a later stage is observed again before it is done.
    pub stage: usize,
    /// Whether it is done under the guard, which rolls it back unless a new connection confirms it.
    pub guarded: bool,
    /// Whether it may interrupt service, so that it goes through one node at a time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupts: bool,
    /// The reason why it waits for other members, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// Digest of what was seen and what is wanted: the same change has the same digest in a saved plan.
    pub digest: String,
    /// Digest of what is written, where an earlier step may bring the path first and it is replaced then, too: the title
    /// says "create or replace".
    #[serde(skip)]
    pub either: Option<String>,
}

/// The difference in a file's content.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileDiff {
    /// The file's path.
    pub path: String,
    /// The difference.
    pub diff: Diff,
}

/// A difference of content.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Diff {
    /// A unified diff.
    Text(String),
    /// Holds a secret: neither side is shown.
    Secret,
    /// Not shown by lines.
    Whole {
        /// The reason.
        why: Unshown,
        /// Size and digest before; `None` for nothing.
        before: Option<Weight>,
        /// Size and digest after; `None` for nothing.
        after: Option<Weight>,
    },
}

/// The reason why a content is not shown by lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unshown {
    /// It is not text.
    Binary,
    /// It is too long.
    Long,
}

/// Size and digest of a content that is not shown.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Weight {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// A decision that follows another step.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Later {
    /// The resources that request it: several when their edits meet in one file.
    #[serde(serialize_with = "addresses", deserialize_with = "parse_addresses")]
    pub addresses: Vec<Address>,
    /// The step that comes first.
    #[serde(serialize_with = "address", deserialize_with = "parse_address")]
    pub after: Address,
    /// The table by which it is decided then.
    pub table: String,
    /// The reason why it waits for other members, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// The difference in its files, by their present state.
    pub diffs: Vec<FileDiff>,
}

/// A long step whose work goes on by itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Waiting {
    /// The resource that it belongs to.
    #[serde(serialize_with = "address", deserialize_with = "parse_address")]
    pub address: Address,
    /// Its progress.
    pub progress: Progress,
}

impl std::fmt::Display for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.address, self.progress)
    }
}

/// A remark about a resource.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Remark {
    /// The resource.
    #[serde(serialize_with = "address", deserialize_with = "parse_address")]
    pub address: Address,
    /// The observed state.
    pub what: String,
    /// The remedy.
    pub remedy: String,
    /// The device that would be overwritten, where it is refused for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// A resource that an earlier run made and the site no longer wants.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Orphan {
    /// The address it was made under.
    #[serde(serialize_with = "address", deserialize_with = "parse_address")]
    pub address: Address,
    /// The paths that it wrote.
    pub paths: Vec<String>,
    /// Whether a run removes it: only where all its files are still as they were written.
    pub removed: bool,
    /// The reason, in words.
    pub why: String,
}

impl Plan {
    /// Whether a run would do nothing at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.iter().all(NodePlan::is_empty)
    }

    /// Whether a run would do nothing before a long step is done.
    pub fn only_waits(&self) -> bool {
        let waits = |n: &NodePlan| !n.waiting.is_empty();
        let idle = |n: &NodePlan| n.changes.is_empty() && (n.later.is_empty() || waits(n));
        self.nodes.iter().any(waits) && self.nodes.iter().all(idle)
    }
}

impl NodePlan {
    /// Whether a run would do nothing on this node.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.later.is_empty() && !self.orphans.iter().any(|o| o.removed)
    }

    /// The resources that change. Plan and recap count resources, not steps: a step may do several (edits that meet in
    /// one file), and a resource may need several (a file and what runs by it).
    pub fn to_change(&self) -> BTreeSet<&Address> {
        let removed = self.to_remove();
        let all = self.changes.iter().flat_map(|c| &c.addresses);
        all.filter(|a| !removed.contains(a)).collect()
    }

    /// Resources decided after an earlier step that have no change of their own before it: each may turn out to be as
    /// wanted.
    pub fn decided_later(&self) -> BTreeSet<&Address> {
        let changed = self.to_change();
        let all = self.later.iter().flat_map(|l| &l.addresses);
        all.filter(|a| !changed.contains(a)).collect()
    }

    /// The orphans that a run removes.
    pub fn to_remove(&self) -> BTreeSet<&Address> {
        let removed = self.orphans.iter().filter(|o| o.removed);
        removed.map(|o| &o.address).collect()
    }

    /// The orphans that stay.
    pub fn left_behind(&self) -> BTreeSet<&Address> {
        let left = self.orphans.iter().filter(|o| !o.removed);
        left.map(|o| &o.address).collect()
    }
}

fn address<S: serde::Serializer>(address: &Address, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(address)
}

fn addresses<S: serde::Serializer>(addresses: &[Address], s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(addresses.iter().map(ToString::to_string))
}

fn parse_address<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Address, D::Error> {
    let text = <String as serde::Deserialize>::deserialize(d)?;
    read_address(&text)
}

fn parse_addresses<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<Address>, D::Error> {
    let all = <Vec<String> as serde::Deserialize>::deserialize(d)?;
    all.iter().map(|text| read_address(text)).collect()
}

fn read_address<E: serde::de::Error>(text: &str) -> Result<Address, E> {
    Address::parse(text).ok_or_else(|| E::custom(format!("`{text}` is no address")))
}
