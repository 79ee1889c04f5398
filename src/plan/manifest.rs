//! What a node keeps about what we manage there: one line an address, the last one wins.

use super::Orphan;
use crate::resource::{Address, Resource};
use std::collections::{BTreeMap, BTreeSet};

/// The manifest of a node, as its observation brought it back.
///
/// Lines of `ADDRESS<TAB>PATH<TAB>DIGEST<TAB>RUN<TAB>secret|plain`; a line whose digest is `-` says that the address is
/// no longer ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    entries: BTreeMap<(String, String), Entry>,
}

/// One thing we made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    address: Address,
    path: String,
    digest: String,
    run: String,
    tainted: bool,
}

impl Manifest {
    /// Reads its text. A line that cannot be read is passed over: it can only make an orphan go unnoticed.
    pub fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split('\t').collect();
            let [address, path, digest, run, taint] = words.as_slice() else {
                continue;
            };
            let Some(parsed) = Address::parse(address) else {
                continue;
            };
            let key = ((*address).to_owned(), (*path).to_owned());
            if *digest == "-" {
                manifest.entries.remove(&key);
                continue;
            }
            manifest.entries.insert(
                key,
                Entry {
                    address: parsed,
                    path: (*path).to_owned(),
                    digest: (*digest).to_owned(),
                    run: (*run).to_owned(),
                    tainted: *taint == "secret",
                },
            );
        }
        manifest
    }

    /// Whether we last wrote this path with a secret in it.
    pub fn is_tainted(&self, path: &str) -> bool {
        self.entries.values().any(|e| e.path == path && e.tainted)
    }

    /// Whether what this address made was last written with a secret in it.
    pub fn is_secret(&self, address: &Address) -> bool {
        let tainted = |e: &Entry| e.tainted && e.address == *address;
        self.entries.values().any(tainted)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is managed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What was made under an address that nothing asks for now. Whether a file is removed is decided once its digest
    /// is known: see [`Manifest::expected`].
    pub fn orphans(&self, resources: &[Resource]) -> Vec<Orphan> {
        let addresses: BTreeSet<String> = resources.iter().map(|r| r.address.to_string()).collect();
        let paths: BTreeSet<&str> = resources
            .iter()
            .flat_map(|r| r.edits.iter().map(|e| e.path.as_str()))
            .collect();
        let mut orphans: Vec<Orphan> = self
            .entries
            .values()
            .filter(|e| !addresses.contains(&e.address.to_string()))
            .filter(|e| e.path.is_empty() || !paths.contains(e.path.as_str()))
            .map(|e| {
                let file = e.address.kind == "file" && !e.path.is_empty();
                Orphan {
                    address: e.address.clone(),
                    path: e.path.clone(),
                    removed: false,
                    why: if file {
                        "no longer wanted".to_owned()
                    } else {
                        "no longer wanted; a run removes only files".to_owned()
                    },
                }
            })
            .collect();
        // What has a running side and files beside it is one thing to people.
        orphans.dedup_by(|a, b| a.address == b.address && a.address.kind != "file");
        orphans
    }

    /// The digest we last wrote to a path that is an orphan file.
    pub fn expected(&self, orphan: &Orphan) -> Option<&str> {
        self.entries
            .get(&(orphan.address.to_string(), orphan.path.clone()))
            .map(|e| e.digest.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_an_address_wins() {
        let manifest = Manifest::parse(
            "base/file:/etc/a\t/etc/a\taa\tr1\tplain\nbase/file:/etc/a\t/etc/a\tbb\tr2\tsecret\nbase/package:x\t\t\tr1\tplain\nbase/package:x\t\t-\tr3\tplain\nbroken\n",
        );
        assert_eq!(manifest.len(), 1);
        assert!(manifest.is_tainted("/etc/a"));
        let address = |text| Address::parse(text).unwrap();
        assert!(manifest.is_secret(&address("base/file:/etc/a")));
        assert!(!manifest.is_secret(&address("base/package:x")));
        let orphans = manifest.orphans(&[]);
        assert_eq!(orphans.len(), 1);
        assert_eq!(manifest.expected(&orphans[0]), Some("bb"));
    }
}
