//! The settings of a run, known before it begins, and the reasons why a node drops out of it.

use super::batch::Origin;
use crate::exit::Exit;
use crate::kind::{Permits, Resource, Target};
use crate::node::{ConnectOptions, Failure, Header, NodeError, Outcome, Privilege};
use crate::plan::{Barred, Desired, Intent};
use crate::text::Vault;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// One node that takes part.
#[derive(Debug)]
pub struct Member {
    /// The node, as kinds may know it.
    pub target: Target,
    /// Its resources, in step order.
    pub resources: Vec<Resource>,
    /// Only observed, for checks.
    pub watched: Vec<Resource>,
    /// The way in which it is reached.
    pub connect: ConnectOptions,
    /// The way in which the login becomes root.
    pub privilege: Privilege,
    /// Whether etckeeper records its /etc.
    pub records_etc: bool,
    /// Whether only some of its resources take part: then nothing is an orphan.
    pub partial: bool,
    /// The peers from whose root this node lets root in, and the name by which they call it.
    pub trusts: Vec<String>,
    /// The accounts that operators log in with, this run's among them: a change of one runs under the guard.
    pub logins: BTreeSet<String>,
}

impl Member {
    /// The desired state of the node.
    pub fn wanted<'a>(&'a self, vault: &'a Vault, permits: &'a Permits) -> Desired<'a> {
        Desired {
            target: &self.target,
            resources: &self.resources,
            partial: self.partial,
            watched: &self.watched,
            vault,
            permits,
        }
    }
}

/// Everything a run needs to know before it begins.
pub struct Setup {
    /// The site's folder, which files for nodes are read from.
    pub dir: PathBuf,
    /// The nodes, in the site's order.
    pub members: Vec<Member>,
    /// The nodes of the cluster, of which some may not take part.
    pub cluster: BTreeSet<String>,
    /// The values of secrets.
    pub vault: Vault,
    /// The origin of this run, for batches.
    pub origin: Origin,
    /// Whether a commit of the site is part of this checkout.
    pub ancestry: Option<Ancestry>,
    /// The runs over which this checkout is applied though it does not contain their commit.
    pub over: RefCell<BTreeSet<String>>,
    /// Whether such a run that the command did not name is shown with the plan and does not fail its node: no change is
    /// made before the operator agreed.
    pub asks: Cell<bool>,
    /// The way in which checks from outside get into a lab's network; without it they are made from here.
    pub outside: Option<LabNetwork>,
    /// The number of nodes that are worked on at once.
    pub forks: usize,
    /// The time that one node may take to be connected to and observed, all in all; without it only the limits of
    /// [`ConnectOptions`] hold.
    pub answers_within: Option<Duration>,
    /// Whether the run waits for long steps and goes on after them.
    pub wait: bool,
    /// The way in which the guard confirms.
    pub guard: Guard,
    /// The intent of the command.
    pub intent: Intent,
    /// Devices whose content this very command may destroy: the node, and the device's path.
    pub destroy: BTreeSet<(String, String)>,
}

/// A lab's network, as whoever operates the lab sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabNetwork {
    /// The command that tries a port there; host and port come after it.
    pub command: Vec<String>,
    /// The place where the lab has the nodes, by the host that the site reaches them at.
    pub hosts: BTreeMap<String, IpAddr>,
    /// The nodes that were off when the command began.
    pub off: BTreeSet<String>,
}

/// The way in which changes under the guard are confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Seconds until an unconfirmed change is rolled back.
    pub seconds: u64,
    /// Words of the ways in, besides the one that the run came by, that have to work anew: `jump`, `knock-ZONE`.
    pub ways: Vec<String>,
}

impl Guard {
    /// Whether this way in has to work.
    pub(super) fn confirms(&self, way: &crate::node::Way) -> bool {
        self.ways.contains(&way.word)
    }
}

impl Setup {
    pub(super) fn member(&self, node: &str) -> &Member {
        self.members
            .iter()
            .find(|m| m.target.node == node)
            .expect("a node of this run")
    }

    /// The operator's permits in this command.
    pub(super) fn permits(&self) -> Permits {
        Permits {
            outage: self.intent.may_take_down(),
            destroy: self.destroy.clone(),
        }
    }

