//! What became of each node, counted in resources as its plan was.

use super::engine::Engine;
use super::{Event, Recap};
use crate::kind::Address;
use crate::plan::{Decided, Plan, Step};
use std::collections::BTreeSet;

/// What was to be done and was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Undone {
    /// The steps, in words.
    titles: Vec<String>,
    /// The resources that they bring to their state.
    addresses: BTreeSet<String>,
}

impl Undone {
    /// These steps; `why` stands behind each.
    pub(super) fn of(steps: &[Step], why: &str) -> Self {
        let all = steps.iter().flat_map(|s| &s.addresses);
        Self {
            titles: steps.iter().map(|s| format!("{}{why}", s.title)).collect(),
            addresses: all.map(Address::to_string).collect(),
        }
    }

    /// And what would have been decided after them.
    fn and_later(mut self, decided: &Decided) -> Self {
        for later in &decided.plan.later {
            for address in &later.addresses {
                if self.addresses.insert(address.to_string()) {
                    let title = format!("{address} (decided after {})", later.after);
                    self.titles.push(title);
                }
            }
        }
        self
    }
}

impl Engine {
    /// What became of each node; `plan` is what was shown before.
    pub(super) fn recap(&self, plan: &Plan) -> Vec<Recap> {
        let none = BTreeSet::new();
        let one = |node: &str| {
            let decided = self.looks.get(node).map(|l| &l.decided);
            let failed = self.troubles.get(node).map(|t| t.why.clone());
            let undone = match (decided, self.undone.get(node)) {
                (Some(decided), _) if failed.is_some() => {
                    Undone::of(&decided.steps, "").and_later(decided)
                }
                (Some(decided), Some(undone)) => undone.clone().and_later(decided),
                _ => Undone::default(),
            };
            let wanted = self.setup.member(node).resources.iter();
            let wanted: BTreeSet<String> = wanted.map(|r| r.address.to_string()).collect();
            let changed = self.changed.get(node).unwrap_or(&none);
            // What is done in part is not done.
            let (changed, removed) = changed
                .difference(&undone.addresses)
                .partition::<Vec<_>, _>(|a| wanted.contains(*a));
            let same = decided.map(|d| d.same.iter().filter(|a| !changed.contains(a)).count());
            Recap {
                node: node.to_owned(),
                same: same.unwrap_or(0),
                changed: changed.len(),
                removed: removed.len(),
                undone: undone.addresses.len(),
                failed,
                not_run: undone.titles,
                findings: decided.map_or(0, |d| d.plan.findings.len()),
                found: decided.map_or_else(Vec::new, |d| {
                    let shown = plan.nodes.iter().filter(|n| n.node == node);
                    let shown: Vec<_> = shown.flat_map(|n| &n.findings).collect();
                    let new = d.plan.findings.iter().filter(|f| !shown.contains(f));
                    new.cloned().collect()
                }),
            }
        };
        let members = self.setup.members.iter();
        let recap: Vec<Recap> = members.map(|m| one(&m.target.node)).collect();
        self.say(Event::Recap {
            nodes: recap.clone(),
        });
        recap
    }
}
