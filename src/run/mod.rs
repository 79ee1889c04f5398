//! Carries a plan through the nodes and reports it by events.

#[cfg(feature = "ssh")]
mod ask;
#[cfg(feature = "ssh")]
mod batch;
#[cfg(feature = "ssh")]
mod carry;
#[cfg(feature = "ssh")]
mod engine;
mod event;
#[cfg(feature = "ssh")]
mod follow;
#[cfg(feature = "ssh")]
mod guard;
#[cfg(feature = "ssh")]
mod observe;
#[cfg(feature = "ssh")]
mod setup;
#[cfg(feature = "ssh")]
mod stage;
#[cfg(feature = "ssh")]
mod verify;
#[cfg(feature = "ssh")]
mod wave;

#[cfg(feature = "ssh")]
pub use batch::Origin;
#[cfg(feature = "ssh")]
pub use engine::{Engine, now, today};
pub use event::{
    Effect, Event, Events, Evidence, Fate, GuardEvent, Operation, OperationEnd, OperationStep,
    Proof,
};
#[cfg(feature = "ssh")]
pub use observe::NodeObservation;
#[cfg(feature = "ssh")]
pub use setup::{Ancestry, Guard, LabNetwork, Member, NodeFailure, Setup, StopRequest};
