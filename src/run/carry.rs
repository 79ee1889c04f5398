//! Carrying a plan out: wave by wave, and looking again at what was done.

use super::batch::batch;
use super::engine::{Engine, each};
use super::follow::{Ready, follow, get_ready};
use super::guard::{aftermath, log_of, put_back};
use super::recap::Undone;
use super::setup::{Trouble, Wish, from_error, outcome_says};
use super::{Event, Recap};
use crate::exit::Exit;
use crate::node::{NodeError, Outcome};
use crate::plan::{Held, Plan, Share, Step, wave};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tokio::task::JoinSet;

/// A node, what became of its batch, and the trouble that this is.
type Ended = (String, Result<Option<Outcome>, NodeError>, Option<Trouble>);

impl Engine {
    /// Carries out what was approved, wave by wave, and observes again what it changed.
    ///
    /// `approved` is the plan that was shown. What a later stage brings up and is not in it is not done.
    pub async fn carry_out(&mut self, approved: &Plan) -> Vec<Recap> {
        self.at_work.set(true);
        let allowed = allowed(approved);
        loop {
            let steps = self.steps(&allowed);
            let lost = self.lost();
            let failed = self.troubles.keys().cloned().collect();
            let shares = wave(&steps, &self.setup.cluster, &lost, &failed);
            let todo: BTreeMap<String, Vec<Step>> = steps
                .iter()
                .map(|(n, s)| (n.clone(), s[..shares[n].steps].to_vec()))
                .filter(|(_, s)| !s.is_empty())
                .collect();
            self.note_rest(&steps, &shares);
            if *self.wish.borrow() != Wish::GoOn {
                self.leave(&steps);
                break;
            }
            if todo.is_empty() {
                break;
            }
            let (done, broken) = self.wave(&todo).await;
            self.observe().await;
            self.confirm(&todo, &done);
            self.take_stock(&todo, broken).await;
        }
        self.at_work.set(false);
        self.recap(approved)
    }

    /// The nodes that will not get anywhere in this run: they failed, cannot be reached, or were left out.
    fn lost(&self) -> BTreeSet<String> {
        let part = |n: &&String| self.setup.members.iter().any(|m| m.target.node == **n);
        let left_out = self.setup.cluster.iter().filter(|n| !part(n));
        self.troubles.keys().chain(left_out).cloned().collect()
    }

    /// The steps that may be done, by node; what nobody approved fails its node.
    fn steps(
        &mut self,
        allowed: &BTreeMap<String, BTreeSet<String>>,
    ) -> BTreeMap<String, Vec<Step>> {
        let mut all = BTreeMap::new();
        for node in self.live() {
            let Some(look) = self.looks.get(&node) else {
                continue;
            };
            if let Some(refusal) = look.decided.plan.refusals.first() {
                let why = format!(
                    "{}: refused: {}. {}",
                    refusal.address, refusal.what, refusal.remedy
                );
                self.fail(
                    &node,
                    Trouble {
                        why,
                        exit: Exit::Refused,
                        silent: false,
                    },
                );
                continue;
            }
            let strange = look
                .decided
                .steps
                .iter()
                .flat_map(|s| &s.addresses)
                .map(ToString::to_string);
            let strange = strange
                .into_iter()
                .find(|a| !allowed.get(&node).is_some_and(|ok| ok.contains(a)));
            if let Some(address) = strange {
                let why = format!(
                    "{address} has to change now, and was not in the plan; nothing more is done here. Run again."
                );
                self.fail(
                    &node,
                    Trouble {
                        why,
                        exit: Exit::Failed,
                        silent: false,
                    },
                );
                continue;
            }
            all.insert(node, look.decided.steps.clone());
        }
        all
    }

    /// Remembers what is held back, for the recap.
    fn note_rest(&mut self, steps: &BTreeMap<String, Vec<Step>>, shares: &BTreeMap<String, Share>) {
        self.undone.clear();
        for (node, share) in shares {
            let rest = &steps[node][share.steps..];
            if let (Some(Held::Without(lost)), false) = (&share.held, rest.is_empty()) {
                let why = format!(" (waits for {})", lost.join(", "));
                self.undone.insert(node.clone(), Undone::of(rest, &why));
            }
        }
    }

    /// Looks again at nodes whose batch broke in the middle: the recap tells what was done before, and what was not.
    async fn take_stock(&mut self, todo: &BTreeMap<String, Vec<Step>>, broken: Vec<String>) {
        if broken.is_empty() {
            return;
        }
        let all = self.look(broken).await;
        // A node that does not answer now has failed already, with a better reason.
        for (node, look) in all.into_iter().filter_map(|(n, l)| Some((n, l.ok()?))) {
            let same = &look.decided.same;
            let reached = todo[&node].iter().flat_map(|s| &s.addresses);
            let reached = reached.map(ToString::to_string);
            self.changed
                .entry(node.clone())
                .or_default()
                .extend(reached.filter(|a| same.contains(a)));
            self.looks.insert(node, look);
        }
        self.settle_once();
    }

