//! One wave: prepared on all its nodes, released, and followed to its end.

use super::Event;
use super::batch::batch;
use super::engine::{Engine, each};
use super::follow::{ReadyBatch, follow, get_ready};
use super::guard::{aftermath, log_of, put_back};
use super::setup::{NodeFailure, StopRequest, from_error, outcome_failure};
use crate::node::{NodeError, Outcome};
use crate::plan::Item;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tokio::task::JoinSet;

/// A node, the outcome of its batch, and the failure that this is.
type WaveEnd = (
    String,
    Result<Option<Outcome>, NodeError>,
    Option<NodeFailure>,
);

impl Engine {
    /// Prepares one wave on all its nodes, releases it and follows it. Gives the nodes whose batch ran to its end, and
    /// those where it began and broke.
    pub(super) async fn wave(
        &mut self,
        todo: &BTreeMap<String, Vec<Item>>,
    ) -> (BTreeSet<String>, Vec<String>) {
        let ready = self.prepare(todo).await;
        if *self.stop_request.borrow() != StopRequest::No {
            self.send_home(ready).await;
            return (BTreeSet::new(), Vec::new());
        }
        let mut running: JoinSet<WaveEnd> = JoinSet::new();
        for (node, mut ready) in ready {
            let session = Rc::clone(&self.nodes.sessions[&node]);
            let stop_request = self.stop_request.clone();
            running.spawn_local(async move {
                let failed = ready.guardian.as_ref().map(|(g, _)| g.failed());
                let guardian = ready.guardian.take();
                let work = async {
                    let result = match session.release(&ready.prepared).await {
                        // Lost in this very moment: following shows whether it began.
                        Err(error) if !error.is_unreachable() => return Err(error),
                        _ => {
                            follow(
                                &session,
                                &mut ready.prepared,
                                &ready.events_in,
                                stop_request,
                            )
                            .await
                        }
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
                drop(ready.events_in);
                let events_in = ready.watcher.await.unwrap_or_default();
                let failed = failed.map(|f| f.borrow().clone()).unwrap_or_default();
                let place = log_of(&ready.prepared);
                let trouble = match &result {
                    Ok(Some(Outcome::PutBack { same, because })) => Some(put_back(
                        *same,
                        because,
                        &failed,
                        &ready.titles,
                        &events_in,
                        &place,
                    )),
                    Ok(Some(outcome)) => Some(outcome_failure(outcome, &ready.titles, &events_in)),
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
                    // The items of the batch will run; later stages will not.
                    if let Some(observation) = self.nodes.observed.get_mut(&node) {
                        observation.decided.items.drain(..todo[&node].len());
                    }
                    self.fail(&node, NodeFailure::failed(why));
                }
                Err(error) => self.fail(&node, from_error(&error)),
            }
        }
        (done, broken)
    }

    /// Abandons batches that are ready, since the operator stopped the run; they have changed nothing.
    async fn send_home(&mut self, ready: BTreeMap<String, ReadyBatch>) {
        for (node, mut one) in ready {
            let session = Rc::clone(&self.nodes.sessions[&node]);
            let home = async {
                session.abandon(&one.prepared).await?;
                session.follow(&mut one.prepared, &one.events_in).await
            };
            if let Err(error) = home.await {
                self.fail(&node, from_error(&error));
            }
        }
    }

    /// Uploads and checks; a cluster's nodes in name order, all or none.
    async fn prepare(
        &mut self,
        todo: &BTreeMap<String, Vec<Item>>,
    ) -> BTreeMap<String, ReadyBatch> {
        let mut batches = BTreeMap::new();
        for (node, items) in todo {
            let stage = self.nodes.stages.entry(node.clone()).or_insert(0);
            let member = self.setup.member(node);
            let Some(look) = self.nodes.observed.get(node) else {
                continue;
            };
            let batch = batch(&self.setup, *stage, items, &look.decided, member);
            *stage += 1;
            self.emit(Event::Batch {
                node: node.clone(),
                run: batch.run.to_string(),
                steps: batch.steps.len(),
            });
            batches.insert(node.clone(), batch);
        }
        self.stage(&batches).await;
        if *self.stop_request.borrow() != StopRequest::No {
            return BTreeMap::new();
        }
        batches.retain(|node, _| !self.nodes.failures.contains_key(node));
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
                Rc::clone(&self.nodes.sessions[&node]),
                &batches[&node],
                guarded(&todo[&node]).then_some(&self.nodes.sessions),
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
                        let _ = self.nodes.sessions[&other].abandon(&one.prepared).await;
                        self.fail(&other, NodeFailure::without(&node));
                    }
                    break;
                }
            }
        }
        let (setup, sessions, events) = (
            Rc::clone(&self.setup),
            self.nodes.sessions.clone(),
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
}
