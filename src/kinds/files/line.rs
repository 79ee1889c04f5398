//! One line of a file.

use super::of_path::OfPath;
use crate::kind::{EditChange, Files, Kind, Orphans, Target};
use crate::text::Text;

/// `line = "PermitRootLogin no"` with `file` and, mostly, `matches`.
pub struct LineKind;

/// The keys of a step of kind `line`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The line, without its newline. May be empty where lines that match are to go.
    line: Text,
    /// The absolute path of the file.
    file: String,
    /// A regular expression for the line whose place it takes: the last that matches; it must match the new line too.
    matches: Option<String>,
    /// All lines that match, and not only the last, make way for this one.
    #[serde(default)]
    only: bool,
}

impl Kind for LineKind {
    const NAME: &'static str = "line";
    const DOC: &'static str =
        "A line of a file; takes the place of one that matches, or is added at the end.";
    const ORPHANS: Orphans = Orphans::reported(
        "the line stays, since the former line is unknown; `state = \"absent\"` removes it",
    );
    type Want = OfPath<Want>;

    fn name(want: &Self::Want) -> String {
        let which = want.matches.clone().unwrap_or_else(|| want.line.masked());
        format!("{} {which}", want.file)
    }

    fn validate(want: &Self::Want, _target: &Target) -> Result<(), String> {
        if want.matches.is_none() && want.only {
            return Err("`only` needs `matches`: which lines make way for this one".to_owned());
        }
        if want.matches.is_none() && want.line.as_marked().is_empty() {
            return Err("the line is empty: name the line to remove with `matches`".to_owned());
        }
        Ok(())
    }

    fn files(want: &Self::Want, _target: &Target) -> Files {
        let change = match (&want.matches, want.only) {
            (Some(matches), true) => EditChange::Only {
                line: want.present(want.line.clone()),
                matches: matches.clone(),
            },
            (matches, _) => EditChange::Line {
                line: want.line.clone(),
                matches: matches.clone(),
                absent: want.absent(),
            },
        };
        want.edit(&want.file, change)
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
    fn it_takes_the_place_of_one_that_matches() {
        let step = json!({ "line": "a=1", "file": "/etc/x", "matches": "^#?a=" });
        assert_eq!(
            edits(&step)[0].change,
            EditChange::Line {
                line: Text::plain("a=1"),
                matches: Some("^#?a=".into()),
                absent: false
            }
        );
        assert_eq!(names(&step), ["r/line:/etc/x ^#?a="]);
        let only = json!({ "line": "a=1", "file": "/etc/x", "matches": "^#?a=", "only": true });
        assert_eq!(
            edits(&only)[0].change,
            EditChange::Only {
                line: Some(Text::plain("a=1")),
                matches: "^#?a=".into()
            }
        );
    }

    #[test]
    fn a_secret_is_not_in_its_name() {
        let step = json!({ "line": format!("p={}", crate::text::mark("pw")), "file": "/etc/x" });
        assert_eq!(names(&step), ["r/line:/etc/x p=‹secret pw›"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(
            error(&json!({ "line": "a", "file": "/x", "only": true }))
                .contains("`only` needs `matches`")
        );
        assert!(error(&json!({ "line": "", "file": "/x" })).contains("the line is empty"));
        assert!(
            error(&json!({ "line": "a", "file": "/x", "matches": "(" }))
                .contains("no regular expression")
        );
        assert!(
            error(&json!({ "line": "a", "file": "/x", "matches": "^b" }))
                .contains("does not match the line it is to bring")
        );
        assert!(error(&json!({ "line": "a\nb", "file": "/x" })).contains("is not one line"));
    }
}
