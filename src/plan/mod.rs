//! Comparing, folding edits, ordering into stages and waves. Pure.

mod decide;
pub mod diff;
pub mod fold;
pub mod guarded;
mod intent;
mod kind_item;
mod manifest;
mod model;
mod order;
pub mod orphan;
mod path_item;
mod paths;
mod select;
mod wave;

pub use decide::{Content, Decided, Step, Wanted, below};
pub use intent::Intent;
pub use manifest::{GONE, Manifest, PART};
pub use model::{Change, Diff, FileDiff, Later, NodePlan, Orphan, Plan, Remark, Unshown, Weight};
pub use paths::{Paths, sha256};
pub use select::Selection;
pub use wave::{Held, Share, wave};
