//! The work of the kinds' own actions: the running side of every resource. Neighbours of a kind that works together are
//! one item.

use super::decide::{After, Candidate, Draft};
use super::diff::{FileSide, compare};
use super::orphan::folder_digest;
use super::path_item::Early;
use super::{Content, FileDiff, Owned, Remark, Waiting, Weight};
use crate::digest::sha256;
use crate::kind::{
    Address, Delta, FileChange, Found, Mend, Overwritten, Payload, Refusal, Resource, Rewrite,
    Verdict,
};
use crate::text::{Text, shows};
use std::collections::BTreeSet;

impl<'a> Draft<'_, 'a> {
    /// The running side of every resource.
    pub(super) fn kinds(&mut self) {
        let touched: BTreeSet<Address> = self
            .candidates
            .iter()
            .flat_map(|c| c.resources.iter().map(|r| r.address.clone()))
            .chain(std::mem::take(&mut self.refused))
            .collect();
        self.foresee();
        let mut run: Vec<(&'a Resource, Vec<Delta>, String)> = Vec::new();
        let mut outage = false;
        for resource in self.wanted.resources {
            let address = resource.address.clone();
            let compared = match self.wanted.compare(resource, self.answer, &self.written) {
                Ok(compared) => compared,
                Err(error) => {
                    self.decided.errors.push(format!("{address}: {error}"));
                    continue;
                }
            };
            let (secret, destroys) = (compared.secret, compared.destroys);
            if let Some(why) = compared.unhealthy
                && !self.decided.unhealthy.contains(&why)
            {
                self.decided.unhealthy.push(why);
            }
            if !compared.before_write.is_empty() {
                let calls = compared.before_write;
                self.decided.before_write.insert(address.clone(), calls);
            }
            let text = compared.seen.to_string();
            self.decided.seen.insert(address.clone(), compared.seen);
            let verdict = match compared.verdict {
                Verdict::Same if !secret.is_empty() => Verdict::Change(secret),
                Verdict::Change(deltas) if deltas.is_empty() && secret.is_empty() => Verdict::Same,
                Verdict::Change(deltas) => Verdict::Change([deltas, secret].concat()),
                // A service that runs now and goes down with the members has to come up again.
                Verdict::Same if outage && resource.step.operate => Verdict::After {
                    what: "the members are down".to_owned(),
                    table: "taken down by this run: up again; anything else: reported".to_owned(),
                },
                other => other,
            };
            let verdict = self.spare(verdict, &destroys);
            outage |= self.wanted.permits.outage && matches!(verdict, Verdict::Outage { .. });
            let remark = |what: String, remedy: String| Remark {
                address: resource.address.clone(),
                what,
                remedy,
                device: None,
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
                        "operation is not mended by a run: do it by hand, once you know why it is so".to_owned();
                    self.decided.findings.push(remark(what.join("; "), remedy));
                }
                Verdict::Outage { deltas, why } if !self.wanted.permits.outage => {
                    let points: Vec<&str> = deltas.iter().map(|d| d.what.as_str()).collect();
                    let what = format!(
                        "{} cannot change while the cluster runs: {why}",
                        points.join(", ")
                    );
                    let remedy =
                        "`nodewright apply --outage` takes all members down for it, and up again"
                            .to_owned();
                    self.decided.refusals.push(remark(what, remedy));
                }
                Verdict::Change(deltas)
                | Verdict::Form(deltas)
                | Verdict::Outage { deltas, .. } => {
                    self.writes(resource);
                    run.push((resource, deltas, text));
                }
                Verdict::After { what, table } => {
                    let mut candidate = self.kind_candidate(&[resource], Vec::new(), text);
                    candidate.later = Some(After { what, table });
                    self.candidates.push(candidate);
                }
                Verdict::Finding { what, remedy } => {
                    self.decided.findings.push(remark(what, remedy));
                }
                Verdict::Refuse(refusal) => self.decided.refusals.push(Remark {
                    address: resource.address.clone(),
                    what: refusal.what,
                    remedy: refusal.remedy,
                    device: refusal.device,
                }),
                Verdict::Waiting(progress) if resource.step.long => {
                    let at = resource.step.index;
                    let first = self.decided.waits_at.map_or(at, |first| first.min(at));
                    self.decided.waits_at = Some(first);
                    self.decided.waiting.push(Waiting { address, progress });
                }
                Verdict::Waiting(progress) => self.decided.errors.push(format!(
                    "{address}: its work goes on by itself ({progress}): its step needs `long = true`"
                )),
            }
        }
        self.group(&run);
    }

    /// Notes the paths that actions of later steps write, for resources that read them before.
    fn foresee(&mut self) {
        let writes = |r: &&Resource| !r.files.writes.is_empty() || r.files.folder.is_some();
        for resource in self.wanted.resources.iter().filter(writes) {
            let compared = self.wanted.compare(resource, self.answer, &self.written);
            let changes = compared.is_ok_and(|c| match c.verdict {
                Verdict::Same => !c.secret.is_empty(),
                Verdict::Change(deltas) => {
                    !(resource.step.operate || deltas.is_empty() && c.secret.is_empty())
                }
                Verdict::Form(_) => true,
                Verdict::Outage { .. } => self.wanted.permits.outage,
                _ => false,
            });
            if changes {
                self.writes(resource);
            }
        }
    }

    /// The actions of a resource write its paths.
    fn writes(&mut self, resource: &Resource) {
        let step = resource.step.index;
        for path in &resource.files.writes {
            self.written.add(step, path, Rewrite::Somehow);
        }
        if let Some(folder) = &resource.files.folder {
            for (name, text) in &folder.files {
                let content = text.reveal(self.wanted.vault).unwrap_or_default();
                let path = format!("{}/{name}", folder.path);
                let digest = sha256(content.as_bytes());
                self.written.add(step, path, Rewrite::To(&digest));
            }
        }
    }

    /// The verdict, unless it would overwrite a device that carries anything and that the operator did not name in this
    /// very command.
    fn spare(&self, verdict: Verdict, destroys: &[Overwritten]) -> Verdict {
        let changes = matches!(
            verdict,
            Verdict::Change(_) | Verdict::Form(_) | Verdict::Outage { .. }
        );
        let node = &self.wanted.target.node;
        let spared = |o: &&Overwritten| {
            !o.carries.is_empty() && !self.wanted.permits.destroys(node, &o.device)
        };
        match destroys.iter().find(spared) {
            Some(Overwritten { device, carries }) if changes => Verdict::Refuse(Refusal {
                what: format!("{device} carries {carries}, which would be overwritten"),
                remedy: format!(
                    "check the content of {device} on {node}; nothing is overwritten before"
                ),
                device: Some(device.clone()),
            }),
            _ => verdict,
        }
    }

    /// Makes candidates of what changes; neighbours of a kind that works together become one.
    fn group(&mut self, run: &[(&'a Resource, Vec<Delta>, String)]) {
        let mut at = 0;
        while at < run.len() {
            let (first, _, _) = &run[at];
            let mut end = at + 1;
            while first.kind.running().manner().together
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
            let candidate = self.kind_candidate(&resources, deltas, seen);
            self.candidates.push(candidate);
            at = end;
        }
    }

    /// Whether no path has to be written between two resources of a kind that works together.
    fn nothing_between(&self, one: &Resource, other: &Resource) -> bool {
        !self
            .candidates
            .iter()
            .any(|c| c.order.0 > one.step.index && c.order.0 < other.step.index)
    }

    fn kind_candidate(
        &mut self,
        resources: &[&'a Resource],
        deltas: Vec<Delta>,
        seen: String,
    ) -> Candidate<'a> {
        let kind = resources[0].kind;
        let last = resources.len() - 1;
        let step = resources[last].step.index;
        let takes_up = |d: &Delta| kind.running().manner().takes_up.contains(&&*d.what);
        let writer = self.written.last(&resources[last].depends.paths);
        let order = match writer.filter(|writer| *writer > step) {
            Some(writer) if !deltas.is_empty() && deltas.iter().all(takes_up) => (writer, 2),
            _ => (step, 1),
        };
        let written = self.written.before(order.0 + usize::from(order.1 == 2));
        let circumstances = self.wanted.circumstances(&written);
        let (answer, vault) = (self.answer, self.wanted.vault);
        let mend = kind
            .running()
            .mend(resources, &circumstances, answer, vault);
        let mend = mend.unwrap_or_else(|error| {
            let error = format!("{}: {error}", resources[0].address);
            self.decided.errors.push(error);
            Mend::default()
        });
        let blobs = self.contents(resources[0], mend.contents);
        let names = resources
            .iter()
            .map(|r| r.address.name.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let changes = mend.changes.into_iter();
        let diffs: Vec<FileDiff> = changes
            .filter_map(|(at, change)| {
                let was_secret = self.manifest.is_secret(&resources[at].address);
                self.file_diff(change, was_secret)
            })
            .collect();
        let title = match kind.running().manner().title {
            Some(title) => title(&names, &deltas),
            None => format!("{} {names}", kind.name()),
        };
        // A joint action runs once the files of all its resources are there.
        Candidate {
            order,
            resources: resources.to_vec(),
            path: None,
            title,
            deltas,
            preflight: match resources {
                [_] => mend.preflight,
                _ => Vec::new(),
            },
            calls: mend.calls,
            confirmed: mend.confirmed,
            owns: match resources {
                [one] => self.folder(one),
                _ => Owned::default(),
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

    /// The files that actions need on the node, with the values of secrets.
    fn contents(&mut self, resource: &Resource, payloads: Vec<Payload>) -> Vec<Content> {
        let content = |payload| match payload {
            Payload::Text(text) => match text.reveal(self.wanted.vault) {
                Ok(value) => Ok(Content::Bytes(value.into_bytes())),
                Err(error) => Err(format!("{}: {error}", resource.address)),
            },
            Payload::File(file) => Ok(Content::File(file)),
        };
        let contents: Result<_, String> = payloads.into_iter().map(content).collect();
        contents.unwrap_or_else(|error| {
            self.decided.errors.push(error);
            Vec::new()
        })
    }

    /// `was_secret`: the resource was last written with a secret in it, so old files whose content stayed on the node
    /// may show it.
    fn file_diff(&self, change: FileChange, was_secret: bool) -> Option<FileDiff> {
        let (vault, path) = (self.wanted.vault, &change.path);
        let old = match change.old {
            Found::Absent => FileSide::Absent,
            Found::Content(content) => FileSide::Content(content.into()),
            Found::Unread { bytes, sha256 } => FileSide::Unread(Weight { bytes, sha256 }),
        };
        let shown = matches!(&old, FileSide::Content(content) if shows(vault, content));
        let secret = change.new.as_ref().is_some_and(Text::is_tainted);
        let unread = matches!(old, FileSide::Unread(_));
        let past =
            was_secret && unread || old != FileSide::Absent && self.manifest.is_tainted(path);
        let new = match change.new.map(|text| text.reveal(vault)) {
            // A secret without a value is an error of its own.
            Some(value) => FileSide::Content(value.unwrap_or_default().into_bytes().into()),
            None => FileSide::Absent,
        };
        compare(path, &old, &new, secret || past || shown)
    }

    /// The manifest's line for the folder of a resource, if it has one.
    fn folder(&self, resource: &Resource) -> Owned {
        let Some(folder) = &resource.files.folder else {
            return Owned::default();
        };
        if folder.files.is_empty() {
            return Owned::default();
        }
        let contents = folder
            .files
            .iter()
            .map(|(_, text)| text.reveal(self.wanted.vault));
        let contents: Vec<String> = contents.map(Result::unwrap_or_default).collect();
        let names = folder.files.iter().map(|(name, _)| name.as_str());
        let files = names.zip(contents.iter().map(String::as_bytes));
        Owned {
            digest: folder_digest(files),
            secret: folder.files.iter().any(|(_, text)| text.is_tainted()),
            path: folder.path.clone(),
        }
    }
}
