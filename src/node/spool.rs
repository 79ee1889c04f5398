//! Events of a batch while it runs, line by line.

use super::Holder;

/// One event of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpoolEvent {
    /// A validator runs: its number and title. No change has been made yet.
    Check(usize, String),
    /// A line that a validator answers with, which the batch's validators are judged by before it is let begin.
    Answered(usize, String),
    /// Everything is there and validated; the batch waits for the word to begin.
    Ready,
    /// It was let begin.
    Go,
    /// A step begins: its number, from 0, and its title.
    Begin(usize, String),
    /// A line of a step's output, as it comes; secrets of the batch are already out of it.
    Progress(usize, String),
    /// A line of output of a step or validator that then failed; secrets of the batch are already out of it.
    Output(usize, String),
    /// A step ended with this status.
    End(usize, i32),
    /// Something worth knowing, such as a lock that was left behind.
    Note(String),
    /// The state of the guard.
    Guard(GuardWord),
    /// The last event.
    Done(Outcome),
    /// The connection was lost; the batch goes on by itself.
    Lost(String),
    /// A new connection to follow it could not be made either.
    Away(String),
    /// The connection is back.
    Following,
}

/// An event of the guard of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardWord {
    /// It is on; the change may take this many seconds.
    Armed(u64),
    /// The change is made; without a confirmation within this many seconds it is rolled back.
    Waiting(u64),
    /// It was confirmed and stays.
    Confirmed,
    /// It is being rolled back, because of this.
    Reverting(String),
    /// Everything is back; whether it was seen to be as before.
    Reverted(bool),
}

impl GuardWord {
    fn parse(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (word, rest.parse()) {
            ("armed", Ok(seconds)) => Some(Self::Armed(seconds)),
            ("waiting", Ok(seconds)) => Some(Self::Waiting(seconds)),
            ("confirmed", _) => Some(Self::Confirmed),
            ("reverting", _) => Some(Self::Reverting(rest.to_owned())),
            ("reverted", _) => Some(Self::Reverted(rest == "same")),
            _ => None,
        }
    }
}

/// The state of the guard of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardState {
    /// The batch has none.
    None,
    /// It is on, and not confirmed yet.
    Armed,
    /// It was confirmed.
    Confirmed,
    /// It is being rolled back.
    Reverting,
    /// It was rolled back.
    Reverted {
        /// Whether everything was seen to be as before.
        same: bool,
        /// The reason.
        because: Outcome,
    },
}

impl GuardState {
    /// Reads the node's answer: `armed`, or `reverted same timeout nobody came`.
    pub(super) fn parse(text: &str) -> Self {
        let mut words = text.splitn(3, ' ');
        match (words.next(), words.next()) {
            (Some("armed"), _) => Self::Armed,
            (Some("confirmed"), _) => Self::Confirmed,
            (Some("reverting"), _) => Self::Reverting,
            (Some("reverted"), same) => Self::Reverted {
                same: same == Some("same"),
                because: Outcome::parse(words.next().unwrap_or_default()),
            },
            _ => Self::None,
        }
    }
}

/// The outcome of a batch: its spool's last line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every step was done.
    Finished,
    /// This step failed with this status; no later one ran.
    Failed {
        /// The step, from 0.
        step: usize,
        /// Its exit status; 3 means that something differs from what the plan was made from.
        status: i32,
    },
    /// It stopped on request, before this step.
    Stopped {
        /// The first step that did not run.
        before: usize,
    },
    /// A validator failed; nothing was changed.
    Refused {
        /// The validator, from 0.
        check: usize,
        /// Its exit status.
        status: i32,
    },
    /// Another run holds the node; nothing was changed.
    Locked(Holder),
    /// It was abandoned before it began; nothing was changed.
    Abandoned,
    /// It waited a minute for the word to begin and gave up; nothing was changed.
    GaveUp,
    /// The guard rolled everything back.
    PutBack {
        /// Whether it was seen to be as before.
        same: bool,
        /// The reason: the outcome that the batch would have had, or the guard's own words.
        because: Box<Outcome>,
    },
    /// It could not go on, in its own words: no room, or ended from outside.
    Broken(String),
    /// It ended without a result: killed, or the node lost power. The events show how far it came.
    Died,
}

impl Outcome {
    /// Parses the words after `done `.
    pub(super) fn parse(text: &str) -> Self {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut numbers = rest.split(' ').map(str::parse::<i32>);
        let mut number = || numbers.next().and_then(Result::ok);
        match word {
            "ok" => Self::Finished,
            "abandoned" => Self::Abandoned,
            "gave-up" => Self::GaveUp,
            "put-back" => {
                let (same, because) = rest.split_once(' ').unwrap_or((rest, ""));
                Self::PutBack {
                    same: same == "same",
                    because: Box::new(Self::parse(because)),
                }
            }
            "locked" => Self::Locked(Holder::parse(rest)),
            "stopped" => Self::Stopped {
                before: index(number()),
            },
            "failed" => Self::Failed {
                step: index(number()),
                status: number().unwrap_or(1),
            },
            "refused" => Self::Refused {
                check: index(number()),
                status: number().unwrap_or(1),
            },
            _ => Self::Broken(rest.to_owned()),
        }
    }
}

