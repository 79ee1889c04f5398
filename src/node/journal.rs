//! A node's journal: the events of every run and of its steps, one a line.
//!
//! A line is `AT<TAB>RUN<TAB>STAGE<TAB>EVENT<TAB>TEXT`; `nw_journal` in the node's shell is the one writer. The text of
//! `begin` is a [`Header`]: `WHO<TAB>site NAME<TAB>commit COMMIT<TAB>tool VERSION<TAB>for INTENT`. No value holds a
//! tab. Up to version 0.4 the first four stood there with spaces between: such lines are read from their end, since a
//! name may hold any word.

use super::state::SHELL;
use crate::kind::{Answer, Observe};
use crate::sh::Call;

/// The origin of a batch, as the node's journal records it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Header {
    /// The site's name.
    pub site: String,
    /// The site's commit, or nothing.
    pub commit: String,
    /// The operator who runs it: `anna@desk`.
    pub who: String,
    /// The version of this program.
    pub tool: String,
    /// Its intent: the command as it is typed, `apply --outage`.
    pub intent: String,
}

/// One line of a node's journal.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct JournalLine {
    /// When, by the node's clock, in UTC: `2026-11-20T23:59:59Z`.
    pub at: String,
    /// The run.
    pub run: String,
    /// The stage of the run.
    pub stage: u32,
    /// `begin`, `did`, `failed`, `stopped`, `put-back` or `end`.
    pub event: String,
    /// The header in words, the step, or the outcome.
    pub text: String,
    /// For `begin` where the batch comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
}

/// Observes the last lines of a node's journal.
pub fn observe_journal(observe: &mut Observe, lines: u32) {
    observe.functions(SHELL);
    let lines = lines.to_string();
    observe.section("nw.journal", Call::new("nw_state_journal").arg(lines));
}

/// Observes the last lines of a node's journal with which runs begin and end, however much each run wrote between.
pub fn observe_runs(observe: &mut Observe, lines: u32) {
    observe.functions(SHELL);
    let lines = lines.to_string();
    observe.section("nw.journal", Call::new("nw_state_runs").arg(lines));
}

/// Reads the answer to [`observe_journal`] or [`observe_runs`]; a line of another version is passed over.
pub fn read_journal(answer: &Answer) -> Vec<JournalLine> {
    let text = answer.text("nw.journal");
    text.lines().filter_map(JournalLine::read).collect()
}

/// The last run that named the site's commit: operations that do not apply the site name none.
pub fn last_applied(journal: &[JournalLine]) -> Option<(&JournalLine, &Header)> {
    journal.iter().rev().find_map(|line| {
        let header = line.header.as_ref()?;
        (!header.commit.is_empty()).then_some((line, header))
    })
}

/// A run as a node's journal has it: its lines, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRun<'a> {
    /// The run.
    pub run: &'a str,
    /// Its lines, of all its stages.
    pub lines: Vec<&'a JournalLine>,
}

/// The runs of a journal, the oldest first.
pub fn logged_runs(journal: &[JournalLine]) -> Vec<LoggedRun<'_>> {
    let mut runs: Vec<LoggedRun<'_>> = Vec::new();
    for line in journal {
        match runs.iter_mut().find(|r| r.run == line.run) {
            Some(run) => run.lines.push(line),
            None => runs.push(LoggedRun {
                run: &line.run,
                lines: vec![line],
            }),
        }
    }
    runs
}

impl<'a> LoggedRun<'a> {
    /// When it began, by the node's clock.
    pub fn at(&self) -> &'a str {
        self.lines.first().map_or("", |l| l.at.as_str())
    }

    /// The line with which it began.
    pub fn begun(&self) -> Option<&'a JournalLine> {
        self.lines.iter().find(|l| l.event == "begin").copied()
    }

    /// The end of its last stage, in words.
    pub fn ended(&self) -> &'a str {
        let ends = |l: &&&JournalLine| l.event == "end" || l.event == "put-back";
        match self.lines.iter().rev().find(ends) {
            None => "did not end",
            Some(line) if line.event == "put-back" || line.text.starts_with("put-back ") => {
                "rolled back by the guard"
            }
            Some(line) => &line.text,
        }
    }
}

