//! A command with its own way to see whether it is needed.

use crate::digest::sha256;
use crate::kind::valid;
use crate::kind::valid::CommandWords;
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Progress, Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use serde_json::Value as Json;

/// `command = ["newaliases"]` with `unless` or `creates`.
pub struct CommandKind;

/// The keys of a step of kind `command`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The words of the command. No shell reads them.
    command: CommandWords,
    /// A command that changes nothing and ends with 0 where there is nothing to do. It runs at every observation.
    unless: Option<CommandWords>,
    /// A path that is there once the command has done its work.
    creates: Option<String>,
    /// Of a step with `long`: a command that prints how many per cent are done while the work goes on by itself, and
    /// ends with another status than 0 where it does not.
    progress: Option<CommandWords>,
}

/// Whether it has been done.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether there is nothing to do; unknown while the program of `unless` is not there.
    done: Option<bool>,
    /// The progress of its work in the background; `None` where there is none.
    progress: Option<Progress>,
}

impl Want {
    /// The section of `unless`: equal commands share one.
    fn section(words: &CommandWords) -> String {
        let digest = sha256(words.0.join("\0").as_bytes());
        format!("command.{}", &digest[..16])
    }
}

impl Kind for CommandKind {
    const NAME: &'static str = "command";
    const DOC: &'static str = "A command, and how to see that it is not needed. For a site's own roles; shipped ones have kinds.";
    const OWN_ONLY: bool = true;
    const ORPHANS: Orphans = Orphans::reported("its effects stay");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.command.0.join(" ")
    }

    /// Its value is a list of words, not of names.
    fn split(step: serde_json::Map<String, Json>) -> Vec<Json> {
        vec![Json::Object(step)]
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::words("command", &want.command)?;
        if let Some(progress) = &want.progress {
            valid::words("progress", progress)?;
        }
        match (&want.unless, &want.creates) {
            (Some(unless), None) => valid::words("unless", unless),
            (None, Some(creates)) => valid::path("creates", creates),
            _ => Err(
                "a command needs either `unless` (a command that ends with 0 where there is nothing to do) or `creates` (a path), so that a second run changes nothing"
                    .to_owned(),
            ),
        }
    }
}

