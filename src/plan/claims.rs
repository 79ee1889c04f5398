//! The lines of the manifest once an item is done: one for each of its resources.

use super::manifest::PART;
use super::{GONE, Item, Owned, sha256};
use crate::kind::{Address, EditChange, Resource};

/// The manifest's line for one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The resource.
    pub address: Address,
    /// The part of it that is ours.
    pub owned: Owned,
}

/// The claims of an item of a node that is to have these resources.
pub fn claims(item: &Item, resources: &[Resource]) -> Vec<Claim> {
    let Owned {
        path,
        digest,
        secret,
    } = &item.work.owns;
    let claim = |address: &Address| {
        let resource = resources.iter().find(|r| r.address == *address);
        let digest = match resource {
            Some(resource) if is_gone(resource, path) => GONE.to_owned(),
            Some(resource) if path.is_empty() => sha256(resource.value.to_string().as_bytes()),
            Some(resource) if !is_whole(resource, path) => PART.to_owned(),
            _ => digest.clone(),
        };
        let owned = Owned {
            path: path.clone(),
            digest,
            secret: *secret || resource.is_some_and(|r| !r.secrets().is_empty()),
        };
        Claim {
            address: address.clone(),
            owned,
        }
    };
    item.addresses().iter().map(claim).collect()
}

/// Whether a resource is desired absent, so that afterwards nothing of it is ours. (A file that is written to block
/// another one stays ours.)
fn is_gone(resource: &Resource, path: &str) -> bool {
    let whole = |change: &EditChange| matches!(change, EditChange::Whole { .. });
    resource.absent
        && !resource
            .files
            .edits
            .iter()
            .any(|e| e.path == path && whole(&e.change))
}

/// Whether all that is at a path is a resource's own.
fn is_whole(resource: &Resource, path: &str) -> bool {
    let whole =
        |change: &EditChange| matches!(change, EditChange::Whole { .. } | EditChange::Symlink(_));
    let folder = resource.files.folder.as_ref();
    let mut edits = resource.files.edits.iter();
    edits.any(|e| e.path == path && whole(&e.change)) || folder.is_some_and(|f| f.path == path)
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::{address, item, resources};
    use super::*;
    use crate::text::mark;
    use serde_json::{Value as Json, json};

    /// The manifest's digest and taint of these steps, once one item has done all of them at this path.
    fn claimed(steps: &[Json], path: &str) -> Vec<(String, bool)> {
        let resources = resources(steps);
        let mut item = item(0, 0, |_| ());
        item.change.addresses = resources.iter().map(|r| r.address.clone()).collect();
        item.work.owns = Owned {
            path: path.to_owned(),
            digest: "written".to_owned(),
            secret: false,
        };
        let all = claims(&item, &resources).into_iter();
        all.map(|claim| {
            assert_eq!(claim.owned.path, path);
            (claim.owned.digest, claim.owned.secret)
        })
        .collect()
    }

    fn plain(digest: &str) -> Vec<(String, bool)> {
        vec![(digest.to_owned(), false)]
    }

    #[test]
    fn what_is_wholly_ours_is_kept_with_its_digest() {
        for step in [
            json!({ "file": "/etc/a", "content": "x\n" }),
            json!({ "symlink": "/etc/a", "to": "b" }),
            json!({ "tree": "/etc/a", "files": [{ "name": "f", "content": "x\n" }] }),
        ] {
            assert_eq!(claimed(&[step], "/etc/a"), plain("written"));
        }
    }

    #[test]
    fn what_is_ours_in_part_has_no_digest() {
        for step in [
            json!({ "line": "x", "file": "/etc/a" }),
            json!({ "directory": "/etc/a" }),
        ] {
            assert_eq!(claimed(&[step], "/etc/a"), plain(PART));
        }
        // Two that meet in one file are distinguished.
        let both = [
            json!({ "line": "x", "file": "/etc/a" }),
            json!({ "line": "y", "file": "/etc/a" }),
        ];
        assert_eq!(claimed(&both, "/etc/a").len(), 2);
    }

    #[test]
    fn what_is_wanted_absent_is_ours_no_longer() {
        for step in [
            json!({ "file": "/etc/a", "state": "absent" }),
            json!({ "line": "x", "file": "/etc/a", "state": "absent" }),
        ] {
            assert_eq!(claimed(&[step], "/etc/a"), plain(GONE));
        }
        let package = json!({ "package": "p", "state": "absent" });
        assert_eq!(claimed(&[package], ""), plain(GONE));
    }

    #[test]
    fn what_has_no_path_is_kept_with_the_digest_of_what_is_wanted() {
        let [step, other] = ["p", "q"].map(|name| [json!({ "package": name })]);
        let value = resources(&step)[0].value.to_string();
        assert_eq!(claimed(&step, ""), plain(&sha256(value.as_bytes())));
        assert_ne!(claimed(&step, ""), claimed(&other, ""));
    }

    #[test]
    fn a_secret_of_a_resource_taints_its_path() {
        let step = json!({ "file": "/etc/a", "content": format!("key={}\n", mark("pw")) });
        assert_eq!(claimed(&[step], "/etc/a"), [("written".to_owned(), true)]);
    }

    #[test]
    fn of_an_orphan_the_item_itself_says_it() {
        let mut orphan = item(0, 0, |_| ());
        orphan.change.addresses = vec![address("r/file:/etc/a")];
        orphan.work.owns = Owned::no_longer("/etc/a".to_owned());
        let all = claims(&orphan, &[]);
        assert_eq!(all.len(), 1);
        assert!(all[0].owned.is_gone() && !all[0].owned.secret);
    }
}
