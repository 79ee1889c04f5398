//! Confirms the changes under the guard over new connections, as an operator would come, and reports it.

use super::setup::{NodeFailure, Setup, outcome_failure};
use super::{Event, Events, GuardEvent};
use crate::exit::Exit;
use crate::kind::Observe;
use crate::node::{
    AT, ConnectOptions, GuardState, GuardWord, NodeError, Outcome, Prepared, RunId, Session,
    SpoolEvent, Way,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep};

/// The time that one new connection may take.
const ATTEMPT: Duration = Duration::from_secs(15);
/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// The time that a node may take to report the outcome of a window whose batch is gone.
const AFTERMATH: Duration = Duration::from_mins(10);

/// Confirms the windows of one batch.
pub(super) struct Guardian {
    setup: Rc<Setup>,
    node: String,
    run: RunId,
    stage: u32,
    ways: Vec<Way>,
    /// Peers whose root got in right before.
    peers: Vec<(String, Rc<Session>)>,
    events: Events,
    /// The reason why the last new connection did not come about.
    failed: Rc<RefCell<String>>,
}

impl Guardian {
    /// The guardian of a node whose batch is about to be prepared. Ways in that the site wants confirmed and that do
    /// not work now are not required, and are named; the way that this run came by is always required.
    pub(super) async fn new(
        setup: Rc<Setup>,
        session: &Session,
        run: RunId,
        stage: u32,
        peers: &BTreeMap<String, Rc<Session>>,
        events: Events,
    ) -> Self {
        let node = session.node().to_owned();
        let all = setup.member(&node).connect.access.ways.clone();
        let mut guardian = Self {
            setup: Rc::clone(&setup),
            node: node.clone(),
            run,
            stage,
            ways: Vec::new(),
            peers: Vec::new(),
            events,
            failed: Rc::default(),
        };
        // If a node is about to leave proves nothing: it has to be where the site declares.
        let leaves = all.iter().any(|w| w.word == AT && w.alias == session.way());
        let first = all.iter().position(|w| w.word != AT).filter(|_| leaves);
        for (at, way) in all.into_iter().enumerate() {
            if way.word == AT {
                continue;
            }
            if way.alias == session.way() || first == Some(at) {
                guardian.ways.push(way);
            } else if setup.guard.confirms(&way) {
                match guardian.connect(&way).await {
                    Ok(open) => {
                        let _ = open.close().await;
                        guardian.ways.push(way);
                    }
                    Err(error) => {
                        let text = format!(
                            "the way in {} does not work now ({}), so the guard does not require it",
                            way.alias, error.failure
                        );
                        let _ = guardian.events.send(Event::Note {
                            node: Some(node.clone()),
                            text,
                        });
                    }
                }
            }
        }
        for peer in &setup.member(&node).trusts {
            if let Some(session) = peers.get(peer)
                && guardian.peer_gets_in(peer, session).await.is_ok()
            {
                guardian.peers.push((peer.clone(), Rc::clone(session)));
            }
        }
        guardian
    }

    /// Whether a peer's root gets in, over a connection of its own.
    async fn peer_gets_in(&self, peer: &str, session: &Session) -> Result<(), String> {
        let mut observe = Observe::default();
        observe.slow_section("peer", crate::kinds::network::peer::login(&self.node));
        let answer = session
            .observe(&observe)
            .await
            .map_err(|e| format!("{peer} does not answer itself: {}", e.failure))?;
        match answer.get("peer").map(|s| (s.status, s.text())) {
            Some((0, _)) => Ok(()),
            Some((_, said)) => Err(format!("root of {peer} does not get in: {}", said.trim())),
            None => Err(format!("{peer} was not observed")),
        }
    }

    /// The connections that confirm it: the ways in, and the peers whose root gets in.
    pub(super) fn confirms_by(&self) -> Vec<String> {
        let ways = self.ways.iter().map(|w| w.alias.clone());
        let peers = self.peers.iter().map(|(p, _)| format!("root of {p}"));
        ways.chain(peers).collect()
    }

    /// The reason why the last new connection did not come about, to be read when all is over.
    pub(super) fn failed(&self) -> Rc<RefCell<String>> {
        Rc::clone(&self.failed)
    }

    /// Confirms each window of the batch. Never ends.
    pub(super) async fn stand_by(self, mut answered: UnboundedReceiver<SpoolEvent>) {
        while let Some(word) = answered.recv().await {
            match word {
                SpoolEvent::Guard(GuardWord::Waiting(seconds)) => {
                    self.confirm(Duration::from_secs(seconds), &mut answered)
                        .await;
                }
                // Whether it waits is not heard: nor is anything else.
                SpoolEvent::Away(why) => {
                    *self.failed.borrow_mut() = format!("{}: {why}", self.node);
                }
                _ => {}
            }
        }
        std::future::pending::<()>().await;
    }

