//! Checks: questions about a running system. What a step observes is not asked again; there is one observation.

pub mod off;

use crate::kind::{Answer, Verdict};
use crate::plan::{Decided, Wanted};
use crate::role::Check;
use serde_json::Value as Json;

/// What came of one check on one node.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    /// Its stable code.
    pub code: String,
    /// `critical`, `error`, `warning` or `info`.
    pub severity: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was asked and what was seen.
    pub message: String,
    /// What the operator can do; empty when it holds.
    pub remedy: String,
}

/// Judges the checks of one node from what it answered.
pub fn judge(
    checks: &[Check],
    wanted: &Wanted<'_>,
    decided: &Decided,
    answer: &Answer,
) -> Vec<Outcome> {
    checks
        .iter()
        .map(|check| outcome(check, wanted, decided, answer))
        .collect()
}

fn outcome(check: &Check, wanted: &Wanted<'_>, decided: &Decided, answer: &Answer) -> Outcome {
    let judged = match (&check.see, &check.of) {
        (Some(resource), _) => wanted.compare(resource, answer, false).map(|compared| {
            let same = compared.verdict == Verdict::Same;
            (resource.address.clone(), compared.seen, same)
        }),
        (None, Some(of)) => wanted
            .resources
            .iter()
            .find(|r| of.matches(&r.address))
            .map(|r| r.address.clone())
            .ok_or_else(|| "the step that it reads is not there".to_owned())
            .map(|address| {
                let seen = decided.seen.get(&address).cloned().unwrap_or_default();
                let same = decided.same.contains(&address);
                (address, seen, same)
            }),
        (None, None) => Err("it has nothing to read".to_owned()),
    };
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
    Outcome {
        code: check.code.clone(),
        severity: check.severity.to_string(),
        ok,
        message,
        remedy: if ok {
            String::new()
        } else {
            check.remedy.clone()
        },
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
    use serde_json::json;

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
