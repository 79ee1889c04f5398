//! A directory.

use super::of_path::OfPath;
use crate::kind::{EditChange, Files, Kind, Orphans, Target};

/// `directory = "/etc/openvpn"`.
pub struct DirectoryKind;

/// The keys of a step of kind `directory`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its absolute path; the folder it lies in must be there.
    directory: String,
}

impl Kind for DirectoryKind {
    const NAME: &'static str = "directory";
    const DOC: &'static str = "A directory with its owner and mode; its content is left alone.";
    const ORPHANS: Orphans =
        Orphans::reported("the folder stays, for it may be a mount point or somebody's home");
    type Want = OfPath<Want>;

    fn name(want: &Self::Want) -> String {
        want.directory.clone()
    }

    fn files(want: &Self::Want, _target: &Target) -> Files {
        want.edit(
            &want.directory,
            if want.absent() {
                EditChange::Absent
            } else {
                EditChange::Directory
            },
        )
    }

    fn absent(want: &Self::Want) -> bool {
        want.absent()
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
