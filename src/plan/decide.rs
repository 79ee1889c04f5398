//! From what is wanted and what was seen to what is done: the steps of one node, in order, cut into stages.

use super::diff::unified;
use super::fold::{self, FoldError, Folded, PathSeen, PathState, SeenKind, Wish};
use super::manifest::Manifest;
use super::paths::{Paths, sha256};
use super::{Change, Diff, Later, NodePlan, Remark};
use crate::resource::{Address, Answer, Delta, Observe, Resource, StepMeta, Target, Verdict};
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
    /// The contents it needs, counted from 0 in this step.
    pub blobs: Vec<Content>,
    /// The path it writes, if it writes one.
    pub path: Option<String>,
    /// What the manifest says afterwards: path (empty where there is none), digest and whether it holds a secret.
    pub owns: (String, String, bool),
    /// Digest of the change, as in [`Change::digest`].
    pub digest: String,
}

/// Bytes that are uploaded with a batch.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether they hold a secret: removed from the node when the batch ends.
    pub secret: bool,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} bytes{}",
            self.bytes.len(),
            if self.secret { ", secret" } else { "" }
        )
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
            items: Vec::new(),
            refused: BTreeSet::new(),
            decided: Decided::default(),
        };
        draft.decided.plan.node.clone_from(&self.target.node);
        let paths = self.paths();
        let seen = paths.read(answer);
        for (path, wishes) in paths.iter() {
            draft.path(path, wishes, &seen[path], manifest);
        }
        draft.kinds();
        draft.cut(manifest)
    }
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
struct Item<'a> {
    /// Step index, then 0 for a path and 1 for a kind's own action (or the other way round where the kind says so).
    order: (usize, u8),
    resources: Vec<&'a Resource>,
    path: Option<String>,
    title: String,
    deltas: Vec<Delta>,
    diff: Option<Diff>,
    preflight: Vec<Call>,
    calls: Vec<Call>,
    blobs: Vec<Content>,
    owns: (String, String, bool),
    /// Set where it cannot be decided yet: what comes first, and the table.
    later: Option<(String, String)>,
    seen: String,
}

struct Draft<'d, 'a> {
    wanted: &'d Wanted<'a>,
    answer: &'d Answer,
    items: Vec<Item<'a>>,
    /// Resources whose path is refused or cannot be made sense of.
    refused: BTreeSet<String>,
    decided: Decided,
}

impl<'a> Draft<'_, 'a> {
    fn path(
        &mut self,
        path: &str,
        wishes: &[(&'a Resource, &'a crate::resource::Edit)],
        seen: &PathSeen,
        manifest: &Manifest,
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
        if folded.same {
            return;
        }
        let changed: Vec<&'a Resource> = resources
            .iter()
            .copied()
            .filter(|r| {
                folded
                    .changed_by
                    .iter()
                    .any(|i| wishes[*i].0.address == r.address)
            })
            .collect();
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
            tainted: manifest.is_tainted(path),
            shows: matches!(&seen.kind, SeenKind::File { content: Some(old), .. } if shows(self.wanted.vault, old)),
        };
        let mut item = path_item(path, seen, &folded, past);
        item.order = (first.step.index, u8::from(!first.kind.edits_first()) * 2);
        item.resources = changed;
        if folded.from_nothing {
            item.later = Some((
                "a package".to_owned(),
                format!("{path} there: edited; not there: made with these lines alone"),
            ));
        }
        self.items.push(item);
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
        let written: BTreeSet<String> = self.items.iter().filter_map(|i| i.path.clone()).collect();
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
                .any(|p| written.contains(p))
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
                Verdict::Change(deltas) => run.push((resource, deltas, text)),
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
        let mut blobs = Vec::new();
        for text in resources.iter().flat_map(|r| r.kind.contents(r)) {
            match text.reveal(self.wanted.vault) {
                Ok(value) => blobs.push(Content {
                    bytes: value.into_bytes(),
                    secret: text.is_tainted(),
                }),
                Err(error) => self
                    .decided
                    .errors
                    .push(format!("{}: {error}", resources[0].address)),
            }
        }
        let names = resources
            .iter()
            .map(|r| r.address.name.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        Item {
            order: (resources[0].step.index, 1),
            resources: resources.to_vec(),
            path: None,
            title: kind.title(&names, &deltas),
            deltas,
            diff: None,
            preflight: match resources {
                [one] => kind.preflight(one, self.wanted.target),
                _ => Vec::new(),
            },
            calls,
            blobs,
            owns: (String::new(), String::new(), false),
            later: None,
            seen,
        }
    }

    /// Puts everything in order and cuts it where something has to be seen first.
    fn cut(mut self, manifest: &Manifest) -> Decided {
        self.items.sort_by_key(|item| item.order);
        let mut stage = 0;
        // The step that ended the last stage, for "decided after".
        let mut ended_by: Option<(usize, String)> = None;
        for item in self.items {
            let ends = item.resources.iter().any(|r| r.kind.ends_stage()) && item.path.is_none();
            let title = item.resources[0].address.to_string();
            if let Some((what, table)) = item.later
                && (item.path.is_none() || ended_by.is_some())
            {
                match &ended_by {
                    Some((_, by)) => {
                        for resource in &item.resources {
                            let (after, table) = (by.clone(), table.clone());
                            self.decided.plan.later.push(Later {
                                address: resource.address.clone(),
                                after,
                                table,
                            });
                        }
                    }
                    None => self.decided.errors.push(format!(
                        "{title} waits for {what}, and nothing here brings it"
                    )),
                }
                continue;
            }
            let digest = sha256(
                format!(
                    "{:?}\n{:?}\n{:?}\n{}\n{:?}",
                    item.title, item.deltas, item.diff, item.seen, item.owns
                )
                .as_bytes(),
            );
            self.decided.plan.changes.push(Change {
                addresses: item.resources.iter().map(|r| r.address.clone()).collect(),
                title: item.title.clone(),
                deltas: item.deltas,
                diff: item.diff,
                stage,
                digest: digest.clone(),
            });
            self.decided.steps.push(Step {
                addresses: item.resources.iter().map(|r| r.address.clone()).collect(),
                title: item.title,
                meta: Arc::clone(&item.resources[0].step),
                stage,
                preflight: item.preflight,
                calls: item.calls,
                blobs: item.blobs,
                path: item.path,
                owns: item.owns,
                digest,
            });
            if ends {
                stage += 1;
                ended_by = Some((stage, title));
            }
        }
        self.decided.plan.orphans = manifest.orphans(self.wanted.resources);
        self.decided.plan.same = self.decided.same.len();
        self.decided
    }
}

