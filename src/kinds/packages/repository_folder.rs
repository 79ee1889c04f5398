//! A repository whose packages are in a folder of the site: pushed to the node, and served to its package tool there.

use crate::kind::{Answer, Delta, Observe, Payload, SiteFile, is_deb, is_rpm};
use crate::sh::Call;
use crate::text::size;
use std::collections::{BTreeMap, BTreeSet};

/// The place where folders lie on a node. Not below `/var/lib/nodewright`, which is root's alone: apt reads as `_apt`.
pub(super) const PLACE: &str = "/var/lib/nodewright-packages";
const SECTION: &str = "repository.files";

/// A folder of packages in the site. A step names it; its content is read when the step is rendered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packages {
    /// Its path within the site.
    folder: String,
    /// Its packages and their metadata.
    files: Vec<SiteFile>,
}

/// A file of the site, as text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct SiteText(pub(super) String);

/// The content of a pushed folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pushed {
    /// SHA-256 of each file, by its path below the folder.
    files: BTreeMap<String, String>,
    /// Files that are not root's, or not readable by everybody.
    odd: Vec<String>,
}

impl Packages {
    /// The folder's files by their path below it.
    fn named(&self) -> impl Iterator<Item = (&str, &SiteFile)> {
        self.files.iter().map(|file| {
            let name = file.path.strip_prefix(&self.folder).unwrap_or(&file.path);
            (name.trim_start_matches('/'), file)
        })
    }

    /// Whether it has a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.named().any(|(n, _)| n == name)
    }

    /// The differences, package by package; metadata in one.
    pub(super) fn deltas(&self, seen: &Pushed) -> Vec<Delta> {
        let is_package = |name: &str| is_rpm(name) || is_deb(name);
        let short = |sha256: &str| format!("sha256 {}", sha256.get(..12).unwrap_or(sha256));
        let mut deltas = Vec::new();
        let mut metadata = None;
        for (name, file) in self.named() {
            let found = seen.files.get(name);
            if found == Some(&file.sha256) {
                continue;
            }
            let to = short(&file.sha256);
            let from = found.map_or("absent".to_owned(), |sha256| short(sha256));
            if is_package(name) {
                let to = format!("{}, {to}", size(file.bytes));
                deltas.push(Delta::new(name, from, to));
            } else if metadata.is_none() || ["repodata/repomd.xml", "Packages"].contains(&name) {
                metadata = Some((from, to));
            }
        }
        let wanted: BTreeSet<&str> = self.named().map(|(name, _)| name).collect();
        for name in seen.files.keys().filter(|n| !wanted.contains(n.as_str())) {
            if is_package(name) {
                deltas.push(Delta::new(name, "there", "absent"));
            } else if metadata.is_none() {
                metadata = Some(("other files".to_owned(), "those of the site".to_owned()));
            }
        }
        let metadata = metadata.map(|(from, to)| Delta::new("metadata", from, to));
        deltas.extend(metadata);
        for path in &seen.odd {
            deltas.push(Delta::new(
                path,
                "changed rights",
                "root's, readable by all",
            ));
        }
        deltas
    }

    /// The files to bring to the node: those that are missing there, or differ.
    fn needed<'a>(&'a self, seen: &'a Pushed) -> impl Iterator<Item = (&'a str, &'a SiteFile)> {
        let differs = |(name, file): &(&str, &SiteFile)| {
            let found = seen.files.get(*name);
            found != Some(&file.sha256)
        };
        self.named().filter(differs)
    }

    pub(super) fn contents(&self, seen: &Pushed) -> Vec<Payload> {
        let files = self.needed(seen).map(|(_, file)| file.clone());
        files.map(Payload::File).collect()
    }

    /// The calls that make the folder of this repository; its contents are counted from `blob`.
    pub(super) fn push(&self, id: &str, seen: &Pushed, mut blob: usize) -> Call {
        let needed: BTreeMap<&str, &SiteFile> = self.needed(seen).collect();
        let stay = self.named().map(|(name, _)| name);
        let stay = stay.filter(|name| !needed.contains_key(name));
        let mut call = Call::new("nw_repository_folder").arg(id);
        call = call.args(stay.flat_map(|name| [name, "-"]));
        for (name, _) in self.needed(seen) {
            call = call.arg(name).blob(blob);
            blob += 1;
        }
        call
    }
}

impl Pushed {
    /// Asks for the folders of these repositories.
    pub(super) fn observe(ids: Vec<String>, observe: &mut Observe) {
        if !ids.is_empty() {
            observe.section(SECTION, Call::new("nw_repository_files").args(ids));
        }
    }

    /// Parses the observed state of one repository's folder.
    pub(super) fn read(id: &str, answer: &Answer) -> Result<Self, String> {
        let section = answer
            .get(SECTION)
            .ok_or("the pushed packages were not observed")?;
        if section.status != 0 {
            return Err(format!(
                "looking at the pushed packages ended with status {}",
                section.status
            ));
        }
        let mut seen = Self::default();
        for line in section.text().lines() {
            let Some((word, path)) = line.split_once("  ") else {
                return Err(format!("unexpected answer `{line}`"));
            };
            let Some(name) = path
                .strip_prefix(PLACE)
                .and_then(|p| p.strip_prefix('/')?.strip_prefix(id))
            else {
                continue;
            };
            if word == "odd" && (name.is_empty() || name.starts_with('/')) {
                seen.odd.push(path.to_owned());
            } else if let Some(name) = name.strip_prefix('/') {
                seen.files.insert(name.to_owned(), word.to_owned());
            }
        }
        Ok(seen)
    }
}

/// The schema of a path within the site; `what` is what a role's step gets of it.
fn path_schema(what: &str) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "site-path", "x-nodewright": what })
}

impl schemars::JsonSchema for Packages {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Packages".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        path_schema("packages")
    }
}

impl schemars::JsonSchema for SiteText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SiteText".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        path_schema("text")
    }
}

#[cfg(test)]
#[path = "repository_folder_tests.rs"]
mod tests;
