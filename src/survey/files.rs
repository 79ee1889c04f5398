//! The files of a node whose whole content the site says.

use crate::resource::{EditChange, Resource};
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
}

/// Every file whose whole content these resources say, in the order of their steps. Edits of single lines are not in
/// it: what they come to is known only on the node.
pub fn rendered(resources: &[&Resource]) -> Vec<RenderedFile> {
    let mut files: IndexMap<&str, RenderedFile> = IndexMap::new();
    for edit in resources.iter().flat_map(|r| &r.edits) {
        if let EditChange::Whole { content, .. } = &edit.change {
            let mode = edit.attributes.mode.clone();
            let file = RenderedFile {
                path: edit.path.clone(),
                mode: mode.unwrap_or_else(|| "0644".to_owned()),
                content: content.masked(),
            };
            files.insert(&edit.path, file);
        }
    }
    files.into_values().collect()
}
