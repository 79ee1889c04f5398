//! Following a batch: its spool becomes events, and the operator's stop requests reach it.

use super::guard::Guardian;
use super::setup::{NodeFailure, Setup, StopRequest, from_error};
use super::{Event, Events, GuardEvent};
use crate::node::{
    Batch, GuardWord, NodeError, Outcome, Prepared, RunId, Session, SpoolEvent, scrub,
};
use crate::text::Vault;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// The time that letting go of a run may take.
const TAKING_BACK: Duration = Duration::from_secs(5);

/// A batch that is ready on its node, with what listens to it.
pub(super) struct ReadyBatch {
    pub(super) prepared: Prepared,
    pub(super) titles: Vec<String>,
    pub(super) events_in: mpsc::UnboundedSender<SpoolEvent>,
    pub(super) watcher: JoinHandle<String>,
    /// Confirms the windows of the guard, by the guard's events.
    pub(super) guardian: Option<(Guardian, mpsc::UnboundedReceiver<SpoolEvent>)>,
}

pub(super) async fn get_ready(
    setup: Rc<Setup>,
    session: Rc<Session>,
    batch: &Batch,
    peers: Option<&BTreeMap<String, Rc<Session>>>,
    events: Events,
) -> Result<ReadyBatch, NodeFailure> {
    let mut guardian = None;
    if let Some(peers) = peers {
        let (setup, run) = (Rc::clone(&setup), batch.run.clone());
        guardian =
            Some(Guardian::new(setup, &session, run, batch.stage, peers, events.clone()).await);
    }
    let (guard, words) = mpsc::unbounded_channel();
    let (events_in, answered) = mpsc::unbounded_channel();
    let node = session.node().to_owned();
    let confirmed_by = guardian.as_ref().map(Guardian::confirms_by);
    let watcher = tokio::task::spawn_local(watch(
        node,
        setup.vault.clone(),
        events,
        batch.steps.len(),
        answered,
        guard,
        confirmed_by.unwrap_or_default(),
    ));
    match session.prepare(batch, &events_in).await {
        Ok(prepared) => {
            let titles = batch.steps.iter().map(|s| s.title.clone()).collect();
            Ok(ReadyBatch {
                prepared,
                titles,
                events_in,
                watcher,
                guardian: guardian.map(|g| (g, words)),
            })
        }
        Err(error) => {
            drop(events_in);
            let output = watcher.await.unwrap_or_default();
            let mut trouble = from_error(&error);
            if !output.is_empty() {
                trouble.why = format!("{}:\n{output}", trouble.why);
            }
            Err(trouble)
        }
    }
}

/// Forwards the events of a batch, with the titles of its steps and without secrets, until its sender is dropped. Gives
/// the last output of a step or validator that failed. `confirmed_by` are the connections that confirm the guard.
pub(super) async fn watch(
    node: String,
    vault: Vault,
    events: Events,
    steps: usize,
    mut events_in: mpsc::UnboundedReceiver<SpoolEvent>,
    guard: mpsc::UnboundedSender<SpoolEvent>,
    confirmed_by: Vec<String>,
) -> String {
    let (mut titles, mut output) = (BTreeMap::new(), String::new());
    let mut last = String::new();
    let mut put_back = false;
    while let Some(event) = events_in.recv().await {
        let node = node.clone();
        let event = match event {
            SpoolEvent::Begin(step, title) => {
                titles.insert(step, title.clone());
                Event::StepBegin {
                    node,
                    step,
                    of: steps,
                    title,
                }
            }
            SpoolEvent::Progress(step, text) => Event::StepOutput {
                node,
                step,
                line: scrub(&text, &vault),
            },
            SpoolEvent::Output(_, text) => {
                output.push_str(&scrub(&text, &vault));
                output.push('\n');
                continue;
            }
            // A step that waited has done nothing.
            SpoolEvent::End(_, 0) if put_back => continue,
            SpoolEvent::End(step, status) => {
                let output = std::mem::take(&mut output).trim_end().to_owned();
                last.clone_from(&output);
                let title = titles.get(&step).cloned().unwrap_or_default();
                Event::StepEnd {
                    node,
                    step,
                    title,
                    status,
                    output,
                }
            }
            SpoolEvent::Note(text) => Event::Note {
                node: Some(node),
                text: scrub(&text, &vault),
            },
            SpoolEvent::Guard(word) => {
                put_back |= matches!(word, GuardWord::Reverting(_));
                let _ = guard.send(SpoolEvent::Guard(word.clone()));
                let says = match word {
                    GuardWord::Armed(limit) => GuardEvent::Armed { limit },
                    GuardWord::Reverting(why) => GuardEvent::Reverting {
                        why: scrub(&why, &vault),
                    },
                    GuardWord::Reverted(same) => GuardEvent::Reverted { same },
                    GuardWord::Confirmed => GuardEvent::Confirmed {
                        ways: confirmed_by.clone(),
                    },
                    // The guardian reports how long.
                    GuardWord::Waiting(_) => continue,
                };
                Event::Guard { node, says }
            }
            SpoolEvent::Lost(why) => Event::Lost { node, why },
            SpoolEvent::Away(_) => {
                let _ = guard.send(event);
                continue;
            }
            SpoolEvent::Following => Event::Following { node },
            _ => continue,
        };
        let _ = events.send(event);
    }
    if output.is_empty() {
        last
    } else {
        output.trim_end().to_owned()
    }
}

/// Follows a batch to its end, listening to the operator. `None` when it was let go.
pub(super) async fn follow(
    session: &Session,
    prepared: &mut Prepared,
    events_in: &mpsc::UnboundedSender<SpoolEvent>,
    mut stop_request: watch::Receiver<StopRequest>,
) -> Result<Option<Outcome>, NodeError> {
    let run = prepared.run().clone();
    let following = session.follow(prepared, events_in);
    tokio::pin!(following);
    let mut stopping: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(std::future::pending());
    loop {
        tokio::select! {
            result = &mut following => return result.map(Some),
            () = &mut stopping => stopping = Box::pin(std::future::pending()),
            changed = stop_request.changed() => {
                if changed.is_err() {
                    return following.await.map(Some);
                }
                let now = *stop_request.borrow_and_update();
                match now {
                    StopRequest::No => {}
                    StopRequest::Stop => stopping = Box::pin(stop(session, &run)),
                    StopRequest::Detach => {
                        // The batch is to go on: the stop request is withdrawn where the node can be reached.
                        let _ = tokio::time::timeout(TAKING_BACK, session.go_on(&run)).await;
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// Asks a run to stop until its node has received it: the connection may be lost just now.
async fn stop(session: &Session, run: &RunId) {
    while session.stop(run).await.is_err() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
