//! Reading a site's folder.

use super::keys::Keys;
use super::tables::inventory::Inventory;
use super::text::finding::{Finding, Severity};
use super::text::source::Sources;
use super::text::{shape, tree};
use super::{Overrides, Site, Tree, inherit, references};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The result of reading a site.
#[derive(Debug)]
pub struct Loaded {
    /// The files that were read, for the places of findings.
    pub sources: Sources,
    /// The site, unless its syntax or types are wrong.
    pub site: Option<Site>,
    /// All findings. A site with an error among them is not used any further.
    pub findings: Vec<Finding>,
}

impl Loaded {
    /// The site, when nothing in it is an error.
    pub fn sound(&self) -> Option<&Site> {
        let wrong = self.findings.iter().any(|f| f.severity == Severity::Error);
        self.site.as_ref().filter(|_| !wrong)
    }
}

/// Reads the site in a folder: `inventory.toml`, or all of `inventory/*.toml` by name, or both.
///
/// Never fails: a file that cannot be read is a finding too.
pub fn load(dir: &Path, overrides: &Overrides) -> Loaded {
    let mut sources = Sources::default();
    let mut findings = Vec::new();
    let paths = inventory_files(dir, &mut findings);
    let mut whole: Option<Tree> = None;
    for path in paths {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                findings.push(Finding::unread(&path, &error));
                continue;
            }
        };
        let file = sources.add(path, text);
        let one = tree::parse(&sources, file, &mut findings);
        match &mut whole {
            None => whole = Some(one),
            Some(whole) => tree::merge(whole, one, &sources, &mut findings),
        }
    }
    let own = dir.join("known_hosts");
    let known_hosts = overrides.known_hosts.as_ref().unwrap_or(&own);
    let own = dir.join(super::keys::FOLDER);
    let root_keys = overrides.root_keys.as_ref().unwrap_or(&own);
    let keys = Keys::load(known_hosts, root_keys, &mut findings);
    finish(sources, whole, keys, overrides, findings)
}

/// Reads an inventory that is one text. Its places are in a file called `inventory.toml`.
pub fn load_str(text: &str) -> Loaded {
    let mut sources = Sources::default();
    let mut findings = Vec::new();
    let file = sources.add("inventory.toml", text);
    let whole = tree::parse(&sources, file, &mut findings);
    finish(
        sources,
        Some(whole),
        Keys::default(),
        &Overrides::default(),
        findings,
    )
}

/// The JSON Schema of an inventory.
pub fn schema() -> Json {
    cached_schema().clone()
}

fn cached_schema() -> &'static Json {
    static SCHEMA: OnceLock<Json> = OnceLock::new();
    SCHEMA.get_or_init(|| schemars::schema_for!(Inventory).to_value())
}

fn inventory_files(dir: &Path, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let one = dir.join("inventory.toml");
    if one.is_file() {
        paths.push(one);
    }
    if let Ok(entries) = std::fs::read_dir(dir.join("inventory")) {
        let mut more: Vec<_> = entries
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| p.extension().is_some_and(|e| e == "toml") && p.is_file())
            .filter(|p| {
                !p.file_name()
                    .is_some_and(|n| n.to_string_lossy().starts_with('.'))
            })
            .collect();
        more.sort();
        paths.extend(more);
    }
    if paths.is_empty() {
        findings.push(
            Finding::error("FILE", format!("no site in {}", dir.display())).help(
                "a site has `inventory.toml` or `inventory/*.toml`; `nodewright init` makes one",
            ),
        );
    }
    paths
}

fn finish(
    mut sources: Sources,
    tree: Option<Tree>,
    keys: Keys,
    overrides: &Overrides,
    mut findings: Vec<Finding>,
) -> Loaded {
    // After an error of syntax the tree has holes; what it seems to lack would be noise.
    let site = tree.filter(|_| findings.is_empty()).and_then(|mut tree| {
        let shared = inherit::guests(&mut tree);
        shape::check(&tree, cached_schema(), &mut findings);
        inherit::each_once(&shared, &mut findings);
        if !findings.is_empty() {
            return None;
        }
        let inventory: Inventory = shape::read(&tree, &mut findings)?;
        let mut whole = Vec::new();
        for (_, text) in sources.files() {
            whole.extend(text.len().to_le_bytes());
            whole.extend(text.bytes());
        }
        if let Some(platform) = overrides.platform {
            whole.extend(platform.word().bytes());
        }
        for (node, platform) in &overrides.nodes {
            whole.extend(format!("\0{node}\0{platform}").bytes());
        }
        whole.push(u8::from(overrides.containers));
        whole.extend(keys.bytes());
        Some(Site {
            inventory,
            digest: crate::digest::sha256(&whole),
            tree,
            overrides: overrides.clone(),
            keys,
            provided: super::Provided::new(),
        })
    });
    if let Some(site) = &site {
        references::check(site, &mut findings);
    }
    for finding in &findings {
        if finding.code == shape::IN_CLEAR
            && let Some(place) = finding.place
        {
            sources.hide(place);
        }
    }
    findings.sort_by_key(|f| f.place.map(|p| (p.file, p.start)));
    Loaded {
        sources,
        site,
        findings,
    }
}
