//! The manifest of a node: the record of everything managed there, one line an address; the last line wins.

use crate::kind::Address;
use std::collections::BTreeMap;

/// The digest of a path that is not ours alone: lines or keys of a file, the mode of a folder.
pub const PART: &str = "part";

/// The digest of what is no longer ours.
pub const GONE: &str = "-";

/// The manifest of a node, as it was observed.
///
/// Lines of `ADDRESS<TAB>PATH<TAB>DIGEST<TAB>RUN<TAB>secret|plain`. The digest `-` ends the claim to an address;
/// [`PART`] marks a path that is ours in part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    entries: BTreeMap<(String, String), ManifestEntry>,
}

/// One thing we made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ManifestEntry {
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
            if *digest == GONE {
                manifest.entries.remove(&key);
                continue;
            }
            manifest.entries.insert(
                key,
                ManifestEntry {
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

    /// Whether a path of this address was last written with a secret in it.
    pub fn is_secret(&self, address: &Address) -> bool {
        let tainted = |e: &ManifestEntry| e.tainted && e.address == *address;
        self.entries.values().any(tainted)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is managed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries: address and path, which is empty for what has none.
    pub fn entries(&self) -> impl Iterator<Item = (&Address, &str)> {
        self.entries.values().map(|e| (&e.address, e.path.as_str()))
    }

    /// The digest of what we last wrote to a path under this address.
    pub fn expected(&self, address: &Address, path: &str) -> Option<&str> {
        let key = (address.to_string(), path.to_owned());
        self.entries.get(&key).map(|e| e.digest.as_str())
    }

    /// Whether this was the last that was written to a path, wholly ours.
    pub fn wrote(&self, path: &str, digest: &str) -> bool {
        let whole = !path.is_empty() && digest != PART && !digest.is_empty();
        whole
            && self
                .entries
                .values()
                .any(|e| e.path == path && e.digest == digest)
    }

    /// The paths of an address; an empty one for an address without any.
    pub fn paths(&self, address: &Address) -> Vec<String> {
        let mine = self.entries().filter(|(a, _)| *a == address);
        mine.map(|(_, path)| path.to_owned()).collect()
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
        let address = address("base/file:/etc/a");
        assert_eq!(manifest.expected(&address, "/etc/a"), Some("bb"));
        assert!(manifest.wrote("/etc/a", "bb") && !manifest.wrote("/etc/a", "aa"));
        assert_eq!(manifest.paths(&address), ["/etc/a"]);
    }
}
