//! Every decision of a run. Pure: comparing, folding edits, ordering into stages and waves, `once` steps of a cluster,
//! the sections that members share, approval, and the result of a wave.

mod approved;
pub mod checkout;
mod claims;
mod decide;
pub mod diff;
pub mod fold;
#[cfg(test)]
mod for_tests;
pub mod guarded;
mod intent;
mod item;
mod kind_item;
mod manifest;
mod model;
pub mod once;
mod order;
pub mod orphan;
mod path_item;
mod paths;
pub mod reached;
mod recap;
mod select;
mod shared;
mod wave;

pub use crate::digest::sha256;
pub use approved::{Approved, Barred};
pub use claims::{Claim, claims};
pub use decide::{Decided, Desired, Gone, below};
pub use intent::Intent;
pub use item::{Content, Item, Owned, PlannedStep};
pub use manifest::{GONE, Manifest, PART};
pub use model::{
    Change, Diff, FileDiff, Later, NodePlan, Orphan, Plan, Remark, Unshown, Waiting, Weight,
};
pub use paths::Paths;
pub use reached::Undone;
pub use recap::{Recap, RunEnd};
pub use select::Selection;
pub use shared::share;
pub use wave::{Held, Situation, Wave, next_wave, say_who_is_awaited};
