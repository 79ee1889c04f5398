//! What a node can be asked to be: the kinds, one file each, and what they share.

mod address;
mod answer;
mod authorized_key;
mod block;
mod command;
mod cron;
mod directory;
mod edit;
mod file;
mod git;
mod group;
mod hostname;
mod hosts;
mod ini;
mod kind;
mod kinds;
mod known_host;
mod line;
mod never_restarted;
mod observe;
mod package;
mod package_version;
mod platform;
mod public_key;
mod repository;
mod service;
mod symlink;
mod sysctl;
#[cfg(test)]
mod testing;
mod timezone;
mod tree;
mod user;
mod valid;
mod values;
mod verdict;

pub use address::Address;
pub use answer::{Answer, AnswerError, Section};
pub use edit::{Attributes, Edit, EditChange};
pub use kind::{Erased, Kind, Resource, StepMeta, Target, Want};
pub use kinds::{KINDS, kind_named};
pub use never_restarted::never_restarted;
pub use observe::Observe;
pub use platform::{PackageTool, Platform};
pub use verdict::{Delta, Verdict};
