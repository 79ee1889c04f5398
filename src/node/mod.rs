//! One node over SSH: the connection, observations, and batches that run to their end whatever happens to the
//! connection.
//!
//! This module is independent of sites, kinds and plans.
//!
//! * [`ssh_config()`] makes the text of the configuration; the caller writes it. [`Session::connect`] uses an open
//!   connection that an earlier command left, or logs in by the first way that works, and leaves it open.
//! * [`Session::ask`] is one channel and one trip, however much is asked.
//! * [`Session::stage`] sends large files to the node, for a batch to come.
//! * [`Session::prepare`] sends a [`Batch`] to the node, whole; it takes the node's lock, runs its validators and waits.
//!   [`Session::release`] lets it begin, [`Session::abandon`] ends it unchanged; [`Session::follow`] reads its spool, and
//!   continues from the same byte when the connection was lost. [`Session::stop`], [`Session::attach`] and
//!   [`Session::unlock`] are for runs of other operators.
//! * [`Session::recorded`] runs a command of the operator's own and leaves a line in the journal.
//! * [`NodeState`] is a node's record of all that; [`observe_state`] asks for it in the same trip as everything else.
//! * [`first_contact`] is for nodes whose host keys are not known yet.
//!
//! On the node, in `/var/lib/nodewright` (root's, 0700): `lock` (a link whose text is its holder), `manifest`, `journal`,
//! `last` (the last batch), `incoming/SHA256` (large files for a batch to come), `runs/RUN/STAGE/` with `spool`, `pid`,
//! `stop`, `go` and `kept/PATH`. Contents and text of a batch are overwritten and removed when it ends, and those of one
//! that died by the next. The last 20 runs stay; of older ones the kept versions of files stay for 90 days.
//!
//! ```no_run
//! use nodewright::node::{ConnectOptions, NodeError, Privilege, Session};
//! use nodewright::kind::Observe;
//! use nodewright::sh::Call;
//!
//! # async fn example(options: ConnectOptions) -> Result<(), NodeError> {
//! let session = Session::connect(&options, Privilege::Root).await?;
//! let mut observe = Observe::default();
//! observe.section("kernel", Call::new("uname").arg("-r"));
//! let answer = session.observe(&observe).await?;
//! assert_eq!(answer.get("kernel").map(|s| s.status), Some(0));
//! # Ok(())
//! # }
//! ```
//!
//! A batch, followed to its end:
//!
//! ```no_run
//! use nodewright::node::{Batch, NodeError, Outcome, Session};
//! use tokio::sync::mpsc::unbounded_channel;
//!
//! # async fn example(session: &Session, batch: &Batch) -> Result<(), NodeError> {
//! let (events, mut heard) = unbounded_channel();
//! let mut prepared = session.prepare(batch, &events).await?;
//! session.release(&prepared).await?;
//! let outcome = session.follow(&mut prepared, &events).await?;
//! if outcome == Outcome::Died {
//!     // Its events say how far it came, and the next batch takes its lock over.
//! }
//! # Ok(())
//! # }
//! ```

mod batch;
mod classify;
mod failure;
pub mod first_contact;
mod holder;
mod journal;
mod knock;
mod link;
mod master;
mod privilege;
mod recorded;
mod run_id;
mod runs;
mod secret;
mod session;
mod spool;
mod ssh_config;
mod stage;
mod state;

pub use batch::{Batch, BatchStep, Blob, LocalFile};
pub use failure::{Failure, NodeError};
pub use holder::Holder;
pub use journal::{
    Header, JournalLine, LoggedRun, last_applied, logged_runs, observe_journal, observe_runs,
    read_journal,
};
pub use knock::Door;
pub use master::ConnectOptions;
pub use privilege::Privilege;
pub use recorded::Recorded;
pub use run_id::RunId;
pub use runs::Prepared;
pub use secret::{Secret, scrub};
pub use session::{Reply, Session};
pub use spool::{GuardState, GuardWord, Outcome, SpoolEvent};
pub use ssh_config::{AT, ConfigError, NodeAccess, Way, ssh_config};
pub use state::{LastBatch, NodeState, observe_state};

#[cfg(test)]
mod local_tests;
