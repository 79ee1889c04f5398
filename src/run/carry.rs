//! Carrying a plan out: wave by wave, and looking again at what was done.

use super::Event;
use super::engine::Engine;
use super::setup::{Trouble, Wish};
use crate::kind::Address;
use crate::plan::reached::{self, Reached};
use crate::plan::{Approved, Ended, Item, Plan, Recap, Undone, next_wave};
use std::collections::{BTreeMap, BTreeSet};

/// What a run did so far, and what it holds back, by node.
#[derive(Default)]
struct Course {
    changed: BTreeMap<String, BTreeSet<Address>>,
    held: BTreeMap<String, Undone>,
}

impl Course {
    /// Adds resources that are as wanted since this run.
    fn reach(&mut self, node: &str, addresses: BTreeSet<Address>) {
        let changed = self.changed.entry(node.to_owned()).or_default();
        changed.extend(addresses);
    }

    /// All of this is not done, since the operator wants no more.
    fn leave(&mut self, items: &BTreeMap<String, Vec<Item>>) {
        for (node, items) in items.iter().filter(|(_, items)| !items.is_empty()) {
            self.held.insert(node.clone(), Undone::of(items, ""));
        }
    }
}

impl Engine {
    /// Carries out what was approved, wave by wave, and observes again what it changed.
    ///
    /// `approved` is the plan that was shown. What a later stage brings up and is not in it is not done.
    pub async fn carry_out(&mut self, approved: &Plan) -> Vec<Recap> {
        self.at_work.set(true);
        let allowed = Approved::of(approved);
        let mut course = Course::default();
        let part = self.setup.members.iter();
        let part = part.map(|m| m.target.node.clone()).collect();
        loop {
            let items = self.permitted(&allowed);
            let failed = self.troubles.keys().cloned().collect();
            let wave = next_wave(&items, &self.setup.cluster, &part, &failed);
            course.held = wave.without();
            if *self.wish.borrow() != Wish::GoOn {
                course.leave(&items);
                break;
            }
            let todo = wave.todo();
            if todo.is_empty() {
                break;
            }
            let (done, broken) = self.wave(&todo).await;
            self.observe().await;
            self.confirm(&todo, &done, &mut course);
            self.take_stock(&todo, broken, &mut course).await;
        }
        self.at_work.set(false);
        self.recap(approved, &course)
    }

    /// What may be done, by node; what nobody approved fails its node.
    fn permitted(&mut self, approved: &Approved) -> BTreeMap<String, Vec<Item>> {
        let mut all = BTreeMap::new();
        for node in self.live() {
            let Some(look) = self.looks.get(&node) else {
                continue;
            };
            match approved.permits(&look.decided) {
                Ok(()) => {
                    all.insert(node, look.decided.items.clone());
                }
                Err(barred) => self.fail(&node, Trouble::barred(&barred)),
            }
        }
        all
    }

    /// Looks again at nodes whose batch broke in the middle: the recap tells what was done before, and what was not.
    async fn take_stock(
        &mut self,
        todo: &BTreeMap<String, Vec<Item>>,
        broken: Vec<String>,
        course: &mut Course,
    ) {
        if broken.is_empty() {
            return;
        }
        let all = self.look(broken).await;
        // A node that does not answer now has failed already, with a better reason.
        for (node, look) in all.into_iter().filter_map(|(n, l)| Some((n, l.ok()?))) {
            let reached = reached::in_part(&todo[&node], &look.decided);
            course.reach(&node, reached);
            self.looks.insert(node, look);
        }
        self.settle_once();
    }

    /// What was done must be seen to be done.
    fn confirm(
        &mut self,
        todo: &BTreeMap<String, Vec<Item>>,
        done: &BTreeSet<String>,
        course: &mut Course,
    ) {
        for (node, items) in todo.iter().filter(|(n, _)| done.contains(*n)) {
            let failed = self.troubles.contains_key(node);
            let Some(look) = self.looks.get(node).filter(|_| !failed) else {
                continue;
            };
            let Reached { changed, unreached } = reached::wholly(items, &look.decided);
            course.reach(node, changed);
            if let Some(unreached) = unreached {
                self.fail(node, Trouble::failed(unreached.to_string()));
            }
        }
    }

    /// What became of each node; `plan` is what was shown before.
    fn recap(&self, plan: &Plan, course: &Course) -> Vec<Recap> {
        let members = self.setup.members.iter();
        let recap = members.map(|member| {
            let node = member.target.node.as_str();
            let shown = plan.nodes.iter().find(|n| n.node == node);
            Recap::of(Ended {
                node,
                wanted: member.resources.iter().map(|r| &r.address).collect(),
                decided: self.looks.get(node).map(|look| &look.decided),
                changed: course.changed.get(node),
                held: course.held.get(node),
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
