//! Rules that a sound cluster meets, decided from the site alone, before any node is touched.
//!
//! A rule is one function in a file named after its topic, and one line in [`RULES`].

mod accept;
mod addresses;
mod bonds;
mod cluster;
mod devices;
mod fencing;
mod firewall;
mod guests;
mod people;
mod routes;
mod services;
mod storage;
mod ways;

pub use accept::Judged;

use crate::site::words::types::Date;
use crate::site::{Finding, Place, Severity, Site};
use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;

/// One thing that must hold.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its stable code.
    pub code: &'static str,
    /// Whether it can be lived with.
    pub severity: Severity,
    /// The requirement, in one sentence.
    pub title: &'static str,
    /// The consequence of breaking it.
    pub why: &'static str,
    /// Sections of `docs/facts` that say why so, with their sources: `membership#two-nodes`. None where the rule is of the
    /// site's own words alone.
    pub facts: &'static [&'static str],
    /// Adds a finding for each violation. [`run`] fills in code and severity.
    pub check: fn(&Site, &mut Vec<Finding>),
}

/// Every rule, by topic.
pub static RULES: &[&[Rule]] = &[
    cluster::RULES,
    fencing::RULES,
    addresses::RULES,
    devices::RULES,
    bonds::RULES,
    routes::RULES,
    ways::RULES,
    firewall::RULES,
    storage::RULES,
    guests::RULES,
    people::RULES,
    services::RULES,
    accept::RULES,
];

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().flatten()
}

/// The rule of this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    all().find(|r| r.code == code)
}

/// Runs every rule: errors first, each kind in the order of its places. Accepted findings are set apart; an acceptance
/// that has expired is itself a finding.
pub fn run(site: &Site, today: &Date) -> Judged {
    let mut findings = Vec::new();
    for rule in all() {
        findings.extend(judge(rule, site));
    }
    let mut judged = accept::apply(site, today, findings);
    judged.findings.sort_by_key(|f| {
        (
            std::cmp::Reverse(f.severity),
            f.place.map(|p| (p.file, p.start)),
        )
    });
    judged
}

/// The findings of one rule, accepted ones included.
pub fn judge(rule: &Rule, site: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    (rule.check)(site, &mut findings);
    for finding in &mut findings {
        finding.code = rule.code;
        finding.severity = rule.severity;
    }
    findings
}

/// A finding of a rule; [`ask`] puts in the rule's code and severity.
fn found(message: impl Into<String>) -> Finding {
    Finding::error("", message)
}

/// The place of the value at this path of the site.
fn at<S: AsRef<str>>(site: &Site, path: &[S]) -> Option<Place> {
    site.value_place(path)
}

/// Reports each key that occurs more than once, with both places. `what` names the thing in the message.
fn once<K: Eq + Hash + Display>(
    site: &Site,
    things: impl IntoIterator<Item = (K, Vec<String>)>,
    what: &str,
    help: &str,
    findings: &mut Vec<Finding>,
) {
    let mut seen: HashMap<K, Vec<String>> = HashMap::new();
    for (thing, path) in things {
        if let Some(first) = seen.get(&thing) {
            findings.push(
                found(format!("{what} {thing} is given twice"))
                    .at(at(site, &path))
                    .label(format!("`{}`", path.join(".")))
                    .help(help)
                    .also(at(site, first), format!("`{}`", first.join("."))),
            );
        } else {
            seen.insert(thing, path);
        }
    }
}

/// A path of words.
fn path(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

#[cfg(test)]
mod tests;
