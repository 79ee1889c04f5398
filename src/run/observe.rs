//! Connecting to one node, and seeing its state.

use super::setup::{NodeFailure, Setup, from_error};
use super::{Event, Events};
use crate::exit::Exit;
use crate::facts::{self, Facts};
use crate::kind::{Answer, Observe};
use crate::node::{self, NodeState, Session};
use crate::plan::checkout::{self, LastApplied};
use crate::plan::{Decided, Manifest, orphan};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A node as it was observed, with what is decided for it.
pub struct NodeObservation {
    /// The connection that it was observed over.
    pub(super) session: Rc<Session>,
    /// The reason why this checkout may not be applied here without a word.
    pub older: Option<String>,
    /// Its answer.
    pub answer: Answer,
    /// The decision.
    pub decided: Decided,
    /// Its facts (the basics).
    pub facts: Facts,
}

pub(super) async fn connect(
    setup: Rc<Setup>,
    node: String,
    open: Option<Rc<Session>>,
    events: Events,
) -> Result<Rc<Session>, NodeFailure> {
    if let Some(session) = open {
        return Ok(session);
    }
    let member = setup.member(&node);
    let _ = events.send(Event::Connecting { node: node.clone() });
    let session = Session::connect(&member.connect, member.privilege.clone())
        .await
        .map_err(|e| {
            let mut failure = from_error(&e);
            let lab = setup.outside.as_ref();
            if failure.silent && lab.is_some_and(|lab| lab.off.contains(&node)) {
                failure.why = format!(
                    "{}. It is off in the lab: `nodewright lab power {node} on` starts it",
                    e.failure
                );
            }
            failure
        })?;
    let _ = events.send(Event::Connected {
        node,
        way: session.way().to_owned(),
        warm: session.is_warm(),
    });
    Ok(Rc::new(session))
}

/// The answer of one node, before anything is decided.
pub(super) struct NodeAnswer {
    pub(super) session: Rc<Session>,
    older: Option<String>,
    pub(super) answer: Answer,
    facts: Facts,
    manifest: Manifest,
}

/// Connects to one node where there is no connection yet, and observes it, within the time that the command has for it.
pub(super) async fn observe(
    setup: Rc<Setup>,
    open: Option<Rc<Session>>,
    node: String,
    events: Events,
) -> Result<NodeAnswer, NodeFailure> {
    let within = setup.answers_within;
    let work = async {
        let session = connect(Rc::clone(&setup), node.clone(), open, events.clone()).await?;
        observe_over(setup, session, node, events).await
    };
    match within {
        None => work.await,
        Some(within) => tokio::time::timeout(within, work)
            .await
            .unwrap_or_else(|_| {
                let why = format!("unreachable: no answer within {} s", within.as_secs());
                Err(NodeFailure::new(why, Exit::Unreachable))
            }),
    }
}

/// Observes one node over an open connection.
async fn observe_over(
    setup: Rc<Setup>,
    session: Rc<Session>,
    node: String,
    events: Events,
) -> Result<NodeAnswer, NodeFailure> {
    let member = setup.member(&node);
    let permits = setup.permits();
    let wanted = member.wanted(&setup.vault, &permits);
    let mut observe = Observe::default();
    facts::observe_basics(&mut observe);
    node::observe_state(&mut observe);
    node::observe_runs(&mut observe, 400);
    wanted.observe(&mut observe);
    let answer = session
        .observe(&observe)
        .await
        .map_err(|e| from_error(&e))?;
    let _ = events.send(Event::Observed {
        node: node.clone(),
        resources: member.resources.len(),
    });
    let facts = Facts::parse(&answer);
    if let Some(why) = facts.contradict(member.target.platform, &node) {
        return Err(NodeFailure::new(why, Exit::Findings));
    }
    let state = NodeState::read(&answer);
    for text in state.notes() {
        let node = Some(node.clone());
        let _ = events.send(Event::Note { node, text });
    }
    let mut older = None;
    if setup.intent.applies_site()
        && let Some((run, why)) = older_checkout(&setup, &answer, &node)
        && !setup.over.borrow().contains(&run)
    {
        if !setup.asks.get() {
            return Err(NodeFailure::failed(why));
        }
        setup.over.borrow_mut().insert(run);
        older = Some(why);
    }
    Ok(NodeAnswer {
        session: Rc::clone(&session),
        older,
        answer,
        facts,
        manifest: Manifest::parse(&state.manifest),
    })
}

/// Decides for a node that was observed.
pub(super) async fn decide(
    setup: Rc<Setup>,
    node: String,
    answer: NodeAnswer,
) -> Result<NodeObservation, NodeFailure> {
    let member = setup.member(&node);
    let NodeAnswer {
        session,
        older,
        answer,
        facts,
        manifest,
    } = answer;
    let permits = setup.permits();
    let wanted = member.wanted(&setup.vault, &permits);
    let mut decided = wanted.decide(&answer, &manifest);
    let paths = orphan::questions(&decided);
    let found = if paths.is_empty() {
        BTreeMap::new()
    } else {
        found(&session, paths).await?
    };
    wanted.complete(&mut decided, &manifest, &found, &member.logins);
    Ok(NodeObservation {
        session,
        older,
        answer,
        decided,
        facts,
    })
}

/// The run, and why this checkout of the site may not be applied without a word: a run of another one, which this does
/// not contain, came after it.
pub(super) fn older_checkout(
    setup: &Setup,
    answer: &Answer,
    node: &str,
) -> Option<(String, String)> {
    let journal = node::read_journal(answer);
    let (line, header) = node::last_applied(&journal)?;
    let last = LastApplied {
        who: &header.who,
        commit: &header.commit,
        at: &line.at,
        run: &line.run,
    };
    let why = checkout::older(last, node, setup.ancestry.as_ref())?;
    Some((line.run.clone(), why))
}

/// State of orphans' paths; a second trip, only when there are orphans.
async fn found(
    session: &Session,
    paths: Vec<String>,
) -> Result<BTreeMap<String, String>, NodeFailure> {
    let mut observe = Observe::default();
    orphan::observe(&paths, &mut observe);
    let answer = session
        .observe(&observe)
        .await
        .map_err(|e| from_error(&e))?;
    orphan::states(&paths, &answer).map_err(NodeFailure::failed)
}
