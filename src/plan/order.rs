//! Puts what is to be done in order and cuts it where something has to be seen first.

use super::decide::{Decided, Draft, Step};
use super::orphan;
use super::path_item::Early;
use super::{Change, Later, sha256};
use std::sync::Arc;

impl Draft<'_, '_> {
    /// Puts everything in order and cuts it where something has to be seen first.
    pub(super) fn cut(mut self) -> Decided {
        let mut items = std::mem::take(&mut self.items);
        items.append(&mut self.perhaps);
        items.sort_by_key(|item| item.order);
        let mut stage = 0;
        // The step that ended the last stage, for "decided after".
        let mut ended_by: Option<String> = None;
        for mut item in items {
            let ends = item.resources.iter().any(|r| r.kind.ends_stage()) && item.path.is_none();
            let name = item.resources[0].address.to_string();
            let later = match (item.later.take(), item.early.take(), &ended_by) {
                // What it waits for is refused.
                (Some(_), _, None) if !self.decided.plan.refusals.is_empty() => continue,
                (Some((what, _)), _, None) => {
                    let error = format!("{name} waits for {what}, and nothing here brings it");
                    self.decided.errors.push(error);
                    continue;
                }
                (Some((_, table)), _, Some(by)) | (None, Some(Early::Decided(table)), Some(by)) => {
                    Some((table, by))
                }
                (None, Some(Early::Or(verb)), Some(_)) => {
                    if let Some(rest) = item.title.strip_prefix("create ") {
                        item.title = format!("create or {verb} {rest}");
                    }
                    None
                }
                (None, Some(_), None) if item.same => continue,
                (None, _, _) => None,
            };
            if let Some((table, by)) = later {
                for resource in &item.resources {
                    self.decided.same.remove(&resource.address.to_string());
                }
                self.decided.plan.later.push(Later {
                    addresses: item.resources.iter().map(|r| r.address.clone()).collect(),
                    after: by.clone(),
                    table,
                    diffs: item.diffs,
                });
                continue;
            }
            let digest = sha256(
                format!(
                    "{:?}\n{:?}\n{:?}\n{}\n{:?}",
                    item.title, item.deltas, item.diffs, item.seen, item.owns
                )
                .as_bytes(),
            );
            self.decided.plan.changes.push(Change {
                addresses: item.resources.iter().map(|r| r.address.clone()).collect(),
                title: item.title.clone(),
                deltas: item.deltas,
                diffs: item.diffs,
                stage,
                guarded: false,
                digest: digest.clone(),
            });
            self.decided.steps.push(Step {
                addresses: item.resources.iter().map(|r| r.address.clone()).collect(),
                title: item.title,
                meta: Arc::clone(&item.resources[0].step),
                stage,
                preflight: item.preflight,
                calls: item.calls,
                confirmed: item.confirmed,
                blobs: item.blobs,
                path: item.path,
                owns: item.owns,
                guarded: false,
                digest,
            });
            if ends {
                stage += 1;
                ended_by = Some(name);
            }
        }
        let (resources, target) = (self.wanted.resources, self.wanted.target);
        self.decided.plan.orphans = orphan::find(self.manifest, resources, target, self.answer);
        self.decided.plan.same = self.decided.same.len();
        self.decided
    }
}
