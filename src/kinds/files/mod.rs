//! Kinds that live in files alone.

mod authorized_key;
mod block;
mod directory;
mod file;
mod hosts;
mod ini;
mod known_host;
mod line;
mod public_key;
mod symlink;
mod tree;

use crate::kind::{Adapter, Erased};

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<file::File>::new(),
    &Adapter::<directory::Directory>::new(),
    &Adapter::<symlink::Symlink>::new(),
    &Adapter::<line::Line>::new(),
    &Adapter::<block::Block>::new(),
    &Adapter::<ini::Ini>::new(),
    &Adapter::<hosts::Hosts>::new(),
    &Adapter::<tree::Tree>::new(),
    &Adapter::<authorized_key::AuthorizedKey>::new(),
    &Adapter::<known_host::KnownHost>::new(),
];
