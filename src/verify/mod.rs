//! Checks: questions about a running system. They read what steps observe; there is one observation.

use crate::kind::{Answer, Verdict, Written};
use crate::plan::{Decided, Desired};
use crate::probe;
use crate::role::{Check, CheckSeverity, Scope};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The result of one check on one node.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CheckOutcome {
    /// Its stable code.
    pub code: String,
    /// `critical`, `error`, `warning` or `info`.
    pub severity: String,
    /// Whether it holds.
    pub ok: bool,
    /// It could not be judged; `message` says why.
    pub skipped: bool,
    /// The name that was observed, and the observed state.
    pub message: String,
    /// The remedy; empty when it holds.
    pub remedy: String,
    /// The observed value that has to be the same on all members, in words.
    #[serde(skip)]
    pub same: String,
}

/// Whether a result decides how a command ends: it was judged, does not hold, and is more than information.
pub fn counts(ok: bool, skipped: bool, severity: &str) -> bool {
    !ok && !skipped && severity != "info"
}

/// A result, and of whom it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRow {
    /// The node; none where it is of the cluster.
    pub node: Option<String>,
    /// The place where it was observed.
    pub scope: Scope,
    /// The result.
    pub outcome: CheckOutcome,
}

/// A member's outcomes of the checks of its cluster, or why it has none.
#[derive(Debug)]
pub struct MemberOutcomes<'a> {
    /// The member.
    pub node: &'a str,
    /// Each check with what came of it there.
    pub outcomes: Vec<(&'a Check, Result<CheckOutcome, String>)>,
}

