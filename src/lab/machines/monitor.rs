//! Commands for a running QEMU: its monitor, over a socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value as Json, json};

/// A conversation with the QEMU of one machine.
pub struct Monitor {
    write: UnixStream,
    read: BufReader<UnixStream>,
}

impl Monitor {
    /// Opens the conversation. QEMU has one at a time; another one waits.
    pub fn open(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)
            .with_context(|| format!("no machine listens at {}", socket.display()))?;
        // A snapshot of a busy machine may take long.
        stream.set_read_timeout(Some(Duration::from_mins(3)))?;
        let mut monitor = Self {
            write: stream.try_clone()?,
            read: BufReader::new(stream),
        };
        monitor.line()?;
        monitor.execute("qmp_capabilities", &json!({}))?;
        Ok(monitor)
    }

    /// Has one command done and gives what it returns.
    pub fn execute(&mut self, command: &str, arguments: &Json) -> Result<Json> {
        let text = json!({ "execute": command, "arguments": arguments });
        writeln!(self.write, "{text}").context("the machine's monitor is closed")?;
        loop {
            let mut answer = self.line()?;
            if let Some(error) = answer.get("error") {
                let answer = error["desc"].as_str().unwrap_or("no reason given");
                bail!("QEMU refuses `{command}`: {answer}");
            }
            // An answer with neither key is an event.
            if let Some(returned) = answer.get_mut("return") {
                return Ok(returned.take());
            }
        }
    }

    /// Runs a line of the human monitor, which prints nothing unless it fails.
    pub fn run(&mut self, line: &str) -> Result<()> {
        let answer = self.execute("human-monitor-command", &json!({ "command-line": line }))?;
        match answer.as_str().map(str::trim) {
            None | Some("") => Ok(()),
            Some(answer) => bail!("QEMU answers `{line}` with: {answer}"),
        }
    }

    fn line(&mut self) -> Result<Json> {
        let mut line = String::new();
        let count = self
            .read
            .read_line(&mut line)
            .context("the machine does not answer")?;
        if count == 0 {
            bail!("the machine ended while the node was observed");
        }
        serde_json::from_str(&line).with_context(|| format!("QEMU answers `{}`", line.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::thread;

    #[test]
    fn events_are_passed_over_and_refusals_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("qmp");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut write = stream.try_clone().unwrap();
            let mut lines = BufReader::new(stream).lines();
            writeln!(write, r#"{{"QMP":{{}}}}"#).unwrap();
            for answer in [
                r#"{"return":{}}"#,
                "{\"event\":\"STOP\"}\n{\"return\":\"\"}",
                r#"{"return":"Error: no such snapshot\r\n"}"#,
                r#"{"error":{"class":"GenericError","desc":"Device 'x' not found"}}"#,
            ] {
                lines.next().unwrap().unwrap();
                writeln!(write, "{answer}").unwrap();
            }
        });
        let mut monitor = Monitor::open(&socket).unwrap();
        monitor.run("savevm a").unwrap();
        let answer = monitor.run("loadvm b").unwrap_err().to_string();
        assert_eq!(
            answer,
            "QEMU answers `loadvm b` with: Error: no such snapshot"
        );
        let answer = monitor
            .execute("set_link", &json!({}))
            .unwrap_err()
            .to_string();
        assert_eq!(answer, "QEMU refuses `set_link`: Device 'x' not found");
        server.join().unwrap();
    }
}
