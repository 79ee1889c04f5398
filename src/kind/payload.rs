//! Files that a kind's actions need on the node.

use crate::text::Text;
use std::path::Path;

/// One content that an action needs on the node as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Text that goes with the batch. A secret reaches a node in no other way.
    Text(Text),
    /// A file of the site, which may be large: sent before the batch, and only where the node does not have it.
    File(SiteFile),
}

/// A file of the site that goes to nodes as it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteFile {
    /// Its path within the site.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: String,
}

/// A step names the raw image of a disk by its path; its size and digest are found when the step is rendered.
impl schemars::JsonSchema for SiteFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SiteFile".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "site-path", "x-nodewright": "image" })
    }
}

/// Whether a file of this name is a package of yum and dnf.
pub fn is_rpm(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "rpm")
}

/// Whether a file of this name is a package of apt.
pub fn is_deb(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "deb")
}
