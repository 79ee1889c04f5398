//! Words and numbers of an inventory, parsed once into types that cannot hold nonsense.

pub(in crate::site) mod forms;
pub(in crate::site) mod numbers;
pub mod types;
