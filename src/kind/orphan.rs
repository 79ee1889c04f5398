//! The fate of an orphan: a resource that an earlier run made and the site no longer wants.

use super::Answer;
use super::contract::Target;
use crate::sh::Call;

/// A kind's handling of its orphans. These functions get the orphan's name alone, since no more of it is known.
#[derive(Clone, Copy)]
pub struct Orphans {
    /// Its fate.
    pub becomes: Orphaned,
    /// The reason why one stays whatever its files are, by what was observed; `None` where they decide.
    pub stays_because: fn(&str, &Answer) -> Option<String>,
    /// Ends its running side before its files are removed.
    pub retire: fn(&str, &Target) -> Retire,
    /// Removes its folder, by path and digest, while it is still as it was written; the last argument is whether a copy
    /// is kept. Only for kinds with a [`OwnedFolder`] whose orphans are removed.
    pub remove_folder: fn(&str, &str, bool) -> Vec<Call>,
    /// Calls once files of orphans were removed.
    pub after_removal: fn(&Target) -> Vec<Call>,
}

impl Orphans {
    /// Its files are removed when all of them are as they were written.
    pub const fn removed(becomes: &'static str) -> Self {
        Self::of(Orphaned::Removed(becomes))
    }

    /// It stays, and plans name it until it is forgotten.
    pub const fn reported(becomes: &'static str) -> Self {
        Self::of(Orphaned::Reported(becomes))
    }

    const fn of(becomes: Orphaned) -> Self {
        Self {
            becomes,
            stays_because: |_, _| None,
            retire: |_, _| Retire::default(),
            remove_folder: |_, _, _| Vec::new(),
            after_removal: |_| Vec::new(),
        }
    }
}

/// The fate of a kind's orphans, half a sentence each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphaned {
    /// Its files are removed when all of them are as they were written; if one was changed, all stay.
    Removed(&'static str),
    /// It stays, and plans name it until it is forgotten.
    Reported(&'static str),
}

/// Ends the running side of an orphan, before its files are removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retire {
    /// Calls that note the state first, for `undo`.
    pub note: Vec<Call>,
    /// Calls that end it.
    pub calls: Vec<Call>,
    /// Calls that roll it back once its files are there again.
    pub undo: Vec<Call>,
}

/// A folder that is a resource's own, with all that lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFolder {
    /// Its absolute path.
    pub path: String,
    /// The account that is to own it.
    pub owner: String,
    /// Name and content of each of its files, where the kind knows them.
    pub files: Vec<(String, crate::text::Text)>,
}
