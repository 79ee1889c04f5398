//! The files of a node as far as the site alone says them: whole ones, and what is edited of others.

use crate::kind::{EditChange, Resource};
use crate::plan::fold::{EditRequest, PathSeen, fold};
use crate::role::files;
use crate::text::Vault;
use indexmap::IndexMap;

/// A file as it is to be on a node, secrets masked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RenderedFile {
    /// Its path on the node.
    pub path: String,
    /// Its mode, octal digits.
    pub mode: String,
    /// Its content; a secret is shown as `‹secret NAME›`.
    pub content: String,
    /// The file is not ours: this is all that is edited of it, and the rest is known on the node alone.
    pub edit: bool,
}

/// Every file that these resources write or edit, by path: [the whole ones](files), then those of which lines, blocks
/// or keys are edited, as they would be with no other content.
pub fn rendered(resources: &[&Resource]) -> Vec<RenderedFile> {
    let owned: Vec<Resource> = resources.iter().map(|r| (*r).clone()).collect();
    let laid_over = |path: &str| {
        let of = |r: &&&Resource| r.files.rendered.as_ref().is_some_and(|(p, _)| p == path);
        resources.iter().find(of).is_some_and(|r| r.files.laid_over)
    };
    let mut all: Vec<RenderedFile> = files(&owned)
        .into_iter()
        .map(|(path, content)| {
            let usual = if content.is_tainted() { "0600" } else { "0644" };
            RenderedFile {
                mode: mode(resources, &path).unwrap_or(usual).to_owned(),
                content: content.masked(),
                edit: laid_over(&path),
                path,
            }
        })
        .collect();
    all.extend(edited(resources));
    all
}

/// The mode that a step says for a file, or for the files of its folder.
fn mode<'a>(resources: &[&'a Resource], path: &str) -> Option<&'a str> {
    resources.iter().find_map(|r| {
        let own = r.files.edits.iter().find(|edit| edit.path == path);
        let own = own.and_then(|edit| edit.attributes.mode.as_deref());
        let folder = r.files.folder.as_ref().filter(|folder| {
            let name = path
                .strip_prefix(&folder.path)
                .and_then(|p| p.strip_prefix('/'));
            folder
                .files
                .iter()
                .any(|(file, _)| Some(file.as_str()) == name)
        });
        own.or_else(|| folder.and_then(|_| r.value["mode"].as_str()))
    })
}

/// The edits of files that are not wholly Nodewright's.
fn edited(resources: &[&Resource]) -> Vec<RenderedFile> {
    let mut paths: IndexMap<&str, Vec<EditRequest<'_>>> = IndexMap::new();
    let mut masks = Vault::new();
    for resource in resources {
        for edit in &resource.files.edits {
            let request = EditRequest {
                address: &resource.address,
                edit,
            };
            paths.entry(&edit.path).or_default().push(request);
        }
        for name in resource.secrets() {
            let mask = format!("‹secret {name}›");
            masks.insert(name.clone(), mask);
        }
    }
    let whole = |requests: &Vec<EditRequest<'_>>| {
        let whole = |r: &EditRequest<'_>| matches!(r.edit.change, EditChange::Whole { .. });
        requests.iter().any(whole)
    };
    let edits = paths.iter().filter(|(_, requests)| !whole(requests));
    edits
        .filter_map(|(path, requests)| {
            let folded = fold(path, requests, &PathSeen::absent(), &masks).ok()?;
            Some(RenderedFile {
                path: (*path).to_owned(),
                mode: folded.attributes.mode,
                content: String::from_utf8_lossy(&folded.content?).into_owned(),
                edit: true,
            })
        })
        .filter(|file| !file.content.is_empty())
        .collect()
}
