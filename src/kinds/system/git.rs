//! A checkout of a git repository.

use crate::digest::sha256;
use crate::kind::valid;
use crate::kind::{
    Answer, Circumstances, Delta, Files, Kind, Observe, Orphans, OwnedFolder, Running, Runs,
    Target, Verdict,
};
use crate::sh::Call;
use crate::shell::{FOLDER, Shell};

/// `git = "/srv/tool"` with `url` and `rev`.
pub struct GitKind;

/// The keys of a step of kind `git`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The folder's absolute path.
    git: String,
    /// The place where the repository is: `https://…`, `ssh://…`, `git@host:path`, or a path on the node. Without a
    /// password.
    url: String,
    /// The commit, by its whole name of 40 or 64 hexadecimal digits: a branch would be another one tomorrow.
    rev: String,
}

/// The state of the folder.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// `absent`, `empty`, `checkout`, `full` (of something else) or `other` (no folder). Empty while git is not there.
    state: String,
    /// The commit that is checked out.
    head: String,
    /// The URL that it was cloned from.
    url: String,
    /// Files that were changed by hand.
    changes: Vec<String>,
}

impl Want {
    fn section(&self) -> String {
        format!("git.{}", &sha256(self.git.as_bytes())[..16])
    }
}

impl Kind for GitKind {
    const NAME: &'static str = "git";
    const DOC: &'static str =
        "A checkout of a git repository at one commit; never touched where it was changed by hand.";
    const SHELL: Shell = Shell::new(include_str!("git.sh")).needing(&[FOLDER]);
    const ORPHANS: Orphans = Orphans::reported("the checkout stays");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.git.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::path("git", &want.git)?;
        valid::one_line("url", &want.url)?;
        let hex = want
            .rev
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if ![40, 64].contains(&want.rev.len()) || !hex {
            return Err(format!(
                "`rev` must be the whole name of a commit (`git rev-parse TAG^{{commit}}` prints it), not `{}`: branches and tags can move",
                want.rev.escape_debug()
            ));
        }
        let (scheme, rest) = want.url.split_once("://").unwrap_or(("", &want.url));
        let user = rest
            .split('/')
            .next()
            .and_then(|host| host.rsplit_once('@'))
            .map_or("", |(user, _)| user);
        if !["", "https", "http", "ssh", "git", "file"].contains(&scheme)
            || want.url.starts_with('-')
            || want.url.contains("::")
            || want.url.contains(char::is_whitespace)
            || want.url.is_empty()
        {
            return Err(format!(
                "`url` must be https, http, ssh, git or file, or a path, not `{}`",
                want.url.escape_debug()
            ));
        }
        if !scheme.is_empty() && user.contains(':') {
            return Err("`url` holds a password, which would be seen in lists of processes; use a key, or git's credential helper".to_owned());
        }
        Ok(())
    }

    fn files(want: &Want, _target: &Target) -> Files {
        Files {
            folder: Some(OwnedFolder {
                path: want.git.clone(),
                owner: "root".to_owned(),
                files: Vec::new(),
            }),
            ..Files::default()
        }
    }
}

