//! The registry: one line a kind.

use super::kind::{Adapter, Erased};

/// Every kind, by name.
pub static KINDS: &[&dyn Erased] = &[
    &Adapter::<super::package::Package>::new(),
    &Adapter::<super::repository::Repository>::new(),
    &Adapter::<super::service::Service>::new(),
    &Adapter::<super::sysctl::Sysctl>::new(),
    &Adapter::<super::file::File>::new(),
    &Adapter::<super::directory::Directory>::new(),
    &Adapter::<super::symlink::Symlink>::new(),
    &Adapter::<super::line::Line>::new(),
    &Adapter::<super::block::Block>::new(),
    &Adapter::<super::ini::Ini>::new(),
    &Adapter::<super::hosts::Hosts>::new(),
    &Adapter::<super::authorized_key::AuthorizedKey>::new(),
    &Adapter::<super::known_host::KnownHost>::new(),
    &Adapter::<super::cron::Cron>::new(),
];

/// The kind of this name.
pub fn kind_named(name: &str) -> Option<&'static dyn Erased> {
    KINDS.iter().copied().find(|k| k.name() == name)
}
