//! A job of cron, as a file in /etc/cron.d.

use crate::kind::valid;
use crate::kind::valid::Presence;
use crate::kind::{Attributes, EditChange, Files, Kind, Orphans, Target};
use crate::text::Text;

/// `cron = "scrub"` with `schedule` and `command`.
pub struct CronKind;

/// The keys of a step of kind `cron`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The file's name in /etc/cron.d: no dots, or cron passes it over.
    cron: String,
    /// When: five fields, or `@daily` and the like.
    schedule: Option<String>,
    /// The command, on one line; `%` is escaped for cron.
    command: Option<Text>,
    /// The user that it runs as; root when unset.
    #[serde(default = "root")]
    user: String,
    /// The address that its output is mailed to; no mail where it is empty.
    mailto: Option<String>,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
}

fn root() -> String {
    "root".to_owned()
}

impl Kind for CronKind {
    const NAME: &'static str = "cron";
    const DOC: &'static str = "A job of cron in a file of its own in /etc/cron.d.";
    const ORPHANS: Orphans = Orphans::removed("the job's file goes");
    type Want = Want;

    fn name(want: &Want) -> String {
        want.cron.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if want.cron.is_empty() || want.cron.starts_with('-') || !want.cron.bytes().all(ok) {
            return Err(format!(
                "`{}` can be no file of cron: letters, digits, `-` and `_`, no dots",
                want.cron.escape_debug()
            ));
        }
        valid::account("user", &want.user)?;
        if let Some(mailto) = &want.mailto {
            valid::one_line("mailto", mailto)?;
            if mailto.contains(char::is_whitespace) || mailto.contains(['"', '\'']) {
                return Err(format!("`mailto` is no address: `{mailto}`"));
            }
        }
        if want.state == Presence::Absent {
            return Ok(());
        }
        match (&want.schedule, &want.command) {
            (Some(when), Some(command)) => {
                schedule(when)?;
                let text = command.as_marked();
                if text.contains(['\n', '\r', '\0']) || text.trim().is_empty() {
                    return Err("`command` must be one line, and not empty".to_owned());
                }
                if text.contains("\\%") {
                    return Err(
                        "`command` holds `\\%`; write `%` alone, it is escaped for cron".to_owned(),
                    );
                }
                Ok(())
            }
            _ => Err(format!(
                "`{}` needs its `schedule` and its `command`",
                want.cron
            )),
        }
    }

    fn files(want: &Want, _target: &Target) -> Files {
        let change = match (want.state, &want.schedule, &want.command) {
            (Presence::Present, Some(schedule), Some(command)) => {
                let mailto = match &want.mailto {
                    Some(mailto) => format!("MAILTO=\"{mailto}\"\n"),
                    None => String::new(),
                };
                let text = format!(
                    "SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n{mailto}{} {} {}\n",
                    schedule.trim(),
                    want.user,
                    command.as_marked().replace('%', "\\%")
                );
                EditChange::Whole {
                    content: Text::plain(text),
                    check: None,
                    once: false,
                }
            }
            _ => EditChange::Absent,
        };
        Files::edit(
            format!("/etc/cron.d/{}", want.cron),
            change,
            Attributes::default(),
        )
    }

