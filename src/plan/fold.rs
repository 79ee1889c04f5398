//! All that steps want of one path, folded into one edit of what is there.

mod conflict;
mod lines;
#[cfg(test)]
mod tests;

pub use conflict::{Conflict, conflicts};

use crate::digest::sha256;
use crate::resource::{Address, Attributes, Delta, Edit, EditChange};
use crate::text::{MarkError, Text, Vault};
use lines::{Lines, NotReady, Ready};
use std::collections::BTreeSet;

/// How a path was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathSeen {
    /// What is there.
    pub kind: SeenKind,
    /// Its mode in octal digits (`644` and `0644` are the same); empty when nothing is there.
    pub mode: String,
    /// Name of its owner.
    pub owner: String,
    /// Name of its group.
    pub group: String,
}

/// What is at a path; links are not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenKind {
    /// Nothing.
    Absent,
    /// A regular file.
    File {
        /// SHA-256 of its content, in lower-case hexadecimal digits.
        sha256: String,
        /// Its content, where it was asked for.
        content: Option<Vec<u8>>,
    },
    /// A directory.
    Directory {
        /// The names in it, where they were asked for. Where they were not, a directory that is to go is left to
        /// `rmdir`, which refuses one that holds something.
        entries: Option<Vec<String>>,
    },
    /// A symbolic link.
    Symlink {
        /// What it says.
        target: String,
    },
    /// A device, a socket, a named pipe: by its name.
    Other(String),
}

impl PathSeen {
    /// A path where nothing is.
    pub fn absent() -> Self {
        Self {
            kind: SeenKind::Absent,
            mode: String::new(),
            owner: String::new(),
            group: String::new(),
        }
    }
}

/// One resource's wish about the path. Several stand in the order of their steps.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Whose it is.
    pub address: &'a Address,
    /// What is wanted.
    pub edit: &'a Edit,
}

/// What is to be at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathState {
    /// Nothing.
    Absent,
    /// A regular file; its content stands in [`Folded::content`].
    File,
    /// A directory.
    Directory,
    /// A symbolic link to this target.
    Symlink(String),
}

/// Owner, group and mode as they are to be; empty for nothing and for a symbolic link, which has none of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Name of the owner.
    pub owner: String,
    /// Name of the group.
    pub group: String,
    /// Mode, four octal digits.
    pub mode: String,
}

/// What the wishes come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// What is to be there.
    pub after: PathState,
    /// Its owner, group and mode.
    pub attributes: Resolved,
    /// The content of the file, secrets in it. `None` for what is no file, and for a file of which only owner, group
    /// or mode are wanted (or which is made `once` and is there).
    pub content: Option<Vec<u8>>,
    /// SHA-256 of the content; of the content found, where that stays. Empty for what is no file.
    pub sha256: String,
    /// Names of the secrets in what is wanted.
    pub secrets: BTreeSet<String>,
    /// Whether what is wanted holds a secret: no content of it, old or new, is shown.
    pub tainted: bool,
    /// Whether nothing is to be done.
    pub same: bool,
    /// Whether the content differs (or the file is new).
    pub content_differs: bool,
    /// Differences in what it is, and in owner, group and mode.
    pub deltas: Vec<Delta>,
    /// Which wishes make a difference.
    pub changed_by: Vec<usize>,
    /// The file is not there, and no step gives it whole: it is made of these lines alone, unless an earlier step
    /// (a package) brings it first.
    pub from_nothing: bool,
    /// A command that must accept the content, with `{staged}` for its path.
    pub check: Option<Vec<String>>,
}

/// Why wishes cannot be folded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Two steps are at odds.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// A secret has no value.
    #[error("{address}: {error}")]
    Mark {
        /// Whose wish it is.
        address: Address,
        /// What is wrong.
        error: MarkError,
    },
    /// A wish that makes no sense.
    #[error("{address}: {why}")]
    Bad {
        /// Whose wish it is.
        address: Address,
        /// What is wrong with it.
        why: String,
    },
    /// The file on the node cannot be edited so.
    #[error("{path}: {why} (wanted by {address})")]
    File {
        /// The path.
        path: String,
        /// Whose wish it is.
        address: Address,
        /// What is wrong with the file, with the number of the line.
        why: String,
    },
    /// Something of another sort is there, which is not replaced.
    #[error(
        "{path} is {seen}; {address} wants {wanted}: it is left as it is, move it away by hand"
    )]
    OtherKind {
        /// The path.
        path: String,
        /// Whose wish it is.
        address: Address,
        /// What is there.
        seen: String,
        /// What is wanted.
        wanted: String,
    },
    /// A directory that is to go, and holds something.
    #[error("{path} is to be removed by {address}, and is not empty: {entries}")]
    NotEmpty {
        /// The path.
        path: String,
        /// Whose wish it is.
        address: Address,
        /// Some of what is in it.
        entries: String,
    },
    /// The observation did not bring what is needed.
    #[error("{path}: its content was not read")]
    NotRead {
        /// The path.
        path: String,
    },
    /// Edits that undo one another on this very file.
    #[error("{path}: these steps undo one another's edits: {addresses}")]
    Unsettled {
        /// The path.
        path: String,
        /// Whose edits.
        addresses: String,
    },
}

