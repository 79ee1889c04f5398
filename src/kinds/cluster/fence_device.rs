//! Whether a fence device of another member answers from here, and whether its agent knows the parameters that it is
//! given.
//!
//! Facts: docs/facts/fencing.md#agents, docs/facts/fencing.md#crossed-controllers.

use crate::kind::{
    Answer, Circumstances, Delta, Depends, Kind, Observable, Observe, Running, Runs, Target,
    Verdict, valid,
};
use crate::sh::Call;
use crate::shell::{Shell, TRACES};

/// `fence_device = "fence_node2_ipmilan"`.
pub struct FenceDeviceKind;

/// The call that switches a device's node on.
pub fn on(agent: &str, input: &str) -> Call {
    let seconds = FORMING.to_string();
    Call::new("nw_fence_device_status").args([agent, input, &seconds, "on"])
}

/// The keys of a step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The device's name in the cluster's configuration.
    fence_device: String,
    /// The node that it switches off.
    node: String,
    /// The program that speaks with it.
    agent: String,
    /// The file whose content is the agent's standard input.
    input: String,
    /// The scripts that it takes secrets from.
    #[serde(default)]
    scripts: Vec<String>,
    /// Its parameters.
    #[serde(default)]
    parameters: Vec<String>,
    /// Seconds within which it is to report whether its node has power; 20 where nothing else is said.
    #[serde(default = "twenty")]
    timeout: u32,
}

fn twenty() -> u32 {
    20
}

/// Seconds that a device may take at least before a cluster is formed, where nothing is lost by waiting.
const FORMING: u32 = 60;

/// Seconds that an observation waits for all other queries of an agent.
const METADATA: u32 = 15;

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether the agent is installed.
    pub installed: bool,
    /// Whether the device reported if its node has power.
    pub answered: bool,
    /// Its report: `on`, `off`; `not asked` before its files are there, `late`, or `failed`.
    pub status: String,
    /// The agent's exit status, where it was asked.
    #[serde(skip)]
    pub code: Option<i32>,
    /// Parameters that the agent does not know.
    pub unknown: Vec<String>,
    /// Whether there was a cluster on this node.
    #[serde(skip)]
    formed: bool,
}

impl Want {
    fn section(&self) -> String {
        format!("fence_device.{}", self.fence_device)
    }

    fn unknown(&self, seen: &Seen) -> String {
        format!(
            "{} on this node does not know {}: `{} -o metadata` lists its parameters",
            self.agent,
            seen.unknown
                .iter()
                .map(|p| format!("`{p}`"))
                .collect::<Vec<_>>()
                .join(", "),
            self.agent
        )
    }
}

impl Kind for FenceDeviceKind {
    const NAME: &'static str = "fence_device";
    const DOC: &'static str = "A fence device of another member that answers this node with its status, and whose agent knows its parameters. \
         One that does not fails the run before a cluster is formed; later it is reported.";
    const SHELL: Shell = Shell::new(include_str!("fence_device.sh")).needing(&[TRACES]);
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        compare_written: Some(Self::compare_written),
        actions: Self::actions,
        title: Some(Self::title),
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.fence_device.clone()
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        if want.fence_device.is_empty() || !want.fence_device.chars().all(word) {
            return Err(format!(
                "`{}` is no name of a device: small letters, digits, `_` and `-`",
                want.fence_device.escape_debug()
            ));
        }
        if !want.agent.starts_with("fence_") || !want.agent.chars().all(word) {
            return Err(format!(
                "`{}` is no fence agent: its name begins with `fence_`",
                want.agent.escape_debug()
            ));
        }
        if want.node == target.node {
            return Err(format!(
                "{} is not observed from the node that it switches off",
                want.fence_device
            ));
        }
        for path in want.scripts.iter().chain([&want.input]) {
            valid::path("input and scripts", path)?;
        }
        Ok(())
    }

    fn depends(want: &Want, target: &Target) -> Depends {
        Depends {
            paths: Self::paths(want, target),
        }
    }
}

impl Observable for FenceDeviceKind {
    type Seen = Seen;
}

