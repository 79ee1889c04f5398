//! One unit of work on a node: its entry in the plan, and the work of its batch.

use super::Change;
use crate::kind::{Address, SiteFile, StepMeta};
use crate::sh::Call;
use std::sync::Arc;

/// One unit of work on a node.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its entry in the plan, for display.
    pub change: Change,
    /// The work of the batch.
    pub work: PlannedStep,
}

/// The work of a batch for one [`Item`].
#[derive(Clone, Debug, Default)]
pub struct PlannedStep {
    /// The step's keys besides its kind.
    pub meta: Arc<StepMeta>,
    /// Validators of the contents: all run before anything is changed.
    pub preflight: Vec<Call>,
    /// Calls, in order.
    pub calls: Vec<Call>,
    /// Calls once the guard's window is confirmed, for an item that runs in one.
    pub confirmed: Vec<Call>,
    /// The contents it needs, counted from 0 in this step.
    pub blobs: Vec<Content>,
    /// The path it writes, if it writes one.
    pub path: Option<String>,
    /// Its lines in the manifest afterwards.
    pub owns: Owned,
}

/// The lines of the manifest for an item that is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// The path that is ours; empty where there is none.
    pub path: String,
    /// Its digest, or [`GONE`](super::GONE) where it is ours no longer.
    pub digest: String,
    /// Whether it holds a secret.
    pub secret: bool,
}

/// A content that a step needs on the node as a file.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Bytes that go with the batch.
    Bytes(Vec<u8>),
    /// A file of the site.
    File(SiteFile),
}

impl Item {
    /// The resources that it brings to their state.
    pub fn addresses(&self) -> &[Address] {
        &self.change.addresses
    }
}

impl Owned {
    /// The line that ends our claim to a path.
    pub fn no_longer(path: String) -> Self {
        Self {
            path,
            digest: super::GONE.to_owned(),
            secret: false,
        }
    }

    /// Whether it is ours no longer.
    pub fn is_gone(&self) -> bool {
        self.digest == super::GONE
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The bytes may hold a secret.
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::File(file) => write!(f, "{file:?}"),
        }
    }
}
