//! The contract of a kind: what a step asks for, what is seen, what becomes of it. The kinds themselves are in
//! [`kinds`](crate::kinds).

mod adapter;
mod address;
mod answer;
mod contract;
mod edit;
mod file_change;
pub mod lets_in;
mod never_restarted;
mod observe;
mod orphaned;
mod payload;
mod seen;
pub(crate) mod valid;
pub mod validator;
pub(crate) mod values;
mod verdict;

pub(crate) use adapter::Adapter;
pub use address::Address;
pub use answer::{Answer, AnswerError, Section};
pub use contract::{Erased, Kind, Nothing, Resource, StepMeta, Target, Want};
pub use edit::{Attributes, Edit, EditChange};
pub use file_change::{FileChange, Found};
pub use never_restarted::never_restarted;
pub use observe::Observe;
pub use orphaned::{Folder, Orphaned, Retire};
pub use payload::{Payload, SiteFile, is_deb, is_rpm};
pub use seen::{of_kind, seen};
pub use verdict::{Delta, Verdict};
