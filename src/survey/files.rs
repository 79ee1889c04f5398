//! The files of a node whose whole content the site declares.

use crate::kind::{EditChange, Resource};
use crate::text::Text;
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
    let mut files: IndexMap<String, RenderedFile> = IndexMap::new();
    let mut add = |path: &str, mode: Option<&str>, content: &Text| {
        let file = RenderedFile {
            path: path.to_owned(),
            mode: mode.unwrap_or("0644").to_owned(),
            content: content.masked(),
        };
        files.insert(path.to_owned(), file);
    };
    for resource in resources {
        for edit in &resource.files.edits {
            if let EditChange::Whole { content, .. } = &edit.change {
                add(&edit.path, edit.attributes.mode.as_deref(), content);
            }
        }
        let mode = resource.value["mode"].as_str();
        if let Some(folder) = &resource.files.folder {
            for (name, content) in &folder.files {
                let usual = if content.is_tainted() { "0600" } else { "0644" };
                let path = format!("{}/{name}", folder.path);
                add(&path, Some(mode.unwrap_or(usual)), content);
            }
        }
    }
    files.into_values().collect()
}
