//! What an earlier run made and nothing asks for any more.

use super::{Change, Decided, Manifest, Step, sha256};
use crate::resource::{Delta, StepMeta};
use crate::sh::Call;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The paths whose digest decides about an orphan: files that we made.
pub fn questions(decided: &Decided) -> Vec<String> {
    let files = decided
        .plan
        .orphans
        .iter()
        .filter(|o| o.address.kind == "file");
    files.map(|o| o.path.clone()).collect()
}

/// Decides about orphans: a file that is as we wrote it goes, one that was changed stays and is reported, one that is
/// gone is forgotten. `sums` are the digests of the [`questions`].
pub fn settle(decided: &mut Decided, manifest: &Manifest, sums: &BTreeMap<String, String>) {
    let stage = decided.steps.last().map_or(0, |s| s.stage);
    let mut orphans = std::mem::take(&mut decided.plan.orphans);
    orphans.retain(|o| o.address.kind != "file" || sums.contains_key(&o.path));
    for orphan in orphans.iter_mut().filter(|o| o.address.kind == "file") {
        let found = &sums[&orphan.path];
        if manifest.expected(orphan) != Some(found.as_str()) {
            "no longer wanted, and changed since it was written: left as it is"
                .clone_into(&mut orphan.why);
            continue;
        }
        orphan.removed = true;
        let keep = if manifest.is_tainted(&orphan.path) {
            "no"
        } else {
            "yes"
        };
        let digest = sha256(format!("remove {} {found}", orphan.path).as_bytes());
        decided.plan.changes.push(Change {
            addresses: vec![orphan.address.clone()],
            title: format!("remove {}", orphan.path),
            deltas: vec![Delta::new("no longer wanted", "ours", "")],
            diffs: Vec::new(),
            stage,
            guarded: false,
            digest: digest.clone(),
        });
        decided.steps.push(Step {
            addresses: vec![orphan.address.clone()],
            title: format!("remove {}", orphan.path),
            meta: Arc::new(StepMeta {
                index: usize::MAX,
                ..StepMeta::default()
            }),
            stage,
            preflight: Vec::new(),
            calls: vec![Call::new("nw_remove").args([orphan.path.as_str(), found, keep])],
            blobs: Vec::new(),
            path: Some(orphan.path.clone()),
            // No longer ours.
            owns: (orphan.path.clone(), "-".to_owned(), false),
            guarded: false,
            digest,
        });
    }
    decided.plan.orphans = orphans;
}
