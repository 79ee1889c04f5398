//! A channel on which a spool comes in, line by line.

use super::session::{Channel, ERRORS_LIMIT, read_all};
use super::spool::{LINE_LIMIT, LineBuffer};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

/// A channel on which a spool comes in.
pub(super) struct Link {
    channel: Channel,
    /// The beginning of every line of ours.
    pub(super) sentinel: String,
    lines: LineBuffer,
    /// Standard error, once the stream has ended.
    pub(super) stderr: Vec<u8>,
    /// The number of bytes that came in since the batch went on last.
    since: usize,
}

/// The bytes that a spool may say without going on to another step: four times what a step is let say.
const STEP_LIMIT: usize = 8 << 20;

/// A message received on a [`Link`].
pub(super) enum Received {
    /// A line, and how many bytes it had.
    Line(String, u64),
    /// The answer is at its end.
    End,
    /// The stream stopped before.
    Cut,
    /// The output is longer than a batch's can be; so many bytes are the limit. The rest is not read.
    TooMuch(usize),
}

/// The cost of a line besides its text, in bytes, so that many short lines reach the limit too.
const LINE_COST: usize = 64;

impl Link {
    /// Listens on a channel whose input has been written.
    pub(super) fn new(channel: Channel, sentinel: String) -> Self {
        Self {
            channel,
            sentinel,
            lines: LineBuffer::default(),
            stderr: Vec::new(),
            since: 0,
        }
    }

    /// The next line.
    pub(super) async fn next(&mut self) -> Received {
        loop {
            if let Some((line, bytes)) = self.lines.next() {
                // The output between two steps is bounded, and this side decides the number of steps.
                let goes_on = ["begin ", "check "].iter().any(|w| line.starts_with(w));
                self.since = if goes_on {
                    0
                } else {
                    self.since + line.len() + LINE_COST
                };
                if self.since > STEP_LIMIT {
                    return Received::TooMuch(STEP_LIMIT);
                }
                return match line.strip_prefix(&self.sentinel) {
                    Some(" end") => Received::End,
                    _ => Received::Line(line, bytes),
                };
            }
            if self.lines.is_endless() {
                return Received::TooMuch(LINE_LIMIT);
            }
            let mut buffer = [0; 8192];
            match self.channel.stdout.read(&mut buffer).await {
                Ok(n) if n > 0 => self.lines.push(&buffer[..n]),
                _ => {
                    let errors = read_all(&mut self.channel.stderr, ERRORS_LIMIT);
                    if let Ok(Ok(said)) = timeout(Duration::from_secs(2), errors).await {
                        self.stderr = said;
                    }
                    return Received::Cut;
                }
            }
        }
    }
}
