//! A channel on which a spool comes in, line by line.

use super::session::Channel;
use super::spool::LineBuffer;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

/// A channel on which a spool comes in.
pub(super) struct Link {
    channel: Channel,
    /// What every line of ours begins with.
    pub(super) sentinel: String,
    lines: LineBuffer,
    /// Standard error, once the stream has ended.
    pub(super) stderr: Vec<u8>,
}

/// What came in on a [`Link`].
pub(super) enum Received {
    /// A line, and how many bytes it had.
    Line(String, u64),
    /// The answer is at its end.
    End,
    /// The stream stopped before.
    Cut,
}

impl Link {
    /// Listens on a channel whose input has been written.
    pub(super) fn new(channel: Channel, sentinel: String) -> Self {
        Self {
            channel,
            sentinel,
            lines: LineBuffer::default(),
            stderr: Vec::new(),
        }
    }

    /// What comes next.
    pub(super) async fn next(&mut self) -> Received {
        loop {
            if let Some((line, bytes)) = self.lines.next() {
                return match line.strip_prefix(&self.sentinel) {
                    Some(" end") => Received::End,
                    _ => Received::Line(line, bytes),
                };
            }
            let mut buffer = [0; 8192];
            match self.channel.stdout.read(&mut buffer).await {
                Ok(n) if n > 0 => self.lines.push(&buffer[..n]),
                _ => {
                    let _ = timeout(
                        Duration::from_secs(2),
                        self.channel.stderr.read_to_end(&mut self.stderr),
                    )
                    .await;
                    return Received::Cut;
                }
            }
        }
    }
}
