//! Waiting until nodes answer.

use std::fs;
use std::net::IpAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::state::{LabState, StateNode};
use super::{cgroup, namespace, pipe, tools};

/// Waits until a server of SSH greets at each node's address; a node whose processes end before is an error with what
/// the output of its console.
pub fn await_ssh(lab: &LabState, nodes: &[&StateNode]) -> Result<()> {
    let places: Vec<_> = nodes.iter().map(|node| (*node, node.address())).collect();
    await_greeting(lab, &places, Duration::from_mins(2))
}

/// The same for any address of each node, with a given limit of time.
pub fn await_greeting(
    lab: &LabState,
    places: &[(&StateNode, IpAddr)],
    patience: Duration,
) -> Result<()> {
    let mut waiting = Vec::new();
    for (node, address) in places {
        waiting.push((*node, waiter(lab, *address, patience)?));
    }
    let result = watch(&mut waiting);
    for (_, child) in &mut waiting {
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

fn waiter(lab: &LabState, address: IpAddr, patience: Duration) -> Result<Child> {
    tools::command("nsenter")
        .arg(namespace::enter(&lab.namespace))
        .arg("--")
        .arg(&lab.program)
        .args([pipe::COMMAND, &address.to_string(), "22", "--wait"])
        .arg(patience.as_secs().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", lab.program.display()))
}

fn watch(waiting: &mut [(&StateNode, Child)]) -> Result<()> {
    let mut open = waiting.len();
    let mut done = vec![false; waiting.len()];
    while open > 0 {
        for (i, (node, child)) in waiting.iter_mut().enumerate() {
            if done[i] {
                continue;
            }
            if let Some(status) = child.try_wait()? {
                if !status.success() {
                    let mut stderr = String::new();
                    if let Some(pipe) = &mut child.stderr {
                        use std::io::Read as _;
                        let _ = pipe.read_to_string(&mut stderr);
                    }
                    bail!(
                        "node `{}` does not answer: {}; its console: {}",
                        node.name,
                        stderr.trim(),
                        ending(node)
                    );
                }
                done[i] = true;
                open -= 1;
            } else if cgroup::processes(&node.groups).is_empty() {
                bail!(
                    "node `{}` ended while starting: {}",
                    node.name,
                    ending(node)
                );
            }
        }
        if open > 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(())
}

/// The last lines of a node's console, for an error.
pub fn ending(node: &StateNode) -> String {
    let bytes = fs::read(&node.log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return format!("nothing in {}", node.log.display());
    }
    lines[lines.len().saturating_sub(8)..].join(" / ")
}
