//! Completions in a shell: nodes, groups and addresses of the site around.

use super::{Context, Global};
use crate::survey::Survey;
use clap_complete::CompletionCandidate;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Nodes and groups of the site around, as far as it can be read.
pub fn node_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(site) = around().and_then(|s| s.site) else {
        return Vec::new();
    };
    beginning(site.node_names().chain(site.groups()), current)
}

/// Guests of the site around, as far as it can be read.
pub fn guest_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(site) = around().and_then(|s| s.site) else {
        return Vec::new();
    };
    let guests = site.inventory.guest.keys().map(ToString::to_string);
    beginning(guests, current)
}

/// Addresses of all resources of the site around, and of all of a role.
pub fn addresses(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(survey) = around() else {
        return Vec::new();
    };
    let resources = survey.nodes.values().flat_map(|n| &n.resources);
    let named = resources.flat_map(|r| [format!("{}/*", r.address.role), r.address.to_string()]);
    let named: BTreeSet<String> = named.collect();
    beginning(named, current)
}

/// Those of some names that begin with what was typed.
pub fn beginning<S: AsRef<str>>(
    names: impl IntoIterator<Item = S>,
    current: &OsStr,
) -> Vec<CompletionCandidate> {
    let typed = current.to_str();
    let names = names.into_iter();
    let names = names.filter(|n| typed.is_some_and(|typed| n.as_ref().starts_with(typed)));
    names
        .map(|n| CompletionCandidate::new(n.as_ref()))
        .collect()
}

/// The site around, as far as it can be read.
fn around() -> Option<Survey> {
    let context = Context::new(Global {
        site: named_site(std::env::args_os()).into_iter().collect(),
        ..Global::default()
    });
    context.survey().ok()
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
