//! Lines between two marks.

use super::of_path::OfPath;
use crate::kind::{EditChange, Files, Kind, Orphans, Target};
use crate::text::Text;

/// `block = "cluster"` with `file` and `content`.
pub struct BlockKind;

/// The keys of a step of kind `block`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The block's name, which is in its marks.
    block: String,
    /// The absolute path of the file.
    file: String,
    /// The lines between the marks.
    content: Option<Text>,
    /// The beginning of a comment in this file; `#` when unset.
    #[serde(default = "hash")]
    comment: String,
}

fn hash() -> String {
    "#".to_owned()
}

impl Kind for BlockKind {
    const NAME: &'static str = "block";
    const DOC: &'static str =
        "Lines of a file between two marks, replaced in place or added at the end.";
    const ORPHANS: Orphans =
        Orphans::reported("the block stays; `state = \"absent\"` takes it out");
    type Want = OfPath<Want>;

    fn name(want: &Self::Want) -> String {
        format!("{} {}", want.file, want.block)
    }

    fn validate(want: &Self::Want, _target: &Target) -> Result<(), String> {
        if want.block.trim().is_empty() || want.block.trim() != want.block {
            return Err(format!(
                "`{}` is no name for a block",
                want.block.escape_debug()
            ));
        }
        if want.comment.is_empty() {
            return Err("`comment` is empty: the marks would not be comments".to_owned());
        }
        if !want.absent() && want.content.is_none() {
            return Err(format!("the block `{}` needs its `content`", want.block));
        }
        Ok(())
    }

    fn files(want: &Self::Want, _target: &Target) -> Files {
        want.edit(
            &want.file,
            EditChange::Block {
                name: want.block.clone(),
                content: want.present(want.content.clone()).flatten(),
                comment: want.comment.clone(),
            },
        )
    }

    fn absent(want: &Self::Want) -> bool {
        want.absent()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{edits, error, names};
    use super::*;
    use serde_json::json;

    #[test]
    fn it_has_a_name_and_a_content() {
        let step = json!({ "block": "vpn", "file": "/etc/x", "content": "a\n", "comment": ";" });
        assert_eq!(
            edits(&step)[0].change,
            EditChange::Block {
                name: "vpn".into(),
                content: Some(Text::plain("a\n")),
                comment: ";".into()
            }
        );
        assert_eq!(names(&step), ["r/block:/etc/x vpn"]);
        let gone = json!({ "block": "vpn", "file": "/etc/x", "state": "absent" });
        assert_eq!(
            edits(&gone)[0].change,
            EditChange::Block {
                name: "vpn".into(),
                content: None,
                comment: "#".into()
            }
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(
            error(&json!({ "block": "a", "file": "/x" })),
            "the block `a` needs its `content`"
        );
        assert!(
            error(&json!({ "block": "a\nb", "file": "/x", "content": "" }))
                .contains("more than one line")
        );
        assert!(
            error(&json!({ "block": " ", "file": "/x", "content": "" }))
                .contains("no name for a block")
        );
        assert!(
            error(&json!({ "block": "a", "file": "/x", "content": "", "comment": "" }))
                .contains("`comment` is empty")
        );
    }
}
