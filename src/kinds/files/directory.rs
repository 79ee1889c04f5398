//! A directory.

use crate::kind::valid::Presence;
use crate::kind::{Attributes, EditChange, Files, Kind, Orphans, Target};

/// `directory = "/etc/openvpn"`.
pub struct DirectoryKind;

/// The keys of a step of kind `directory`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its absolute path; the folder it lies in must be there.
    directory: String,
    /// Name of its owner; root for a new one.
    owner: Option<String>,
    /// Name of its group; root for a new one.
    group: Option<String>,
    /// Its mode, such as "0750"; 0755 for a new one.
    mode: Option<String>,
    /// `present` (the default) or `absent`: removed only when it is empty.
    #[serde(default)]
    state: Presence,
}

impl Kind for DirectoryKind {
    const NAME: &'static str = "directory";
    const DOC: &'static str = "A directory with its owner and mode; its content is left alone.";
    const ORPHANS: Orphans =
        Orphans::reported("the folder stays, for it may be a mount point or somebody's home");
    type Want = Want;

    fn name(want: &Want) -> String {
        want.directory.clone()
    }

    fn files(want: &Want, _target: &Target) -> Files {
        Files::edit(
            want.directory.clone(),
            match want.state {
                Presence::Present => EditChange::Directory,
                Presence::Absent => EditChange::Absent,
            },
            Attributes::of([&want.owner, &want.group, &want.mode]),
        )
    }

    fn absent(want: &Want) -> bool {
        want.state == Presence::Absent
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{edits, error};
    use super::*;
    use serde_json::json;

    #[test]
    fn each_of_a_list_is_a_directory() {
        let made = edits(&json!({ "directory": ["/a", "/b"], "mode": "0700", "owner": "root" }));
        assert_eq!(
            made.iter().map(|e| e.path.as_str()).collect::<Vec<_>>(),
            ["/a", "/b"]
        );
        assert!(
            made.iter().all(|e| e.change == EditChange::Directory
                && e.attributes.mode.as_deref() == Some("0700"))
        );
    }

    #[test]
    fn it_can_be_gone_but_not_anywhere() {
        assert_eq!(
            edits(&json!({ "directory": "/a", "state": "absent" }))[0].change,
            EditChange::Absent
        );
        assert!(error(&json!({ "directory": "/" })).contains("absolute path"));
        assert!(error(&json!({ "directory": "/a/../b" })).contains("absolute path"));
    }
}
