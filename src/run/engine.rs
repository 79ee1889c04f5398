//! Works on all nodes of a command at once: connections, observations, the plan.

use super::observe::{NodeAnswer, NodeObservation, connect, decide, observe};
use super::setup::{NodeFailure, Setup, StopRequest};
use super::{Event, Events};
use crate::node::Session;
use crate::plan::{self, Decided, Plan, once};
use crate::text::Vault;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Works on all nodes of one command. Its futures are not `Send`: run them in a `LocalSet`.
pub struct Engine {
    pub(super) setup: Rc<Setup>,
    pub(super) events: Events,
    pub(super) stop_request: watch::Receiver<StopRequest>,
    pub(super) nodes: NodeStates,
    pub(super) at_work: Rc<Cell<bool>>,
}

/// A command's state of its nodes, each by the node's name.
#[derive(Default)]
pub(super) struct NodeStates {
    /// The open connections.
    pub(super) sessions: BTreeMap<String, Rc<Session>>,
    /// The nodes that failed or cannot be reached, with why.
    pub(super) failures: BTreeMap<String, NodeFailure>,
    /// The last observation.
    pub(super) observed: BTreeMap<String, NodeObservation>,
    /// The stage that the next batch of the run gets.
    pub(super) stages: BTreeMap<String, u32>,
}

impl Engine {
    /// Begins a command.
    pub fn new(setup: Setup, events: Events, stop_request: watch::Receiver<StopRequest>) -> Self {
        let nodes = setup
            .members
            .iter()
            .map(|m| m.target.node.clone())
            .collect();
        let _ = events.send(Event::Nodes { nodes });
        Self {
            setup: Rc::new(setup),
            events,
            stop_request,
            nodes: NodeStates::default(),
            at_work: Rc::default(),
        }
    }

    pub(super) fn emit(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// The nodes that failed or cannot be reached, with why.
    pub fn failures(&self) -> &BTreeMap<String, NodeFailure> {
        &self.nodes.failures
    }

    /// Whether batches are carried out or followed right now: then what the operator wants of them is heeded.
    pub fn at_work(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.at_work)
    }

    /// The state of each node, as it was last seen.
    pub fn observed(&self) -> &BTreeMap<String, NodeObservation> {
        &self.nodes.observed
    }

    /// The open connections, by node.
    pub fn sessions(&self) -> &BTreeMap<String, Rc<Session>> {
        &self.nodes.sessions
    }

    pub(super) fn live(&self) -> Vec<String> {
        let names = self.setup.members.iter().map(|m| m.target.node.clone());
        names
            .filter(|n| !self.nodes.failures.contains_key(n))
            .collect()
    }

    /// Takes a node in again that failed: it is tried anew by what follows.
    pub fn try_again(&mut self, node: &str) {
        self.nodes.failures.remove(node);
    }

    /// Takes a node out of this command, with why.
    pub fn fail(&mut self, node: &str, trouble: NodeFailure) {
        self.emit(Event::Failed {
            node: node.to_owned(),
            why: trouble.why.clone(),
        });
        self.nodes.failures.insert(node.to_owned(), trouble);
    }

    /// Connects where there is no connection yet, for commands that need no observation.
    pub async fn connect(&mut self) {
        let (setup, events) = (Rc::clone(&self.setup), self.events.clone());
        let sessions = self.nodes.sessions.clone();
        let all = each(self.setup.forks, self.live(), move |node| {
            connect(
                Rc::clone(&setup),
                node.clone(),
                sessions.get(&node).cloned(),
                events.clone(),
            )
        })
        .await;
        let open = self.keep_or_fail(all);
        self.nodes.sessions.extend(open);
    }

    /// Observes every node: one trip each.
    pub async fn observe(&mut self) {
        // With a time limit, a node is observed as soon as its own connection is there, and does not wait for the
        // slowest one.
        if self.setup.answers_within.is_none() {
            self.connect().await;
        }
        for (node, result) in self.observe_nodes(self.live()).await {
            match result {
                Ok(observation) => {
                    for error in &observation.decided.errors {
                        self.emit(Event::Note {
                            node: Some(node.clone()),
                            text: error.clone(),
                        });
                    }
                    let broken = observation.decided.errors.first().cloned();
                    let session = Rc::clone(&observation.session);
                    self.nodes.sessions.insert(node.clone(), session);
                    self.nodes.observed.insert(node.clone(), observation);
                    if let Some(why) = broken {
                        self.fail(&node, NodeFailure::failed(why));
                    }
                }
                Err(trouble) => self.fail(&node, trouble),
            }
        }
        self.settle_once();
        // A run that appears after this was not shown with the plan, so it fails its node.
        self.setup.asks.set(false);
    }

