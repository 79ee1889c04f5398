//! The text of an inventory: TOML with the place of every value, its shape, and what is wrong with it.

pub mod editors;
pub(in crate::site) mod finding;
pub(in crate::site) mod schema;
pub mod shape;
pub(in crate::site) mod source;
pub(in crate::site) mod toml10;
pub(in crate::site) mod tree;

pub use crate::text::did_you_mean;
pub use finding::{Finding, Severity, any_of, shown};
pub use source::{FileId, Location, Place, Sources};
pub use tree::{Table, Tree, Value, merge, parse, windows_lines};
