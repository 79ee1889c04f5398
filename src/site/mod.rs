//! The site: what the operator wrote, typed and complete with its defaults.
//!
//! [`load`] reads a site's folder and says everything that is wrong with it at once. The flow is
//! `source → tree → shape → inventory → references`; [`Site`] is the result, and `model` what templates see of it.

pub mod device;
mod devices;
pub mod fencing;
mod finding;
pub mod firewall;
mod hosts;
pub mod inventory;
pub mod keys;
pub mod knock;
mod load;
pub mod machines;
pub mod membership;
mod model;
pub mod network;
mod numbers;
mod references;
mod schema;
pub mod secrets;
mod select;
pub mod shape;
mod source;
mod toml10;
mod tree;
pub mod types;
mod wires;
mod words;

pub use finding::{Finding, Severity, any_of, did_you_mean, shown};
pub use load::{Loaded, Overrides, load, load_str, schema};
pub use model::Login;
pub use select::SelectError;
pub use source::{FileId, Location, Place, Sources};
pub use tree::{Table, Tree, Value, merge, parse};
pub use wires::Wire;

use inventory::Inventory;

/// A site that is sound as far as its types and names go.
#[derive(Clone, Debug)]
pub struct Site {
    /// What is written, with its defaults.
    pub inventory: Inventory,
    tree: Tree,
    overrides: Overrides,
    keys: keys::Keys,
    digest: String,
}

#[cfg(test)]
mod tests;
