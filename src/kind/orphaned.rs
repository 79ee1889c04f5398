//! What becomes of an orphan: a resource that an earlier run made and the site no longer wants.

use crate::sh::Call;

/// What a kind says of its orphans, half a sentence each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphaned {
    /// Its files are removed when all of them are as they were written; a changed one keeps all of them.
    Removed(&'static str),
    /// It stays, and plans name it until it is forgotten.
    Reported(&'static str),
}

impl Orphaned {
    /// What is said of it.
    pub fn says(self) -> &'static str {
        match self {
            Self::Removed(says) | Self::Reported(says) => says,
        }
    }
}

/// What ends the running side of an orphan, before its files are removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retire {
    /// What the guard notes first, for `undo`.
    pub note: Vec<Call>,
    /// What ends it.
    pub calls: Vec<Call>,
    /// What brings it back once its files are there again.
    pub undo: Vec<Call>,
}

/// A folder that is a resource's own, with all that lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its absolute path.
    pub path: String,
    /// Name and content of each of its files, where the kind knows them.
    pub files: Vec<(String, crate::text::Text)>,
}
