//! All that steps want of one path, folded into one edit of what is there.
#![expect(
    clippy::result_large_err,
    reason = "an error ends the plan of a node and names whose wish it is"
)]

mod block;
mod conflict;
mod ini;
mod lines;
mod model;
mod stanza;
#[cfg(test)]
mod tests;

pub use conflict::{Conflict, conflicts};
pub use model::{EditRequest, FoldError, Folded, PathSeen, PathState, Resolved, SeenKind};

use crate::digest::sha256;
use crate::kind::{Attributes, Delta, EditChange};
use crate::text::{Text, Vault};
use lines::{Lines, NotReady, ReadyEdit};
use std::collections::BTreeSet;

/// Folds the edit requests for one path.
///
/// The whole content comes first, then the edits of lines in the order of the requests, until they change nothing more.
/// So folding the result again gives the same result.
pub fn fold(
    path: &str,
    requests: &[EditRequest],
    seen: &PathSeen,
    vault: &Vault,
) -> Result<Folded, FoldError> {
    if let Some(conflict) = conflicts(path, requests).into_iter().next() {
        return Err(conflict.into());
    }
    let secrets: BTreeSet<String> = requests
        .iter()
        .flat_map(|w| texts(&w.edit.change))
        .flat_map(Text::secrets)
        .collect();
    let job = Job {
        path,
        requests,
        seen,
        vault,
    };
    let mut folded = Folded {
        after: PathState::Absent,
        attributes: Resolved::default(),
        content: None,
        sha256: String::new(),
        tainted: !secrets.is_empty(),
        secrets,
        same: false,
        content_differs: false,
        deltas: Vec::new(),
        changed_by: Vec::new(),
        from_nothing: false,
        check: None,
    };
    let Some(first) = requests.first() else {
        return Ok(Folded {
            same: true,
            ..folded
        });
    };
    match &first.edit.change {
        EditChange::Directory => {
            job.allow(first, "a directory", |k| {
                matches!(k, SeenKind::Absent | SeenKind::Directory { .. })
            })?;
            folded.after = PathState::Directory;
        }
        EditChange::Symlink(target) => {
            job.allow(first, "a symbolic link", |k| {
                !matches!(k, SeenKind::Directory { .. } | SeenKind::Other(_))
            })?;
            folded.after = PathState::Symlink(target.clone());
        }
        EditChange::Absent => job.may_go(first)?,
        _ => job.file(&mut folded)?,
    }
    job.differences(&mut folded);
    Ok(folded)
}

struct Job<'a> {
    path: &'a str,
    requests: &'a [EditRequest<'a>],
    seen: &'a PathSeen,
    vault: &'a Vault,
}

