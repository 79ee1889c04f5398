//! From what is wanted and what was seen to what is done: the steps of one node, in order, cut into stages.

use super::fold::{self, FoldError, PathSeen, SeenKind, Wish};
use super::manifest::Manifest;
use super::path_item::{Early, Past, path_item};
use super::paths::Paths;
use super::{FileDiff, Intent, NodePlan, Remark};
use crate::kind::{Address, Answer, Delta, Observe, Resource, SiteFile, StepMeta, Target};
use crate::sh::Call;
use crate::text::{Vault, shows};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one node is to be.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The node.
    pub target: &'a Target,
    /// Its resources, in step order.
    pub resources: &'a [Resource],
    /// What is only looked at, for checks.
    pub watched: &'a [Resource],
    /// The values of secrets.
    pub vault: &'a Vault,
    /// What the command sets out to do.
    pub intent: Intent,
}

/// What is to be done on one node, with the calls that do it.
#[derive(Debug, Default)]
pub struct Decided {
    /// For people.
    pub plan: NodePlan,
    /// For the batch, in order.
    pub steps: Vec<Step>,
    /// What was seen of each resource, for checks.
    pub seen: BTreeMap<String, Json>,
    /// The addresses that are as wanted.
    pub same: BTreeSet<String>,
    /// What cannot be decided at all: the run ends here for this node.
    pub errors: Vec<String>,
    /// Long work under way: address and per cent.
    pub waiting: Vec<(String, u8)>,
    /// Address and path of what we made, nobody wants and is gone: the next batch forgets it.
    pub gone: Vec<(Address, String)>,
}

/// One step of a batch.
#[derive(Clone, Debug)]
pub struct Step {
    /// The resources it brings to their state.
    pub addresses: Vec<Address>,
    /// What it does, in a few words.
    pub title: String,
    /// What the role's step says.
    pub meta: Arc<StepMeta>,
    /// The stage, from 0.
    pub stage: usize,
    /// What has to accept the contents before anything is changed.
    pub preflight: Vec<Call>,
    /// What is called, in order.
    pub calls: Vec<Call>,
    /// What is called once the guard's window is confirmed, where it runs in one.
    pub confirmed: Vec<Call>,
    /// The contents it needs, counted from 0 in this step.
    pub blobs: Vec<Content>,
    /// The path it writes, if it writes one.
    pub path: Option<String>,
    /// What the manifest says afterwards: path (empty where there is none), digest and whether it holds a secret.
    pub owns: (String, String, bool),
    /// Whether it runs under the guard.
    pub guarded: bool,
    /// Digest of the change, as in [`Change::digest`].
    pub digest: String,
}

/// A content that a step needs on the node as a file.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Bytes that go with the batch.
    Bytes(Vec<u8>),
    /// A file of the site.
    File(SiteFile),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The bytes may hold a secret.
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::File(file) => write!(f, "{file:?}"),
        }
    }
}

impl<'a> Wanted<'a> {
    /// The paths that are observed.
    fn paths(&self) -> Paths<'a> {
        Paths::of(
            self.resources,
            self.resources
                .iter()
                .flat_map(|r| r.kind.paths(r, self.target)),
        )
    }

    /// Asks everything there is to ask, in one script.
    pub fn observe(&self, observe: &mut Observe) {
        self.paths().observe(self.vault, observe);
        for (kind, resources) in by_kind(self.resources.iter().chain(self.watched)) {
            kind.observe(&resources, self.target, observe);
        }
    }

    /// Compares and decides.
    pub fn decide(&self, answer: &Answer, manifest: &Manifest) -> Decided {
        let mut draft = Draft {
            wanted: self,
            answer,
            manifest,
            items: Vec::new(),
            perhaps: Vec::new(),
            refused: BTreeSet::new(),
            decided: Decided::default(),
        };
        draft.decided.plan.node.clone_from(&self.target.node);
        let paths = self.paths();
        let seen = paths.read(answer);
        for (path, wishes) in paths.iter() {
            draft.path(path, wishes, &seen[path]);
        }
        draft.kinds();
        draft.cut()
    }
}