    /// Remembers all of this as not run, since the operator wants no more.
    fn leave(&mut self, steps: &BTreeMap<String, Vec<Step>>) {
        for (node, steps) in steps.iter().filter(|(_, steps)| !steps.is_empty()) {
            self.undone.insert(node.clone(), Undone::of(steps, ""));
        }
    }

    /// Prepares one wave on all its nodes, releases it and follows it. Gives the nodes whose batch ran to its end, and
    /// those where it began and broke.
    pub(super) async fn wave(
        &mut self,
        todo: &BTreeMap<String, Vec<Step>>,
    ) -> (BTreeSet<String>, Vec<String>) {
        let ready = self.prepare(todo).await;
        if *self.wish.borrow() != Wish::GoOn {
            self.send_home(ready).await;
            return (BTreeSet::new(), Vec::new());
        }
        let mut running: JoinSet<Ended> = JoinSet::new();
        for (node, mut ready) in ready {
            let session = Rc::clone(&self.sessions[&node]);
            let wish = self.wish.clone();
            running.spawn_local(async move {
                let failed = ready.guardian.as_ref().map(|(g, _)| g.failed());
                let guardian = ready.guardian.take();
                let work = async {
                    let result = match session.release(&ready.prepared).await {
                        // Lost in this very moment: following tells whether it began.
                        Err(error) if !error.is_unreachable() => return Err(error),
                        _ => follow(&session, &mut ready.prepared, &ready.said, wish).await,
                    };
                    match result {
                        Ok(Some(Outcome::Died)) if failed.is_some() => {
                            let (run, stage) = (ready.prepared.run(), ready.prepared.stage());
                            Ok(Some(aftermath(&session, run, stage).await))
                        }
                        other => other,
                    }
                };
                let result = match guardian {
                    None => work.await,
                    Some((guardian, words)) => tokio::select! {
                        result = work => result,
                        () = guardian.stand_by(words) => unreachable!("it never ends"),
                    },
                };
                drop(ready.said);
                let said = ready.watcher.await.unwrap_or_default();
                let failed = failed.map(|f| f.borrow().clone()).unwrap_or_default();
                let place = log_of(&ready.prepared);
                let trouble = match &result {
                    Ok(Some(Outcome::PutBack { same, because })) => Some(put_back(
                        *same,
                        because,
                        &failed,
                        &ready.titles,
                        &said,
                        &place,
                    )),
                    Ok(Some(outcome)) => Some(outcome_says(outcome, &ready.titles, &said)),
                    _ => None,
                };
                (node, result, trouble)
            });
        }
        let (mut done, mut broken) = (BTreeSet::new(), Vec::new());
        while let Some(joined) = running.join_next().await {
            let Ok((node, result, trouble)) = joined else {
                continue;
            };
            match result {
                Ok(Some(Outcome::Finished)) => {
                    done.insert(node);
                }
                Ok(Some(_)) => {
                    if let Some(trouble) = trouble {
                        self.fail(&node, trouble);
                    }
                    broken.push(node);
                }
                Ok(None) => {
                    let run = &self.setup.origin.run;
                    let why = format!(
                        "goes on without us; `nodewright attach {node} {run}` follows it again"
                    );
                    // What the batch holds will run; later stages will not.
                    if let Some(look) = self.looks.get_mut(&node) {
                        look.decided.steps.drain(..todo[&node].len());
                    }
                    self.fail(
                        &node,
                        Trouble {
                            why,
                            exit: Exit::Failed,
                            silent: false,
                        },
                    );
                }
                Err(error) => self.fail(&node, from_error(&error)),
            }
        }
        (done, broken)
    }

    /// Sends batches that are ready home, since the operator wants no more; nothing was changed.
    async fn send_home(&mut self, ready: BTreeMap<String, Ready>) {
        for (node, mut one) in ready {
            let session = Rc::clone(&self.sessions[&node]);
            let home = async {
                session.abandon(&one.prepared).await?;
                session.follow(&mut one.prepared, &one.said).await
            };
            if let Err(error) = home.await {
                self.fail(&node, from_error(&error));
            }
        }
    }

