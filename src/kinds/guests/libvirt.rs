//! Libvirt's guests, networks and pools, all listed by one call of virsh.
//!
//! Facts: docs/facts/guests.md#libvirt.

use crate::kind::{Answer, Observe};
use crate::sh::Call;
use std::collections::BTreeMap;

/// The section of what is there; the other members see it, since a guest runs on one of them.
pub(super) const LISTS: &str = "libvirt";

/// The URI of libvirt, for one daemon or several.
pub(super) const URI: &str = "qemu:///system";

/// The line before each part of the answer; it occurs in no guest's name and in no XML.
const MARK: &str = "@nodewright:";

/// A call of virsh that asks nothing back.
pub(super) fn virsh<'a>(words: impl IntoIterator<Item = &'a str>) -> Call {
    Call::new("virsh").args(["-q", "-c", URI]).args(words)
}

/// Whether a guest of this state, in libvirt's words, has its disks open. One that libvirt does not know has no state.
pub fn runs(state: &str) -> bool {
    !["", "shut off", "crashed"].contains(&state)
}

/// The guests, networks and pools that libvirt has on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    /// Whether libvirt answered.
    pub(super) answers: bool,
    /// The guests with their states, in libvirt's words.
    pub(super) guests: BTreeMap<String, String>,
    /// The networks, each with whether it is active.
    pub(super) networks: BTreeMap<String, bool>,
    /// The pools, each with whether it is active.
    pub(super) pools: BTreeMap<String, bool>,
}

/// Asks for the lists.
pub(super) fn observe(observe: &mut Observe) {
    let asked = ["uri", "list --all", "net-list --all", "pool-list --all"];
    let asked = asked.map(|what| format!("echo {MARK}; {what}"));
    observe.slow_section(LISTS, virsh([asked.join("; ").as_str()]));
}

/// Asks for definitions, each by its command and its name. One that does not exist prints no line.
pub(super) fn observe_definitions<'a>(
    observe: &mut Observe,
    section: &str,
    command: &str,
    names: impl IntoIterator<Item = &'a str>,
) {
    let asked = names
        .into_iter()
        .map(|name| format!("echo {MARK}{name}:; {command} {name}"));
    let asked: Vec<String> = asked.collect();
    observe.slow_section(section, virsh([asked.join("; ").as_str()]));
}

/// A definition that was asked for; empty where there is none.
pub(super) fn definition(answer: &Answer, section: &str, name: &str) -> Result<String, String> {
    let section = answer.get(section).ok_or("libvirt was not asked")?;
    if section.status == 124 {
        return Err("libvirt did not answer in time".to_owned());
    }
    let text = section.text();
    let mark = format!("{MARK}{name}:");
    let Some((_, rest)) = text.split_once(&mark) else {
        return Ok(String::new());
    };
    Ok(rest
        .split(MARK)
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned())
}

/// The lists, as this node gave them or another member.
pub(super) fn lists(answer: &Answer, member: Option<&str>) -> Result<Lists, String> {
    let section = match member {
        None => answer.get(LISTS),
        Some(member) => answer.of(member, LISTS),
    };
    let section = section.ok_or("libvirt was not asked")?;
    match section.status {
        124 => Err("libvirt did not answer in time".to_owned()),
        _ => Ok(read(&section.text())),
    }
}

fn read(text: &str) -> Lists {
    let mut parts = text.split(MARK);
    parts.next();
    // A word that needs no connection is printed without one; the URI is not.
    let uri = parts.next().unwrap_or_default();
    let mut lists = Lists {
        answers: uri.contains(URI),
        ..Lists::default()
    };
    for line in parts.next().unwrap_or_default().lines() {
        let mut words = line.split_whitespace();
        if let (Some(_id), Some(name)) = (words.next(), words.next()) {
            let state = words.collect::<Vec<_>>().join(" ");
            lists.guests.insert(name.to_owned(), state);
        }
    }
    let named = |part: Option<&str>| {
        let lines = part.unwrap_or_default().lines();
        let pairs = lines.filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()? == "active"))
        });
        pairs.collect()
    };
    lists.networks = named(parts.next());
    lists.pools = named(parts.next());
    lists
}

/// A name that virsh takes as one word, and as no option.
pub(super) fn name_is_right(what: &str, name: &str) -> Result<(), String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let right = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 64
        && name.chars().all(letter);
    right.then_some(()).ok_or_else(|| {
        format!(
            "`{}` is no name of a {what}: letters, digits, `_`, `-` and `.`, a letter or digit first",
            name.escape_debug()
        )
    })
}

#[cfg(test)]
#[path = "libvirt_tests.rs"]
mod tests;
