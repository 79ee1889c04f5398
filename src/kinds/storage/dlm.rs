//! DLM, the lock manager of all that members share: whether it runs, and which of its lockspaces wait. Only observed.
//!
//! Facts: docs/facts/storage.md#lock-manager.

use crate::kind::{Answer, Kind, Observable, Observe, Running, Runs, Target};
use crate::sh::Call;
use crate::shell::{PROCESS, Shell};

/// `dlm = "lockspaces"`.
pub struct DlmKind;

/// The keys of a step of kind `dlm`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The subject that is observed: always `lockspaces`.
    dlm: DlmSubject,
    /// All members of the cluster.
    members: Vec<String>,
}

#[derive(Clone, Copy, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DlmSubject {
    Lockspaces,
}

/// The observed state.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether `dlm_controld` answers.
    pub running: bool,
    /// The lockspaces that this node is in.
    pub lockspaces: Vec<String>,
    /// Those in which no lock is given, each with what it waits for: `shared: fencing`.
    pub waiting: Vec<String>,
    /// Those in which a member is missing.
    pub partial: Vec<String>,
}

const SECTION: &str = "dlm";

impl Kind for DlmKind {
    const NAME: &'static str = "dlm";
    const DOC: &'static str = "DLM, the lock manager of GFS2 and of shared volume groups: whether it runs, and which of its lockspaces give \
         no locks and for what they wait. Only observed, for checks.";
    const SHELL: Shell = Shell::new(include_str!("dlm.sh")).needing(&[PROCESS]);
    const RUNNING: &'static dyn Runs = &Running::new(Self::observe, Self::parse);
    type Want = Want;

    fn name(want: &Want) -> String {
        match want.dlm {
            DlmSubject::Lockspaces => "lockspaces".to_owned(),
        }
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        if want.members.is_empty() {
            return Err("`members` names all members of the cluster".to_owned());
        }
        Ok(())
    }
}

impl Observable for DlmKind {
    type Seen = Seen;
}

impl Seen {
    /// The lockspaces that give no locks until a lost member is fenced.
    pub fn until_fenced(&self) -> impl Iterator<Item = &str> {
        let waiting = self.waiting.iter();
        waiting.filter_map(|w| w.strip_suffix(": fencing"))
    }
}

/// The call that vouches to DLM that the lost member with this host id was fenced.
pub fn is_off(host_id: u32) -> Call {
    Call::new("nw_dlm_fenced").arg(host_id.to_string())
}

impl DlmKind {
    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        observe.slow_section(SECTION, Call::new("dlm_tool").arg("ls"));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer.get(SECTION).ok_or("DLM was not asked")?;
        match section.status {
            0 => Ok(read(&section.text(), want.members.len())),
            // The daemon does not run, or there is no tool.
            1 | 127 => Ok(Seen::default()),
            124 => Err("DLM did not answer in time".to_owned()),
            status => Err(format!("`dlm_tool ls` ended with {status}")),
        }
    }
}

/// `dlm_tool ls`, whose form is that of dlm 3 and 4: a block for each lockspace.
fn read(text: &str, members: usize) -> Seen {
    let mut seen = Seen {
        running: true,
        ..Seen::default()
    };
    let mut stopped = false;
    for line in text.lines() {
        let last = seen.lockspaces.last().cloned();
        let value = |key: &str| line.strip_prefix(key).map(str::trim);
        if let Some(name) = value("name ") {
            seen.lockspaces.push(name.to_owned());
            stopped = false;
        } else if let (Some(flags), Some(name)) = (value("flags "), &last) {
            stopped = flags.contains("kern_stop");
            if stopped {
                seen.waiting.push(name.clone());
            }
        } else if let (Some(ids), Some(name)) = (value("members "), &last) {
            if ids.split_whitespace().count() < members {
                seen.partial.push(name.clone());
            }
        } else if let (Some(status), Some(name)) = (value("new status "), last) {
            // `wait fencing`, `wait quorum`, `wait messages 1`.
            let wait = status.strip_prefix("wait ").unwrap_or(status);
            if stopped {
                seen.waiting.pop();
            }
            stopped = false;
            seen.waiting.push(format!("{name}: {wait}"));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    fn seen(status: i32, text: &str) -> Result<serde_json::Value, String> {
        let step = json!({ "dlm": "lockspaces", "members": ["node1", "node2"] });
        let resource = testing::resources_on(&step, Platform::Debian12).remove(0);
        let answer = Answer::from_sections([(SECTION, text, status)]);
        let target = testing::target(Platform::Debian12);
        testing::compare(&resource, &target, &answer, false).map(|compared| compared.seen)
    }

    // dlm_tool 4.2.0 in two virtual machines, as the cluster runs (two of its four lockspaces).
    const RUNS: &str = "\
dlm lockspaces
name          lvm_global
id            0x12aabd2d
flags         0x00000000 
change        member 2 joined 1 remove 0 failed 0 seq 1,1
members       1 2 

name          shared
id            0xa98de676
flags         0x00000000 
change        member 2 joined 1 remove 0 failed 0 seq 1,1
members       1 2 

";
    // Constructed: the same with the flags and the lines that were noted while a fence device did not answer.
    const WAITS: &str = "\
dlm lockspaces
name          lvm_global
id            0x12aabd2d
flags         0x00000004 kern_stop
change        member 2 joined 1 remove 0 failed 0 seq 1,1
members       1 2 

name          shared
id            0xa98de676
flags         0x00000004 kern_stop
change        member 2 joined 1 remove 0 failed 0 seq 1,1
members       1 2 
new change    member 1 joined 0 remove 1 failed 1 seq 2,2
new status    wait fencing
new members   1 

";

    #[test]
    fn lockspaces_that_give_locks() {
        let runs = json!({ "running": true, "lockspaces": ["lvm_global", "shared"], "waiting": [], "partial": [] });
        assert_eq!(seen(0, RUNS), Ok(runs));
        let none = json!({ "running": true, "lockspaces": [], "waiting": [], "partial": [] });
        assert_eq!(seen(0, ""), Ok(none));
    }

    #[test]
    fn a_lockspace_that_waits_says_for_what() {
        let waits = seen(0, WAITS).unwrap();
        assert_eq!(waits["waiting"], json!(["lvm_global", "shared: fencing"]));
        let alone = RUNS.replacen("members       1 2", "members       1", 1);
        assert_eq!(seen(0, &alone).unwrap()["partial"], json!(["lvm_global"]));
    }

    #[test]
    fn a_daemon_that_does_not_run_and_one_that_does_not_answer() {
        for status in [1, 127] {
            assert_eq!(seen(status, "").unwrap()["running"], json!(false));
        }
        assert_eq!(seen(124, ""), Err("DLM did not answer in time".to_owned()));
    }
}
