//! Comparing, folding edits, ordering into stages and waves. Pure.

pub mod diff;
pub mod fold;
mod model;

pub use model::{Change, Diff, Later, NodePlan, Orphan, Plan, Remark};