    fn absent(want: &Want) -> bool {
        want.state == Presence::Absent
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Five fields as in crontab(5), or one of its words.
fn schedule(text: &str) -> Result<(), String> {
    const WORDS: [&str; 8] = [
        "@reboot",
        "@yearly",
        "@annually",
        "@monthly",
        "@weekly",
        "@daily",
        "@midnight",
        "@hourly",
    ];
    valid::one_line("schedule", text)?;
    let fields: Vec<_> = text.split_whitespace().collect();
    if let [word] = fields.as_slice()
        && WORDS.contains(word)
    {
        return Ok(());
    }
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(format!(
            "`schedule` must be five fields (minute, hour, day, month, day of the week) or one of {}, not `{text}`",
            WORDS.join(", ")
        ));
    };
    let none: &[&str] = &[];
    for (field, name, low, high, names) in [
        (minute, "minute", 0, 59, none),
        (hour, "hour", 0, 23, none),
        (day, "day", 1, 31, none),
        (month, "month", 1, 12, &MONTHS),
        (weekday, "day of the week", 0, 7, &DAYS),
    ] {
        let value = |text: &str| -> Option<usize> {
            let named = names.iter().position(|n| n.eq_ignore_ascii_case(text));
            let number = text
                .bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| text.parse().ok());
            named
                .map(|n| n + low)
                .or(number.flatten())
                .filter(|n| (low..=high).contains(n))
        };
        let part = |part: &str| -> bool {
            let (range, step) = part
                .split_once('/')
                .map_or((part, None), |(r, s)| (r, Some(s)));
            let step_good =
                step.is_none_or(|s| s.parse::<usize>().is_ok_and(|n| (1..=high).contains(&n)));
            let range_good = range == "*"
                || match range.split_once('-') {
                    Some((a, b)) => matches!((value(a), value(b)), (Some(a), Some(b)) if a <= b),
                    None => value(range).is_some() && step.is_none(),
                };
            step_good && range_good
        };
        if !field.split(',').all(part) {
            return Err(format!(
                "`{field}` is no {name} in `schedule`: {low} to {high}, `*`, lists, ranges, `*/n`"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{edits, error};
    use super::*;
    use serde_json::json;

    fn content(step: &serde_json::Value) -> String {
        match &edits(step)[0].change {
            EditChange::Whole { content, .. } => content.as_marked().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_is_a_file_of_its_own() {
        let step = json!({ "cron": "scrub", "schedule": "30 2 * * 0", "command": "drbdadm verify all >/var/log/v-$(date +%F)" });
        assert_eq!(edits(&step)[0].path, "/etc/cron.d/scrub");
        assert_eq!(
            content(&step),
            "SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n30 2 * * 0 root drbdadm verify all >/var/log/v-$(date +\\%F)\n"
        );
        let step = json!({ "cron": "a", "schedule": "@daily", "command": "x", "user": "anna", "mailto": "" });
        assert!(content(&step).ends_with("MAILTO=\"\"\n@daily anna x\n"));
        assert_eq!(
            edits(&json!({ "cron": "a", "state": "absent" }))[0].change,
            EditChange::Absent
        );
    }

    #[test]
    fn schedules_are_read() {
        for good in [
            "* * * * *",
            "*/5 0-6,22 1,15 jan-mar Mon",
            "0 0 31 12 7",
            "@reboot",
            "0-59/15 * * * *",
        ] {
            assert_eq!(schedule(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "@often",
            "5/2 * * * *",
            "*/0 * * * *",
            "9-3 * * * *",
            "1- * * * *",
            "* * * * * root",
            "a * * * *",
            "-1 * * * *",
            "+1 * * * *",
        ] {
            assert!(schedule(bad).is_err(), "{bad}");
        }
        assert_eq!(
            schedule("0 24 * * *").unwrap_err(),
            "`24` is no hour in `schedule`: 0 to 23, `*`, lists, ranges, `*/n`"
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let step = |name: &str, command: &str| json!({ "cron": name, "schedule": "@daily", "command": command });
        assert!(error(&step("a.b", "x")).contains("no dots"));
        assert!(error(&step("../x", "x")).contains("no dots"));
        assert!(error(&step("a", "x\n* * * * * root y")).contains("must be one line"));
        assert!(error(&step("a", "")).contains("not empty"));
        assert!(error(&step("a", "date +\\%F")).contains("write `%` alone"));
        assert!(error(&json!({ "cron": "a" })).contains("needs its `schedule`"));
        assert!(
            error(&json!({ "cron": "a", "schedule": "@daily", "command": "x", "user": "a b" }))
                .contains("`user`")
        );
        assert!(
            error(
                &json!({ "cron": "a", "schedule": "@daily", "command": "x", "mailto": "a\"\nb" })
            )
            .contains("mailto")
        );
    }
}