    /// Until it is confirmed, or the guard reports that it is too late.
    async fn confirm(&self, window: Duration, answered: &mut UnboundedReceiver<SpoolEvent>) {
        let end = Instant::now() + window;
        let work = self.until_confirmed(end);
        tokio::pin!(work);
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = &mut work => return,
                Some(SpoolEvent::Guard(word)) = answered.recv() => match word {
                    GuardWord::Reverting(_) | GuardWord::Reverted(_) => return,
                    // The new connection is yet to be closed.
                    GuardWord::Confirmed => return work.await,
                    GuardWord::Armed(_) | GuardWord::Waiting(_) => {}
                },
                _ = second.tick() => self.emit(GuardEvent::Waiting {
                    left: end.saturating_duration_since(Instant::now()).as_secs(),
                    why: self.failed.borrow().clone(),
                }),
            }
        }
    }

    /// Opens a new connection by every way, and confirms the window.
    async fn until_confirmed(&self, end: Instant) {
        let mut open = None;
        let mut missing: Vec<&Way> = self.ways.iter().collect();
        while Instant::now() < end {
            let mut still = Vec::new();
            for way in missing {
                match self.connect(way).await {
                    Ok(session) => {
                        if let Some(former) = open.replace(session) {
                            let _ = former.close().await;
                        }
                    }
                    Err(error) => {
                        *self.failed.borrow_mut() = format!("{}: {}", way.alias, error.failure);
                        still.push(way);
                    }
                }
            }
            missing = still;
            let mut all_peers = true;
            for (peer, session) in self.peers.iter().filter(|_| missing.is_empty()) {
                if let Err(why) = self.peer_gets_in(peer, session).await {
                    *self.failed.borrow_mut() = why;
                    all_peers = false;
                }
            }
            if missing.is_empty() && all_peers {
                let Some(session) = open.take() else { return };
                match session.confirm(&self.run, self.stage).await {
                    // The node's spool says so too, and cannot be overtaken by the batch's end: that is reported.
                    Ok(true) => {
                        let _ = session.close().await;
                        return;
                    }
                    Ok(false) => return,
                    Err(error) => {
                        *self.failed.borrow_mut() = error.failure.to_string();
                        missing = self.ways.iter().collect();
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// A connection of its own: no open one is used. Becoming root there is part of it.
    async fn connect(&self, way: &Way) -> Result<Session, NodeError> {
        let member = self.setup.member(&self.node);
        let here = |e: std::io::Error| {
            NodeError::new(&self.node, crate::node::Failure::Here(e.to_string()))
        };
        std::fs::create_dir_all(&member.connect.runtime_dir).map_err(here)?;
        let folder = tempfile::Builder::new()
            .prefix("g")
            .rand_bytes(5)
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .tempdir_in(&member.connect.runtime_dir)
            .map_err(here)?;
        let mut options = ConnectOptions {
            runtime_dir: folder.path().to_owned(),
            timeout: ATTEMPT,
            persist: ATTEMPT,
            ..member.connect.clone()
        };
        options.access.ways = vec![way.clone()];
        let session = Session::connect(&options, member.privilege.clone()).await?;
        session.guard(&self.run, self.stage).await?;
        Ok(session)
    }

    fn emit(&self, says: GuardEvent) {
        let _ = self.events.send(Event::Guard {
            node: self.node.clone(),
            says,
        });
    }
}

/// The outcome of a window whose batch ended without a result: it was killed, or the node went down.
pub(super) async fn aftermath(session: &Session, run: &RunId, stage: u32) -> Outcome {
    let end = Instant::now() + AFTERMATH;
    loop {
        match session.guard(run, stage).await {
            Ok(GuardState::Reverted { same, because }) => {
                let because = Box::new(because);
                return Outcome::PutBack { same, because };
            }
            Ok(GuardState::Armed | GuardState::Reverting) | Err(_) if Instant::now() < end => {}
            _ => return Outcome::Died,
        }
        sleep(PAUSE).await;
    }
}

/// The path of the guard's log on a node.
pub(super) fn log_of(prepared: &Prepared) -> String {
    let (run, stage) = (prepared.run(), prepared.stage());
    format!("/var/lib/nodewright/runs/{run}/{stage}/guard/log")
}

/// A window that was rolled back, as trouble of its node.
pub(super) fn put_back(
    same: bool,
    because: &Outcome,
    failed: &str,
    titles: &[String],
    said: &str,
    log: &str,
) -> NodeFailure {
    let reason = match because {
        Outcome::Broken(why) => why.clone(),
        other => outcome_failure(other, titles, said).why,
    };
    let unheard = matches!(because, Outcome::Broken(_)) && failed.is_empty();
    let connection = if unheard {
        ". No new connection came about".to_owned()
    } else if failed.is_empty() {
        String::new()
    } else {
        format!(". The new connection failed: {failed}")
    };
    let after = if same {
        "Everything is as it was before this window, and was compared".to_owned()
    } else {
        format!("NOT everything is as it was: see {log} on the node")
    };
    NodeFailure::new(
        format!("rolled back by the guard: {reason}{connection}. {after}"),
        Exit::PutBack,
    )
}