    /// The header of this run in a node's journal.
    pub(super) fn header(&self) -> Header {
        let (origin, intent) = (&self.origin, self.intent);
        let commit = origin.commit.clone().filter(|_| intent.applies_site());
        Header {
            site: origin.site.clone(),
            commit: commit.unwrap_or_default(),
            who: origin.who.clone(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            intent: intent.journal_word().to_owned(),
        }
    }
}

/// Whether a commit is part of a checkout; `None` where that is unknown.
pub type Ancestry = Box<dyn Fn(&str) -> Option<bool> + Send>;

/// The operator's stop request to a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopRequest {
    /// Go on.
    #[default]
    No,
    /// Stop after the step under way.
    Stop,
    /// Leave the batches to themselves.
    Detach,
}

/// The reason why a node takes no further part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFailure {
    /// The failure, with advice.
    pub why: String,
    /// The exit code of the whole command because of it.
    pub exit: Exit,
    /// Whether the node gave no sign of life at all, which is no proof that it is off.
    pub silent: bool,
    /// The step that was done and failed, by its title, where it is one.
    pub step: Option<String>,
}

impl NodeFailure {
    /// A failure with its exit code, of a node that gave a sign of life.
    pub fn new(why: impl Into<String>, exit: Exit) -> Self {
        Self {
            why: why.into(),
            exit,
            silent: false,
            step: None,
        }
    }

    /// The same because of a step that was done.
    #[must_use]
    pub(super) fn of_step(mut self, title: Option<&str>) -> Self {
        self.step = title.map(ToOwned::to_owned);
        self
    }

    /// A failure.
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::new(why, Exit::Failed)
    }

    /// The outcome of a node that may not be changed.
    pub(super) fn barred(barred: &Barred) -> Self {
        let exit = match barred {
            Barred::Refused(_) => Exit::Refused,
            Barred::Unplanned(_) | Barred::Moved(_) => Exit::Failed,
        };
        Self::new(barred.to_string(), exit)
    }

    /// The failure of a member of a cluster whose other member could not be prepared.
    pub(super) fn without(node: &str) -> Self {
        Self::failed(format!(
            "{node} could not be prepared, so nothing is done here either"
        ))
    }
}

/// The outcome of a batch that did not end well.
pub(super) fn outcome_failure(outcome: &Outcome, titles: &[String], said: &str) -> NodeFailure {
    let with = |text: &str| {
        if said.is_empty() {
            text.to_owned()
        } else {
            format!("{text}:\n{said}")
        }
    };
    let why = match outcome {
        Outcome::Finished => String::new(),
        // The output of the step was shown as it failed.
        Outcome::Failed { step, status } => match titles.get(*step) {
            Some(title) => format!("{title}: failed with status {status}"),
            None => format!("a step failed with status {status}"),
        },
        Outcome::Refused { .. } => with("a validator refused, and nothing was changed"),
        Outcome::Stopped { .. } => "stopped between two steps, as requested".to_owned(),
        Outcome::Locked(holder) => format!("held by {holder}"),
        Outcome::Abandoned => "abandoned before it began; nothing was changed".to_owned(),
        Outcome::GaveUp => {
            "timed out before it was released; nothing was changed. Run again".to_owned()
        }
        Outcome::PutBack { because, .. } => outcome_failure(because, titles, said).why,
        Outcome::Broken(why) => format!("the batch could not go on: {why}"),
        Outcome::Died => {
            "the batch ended without a result (killed, or the node went down). Run again".to_owned()
        }
    };
    let exit = if matches!(outcome, Outcome::Locked(_)) {
        Exit::Locked
    } else {
        Exit::Failed
    };
    let step = match outcome {
        Outcome::Failed { step, .. } => titles.get(*step).map(String::as_str),
        _ => None,
    };
    NodeFailure::new(why, exit).of_step(step)
}

/// A failure over SSH as trouble of its node.
pub(super) fn from_error(error: &NodeError) -> NodeFailure {
    let exit = if matches!(error.failure, Failure::Locked(_)) {
        Exit::Locked
    } else if error.is_unreachable() {
        Exit::Unreachable
    } else {
        Exit::Failed
    };
    let advice = error.advice();
    let why = if advice.is_empty() {
        error.failure.to_string()
    } else {
        format!("{}. {advice}", error.failure)
    };
    NodeFailure {
        why,
        exit,
        silent: error.failure.is_silence(),
        step: None,
    }
}
