//! The node's name.

use crate::kind::{
    Answer, Attributes, Circumstances, Delta, Edit, EditChange, Files, Kind, Observe, Orphans,
    Running, Runs, Section, Target, Verdict,
};
use crate::platform::NameFile;
use crate::sh::Call;
use crate::shell::Shell;
use crate::text::Text;
use std::collections::BTreeSet;

/// `hostname = "node1"`.
pub struct HostnameKind;

/// The keys of a step of kind `hostname`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The name, as `uname -n` prints it.
    hostname: String,
}

/// The name by which the node calls itself.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The answer of `uname -n`.
    running: String,
    /// The processes of a cluster that run.
    cluster: Vec<String>,
}

/// Sections of the answer.
const NAME: &str = "hostname";
const PROCESSES: &str = "hostname-processes";

/// Processes of a cluster, which goes by the name of each node.
const CLUSTER: [&str; 5] = [
    "corosync",
    "pacemakerd",
    "fenced",
    "rgmanager",
    "dlm_controld",
];

impl Kind for HostnameKind {
    const NAME: &'static str = "hostname";
    const DOC: &'static str =
        "The node's name, for good and at once; never changed while a cluster runs on it.";
    const SHELL: Shell = Shell::new(include_str!("hostname.sh"));
    const ORPHANS: Orphans = Orphans::reported("it stays as it is");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.hostname.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if want.hostname.len() > 64 || !want.hostname.split('.').all(label) {
            return Err(format!(
                "`{}` is no name for a node: letters, digits, `-` and dots, at most 64",
                want.hostname.escape_debug()
            ));
        }
        Ok(())
    }

    fn files(want: &Want, target: &Target) -> Files {
        Self::edits(want, target).into()
    }
}

impl HostnameKind {
    fn edits(want: &Want, target: &Target) -> Vec<Edit> {
        let (path, change) = match target.platform.name_file() {
            NameFile::Hostname => {
                let change = EditChange::Whole {
                    content: Text::plain(format!("{}\n", want.hostname)),
                    check: None,
                    once: false,
                };
                ("/etc/hostname", change)
            }
            NameFile::Sysconfig => {
                let change = EditChange::Ini {
                    section: String::new(),
                    key: "HOSTNAME".to_owned(),
                    value: Some(Text::plain(&want.hostname)),
                    separator: "=".to_owned(),
                };
                ("/etc/sysconfig/network", change)
            }
        };
        vec![Edit {
            path: path.to_owned(),
            change,
            attributes: Attributes::default(),
        }]
    }

    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        observe.section(NAME, Call::new("uname").arg("-n"));
        observe.section(PROCESSES, Call::new("ps").args(["-e", "-o", "comm="]));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let text = answer.text(NAME);
        let running = text
            .lines()
            .next()
            .filter(|name| !name.is_empty() && !name.contains(' '))
            .ok_or("the node gave no host name")?
            .to_owned();
        let processes = answer.get(PROCESSES).filter(|s| s.status == 0);
        if processes.is_none() && running != want.hostname {
            return Err("whether a cluster goes by the old name is not known: `ps` failed".into());
        }
        let processes = processes.map(Section::text).unwrap_or_default();
        let cluster: BTreeSet<&str> = processes
            .lines()
            .map(str::trim)
            .filter(|process| CLUSTER.contains(process))
            .collect();
        Ok(Seen {
            running,
            cluster: cluster.into_iter().map(str::to_owned).collect(),
        })
    }

    /// DRBD, the cluster and its fencing all go by `uname -n` (docs/facts/membership.md#names).
    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        if seen.running == want.hostname {
            return Verdict::Same;
        }
        if seen.cluster.is_empty() {
            return Verdict::Change(vec![Delta::new("name", &seen.running, &want.hostname)]);
        }
        let what = format!(
            "the node is called {}, wanted {}, and {} runs, which goes by the name: stop the cluster on this node first",
            seen.running,
            want.hostname,
            seen.cluster.join(", ")
        );
        Verdict::refuse(what, &circumstances.target.node)
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .map(|(want, _)| Call::new("nw_hostname_set").arg(&want.hostname))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{
        actions, changes, edits_on, error, queries, verdict, verdict_on,
    };
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    #[test]
    fn it_is_written_where_the_release_reads_it() {
        let step = json!({ "hostname": "n1" });
        let el6 = edits_on(&step, Platform::El6).remove(0);
        assert_eq!(el6.path, "/etc/sysconfig/network");
        assert!(matches!(el6.change, EditChange::Ini { ref key, .. } if key == "HOSTNAME"));
        for platform in [Platform::El7, Platform::El9, Platform::Debian12] {
            assert_eq!(edits_on(&step, platform)[0].path, "/etc/hostname");
        }
        assert_eq!(
            queries(&step, Platform::El6),
            ["hostname: uname -n", "hostname-processes: ps -e -o comm="]
        );
    }

    #[test]
    fn another_running_name_is_changed() {
        let step = json!({ "hostname": "n1" });
        let alone = (PROCESSES, "init\nsshd\n", 0);
        let seen = [(NAME, "localhost.localdomain\n", 0), alone];
        assert_eq!(changes(&step, &seen), ["name: localhost.localdomain -> n1"]);
        assert_eq!(actions(&step, &seen), ["nw_hostname_set n1"]);
        assert_eq!(verdict(&step, &[(NAME, "n1\n", 0), alone]), Verdict::Same);
    }

    #[test]
    fn under_a_cluster_it_is_refused() {
        let step = json!({ "hostname": "n1" });
        assert_eq!(
            verdict(
                &step,
                &[
                    (NAME, "old\n", 0),
                    (PROCESSES, "init\ncorosync\npacemakerd\ncorosync\n", 0)
                ]
            ),
            Verdict::refuse(
                "the node is called old, wanted n1, and corosync, pacemakerd runs, which goes by the name: stop the cluster on this node first",
                "node1"
            )
        );
        assert_eq!(
            verdict(&step, &[(NAME, "n1\n", 0), (PROCESSES, "corosync\n", 0)]),
            Verdict::Same
        );
    }

    #[test]
    fn odd_answers_are_errors_and_odd_names_refused() {
        let step = json!({ "hostname": "n1" });
        assert!(verdict_on(&step, Platform::El6, &[]).is_err());
        assert!(verdict_on(&step, Platform::El6, &[(NAME, "", 127)]).is_err());
        let unlisted = [(NAME, "old\n", 0), (PROCESSES, "", 127)];
        assert!(verdict_on(&step, Platform::El6, &unlisted).is_err());
        for bad in [
            "",
            "-a",
            "a_b",
            "a b",
            "a..b",
            "$(id)",
            "n1\n",
            &"a".repeat(65),
        ] {
            assert!(
                error(&json!({ "hostname": bad })).contains("no name for a node"),
                "{bad:?}"
            );
        }
    }
}
