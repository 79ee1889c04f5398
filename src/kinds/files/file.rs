//! A whole file.

use super::of_path::OfPath;
use crate::kind::valid;
use crate::kind::valid::CommandWords;
use crate::kind::{EditChange, Files, Kind, Orphans, Target};
use crate::text::Text;

/// `file = "/etc/motd"`.
pub struct FileKind;

/// The keys of a step of kind `file`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its absolute path.
    file: String,
    /// Its whole content.
    content: Option<Text>,
    /// A command that must accept the content before it is put in place; `{staged}` stands for the new file's path. Or
    /// the name of a validator, with its further words.
    check: Option<CommandWords>,
    /// Written only where nothing is: an existing file keeps its content.
    #[serde(default)]
    keep: bool,
}

impl Kind for FileKind {
    const NAME: &'static str = "file";
    const DOC: &'static str =
        "A file with its whole content, replaced in one go once a check has accepted it.";
    const ORPHANS: Orphans = Orphans::removed("the file goes");
    type Want = OfPath<Want>;

    fn name(want: &Self::Want) -> String {
        want.file.clone()
    }

    fn validate(want: &Self::Want, _target: &Target) -> Result<(), String> {
        if let Some(check) = &want.check {
            valid::words("check", check)?;
        }
        match (want.absent(), &want.content) {
            (false, None) => Err(format!(
                "`{}` needs its content: `content` or `template`; to change single lines there are `line`, `block` and `ini`",
                want.file
            )),
            (true, Some(_)) => Err(format!(
                "`{}` is to be absent, and has a content",
                want.file
            )),
            _ => Ok(()),
        }
    }

    fn files(want: &Self::Want, _target: &Target) -> Files {
        let change = match &want.content {
            Some(content) => EditChange::Whole {
                content: content.clone(),
                check: want.check.clone().map(|w| w.0),
                once: want.keep,
            },
            None => EditChange::Absent,
        };
        want.edit(&want.file, change)
    }

    fn absent(want: &Self::Want) -> bool {
        want.absent()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{edits, error};
    use super::*;
    use crate::kind::{Attributes, Edit};
    use serde_json::json;

    #[test]
    fn it_is_one_whole_edit() {
        let step = json!({ "file": "/etc/sudoers.d/x", "content": "a\n", "mode": "0440", "check": "visudo -cf {staged}" });
        assert_eq!(
            edits(&step),
            [Edit {
                path: "/etc/sudoers.d/x".into(),
                change: EditChange::Whole {
                    content: Text::plain("a\n"),
                    check: Some(vec!["visudo".into(), "-cf".into(), "{staged}".into()]),
                    once: false,
                },
                attributes: Attributes {
                    owner: None,
                    group: None,
                    mode: Some("0440".into())
                },
            }]
        );
    }

    #[test]
    fn it_can_be_kept_or_gone() {
        let kept = &edits(&json!({ "file": "/etc/x", "content": "", "keep": true }))[0];
        assert!(matches!(kept.change, EditChange::Whole { once: true, .. }));
        let gone = &edits(&json!({ "file": "/etc/x", "state": "absent" }))[0];
        assert_eq!(gone.change, EditChange::Absent);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(
            error(&json!({ "file": "/etc/x" })),
            "`/etc/x` needs its content: `content` or `template`; to change single lines there are `line`, `block` and `ini`"
        );
        assert!(
            error(&json!({ "file": "etc/x", "content": "" }))
                .contains("`file` must be an absolute path")
        );
        assert!(
            error(&json!({ "file": "/etc/x", "content": "", "mode": "644" }))
                .contains("\"0644\", not `644`")
        );
        assert!(
            error(&json!({ "file": "/etc/x", "content": "", "owner": "-r" }))
                .contains("`owner` must be a name")
        );
        assert!(
            error(&json!({ "file": "/etc/x", "content": "", "check": "true" }))
                .contains("{staged}")
        );
        assert!(
            error(&json!({ "file": "/etc/x", "contents": "" }))
                .contains("unknown field `contents`")
        );
        assert!(
            error(&json!({ "file": "/etc/x", "content": "a", "state": "absent" }))
                .contains("is to be absent")
        );
    }
}
