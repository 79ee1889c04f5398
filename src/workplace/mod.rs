//! Shared by commands: arguments, the site they work on, its secrets, saved plans, the end.

mod access;
mod args;
mod checks;
pub(crate) mod completers;
mod context;
pub mod keys;
pub(crate) mod lab;
mod operation;
pub(crate) mod outcome;
mod pager;
mod place;
pub(crate) mod review;
pub(crate) mod saved;
pub(crate) mod vault;

pub use args::{At, Color, Destroy, Forks, Global, Nodes, Outage, Over, Pick, time};
pub use checks::AskedChecks;
pub use context::{Commit, Context};
pub use operation::{conclude, operate, operate_in};
pub use outcome::{OutputClosed, Usage};
pub use place::{Workplace, free_port, open_sound, runtime_dir, until_interrupted, with_engine};
pub use vault::Values;
