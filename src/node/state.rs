//! A node's record of runs, read in the same trip as everything else.

use super::{Holder, Outcome, RunId, SpoolEvent};
use crate::kind::{Answer, Observe};
use crate::sh::Call;
use crate::shell::{MANIFEST, PROCESS, Shell};

/// The functions that read a node's record of runs.
pub(super) const SHELL: Shell = Shell::new(include_str!("state.sh")).needing(&[PROCESS, MANIFEST]);

/// A node's record of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeState {
    /// The manifest's text: the paths that we manage there, a line an address.
    pub manifest: String,
    /// The holder of the lock, if it still runs: a stale lock counts as none.
    pub holder: Option<Holder>,
    /// The holder of a stale lock; the next batch takes the lock over.
    pub left_behind: Option<Holder>,
    /// The last batch.
    pub last: Option<LastBatch>,
}

/// The last batch that held the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastBatch {
    /// Its run.
    pub run: RunId,
    /// Its stage.
    pub stage: u32,
    /// Its outcome; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// For one that died: its spool, which shows what was finished.
    pub events: Vec<SpoolEvent>,
}

impl LastBatch {
    /// The steps that a batch that died had finished, by number and title.
    pub fn finished(&self) -> Vec<(usize, &str)> {
        let ended = |n: usize| self.events.contains(&SpoolEvent::End(n, 0));
        let begun = self.events.iter().filter_map(|e| match e {
            SpoolEvent::Begin(n, title) => Some((*n, title.as_str())),
            _ => None,
        });
        begun.filter(|(n, _)| ended(*n)).collect()
    }

    /// The step in which a batch that died was.
    pub fn interrupted(&self) -> Option<(usize, &str)> {
        let ended = |n: usize| {
            self.events
                .iter()
                .any(|e| matches!(e, SpoolEvent::End(m, _) if *m == n))
        };
        self.events.iter().find_map(|e| match e {
            SpoolEvent::Begin(n, title) if !ended(*n) => Some((*n, title.as_str())),
            _ => None,
        })
    }
}

/// Observes a node's state: three sections and processes, no channel of its own.
pub fn observe_state(observe: &mut Observe) {
    observe.functions(SHELL);
    observe.section("nw.manifest", Call::new("nw_manifest"));
    observe.section("nw.last", Call::new("nw_state_last"));
    observe.section("nw.lock", Call::new("nw_state_lock"));
}

impl NodeState {
    /// Reads the answer to [`observe_state`].
    pub fn read(answer: &Answer) -> Self {
        let mut state = Self {
            manifest: answer.text("nw.manifest").into_owned(),
            last: last(&answer.text("nw.last")),
            ..Self::default()
        };
        let lock = answer.text("nw.lock");
        match lock.trim_end().split_once(' ') {
            Some(("alive", text)) => state.holder = Some(Holder::parse(text)),
            Some(("gone", text)) => state.left_behind = Some(Holder::parse(text)),
            _ => {}
        }
        state
    }

    /// The state that an earlier run left, in words: it is at work right now, or it died in the middle.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(holder) = &self.holder {
            notes.push(format!("held right now by {holder}"));
        }
        let died = |l: &&LastBatch| l.outcome == Some(Outcome::Died);
        if let Some(last) = self.last.as_ref().filter(died) {
            let done = last.finished().len();
            let middle = last.interrupted().map_or(String::new(), |(_, title)| {
                format!(", and ended in the middle of: {title}")
            });
            notes.push(format!(
                "run {} broke there: {done} steps were done{middle}",
                last.run
            ));
        }
        notes
    }
}

fn last(text: &str) -> Option<LastBatch> {
    let mut lines = text.lines();
    let mut words = lines.next()?.splitn(4, ' ');
    let (word, run, stage) = (words.next()?, words.next()?, words.next()?);
    Some(LastBatch {
        run: RunId::parse(run)?,
        stage: stage.parse().ok()?,
        outcome: match word {
            "running" => None,
            "died" => Some(Outcome::Died),
            _ => Some(Outcome::parse(words.next().unwrap_or_default())),
        },
        events: lines.map(SpoolEvent::parse).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_died_tells_what_it_finished() {
        let answer = Answer::from_sections([
            (
                "nw.last",
                "died 20261120T235959-9f3a 1\nready\ngo\nbegin 0 one\nend 0 0\nbegin 1 two\n",
                0,
            ),
            ("nw.lock", "gone 20261120T235959-9f3a 7 8 b s w\n", 0),
            ("nw.manifest", "a\n", 0),
        ]);
        let state = NodeState::read(&answer);
        let last = state.last.unwrap();
        assert_eq!(last.outcome, Some(Outcome::Died));
        assert_eq!(last.finished(), [(0, "one")]);
        assert_eq!(last.interrupted(), Some((1, "two")));
        assert_eq!(
            (state.holder, state.left_behind.unwrap().pid),
            (None, "7".into())
        );
        assert_eq!(state.manifest, "a\n");
    }

    #[test]
    fn a_bare_node_has_no_state() {
        let answer = Answer::from_sections([("nw.last", "", 0), ("nw.lock", "", 0)]);
        assert_eq!(NodeState::read(&answer), NodeState::default());
    }

    #[test]
    fn what_an_earlier_run_left_is_reported() {
        let run = "20261120T235959-9f3a";
        let notes = |last: &str, lock: &str| {
            let answer = Answer::from_sections([("nw.last", last, 0), ("nw.lock", lock, 0)]);
            NodeState::read(&answer).notes()
        };
        let died = format!("died {run} 1\nready\ngo\nbegin 0 one\nend 0 0\nbegin 1 two\n");
        // Its lock is no word of its own.
        assert_eq!(
            notes(&died, &format!("gone {run} 7 8 b s anna@desk\n")),
            [format!(
                "run {run} broke there: 1 steps were done, and ended in the middle of: two"
            )]
        );
        assert_eq!(
            notes("", &format!("alive {run} 7 8 b s anna@desk\n")),
            [format!(
                "held right now by run {run} of anna@desk since s (process 7)"
            )]
        );
        assert_eq!(notes(&format!("done {run} 1 ok\n"), ""), [""; 0]);
    }
}
