//! Kinds that live in files alone.

mod authorized_key;
mod block;
mod directory;
mod file;
mod hosts;
mod immutable;
mod ini;
mod known_host;
mod line;
mod of_path;
mod public_key;
mod symlink;
mod tree;

use crate::kind::{Adapter, Erased};

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<file::FileKind>::new(),
    &Adapter::<directory::DirectoryKind>::new(),
    &Adapter::<symlink::SymlinkKind>::new(),
    &Adapter::<immutable::ImmutableKind>::new(),
    &Adapter::<line::LineKind>::new(),
    &Adapter::<block::BlockKind>::new(),
    &Adapter::<ini::IniKind>::new(),
    &Adapter::<hosts::HostsKind>::new(),
    &Adapter::<tree::TreeKind>::new(),
    &Adapter::<authorized_key::AuthorizedKeyKind>::new(),
    &Adapter::<known_host::KnownHostKind>::new(),
];
