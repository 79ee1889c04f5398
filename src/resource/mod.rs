//! What a node can be asked to be: the kinds, one file each, and what they share.

mod address;
mod answer;
mod edit;
mod kind;
mod kinds;
mod never_restarted;
mod observe;
mod package;
mod platform;
mod service;
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