    /// Observes these nodes, all at once, and decides for each with the answers of all members of its cluster.
    pub(super) async fn observe_nodes(
        &self,
        nodes: Vec<String>,
    ) -> BTreeMap<String, Result<NodeObservation, NodeFailure>> {
        let (setup, events) = (Rc::clone(&self.setup), self.events.clone());
        let sessions = self.nodes.sessions.clone();
        let all = each(self.setup.forks, nodes, move |node| {
            observe(
                Rc::clone(&setup),
                sessions.get(&node).cloned(),
                node,
                events.clone(),
            )
        })
        .await;
        let mut observed = BTreeMap::new();
        let mut answers = BTreeMap::new();
        for (node, result) in all {
            match result {
                Ok(one) => {
                    answers.insert(node, one);
                }
                Err(trouble) => {
                    observed.insert(node, Err(trouble));
                }
            }
        }
        self.share(&mut answers);
        let nodes = answers.keys().cloned().collect();
        let answers = RefCell::new(answers);
        let setup = Rc::clone(&self.setup);
        let decided = each(self.setup.forks, nodes, move |node| {
            let one = answers
                .borrow_mut()
                .remove(&node)
                .expect("the node was observed");
            decide(Rc::clone(&setup), node, one)
        });
        observed.extend(decided.await);
        observed
    }

    /// Gives each member the shared sections of the others.
    fn share(&self, answers: &mut BTreeMap<String, NodeAnswer>) {
        let with_us =
            |(node, _): &(&String, &NodeObservation)| !self.nodes.failures.contains_key(*node);
        let before = self.nodes.observed.iter().filter(with_us);
        let before = before.map(|(node, observation)| (node.as_str(), &observation.answer));
        let now = answers.iter_mut();
        let mut now = now
            .map(|(node, one)| (node.as_str(), &mut one.answer))
            .collect();
        plan::share(&self.setup.cluster, &mut now, &before.collect());
    }

    /// Sends an event of the command's own.
    pub fn send(&self, event: Event) {
        self.emit(event);
    }

    /// The values of secrets.
    pub fn vault(&self) -> &Vault {
        &self.setup.vault
    }

    pub(super) fn keep_or_fail<T>(
        &mut self,
        all: BTreeMap<String, Result<T, NodeFailure>>,
    ) -> BTreeMap<String, T> {
        let mut kept = BTreeMap::new();
        for (node, result) in all {
            match result {
                Ok(value) => {
                    kept.insert(node, value);
                }
                Err(trouble) => self.fail(&node, trouble),
            }
        }
        kept
    }

    /// Leaves each `once` resource with the member that does it.
    pub(super) fn settle_once(&mut self) {
        let setup = &self.setup;
        let observed = self.nodes.observed.iter_mut();
        let members = observed.filter(|(node, _)| setup.cluster.contains(*node));
        let mut answered: Vec<once::Answered<'_>> = members
            .map(|(node, observation)| once::Answered {
                node,
                resources: &setup.member(node).resources,
                decided: &mut observation.decided,
            })
            .collect();
        once::settle(&setup.cluster, &mut answered);
        for observation in self.nodes.observed.values_mut() {
            let Decided {
                findings, unmet, ..
            } = &mut observation.decided;
            findings.append(unmet);
        }
    }

    /// The plan, from what was last seen.
    pub fn plan(&self) -> Plan {
        let observed = self.nodes.observed.iter();
        let items = observed.map(|(node, o)| (node.as_str(), &*o.decided.items));
        let items = items.collect();
        let standing = self.standing();
        let situation = standing.situation(&self.setup.cluster);
        // Of a node that failed nothing is as it should be, however much of it was seen.
        let seen = |node: &str| {
            self.nodes.observed.contains_key(node) && !self.nodes.failures.contains_key(node)
        };
        let nodes = self.setup.members.iter().filter_map(|member| {
            let observed = self.nodes.observed.get(&member.target.node);
            let decided = &observed.filter(|_| seen(&member.target.node))?.decided;
            let mut plan = decided.plan();
            plan::say_who_is_awaited(&mut plan, &member.resources, &items, &situation);
            Some(plan)
        });
        let names = self.setup.members.iter().map(|m| &m.target.node);
        let unseen = names.filter(|n| !seen(n));
        Plan {
            nodes: nodes.collect(),
            unseen: unseen.cloned().collect(),
            older: self
                .nodes
                .observed
                .values()
                .filter_map(|o| o.older.clone())
                .collect(),
        }
    }
}

/// Does the same on several nodes, at most `forks` at once.
pub(super) async fn each<T: 'static, F, Work>(
    forks: usize,
    nodes: Vec<String>,
    work: F,
) -> BTreeMap<String, T>
where
    F: Fn(String) -> Work,
    Work: Future<Output = T> + 'static,
{
    let gate = Rc::new(Semaphore::new(forks.max(1)));
    let mut tasks = JoinSet::new();
    for node in nodes {
        let (gate, work) = (Rc::clone(&gate), work(node.clone()));
        tasks.spawn_local(async move {
            let _place = gate.acquire().await;
            (node, work.await)
        });
    }
    let mut results = BTreeMap::new();
    while let Some(joined) = tasks.join_next().await {
        if let Ok((node, result)) = joined {
            results.insert(node, result);
        }
    }
    results
}

/// Today in UTC, as `2026-11-20`.
pub fn today() -> String {
    now().split(' ').next().unwrap_or_default().to_owned()
}

/// The present minute in UTC, as `2026-11-20 23:59`; empty where the clock gives none.
pub fn now() -> String {
    let run = crate::node::RunId::now()
        .map(|r| r.to_string())
        .unwrap_or_default();
    let part = |from, to| run.get(from..to);
    match (
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(9, 11),
        part(11, 13),
    ) {
        (Some(year), Some(month), Some(day), Some(hour), Some(minute)) => {
            format!("{year}-{month}-{day} {hour}:{minute}")
        }
        _ => String::new(),
    }
}
