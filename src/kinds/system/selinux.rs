//! SELinux's mode: a line in its configuration, and what the running kernel enforces
//! (docs/facts/releases.md#selinux).

use crate::kind::{
    Answer, Attributes, Circumstances, Delta, Edit, EditChange, Files, Kind, Observe, Orphans,
    Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::text::Text;

/// `selinux = "enforcing"`.
pub struct SelinuxKind;

/// The keys of a step of kind `SELinux`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The mode. From and to `disabled` a reboot is needed: it is shown, not done.
    selinux: Mode,
}

/// The modes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Actions that the policy does not allow are denied.
    Enforcing,
    /// It is logged only.
    Permissive,
    /// There is no policy.
    Disabled,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Self::Enforcing => "enforcing",
            Self::Permissive => "permissive",
            Self::Disabled => "disabled",
        }
    }
}

/// The mode of the kernel.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The running mode.
    mode: Mode,
}

impl Kind for SelinuxKind {
    const NAME: &'static str = "selinux";
    const DOC: &'static str = "SELinux's mode, for the next boot and now where that is possible.";
    const ORPHANS: Orphans = Orphans::reported("the mode stays");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(_want: &Want) -> String {
        "mode".to_owned()
    }

    fn validate(_want: &Want, target: &Target) -> Result<(), String> {
        if target.platform.has_selinux() {
            Ok(())
        } else {
            Err(format!(
                "{} runs without SELinux: give the step a `when`",
                target.platform
            ))
        }
    }

    fn files(want: &Want, target: &Target) -> Files {
        Self::edits(want, target).into()
    }
}

impl SelinuxKind {
    fn edits(want: &Want, _target: &Target) -> Vec<Edit> {
        vec![Edit {
            path: "/etc/selinux/config".to_owned(),
            change: EditChange::Ini {
                section: String::new(),
                key: "SELINUX".to_owned(),
                value: Some(Text::plain(want.selinux.word())),
                separator: "=".to_owned(),
            },
            attributes: Attributes::default(),
        }]
    }

    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        observe.section("selinux", Call::new("getenforce"));
    }

    fn parse(_want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let mode = match answer.text("selinux").trim() {
            "Enforcing" => Mode::Enforcing,
            "Permissive" => Mode::Permissive,
            "Disabled" => Mode::Disabled,
            other => return Err(format!("getenforce gave no mode: `{other}`")),
        };
        Ok(Seen { mode })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let pending = |remedy: String| Verdict::Finding {
            what: format!(
                "a reboot is pending: SELinux is {} now and {} from the next boot on",
                seen.mode.word(),
                want.selinux.word()
            ),
            remedy,
        };
        match (seen.mode, want.selinux) {
            (now, then) if now == then => Verdict::Same,
            (Mode::Disabled, _) => pending(format!(
                "`nodewright run {} -- touch /.autorelabel`, then reboot the node when it can be spared (all files are \
                 labelled anew)",
                circumstances.target.node
            )),
            (_, Mode::Disabled) => pending("reboot the node when it can be spared".to_owned()),
            (now, then) => Verdict::Change(vec![Delta::new("mode", now.word(), then.word())]),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .map(|(want, _)| {
                let word = if want.selinux == Mode::Enforcing {
                    "1"
                } else {
                    "0"
                };
                Call::new("setenforce").arg(word)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    /// Observed answer → desired mode → verdict in a word.
    fn judge(seen: &str, wanted: &str) -> String {
        let step = json!({ "selinux": wanted });
        match testing::verdict_on(&step, Platform::El7, &[("selinux", seen, 0)]) {
            Ok(Verdict::Same) => "same".into(),
            Ok(Verdict::Change(deltas)) => testing::shown(&deltas[0]),
            Ok(Verdict::Finding { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_modes_are_switched_and_the_third_waits_for_a_reboot() {
        assert_eq!(judge("Enforcing\n", "enforcing"), "same");
        assert_eq!(
            judge("Permissive\n", "enforcing"),
            "mode: permissive -> enforcing"
        );
        assert_eq!(
            judge("Disabled\n", "enforcing"),
            "a reboot is pending: SELinux is disabled now and enforcing from the next boot on"
        );
        assert_eq!(
            judge("Enforcing\n", "disabled"),
            "a reboot is pending: SELinux is enforcing now and disabled from the next boot on"
        );
        assert_eq!(judge("Disabled\n", "disabled"), "same");
    }

    #[test]
    fn the_call_and_the_line() {
        let step = json!({"selinux": "permissive"});
        let calls = testing::actions_on(&step, Platform::El6, &[("selinux", "Enforcing\n", 0)]);
        assert_eq!(calls, ["setenforce 0"]);
        let edit = testing::edits_on(&step, Platform::El6).remove(0);
        assert_eq!(edit.path, "/etc/selinux/config");
        assert_eq!(
            edit.change,
            EditChange::Ini {
                section: String::new(),
                key: "SELINUX".into(),
                value: Some(Text::plain("permissive")),
                separator: "=".into()
            }
        );
    }

    #[test]
    fn odd_answers_and_other_platforms_are_refused() {
        let step = json!({"selinux": "enforcing"});
        for text in ["", "enforcing?\n"] {
            assert!(testing::verdict_on(&step, Platform::El9, &[("selinux", text, 127)]).is_err());
        }
        assert!(
            testing::read(&step, Platform::Debian12)
                .unwrap_err()
                .contains("`when`")
        );
        assert!(
            testing::read(&json!({"selinux": "on"}), Platform::El9)
                .unwrap_err()
                .contains("enforcing")
        );
    }
}
