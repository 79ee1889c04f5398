//! A key of an INI file.

use super::of_path::OfPath;
use crate::kind::{EditChange, Files, Kind, Orphans, Target};
use crate::text::Text;

/// `ini = "HandlePowerKey"` with `file`, `section` and `value`.
pub struct IniKind;

/// The keys of a step of kind `ini`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The key. Case counts.
    ini: String,
    /// The absolute path of the file.
    file: String,
    /// Its section, without brackets; empty for keys before the first section, as in files of shell variables.
    #[serde(default)]
    section: String,
    /// Its value, as it is to be written, quotes included.
    value: Option<Text>,
    /// The text between key and value: `=` (the default) or ` = `.
    #[serde(default = "equals")]
    separator: String,
}

fn equals() -> String {
    "=".to_owned()
}

impl Kind for IniKind {
    const NAME: &'static str = "ini";
    const DOC: &'static str =
        "A key of an INI file or of a file of shell variables; comments and order stay.";
    const ORPHANS: Orphans = Orphans::reported(
        "the key stays, since its former value is unknown; `state = \"absent\"` removes it",
    );
    type Want = OfPath<Want>;

    fn name(want: &Self::Want) -> String {
        if want.section.is_empty() {
            format!("{} {}", want.file, want.ini)
        } else {
            format!("{} [{}] {}", want.file, want.section, want.ini)
        }
    }

    fn validate(want: &Self::Want, _target: &Target) -> Result<(), String> {
        if !want.absent() && want.value.is_none() {
            return Err(format!("the key `{}` needs its `value`", want.ini));
        }
        Ok(())
    }

    fn files(want: &Self::Want, _target: &Target) -> Files {
        want.edit(
            &want.file,
            EditChange::Ini {
                section: want.section.clone(),
                key: want.ini.clone(),
                value: want.present(want.value.clone()).flatten(),
                separator: want.separator.clone(),
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
    fn it_is_a_key_in_a_section() {
        let step = json!({ "ini": "HandlePowerKey", "file": "/etc/systemd/logind.conf", "section": "Login", "value": "ignore" });
        assert_eq!(
            edits(&step)[0].change,
            EditChange::Ini {
                section: "Login".into(),
                key: "HandlePowerKey".into(),
                value: Some(Text::plain("ignore")),
                separator: "=".into()
            }
        );
        assert_eq!(
            names(&step),
            ["r/ini:/etc/systemd/logind.conf [Login] HandlePowerKey"]
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let step = |key: &str, value: &str| json!({ "ini": key, "file": "/x", "value": value });
        assert_eq!(
            error(&json!({ "ini": "k", "file": "/x" })),
            "the key `k` needs its `value`"
        );
        assert!(error(&step("a=b", "")).contains("can be no key"));
        assert!(error(&step("#a", "")).contains("can be no key"));
        assert!(error(&step("", "")).contains("can be no key"));
        assert!(error(&step("k", "a\nb")).contains("is not one line"));
        assert!(
            error(&json!({ "ini": "k", "file": "/x", "value": "", "section": "a]" }))
                .contains("can be no section")
        );
        assert!(
            error(&json!({ "ini": "k", "file": "/x", "value": "", "separator": ":" }))
                .contains("`separator` must be")
        );
    }
}
