//! Input and result of folding, and its errors.

use super::Conflict;
use crate::kind::{Address, Delta, Edit};
use crate::text::MarkError;
use std::collections::BTreeSet;

/// The way in which a path was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathSeen {
    /// The observed type of the path.
    pub kind: SeenKind,
    /// Its mode in octal digits (`644` and `0644` are the same); empty when nothing is there.
    pub mode: String,
    /// Name of its owner.
    pub owner: String,
    /// Name of its group.
    pub group: String,
}

/// The observed state of a path; links are not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenKind {
    /// Nothing.
    Absent,
    /// A regular file.
    File {
        /// SHA-256 of its content, in lower-case hexadecimal digits.
        sha256: String,
        /// Its content, where it was asked for and is not too large to travel.
        content: Option<Vec<u8>>,
        /// Its size in bytes.
        bytes: u64,
    },
    /// A directory.
    Directory {
        /// Its entries, where they were observed. Otherwise `rmdir` removes a directory, and refuses one that is not
        /// empty.
        entries: Option<Vec<String>>,
    },
    /// A symbolic link.
    Symlink {
        /// Its target.
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

/// One resource's edit request for the path, in the order of the steps.
#[derive(Clone, Copy, Debug)]
pub struct EditRequest<'a> {
    /// The resource.
    pub address: &'a Address,
    /// The desired state.
    pub edit: &'a Edit,
}

/// The desired state of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathState {
    /// Nothing.
    Absent,
    /// A regular file; its content is [`Folded::content`].
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

/// The result of folding.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The desired state.
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
    /// Whether the desired content holds a secret: then no content, old or new, is shown.
    pub tainted: bool,
    /// Whether nothing is to be done.
    pub same: bool,
    /// Whether the content differs (or the file is new).
    pub content_differs: bool,
    /// Differences in what it is, and in owner, group and mode.
    pub deltas: Vec<Delta>,
    /// The requests that make a difference.
    pub changed_by: Vec<usize>,
    /// The file is not there, and no step gives it whole: it is made of these lines alone, unless an earlier step
    /// (a package) brings it first.
    pub from_nothing: bool,
    /// A command that must accept the content, with `{staged}` for its path.
    pub check: Option<Vec<String>>,
}

/// The reason why requests cannot be folded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Two steps are at odds.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// A secret has no value.
    #[error("{address}: {error}")]
    Mark {
        /// The resource that requests it.
        address: Address,
        /// The error.
        error: MarkError,
    },
    /// A request that makes no sense.
    #[error("{address}: {why}")]
    Bad {
        /// The resource that requests it.
        address: Address,
        /// The fault in the request.
        why: String,
    },
    /// The file on the node cannot be edited so.
    #[error("{path}: {why} (wanted by {address})")]
    File {
        /// The path.
        path: String,
        /// The resource that requests it.
        address: Address,
        /// The fault in the file, with the number of the line.
        why: String,
    },
    /// Something of another sort is there, which is not replaced.
    #[error(
        "{path} is {seen}; {address} wants {wanted}: it is left as it is, move it away by hand"
    )]
    OtherKind {
        /// The path.
        path: String,
        /// The resource that requests it.
        address: Address,
        /// The observed state.
        seen: String,
        /// The desired state.
        wanted: String,
    },
    /// A directory that is to go, and holds something.
    #[error("{path} is to be removed by {address}, and is not empty: {entries}")]
    NotEmpty {
        /// The path.
        path: String,
        /// The resource that requests it.
        address: Address,
        /// Some of what is in it.
        entries: String,
    },
    /// The observation did not bring what is needed.
    #[error(
        "{path}: its content was not read; a file that is edited by lines may have 1 MiB, and all of them together 8 MiB"
    )]
    NotRead {
        /// The path.
        path: String,
    },
    /// Edits that undo one another on this very file.
    #[error("{path}: these steps undo one another's edits: {addresses}")]
    Unsettled {
        /// The path.
        path: String,
        /// The resources of the edits.
        addresses: String,
    },
}
