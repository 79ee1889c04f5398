//! Carrying a plan out: wave by wave, and looking again at what was done.

use super::Event;
use super::engine::{Engine, NodeStates};
use super::setup::{NodeFailure, StopRequest};
use crate::kind::Address;
use crate::plan::reached::{self, Reached};
use crate::plan::{Approved, Item, Plan, Recap, RunEnd, Situation, Undone, next_wave};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The interval at which long steps are observed while a run waits for them.
const PROGRESS: Duration = Duration::from_secs(5);

/// The time that a member that was changed in this run may take to be healthy again, before the run stops.
const RECOVERY: Duration = Duration::from_mins(2);

/// The interval at which it is observed meanwhile.
const RECOVERS: Duration = Duration::from_secs(3);

/// The changes that a run has made and holds back, by node.
struct Course {
    changed: BTreeMap<String, BTreeSet<Address>>,
    held: BTreeMap<String, Undone>,
    /// When the last wave ended, if there was one.
    wave_ended: Option<Instant>,
}

/// The state of a run's nodes, for steps that wait for other members: a [`Situation`] is made of it.
pub(super) struct Standing {
    part: BTreeSet<String>,
    failed: BTreeSet<String>,
    waits_at: BTreeMap<String, usize>,
    unhealthy: BTreeMap<String, String>,
}

impl Standing {
    /// The same, for the members of a cluster.
    pub(super) fn situation<'a>(&'a self, cluster: &'a BTreeSet<String>) -> Situation<'a> {
        Situation {
            cluster,
            part: &self.part,
            failed: &self.failed,
            waits_at: &self.waits_at,
            unhealthy: &self.unhealthy,
        }
    }
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
    /// Carries out the approved plan, wave by wave, and observes again what it changed.
    ///
    /// `approved` is the plan that was shown. Changes that only a later stage reveals and that it does not contain are
    /// not done.
    pub async fn carry_out(&mut self, approved: &Plan) -> Vec<Recap> {
        self.at_work.set(true);
        let allowed = Approved::of(approved);
        let mut course = Course {
            changed: BTreeMap::new(),
            held: BTreeMap::new(),
            wave_ended: None,
        };
        loop {
            let items = self.permitted(&allowed);
            let standing = self.standing();
            let wave = next_wave(&items, &standing.situation(&self.setup.cluster));
            course.held = wave.without();
            if *self.stop_request.borrow() != StopRequest::No {
                course.leave(&items);
                break;
            }
            let todo = wave.todo();
            if todo.is_empty() {
                // A member that was changed just now takes a while to be back.
                let lately = course.wave_ended.is_some_and(|e| e.elapsed() < RECOVERY);
                let recovers = lately && wave.waits_for_health();
                let waits = self.setup.wait && !standing.waits_at.is_empty();
                if !recovers && !waits {
                    break;
                }
                self.wait_for_progress(if recovers { RECOVERS } else { PROGRESS })
                    .await;
                continue;
            }
            let (done, broken) = self.wave(&todo).await;
            course.wave_ended = Some(Instant::now());
            self.observe().await;
            self.confirm(&todo, &done, &mut course);
            self.take_stock(&todo, broken, &mut course).await;
        }
        self.at_work.set(false);
        let recap = self.recap(approved, &course);
        // Of a node that failed, the last observation may be older than what was done to it: no check is judged by it.
        let NodeStates {
            observed, failures, ..
        } = &mut self.nodes;
        observed.retain(|node, _| !failures.contains_key(node));
        recap
    }

    /// The state of the nodes, for what waits for others.
    pub(super) fn standing(&self) -> Standing {
        let part = self.setup.members.iter().map(|m| m.target.node.clone());
        Standing {
            part: part.collect(),
            failed: self.nodes.failures.keys().cloned().collect(),
            waits_at: self.waits_at(),
            unhealthy: self.unhealthy(),
        }
    }

    /// At which step each node waits for a long one.
    fn waits_at(&self) -> BTreeMap<String, usize> {
        let all = self.live().into_iter();
        all.filter_map(|node| {
            let at = self.nodes.observed.get(&node)?.decided.waits_at?;
            Some((node, at))
        })
        .collect()
    }

