//! From what is wanted and what was seen to what is done: the steps of one node, in order, cut into stages.

use super::diff::{Side, compare};
use super::fold::{self, FoldError, PathSeen, SeenKind, Wish};
use super::manifest::Manifest;
use super::orphan::folder_digest;
use super::path_item::{Early, Past, path_item};
use super::paths::Paths;
use super::{FileDiff, NodePlan, Remark, Weight};
use crate::resource::{
    Address, Answer, Delta, FileChange, Found, Observe, Payload, Resource, SiteFile, StepMeta,
    Target, Verdict,
};
use crate::sh::Call;
use crate::text::{Text, Vault, shows};
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
) -> Vec<(&'static dyn crate::resource::Erased, Vec<&'a Resource>)> {
    let mut kinds: Vec<(&'static dyn crate::resource::Erased, Vec<&'a Resource>)> = Vec::new();
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
    refused: BTreeSet<String>,
    pub(super) decided: Decided,
}

impl<'a> Draft<'_, 'a> {
    fn path(
        &mut self,
        path: &str,
        wishes: &[(&'a Resource, &'a crate::resource::Edit)],
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

    /// The running side of every resource.
    fn kinds(&mut self) {
        let mut written: BTreeSet<String> =
            self.items.iter().filter_map(|i| i.path.clone()).collect();
        let touched: BTreeSet<String> = self
            .items
            .iter()
            .flat_map(|i| i.resources.iter().map(|r| r.address.to_string()))
            .chain(std::mem::take(&mut self.refused))
            .collect();
        let mut run: Vec<(&'a Resource, Vec<Delta>, String)> = Vec::new();
        for resource in self.wanted.resources {
            let address = resource.address.to_string();
            let target = self.wanted.target;
            let judged = if resource
                .kind
                .paths(resource, target)
                .iter()
                .any(|p| below(&written, p))
            {
                resource.kind.judge_written(resource, target, self.answer)
            } else {
                resource.kind.judge(resource, target, self.answer)
            };
            let (verdict, seen) = match judged {
                Ok(judged) => judged,
                Err(error) => {
                    self.decided.errors.push(format!("{address}: {error}"));
                    continue;
                }
            };
            let text = seen.to_string();
            self.decided.seen.insert(address.clone(), seen);
            let (kind, vault) = (resource.kind, self.wanted.vault);
            let hidden = match kind.judge_secret(resource, target, self.answer, vault) {
                Ok(hidden) => hidden,
                Err(error) => {
                    self.decided.errors.push(format!("{address}: {error}"));
                    continue;
                }
            };
            let verdict = match verdict {
                Verdict::Same if !hidden.is_empty() => Verdict::Change(hidden),
                Verdict::Change(deltas) if deltas.is_empty() && hidden.is_empty() => Verdict::Same,
                Verdict::Change(deltas) => Verdict::Change([deltas, hidden].concat()),
                other => other,
            };
            let remark = |what: String, remedy: String| Remark {
                address: resource.address.clone(),
                what,
                remedy,
            };
            match verdict {
                Verdict::Same => {
                    if !touched.contains(&address) {
                        self.decided.same.insert(address);
                    }
                }
                Verdict::Change(deltas) if resource.step.operate => {
                    let what = deltas
                        .iter()
                        .map(|d| format!("{}: {}, wanted {}", d.what, d.from, d.to))
                        .collect::<Vec<_>>();
                    let remedy =
                        "operation is not mended by a run; see `nodewright start`".to_owned();
                    self.decided
                        .plan
                        .findings
                        .push(remark(what.join("; "), remedy));
                }
                Verdict::Change(deltas) => {
                    written.extend(resource.kind.touches(resource, target));
                    run.push((resource, deltas, text));
                }
                Verdict::After { what, table } => {
                    let mut item = self.kind_item(&[resource], Vec::new(), text);
                    item.later = Some((what, table));
                    self.items.push(item);
                }
                Verdict::Finding { what, remedy } => {
                    self.decided.plan.findings.push(remark(what, remedy));
                }
                Verdict::Refuse(what) => {
                    let remedy = format!("look at it by hand on {}", self.wanted.target.node);
                    self.decided.plan.refusals.push(remark(what, remedy));
                }
                Verdict::Waiting(percent) => self.decided.waiting.push((address, percent)),
            }
        }
        self.group(&run);
    }

    /// Makes items of what changes; neighbours of a kind that works together become one.
    fn group(&mut self, run: &[(&'a Resource, Vec<Delta>, String)]) {
        let mut at = 0;
        while at < run.len() {
            let (first, _, _) = &run[at];
            let mut end = at + 1;
            while first.kind.together()
                && end < run.len()
                && run[end].0.kind.name() == first.kind.name()
                && self.nothing_between(run[end - 1].0, run[end].0)
            {
                end += 1;
            }
            let together = &run[at..end];
            let resources: Vec<&'a Resource> = together.iter().map(|(r, _, _)| *r).collect();
            let deltas = if let [(_, deltas, _)] = together {
                deltas.clone()
            } else {
                together
                    .iter()
                    .flat_map(|(r, deltas, _)| {
                        deltas.iter().map(|d| Delta {
                            what: format!("{} {}", r.address.name, d.what),
                            ..d.clone()
                        })
                    })
                    .collect()
            };
            let seen = together
                .iter()
                .map(|(_, _, s)| s.as_str())
                .collect::<Vec<_>>()
                .join("\n");
            let item = self.kind_item(&resources, deltas, seen);
            self.items.push(item);
            at = end;
        }
    }

    /// Whether no path has to be written between two resources of a kind that works together.
    fn nothing_between(&self, one: &Resource, other: &Resource) -> bool {
        !self
            .items
            .iter()
            .any(|i| i.order.0 > one.step.index && i.order.0 < other.step.index)
    }

    fn kind_item(
        &mut self,
        resources: &[&'a Resource],
        deltas: Vec<Delta>,
        seen: String,
    ) -> Item<'a> {
        let kind = resources[0].kind;
        let calls = kind
            .actions(resources, self.wanted.target, self.answer)
            .unwrap_or_else(|error| {
                self.decided
                    .errors
                    .push(format!("{}: {error}", resources[0].address));
                Vec::new()
            });
        let confirmed = self.confirmed(resources);
        let blobs: Vec<Content> = resources.iter().flat_map(|r| self.contents(r)).collect();
        let names = resources
            .iter()
            .map(|r| r.address.name.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let diffs: Vec<FileDiff> = resources.iter().flat_map(|r| self.diffs(r)).collect();
        // What works together comes when the files of all of it are there.
        let last = if kind.edits_first() {
            resources.len() - 1
        } else {
            0
        };
        Item {
            order: (resources[last].step.index, 1),
            resources: resources.to_vec(),
            path: None,
            title: kind.title(&names, &deltas),
            deltas,
            preflight: match resources {
                [one] => kind.preflight(one, self.wanted.target),
                _ => Vec::new(),
            },
            calls,
            confirmed,
            owns: match resources {
                [one] => self.folder(one),
                _ => (String::new(), String::new(), false),
            },
            blobs,
            later: None,
            // A package may bring the folder.
            early: (!diffs.is_empty()).then_some(Early::Or("replace")),
            same: false,
            diffs,
            seen,
        }
    }

    /// What a resource's actions need on the node as files.
    fn contents(&mut self, resource: &Resource) -> Vec<Content> {
        let (target, vault) = (self.wanted.target, self.wanted.vault);
        let content = |payload| match payload {
            Payload::Text(text) => match text.reveal(vault) {
                Ok(value) => Ok(Content::Bytes(value.into_bytes())),
                Err(error) => Err(error.to_string()),
            },
            Payload::File(file) => Ok(Content::File(file)),
        };
        let payloads = resource.kind.contents(resource, target, self.answer);
        let contents = payloads.and_then(|all| all.into_iter().map(content).collect());
        contents.unwrap_or_else(|error| {
            let error = format!("{}: {error}", resource.address);
            self.decided.errors.push(error);
            Vec::new()
        })
    }

    /// What is called once the guard's window is confirmed.
    fn confirmed(&mut self, resources: &[&Resource]) -> Vec<Call> {
        let mut confirmed = Vec::new();
        for resource in resources {
            let (target, kind) = (self.wanted.target, resource.kind);
            match kind.confirmed(resource, target, self.answer) {
                Ok(calls) => confirmed.extend(calls),
                Err(error) => {
                    let error = format!("{}: {error}", resource.address);
                    self.decided.errors.push(error);
                }
            }
        }
        confirmed
    }

    /// What becomes of the files that a kind's own actions write.
    fn diffs(&mut self, resource: &Resource) -> Vec<FileDiff> {
        let kind = resource.kind;
        let changes = match kind.files(resource, self.wanted.target, self.answer) {
            Ok(changes) => changes,
            Err(error) => {
                let error = format!("{}: {error}", resource.address);
                self.decided.errors.push(error);
                return Vec::new();
            }
        };
        let was_secret = self.manifest.is_secret(&resource.address);
        changes
            .into_iter()
            .filter_map(|change| self.file_diff(change, was_secret))
            .collect()
    }

    /// `was_secret` says that the resource was last written with a secret in it: its old files may show it.
    fn file_diff(&self, change: FileChange, was_secret: bool) -> Option<FileDiff> {
        let (vault, path) = (self.wanted.vault, &change.path);
        let old = match change.old {
            Found::Absent => Side::Absent,
            Found::Content(content) => Side::Content(content.into()),
            Found::Unread { bytes, sha256 } => Side::Unread(Weight { bytes, sha256 }),
        };
        let shown = matches!(&old, Side::Content(content) if shows(vault, content));
        let secret = change.new.as_ref().is_some_and(Text::is_tainted);
        let past = old != Side::Absent && (was_secret || self.manifest.is_tainted(path));
        let new = match change.new.map(|text| text.reveal(vault)) {
            // A secret without a value is an error of its own.
            Some(value) => Side::Content(value.unwrap_or_default().into_bytes().into()),
            None => Side::Absent,
        };
        compare(path, &old, &new, secret || past || shown)
    }

    /// What the manifest says of the folder that is a resource's own, if it has one.
    fn folder(&self, resource: &Resource) -> (String, String, bool) {
        let none = (String::new(), String::new(), false);
        let Some(folder) = resource.kind.folder(resource) else {
            return none;
        };
        if folder.files.is_empty() {
            return none;
        }
        let contents = folder
            .files
            .iter()
            .map(|(_, text)| text.reveal(self.wanted.vault));
        let contents: Vec<String> = contents.map(Result::unwrap_or_default).collect();
        let names = folder.files.iter().map(|(name, _)| name.as_str());
        let files = names.zip(contents.iter().map(String::as_bytes));
        let tainted = folder.files.iter().any(|(_, text)| text.is_tainted());
        (folder.path, folder_digest(files), tainted)
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