impl Job<'_> {
    fn allow(
        &self,
        request: &EditRequest,
        wanted: &str,
        allowed: impl Fn(&SeenKind) -> bool,
    ) -> Result<(), FoldError> {
        if allowed(&self.seen.kind) {
            return Ok(());
        }
        Err(FoldError::OtherKind {
            path: self.path.to_owned(),
            address: request.address.clone(),
            seen: seen_in_words(&self.seen.kind),
            wanted: wanted.to_owned(),
        })
    }

    fn may_go(&self, request: &EditRequest) -> Result<(), FoldError> {
        self.allow(request, "nothing there", |k| {
            !matches!(k, SeenKind::Other(_))
        })?;
        match &self.seen.kind {
            SeenKind::Directory {
                entries: Some(entries),
            } if !entries.is_empty() => Err(FoldError::NotEmpty {
                path: self.path.to_owned(),
                address: request.address.clone(),
                entries: entries[..entries.len().min(5)].join(", "),
            }),
            _ => Ok(()),
        }
    }

    fn not_read(&self) -> FoldError {
        FoldError::NotRead {
            path: self.path.to_owned(),
        }
    }

    fn file(&self, folded: &mut Folded) -> Result<(), FoldError> {
        let edits = self.edits()?;
        let whole = self.requests.iter().find_map(|w| match &w.edit.change {
            EditChange::Whole {
                content,
                check,
                once,
            } => Some((w, content, check, *once)),
            _ => None,
        });
        folded.after = PathState::File;
        let owner = whole.map_or(&self.requests[0], |(w, ..)| w);
        let linked = matches!(self.seen.kind, SeenKind::Symlink { .. });
        self.allow(owner, "a file", |k| match k {
            SeenKind::Absent | SeenKind::File { .. } => true,
            SeenKind::Symlink { .. } => {
                whole.is_some() && (edits.is_empty() || !matches!(whole, Some((.., true))))
            }
            SeenKind::Directory { .. } | SeenKind::Other(_) => false,
        })?;
        if let Some((_, _, check, _)) = whole {
            folded.check.clone_from(check);
        }
        let there = !matches!(self.seen.kind, SeenKind::Absent);
        let base = match (whole, &self.seen.kind) {
            (Some((.., true)), SeenKind::Symlink { target }) if linked => {
                folded.after = PathState::Symlink(target.clone());
                return Ok(());
            }
            (Some((request, content, _, once)), _) if !(once && there) => content
                .reveal(self.vault)
                .map_err(|error| FoldError::Mark {
                    address: request.address.clone(),
                    error,
                })?
                .into_bytes(),
            (
                _,
                SeenKind::File {
                    content, sha256, ..
                },
            ) => match content {
                _ if edits.is_empty() => {
                    folded.sha256.clone_from(sha256);
                    return Ok(());
                }
                Some(content) => content.clone(),
                None => return Err(self.not_read()),
            },
            _ => {
                if edits.iter().all(|(_, e)| e.removes()) {
                    folded.after = PathState::Absent;
                    return Ok(());
                }
                folded.from_nothing = true;
                Vec::new()
            }
        };
        let content = self.settle(base, &edits)?;
        folded.sha256 = sha256(&content);
        folded.content_differs =
            !matches!(&self.seen.kind, SeenKind::File { sha256, .. } if *sha256 == folded.sha256);
        if folded.content_differs {
            folded.changed_by = self.authors(&content, &edits);
        }
        folded.content = Some(content);
        Ok(())
    }

    fn edits(&self) -> Result<Vec<(usize, ReadyEdit)>, FoldError> {
        let mut edits = Vec::new();
        for (i, request) in self.requests.iter().enumerate() {
            let address = request.address.clone();
            match ReadyEdit::of(&request.edit.change, &|text| text.reveal(self.vault)) {
                Ok(ready) => edits.extend(ready.map(|r| (i, r))),
                Err(NotReady::Mark(error)) => return Err(FoldError::Mark { address, error }),
                Err(NotReady::Bad(why)) => return Err(FoldError::Bad { address, why }),
            }
        }
        Ok(edits)
    }

    /// Makes the edits, again and again, until they change nothing more.
    fn settle(&self, base: Vec<u8>, edits: &[(usize, ReadyEdit)]) -> Result<Vec<u8>, FoldError> {
        const ROUNDS: usize = 6;
        let mut bytes = base;
        let mut restless = BTreeSet::new();
        for _ in 0..ROUNDS {
            let mut file = Lines::of(&bytes);
            restless.clear();
            for (i, edit) in edits {
                let before = file.clone();
                edit.apply(&mut file).map_err(|why| FoldError::File {
                    path: self.path.to_owned(),
                    address: self.requests[*i].address.clone(),
                    why,
                })?;
                if before != file {
                    restless.insert(*i);
                }
            }
            let after = file.bytes();
            if after == bytes {
                return Ok(after);
            }
            bytes = after;
        }
        let addresses: Vec<_> = restless
            .iter()
            .map(|i| self.requests[*i].address.to_string())
            .collect();
        Err(FoldError::Unsettled {
            path: self.path.to_owned(),
            addresses: addresses.join(", "),
        })
    }

    /// The requests that make the content differ from the one that was observed.
    fn authors(&self, content: &[u8], edits: &[(usize, ReadyEdit)]) -> Vec<usize> {
        let all = || {
            self.requests
                .iter()
                .enumerate()
                .filter(|(_, w)| {
                    let whole = matches!(w.edit.change, EditChange::Whole { .. });
                    whole
                        || ReadyEdit::of(&w.edit.change, &|t| Ok(t.masked()))
                            .is_ok_and(|r| r.is_some_and(|r| !r.removes()))
                })
                .map(|(i, _)| i)
                .collect::<Vec<_>>()
        };
        let SeenKind::File {
            content: Some(seen),
            ..
        } = &self.seen.kind
        else {
            return all();
        };
        let mut authors = Vec::new();
        let mut file = Lines::of(seen);
        for (i, edit) in edits {
            let before = file.clone();
            if edit.apply(&mut file).is_err() {
                return all();
            }
            if before != file {
                authors.push(*i);
            }
        }
        if file.bytes() != content {
            let whole =
                |(_, w): &(usize, &EditRequest)| matches!(w.edit.change, EditChange::Whole { .. });
            authors.extend(self.requests.iter().enumerate().find(whole).map(|(i, _)| i));
        }
        if authors.is_empty() { all() } else { authors }
    }

    /// Fills in owner, group and mode, and everything that follows from them.
    fn differences(&self, folded: &mut Folded) {
        let before = state_in_words(&self.seen.kind);
        let after = match &folded.after {
            PathState::Absent => "absent".to_owned(),
            PathState::File => "file".to_owned(),
            PathState::Directory => "directory".to_owned(),
            PathState::Symlink(target) => format!("link to {target}"),
        };
        let mut authors: BTreeSet<usize> = folded.changed_by.iter().copied().collect();
        if before != after {
            folded.deltas.push(Delta::new("state", &before, &after));
            if folded.after != PathState::File {
                authors.extend(0..self.requests.len());
            }
        }
        if matches!(folded.after, PathState::File | PathState::Directory) {
            let stays = before == after;
            folded.attributes = self.resolve(folded, stays);
            if stays {
                let to_be = &folded.attributes;
                for (what, found, wanted) in [
                    ("owner", &self.seen.owner, &to_be.owner),
                    ("group", &self.seen.group, &to_be.group),
                    ("mode", &four_digits(&self.seen.mode), &to_be.mode),
                ] {
                    if found != wanted {
                        folded.deltas.push(Delta::new(what, found, wanted));
                        let says = |w: &EditRequest| attribute(&w.edit.attributes, what).is_some();
                        let speaker = self.requests.iter().position(says);
                        let by_secret = || {
                            self.requests
                                .iter()
                                .position(|w| is_tainted(&w.edit.change))
                        };
                        authors.extend(speaker.or_else(by_secret));
                    }
                }
            }
        }
        folded.changed_by = authors.into_iter().collect();
        folded.same = folded.deltas.is_empty() && !folded.content_differs;
    }

    fn resolve(&self, folded: &Folded, stays: bool) -> Resolved {
        let attribute = |what| {
            self.requests
                .iter()
                .find_map(|w| attribute(&w.edit.attributes, what))
        };
        let name = |what, seen: &str| {
            attribute(what)
                .unwrap_or(if stays { seen } else { "root" })
                .to_owned()
        };
        let mode = match (attribute("mode"), &folded.after) {
            (Some(mode), _) => four_digits(mode),
            (None, _) if stays && !folded.tainted => four_digits(&self.seen.mode),
            // A content with a secret is never readable by everybody.
            (None, _) if stays => {
                let mut mode = four_digits(&self.seen.mode);
                mode.pop();
                mode + "0"
            }
            (None, PathState::Directory) => "0755".to_owned(),
            (None, _) if folded.tainted => "0600".to_owned(),
            (None, _) => "0644".to_owned(),
        };
        Resolved {
            owner: name("owner", &self.seen.owner),
            group: name("group", &self.seen.group),
            mode,
        }
    }
}