    /// The reason why each node that is not healthy is not.
    fn unhealthy(&self) -> BTreeMap<String, String> {
        let all = self.nodes.observed.iter();
        all.filter(|(_, observation)| !observation.decided.unhealthy.is_empty())
            .map(|(node, observation)| (node.clone(), observation.decided.unhealthy.join(", ")))
            .collect()
    }

    /// Waits so long, unless the operator stops it: then it says so.
    pub async fn pause(&mut self, pause: Duration) -> bool {
        let mut stop_request = self.stop_request.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => false,
            _ = stop_request.changed() => true,
        }
    }

    /// Reports the progress of long steps, waits a little unless the operator stops it, and observes again.
    async fn wait_for_progress(&mut self, pause: Duration) {
        for (node, observation) in &self.nodes.observed {
            for waiting in &observation.decided.waiting {
                self.emit(Event::Waiting {
                    node: node.clone(),
                    waiting: waiting.clone(),
                });
            }
        }
        if !self.pause(pause).await {
            self.observe().await;
        }
    }

    /// The items that are permitted, by node; an item that was not approved fails its node.
    fn permitted(&mut self, approved: &Approved) -> BTreeMap<String, Vec<Item>> {
        let mut all = BTreeMap::new();
        for node in self.live() {
            let Some(observation) = self.nodes.observed.get(&node) else {
                continue;
            };
            match approved.permits(&observation.decided) {
                Ok(()) => {
                    all.insert(node, observation.decided.items.clone());
                }
                Err(barred) => self.fail(&node, NodeFailure::barred(&barred)),
            }
        }
        all
    }

    /// Observes nodes again whose batch broke in the middle, so that the recap shows what was done and what was not.
    async fn take_stock(
        &mut self,
        todo: &BTreeMap<String, Vec<Item>>,
        broken: Vec<String>,
        course: &mut Course,
    ) {
        if broken.is_empty() {
            return;
        }
        let all = self.observe_nodes(broken).await;
        // A node that does not answer now has failed already, with a better reason.
        for (node, observation) in all.into_iter().filter_map(|(n, l)| Some((n, l.ok()?))) {
            let reached = reached::in_part(&todo[&node], &observation.decided);
            course.reach(&node, reached);
            self.nodes.observed.insert(node, observation);
        }
        self.settle_once();
    }

    /// Confirms by the second observation that each change reached its desired state.
    fn confirm(
        &mut self,
        todo: &BTreeMap<String, Vec<Item>>,
        done: &BTreeSet<String>,
        course: &mut Course,
    ) {
        for (node, items) in todo.iter().filter(|(n, _)| done.contains(*n)) {
            let failed = self.nodes.failures.contains_key(node);
            let Some(observation) = self.nodes.observed.get(node).filter(|_| !failed) else {
                continue;
            };
            let Reached { changed, unreached } = reached::wholly(items, &observation.decided);
            course.reach(node, changed);
            if let Some(unreached) = unreached {
                let mut items = observation.decided.items.iter();
                let item = items.find(|i| i.addresses().contains(&unreached.address));
                let title = item.map(|i| i.change.title.as_str());
                let failure = NodeFailure::failed(unreached.to_string()).of_step(title);
                self.fail(node, failure);
            }
        }
    }

    /// The outcome of each node; `plan` is what was shown before.
    fn recap(&self, plan: &Plan, course: &Course) -> Vec<Recap> {
        let members = self.setup.members.iter();
        let recap = members.map(|member| {
            let node = member.target.node.as_str();
            let shown = plan.nodes.iter().find(|n| n.node == node);
            Recap::of(RunEnd {
                node,
                wanted: member.resources.iter().map(|r| &r.address).collect(),
                decided: self
                    .nodes
                    .observed
                    .get(node)
                    .map(|observation| &observation.decided),
                changed: course.changed.get(node),
                held: course.held.get(node),
                failed: self.nodes.failures.get(node).map(|t| t.why.clone()),
                step: self
                    .nodes
                    .failures
                    .get(node)
                    .and_then(|t| t.step.as_deref()),
                shown: shown.map_or(&[], |n| &n.findings),
            })
        });
        let nodes: Vec<Recap> = recap.collect();
        self.emit(Event::Recap {
            nodes: nodes.clone(),
        });
        nodes
    }
}