/// Judges the checks of a cluster: one result each, which holds where it holds on every member that has it. A check is
/// skipped where one of them gave no answer.
pub fn of_cluster(answers: &[MemberOutcomes<'_>]) -> Vec<CheckOutcome> {
    // A check is the same one on all members where it is written at one place, in the same round of its loop.
    let mut checks: Vec<(&str, usize)> = Vec::new();
    let mut of_members = Vec::new();
    for one in answers {
        let mut rounds: BTreeMap<&str, usize> = BTreeMap::new();
        for (check, outcome) in &one.outcomes {
            let round = rounds.entry(&check.place).or_default();
            let key = (check.place.as_str(), *round);
            *round += 1;
            if !checks.contains(&key) {
                checks.push(key);
            }
            of_members.push((key, one.node, *check, outcome));
        }
    }
    let all = checks.into_iter().map(|key| {
        let of_check = of_members.iter().filter(|(other, ..)| *other == key);
        let members: Vec<_> = of_check
            .map(|(_, node, check, o)| (*node, *check, *o))
            .collect();
        joined(&members)
    });
    all.collect()
}

/// The outcomes of one check on all members, as one result.
fn joined(members: &[(&str, &Check, &Result<CheckOutcome, String>)]) -> CheckOutcome {
    let (_, check, _) = members[0];
    let silent = members.iter().find_map(|(_, _, o)| o.as_ref().err());
    if let Some(why) = silent {
        return CheckOutcome {
            skipped: true,
            ..rated(check, false, why.clone())
        };
    }
    let outcomes = members
        .iter()
        .filter_map(|(node, _, o)| Some((*node, o.as_ref().ok()?)));
    let wrong: Vec<_> = outcomes.clone().filter(|(_, o)| !o.ok).collect();
    let failing: Vec<_> = if wrong.is_empty() {
        outcomes.collect()
    } else {
        wrong.clone()
    };
    let (_, first) = failing[0];
    if wrong.is_empty() && failing.iter().any(|(_, o)| o.same != first.same) {
        let each = failing
            .iter()
            .map(|(node, o)| format!("{node}: {}", o.same));
        return rated(check, false, each.collect::<Vec<_>>().join("; "));
    }
    let alike =
        failing.len() == members.len() && failing.iter().all(|(_, o)| o.message == first.message);
    let message = if alike {
        format!("{} on all members", first.message)
    } else {
        let each = failing
            .iter()
            .map(|(node, o)| format!("{node}: {}", o.message));
        each.collect::<Vec<_>>().join("; ")
    };
    CheckOutcome {
        remedy: first.remedy.clone(),
        ..rated(check, wrong.is_empty(), message)
    }
}

/// The code of what `verify` checks by itself: files that are no longer as they were written.
pub const FILE_CHANGED: &str = "FILE-CHANGED";

/// The result for our files that were edited by hand; `None` where all of them are as they were written.
pub fn changed_files(paths: &[String]) -> Option<CheckOutcome> {
    let (message, remedy) = match paths {
        [] => return None,
        [path] => (
            format!("{path} is not as it was last written"),
            "`nodewright plan` shows what was changed, `nodewright apply` puts it back.",
        ),
        _ => (
            format!("{} are not as they were last written", paths.join(", ")),
            "`nodewright plan` shows what was changed, `nodewright apply` puts them back.",
        ),
    };
    Some(CheckOutcome {
        code: FILE_CHANGED.to_owned(),
        severity: CheckSeverity::Warning.to_string(),
        ok: false,
        skipped: false,
        message,
        remedy: remedy.to_owned(),
        same: String::new(),
    })
}

/// Judges a check by what a port answered from outside.
pub fn outside(check: &Check, answer: Result<probe::PortState, String>) -> CheckOutcome {
    let judged = answer.map(|answer| {
        let tcp = check.tcp.as_ref();
        let name = tcp.map_or_else(String::new, |t| {
            format!("TCP port {} of {}", t.port, t.host)
        });
        let open = answer == probe::PortState::Open;
        let seen = serde_json::json!({ "open": open, "answer": answer.word() });
        (format!("{name} (from outside)"), seen, open)
    });
    compared(check, judged)
}

/// Judges a check from what its node answered.
pub fn judge(
    check: &Check,
    wanted: &Desired<'_>,
    decided: &Decided,
    answer: &Answer,
) -> CheckOutcome {
    let judged = match (&check.see, &check.of) {
        (Some(resource), _) => {
            let compared = wanted.compare(resource, answer, &Written::nothing());
            compared.map(|compared| {
                let same = compared.verdict == Verdict::Same;
                (resource.address.to_string(), compared.seen, same)
            })
        }
        (None, Some(of)) => wanted
            .resources
            .iter()
            .find(|r| of.matches(&r.address))
            .map(|r| &r.address)
            .ok_or_else(|| "the step that it reads is not there".to_owned())
            .map(|address| {
                let seen = decided.seen.get(address).cloned().unwrap_or_default();
                let same = decided.same.contains(address);
                (address.to_string(), seen, same)
            }),
        (None, None) => Err("it has nothing to read".to_owned()),
    };
    compared(check, judged)
}

/// Compares an observation (its name, the state, whether it is as desired) with the expectation of a check.
fn compared(check: &Check, judged: Result<(String, Json, bool), String>) -> CheckOutcome {
    let same = judged.as_ref().map_or_else(
        |_| String::new(),
        |(_, seen, _)| {
            let value = |name: &String| look_up(seen, name).map_or("nothing".to_owned(), shown);
            let values = check
                .same
                .iter()
                .map(|name| format!("{name} is {}", value(name)));
            values.collect::<Vec<_>>().join(", ")
        },
    );
    let (ok, message) = match judged {
        Err(error) => (false, error),
        Ok((address, _, same)) if check.expect.is_empty() => (
            same,
            if same {
                format!("{address} is as wanted")
            } else {
                format!("{address} is not as wanted")
            },
        ),
        Ok((address, seen, _)) => {
            let wrong: Vec<String> = check
                .expect
                .iter()
                .filter(|(key, expected)| !holds(look_up(&seen, key), expected))
                .map(|(key, expected)| {
                    let saw = look_up(&seen, key).map_or("nothing".to_owned(), shown);
                    format!("{key} is {saw}, expected {}", shown(expected))
                })
                .collect();
            if wrong.is_empty() {
                (true, format!("{address} is as expected"))
            } else {
                (false, format!("{address}: {}", wrong.join("; ")))
            }
        }
    };
    CheckOutcome {
        same,
        ..rated(check, ok, message)
    }
}

fn rated(check: &Check, ok: bool, message: String) -> CheckOutcome {
    let remedy = if ok { "" } else { &check.remedy };
    CheckOutcome {
        code: check.code.clone(),
        severity: check.severity.to_string(),
        ok,
        skipped: false,
        message,
        remedy: remedy.to_owned(),
        same: String::new(),
    }
}

/// A key of what was seen; dots lead into tables.
fn look_up<'a>(seen: &'a Json, key: &str) -> Option<&'a Json> {
    key.split('.').try_fold(seen, |value, part| value.get(part))
}