fn attribute<'a>(attributes: &'a Attributes, what: &str) -> Option<&'a str> {
    match what {
        "owner" => attributes.owner.as_deref(),
        "group" => attributes.group.as_deref(),
        _ => attributes.mode.as_deref(),
    }
}

fn texts(change: &EditChange) -> Vec<&Text> {
    match change {
        EditChange::Whole { content, .. } => vec![content],
        EditChange::Line { line, .. } => vec![line],
        EditChange::Only { line, .. } => line.iter().collect(),
        EditChange::Block { content, .. } => content.iter().collect(),
        EditChange::Ini { value, .. } => value.iter().collect(),
        EditChange::Keyed { rest, .. } => rest.iter().collect(),
        EditChange::NoStanza { .. }
        | EditChange::Directory
        | EditChange::Symlink(_)
        | EditChange::Absent => Vec::new(),
    }
}

fn is_tainted(change: &EditChange) -> bool {
    texts(change).into_iter().any(Text::is_tainted)
}

fn four_digits(mode: &str) -> String {
    format!("{mode:0>4}")
}

fn state_in_words(kind: &SeenKind) -> String {
    match kind {
        SeenKind::Absent => "absent".into(),
        SeenKind::File { .. } => "file".into(),
        SeenKind::Directory { .. } => "directory".into(),
        SeenKind::Symlink { target } => format!("link to {target}"),
        SeenKind::Other(name) => name.clone(),
    }
}

fn seen_in_words(kind: &SeenKind) -> String {
    match kind {
        SeenKind::Absent => "not there".into(),
        SeenKind::File { .. } => "a file".into(),
        SeenKind::Directory { .. } => "a directory".into(),
        SeenKind::Symlink { target } => format!("a symbolic link to {target}"),
        SeenKind::Other(name) => format!("a {name}"),
    }
}
