//! Comparing, folding edits, ordering into stages and waves. Pure.

mod model;

pub use model::{Change, Diff, Later, NodePlan, Orphan, Plan, Remark};
