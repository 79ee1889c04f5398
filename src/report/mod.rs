//! Makes text of events: for people on a terminal or in a log, for programs as JSON, for build servers as JUnit.
//!
//! Workers send [`Event`](crate::run::Event)s; one [`Reporter`] on the main thread receives them all, so lines never mix.

mod checks;
mod files;
mod json;
mod junit;
mod look;
mod plan;
mod progress;
mod recap;
pub mod reference;
mod reporter;
mod table;

pub use checks::CheckResult;
pub use files::write_whole;
pub use look::{Look, Tone};
pub use plan::plan;
pub use progress::Progress;
pub use recap::recap;
pub use reporter::{Reporter, Sink, follow};
pub use table::{Align, Table};

#[cfg(test)]
mod samples;
