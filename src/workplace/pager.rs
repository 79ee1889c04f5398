//! A pager for results that are longer than the terminal.

use crate::report::Sink;
use std::io::{IsTerminal as _, Write};
use std::process::{Command, Stdio};

/// Shows each text that is longer than the terminal by the operator's pager, and any other as it is.
pub struct Pager {
    command: String,
    lines: usize,
    terminal: Sink,
}

impl Pager {
    /// The one of `NODEWRIGHT_PAGER`, else of `PAGER`, else `less`, before this terminal; none where the variable is empty,
    /// or nobody can answer it.
    pub fn before(terminal: Sink) -> Option<Self> {
        let (_, height) =
            terminal_size::terminal_size().filter(|_| std::io::stdin().is_terminal())?;
        let named = |name| std::env::var(name).ok();
        let command = named("NODEWRIGHT_PAGER").or_else(|| named("PAGER"));
        let command = command.unwrap_or_else(|| "less".to_owned());
        (!command.is_empty()).then(|| Self {
            command,
            lines: usize::from(height.0),
            terminal,
        })
    }

    /// Hands a text to the pager and waits for its end; whether it took it.
    fn page(&self, text: &[u8]) -> bool {
        let mut command = Command::new("sh");
        command.args(["-c", &self.command]).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            // Colours as they are; ends at once where all of it fits; leaves the text on the screen.
            command.env("LESS", "FRX");
        }
        let Ok(mut child) = command.spawn() else {
            return false;
        };
        // A reader who leaves early closes the pipe.
        let _ = child.stdin.take().map(|mut pipe| pipe.write_all(text));
        // 127: the shell has no such program.
        child.wait().is_ok_and(|status| status.code() != Some(127))
    }
}

impl Write for Pager {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        let lines = text.split(|byte| *byte == b'\n').count();
        if lines <= self.lines || !self.page(text) {
            self.terminal.write_all(text)?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.terminal.flush()
    }
}