impl GitKind {
    /// git cannot be asked about several checkouts at once: four processes each.
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        for want in wants {
            observe.slow_section(want.section(), Call::new("nw_git_seen").arg(&want.git));
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer
            .get(&want.section())
            .ok_or_else(|| format!("{} was not observed", want.git))?;
        let mut seen = Seen::default();
        match section.status {
            0 => {}
            127 => return Ok(seen),
            124 => return Err(format!("git gave no answer about {} in time", want.git)),
            _ => {
                return Err(format!(
                    "git cannot read {}: it belongs to another account, or is broken",
                    want.git
                ));
            }
        }
        for line in section.text().lines() {
            match line.split_once(' ') {
                Some(("state", state)) => state.clone_into(&mut seen.state),
                Some(("head", head)) => head.clone_into(&mut seen.head),
                Some(("url", url)) => url.clone_into(&mut seen.url),
                Some(("change", change)) => seen.changes.push(change.trim_start().to_owned()),
                _ => {
                    return Err(format!("{}: unexpected answer `{line}`", want.git));
                }
            }
        }
        if seen.state.is_empty() {
            return Err(format!("{} was not observed", want.git));
        }
        Ok(seen)
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        match seen.state.as_str() {
            "" => Verdict::After {
                what: "the package git".to_owned(),
                table: "absent or empty: cloned; a checkout of ours: brought to the commit; changed by hand: refused".to_owned(),
            },
            "absent" | "empty" => Verdict::Change(vec![Delta::new("commit", &seen.state, &want.rev)]),
            "checkout" if seen.changes.is_empty() => {
                let mut deltas = Vec::new();
                if seen.url != want.url {
                    deltas.push(Delta::new("url", &seen.url, &want.url));
                }
                if seen.head != want.rev {
                    deltas.push(Delta::new("commit", &seen.head, &want.rev));
                }
                if deltas.is_empty() { Verdict::Same } else { Verdict::Change(deltas) }
            }
            "checkout" => Verdict::refuse(format!(
                "{} was changed by hand: {}; commit and push that, or throw it away with `git checkout`, by hand",
                want.git,
                seen.changes[..seen.changes.len().min(5)].join(", ")
            ), &circumstances.target.node),
            _ => Verdict::refuse(format!("{} is there, and is no checkout of git", want.git), &circumstances.target.node),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .map(|(want, _)| Call::new("nw_git_checkout").args([&want.git, &want.url, &want.rev]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{actions, changes, error, verdict, verdict_on};
    use super::*;
    use crate::platform::Platform;
    use serde_json::{Value, json};

    const REV: &str = "0123456789abcdef0123456789abcdef01234567";
    // printf /srv/tool | sha256sum
    const SECTION: &str = "git.61243070df6d152c";

    fn step() -> Value {
        json!({ "git": "/srv/tool", "url": "https://git.example.net/tool.git", "rev": REV })
    }

    fn checkout(rest: &str) -> String {
        format!("state checkout\nhead {REV}\nurl https://git.example.net/tool.git\n{rest}")
    }

    #[test]
    fn it_is_cloned_where_nothing_is() {
        for state in ["state absent\n", "state empty\n"] {
            assert_eq!(changes(&step(), &[(SECTION, state, 0)]).len(), 1);
        }
        assert_eq!(
            actions(&step(), &[(SECTION, "state absent\n", 0)]),
            [format!(
                "nw_git_checkout /srv/tool https://git.example.net/tool.git {REV}"
            )]
        );
    }

    #[test]
    fn a_checkout_at_its_commit_is_the_same() {
        assert_eq!(
            verdict(&step(), &[(SECTION, &checkout(""), 0)]),
            Verdict::Same
        );
        let other = checkout("")
            .replace("01234567\n", "01234568\n")
            .replace("https", "http");
        assert_eq!(
            changes(&step(), &[(SECTION, &other, 0)]),
            [
                "url: http://git.example.net/tool.git -> https://git.example.net/tool.git"
                    .to_owned(),
                format!("commit: {}8 -> {REV}", &REV[..39]),
            ]
        );
    }

    #[test]
    fn what_was_changed_by_hand_is_refused() {
        assert_eq!(
            verdict(
                &step(),
                &[(SECTION, &checkout("change  M a.c\nchange ?? new\n"), 0)]
            ),
            Verdict::refuse(
                "/srv/tool was changed by hand: M a.c, ?? new; commit and push that, or throw it away with `git checkout`, by hand",
                "node1"
            )
        );
        for state in ["full", "other"] {
            let seen = format!("state {state}\n");
            assert_eq!(
                verdict(&step(), &[(SECTION, &seen, 0)]),
                Verdict::refuse("/srv/tool is there, and is no checkout of git", "node1")
            );
        }
    }

    #[test]
    fn odd_answers_are_errors_and_a_missing_git_waits() {
        assert!(matches!(
            verdict(&step(), &[(SECTION, "", 127)]),
            Verdict::After { .. }
        ));
        for sections in [
            vec![],
            vec![(SECTION, "", 0)],
            vec![(SECTION, "", 124)],
            vec![(SECTION, "", 1)],
            vec![(SECTION, "odd\n", 0)],
        ] {
            assert!(
                verdict_on(&step(), Platform::El7, &sections).is_err(),
                "{sections:?}"
            );
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let with = |key: &str, value: &str| {
            let mut step = step();
            step[key] = json!(value);
            error(&step)
        };
        assert!(with("rev", "main").contains("branches and tags can move"));
        assert!(with("rev", &"g".repeat(40)).contains("branches and tags can move"));
        for bad in ["", "--upload-pack=x", "ext::sh -c id", "ftp://x/y", "a b"] {
            assert!(with("url", bad).contains("`url` must be"), "{bad}");
        }
        let error = with("url", "https://me:hunter2@x/y");
        assert!(
            error.contains("holds a password") && !error.contains("hunter2"),
            "{error}"
        );
        assert!(with("git", "srv").contains("absolute path"));
        let mut scp = step();
        scp["url"] = json!("git@git.example.net:tool.git");
        assert_eq!(
            verdict(&scp, &[(SECTION, "state absent\n", 0)]),
            Verdict::Change(vec![Delta::new("commit", "absent", REV)])
        );
    }
}
