//! The kinds of resources, one file each, with their shell beside them.

pub mod cluster;
mod files;
pub mod guests;
pub mod network;
mod packages;
pub mod storage;
mod system;
#[cfg(test)]
mod testing;

use crate::kind::Erased;

/// The kinds of each wing.
const WINGS: [&[&dyn Erased]; 7] = [
    packages::KINDS,
    system::KINDS,
    files::KINDS,
    network::KINDS,
    storage::KINDS,
    cluster::KINDS,
    guests::KINDS,
];

/// Every kind.
pub fn kinds() -> impl Iterator<Item = &'static dyn Erased> {
    WINGS.into_iter().flatten().copied()
}

/// The kind of this name.
pub fn kind_named(name: &str) -> Option<&'static dyn Erased> {
    kinds().find(|k| k.name() == name)
}

#[cfg(test)]
mod tests {
    use crate::shell::{self, ENV, MANIFEST, Pieces};

    #[test]
    fn shellcheck_has_nothing_to_say() {
        let mut all = Pieces::from([ENV, MANIFEST]);
        super::kinds().for_each(|kind| all.add(kind.shell()));
        shell::check(&all.text());
    }
}
