//! Carries a plan through the nodes and says what happens.

mod event;

pub use event::{Event, Events, Recap};