/// Whether what is at a path now holds a secret.
#[derive(Clone, Copy)]
struct Past {
    /// We wrote it with a secret in it.
    tainted: bool,
    /// It shows the value of one.
    shows: bool,
}

impl Past {
    /// Whether the old version is kept. One that held a secret is not: secrets stay secret.
    fn keep(self) -> &'static str {
        if self.tainted || self.shows {
            "no"
        } else {
            "yes"
        }
    }
}

/// The item for one path.
fn path_item<'a>(path: &str, seen: &PathSeen, folded: &Folded, past: Past) -> Item<'a> {
    let absent = matches!(seen.kind, SeenKind::Absent);
    let a = &folded.attributes;
    let mut item = Item {
        order: (0, 0),
        resources: Vec::new(),
        path: Some(path.to_owned()),
        title: String::new(),
        deltas: folded.deltas.clone(),
        diff: None,
        preflight: Vec::new(),
        calls: Vec::new(),
        blobs: Vec::new(),
        owns: (path.to_owned(), String::new(), folded.tainted),
        later: None,
        seen: format!(
            "{:?}",
            (&seen.mode, &seen.owner, &seen.group, seen_digest(seen))
        ),
    };
    let expected = seen_digest(seen);
    match &folded.after {
        PathState::File => {
            item.owns.1.clone_from(&folded.sha256);
            let Some(content) = folded.content.as_ref().filter(|_| folded.content_differs) else {
                item.title = format!("set {path}");
                item.calls =
                    vec![Call::new("nw_attributes").args([path, &a.owner, &a.group, &a.mode])];
                return item;
            };
            item.title = format!("{} {path}", if absent { "create" } else { "replace" });
            let old = match &seen.kind {
                SeenKind::File { content, .. } => content.as_deref(),
                _ => None,
            };
            // The old side may show a secret where the new one has none.
            let tainted = folded.tainted || past.tainted || past.shows;
            item.diff = unified(old, Some(content), path, tainted);
            if let Some(words) = &folded.check {
                let check = check_call(words);
                item.preflight = vec![Call::new("nw_preflight").then(&check)];
                item.calls.push(check);
            }
            item.calls.push(
                Call::new("nw_replace")
                    .args([path, &expected])
                    .blob(0)
                    .args([a.owner.as_str(), &a.group, &a.mode, past.keep()]),
            );
            item.blobs.push(Content {
                bytes: content.clone(),
                secret: folded.tainted,
            });
        }
        PathState::Directory => {
            item.title = format!("{} {path}/", if absent { "create" } else { "set" });
            item.calls = vec![Call::new("nw_directory").args([path, &a.owner, &a.group, &a.mode])];
        }
        PathState::Symlink(target) => {
            item.title = format!("link {path} → {target}");
            item.owns.1 = sha256(target.as_bytes());
            item.calls = vec![Call::new("nw_symlink").args([path, target, &expected, past.keep()])];
        }
        PathState::Absent => {
            item.title = format!("remove {path}");
            item.calls = vec![Call::new("nw_remove").args([path, &expected, past.keep()])];
        }
    }
    item
}

/// What `nw_replace` and its like compare with: a digest, or a word for what is no file.
fn seen_digest(seen: &PathSeen) -> String {
    match &seen.kind {
        SeenKind::Absent => "absent".to_owned(),
        SeenKind::File { sha256, .. } => sha256.clone(),
        SeenKind::Directory { .. } => "directory".to_owned(),
        SeenKind::Symlink { target } => format!("link:{target}"),
        SeenKind::Other(_) => "other".to_owned(),
    }
}

/// A validator's words, with `{staged}` for the uploaded content.
fn check_call(words: &[String]) -> Call {
    let mut call = Call::from_words([]);
    for word in words {
        call = if word == "{staged}" {
            call.blob(0)
        } else {
            call.arg(word)
        };
    }
    call
}
