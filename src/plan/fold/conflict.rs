//! Edit requests that contradict each other, found without a node.

use super::EditRequest;
use super::lines::ReadyEdit;
use crate::kind::{Address, EditChange};
use crate::text::Text;

/// Two steps want different things of the same place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {first} and {second} want different things: {what}")]
pub struct Conflict {
    /// The path.
    pub path: String,
    /// The step of the first request.
    pub first: Address,
    /// The step of the second request; the same address when one step contradicts itself.
    pub second: Address,
    /// The two requests, secrets masked.
    pub what: String,
}

/// Every pair of contradicting requests for one path, in the order of the requests.
pub fn conflicts(path: &str, requests: &[EditRequest]) -> Vec<Conflict> {
    let ready: Vec<_> = requests
        .iter()
        .map(|w| {
            let marked = |text: &Text| Ok(text.as_marked().to_owned());
            ReadyEdit::of(&w.edit.change, &marked).ok().flatten()
        })
        .collect();
    let mut found = Vec::new();
    for (j, second) in requests.iter().enumerate() {
        if let Some(what) = exposed(second) {
            found.push(Conflict {
                path: path.to_owned(),
                first: second.address.clone(),
                second: second.address.clone(),
                what,
            });
        }
        for (i, first) in requests[..j].iter().enumerate() {
            let what = changes(&first.edit.change, &second.edit.change)
                .or_else(|| match (&ready[i], &ready[j]) {
                    (Some(a), Some(b)) if first.edit.change != second.edit.change => lines(a, b)
                        .map(|()| {
                            format!(
                                "{}, and {}",
                                in_words(&first.edit.change),
                                in_words(&second.edit.change)
                            )
                        }),
                    _ => None,
                })
                .or_else(|| attributes(first, second));
            if let Some(what) = what {
                found.push(Conflict {
                    path: path.to_owned(),
                    first: first.address.clone(),
                    second: second.address.clone(),
                    what,
                });
            }
        }
    }
    found
}

/// A file with a secret in it that everybody may read.
fn exposed(request: &EditRequest) -> Option<String> {
    let mode = request.edit.attributes.mode.as_deref()?;
    let open = mode.bytes().last().is_some_and(|b| b != b'0');
    (open && super::is_tainted(&request.edit.change))
        .then(|| format!("a secret in it, and mode {mode}, with which others may reach it; 0600 or 0640 would be right"))
}

fn changes(first: &EditChange, second: &EditChange) -> Option<String> {
    use EditChange as E;
    let differ = match (first, second) {
        (E::Directory, E::Directory) | (E::Absent, E::Absent) => false,
        (E::Symlink(_), E::Symlink(_)) | (E::Whole { .. }, E::Whole { .. }) => first != second,
        (E::Directory | E::Absent | E::Symlink(_), _)
        | (_, E::Directory | E::Absent | E::Symlink(_)) => true,
        _ => false,
    };
    differ.then(|| format!("{}, and {}", in_words(first), in_words(second)))
}

/// Whether two requests for lines contradict each other.
fn lines(first: &ReadyEdit, second: &ReadyEdit) -> Option<()> {
    let same_place = match (first, second) {
        (
            ReadyEdit::Ini {
                section: s, key: k, ..
            },
            ReadyEdit::Ini { section, key, .. },
        ) => return (s == section && k == key).then_some(()),
        (ReadyEdit::Block { begin: a, .. }, ReadyEdit::Block { begin: b, .. })
        | (ReadyEdit::Keyed { key: a, .. }, ReadyEdit::Keyed { key: b, .. }) => a == b,
        (ReadyEdit::Only { regex: a, .. }, ReadyEdit::Only { regex: b, .. })
        | (ReadyEdit::Line { regex: Some(a), .. }, ReadyEdit::Line { regex: Some(b), .. }) => {
            a.as_str() == b.as_str()
        }
        _ => false,
    };
    (same_place
        || second.brings().iter().any(|l| first.takes(l))
        || first.brings().iter().any(|l| second.takes(l)))
    .then_some(())
}

fn attributes(first: &EditRequest, second: &EditRequest) -> Option<String> {
    let (a, b) = (&first.edit.attributes, &second.edit.attributes);
    [
        ("owner", &a.owner, &b.owner),
        ("group", &a.group, &b.group),
        ("mode", &a.mode, &b.mode),
    ]
    .into_iter()
    .find_map(|(name, a, b)| match (a, b) {
        (Some(a), Some(b)) if super::four_digits(a) != super::four_digits(b) => {
            Some(format!("{name} {a}, and {name} {b}"))
        }
        _ => None,
    })
}

/// A request in words.
pub(super) fn in_words(change: &EditChange) -> String {
    match change {
        EditChange::Whole { once: true, .. } => "a whole file, made once".into(),
        EditChange::Whole { .. } => "a whole file".into(),
        EditChange::Line {
            line,
            matches: Some(matches),
            absent: true,
        } if line.as_marked().is_empty() => format!("no line that matches `{matches}`"),
        EditChange::Line {
            line, absent: true, ..
        } => format!("no line `{}`", line.masked()),
        EditChange::Line { line, .. }
        | EditChange::Only {
            line: Some(line), ..
        } => format!("the line `{}`", line.masked()),
        EditChange::Only {
            line: None,
            matches,
        } => format!("no line that matches `{matches}`"),
        EditChange::Block {
            name,
            content: Some(_),
            ..
        } => format!("the block `{name}`"),
        EditChange::Block { name, .. } => format!("no block `{name}`"),
        EditChange::Ini {
            section,
            key,
            value: Some(value),
            separator,
        } => format!("`[{section}] {key}{separator}{}`", value.masked()),
        EditChange::Ini { section, key, .. } => format!("no key `{key}` in `[{section}]`"),
        EditChange::Keyed {
            key,
            rest: Some(rest),
        } => format!("`{key} {}`", rest.masked()),
        EditChange::Keyed { key, .. } => format!("no line of `{key}`"),
        EditChange::NoStanza { interface } => format!("no stanza of {interface}"),
        EditChange::Directory => "a directory".into(),
        EditChange::Symlink(target) => format!("a symbolic link to {target}"),
        EditChange::Absent => "nothing there".into(),
    }
}
