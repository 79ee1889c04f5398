//! One node over SSH: the connection, asking, and batches that run to their end whatever happens to the connection.
//!
//! Nothing here knows of sites, kinds or plans. See `design.md`'s "The node side" in `ARCHITECTURE.md`.

mod classify;
mod failure;
mod master;
mod privilege;
mod run_id;
mod secret;
mod session;
mod ssh_config;

pub use failure::{Failure, NodeError};
pub use master::ConnectOptions;
pub use privilege::Privilege;
pub use run_id::RunId;
pub use secret::{Secret, scrub};
pub use session::{Reply, Session};
pub use ssh_config::{ConfigError, NodeAccess, Way, ssh_config};