/// Whether a value is the expected one; a list of expected values accepts each of them.
fn holds(seen: Option<&Json>, expected: &Json) -> bool {
    match (seen, expected) {
        (None, _) => expected.is_null(),
        (Some(Json::Array(_)), Json::Array(_)) => seen == Some(expected),
        (Some(seen), Json::Array(any)) => any.iter().any(|one| holds(Some(seen), one)),
        (Some(seen), expected) => seen == expected || shown(seen) == shown(expected),
    }
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(any) => any.iter().map(shown).collect::<Vec<_>>().join(" or "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Tcp;
    use serde_json::json;

    fn check(place: &str) -> Check {
        let expect = json!({ "open": false });
        Check {
            code: "ONE".into(),
            severity: CheckSeverity::Error,
            scope: Scope::Cluster,
            of: None,
            see: None,
            tcp: Some(Tcp {
                host: "192.0.2.5".into(),
                port: 22,
            }),
            expect: expect.as_object().unwrap().clone(),
            same: Vec::new(),
            remedy: "mend it".into(),
            role: "mine".into(),
            place: place.into(),
        }
    }

    /// A member, a check, and whether it holds there and why, or why it was not judged.
    type Sample<'a> = (&'a str, &'a Check, Result<(bool, &'a str), &'a str>);

    fn failing(all: &[Sample<'_>]) -> Vec<String> {
        let mut answers: Vec<MemberOutcomes<'_>> = Vec::new();
        for (node, check, outcome) in all {
            let outcome = outcome.map_or_else(
                |why| Err(why.to_owned()),
                |(ok, message)| Ok(rated(check, ok, message.to_owned())),
            );
            if answers.last().is_none_or(|s| s.node != *node) {
                answers.push(MemberOutcomes {
                    node,
                    outcomes: Vec::new(),
                });
            }
            answers.last_mut().unwrap().outcomes.push((check, outcome));
        }
        let outcomes = of_cluster(&answers).into_iter();
        outcomes
            .map(|o| format!("{} {} {}|{}", o.ok, o.skipped, o.message, o.remedy))
            .collect()
    }

    #[test]
    fn a_check_of_the_cluster_is_one_result_of_what_all_members_say() {
        let one = check("role:1");
        let both = |a, b| failing(&[("node1", &one, a), ("node2", &one, b)]);
        assert_eq!(
            both(Ok((true, "same")), Ok((true, "same"))),
            ["true false same on all members|"]
        );
        assert_eq!(
            both(Ok((true, "a")), Ok((true, "b"))),
            ["true false node1: a; node2: b|"]
        );
        assert_eq!(
            both(Ok((true, "a")), Ok((false, "b"))),
            ["false false node2: b|mend it"]
        );
        assert_eq!(
            both(Ok((false, "gone")), Ok((false, "gone"))),
            ["false false gone on all members|mend it"]
        );
        // A silent member leaves the result open, whatever the other one answers.
        for first in [true, false] {
            assert_eq!(
                both(Ok((first, "a")), Err("node2 did not answer: away")),
                ["false true node2 did not answer: away|mend it"]
            );
        }
    }

    #[test]
    fn what_has_to_be_the_same_is_compared_between_members() {
        let one = Check {
            expect: serde_json::Map::new(),
            same: vec!["version".to_owned()],
            ..check("role:1")
        };
        let said = |version: Json| {
            let seen = json!({ "version": version });
            Ok(compared(&one, Ok(("package:corosync".into(), seen, true))))
        };
        let both = |a: Json, b: Json| {
            let of = |node, outcome| MemberOutcomes {
                node,
                outcomes: vec![(&one, outcome)],
            };
            let all = of_cluster(&[of("node1", said(a)), of("node2", said(b))]);
            format!("{} {}|{}", all[0].ok, all[0].message, all[0].remedy)
        };
        assert_eq!(
            both(json!("3.1.7"), json!("3.1.7")),
            "true package:corosync is as wanted on all members|"
        );
        assert_eq!(
            both(json!("3.1.7"), json!("3.1.9")),
            "false node1: version is 3.1.7; node2: version is 3.1.9|mend it"
        );
        assert_eq!(
            both(json!("3.1.7"), Json::Null),
            "false node1: version is 3.1.7; node2: version is null|mend it"
        );
    }

    #[test]
    fn rounds_of_a_check_of_the_cluster_stay_apart() {
        let (one, other) = (check("role:1"), check("role:9"));
        let answers = [
            ("node1", &one, Ok((true, "r0"))),
            ("node1", &one, Ok((false, "r1"))),
            ("node1", &other, Ok((true, "x"))),
            ("node2", &one, Ok((true, "r0"))),
            ("node2", &one, Ok((false, "r1"))),
            ("node2", &other, Ok((true, "x"))),
        ];
        assert_eq!(
            failing(&answers),
            [
                "true false r0 on all members|",
                "false false r1 on all members|mend it",
                "true false x on all members|"
            ]
        );
    }

    #[test]
    fn a_port_is_judged_by_what_it_answers() {
        let check = check("role:1");
        let refused = outside(&check, Ok(probe::PortState::Refused));
        assert!(refused.ok, "{refused:?}");
        let open = outside(&check, Ok(probe::PortState::Open));
        assert_eq!(
            open.message,
            "TCP port 22 of 192.0.2.5 (from outside): open is true, expected false"
        );
        let unknown = outside(&check, Err("x has no address".into()));
        assert!(!unknown.ok && unknown.message == "x has no address");
    }

    #[test]
    fn expectations_read_into_what_was_seen() {
        let seen = json!({"active": "active", "pid": 12, "disk": {"state": "UpToDate"}});
        assert!(holds(look_up(&seen, "active"), &json!("active")));
        assert!(holds(
            look_up(&seen, "disk.state"),
            &json!(["UpToDate", "Diskless"])
        ));
        assert!(holds(look_up(&seen, "pid"), &json!("12")));
        assert!(!holds(look_up(&seen, "pid"), &json!(13)));
        assert!(!holds(look_up(&seen, "gone"), &json!("x")));
    }
}
