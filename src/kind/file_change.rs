//! Files that a kind's own actions write or remove, so that a plan can show what becomes of them.

use crate::text::Text;

/// One file that a kind's own actions write or remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Its absolute path on the node.
    pub path: String,
    /// What is there.
    pub old: Found,
    /// What is to be there; `None` for a file that goes.
    pub new: Option<Text>,
}

/// What the observation brought of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No file is there.
    Absent,
    /// Its content.
    Content(Vec<u8>),
    /// Its content stayed on the node: it is long, or holds a secret.
    Unread {
        /// Its size in bytes.
        bytes: u64,
        /// SHA-256 of its content.
        sha256: String,
    },
}
