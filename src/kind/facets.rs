//! Facets of a resource that are known before anything is observed: values with defaults, made when the step is read.

use super::{Attributes, Edit, EditChange, OwnedFolder, concerns};
use crate::sh::Call;
use crate::text::Text;
use std::collections::BTreeSet;

/// The files of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Edit requests for paths; the engine observes, compares and writes these.
    pub edits: Vec<Edit>,
    /// Files and folders that its own actions write. The guard keeps them whole and rolls them back, and a resource
    /// that [depends](Depends) on one of them is compared as when it is written.
    pub writes: Vec<String>,
    /// Files with a secret that its own actions write: the record of /etc leaves these out.
    pub secrets: Vec<String>,
    /// A file that its own actions write, by its path, with the content by the site: for display to users who ask for
    /// every file.
    pub rendered: Option<(String, Text)>,
    /// Whether `rendered` is merged into the node's file, and is not its whole content.
    pub laid_over: bool,
    /// A folder that is its own with all its content: no file in there is removed as an orphan of another resource.
    pub folder: Option<OwnedFolder>,
}

impl Files {
    /// One edit request.
    pub fn edit(path: impl Into<String>, change: EditChange, attributes: Attributes) -> Self {
        let path = path.into();
        vec![Edit {
            path,
            change,
            attributes,
        }]
        .into()
    }
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
    /// Files, folders with all in them, and patterns of the shell.
    pub paths: Vec<String>,
}

impl Depends {
    /// Whether one of these paths is written.
    pub fn on<S: AsRef<str>>(&self, written: impl IntoIterator<Item = S>) -> bool {
        let mut written = written.into_iter();
        written.any(|one| self.paths.iter().any(|path| concerns(path, one.as_ref())))
    }
}

/// The part of a resource in the guard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guarding {
    /// Whether a change of it runs under the guard.
    pub cuts_off: CutsOff,
    /// Calls that note the state before the first change of a window, in files of their own under `$NW_GUARD`, for
    /// `undo`. Holds for every resource whose step runs in a window.
    pub note: Vec<Call>,
    /// Calls before the files are rolled back: they stop what the window started, while the files it was started with
    /// are still in place.
    pub undo_first: Vec<Call>,
    /// Calls that roll the running side back to the noted state, once all files are rolled back. In the reverse order
    /// of the steps, without any uploaded content, whether its action ran or not.
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
