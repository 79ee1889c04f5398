//! Completions in a shell: nodes and groups of the site around.

use super::{Context, Global};
use clap_complete::CompletionCandidate;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Nodes and groups of the site around, as far as it can be read.
pub fn node_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let context = Context::new(Global {
        site: named_site(std::env::args_os()),
        ..Global::default()
    });
    let Some(site) = context.survey().ok().and_then(|s| s.site) else {
        return Vec::new();
    };
    let names = site.node_names().chain(site.groups());
    names
        .filter(|name| current.to_str().is_some_and(|c| name.starts_with(c)))
        .map(CompletionCandidate::new)
        .collect()
}

/// The folder that `-C` or `--site` names in a line that is not finished.
fn named_site(words: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let words: Vec<_> = words.collect();
    let after = words
        .windows(2)
        .rfind(|pair| pair[0] == "-C" || pair[0] == "--site")
        .map(|pair| pair[1].clone());
    let glued = |word: &OsString| Some(word.to_str()?.strip_prefix("--site=")?.into());
    after
        .or_else(|| words.iter().rev().find_map(glued))
        .map(PathBuf::from)
}
