//! Files that a kind's own actions write or remove, so that a plan can show what becomes of them.

use crate::text::Text;

/// One file that a kind's own actions write or remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Its absolute path on the node.
    pub path: String,
    /// The observed file.
    pub old: Found,
    /// The desired content; `None` for a file that is removed.
    pub new: Option<Text>,
}

/// The observed state of a file.
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