impl JournalLine {
    fn read(line: &str) -> Option<Self> {
        let words: Vec<_> = line.splitn(5, '\t').collect();
        let [at, run, stage, event, text] = words.as_slice() else {
            return None;
        };
        let begins = *event == "begin";
        let header = begins.then(|| Header::read(text)).flatten();
        Some(Self {
            at: (*at).to_owned(),
            run: (*run).to_owned(),
            stage: stage.parse().ok()?,
            event: (*event).to_owned(),
            text: text.replace('\t', " "),
            header,
        })
    }
}

impl Header {
    /// The text of `begin`.
    pub(super) fn to_text(&self) -> String {
        let Self {
            site,
            commit,
            who,
            tool,
            intent,
        } = self;
        let named = [
            ("site", site),
            ("commit", commit),
            ("tool", tool),
            ("for", intent),
        ];
        named.iter().fold(line(who), |text, (name, value)| {
            format!("{text}\t{name} {}", line(value))
        })
    }

    /// Reads the text of `begin`; a field of a later version is passed over.
    fn read(text: &str) -> Option<Self> {
        let Some((who, fields)) = text.split_once('\t') else {
            return Self::read_spaced(text);
        };
        let mut header = Self {
            who: who.to_owned(),
            ..Self::default()
        };
        for field in fields.split('\t') {
            match field.split_once(' ')? {
                ("site", value) => value.clone_into(&mut header.site),
                ("commit", value) => value.clone_into(&mut header.commit),
                ("tool", value) => value.clone_into(&mut header.tool),
                ("for", value) => value.clone_into(&mut header.intent),
                _ => {}
            }
        }
        Some(header)
    }

    /// Reads the format of versions up to 0.4: `WHO site NAME commit COMMIT tool VERSION`. Only WHO may hold spaces.
    fn read_spaced(text: &str) -> Option<Self> {
        let (rest, tool) = text.rsplit_once(" tool ")?;
        let (rest, commit) = rest.rsplit_once(" commit ")?;
        let (who, site) = rest.rsplit_once(" site ")?;
        Some(Self {
            site: site.to_owned(),
            commit: commit.to_owned(),
            who: who.to_owned(),
            tool: tool.to_owned(),
            intent: String::new(),
        })
    }
}