/// Folds the wishes about one path.
///
/// The whole content comes first, then the edits of lines in the order of the wishes, until they change nothing more.
/// So folding what came out brings out the same.
pub fn fold(
    path: &str,
    wishes: &[Wish],
    seen: &PathSeen,
    vault: &Vault,
) -> Result<Folded, FoldError> {
    if let Some(conflict) = conflicts(path, wishes).into_iter().next() {
        return Err(conflict.into());
    }
    let secrets: BTreeSet<String> = wishes
        .iter()
        .flat_map(|w| texts(&w.edit.change))
        .flat_map(Text::secrets)
        .collect();
    let job = Job {
        path,
        wishes,
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
    let Some(first) = wishes.first() else {
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
    wishes: &'a [Wish<'a>],
    seen: &'a PathSeen,
    vault: &'a Vault,
}

impl Job<'_> {
    fn allow(
        &self,
        wish: &Wish,
        wanted: &str,
        allowed: impl Fn(&SeenKind) -> bool,
    ) -> Result<(), FoldError> {
        if allowed(&self.seen.kind) {
            return Ok(());
        }
        Err(FoldError::OtherKind {
            path: self.path.to_owned(),
            address: wish.address.clone(),
            seen: seen_in_words(&self.seen.kind),
            wanted: wanted.to_owned(),
        })
    }

    fn may_go(&self, wish: &Wish) -> Result<(), FoldError> {
        self.allow(wish, "nothing there", |k| !matches!(k, SeenKind::Other(_)))?;
        match &self.seen.kind {
            SeenKind::Directory {
                entries: Some(entries),
            } if !entries.is_empty() => Err(FoldError::NotEmpty {
                path: self.path.to_owned(),
                address: wish.address.clone(),
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
        let whole = self.wishes.iter().find_map(|w| match &w.edit.change {
            EditChange::Whole {
                content,
                check,
                once,
            } => Some((w, content, check, *once)),
            _ => None,
        });
        folded.after = PathState::File;
        let owner = whole.map_or(&self.wishes[0], |(w, ..)| w);
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
            (Some((wish, content, _, once)), _) if !(once && there) => content
                .reveal(self.vault)
                .map_err(|error| FoldError::Mark {
                    address: wish.address.clone(),
                    error,
                })?
                .into_bytes(),
            (_, SeenKind::File { content, sha256 }) => match content {
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

    fn edits(&self) -> Result<Vec<(usize, Ready)>, FoldError> {
        let mut edits = Vec::new();
        for (i, wish) in self.wishes.iter().enumerate() {
            let address = wish.address.clone();
            match Ready::of(&wish.edit.change, &|text| text.reveal(self.vault)) {
                Ok(ready) => edits.extend(ready.map(|r| (i, r))),
                Err(NotReady::Mark(error)) => return Err(FoldError::Mark { address, error }),
                Err(NotReady::Bad(why)) => return Err(FoldError::Bad { address, why }),
            }
        }
        Ok(edits)
    }

    /// Makes the edits, again and again, until they change nothing more.
    fn settle(&self, base: Vec<u8>, edits: &[(usize, Ready)]) -> Result<Vec<u8>, FoldError> {
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
                    address: self.wishes[*i].address.clone(),
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
            .map(|i| self.wishes[*i].address.to_string())
            .collect();
        Err(FoldError::Unsettled {
            path: self.path.to_owned(),
            addresses: addresses.join(", "),
        })
    }

    /// Whose wishes make the content differ from what was found.
    fn authors(&self, content: &[u8], edits: &[(usize, Ready)]) -> Vec<usize> {
        let all = || {
            self.wishes
                .iter()
                .enumerate()
                .filter(|(_, w)| {
                    let whole = matches!(w.edit.change, EditChange::Whole { .. });
                    whole
                        || Ready::of(&w.edit.change, &|t| Ok(t.masked()))
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
            let whole = |(_, w): &(usize, &Wish)| matches!(w.edit.change, EditChange::Whole { .. });
            authors.extend(self.wishes.iter().enumerate().find(whole).map(|(i, _)| i));
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
                authors.extend(0..self.wishes.len());
            }
        }
        if matches!(folded.after, PathState::File | PathState::Directory) {
            let stays = before == after;
            folded.attributes = self.resolve(folded, stays);
            if stays {
                let wanted = &folded.attributes;
                for (what, from, to) in [
                    ("owner", &self.seen.owner, &wanted.owner),
                    ("group", &self.seen.group, &wanted.group),
                    ("mode", &four_digits(&self.seen.mode), &wanted.mode),
                ] {
                    if from != to {
                        folded.deltas.push(Delta::new(what, from, to));
                        let says = |w: &Wish| attribute(&w.edit.attributes, what).is_some();
                        let who = self.wishes.iter().position(says);
                        let tainted =
                            || self.wishes.iter().position(|w| is_tainted(&w.edit.change));
                        authors.extend(who.or_else(tainted));
                    }
                }
            }
        }
        folded.changed_by = authors.into_iter().collect();
        folded.same = folded.deltas.is_empty() && !folded.content_differs;
    }

    fn resolve(&self, folded: &Folded, stays: bool) -> Resolved {
        let said = |what| {
            self.wishes
                .iter()
                .find_map(|w| attribute(&w.edit.attributes, what))
        };
        let name = |what, seen: &str| {
            said(what)
                .unwrap_or(if stays { seen } else { "root" })
                .to_owned()
        };
        let mode = match (said("mode"), &folded.after) {
            (Some(mode), _) => four_digits(mode),
            (None, _) if stays && !folded.tainted => four_digits(&self.seen.mode),
            // What holds a secret is never left open to everybody.
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
        EditChange::Directory | EditChange::Symlink(_) | EditChange::Absent => Vec::new(),
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