    /// Uploads and checks; a cluster's nodes in name order, all or none.
    async fn prepare(&mut self, todo: &BTreeMap<String, Vec<Step>>) -> BTreeMap<String, Ready> {
        let mut batches = BTreeMap::new();
        for (node, steps) in todo {
            let stage = self.stages.entry(node.clone()).or_insert(0);
            let member = self.setup.member(node);
            let gone = self.looks.get(node).map_or(&[][..], |l| &l.decided.gone);
            let batch = batch(&self.setup, *stage, steps, gone, member);
            *stage += 1;
            self.say(Event::Batch {
                node: node.clone(),
                run: batch.run.to_string(),
                steps: batch.steps.len(),
            });
            batches.insert(node.clone(), batch);
        }
        self.stage(&batches).await;
        if *self.wish.borrow() != Wish::GoOn {
            return BTreeMap::new();
        }
        batches.retain(|node, _| !self.troubles.contains_key(node));
        let (cluster, others): (Vec<String>, Vec<String>) = batches
            .keys()
            .cloned()
            .partition(|n| self.setup.cluster.contains(n));
        let batches = Rc::new(batches);
        let guarded = |steps: &[Step]| steps.iter().any(|s| s.guarded);
        let windows: BTreeSet<String> = todo
            .iter()
            .filter(|(_, steps)| guarded(steps))
            .map(|(node, _)| node.clone())
            .collect();
        let mut ready = BTreeMap::new();
        for node in cluster {
            match get_ready(
                Rc::clone(&self.setup),
                Rc::clone(&self.sessions[&node]),
                &batches[&node],
                guarded(&todo[&node]).then_some(&self.sessions),
                self.events.clone(),
            )
            .await
            {
                Ok(one) => {
                    ready.insert(node, one);
                }
                Err(trouble) => {
                    self.fail(&node, trouble);
                    for (other, one) in std::mem::take(&mut ready) {
                        let _ = self.sessions[&other].abandon(&one.prepared).await;
                        self.fail(&other, Trouble::without(&node));
                    }
                    break;
                }
            }
        }
        let (setup, sessions, events) = (
            Rc::clone(&self.setup),
            self.sessions.clone(),
            self.events.clone(),
        );
        let all = each(self.setup.forks, others, move |node| {
            let (setup, session, batches) = (
                Rc::clone(&setup),
                Rc::clone(&sessions[&node]),
                Rc::clone(&batches),
            );
            let events = events.clone();
            let guarded = windows.contains(&node);
            async move {
                let none = BTreeMap::new();
                let peers = guarded.then_some(&none);
                get_ready(setup, session, &batches[&node], peers, events).await
            }
        })
        .await;
        let all = self.keep_or_fail(all);
        ready.extend(all);
        ready
    }

    /// What was done must be seen to be done.
    fn confirm(&mut self, todo: &BTreeMap<String, Vec<Step>>, done: &BTreeSet<String>) {
        for (node, steps) in todo.iter().filter(|(n, _)| done.contains(*n)) {
            let Some(look) = self
                .looks
                .get(node)
                .filter(|_| !self.troubles.contains_key(node))
            else {
                continue;
            };
            // A resource may have a file that is done now and a running side that a later stage does.
            let sides = |steps: &[Step]| -> Vec<(String, Option<String>)> {
                let of = |s: &Step| {
                    let path = s.path.clone();
                    let addresses = s.addresses.clone().into_iter();
                    addresses.map(move |a| (a.to_string(), path.clone()))
                };
                steps.iter().flat_map(of).collect()
            };
            let still = sides(&look.decided.steps);
            let changed = self.changed.entry(node.clone()).or_default();
            let mut unreached = None;
            for side in sides(steps) {
                if still.contains(&side) {
                    unreached.get_or_insert(side.0);
                } else {
                    changed.insert(side.0);
                }
            }
            if let Some(address) = unreached {
                let change = look
                    .decided
                    .plan
                    .changes
                    .iter()
                    .find(|c| c.addresses.iter().any(|a| a.to_string() == address));
                let deltas = change.map_or(String::new(), |c| {
                    c.deltas
                        .iter()
                        .map(|d| format!(" ({}: {}, wanted {})", d.what, d.from, d.to))
                        .collect()
                });
                let why = format!("{address} was done and did not reach its state{deltas}");
                self.fail(
                    node,
                    Trouble {
                        why,
                        exit: Exit::Failed,
                        silent: false,
                    },
                );
            }
        }
    }
}

/// The addresses of a plan, by node: what changes and what is decided later.
fn allowed(plan: &Plan) -> BTreeMap<String, BTreeSet<String>> {
    let of = |node: &crate::plan::NodePlan| {
        let changes = node.changes.iter().flat_map(|c| &c.addresses);
        let later = node.later.iter().flat_map(|l| &l.addresses);
        changes.chain(later).map(ToString::to_string).collect()
    };
    plan.nodes.iter().map(|n| (n.node.clone(), of(n))).collect()
}
