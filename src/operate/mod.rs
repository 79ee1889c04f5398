//! Commands that act on a running cluster or on a node's record, besides converging nodes to the site.
//!
//! An operation observes by the one engine, decides by a pure function over the kinds' observations, is carried out as
//! a batch (with the nodes' locks, lines in their journals and the recap of any run) and observes again. [`Intent`] is
//! the intent of a command. The steps of an outage of all members are decided where a plan is made (`plan`, and the
//! kinds' `Verdict::Outage`), so it needs no file here.

pub mod alone;
mod cluster;
pub mod confirm_fenced;
pub mod drain;
pub mod fence;
pub mod forget;
pub mod guest;
pub mod maintenance;
#[cfg(test)]
mod samples;
pub mod script;
pub mod start;
pub mod status;
pub mod stop;
mod watched;

pub use cluster::{ClusterOperation, Ending};

pub use crate::plan::Intent;

use crate::exit::Exit;
use crate::kind::Address;
use crate::node::Holder;
use crate::plan::{Change, Item, Owned, PlannedStep, sha256};
use crate::run::{Engine, Event, NodeFailure};
use crate::sh::Call;

/// A step of an operation. Of what it names nothing is ours afterwards, at this path.
fn item(addresses: Vec<Address>, title: String, path: String, calls: Vec<Call>) -> Item {
    let change = Change {
        addresses,
        digest: sha256(title.as_bytes()),
        title,
        deltas: Vec::new(),
        diffs: Vec::new(),
        stage: 0,
        guarded: false,
        interrupts: false,
        held: None,
        either: None,
    };
    let work = PlannedStep {
        calls,
        owns: Owned::no_longer(path),
        ..PlannedStep::default()
    };
    Item { change, work }
}

/// Handles the lock of a run that is active on a node: an operation that needs the lock is refused, any other one names
/// the holder.
fn meet(engine: &mut Engine, node: &str, holder: &Holder) {
    if engine.intent().holds_lock() {
        let why = format!("held by {holder}");
        engine.fail(node, NodeFailure::new(why, Exit::Locked));
    } else {
        engine.send(Event::Note {
            node: Some(node.to_owned()),
            text: format!("held right now by {holder}; this does not wait for it"),
        });
    }
}
