//! Decides the steps of one node from the desired and the observed state: in order, cut into stages.

use super::fold::{self, EditRequest, FoldError, PathSeen, PathState, SeenKind};
use super::manifest::Manifest;
use super::path_item::{Early, Past, path_candidate};
use super::paths::{Paths, planted};
use super::{Content, FileDiff, Item, Later, NodePlan, Orphan, Owned, Remark, Waiting};
use super::{guarded, orphan};
use crate::kind::{
    Address, Answer, Circumstances, Compared, Delta, Observe, Permits, Resource, Rewrite, Target,
    Written,
};
use crate::sh::Call;
use crate::text::{Vault, shows};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The desired state of one node.
#[derive(Clone, Copy)]
pub struct Desired<'a> {
    /// The node.
    pub target: &'a Target,
    /// Its resources, in step order.
    pub resources: &'a [Resource],
    /// Whether these are only some of its resources: then nothing is an orphan.
    pub partial: bool,
    /// Only observed, for checks.
    pub watched: &'a [Resource],
    /// The values of secrets.
    pub vault: &'a Vault,
    /// The operator's permits in this command.
    pub permits: &'a Permits,
}

/// The decision for one node, with the calls that carry it out.
#[derive(Debug, Default)]
pub struct Decided {
    /// The node's name.
    pub node: String,
    /// Changes, in order.
    pub items: Vec<Item>,
    /// Resources that are decided after an earlier item.
    pub later: Vec<Later>,
    /// Differences that a run does not mend: findings.
    pub findings: Vec<Remark>,
    /// Changes that could destroy data or rights: with one of them nothing is done.
    pub refusals: Vec<Remark>,
    /// Orphans: an earlier run made them, and the site no longer wants them.
    pub orphans: Vec<Orphan>,
    /// The observed state of each resource, for checks.
    pub seen: BTreeMap<Address, Json>,
    /// The resources that are as wanted.
    pub same: BTreeSet<Address>,
    /// Requirements of `once` resources that no step on this node fulfils. [`settle`](super::once::settle) drops those
    /// that another member fulfils or will fulfil; the others are findings.
    pub unmet: Vec<Remark>,
    /// Errors of deciding: the run ends here for this node.
    pub errors: Vec<String>,
    /// Long steps whose work goes on by itself.
    pub waiting: Vec<Waiting>,
    /// The first of them, as a step's index: later steps are decided once it is done.
    pub waits_at: Option<usize>,
    /// The reasons why this node is not healthy, as its kinds see it: a `rolling` step does not go on meanwhile.
    pub unhealthy: Vec<String>,
    /// Entries of the manifest that are neither desired nor there: the next batch removes them.
    pub gone: Vec<Gone>,
    /// Paths that are no longer as an earlier run wrote them, where the site still wants them so.
    pub changed: Vec<String>,
    /// The calls that each resource needs before a path that it depends on is written.
    pub before_write: BTreeMap<Address, Vec<Call>>,
}

/// An entry of the manifest whose path is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The address it was made under.
    pub address: Address,
    /// Its path; empty for what has none.
    pub path: String,
}

impl Decided {
    /// The plan for display.
    pub fn plan(&self) -> NodePlan {
        NodePlan {
            node: self.node.clone(),
            changes: self.items.iter().map(|i| i.change.clone()).collect(),
            later: self.later.clone(),
            waiting: self.waiting.clone(),
            findings: self.findings.clone(),
            refusals: self.refusals.clone(),
            orphans: self.orphans.clone(),
            same: self.same.len(),
        }
    }
}

impl<'a> Desired<'a> {
    /// The paths that are observed.
    fn paths(&self) -> Paths<'a> {
        Paths::of(
            self.resources,
            self.resources.iter().flat_map(|r| &r.depends.paths),
        )
    }

    /// Observes everything, in one script.
    pub fn observe(&self, observe: &mut Observe) {
        self.paths().observe(self.vault, observe);
        for (kind, resources) in by_kind(self.resources.iter().chain(self.watched)) {
            observe.functions(kind.shell());
            kind.running().observe(&resources, self.target, observe);
        }
    }

    /// The circumstances in which a stage writes these paths.
    pub(super) fn circumstances<'c>(&'c self, written: &'c Written) -> Circumstances<'c> {
        Circumstances {
            target: self.target,
            permits: self.permits,
            written,
        }
    }

    /// Reads one resource and compares it, in a stage that writes these paths.
    pub fn compare(
        &self,
        resource: &Resource,
        answer: &Answer,
        written: &Written,
    ) -> Result<Compared, String> {
        let running = resource.kind.running();
        running.compare(resource, answer, &self.circumstances(written), self.vault)
    }

    /// Compares and decides.
    pub fn decide(&self, answer: &Answer, manifest: &Manifest) -> Decided {
        let mut draft = Draft {
            wanted: self,
            answer,
            manifest,
            candidates: Vec::new(),
            perhaps: Vec::new(),
            refused: BTreeSet::new(),
            written: Written::nothing(),
            decided: Decided::default(),
        };
        draft.decided.node.clone_from(&self.target.node);
        let paths = self.paths();
        let seen = match paths.read(answer) {
            Ok(seen) => seen,
            Err(error) => {
                draft.decided.errors.push(error);
                return draft.decided;
            }
        };
        for (path, requests) in paths.iter() {
            draft.path(path, requests, &seen);
        }
        draft.folders(&seen);
        draft.kinds();
        draft.cut()
    }
}

