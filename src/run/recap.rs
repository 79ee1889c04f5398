//! What became of each node.

use super::Event;
use super::engine::Engine;
use crate::plan::{Ended, Plan, Recap};

impl Engine {
    /// What became of each node; `plan` is what was shown before.
    pub(super) fn recap(&self, plan: &Plan) -> Vec<Recap> {
        let members = self.setup.members.iter();
        let recap = members.map(|member| {
            let node = member.target.node.as_str();
            let shown = plan.nodes.iter().find(|n| n.node == node);
            Recap::of(Ended {
                node,
                wanted: member.resources.iter().map(|r| &r.address).collect(),
                decided: self.looks.get(node).map(|look| &look.decided),
                changed: self.changed.get(node),
                held: self.undone.get(node),
                failed: self.troubles.get(node).map(|t| t.why.clone()),
                shown: shown.map_or(&[], |n| &n.findings),
            })
        });
        let nodes: Vec<Recap> = recap.collect();
        self.say(Event::Recap {
            nodes: nodes.clone(),
        });
        nodes
    }
}
