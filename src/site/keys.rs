//! Public keys that lie in a site's folder beside its inventory: the nodes' host keys as they were pinned, and the
//! public halves of the keys by which root goes from node to node.

use super::text::finding::Finding;
use std::collections::BTreeMap;
use std::path::Path;

/// The folder of public keys in a site.
pub const FOLDER: &str = "keys";

/// Public keys by node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Host keys, each `TYPE KEY`, out of the site's `known_hosts`.
    pub host: BTreeMap<String, Vec<String>>,
    /// The public half of root's key, `TYPE KEY COMMENT`, out of `keys/root-NODE.pub`.
    pub root: BTreeMap<String, String>,
}

/// The name of the secret that holds the private half of root's key on a node.
pub fn root_secret(node: &str) -> String {
    format!("root-ssh-{node}")
}

/// The file of the public half, in the site's folder.
pub fn root_file(node: &str) -> String {
    format!("{FOLDER}/root-{node}.pub")
}

impl Keys {
    /// Reads the keys that exist; none is required. `known_hosts` and the folder of root's keys are the site's own, or
    /// a lab's.
    pub fn load(known_hosts: &Path, root_keys: &Path, findings: &mut Vec<Finding>) -> Self {
        let mut keys = Self::default();
        if let Some(text) = read(known_hosts, findings) {
            keys.host = hosts(&text);
        }
        let entries = std::fs::read_dir(root_keys).into_iter().flatten();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(node) = name
                .strip_prefix("root-")
                .and_then(|n| n.strip_suffix(".pub"))
            else {
                continue;
            };
            if let Some(text) = read(&entry.path(), findings) {
                keys.root.insert(node.to_owned(), text.trim().to_owned());
            }
        }
        keys
    }

    /// All of it as bytes, for a digest.
    pub(super) fn bytes(&self) -> Vec<u8> {
        format!("{self:?}").into_bytes()
    }
}

fn read(path: &Path, findings: &mut Vec<Finding>) -> Option<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            findings.push(Finding::unread(path, &error));
            None
        }
    }
}

/// The keys of a `known_hosts` by every plain name of its lines; hashed names and marked lines are passed over.
fn hosts(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let mut words = line.split_whitespace();
        let (Some(names), Some(kind), Some(key)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if names.starts_with(['#', '@', '|']) {
            continue;
        }
        for name in names.split(',') {
            let keys = all.entry(name.to_owned()).or_default();
            let key = format!("{kind} {key}");
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_every_plain_name() {
        let found = hosts(
            "# pinned\nnode1,10.0.2.1 ssh-rsa AAAA\nnode1 ssh-ed25519 BBBB a comment\n|1|x|y ssh-rsa CCCC\n@revoked node1 ssh-rsa DDDD\nshort\n",
        );
        assert_eq!(found["node1"], ["ssh-rsa AAAA", "ssh-ed25519 BBBB"]);
        assert_eq!(found["10.0.2.1"], ["ssh-rsa AAAA"]);
        assert_eq!(found.len(), 2);
    }
}
