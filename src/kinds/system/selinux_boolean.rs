//! Booleans of the SELinux policy: asked once, set in one call, as each rebuilds the policy
//! (docs/facts/releases.md#selinux).

use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::Shell;

/// `selinux_boolean = "virt_use_sanlock"`, or a list of names.
pub struct SelinuxBooleanKind;

/// The keys of a SELinux boolean step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Name of the boolean.
    selinux_boolean: String,
    /// Its value.
    #[serde(default = "on")]
    value: bool,
}

/// The state in the policy.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Its value; none when the policy has no such boolean.
    value: Option<bool>,
    /// Whether SELinux is disabled, so that there are no booleans.
    disabled: bool,
}

const SECTION: &str = "selinux-boolean";

fn on() -> bool {
    true
}

fn word(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

impl Kind for SelinuxBooleanKind {
    const NAME: &'static str = "selinux_boolean";
    const DOC: &'static str =
        "Booleans of the SELinux policy; all of a stage in one `setsebool -P`.";
    const SHELL: Shell = Shell::new("nw_selinux_booleans() { getsebool -a 2>&1; }\n");
    const ORPHANS: Orphans = Orphans::reported("it stays set as it is");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        together: true,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.selinux_boolean.clone()
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        let name = &want.selinux_boolean;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(format!(
                "`{}` is no name of a SELinux boolean: letters, digits and `_`",
                name.escape_debug()
            ));
        }
        if !target.platform.has_selinux() {
            return Err(format!(
                "{} runs without SELinux: give the step a `when`",
                target.platform
            ));
        }
        Ok(())
    }
}

impl SelinuxBooleanKind {
    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        // By name it would stop at the first that the policy does not have.
        observe.section(SECTION, Call::new("nw_selinux_booleans"));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer
            .get(SECTION)
            .ok_or("the SELinux booleans were not observed")?;
        let text = section.text();
        let disabled = text.contains("SELinux is disabled");
        if section.status != 0 && !disabled {
            return Err(format!(
                "getsebool ended with status {}: {}",
                section.status,
                text.trim()
            ));
        }
        let value = text.lines().find_map(|line| {
            let (name, value) = line.split_once(" --> ")?;
            (name == want.selinux_boolean).then_some(value.trim() == "on")
        });
        Ok(Seen { value, disabled })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let name = &want.selinux_boolean;
        match seen.value {
            Some(value) if value == want.value => Verdict::Same,
            Some(value) => {
                Verdict::Change(vec![Delta::new("value", word(value), word(want.value))])
            }
            None if seen.disabled => Verdict::Finding {
                what: format!("{name} cannot be set: SELinux is disabled"),
                remedy: "enable SELinux (`selinux`), or give the step a `when`".into(),
            },
            None => Verdict::Finding {
                what: format!("this policy has no boolean {name}"),
                remedy: format!(
                    "install the package that brings it, or correct the name (`nodewright run {} -- getsebool -a`)",
                    circumstances.target.node
                ),
            },
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let words = wants
            .iter()
            .map(|(want, _)| format!("{}={}", want.selinux_boolean, u8::from(want.value)));
        vec![Call::new("setsebool").arg("-P").args(words)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    // Constructed in the form that getsebool(8) shows.
    const SEEN: &str = "virt_use_sanlock --> off\nfenced_can_network_connect --> on\n";

    fn judge(step: &serde_json::Value, text: &str, status: i32) -> Result<Verdict, String> {
        testing::verdict_on(step, Platform::El7, &[(SECTION, text, status)])
    }

    #[test]
    fn values_are_read_by_name() {
        let off = json!({"selinux_boolean": "virt_use_sanlock", "value": false});
        assert_eq!(judge(&off, SEEN, 0), Ok(Verdict::Same));
        let on = json!({"selinux_boolean": "virt_use_sanlock"});
        assert_eq!(
            judge(&on, SEEN, 0),
            Ok(Verdict::Change(vec![Delta::new("value", "off", "on")]))
        );
        let part = json!({"selinux_boolean": "virt_use_san"});
        assert!(matches!(judge(&part, SEEN, 0), Ok(Verdict::Finding { .. })));
    }

    #[test]
    fn disabled_is_a_finding_and_a_missing_tool_an_error() {
        let step = json!({"selinux_boolean": "virt_use_sanlock"});
        let Ok(Verdict::Finding { what, .. }) =
            judge(&step, "getsebool:  SELinux is disabled\n", 1)
        else {
            panic!("it cannot be set");
        };
        assert_eq!(what, "virt_use_sanlock cannot be set: SELinux is disabled");
        assert!(judge(&step, "sh: getsebool: not found\n", 127).is_err());
    }

    #[test]
    fn all_are_set_in_one_call() {
        let step = json!({"selinux_boolean": ["a", "b"]});
        let wants: Vec<Want> = SelinuxBooleanKind::split(step.as_object().unwrap().clone())
            .into_iter()
            .map(|one| serde_json::from_value(one).unwrap())
            .collect();
        let seen = Seen {
            value: Some(false),
            disabled: false,
        };
        let both: Vec<_> = wants.iter().map(|want| (want, &seen)).collect();
        let calls = SelinuxBooleanKind::actions(
            &both,
            &testing::circumstances(&testing::target(Platform::El6)),
        );
        assert_eq!(
            calls.iter().map(Call::to_shell).collect::<Vec<_>>(),
            ["setsebool -P a=1 b=1"]
        );
        assert!(testing::read(&json!({"selinux_boolean": "-P"}), Platform::El7).is_err());
        assert!(testing::read(&json!({"selinux_boolean": "a"}), Platform::Debian12).is_err());
    }
}
