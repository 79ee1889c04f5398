//! The item of one path: title, difference and calls, from its folded edits.

use super::decide::Candidate;
use super::diff::{FileSide, compare};
use super::fold::{Folded, PathSeen, PathState, SeenKind};
use super::{Content, Owned, Weight};
use crate::digest::sha256;
use crate::kind::{Edit, EditChange, Resource, validator};
use crate::sh::Call;

/// Whether the present content of a path holds a secret.
#[derive(Clone, Copy)]
pub(super) struct Past {
    /// We wrote it with a secret in it.
    pub(super) tainted: bool,
    /// It shows the value of one.
    pub(super) shows: bool,
}

impl Past {
    /// Whether the old version is kept. A version with a secret is not.
    fn keep(self) -> &'static str {
        if self.tainted || self.shows {
            "no"
        } else {
            "yes"
        }
    }
}

/// The item of a path that is missing now and that an earlier step, a package, brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Early {
    /// It is decided then, by this table.
    Decided(String),
    /// It is not created then; these words name the outcome.
    Or(&'static str),
}

impl Early {
    /// `None` for a path that is there, and where it makes no difference.
    pub(super) fn of(
        path: &str,
        requests: &[(&Resource, &Edit)],
        seen: &PathSeen,
        folded: &Folded,
    ) -> Option<Self> {
        if seen.kind != SeenKind::Absent {
            return None;
        }
        let table = |there, not| {
            let table = format!("{path} there: {there}; not there: {not}");
            Some(Self::Decided(table))
        };
        let kept = |(_, edit): &(&Resource, &Edit)| {
            matches!(edit.change, EditChange::Whole { once: true, .. })
        };
        match &folded.after {
            PathState::File if folded.from_nothing => {
                table("edited", "made with these lines alone")
            }
            PathState::File if requests.iter().any(kept) => Some(Self::Or("keep")),
            PathState::File => Some(Self::Or("replace")),
            PathState::Directory => Some(Self::Or("set")),
            PathState::Symlink(_) => None,
            PathState::Absent if requests.iter().any(|(_, e)| e.change == EditChange::Absent) => {
                table("removed", "nothing to do")
            }
            PathState::Absent => table("edited", "nothing to do"),
        }
    }
}

/// The candidate for one path.
pub(super) fn path_candidate<'a>(
    path: &str,
    seen: &PathSeen,
    folded: &Folded,
    past: Past,
) -> Candidate<'a> {
    let absent = matches!(seen.kind, SeenKind::Absent);
    let a = &folded.attributes;
    let mut candidate = Candidate {
        order: (0, 0),
        resources: Vec::new(),
        path: Some(path.to_owned()),
        title: String::new(),
        deltas: folded.deltas.clone(),
        diffs: Vec::new(),
        preflight: Vec::new(),
        calls: Vec::new(),
        confirmed: Vec::new(),
        blobs: Vec::new(),
        owns: Owned {
            path: path.to_owned(),
            digest: String::new(),
            secret: folded.tainted,
        },
        later: None,
        early: None,
        same: false,
        seen: format!(
            "{:?}",
            (&seen.mode, &seen.owner, &seen.group, seen_digest(seen))
        ),
    };
    let expected = seen_digest(seen);
    match &folded.after {
        PathState::File => {
            candidate.owns.digest.clone_from(&folded.sha256);
            let Some(content) = folded.content.as_ref().filter(|_| folded.content_differs) else {
                candidate.title = format!("set {path}");
                candidate.calls =
                    vec![Call::new("nw_attributes").args([path, &a.owner, &a.group, &a.mode])];
                return candidate;
            };
            candidate.title = format!("{} {path}", if absent { "create" } else { "replace" });
            // A content that was not read holds a secret or is large, and is not shown.
            let old = match &seen.kind {
                SeenKind::File {
                    content: Some(content),
                    ..
                } => FileSide::of(content),
                SeenKind::File { bytes, sha256, .. } => FileSide::Unread(Weight {
                    bytes: *bytes,
                    sha256: sha256.clone(),
                }),
                _ => FileSide::Absent,
            };
            // The old side may show a secret where the new one has none.
            let tainted = folded.tainted || past.tainted || past.shows;
            candidate.diffs = compare(path, &old, &FileSide::of(content), tainted)
                .into_iter()
                .collect();
            if let Some(words) = &folded.check {
                let (early, late) = validator::calls_of_file(words);
                candidate.preflight = vec![early];
                candidate.calls.extend(late);
            }
            candidate.calls.push(
                Call::new("nw_replace")
                    .args([path, &expected])
                    .blob(0)
                    .args([a.owner.as_str(), &a.group, &a.mode, past.keep()]),
            );
            candidate.blobs.push(Content::Bytes(content.clone()));
        }
        PathState::Directory => {
            candidate.title = format!("{} {path}/", if absent { "create" } else { "set" });
            candidate.calls =
                vec![Call::new("nw_directory").args([path, &a.owner, &a.group, &a.mode])];
        }
        PathState::Symlink(target) => {
            candidate.title = format!("link {path} → {target}");
            candidate.owns.digest = sha256(target.as_bytes());
            candidate.calls =
                vec![Call::new("nw_symlink").args([path, target, &expected, past.keep()])];
        }
        PathState::Absent => {
            candidate.title = format!("remove {path}");
            candidate.calls = vec![Call::new("nw_remove").args([path, &expected, past.keep()])];
        }
    }
    candidate
}

/// The word that `nw_replace` and its like compare: a digest, or the type of anything but a file.
fn seen_digest(seen: &PathSeen) -> String {
    match &seen.kind {
        SeenKind::Absent => "absent".to_owned(),
        SeenKind::File { sha256, .. } => sha256.clone(),
        SeenKind::Directory { .. } => "directory".to_owned(),
        SeenKind::Symlink { target } => format!("link:{target}"),
        SeenKind::Other(_) => "other".to_owned(),
    }
}
