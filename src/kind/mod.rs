//! The contract of a kind: the desired state of a step, the observed state, the fate of an orphan. The kinds themselves
//! are in [`kinds`](crate::kinds).

mod adapter;
mod address;
mod answer;
mod contract;
mod edit;
mod facets;
mod file_change;
pub mod lets_in;
mod never_restarted;
mod observe;
mod orphan;
mod payload;
mod permits;
mod progress;
mod running;
mod seen;
pub(crate) mod valid;
pub mod validator;
pub(crate) mod values;
mod verdict;
mod written;

pub(crate) use adapter::Adapter;
pub use address::Address;
pub use answer::{ANSWER_LIMIT, Answer, AnswerError, Section};
pub use contract::{Erased, Kind, Observable, Resource, StepMeta, Target, Want};
pub use edit::{Attributes, Edit, EditChange};
pub use facets::{CutsOff, Depends, Files, Guarding};
pub use file_change::{FileChange, Found};
pub use never_restarted::never_restarted;
pub use observe::Observe;
pub use orphan::{Orphaned, Orphans, OwnedFolder, Retire};
pub use payload::{Payload, SiteFile, is_deb, is_rpm};
pub use permits::Permits;
pub use progress::Progress;
pub use running::{Circumstances, Compared, Manner, Mend, Overwritten, Running, Runs};
pub use seen::{of_kind, seen};
pub use verdict::{Delta, Refusal, Verdict};
pub use written::{Rewrite, Written, concerns};
