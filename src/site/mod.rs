//! The site as the operator wrote it, typed and complete with its defaults.
//!
//! [`load`] reads a site's folder and reports all of its errors at once. The flow is
//! `source → tree → shape → inventory → references`; [`Site`] is the result, and `model` the view of it for templates.

mod inherit;
pub mod keys;
mod load;
pub mod provided;
mod references;
mod rehearsal;
pub mod resolved;
pub mod secrets;
pub mod tables;
pub mod text;
pub mod words;

pub use load::{Loaded, load, load_str, schema};
pub use provided::{Provided, Provision};
pub use rehearsal::Overrides;
pub use resolved::{
    Login, MODEL_OF_CLUSTER, MODEL_OF_GUEST, MODEL_OF_MIRROR, MODEL_OF_POOL, SelectError, Wire,
};
pub use text::{
    FileId, Finding, Location, Place, Severity, Sources, Table, Tree, Value, any_of, did_you_mean,
    merge, parse, shown, windows_lines,
};

use tables::inventory::Inventory;

/// A site that is sound as far as its types and names go.
#[derive(Clone, Debug)]
pub struct Site {
    /// The inventory as it is written, with its defaults.
    pub inventory: Inventory,
    tree: Tree,
    overrides: Overrides,
    keys: keys::Keys,
    provided: Provided,
    digest: String,
}

#[cfg(test)]
mod tests;
