//! Forgetting orphans: they stay on their node, and plans no longer list them.

use super::engine::Engine;
use crate::kind::StepMeta;
use crate::node::NodeState;
use crate::plan::{GONE, Manifest, Orphan, Selection, Step, sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Engine {
    /// The selected orphans of the observed nodes.
    pub fn orphans(&self, chosen: &Selection) -> BTreeMap<String, Vec<Orphan>> {
        let of = |node: &String| {
            let orphans = &self.looks.get(node)?.decided.plan.orphans;
            let chosen = orphans.iter().filter(|o| chosen.takes(&o.address));
            let chosen: Vec<Orphan> = chosen.cloned().collect();
            (!chosen.is_empty()).then(|| (node.clone(), chosen))
        };
        self.looks.keys().filter_map(of).collect()
    }

    /// Takes these out of the manifests of their nodes, as a run with its lock and its lines in the journal. Gives the
    /// nodes where that was done; the others have failed.
    pub async fn forget(&mut self, orphans: &BTreeMap<String, Vec<Orphan>>) -> BTreeSet<String> {
        self.at_work.set(true);
        let steps = |node: &String| -> Vec<Step> {
            let Some(look) = self.looks.get(node) else {
                return Vec::new();
            };
            let manifest = Manifest::parse(&NodeState::read(&look.answer).manifest);
            let all = orphans[node].iter();
            all.flat_map(|o| manifest.paths(&o.address).into_iter().map(|p| step(o, p)))
                .collect()
        };
        let todo = orphans.keys().map(|n| (n.clone(), steps(n))).collect();
        let (done, _) = self.wave(&todo).await;
        self.at_work.set(false);
        done
    }
}

/// The step that forgets one path of an orphan, or the orphan itself.
fn step(orphan: &Orphan, path: String) -> Step {
    let address = &orphan.address;
    let title = if path.is_empty() || path == address.name {
        format!("forget {address}")
    } else {
        format!("forget {address} ({path})")
    };
    Step {
        addresses: vec![orphan.address.clone()],
        digest: sha256(title.as_bytes()),
        title,
        meta: Arc::new(StepMeta::default()),
        stage: 0,
        preflight: Vec::new(),
        calls: Vec::new(),
        confirmed: Vec::new(),
        blobs: Vec::new(),
        path: None,
        owns: (path, GONE.to_owned(), false),
        guarded: false,
    }
}
