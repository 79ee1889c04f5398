//! A pager for results that are longer than the terminal.

use std::io::{IsTerminal as _, Write};
use std::process::{Command, Stdio};

/// Shows each text that is longer than the terminal by the operator's pager, and any other as it is.
#[derive(Debug)]
pub struct Pager {
    command: String,
    lines: usize,
}

impl Pager {
    /// The one of `NODEWRIGHT_PAGER`, else of `PAGER`, else `less`; none where standard output is no terminal, or the
    /// variable is empty.
    pub fn of_terminal() -> Option<Self> {
        let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        let (_, height) = terminal_size::terminal_size().filter(|_| terminal)?;
        let named = |name| std::env::var(name).ok();
        let command = named("NODEWRIGHT_PAGER").or_else(|| named("PAGER"));
        let command = command.unwrap_or_else(|| "less".to_owned());
        (!command.is_empty()).then(|| Self {
            command,
            lines: usize::from(height.0),
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
            let mut out = std::io::stdout().lock();
            out.write_all(text)?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().flush()
    }
}