impl FenceDeviceKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        for want in wants {
            let call = Call::new("nw_fence_device_seen")
                .arg(want.timeout.to_string())
                .args([&want.agent, &want.input])
                .args(want.scripts.iter().cloned());
            observe.beside_section_for(want.timeout + METADATA, want.section(), call);
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer.get(&want.section());
        let text = section.ok_or("the fence device was not observed")?.text();
        let value = |key: &'static str| text.lines().filter_map(move |l| l.strip_prefix(key));
        let known: Vec<&str> = value("parameter ").collect();
        let status = match value("status ").next() {
            None => "not asked",
            Some("0") => "on",
            Some("2") => "off",
            Some("124") => "late",
            Some(_) => "failed",
        };
        let strange = |p: &&String| {
            !known.is_empty() && !p.starts_with("pcmk_") && !known.contains(&p.as_str())
        };
        Ok(Seen {
            installed: text.lines().any(|l| l == "installed"),
            answered: matches!(status, "on" | "off"),
            status: status.to_owned(),
            code: value("status ").next().and_then(|s| s.parse().ok()),
            unknown: want.parameters.iter().filter(strange).cloned().collect(),
            formed: text.lines().any(|l| l.starts_with("trace ")),
        })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let right = seen.unknown.is_empty();
        match seen.status.as_str() {
            "on" if right => Verdict::Same,
            // A member that is off was fenced, or taken down.
            "off" if right && seen.formed => Verdict::Same,
            status if seen.formed => Verdict::Finding {
                what: if right && status == "late" {
                    format!(
                        "{} may not be fenced by {}: it did not report its status within {} seconds (`timeout`)",
                        want.node, want.fence_device, want.timeout
                    )
                } else if right {
                    format!(
                        "{} cannot be fenced by {}: its status is `{status}`",
                        want.node, want.fence_device
                    )
                } else {
                    want.unknown(seen)
                },
                remedy: format!(
                    "check the device, its cable and its account, then `(cat {}; echo action=status) | {}`",
                    want.input, want.agent
                ),
            },
            _ if !right => Verdict::Change(vec![Delta::new(
                "unknown parameters",
                seen.unknown.join(", "),
                "none",
            )]),
            status => Verdict::Change(vec![Delta::new("status", status, "on")]),
        }
    }

    fn paths(want: &Want, _target: &Target) -> Vec<String> {
        let scripts = want.scripts.iter().cloned();
        scripts.chain([want.input.clone()]).collect()
    }

    fn compare_written(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        match Self::compare(want, seen, circumstances) {
            // A device is tried once its files are written, before anything depends on it.
            Verdict::Same | Verdict::Finding { .. } => {
                Verdict::Change(vec![Delta::new("status", "observed again", "on")])
            }
            other => other,
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().map(|(want, seen)| {
            if seen.unknown.is_empty() {
                let seconds = want.timeout.max(FORMING).to_string();
                Call::new("nw_fence_device").args([&seconds, &want.agent, &want.input, &want.node])
            } else {
                let fail = Call::new("sh").args(["-c", "echo \"$1\"; exit 1", "nw"]);
                fail.arg(want.unknown(seen))
            }
        });
        calls.collect()
    }

    fn title(names: &str, _deltas: &[Delta]) -> String {
        format!("query the status of {names}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use super::super::super::testing::{actions_on, queries, verdict_on};
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    fn step() -> serde_json::Value {
        json!({
            "fence_device": "fence_node2_ipmilan",
            "node": "node2",
            "agent": "fence_ipmilan",
            "input": "/s/fence_node2_ipmilan.options",
            "scripts": ["/s/fence_node2_ipmilan-passwd"],
            "parameters": ["ipaddr", "login", "passwd_script", "lanplus", "pcmk_reboot_timeout"],
        })
    }

    /// Documentation: what `ccs --lsfenceopt fence_ipmilan` lists on RHEL 6.4, as published in an operator's notes.
    const EL6: &str = "parameter option\nparameter auth\nparameter ipaddr\nparameter passwd\nparameter passwd_script\n\
        parameter lanplus\nparameter login\nparameter action\nparameter timeout\nparameter cipher\nparameter method\n\
        parameter power_wait\nparameter delay\nparameter privlvl\nparameter verbose\n";

    fn judged(text: &str) -> Verdict {
        let section = format!("installed\n{EL6}{text}");
        let sections = [("fence_device.fence_node2_ipmilan", section.as_str(), 0)];
        verdict_on(&step(), Platform::El6, &sections).unwrap()
    }

    #[test]
    fn the_agent_is_asked_without_any_value() {
        assert_eq!(
            queries(&step(), Platform::El6),
            [
                "fence_device.fence_node2_ipmilan: nw_fence_device_seen 20 fence_ipmilan /s/fence_node2_ipmilan.options \
              /s/fence_node2_ipmilan-passwd"
            ]
        );
    }

    #[test]
    fn what_does_not_answer_fails_before_there_is_a_cluster_and_is_reported_later() {
        assert_eq!(judged("status 0\n"), Verdict::Same);
        let change = |from: &str| Verdict::Change(vec![Delta::new("status", from, "on")]);
        assert_eq!(judged(""), change("not asked"));
        assert_eq!(judged("status 1\n"), change("failed"));
        assert_eq!(judged("status 124\n"), change("late"));
        // The node that is being set up runs: its device has to know that.
        assert_eq!(judged("status 2\n"), change("off"));
        assert_eq!(
            judged("trace /var/lib/corosync/ringid_1\nstatus 2\n"),
            Verdict::Same
        );
        let Verdict::Finding { what, .. } =
            judged("trace /var/lib/corosync/ringid_1\nstatus 124\n")
        else {
            panic!();
        };
        assert_eq!(
            what,
            "node2 may not be fenced by fence_node2_ipmilan: it did not report its status within 20 seconds (`timeout`)"
        );
        let Verdict::Finding { what, remedy } =
            judged("trace /var/lib/corosync/ringid_1\nstatus 1\n")
        else {
            panic!();
        };
        assert_eq!(
            what,
            "node2 cannot be fenced by fence_node2_ipmilan: its status is `failed`"
        );
        assert!(
            remedy.ends_with(
                "(cat /s/fence_node2_ipmilan.options; echo action=status) | fence_ipmilan`"
            ),
            "{remedy}"
        );
    }

    #[test]
    fn a_parameter_that_the_agent_does_not_know_fails_before_anything_leans_on_it() {
        let mut step = step();
        step["parameters"] = json!(["ipaddr", "plug", "lanplus"]);
        let section = format!("installed\n{EL6}status 0\n");
        let sections = [("fence_device.fence_node2_ipmilan", section.as_str(), 0)];
        let delta = Delta::new("unknown parameters", "plug", "none");
        assert_eq!(
            verdict_on(&step, Platform::El6, &sections),
            Ok(Verdict::Change(vec![delta]))
        );
        let actions = actions_on(&step, Platform::El6, &sections);
        assert_eq!(
            actions,
            [
                "sh -c 'echo \"$1\"; exit 1' nw 'fence_ipmilan on this node does not know `plug`: `fence_ipmilan -o metadata` lists \
              its parameters'"
            ]
        );
    }

    #[test]
    fn a_node_is_not_asked_for_its_own_device() {
        let mut step = step();
        step["node"] = json!("node1");
        let why = testing::error(&step);
        assert!(why.contains("from the node that it switches off"), "{why}");
    }
}