impl Desired<'_> {
    /// Completes a decision by the state of the orphans' paths, and cuts its items into windows of the guard. `logins` are
    /// the accounts that this run and its operators log in with.
    pub fn complete(
        &self,
        decided: &mut Decided,
        manifest: &Manifest,
        found: &BTreeMap<String, String>,
        logins: &BTreeSet<String>,
    ) {
        let owned = decided.items.iter().map(|item| &item.work.owns);
        let changed = owned.filter(|o| manifest.wrote(&o.path, &o.digest));
        decided.changed = changed.map(|o| o.path.clone()).collect();
        orphan::settle(decided, manifest, self.target, found);
        guarded::windows(decided, self.resources, logins);
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

/// The step that comes first, and the table by which the resource is decided then.
pub(super) struct After {
    pub(super) what: String,
    pub(super) table: String,
}

/// Something that may be done, before it is put in order.
pub(super) struct Candidate<'a> {
    /// Step index, then 0 for a path, 1 for a kind's own action, 2 for what takes up what that step writes.
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
    pub(super) owns: Owned,
    /// Set where it cannot be decided yet.
    pub(super) later: Option<After>,
    /// Set where an earlier step may bring the path first.
    pub(super) early: Option<Early>,
    /// There is nothing to do as things are now.
    pub(super) same: bool,
    pub(super) seen: String,
}

pub(super) struct Draft<'d, 'a> {
    pub(super) wanted: &'d Desired<'a>,
    pub(super) answer: &'d Answer,
    pub(super) manifest: &'d Manifest,
    pub(super) candidates: Vec<Candidate<'a>>,
    /// Resources without a change now, which may have one once an earlier step is done.
    pub(super) perhaps: Vec<Candidate<'a>>,
    /// Resources whose path is refused or cannot be made sense of.
    pub(super) refused: BTreeSet<Address>,
    /// The paths written in this stage.
    pub(super) written: Written,
    pub(super) decided: Decided,
}

impl<'a> Draft<'_, 'a> {
    fn path(
        &mut self,
        path: &str,
        requests: &[(&'a Resource, &'a crate::kind::Edit)],
        all: &BTreeMap<String, PathSeen>,
    ) {
        let seen = &all[path];
        let named: Vec<EditRequest<'_>> = requests
            .iter()
            .map(|(r, edit)| EditRequest {
                address: &r.address,
                edit,
            })
            .collect();
        let mut resources: Vec<&'a Resource> = Vec::new();
        for (resource, _) in requests {
            if !resources.iter().any(|r| r.address == resource.address) {
                resources.push(resource);
            }
        }
        let folded = match fold::fold(path, &named, seen, self.wanted.vault) {
            Ok(folded) => folded,
            Err(error) => return self.path_error(&resources, error),
        };
        let early = Early::of(path, requests, seen, &folded);
        if folded.same && early.is_none() {
            return;
        }
        // A link has no owner of its own, and nothing is written through one that is made or removed.
        let account = matches!(folded.after, PathState::File | PathState::Directory)
            .then_some(folded.attributes.owner.as_str());
        if let Some(what) = planted(path, account, all) {
            return self.planted(&resources, what);
        }
        let makes = |r: &&Resource| {
            let mut authors = folded.changed_by.iter();
            authors.any(|i| requests[*i].0.address == r.address)
        };
        let changed: Vec<&'a Resource> = resources.iter().copied().filter(makes).collect();
        let changed = if changed.is_empty() {
            resources
        } else {
            changed
        };
        let first = requests
            .iter()
            .map(|(r, _)| r)
            .min_by_key(|r| r.step.index)
            .expect("a path has a request");
        let past = Past {
            tainted: self.manifest.is_tainted(path),
            shows: matches!(&seen.kind, SeenKind::File { content: Some(old), .. } if shows(self.wanted.vault, old)),
        };
        let mut candidate = path_candidate(path, seen, &folded, past);
        candidate.order = (first.step.index, 0);
        candidate.resources = changed;
        candidate.early = early;
        candidate.same = folded.same;
        if folded.same {
            return self.perhaps.push(candidate);
        }
        let becomes = match &folded.after {
            PathState::File if folded.content_differs => Rewrite::To(&folded.sha256),
            PathState::File | PathState::Directory => Rewrite::No,
            PathState::Symlink(_) => Rewrite::Somehow,
            PathState::Absent => Rewrite::Gone,
        };
        self.written.add(first.step.index, path, becomes);
        self.candidates.push(candidate);
    }

    /// Somebody else could lead root elsewhere.
    fn planted(&mut self, resources: &[&'a Resource], what: String) {
        self.refused
            .extend(resources.iter().map(|r| r.address.clone()));
        self.decided.refusals.push(Remark {
            address: resources[0].address.clone(),
            what,
            remedy: "root writes only below folders that are root's, or the account's that the step names as owner: \
                     give it that owner, or the folder to root"
                .to_owned(),
            device: None,
        });
    }

    /// The same for folders that kinds write themselves.
    fn folders(&mut self, seen: &BTreeMap<String, PathSeen>) {
        for resource in self.wanted.resources {
            if let Some(folder) = &resource.files.folder
                && let Some(what) = planted(&folder.path, Some(&folder.owner), seen)
            {
                self.planted(&[resource], what);
            }
        }
    }

    fn path_error(&mut self, resources: &[&'a Resource], error: FoldError) {
        let address = resources[0].address.clone();
        let all = resources.iter().map(|r| r.address.clone());
        self.refused.extend(all);
        match error {
            FoldError::OtherKind { .. } | FoldError::NotEmpty { .. } => {
                let what = error.to_string();
                let remedy =
                    "move it away by hand once it is identified, then run again".to_owned();
                self.decided.refusals.push(Remark {
                    address,
                    what,
                    remedy,
                    device: None,
                });
            }
            other => self.decided.errors.push(format!("{address}: {other}")),
        }
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
