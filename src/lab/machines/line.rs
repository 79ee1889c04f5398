//! The lab's own serial port of each machine: commands to it, and their acknowledgement.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

use crate::lab::state::{LabState, StateNode};

/// The use of the four serial ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialPorts {
    /// The kernel's console.
    pub console: u8,
    /// The lab's own.
    pub lab: u8,
    /// The line to the other node, as the site declares it.
    pub line: Option<u8>,
}

impl SerialPorts {
    /// The ports of a machine whose line to the other node is at one of them: the console is the first that is left, the
    /// lab's the last.
    pub fn beside(line: Option<u8>) -> Self {
        let left: Vec<u8> = (0..4).filter(|port| Some(*port) != line).collect();
        Self {
            console: left[0],
            lab: left[left.len() - 1],
            line,
        }
    }
}

/// The far end of the lab's own port.
pub fn socket(lab: &LabState, node: &StateNode) -> PathBuf {
    lab.dir.join(format!("{}.line", node.name))
}

/// Says one thing and waits until the machine did it.
pub fn send(lab: &LabState, node: &StateNode, what: &str) -> Result<()> {
    let socket = socket(lab, node);
    let mut stream =
        UnixStream::connect(&socket).with_context(|| format!("node `{}` is off", node.name))?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    writeln!(stream, "{what}")?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .with_context(|| format!("node `{}` does not answer", node.name))?;
    if answer.trim() != "done" {
        bail!(
            "node `{}` answers `{}` to `{what}`",
            node.name,
            answer.trim()
        );
    }
    Ok(())
}

/// Sets the clock of a machine that was restored from a file.
pub fn set_clock(lab: &LabState, node: &StateNode) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    send(lab, node, &format!("clock {now:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_a_machine_are_four_different_ones() {
        let shown = |line| {
            let ports = SerialPorts::beside(line);
            (ports.console, ports.lab, ports.line)
        };
        assert_eq!(shown(None), (0, 3, None));
        assert_eq!(shown(Some(0)), (1, 3, Some(0)));
        assert_eq!(shown(Some(3)), (0, 2, Some(3)));
    }
}