/// Whether a path is one of these, or lies in a folder that is.
pub fn below<S: AsRef<str>>(paths: impl IntoIterator<Item = S>, path: &str) -> bool {
    paths.into_iter().any(|one| {
        let rest = path.strip_prefix(one.as_ref());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The resources by kind, in registry order of first use.
fn by_kind<'a>(
    resources: impl Iterator<Item = &'a Resource>,
) -> Vec<(&'static dyn crate::kind::Erased, Vec<&'a Resource>)> {
    let mut kinds: Vec<(&'static dyn crate::kind::Erased, Vec<&'a Resource>)> = Vec::new();
    for resource in resources {
        match kinds
            .iter_mut()
            .find(|(k, _)| k.name() == resource.kind.name())
        {
            Some((_, list)) => list.push(resource),
            None => kinds.push((resource.kind, vec![resource])),
        }
    }
    kinds
}

/// Something to be done, before it is put in order.
pub(super) struct Item<'a> {
    /// Step index, then 0 for a path and 1 for a kind's own action (or the other way round where the kind says so).
    pub(super) order: (usize, u8),
    pub(super) resources: Vec<&'a Resource>,
    pub(super) path: Option<String>,
    pub(super) title: String,
    pub(super) deltas: Vec<Delta>,
    pub(super) diffs: Vec<FileDiff>,
    pub(super) preflight: Vec<Call>,
    pub(super) calls: Vec<Call>,
    pub(super) confirmed: Vec<Call>,
    pub(super) blobs: Vec<Content>,
    pub(super) owns: (String, String, bool),
    /// Set where it cannot be decided yet: what comes first, and the table.
    pub(super) later: Option<(String, String)>,
    /// Set where an earlier step may bring the path first.
    pub(super) early: Option<Early>,
    /// There is nothing to do as things are now.
    pub(super) same: bool,
    pub(super) seen: String,
}

pub(super) struct Draft<'d, 'a> {
    pub(super) wanted: &'d Wanted<'a>,
    pub(super) answer: &'d Answer,
    pub(super) manifest: &'d Manifest,
    pub(super) items: Vec<Item<'a>>,
    /// What has nothing to do now, and may have once an earlier step has done its work.
    pub(super) perhaps: Vec<Item<'a>>,
    /// Resources whose path is refused or cannot be made sense of.
    pub(super) refused: BTreeSet<String>,
    pub(super) decided: Decided,
}

impl<'a> Draft<'_, 'a> {
    fn path(
        &mut self,
        path: &str,
        wishes: &[(&'a Resource, &'a crate::kind::Edit)],
        seen: &PathSeen,
    ) {
        let named: Vec<Wish<'_>> = wishes
            .iter()
            .map(|(r, edit)| Wish {
                address: &r.address,
                edit,
            })
            .collect();
        let mut resources: Vec<&'a Resource> = Vec::new();
        for (resource, _) in wishes {
            if !resources.iter().any(|r| r.address == resource.address) {
                resources.push(resource);
            }
        }
        let folded = match fold::fold(path, &named, seen, self.wanted.vault) {
            Ok(folded) => folded,
            Err(error) => return self.path_error(&resources, error),
        };
        let early = Early::of(path, wishes, seen, &folded);
        if folded.same && early.is_none() {
            return;
        }
        let makes = |r: &&Resource| {
            let mut authors = folded.changed_by.iter();
            authors.any(|i| wishes[*i].0.address == r.address)
        };
        let changed: Vec<&'a Resource> = resources.iter().copied().filter(makes).collect();
        let changed = if changed.is_empty() {
            resources
        } else {
            changed
        };
        let first = wishes
            .iter()
            .map(|(r, _)| r)
            .min_by_key(|r| r.step.index)
            .expect("a path has a wish");
        let past = Past {
            tainted: self.manifest.is_tainted(path),
            shows: matches!(&seen.kind, SeenKind::File { content: Some(old), .. } if shows(self.wanted.vault, old)),
        };
        let mut item = path_item(path, seen, &folded, past);
        item.order = (first.step.index, u8::from(!first.kind.edits_first()) * 2);
        item.resources = changed;
        item.early = early;
        item.same = folded.same;
        let items = if folded.same {
            &mut self.perhaps
        } else {
            &mut self.items
        };
        items.push(item);
    }

    fn path_error(&mut self, resources: &[&'a Resource], error: FoldError) {
        let address = resources[0].address.clone();
        let all = resources.iter().map(|r| r.address.to_string());
        self.refused.extend(all);
        match error {
            FoldError::OtherKind { .. } | FoldError::NotEmpty { .. } => {
                let what = error.to_string();
                let remedy =
                    "move it away by hand once you know what it is, then run again".to_owned();
                self.decided.plan.refusals.push(Remark {
                    address,
                    what,
                    remedy,
                });
            }
            other => self.decided.errors.push(format!("{address}: {other}")),
        }
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
