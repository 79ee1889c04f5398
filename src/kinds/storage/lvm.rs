//! LVM's groups and volumes on a node, parsed from `vgs` and `lvs` output.
//!
//! Facts: docs/facts/storage.md#volume-groups.

use crate::kind::{Answer, Observe};
use crate::sh::Call;
use crate::shell::Shell;
use std::collections::BTreeMap;

/// The calls that observe LVM and that change it.
pub(super) const SHELL: Shell = Shell::new(include_str!("lvm.sh")).needing(&[super::device::SHELL]);

const SECTION: &str = "lvm";

/// LVM's state on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lvm {
    /// Whether a daemon locks for it on this node: lvmlockd or clvmd.
    pub(super) locking: bool,
    /// The groups by name: whether the cluster shares it, and its devices.
    pub(super) groups: BTreeMap<String, (bool, Vec<String>)>,
    /// The sizes of volumes in sectors of 512 bytes, by group and name.
    pub(super) volumes: BTreeMap<(String, String), u64>,
}

/// Asks LVM beside all other questions: with a daemon that locks for it, it may wait for another member.
pub(super) fn observe(observe: &mut Observe) {
    observe.beside_section(SECTION, Call::new("nw_lvm_seen"));
}

/// Parses the observation. A node without LVM's tools (exit status 127) has no groups.
///
/// # Errors
/// A message for display, where LVM was not observed, did not answer in time (exit status 124), failed, or printed a
/// line that cannot be parsed.
pub(super) fn seen(answer: &Answer) -> Result<Lvm, String> {
    let section = answer.get(SECTION).ok_or("LVM was not asked")?;
    match section.status {
        0 => read(&section.text()),
        124 => Err("LVM did not answer in time".to_owned()),
        127 => Ok(Lvm::default()),
        status => Err(format!("LVM could not be asked (status {status})")),
    }
}

fn read(text: &str) -> Result<Lvm, String> {
    let mut lvm = Lvm::default();
    for line in text.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = rest.splitn(3, ':').collect();
        match (word, words.as_slice()) {
            ("locking", _) => lvm.locking = true,
            ("group", [name, attributes, device]) => {
                // The sixth letter: `c` clustered, `s` shared (vgs(8)).
                let shared = matches!(attributes.chars().nth(5), Some('c' | 's'));
                let group = lvm.groups.entry((*name).to_owned()).or_default();
                group.0 = shared;
                group.1.push((*device).to_owned());
            }
            ("volume", [group, name, size]) => {
                let size = size.parse().map_err(|_| unreadable(line))?;
                let key = ((*group).to_owned(), (*name).to_owned());
                lvm.volumes.insert(key, size);
            }
            ("group" | "volume", _) if rest.is_empty() => {}
            _ => return Err(unreadable(line)),
        }
    }
    Ok(lvm)
}

fn unreadable(line: &str) -> String {
    let short: String = line.chars().take(60).collect();
    format!("LVM said `{}`, which cannot be read", short.escape_debug())
}

/// A name as LVM takes it for a group or a volume (lvm(8)), and as no option and no path.
pub(super) fn name_is_right(what: &str, name: &str) -> Result<(), String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || "_-+.".contains(c);
    let right = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 100
        && name.chars().all(letter);
    right.then_some(()).ok_or_else(|| {
        format!(
            "`{}` is no name of a {what}: letters, digits, `_`, `-`, `+` and `.`, a letter, digit or `_` first",
            name.escape_debug()
        )
    })
}

#[cfg(test)]
#[path = "lvm_tests.rs"]
mod tests;