impl CommandKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let creates: Vec<_> = wants.iter().filter_map(|w| w.creates.clone()).collect();
        if !creates.is_empty() {
            let find = Call::new("find").args(creates);
            observe.section("command", find.args(["-maxdepth", "0"]));
        }
        let queries = |w: &&Want| [w.unless.clone(), w.progress.clone()];
        for words in wants.iter().flat_map(queries).flatten() {
            observe.slow_section(Want::section(&words), Call::from_words(words.0));
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let done = match (&want.unless, &want.creates) {
            (Some(unless), _) => {
                let words = unless.0.join(" ");
                let section = answer
                    .get(&Want::section(unless))
                    .ok_or_else(|| format!("`{words}` was not observed"))?;
                match section.status {
                    124 => return Err(format!("`{words}` gave no answer in time")),
                    127 => None,
                    status => Some(status == 0),
                }
            }
            (None, Some(creates)) => {
                // `find` ends with 1 where one of the paths is not there.
                let section = answer.get("command").filter(|s| s.status <= 1);
                let section = section.ok_or("the path was not looked for")?;
                Some(section.text().lines().any(|line| line == creates))
            }
            (None, None) => None,
        };
        let progress = want.progress.as_ref();
        let progress = progress.map(|p| Self::progress(p, answer)).transpose()?;
        Ok(Seen {
            done,
            progress: progress.flatten(),
        })
    }

    /// The progress of the work, by the first word that is printed.
    fn progress(words: &CommandWords, answer: &Answer) -> Result<Option<Progress>, String> {
        let command = words.0.join(" ");
        let section = answer
            .get(&Want::section(words))
            .ok_or_else(|| format!("`{command}` was not observed"))?;
        if section.status == 124 {
            return Err(format!("`{command}` gave no answer in time"));
        }
        if section.status != 0 {
            return Ok(None);
        }
        let text = section.text();
        let word = text.split([' ', '%', '\n']).next().unwrap_or_default();
        let percent = word.parse().ok().filter(|percent| *percent <= 100);
        let percent = percent.ok_or_else(|| {
            let shown: String = word.chars().take(20).collect();
            format!(
                "`{command}` printed no number from 0 to 100 but `{}`",
                shown.escape_debug()
            )
        })?;
        Ok(Some(Progress {
            percent,
            ..Progress::default()
        }))
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        match seen.done {
            Some(true) => Verdict::Same,
            Some(false) if let Some(progress) = seen.progress => Verdict::Waiting(progress),
            Some(false) => Verdict::Change(vec![Delta::new("run", "", want.command.0.join(" "))]),
            None => Verdict::After {
                what: format!(
                    "a step that brings `{}`",
                    want.unless
                        .as_ref()
                        .and_then(|w| w.0.first())
                        .map_or("", String::as_str)
                ),
                table: "it ends with 0: nothing to do; anything else: the command is run"
                    .to_owned(),
            },
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .map(|(want, _)| Call::from_words(want.command.0.iter().cloned()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::kind_named;
    use super::super::super::testing::{
        actions, changes, error, names, queries, verdict, verdict_on,
    };
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    // printf 'test\0-e\0/etc/aliases.db' | sha256sum
    const SECTION: &str = "command.c958ebe092e8c7ab";
    // printf 'cat\0/p' | sha256sum
    const FAR: &str = "command.d830ff67900f48df";

    fn step() -> Json {
        json!({ "command": ["newaliases", "$(id)"], "unless": "test -e /etc/aliases.db" })
    }

    #[test]
    fn its_words_are_data() {
        assert_eq!(names(&step()), ["r/command:newaliases $(id)"]);
        assert_eq!(
            queries(&step(), Platform::El6),
            [format!("{SECTION}: test -e /etc/aliases.db")]
        );
        assert_eq!(
            actions(&step(), &[(SECTION, "", 1)]),
            ["newaliases '$(id)'"]
        );
    }

    #[test]
    fn zero_says_that_nothing_is_to_do() {
        assert_eq!(verdict(&step(), &[(SECTION, "", 0)]), Verdict::Same);
        assert_eq!(
            changes(&step(), &[(SECTION, "", 1)]),
            ["run:  -> newaliases $(id)"]
        );
        assert!(matches!(
            verdict(&step(), &[(SECTION, "", 127)]),
            Verdict::After { .. }
        ));
        assert!(verdict_on(&step(), Platform::El7, &[(SECTION, "", 124)]).is_err());
        assert!(verdict_on(&step(), Platform::El7, &[]).is_err());
    }

    #[test]
    fn a_path_tells_it_too() {
        let step = json!({ "command": "mkaliases /a", "creates": "/etc/aliases.db" });
        assert_eq!(
            queries(&step, Platform::El6),
            ["command: find /etc/aliases.db -maxdepth 0"]
        );
        assert_eq!(
            verdict(&step, &[("command", "/etc/aliases.db\n", 0)]),
            Verdict::Same
        );
        assert_eq!(
            changes(&step, &[("command", "", 0)]),
            ["run:  -> mkaliases /a"]
        );
    }

    #[test]
    fn work_that_goes_on_by_itself_says_how_far_it_is() {
        let step =
            json!({ "command": "sync", "unless": "test -e /etc/aliases.db", "progress": "cat /p" });
        let progress_of = |text: &str, status| {
            verdict_on(
                &step,
                Platform::El6,
                &[(SECTION, "", 1), (FAR, text, status)],
            )
        };
        let at = |percent| {
            Ok(Verdict::Waiting(Progress {
                percent,
                ..Progress::default()
            }))
        };
        assert_eq!(progress_of("12\n", 0), at(12));
        assert_eq!(progress_of("0% of it\n", 0), at(0));
        assert_eq!(progress_of("100\n", 0), at(100));
        // No work is running: it begins.
        assert!(matches!(progress_of("", 1), Ok(Verdict::Change(_))));
        assert!(progress_of("12", 124).is_err());
        let error = progress_of("a\u{1b}lot more than twenty characters\n", 0).unwrap_err();
        assert_eq!(
            error,
            "`cat /p` printed no number from 0 to 100 but `a\\u{1b}lot`"
        );
        for bad in ["101", "-1", "1.5", ""] {
            assert!(progress_of(bad, 0).is_err(), "{bad}");
        }
        let done = [(SECTION, "", 0), (FAR, "12\n", 0)];
        assert_eq!(verdict(&step, &done), Verdict::Same);
    }

    #[test]
    fn shipped_roles_have_kinds_for_it() {
        assert!(kind_named("command").unwrap().own_only());
        assert!(!kind_named("file").unwrap().own_only());
    }

    #[test]
    fn without_a_way_to_see_it_is_refused() {
        assert!(
            error(&json!({ "command": ["x"] })).contains("so that a second run changes nothing")
        );
        assert!(
            error(&json!({ "command": ["x"], "unless": ["y"], "creates": "/z" }))
                .contains("either")
        );
        assert!(error(&json!({ "command": [], "unless": ["y"] })).contains("holds no command"));
        assert!(
            error(&json!({ "command": ["x", crate::text::mark("pw")], "unless": ["y"] }))
                .contains("holds a secret")
        );
    }
}
