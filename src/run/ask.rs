//! Commands besides planning: facts, scripts, runs to follow.

use super::Event;
use super::engine::{Engine, each};
use super::follow::{follow, watch};
use super::guard::{Guardian, log_of, put_back};
use super::setup::{Member, from_error, outcome_failure};
use crate::exit::Exit;
use crate::kind::{Answer, Observe};
use crate::node::{Outcome, Recorded, RunId};
use crate::plan::{Intent, Item};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tokio::sync::mpsc;

impl Engine {
    /// The intent of this command.
    pub fn intent(&self) -> Intent {
        self.setup.intent
    }

    /// The nodes that take part, in the site's order.
    pub fn nodes(&self) -> Vec<String> {
        let members = self.setup.members.iter();
        members.map(|m| m.target.node.clone()).collect()
    }

    /// The nodes of the cluster, of which some may not take part.
    pub fn cluster(&self) -> &BTreeSet<String> {
        &self.setup.cluster
    }

    /// The nodes that could not be reached.
    pub fn unreachable(&self) -> Vec<String> {
        let failures = self.nodes.failures.iter();
        let gone = failures.filter(|(_, f)| f.exit == Exit::Unreachable);
        gone.map(|(node, _)| node.clone()).collect()
    }

    /// The gravest exit code of the nodes that failed, if any did.
    pub fn worst(&self) -> Option<Exit> {
        let order = [
            Exit::Refused,
            Exit::PutBack,
            Exit::Locked,
            Exit::Failed,
            Exit::Findings,
            Exit::Unreachable,
        ];
        let found: Vec<Exit> = self.nodes.failures.values().map(|t| t.exit).collect();
        order.into_iter().find(|e| found.contains(e))
    }

    /// Carries the items of an operation out as one batch a node, with lock and journal; a cluster's nodes all or none.
    /// Gives the nodes whose batch ran to its end; the others have failed.
    pub async fn operate(&mut self, todo: &BTreeMap<String, Vec<Item>>) -> BTreeSet<String> {
        self.at_work.set(true);
        let (done, _) = self.wave(todo).await;
        self.at_work.set(false);
        done
    }

    /// Runs these words on these nodes at once, each between two lines of its journal, where they are called `shown`.
    pub async fn recorded(
        &mut self,
        nodes: Vec<String>,
        shown: &str,
        words: &[String],
    ) -> BTreeMap<String, Recorded> {
        let live = self.live();
        let nodes = nodes.into_iter().filter(|n| live.contains(n)).collect();
        let (setup, sessions) = (Rc::clone(&self.setup), self.nodes.sessions.clone());
        let (shown, words): (Rc<str>, Rc<[String]>) = (shown.into(), words.into());
        let all = each(self.setup.forks, nodes, move |node| {
            let (setup, session) = (Rc::clone(&setup), Rc::clone(&sessions[&node]));
            let (shown, words) = (Rc::clone(&shown), Rc::clone(&words));
            async move {
                let (run, header) = (&setup.origin.run, setup.header());
                let ran = session.recorded(run, &header, &shown, &words).await;
                ran.map_err(|e| from_error(&e))
            }
        })
        .await;
        self.keep_or_fail(all)
    }

    /// Observes every node as the command needs it.
    pub async fn observe_all(
        &mut self,
        make: impl Fn(&Member) -> Observe,
    ) -> BTreeMap<String, Answer> {
        self.connect().await;
        let questions: BTreeMap<String, Rc<Observe>> = self
            .setup
            .members
            .iter()
            .map(|m| (m.target.node.clone(), Rc::new(make(m))))
            .collect();
        let sessions = self.nodes.sessions.clone();
        let all = each(self.setup.forks, self.live(), move |node| {
            let (session, observe) = (Rc::clone(&sessions[&node]), Rc::clone(&questions[&node]));
            async move { session.observe(&observe).await.map_err(|e| from_error(&e)) }
        })
        .await;
        self.keep_or_fail(all)
    }

    /// Follows a run that is on a node, from its start to its end: its exit code.
    pub async fn attach(&mut self, node: &str, run: Option<&RunId>) -> Exit {
        self.connect().await;
        let Some(session) = self.nodes.sessions.get(node).cloned() else {
            return self
                .nodes
                .failures
                .get(node)
                .map_or(Exit::Failed, |t| t.exit);
        };
        let mut prepared = match session.attach(run).await {
            Ok(prepared) => prepared,
            Err(error) => {
                self.fail(node, from_error(&error));
                return self.nodes.failures[node].exit;
            }
        };
        let text = format!("following run {}", prepared.run());
        self.emit(Event::Note {
            node: Some(node.to_owned()),
            text,
        });
        self.at_work.set(true);
        let (said, heard) = mpsc::unbounded_channel();
        let (vault, events) = (self.setup.vault.clone(), self.events.clone());
        let (guard, words) = mpsc::unbounded_channel();
        // The spool is read from its beginning: the confirmations of windows are not known here.
        let watcher = tokio::task::spawn_local(watch(
            node.to_owned(),
            vault,
            events,
            0,
            heard,
            guard,
            Vec::new(),
        ));
        // A follower of a window confirms it: the run that began it may be gone.
        let guardian = Guardian::new(
            Rc::clone(&self.setup),
            &session,
            prepared.run().clone(),
            prepared.stage(),
            &self.nodes.sessions,
            self.events.clone(),
        )
        .await;
        let failed = guardian.failed();
        let place = log_of(&prepared);
        let result = tokio::select! {
            result = follow(&session, &mut prepared, &said, self.stop_request.clone()) => result,
            () = guardian.stand_by(words) => unreachable!("it never ends"),
        };
        drop(said);
        let said = watcher.await.unwrap_or_default();
        match result {
            Ok(Some(Outcome::Finished)) => {
                let text = format!("run {} was done to its end", prepared.run());
                self.emit(Event::Note {
                    node: Some(node.to_owned()),
                    text,
                });
                Exit::Done
            }
            Ok(Some(outcome)) => {
                let trouble = match &outcome {
                    Outcome::PutBack { same, because } => {
                        put_back(*same, because, &failed.borrow(), &[], &said, &place)
                    }
                    other => outcome_failure(other, &[], &said),
                };
                let exit = trouble.exit;
                self.fail(node, trouble);
                exit
            }
            Ok(None) => Exit::Done,
            Err(error) => {
                let trouble = from_error(&error);
                let exit = trouble.exit;
                self.fail(node, trouble);
                exit
            }
        }
    }
}
