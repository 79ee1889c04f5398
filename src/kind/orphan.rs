//! What becomes of an orphan: a resource that an earlier run made and the site no longer wants.

use super::Answer;
use super::contract::Target;
use crate::sh::Call;

/// What a kind does about its orphans. Only a name is left of one, so these functions know no more.
#[derive(Clone, Copy)]
pub struct Orphans {
    /// What becomes of it.
    pub becomes: Orphaned,
    /// Why one stays whatever its files are, by what was observed; `None` where they decide.
    pub stays_because: fn(&str, &Answer) -> Option<String>,
    /// What ends its running side before its files are removed.
    pub retire: fn(&str, &Target) -> Retire,
    /// What removes its folder, by path and digest, while it is still as it was written; the last says whether a copy
    /// is kept. Only for kinds with a [`OwnedFolder`] whose orphans are removed.
    pub remove_folder: fn(&str, &str, bool) -> Vec<Call>,
    /// What follows once files of orphans were removed.
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

/// What becomes of a kind's orphans, half a sentence each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphaned {
    /// Its files are removed when all of them are as they were written; a changed one keeps all of them.
    Removed(&'static str),
    /// It stays, and plans name it until it is forgotten.
    Reported(&'static str),
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
pub struct OwnedFolder {
    /// Its absolute path.
    pub path: String,
    /// Name and content of each of its files, where the kind knows them.
    pub files: Vec<(String, crate::text::Text)>,
}
