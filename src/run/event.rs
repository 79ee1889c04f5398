//! Events of a command, as they happen. Workers send them; only `report` turns them into text.

use crate::plan::{Orphan, Plan, Recap, Waiting};
use std::collections::BTreeMap;

/// Sends events to the one reporter.
pub type Events = std::sync::mpsc::Sender<Event>;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Nodes that take part, in order: sent once, first.
    Nodes {
        /// Their names.
        nodes: Vec<String>,
    },
    /// A connection is being made.
    Connecting {
        /// The node.
        node: String,
    },
    /// Connected.
    Connected {
        /// The node.
        node: String,
        /// The way in that worked: `direct`, `peer ZONE`.
        way: String,
        /// Whether an open connection of an earlier command was used.
        warm: bool,
    },
    /// The node was observed.
    Observed {
        /// The node.
        node: String,
        /// The number of its resources.
        resources: usize,
    },
    /// A plan was made.
    Planned {
        /// The plan.
        plan: Plan,
    },
    /// A batch begins on a node.
    Batch {
        /// The node.
        node: String,
        /// The run.
        run: String,
        /// The number of its steps.
        steps: usize,
    },
    /// A step begins.
    StepBegin {
        /// The node.
        node: String,
        /// Its number in the batch, from 0.
        step: usize,
        /// Their number.
        of: usize,
        /// Its title.
        title: String,
    },
    /// Output of a step while it runs.
    StepOutput {
        /// The node.
        node: String,
        /// Its number in the batch.
        step: usize,
        /// One line of it, scrubbed and cut where it is too long.
        line: String,
    },
    /// A step ended.
    StepEnd {
        /// The node.
        node: String,
        /// Its number in the batch.
        step: usize,
        /// Its title.
        title: String,
        /// Exit status.
        status: i32,
        /// The last lines of its output, scrubbed; empty when it went well.
        output: String,
    },
    /// A state of the guard.
    Guard {
        /// The node.
        node: String,
        /// The state.
        says: GuardEvent,
    },
    /// The connection was lost; the batch goes on by itself.
    Lost {
        /// The node.
        node: String,
        /// The reason.
        why: String,
    },
    /// Connected again, following on.
    Following {
        /// The node.
        node: String,
    },
    /// A node failed; its later steps are not done.
    Failed {
        /// The node.
        node: String,
        /// The failure, with advice.
        why: String,
    },
    /// The progress of a long step that the run waits for.
    Waiting {
        /// The node.
        node: String,
        /// The step, and how far it is.
        waiting: Waiting,
    },
    /// Something the operator should know.
    Note {
        /// The node, if it is about one.
        node: Option<String>,
        /// The note.
        text: String,
    },
    /// Proofs that a member of a cluster is off, or on.
    Proofs {
        /// The member.
        node: String,
        /// The proofs.
        proofs: Vec<Proof>,
        /// Whether a person may confirm by these that it is off.
        confirmable: bool,
    },
    /// The plan of an operation on the cluster.
    Operation {
        /// It.
        operation: Operation,
    },
    /// The end of an operation on the cluster.
    Operated {
        /// The command as it is typed.
        command: String,
        /// Its end.
        end: OperationEnd,
        /// Its result, in words.
        what: String,
        /// The time for which it took, in milliseconds, from its beginning to its end; nothing where nothing was begun.
        milliseconds: Option<u64>,
    },
    /// The orphans that are about to be forgotten.
    Forget {
        /// By node.
        nodes: BTreeMap<String, Vec<Orphan>>,
    },
    /// The result of a check.
    Check {
        /// The node; none where it is of the cluster.
        node: Option<String>,
        /// The place where it was observed: `node`, `cluster` or `outside`.
        scope: String,
        /// Its stable code.
        code: String,
        /// Its severity.
        severity: String,
        /// Whether it holds.
        ok: bool,
        /// It could not be judged; `message` says why.
        skipped: bool,
        /// The name that was observed, and the observed state.
        message: String,
        /// The remedy; empty when it holds.
        remedy: String,
    },
    /// The end of all checks, with the nodes and the checks that were left out.
    Verified {
        /// The nodes that were asked for.
        nodes: Vec<String>,
        /// Those of them that were not observed.
        unseen: Vec<String>,
        /// Those of them that could not be reached.
        unreachable: Vec<String>,
        /// The number of checks that read what `--only` and `--skip` leave out.
        left_out: usize,
    },
    /// The end of a run.
    Recap {
        /// One line a node.
        nodes: Vec<Recap>,
    },
}

/// The plan of an operation on the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Operation {
    /// The command as it is typed: `drain node1`.
    pub command: String,
    /// The effect on each service that it concerns.
    pub effects: Vec<Effect>,
    /// The steps, in order.
    pub steps: Vec<OperationStep>,
    /// Notes for whoever decides.
    pub notes: Vec<String>,
    /// Whether it interrupts service.
    pub interrupts: bool,
}

/// A step of an operation.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OperationStep {
    /// The node that does it.
    pub node: String,
    /// It, in words.
    pub title: String,
}

/// The effect of an operation on a service.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Effect {
    /// The service, as the resource manager calls it.
    pub name: String,
    /// Its state.
    pub how: Fate,
    /// The same in words.
    pub what: String,
}

/// The way in which a service fares in an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It moves without an interruption.
    Live,
    /// It is interrupted.
    Outage,
    /// It stays where it is.
    Stays,
}

/// The end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationEnd {
    /// There was nothing to do.
    Nothing,
    /// It was done, and seen to be.
    Done,
    /// It was not begun, for a reason.
    Refused,
    /// A person did not agree to it.
    Declined,
    /// It was begun, and did not come to its end.
    Failed,
}

/// One proof that a node is off, or on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Proof {
    /// The source of the proof: a node, or `from here`.
    pub by: String,
    /// The evidence that it gives.
    pub says: Evidence,
    /// The observation, in words.
    pub what: String,
}

/// The evidence of a proof about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// It is on.
    On,
    /// It is off.
    Off,
    /// No proof: a node that is off does not answer, and one that is cut off does not either.
    Silent,
    /// The cluster waits for this very node.
    Waits,
    /// The state, no proof.
    Note,
}

impl Evidence {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Silent => "silent",
            Self::Waits => "waits",
            Self::Note => "-",
        }
    }
}

/// A state of the guard of a node.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "guard", rename_all = "kebab-case")]
pub enum GuardEvent {
    /// It is armed: later changes are rolled back unless it is confirmed.
    Armed {
        /// Seconds that the change may take.
        limit: u64,
    },
    /// The change is made, and new connections are tried.
    Waiting {
        /// Seconds until it is rolled back.
        left: u64,
        /// The reason why the last connection did not come about; empty where none failed.
        why: String,
    },
    /// New connections came about, and the change stays.
    Confirmed {
        /// The ways in that were tried; empty where another run may have tried them.
        ways: Vec<String>,
    },
    /// It is being rolled back.
    Reverting {
        /// The reason.
        why: String,
    },
    /// Everything was rolled back.
    Reverted {
        /// Whether it was seen to be as before.
        same: bool,
    },
}
