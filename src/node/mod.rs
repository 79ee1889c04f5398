//! One node over SSH: the connection, asking, and batches that run to their end whatever happens to the connection.
//!
//! Nothing here knows of sites, kinds or plans. See `design.md`'s "The node side" in `ARCHITECTURE.md`.

mod batch;
mod classify;
mod failure;
pub mod first_contact;
mod holder;
mod master;
mod privilege;
mod run_id;
mod runs;
mod secret;
mod session;
mod spool;
mod ssh_config;
mod state;

pub use batch::{Batch, BatchStep, Blob, Header};
pub use failure::{Failure, NodeError};
pub use holder::Holder;
pub use master::ConnectOptions;
pub use privilege::Privilege;
pub use run_id::RunId;
pub use runs::Prepared;
pub use secret::{Secret, scrub};
pub use session::{Reply, Session};
pub use spool::{Outcome, SpoolEvent};
pub use ssh_config::{ConfigError, NodeAccess, Way, ssh_config};
pub use state::{JournalLine, LastBatch, NodeState, observe_journal, observe_state, read_journal};

#[cfg(test)]
mod local_tests;
