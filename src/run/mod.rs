//! Carries a plan through the nodes and says what happens.

#[cfg(feature = "ssh")]
mod access;
#[cfg(feature = "ssh")]
mod batch;
#[cfg(feature = "ssh")]
mod engine;
mod event;

#[cfg(feature = "ssh")]
pub use access::access;
#[cfg(feature = "ssh")]
pub use batch::Origin;
#[cfg(feature = "ssh")]
pub use engine::{Ancestry, Engine, Look, Member, Setup, Trouble, Wish, today};
pub use event::{Event, Events, Recap};