fn index(number: Option<i32>) -> usize {
    number.and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
}

impl SpoolEvent {
    /// Reads one line of a spool, without its newline. A line of another version is a note.
    pub fn parse(line: &str) -> Self {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (number, text) = rest.split_once(' ').unwrap_or((rest, ""));
        match (word, number.parse::<usize>()) {
            ("ready", _) => Self::Ready,
            ("go", _) => Self::Go,
            ("done", _) => Self::Done(Outcome::parse(rest)),
            ("note", _) => Self::Note(rest.to_owned()),
            ("guard", _) if let Some(word) = GuardWord::parse(rest) => Self::Guard(word),
            ("check", Ok(n)) => Self::Check(n, text.to_owned()),
            ("begin", Ok(n)) => Self::Begin(n, text.to_owned()),
            ("answer", Ok(n)) => Self::Answered(n, text.to_owned()),
            ("say", Ok(n)) => Self::Progress(n, text.to_owned()),
            ("out", Ok(n)) => Self::Output(n, text.to_owned()),
            ("end", Ok(n)) => Self::End(n, text.parse().unwrap_or(1)),
            _ => Self::Note(line.to_owned()),
        }
    }
}

/// The length that a line of a spool may have, in bytes: four times what the node writes at most.
pub(super) const LINE_LIMIT: usize = 64 << 10;

/// Cuts a stream into whole lines and counts the bytes of those that were taken.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    buffer: Vec<u8>,
}

impl LineBuffer {
    /// Adds received bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether a line has begun that is longer than any that a batch writes.
    pub(super) fn is_endless(&self) -> bool {
        self.buffer.len() > LINE_LIMIT && !self.buffer.contains(&b'\n')
    }

    /// The next whole line without its newline, and how many bytes it had with it.
    pub(super) fn next(&mut self) -> Option<(String, u64)> {
        let at = self.buffer.iter().position(|b| *b == b'\n')?;
        let line: Vec<u8> = self.buffer.drain(..=at).collect();
        let text = String::from_utf8_lossy(&line[..at]).into_owned();
        Some((text, line.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_event() {
        for (line, event) in [
            ("check 0 visudo", SpoolEvent::Check(0, "visudo".into())),
            ("ready", SpoolEvent::Ready),
            ("go", SpoolEvent::Go),
            (
                "begin 12 replace /etc/a b",
                SpoolEvent::Begin(12, "replace /etc/a b".into()),
            ),
            (
                "answer 1 port 22",
                SpoolEvent::Answered(1, "port 22".into()),
            ),
            ("say 12 a  b", SpoolEvent::Progress(12, "a  b".into())),
            ("out 12 ", SpoolEvent::Output(12, String::new())),
            ("end 12 3", SpoolEvent::End(12, 3)),
            ("done ok", SpoolEvent::Done(Outcome::Finished)),
            (
                "done failed 12 3",
                SpoolEvent::Done(Outcome::Failed {
                    step: 12,
                    status: 3,
                }),
            ),
            (
                "done stopped 4",
                SpoolEvent::Done(Outcome::Stopped { before: 4 }),
            ),
            (
                "done broken no room",
                SpoolEvent::Done(Outcome::Broken("no room".into())),
            ),
            (
                "guard waiting 120",
                SpoolEvent::Guard(GuardWord::Waiting(120)),
            ),
            (
                "guard reverted differs",
                SpoolEvent::Guard(GuardWord::Reverted(false)),
            ),
            (
                "done put-back same failed 2 1",
                SpoolEvent::Done(Outcome::PutBack {
                    same: true,
                    because: Box::new(Outcome::Failed { step: 2, status: 1 }),
                }),
            ),
            (
                "done put-back differs timeout nobody came",
                SpoolEvent::Done(Outcome::PutBack {
                    same: false,
                    because: Box::new(Outcome::Broken("nobody came".into())),
                }),
            ),
            ("something new", SpoolEvent::Note("something new".into())),
        ] {
            assert_eq!(SpoolEvent::parse(line), event, "{line}");
        }
    }

    #[test]
    fn a_line_without_end_is_noticed() {
        let mut lines = LineBuffer::default();
        lines.push(&vec![b'x'; LINE_LIMIT]);
        assert!(!lines.is_endless());
        lines.push(b"x");
        assert!(lines.is_endless() && lines.next().is_none());
        lines.push(b"\n");
        assert!(!lines.is_endless());
    }

    #[test]
    fn lines_are_whole_wherever_the_stream_is_cut() {
        let text = "a\n\nüb\nrest";
        for cut in 0..text.len() {
            let mut lines = LineBuffer::default();
            let mut seen = Vec::new();
            for half in [&text.as_bytes()[..cut], &text.as_bytes()[cut..]] {
                lines.push(half);
                while let Some(line) = lines.next() {
                    seen.push(line);
                }
            }
            let want = [
                ("a".to_owned(), 2),
                (String::new(), 1),
                ("üb".to_owned(), 4),
            ];
            assert_eq!(seen, want, "cut at {cut}");
        }
    }
}
