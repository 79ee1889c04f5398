//! The registry: one line a kind.

use super::kind::{Adapter, Erased};

/// Every kind, by name.
pub static KINDS: &[&dyn Erased] = &[
    &Adapter::<super::package::Package>::new(),
    &Adapter::<super::service::Service>::new(),
];

/// The kind of this name.
pub fn kind_named(name: &str) -> Option<&'static dyn Erased> {
    KINDS.iter().copied().find(|k| k.name() == name)
}
