//! A command of the operator's own, between two lines of the node's journal. It is no batch: it takes no lock, its output
//! comes back as it is, and it ends with its connection.

use super::journal::{Header, line};
use super::run_id::RunId;
use super::session::Reply;
use super::state;
use super::{Holder, NodeError, Session};
use crate::sh::{Call, quote};
use crate::shell::{JOURNAL, Shell};

/// Carries a command out between two lines of the node's journal, in the login's own environment. Where the journal cannot be
/// written (a full or read-only disk) the command is carried out all the same. The last line of the answer: the command's
/// status, `recorded` or `unrecorded`, and who held the lock as it began.
const RECORDED: Shell = Shell::new(include_str!("recorded.sh")).needing(&[state::SHELL, JOURNAL]);

/// The number of characters of the command's text that the journal holds.
const SHOWN: usize = 200;

/// The output of a command, and notes beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its output, on both streams.
    pub output: String,
    /// Its exit status.
    pub status: i32,
    /// Whether the node's journal has it.
    pub noted: bool,
    /// The holder of the node's lock when the command began, if it was running.
    pub holder: Option<Holder>,
}

impl Session {
    /// Runs these words as a command of the operator's own. `shown` is its text for the journal, without secrets.
    pub async fn recorded(
        &self,
        run: &RunId,
        header: &Header,
        shown: &str,
        words: &[String],
    ) -> Result<Recorded, NodeError> {
        let reply = self.run_script(&script(run, header, shown, words)).await?;
        Ok(read(&reply))
    }
}

/// The text that does it. Like all such text it does nothing before its last line.
fn script(run: &RunId, header: &Header, shown: &str, words: &[String]) -> String {
    let shown = bounded(&line(shown));
    let header = Header {
        intent: format!("{}: {shown}", header.intent),
        ..header.clone()
    };
    let call = Call::new("nw_recorded").args(words);
    format!(
        "NW_RUN={run}\nNW_STAGE=0\nNW_ABOUT={}\nNW_WHAT={}\n{}main() {{\n{}\n}}\nmain\n",
        quote(&header.to_text()),
        quote(&shown),
        RECORDED.text(),
        call.to_shell(),
    )
}

fn bounded(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    let start: String = text.chars().take(SHOWN - 1).collect();
    format!("{start}…")
}

fn read(reply: &Reply) -> Recorded {
    let text = String::from_utf8_lossy(&reply.stdout);
    let (output, last) = text.rsplit_once('\n').unwrap_or_default();
    let mut words = last.splitn(3, ' ');
    let status = words.next().and_then(|s| s.parse().ok());
    let noted = words.next() == Some("recorded");
    let lock = words.next().unwrap_or_default();
    Recorded {
        output: output.to_owned(),
        status: status.unwrap_or(255),
        noted,
        holder: lock.strip_prefix("alive ").map(Holder::parse),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    fn run(state: &std::path::Path, what: &[&str]) -> (Recorded, String) {
        let header = Header {
            who: "anna@desk".into(),
            site: "s".into(),
            tool: "1".into(),
            intent: "run".into(),
            ..Header::default()
        };
        let words = words(what);
        let run = RunId::parse("20261120T235959-9f3a").unwrap();
        let script = script(&run, &header, &words.join(" "), &words);
        let ran = Command::new("sh")
            .args(["-c", &script])
            .env("NW_STATE", state)
            .output()
            .unwrap();
        let recorded = read(&Reply {
            stdout: ran.stdout,
            stderr: ran.stderr,
            status: ran.status.code(),
        });
        let journal = std::fs::read_to_string(state.join("journal")).unwrap_or_default();
        let without_time = journal
            .lines()
            .map(|l| l.split_once('\t').unwrap().1.replace('\t', " ") + "\n");
        (recorded, without_time.collect())
    }

    #[test]
    fn a_command_stands_in_the_journal_with_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let (ran, journal) = run(&state, &["printf", "a\n$HOME b"]);
        assert_eq!((ran.output.as_str(), ran.status), ("a\n$HOME b", 0));
        assert!(ran.noted && ran.holder.is_none());
        assert_eq!(
            journal,
            "20261120T235959-9f3a 0 begin anna@desk site s commit  tool 1 for run: printf a $HOME b\n\
             20261120T235959-9f3a 0 did printf a $HOME b\n\
             20261120T235959-9f3a 0 end ok\n"
        );
        let (ran, journal) = run(&state, &["sh", "-c", "echo x >&2; exit 3"]);
        assert_eq!((ran.output.as_str(), ran.status), ("x\n", 3));
        assert!(
            journal.ends_with(
                " failed sh -c echo x >&2; exit 3 (status 3)\n20261120T235959-9f3a 0 end failed 0 3\n"
            ),
            "{journal}"
        );
    }

    #[test]
    fn a_command_runs_where_no_journal_can_be_written_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        std::fs::write(&state, "no folder").unwrap();
        let (ran, _) = run(&state, &["echo", "x"]);
        assert_eq!((ran.output.as_str(), ran.status), ("x\n", 0));
        assert!(!ran.noted);
    }

    #[test]
    fn a_run_at_work_is_named_and_does_not_keep_it_from_running() {
        let folder = tempfile::tempdir().unwrap();
        let pid = std::process::id().to_string();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let after = stat.rsplit_once(") ").unwrap().1;
        let tick = after.split(' ').nth(19).unwrap();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let holder = format!(
            "20261120T235959-9f3a {pid} {tick} {} 2026-11-20T23:59:59Z Anna B@desk",
            boot.trim()
        );
        std::os::unix::fs::symlink(&holder, folder.path().join("lock")).unwrap();
        let (ran, journal) = run(folder.path(), &["true"]);
        assert_eq!(ran.holder.map(|h| h.who).as_deref(), Some("Anna B@desk"));
        assert!(journal.contains(" did true\n"), "{journal}");
    }

    #[test]
    fn shellcheck_has_nothing_to_say_of_it() {
        let run = RunId::parse("20261120T235959-9f3a").unwrap();
        let words = words(&["true"]);
        crate::shell::check(&script(&run, &Header::default(), "true", &words));
    }

    #[test]
    fn a_long_command_is_cut_in_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let (_, journal) = run(folder.path(), &["echo", &"ä".repeat(1000)]);
        let did = journal.lines().nth(1).unwrap();
        assert!(did.ends_with("ää…") && did.chars().count() < 240, "{did}");
    }
}
