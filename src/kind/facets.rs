//! What a kind says of a resource before anything is observed: values with defaults, made when the step is read.

use super::{Edit, OwnedFolder};
use crate::sh::Call;
use crate::text::Text;
use std::collections::BTreeSet;

/// What a resource has of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// What it wants of paths; the engine observes, compares and writes these.
    pub edits: Vec<Edit>,
    /// Files and folders that its own actions write: the guard keeps them whole and rolls them back, and what
    /// [depends](Depends) on one of them is compared as when it is written.
    pub writes: Vec<String>,
    /// Where its own actions write a secret: what keeps a record of /etc leaves these out.
    pub secrets: Vec<String>,
    /// A file that its own actions write, by its path, with what the site says of its content: for people who want to
    /// see every file.
    pub rendered: Option<(String, Text)>,
    /// A folder that is its own with all that lies in it: nobody else's file in there is removed as an orphan.
    pub folder: Option<OwnedFolder>,
}

impl From<Vec<Edit>> for Files {
    fn from(edits: Vec<Edit>) -> Self {
        Self {
            edits,
            ..Self::default()
        }
    }
}

impl From<Edit> for Files {
    fn from(edit: Edit) -> Self {
        vec![edit].into()
    }
}

/// Paths that other steps may write and whose content concerns a resource (a service's configuration).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depends {
    /// The paths.
    pub paths: Vec<String>,
    /// What runs before the first of them is written, whatever the verdict is.
    pub before_write: Vec<Call>,
}

/// What the guard needs to know of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guarding {
    /// Whether a change of it runs under the guard.
    pub cuts_off: CutsOff,
    /// What is noted before the first change of a window, in files of its own under `$NW_GUARD`, for `undo`. Holds for
    /// every resource whose step runs in a window.
    pub note: Vec<Call>,
    /// What has to happen before the files are rolled back: what did not run before ends by the files it was started with.
    pub undo_first: Vec<Call>,
    /// What brings the running side back to what was noted, once all files are as they were. Called in the reverse
    /// order of the steps, without any uploaded content, whether its action ran or not.
    pub undo: Vec<Call>,
}

/// Whether a change of a resource can cut the operator off. Paths that matter are known without this
/// ([`lets_in::path`](super::lets_in::path)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CutsOff {
    /// It cannot.
    #[default]
    Never,
    /// It can.
    Always,
    /// It can where operators log in as this account.
    Account(String),
}

impl CutsOff {
    /// It can where this holds.
    pub fn when(holds: bool) -> Self {
        if holds { Self::Always } else { Self::Never }
    }

    /// Whether it can; `logins` are the accounts that operators use.
    pub fn holds(&self, logins: &BTreeSet<String>) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Account(name) => logins.contains(name),
        }
    }
}
