//! Nodewright builds two-node (and larger) KVM clusters over plain SSH, again and again.
//!
//! The flow goes one way: `site → rules → role → kinds → plan → run → report`; see `ARCHITECTURE.md`.
//! `site`, `rules`, `role`, `firewall`, `kind`, `kinds` and `plan` are pure: no tokio, no printing, no environment.

#[cfg(feature = "ssh")]
pub mod cli;
pub mod digest;
pub mod exit;
pub mod facts;
pub mod firewall;
pub mod kind;
pub mod kinds;
pub mod lab;
#[cfg(feature = "ssh")]
pub mod node;
#[cfg(feature = "ssh")]
pub mod operate;
pub mod plan;
pub mod platform;
pub mod probe;
#[cfg(feature = "ssh")]
pub mod report;
pub mod role;
pub mod rules;
pub mod run;
pub mod sh;
pub mod shell;
pub mod site;
pub mod survey;
pub mod text;
pub mod verify;
#[cfg(feature = "ssh")]
pub mod workplace;
