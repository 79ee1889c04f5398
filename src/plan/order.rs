//! Orders the steps and cuts them where something has to be observed first.

use super::decide::{After, Candidate, Decided, Draft};
use super::orphan;
use super::path_item::Early;
use super::{Change, Item, Later, PlannedStep, Remark, sha256};
use crate::kind::Address;
use std::sync::Arc;

impl Candidate<'_> {
    fn addresses(&self) -> Vec<Address> {
        self.resources.iter().map(|r| r.address.clone()).collect()
    }
}

impl Draft<'_, '_> {
    /// Decides steps after a long one, whose work goes on by itself, once that work is done.
    fn after_waiting(&mut self, candidate: Candidate<'_>) {
        if candidate.same {
            return;
        }
        for resource in &candidate.resources {
            self.decided.same.remove(&resource.address);
        }
        if let Some(waiting) = self.decided.waiting.first() {
            self.decided.later.push(Later {
                addresses: candidate.addresses(),
                after: waiting.address.clone(),
                table: "its work is done: decided by the state then".to_owned(),
                held: None,
                diffs: candidate.diffs,
            });
        }
    }

    /// Puts everything in order and cuts it where something has to be seen first.
    pub(super) fn cut(mut self) -> Decided {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.append(&mut self.perhaps);
        candidates.sort_by_key(|c| c.order);
        let mut stage = 0;
        // The step that ended the last stage, for "decided after".
        let mut ended_by: Option<Address> = None;
        for mut candidate in candidates {
            let ends = candidate.path.is_none()
                && candidate
                    .resources
                    .iter()
                    .any(|r| r.kind.running().manner().ends_stage || r.step.long);
            let held = self.decided.waits_at;
            if held.is_some_and(|at| candidate.order.0 > at) {
                self.after_waiting(candidate);
                continue;
            }
            let name = candidate.resources[0].address.clone();
            let mut either = None;
            let later = match (candidate.later.take(), candidate.early.take(), &ended_by) {
                // The step that it waits for is refused.
                (Some(_), _, None) if !self.decided.refusals.is_empty() => continue,
                // Another member may have it, or bring it.
                (Some(After { what, .. }), _, None) if candidate.resources[0].step.once => {
                    self.decided.unmet.push(Remark {
                        address: name,
                        what: format!("it waits for {what}, and nothing here brings it"),
                        remedy: "bring it about by hand, then run again".to_owned(),
                        device: None,
                    });
                    continue;
                }
                (Some(After { what, .. }), _, None) => {
                    let error = format!("{name} waits for {what}, and nothing here brings it");
                    self.decided.errors.push(error);
                    continue;
                }
                (Some(After { table, .. }), _, Some(by))
                | (None, Some(Early::Decided(table)), Some(by)) => Some((table, by)),
                (None, Some(Early::Or(verb)), Some(_)) => {
                    if let Some(rest) = candidate.title.strip_prefix("create ") {
                        candidate.title = format!("create or {verb} {rest}");
                        either = Some(candidate.owns.digest.clone());
                    }
                    None
                }
                (None, Some(_), None) if candidate.same => continue,
                (None, _, _) => None,
            };
            if let Some((table, by)) = later {
                for resource in &candidate.resources {
                    self.decided.same.remove(&resource.address);
                }
                self.decided.later.push(Later {
                    addresses: candidate.addresses(),
                    after: by.clone(),
                    table,
                    held: None,
                    diffs: candidate.diffs,
                });
                continue;
            }
            let owns = (
                &candidate.owns.path,
                &candidate.owns.digest,
                candidate.owns.secret,
            );
            let digest = sha256(
                format!(
                    "{:?}\n{:?}\n{:?}\n{}\n{:?}",
                    candidate.title, candidate.deltas, candidate.diffs, candidate.seen, owns
                )
                .as_bytes(),
            );
            let change = Change {
                addresses: candidate.addresses(),
                title: candidate.title,
                deltas: candidate.deltas,
                diffs: candidate.diffs,
                stage,
                guarded: false,
                interrupts: candidate.resources.iter().any(|r| r.step.rolling),
                held: None,
                digest,
                either,
            };
            let work = PlannedStep {
                meta: Arc::clone(&candidate.resources[0].step),
                preflight: candidate.preflight,
                calls: candidate.calls,
                confirmed: candidate.confirmed,
                blobs: candidate.blobs,
                path: candidate.path,
                owns: candidate.owns,
            };
            self.decided.items.push(Item { change, work });
            if ends {
                stage += 1;
                ended_by = Some(name);
            }
        }
        let resources = self.wanted.resources;
        if !self.wanted.partial {
            self.decided.orphans = orphan::find(self.manifest, resources, self.answer);
        }
        self.decided
    }
}
