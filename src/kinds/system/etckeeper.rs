//! The record that etckeeper keeps of /etc in git (docs/facts/accounts.md#the-record-of-etc).

use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::Shell;

/// `etckeeper = "/etc"`.
pub struct EtckeeperKind;

/// The keys of a step of kind `etckeeper`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The recorded folder: `/etc`, there is no other.
    etckeeper: Root,
    /// The name that commits carry where nobody else's is given.
    name: String,
    /// The address that commits carry.
    email: String,
    /// Files that must not be in the record, as git knows them: paths below /etc, `*` stands for anything. They are
    /// taken out of it from the next commit on; what was recorded before stays in its history.
    #[serde(default)]
    untracked: Vec<String>,
}

/// The one folder that is recorded.
#[derive(Clone, Copy, Debug, serde::Deserialize, schemars::JsonSchema)]
enum Root {
    /// /etc.
    #[serde(rename = "/etc")]
    Etc,
}

/// The state of the record.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether it was begun.
    initialised: bool,
    /// Mode of /etc/.git, octal digits.
    mode: String,
    /// The name that commits carry.
    name: String,
    /// The address that commits carry.
    email: String,
    /// Whether every change is recorded.
    clean: bool,
    /// Files in it that must not be.
    tracked: Vec<String>,
}

/// A pattern of .gitignore as one of files: git takes it from /etc.
fn pattern(text: &str) -> String {
    text.trim_start_matches('/').to_owned()
}

impl Kind for EtckeeperKind {
    const NAME: &'static str = "etckeeper";
    const DOC: &'static str = "The record of /etc in git: begun, readable by root alone, without the files that hold secrets.";
    const SHELL: Shell = Shell::new(include_str!("etckeeper.sh"));
    const ORPHANS: Orphans =
        Orphans::reported("the repository in /etc stays, without further commits");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        match want.etckeeper {
            Root::Etc => "/etc".to_owned(),
        }
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        for (key, text) in [("name", &want.name), ("email", &want.email)] {
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                return Err(format!("`{key}`: a commit needs a line of text here"));
            }
        }
        for text in &want.untracked {
            let plain = pattern(text);
            if plain.is_empty() || plain.starts_with([':', '-', '!']) || plain.contains("..") {
                return Err(format!(
                    "`untracked`: `{}` is no path below /etc, such as `/shadow`",
                    text.escape_debug()
                ));
            }
        }
        Ok(())
    }
}

impl EtckeeperKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let patterns = wants.iter().flat_map(|w| &w.untracked).map(|t| pattern(t));
        observe.section(Self::NAME, Call::new("nw_etckeeper_seen").args(patterns));
    }

    fn parse(_want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer
            .get(Self::NAME)
            .ok_or("the record of /etc was not observed")?;
        let mut seen = Seen::default();
        for line in section.text().lines() {
            let Some((what, value)) = line.split_once(' ') else {
                continue;
            };
            match what {
                "mode" => {
                    seen.initialised = true;
                    value.clone_into(&mut seen.mode);
                }
                "name" => value.clone_into(&mut seen.name),
                "email" => value.clone_into(&mut seen.email),
                "changed" => seen.clean = value.trim() == "0",
                "tracked" => seen.tracked.push(value.to_owned()),
                _ => {}
            }
        }
        Ok(seen)
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        if !seen.initialised {
            return Verdict::Change(vec![Delta::new("recorded", "no", "yes")]);
        }
        let mut deltas = Vec::new();
        for (what, from, to) in [
            ("mode", &seen.mode, "700"),
            ("name", &seen.name, want.name.as_str()),
            ("email", &seen.email, want.email.as_str()),
        ] {
            if from != to {
                deltas.push(Delta::new(what, from, to));
            }
        }
        for path in &seen.tracked {
            deltas.push(Delta::new(format!("/etc/{path} recorded"), "yes", "no"));
        }
        if deltas.is_empty() {
            Verdict::Same
        } else {
            Verdict::Change(deltas)
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        // A step is a shell of its own, so where it goes and what it masks ends with it.
        let record = |(want, seen): &(&Want, &Seen)| {
            let mut calls = vec![Call::new("cd").arg("/etc")];
            if !seen.initialised {
                calls.push(Call::new("umask").arg("077"));
                calls.push(Call::new("etckeeper").arg("init"));
            }
            calls.push(Call::new("chmod").args(["0700", "/etc/.git"]));
            for (key, value) in [("user.name", &want.name), ("user.email", &want.email)] {
                calls.push(Call::new("git").args(["config", key, value]));
            }
            if !want.untracked.is_empty() {
                let remove = ["rm", "-r", "-q", "--cached", "--ignore-unmatch", "--"];
                let untracked = want.untracked.iter().map(|t| pattern(t));
                calls.push(Call::new("git").args(remove).args(untracked));
            }
            calls
        };
        wants.iter().flat_map(record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{actions, changes, error, queries};
    use crate::platform::Platform;
    use serde_json::{Value as Json, json};

    fn step() -> Json {
        json!({ "etckeeper": "/etc", "name": "node1", "email": "root@node1.example.net",
                "untracked": ["/shadow", "/ssh/ssh_host_*_key"] })
    }

    #[test]
    fn a_record_that_is_there_and_private_is_left_alone() {
        let good = "mode 700\nname node1\nemail root@node1.example.net\nchanged 3\n";
        assert_eq!(changes(&step(), &[("etckeeper", good, 0)]), [""; 0]);
        let bad = "mode 755\nname \nemail root@node1.example.net\nchanged 0\ntracked shadow\n";
        assert_eq!(
            changes(&step(), &[("etckeeper", bad, 0)]),
            [
                "mode: 755 -> 700",
                "name:  -> node1",
                "/etc/shadow recorded: yes -> no"
            ]
        );
        assert_eq!(
            changes(&step(), &[("etckeeper", "", 0)]),
            ["recorded: no -> yes"]
        );
    }

    #[test]
    fn patterns_reach_git_as_paths_below_etc() {
        assert_eq!(
            queries(&step(), Platform::El6),
            ["etckeeper: nw_etckeeper_seen shadow 'ssh/ssh_host_*_key'"]
        );
        assert_eq!(
            actions(&step(), &[("etckeeper", "", 0)]),
            [
                "cd /etc",
                "umask 077",
                "etckeeper init",
                "chmod 0700 /etc/.git",
                "git config user.name node1",
                "git config user.email root@node1.example.net",
                "git rm -r -q --cached --ignore-unmatch -- shadow 'ssh/ssh_host_*_key'"
            ]
        );
        let bad = "mode 755\nname node1\nemail \nchanged 0\n";
        let mended = actions(&step(), &[("etckeeper", bad, 0)]);
        assert_eq!(mended[..2], ["cd /etc", "chmod 0700 /etc/.git"]);
    }

    #[test]
    fn what_is_no_path_below_etc_is_refused() {
        for wrong in ["", "/", "--all", ":/x", "../x"] {
            let mut step = step();
            step["untracked"] = json!([wrong]);
            assert!(error(&step).contains("no path below /etc"), "{wrong}");
        }
        let mut step = step();
        step["etckeeper"] = json!("/usr");
        assert!(error(&step).contains("/usr"));
    }
}
