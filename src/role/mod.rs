//! Roles: what a node is to be, in TOML files and templates, expanded into resources.

mod filters;
mod head;
pub mod template;
pub mod units;

pub use head::Head;
