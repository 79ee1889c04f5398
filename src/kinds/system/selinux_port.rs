//! Ports by the SELinux policy's types: where a confined daemon may listen (docs/facts/releases.md#selinux).

use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::Shell;

/// `selinux_port = "2022"` with its type.
pub struct SelinuxPortKind;

/// The keys of a SELinux port step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The port.
    #[serde(deserialize_with = "port")]
    #[schemars(with = "u16")]
    selinux_port: u16,
    /// The type that a daemon needs of it: `ssh_port_t`.
    label: String,
    /// Its protocol.
    #[serde(default)]
    protocol: Protocol,
}

/// A protocol with ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// The port in the policy.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The types that name it by itself.
    labels: Vec<String>,
    /// Whether the programs that show the policy are installed.
    installed: bool,
    /// Whether SELinux is disabled, so that no port is refused.
    disabled: bool,
}

const SECTION: &str = "selinux-port";

/// Reads a port as a number or as text, which a template makes of it.
fn port<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let value = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
    let number = match &value {
        serde_json::Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|n| u16::try_from(n).ok()),
    };
    let number = number.filter(|n| *n > 0);
    number.ok_or_else(|| serde::de::Error::custom(format!("{value} is no port")))
}

impl Kind for SelinuxPortKind {
    const NAME: &'static str = "selinux_port";
    const DOC: &'static str =
        "A port's type in the SELinux policy, without which a confined daemon cannot listen there.";
    const SHELL: Shell = Shell::new(
        "nw_selinux_ports() { getenforce; command -v semanage >/dev/null && echo installed && semanage port -l; }\n",
    );
    const ORPHANS: Orphans = Orphans::reported("the port keeps its type");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        format!("{}/{}", want.protocol.word(), want.selinux_port)
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        let label = &want.label;
        if label.is_empty()
            || !label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            return Err(format!(
                "`label`: `{}` is no type of SELinux: letters, digits and `_`, such as `ssh_port_t`",
                label.escape_debug()
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

impl SelinuxPortKind {
    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        observe.section(SECTION, Call::new("nw_selinux_ports"));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer
            .get(SECTION)
            .ok_or("the ports of SELinux were not observed")?;
        let text = section.text();
        let mut lines = text.lines();
        let disabled = lines.next().is_some_and(|l| l.trim() == "Disabled");
        let installed = lines.next() == Some("installed");
        if installed && !disabled && section.status != 0 {
            return Err(format!(
                "semanage ended with status {}: {}",
                section.status,
                text.trim()
            ));
        }
        // One port alone counts before a range that holds it, so ranges are left out.
        let label = |line: &str| {
            let mut words = line.split_whitespace();
            let (label, protocol) = (words.next()?, words.next()?);
            let mut ports = words.map(|w| w.trim_end_matches(','));
            let named = ports.any(|p| p == want.selinux_port.to_string());
            (named && protocol == want.protocol.word()).then(|| label.to_owned())
        };
        Ok(Seen {
            labels: text.lines().filter_map(label).collect(),
            installed,
            disabled,
        })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        if seen.disabled || seen.labels.contains(&want.label) {
            Verdict::Same
        } else if seen.installed {
            let now = seen.labels.first().map_or("none", String::as_str);
            Verdict::Change(vec![Delta::new("label", now, &want.label)])
        } else {
            Verdict::After {
                what: "the package that brings `semanage`".into(),
                table: format!("{} of its own: keep; anything else: set", want.label),
            }
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let call = |(want, seen): &(&Want, &Seen)| {
            // A port that another type names already is changed, not added.
            let how = if seen.labels.is_empty() { "-a" } else { "-m" };
            let port = want.selinux_port.to_string();
            Call::new("semanage").args([
                "port",
                how,
                "-t",
                &want.label,
                "-p",
                want.protocol.word(),
                &port,
            ])
        };
        wants.iter().map(call).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    // In the form that semanage-port(8) of policycoreutils shows.
    const SEEN: &str = "Enforcing\ninstalled\nSELinux Port Type              Proto    Port Number\n\n\
        http_port_t                    tcp      80, 81, 443, 2023\n\
        ssh_port_t                     tcp      2022, 22\n\
        unreserved_port_t              tcp      61001-65535, 1024-32767\n";

    fn judge(step: &serde_json::Value, text: &str, status: i32) -> Result<Verdict, String> {
        testing::verdict_on(step, Platform::El7, &[(SECTION, text, status)])
    }

    fn step(port: u16) -> serde_json::Value {
        json!({"selinux_port": port, "label": "ssh_port_t"})
    }

    #[test]
    fn a_port_has_the_type_that_names_it_alone() {
        assert_eq!(judge(&step(2022), SEEN, 0), Ok(Verdict::Same));
        let change = |now: &str| {
            Ok(Verdict::Change(vec![Delta::new(
                "label",
                now,
                "ssh_port_t",
            )]))
        };
        assert_eq!(judge(&step(2023), SEEN, 0), change("http_port_t"));
        assert_eq!(judge(&step(2024), SEEN, 0), change("none"));
        // In a range only: 61001-65535 has no line of its own for it.
        assert_eq!(judge(&step(61001), SEEN, 0), change("none"));
    }

    #[test]
    fn where_nothing_is_refused_nothing_is_set() {
        assert_eq!(judge(&step(2024), "Disabled\n", 127), Ok(Verdict::Same));
        let Ok(Verdict::After { .. }) = judge(&step(2024), "Enforcing\n", 1) else {
            panic!("semanage is missing");
        };
        assert!(judge(&step(2024), "Enforcing\ninstalled\nValueError\n", 1).is_err());
    }

    #[test]
    fn a_port_of_another_type_is_changed_and_a_new_one_added() {
        for (labels, how) in [(vec![], "-a"), (vec!["http_port_t".to_owned()], "-m")] {
            let want: Want = serde_json::from_value(step(2022)).unwrap();
            let seen = Seen {
                labels,
                installed: true,
                disabled: false,
            };
            let calls = SelinuxPortKind::actions(
                &[(&want, &seen)],
                &testing::circumstances(&testing::target(Platform::El6)),
            );
            assert_eq!(
                calls.iter().map(Call::to_shell).collect::<Vec<_>>(),
                [format!("semanage port {how} -t ssh_port_t -p tcp 2022")]
            );
        }
        for wrong in [
            json!({"selinux_port": 0, "label": "ssh_port_t"}),
            json!({"selinux_port": 22, "label": "ssh port"}),
        ] {
            assert!(testing::read(&wrong, Platform::El7).is_err(), "{wrong}");
        }
        assert!(testing::read(&step(22), Platform::Debian12).is_err());
    }
}
