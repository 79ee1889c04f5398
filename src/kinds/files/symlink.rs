//! A symbolic link.

use crate::kind::valid::Presence;
use crate::kind::{Attributes, EditChange, Files, Kind, Orphans, Target};

/// `symlink = "/etc/rc.local"`.
pub struct SymlinkKind;

/// The keys of a step of kind `symlink`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its absolute path.
    symlink: String,
    /// Its target, as it is written in it.
    to: Option<String>,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
}

impl Kind for SymlinkKind {
    const NAME: &'static str = "symlink";
    const DOC: &'static str =
        "A symbolic link; takes the place of a file or of another link, never of a directory.";
    const ORPHANS: Orphans = Orphans::removed("the link goes while it leads where it was led");
    type Want = Want;

    fn name(want: &Want) -> String {
        want.symlink.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        if want.state == Presence::Present && want.to.is_none() {
            return Err(format!("`{}` needs `to`: its target", want.symlink));
        }
        Ok(())
    }

    fn files(want: &Want, _target: &Target) -> Files {
        Files::edit(
            want.symlink.clone(),
            match (want.state, &want.to) {
                (Presence::Present, Some(to)) => EditChange::Symlink(to.clone()),
                _ => EditChange::Absent,
            },
            Attributes::default(),
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
    fn it_leads_somewhere() {
        let made = edits(&json!({ "symlink": "/etc/a", "to": "../b" }));
        assert_eq!(made[0].change, EditChange::Symlink("../b".into()));
        assert_eq!(
            error(&json!({ "symlink": "/etc/a" })),
            "`/etc/a` needs `to`: its target"
        );
        assert!(error(&json!({ "symlink": "/etc/a", "to": "" })).contains("must lead somewhere"));
        assert!(
            error(&json!({ "symlink": "/etc/a", "to": "a\nb" })).contains("more than one line")
        );
    }

    #[test]
    fn it_can_be_gone() {
        assert_eq!(
            edits(&json!({ "symlink": "/etc/a", "state": "absent" }))[0].change,
            EditChange::Absent
        );
    }
}