/// A text as one line without tabs: journal and spool have one event a line.
pub(super) fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(who: &str, commit: &str) -> Header {
        Header {
            site: "crosslink".to_owned(),
            commit: commit.to_owned(),
            who: who.to_owned(),
            tool: "0.4.0".to_owned(),
            intent: "apply".to_owned(),
        }
    }

    /// The one line of a journal whose run begins so.
    fn begun(text: &str) -> JournalLine {
        let journal = format!("2026-11-20T23:59:59Z\t20261120T235959-9f3a\t0\tbegin\t{text}\n");
        let answer = Answer::from_sections([("nw.journal", journal.as_str(), 0)]);
        let mut lines = read_journal(&answer);
        assert_eq!(lines.len(), 1);
        lines.remove(0)
    }

    #[test]
    fn the_journal_is_read_line_by_line() {
        let answer = Answer::from_sections([(
            "nw.journal",
            "2026-11-20T23:59:59Z\t20261120T235959-9f3a\t0\tdid\treplace /etc/a\nodd\n",
            0,
        )]);
        let lines = read_journal(&answer);
        assert_eq!(lines.len(), 1);
        assert_eq!(
            (lines[0].event.as_str(), lines[0].text.as_str()),
            ("did", "replace /etc/a")
        );
        assert_eq!(lines[0].header, None);
    }

    #[test]
    fn what_is_written_is_read_whatever_the_names_are() {
        for who in [
            "anna@desk",
            "Anna B@desk",
            "eve commit ffffffff site x tool 9@desk",
            "eve@desk commit ffffffff",
            "",
        ] {
            for commit in ["", "0123abcd+"] {
                let written = header(who, commit);
                assert_eq!(begun(&written.to_text()).header, Some(written));
            }
        }
    }

    #[test]
    fn a_name_adds_no_field_and_no_line() {
        let eve = header("eve\tcommit ffff\n2026\tr\t0\tbegin\tx@desk", "0123abcd");
        let read = begun(&eve.to_text()).header.unwrap();
        assert_eq!(read.commit, "0123abcd");
        assert_eq!(read.who, "eve commit ffff 2026 r 0 begin x@desk");
    }

    #[test]
    fn people_read_it_in_words() {
        let line = begun(&header("anna@desk", "abc").to_text());
        assert_eq!(
            line.text,
            "anna@desk site crosslink commit abc tool 0.4.0 for apply"
        );
    }

    #[test]
    fn lines_of_earlier_versions_are_read() {
        for (text, who, commit) in [
            (
                "anna@desk site crosslink commit 0123abcd+ tool 0.4.0",
                "anna@desk",
                "0123abcd+",
            ),
            // Outside git.
            (
                "anna@desk site crosslink commit  tool 0.4.0",
                "anna@desk",
                "",
            ),
            // A name that contains a commit.
            (
                "eve commit ffff@desk site crosslink commit 0123abcd tool 0.4.0",
                "eve commit ffff@desk",
                "0123abcd",
            ),
            (
                "eve site x commit ffff tool 9@desk site crosslink commit 0123abcd tool 0.4.0",
                "eve site x commit ffff tool 9@desk",
                "0123abcd",
            ),
        ] {
            let header = Header {
                intent: String::new(),
                ..header(who, commit)
            };
            assert_eq!(begun(text).header, Some(header), "{text}");
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_passed_over() {
        let text = header("anna@desk", "abc").to_text() + "\tmood commit ffff";
        assert_eq!(begun(&text).header, Some(header("anna@desk", "abc")));
        // A line that cannot be read stays as text.
        let odd = begun("by hand");
        assert_eq!((odd.header, odd.text.as_str()), (None, "by hand"));
    }

    #[test]
    fn the_beginning_of_a_run_is_found_behind_all_that_it_did() {
        let folder = tempfile::tempdir().unwrap();
        let line = |run: &str, event: &str, text: &str| {
            format!("2026-11-20T23:59:59Z\t{run}\t0\t{event}\t{text}\n")
        };
        let mut journal = line("a", "begin", "first") + &line("b", "begin", "second");
        for _ in 0..300 {
            journal += &line("b", "did", "begin");
        }
        journal += &line("c", "begin", "third");
        std::fs::write(folder.path().join("journal"), journal).unwrap();
        let stdout = std::process::Command::new("sh")
            .args(["-c", &format!("{}\nnw_state_runs 2", SHELL.text())])
            .env("NW_STATE", folder.path())
            .output()
            .unwrap();
        let stdout = String::from_utf8(stdout.stdout).unwrap();
        let answer = Answer::from_sections([("nw.journal", stdout.as_str(), 0)]);
        let runs: Vec<String> = read_journal(&answer).into_iter().map(|l| l.run).collect();
        assert_eq!(runs, ["b", "c"]);
    }

    #[test]
    fn what_was_applied_last_is_found_behind_operations_that_name_no_commit() {
        let applied = begun(&header("anna@desk", "abc").to_text());
        let operation = begun(&header("eve commit ffff@desk", "").to_text());
        let journal = [applied.clone(), operation.clone(), operation.clone()];
        let (line, by) = last_applied(&journal).unwrap();
        assert_eq!((line, by.commit.as_str()), (&applied, "abc"));
        assert_eq!(last_applied(&[operation]), None);
    }
}
