//! Completions in a shell: what the site around has, saved plans, and the runs that `log` showed.

use super::{Context, Global, saved};
use crate::role::Library;
use crate::site::Sources;
use crate::survey::Survey;
use clap_complete::CompletionCandidate;
use clap_complete::engine::{PathCompleter, ValueCompleter as _};
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

/// Nodes, groups and saved plans.
pub fn nodes_or_plans(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut all = node_names(current);
    all.extend(plans(current));
    all
}

/// Saved plans, and the folders on the way to them.
pub fn plans(current: &OsStr) -> Vec<CompletionCandidate> {
    let completer = PathCompleter::any().filter(|path| path.is_dir() || saved::is_plan(path));
    completer.complete(current)
}

/// Saved plans, and guests of the site around.
pub fn plans_or_guests(current: &OsStr) -> Vec<CompletionCandidate> {
    let site = around().and_then(|s| s.site);
    let guests = site.iter().flat_map(|s| s.inventory.guest.keys());
    let mut all = beginning(guests, current);
    all.extend(plans(current));
    all
}

/// Zones and cards of the site around.
pub fn wires(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(site) = around().and_then(|s| s.site) else {
        return Vec::new();
    };
    let mut names: BTreeSet<String> = site
        .inventory
        .zone
        .keys()
        .map(|zone| AsRef::<str>::as_ref(zone).to_owned())
        .collect();
    for node in site.node_names() {
        let devices = site.devices(node).into_iter();
        names.extend(devices.filter(|d| d.mac.is_some()).map(|d| d.name));
    }
    beginning(names, current)
}

/// The shipped roles, and those of the site around.
pub fn library() -> Library {
    let (mut sources, mut findings) = (Sources::default(), Vec::new());
    match here().site_dir() {
        Ok(dir) => Library::load(&dir, &mut sources, &mut findings),
        Err(_) => Library::of([], &mut sources, &mut findings),
    }
}

/// The runs that `log` showed.
pub fn runs(current: &OsStr) -> Vec<CompletionCandidate> {
    let known = shown_runs().and_then(|file| std::fs::read_to_string(file).ok());
    beginning(known.unwrap_or_default().lines(), current)
}

/// Keeps the names of runs that are shown, for their completion. It does without where nothing can be written.
pub fn keep_runs<'a>(runs: impl Iterator<Item = &'a str>) {
    let Some(file) = shown_runs() else {
        return;
    };
    let runs: BTreeSet<&str> = runs.collect();
    let text: String = runs.iter().map(|run| format!("{run}\n")).collect();
    if let Some(folder) = file.parent()
        && std::fs::create_dir_all(folder).is_ok()
    {
        _ = crate::report::write_whole(&file, text.as_bytes(), 0o600);
    }
}

/// The file with the runs that `log` showed.
fn shown_runs() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("nodewright/runs"))
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
    here().survey().ok()
}

/// A command in the site that the unfinished line names.
fn here() -> Context {
    Context::new(Global {
        site: named_site(std::env::args_os()).into_iter().collect(),
        ..Global::default()
    })
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
