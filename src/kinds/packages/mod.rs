//! Packages and where they come from.

mod package;
mod package_version;
mod repository;
mod repository_folder;

use crate::kind::{Adapter, Erased};

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<package::PackageKind>::new(),
    &Adapter::<repository::RepositoryKind>::new(),
];
