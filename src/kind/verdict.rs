//! The result of a comparison.

use super::Progress;

/// The verdict about one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as wanted.
    Same,
    /// It differs in these points; the actions of the kind mend it.
    Change(Vec<Delta>),
    /// It differs, and every member proves that there is no cluster yet (or that this tool stopped it for a change that
    /// needs that): mended although the step is operation.
    Form(Vec<Delta>),
    /// It differs in a way that can only be mended with all members of the cluster down: refused unless the operator
    /// allowed that in this very command.
    Outage {
        /// The points.
        deltas: Vec<Delta>,
        /// The reason why all have to be down.
        why: String,
    },
    /// It is decided once another step is done. `table` shows how, for example `absent: create; ours: keep; anything
    /// else: refuse`.
    After {
        /// The step that comes first, in words or as an address.
        what: String,
        /// The table by which it will be decided.
        table: String,
    },
    /// It differs, but mending is not this tool's to do by itself: shown with the command that would.
    Finding {
        /// The observed state.
        what: String,
        /// The remedy.
        remedy: String,
    },
    /// Going on could destroy data or rights. Exit code 5.
    Refuse(Refusal),
    /// The work of its action continues by itself on the node. Only for a step with `long`.
    Waiting(Progress),
}

/// The reason why something is not done that could destroy data or rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The finding.
    pub what: String,
    /// The remedy.
    pub remedy: String,
    /// The device that would be overwritten, where there is one.
    pub device: Option<String>,
}

impl Verdict {
    /// Refuses a change that a person has to check on this node.
    pub fn refuse(what: impl Into<String>, node: &str) -> Self {
        Self::Refuse(Refusal {
            what: what.into(),
            remedy: format!("check it by hand on {node}"),
            device: None,
        })
    }
}

/// One point in which a resource differs.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Delta {
    /// The point: `mode`, `version`, `running`.
    pub what: String,
    /// The observed state; empty when there was nothing.
    pub from: String,
    /// The desired state.
    pub to: String,
}

impl Delta {
    /// A difference in one point.
    pub fn new(what: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            from: from.into(),
            to: to.into(),
        }
    }
}
