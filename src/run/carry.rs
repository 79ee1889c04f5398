//! Carrying a plan out: wave by wave, and looking again at what was done.

use super::Event;
use super::batch::batch;
use super::engine::{Engine, each};
use super::follow::{Ready, follow, get_ready};
use super::guard::{aftermath, log_of, put_back};
use super::setup::{Trouble, Wish, from_error, outcome_says};
use crate::node::{NodeError, Outcome};
use crate::plan::reached::{self, Reached};
use crate::plan::{Approved, Item, Plan, Recap, Undone, next_wave};
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
        let allowed = Approved::of(approved);
        let part = self.setup.members.iter();
        let part = part.map(|m| m.target.node.clone()).collect();
        loop {
            let items = self.permitted(&allowed);
            let failed = self.troubles.keys().cloned().collect();
            let wave = next_wave(&items, &self.setup.cluster, &part, &failed);
            self.undone = wave.without();
            if *self.wish.borrow() != Wish::GoOn {
                self.leave(&items);
                break;
            }
            let todo = wave.todo();
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
    async fn take_stock(&mut self, todo: &BTreeMap<String, Vec<Item>>, broken: Vec<String>) {
        if broken.is_empty() {
            return;
        }
        let all = self.look(broken).await;
        // A node that does not answer now has failed already, with a better reason.
        for (node, look) in all.into_iter().filter_map(|(n, l)| Some((n, l.ok()?))) {
            let reached = reached::in_part(&todo[&node], &look.decided);
            let changed = self.changed.entry(node.clone()).or_default();
            changed.extend(reached);
            self.looks.insert(node, look);
        }
        self.settle_once();
    }

    /// Remembers all of this as not run, since the operator wants no more.
    fn leave(&mut self, items: &BTreeMap<String, Vec<Item>>) {
        for (node, items) in items.iter().filter(|(_, items)| !items.is_empty()) {
            self.undone.insert(node.clone(), Undone::of(items, ""));
        }
    }

    /// Prepares one wave on all its nodes, releases it and follows it. Gives the nodes whose batch ran to its end, and
    /// those where it began and broke.
    pub(super) async fn wave(
        &mut self,
        todo: &BTreeMap<String, Vec<Item>>,
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
                        look.decided.items.drain(..todo[&node].len());
                    }
                    self.fail(&node, Trouble::failed(why));
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
    async fn prepare(&mut self, todo: &BTreeMap<String, Vec<Item>>) -> BTreeMap<String, Ready> {
        let mut batches = BTreeMap::new();
        for (node, items) in todo {
            let stage = self.stages.entry(node.clone()).or_insert(0);
            let member = self.setup.member(node);
            let gone = self.looks.get(node).map_or(&[][..], |l| &l.decided.gone);
            let batch = batch(&self.setup, *stage, items, gone, member);
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
        let guarded = |items: &[Item]| items.iter().any(|i| i.change.guarded);
        let windows: BTreeSet<String> = todo
            .iter()
            .filter(|(_, items)| guarded(items))
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
    fn confirm(&mut self, todo: &BTreeMap<String, Vec<Item>>, done: &BTreeSet<String>) {
        for (node, items) in todo.iter().filter(|(n, _)| done.contains(*n)) {
            let failed = self.troubles.contains_key(node);
            let Some(look) = self.looks.get(node).filter(|_| !failed) else {
                continue;
            };
            let Reached { changed, unreached } = reached::wholly(items, &look.decided);
            self.changed
                .entry(node.clone())
                .or_default()
                .extend(changed);
            if let Some(unreached) = unreached {
                self.fail(node, Trouble::failed(unreached.to_string()));
            }
        }
    }
}
