//! The power of machines: switched by the lab and by management controllers, one change of a machine at a time.
//!
//! A machine has a lock of its own, so that two of them can be switched at once, as when each fences the other; who
//! changes the whole lab holds all of them. A controller that was asked before the lab was taken back to a saved state
//! does not act on it afterwards.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::{Machines, await_nodes, go, line, qemu};
use crate::lab::Power;
use crate::lab::state::{Backend, LabState, StateNode, private_file};

/// Something that was done to a machine's power.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerEvent {
    /// When, seconds since 1970.
    pub time: f64,
    /// The node.
    pub node: String,
    /// Whether its management controller did it, as when another node fences it.
    pub by_bmc: bool,
    /// `on`, `off` (in order), `cut`, `hang` or `reset`.
    pub what: String,
}

fn log_path(lab: &LabState) -> PathBuf {
    lab.dir.join("power.log")
}

/// Writes down what was done.
fn log(lab: &LabState, node: &StateNode, by_bmc: bool, what: &str) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    let who = if by_bmc { "bmc" } else { "lab" };
    let mut text = String::new();
    let _ = writeln!(text, "{now:.3} {} {who} {what}", node.name);
    let path = log_path(lab);
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The power events of the machines since the lab was made or reset to a saved state.
pub fn events(lab: &LabState) -> Result<Vec<PowerEvent>> {
    let text = match fs::read_to_string(log_path(lab)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let event = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [time, node, who, what] = words[..] else {
            return None;
        };
        Some(PowerEvent {
            time: time.parse().ok()?,
            node: node.to_owned(),
            by_bmc: who == "bmc",
            what: what.to_owned(),
        })
    };
    Ok(text.lines().filter_map(event).collect())
}

/// Forgets the events, since they are no part of the state that the machines are reset to.
pub fn forget_events(lab: &LabState) {
    let _ = fs::remove_file(log_path(lab));
}

/// Waits for a machine's lock and holds it.
pub fn lock(lab: &LabState, node: &StateNode) -> Result<File> {
    let path = lab.dir.join(format!("{}.lock", node.name));
    let file = private_file(&path)?;
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Holds the locks of all machines.
pub fn lock_all(lab: &LabState) -> Result<Vec<File>> {
    lab.nodes.iter().map(|node| lock(lab, node)).collect()
}

/// Switches a machine off or on for the lab's user, and waits until one that was switched on is up.
pub fn switch(lab: &LabState, own: &Machines, node: &StateNode, power: Power) -> Result<()> {
    let held = lock(lab, node)?;
    match power {
        Power::Cut => {
            qemu::cut(lab, node)?;
            log(lab, node, false, "cut")
        }
        Power::Off => {
            qemu::shut_down(lab, node)?;
            log(lab, node, false, "off")
        }
        Power::Hang => {
            qemu::monitor(lab, node)?.execute("stop", &json!({}))?;
            log(lab, node, false, "hang")
        }
        Power::On => {
            if qemu::is_on(node) {
                bail!("node `{}` is on", node.name);
            }
            start(lab, own, node)?;
            log(lab, node, false, "on")?;
            drop(held);
            await_nodes(lab, own, &[node])
        }
    }
}

fn start(lab: &LabState, own: &Machines, node: &StateNode) -> Result<()> {
    qemu::cut(lab, node)?;
    qemu::start(lab, own, lab.number(node), None)?;
    go(lab, &[node])
}

/// Executes a command of a management controller: `get power`, `set power 0|1`, `set reset 1`, `set shutdown 1`.
///
/// The answer is its standard output. It waits for nothing but the switch itself.
pub fn by_bmc(lab: &str, node: &str, words: &[String]) -> Result<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let seen = load(lab)?;
    let node = seen.node(node)?.clone();
    if words == ["get", "power"] {
        return Ok(format!("power:{}\n", u8::from(qemu::is_on(&node))));
    }
    let _held = lock(&seen, &node)?;
    let lab = load(lab)?;
    let (Backend::Machines(saved), Backend::Machines(own)) = (&seen.backend, &lab.backend) else {
        bail!("the nodes of lab `{}` are containers", lab.name);
    };
    if saved.epoch != own.epoch {
        bail!("the lab was taken back to another state meanwhile");
    }
    match words[..] {
        ["set", "power", "0"] => {
            qemu::cut(&lab, &node)?;
            log(&lab, &node, true, "cut")?;
        }
        ["set", "power", "1"] if qemu::is_on(&node) => {}
        ["set", "power", "1"] => {
            start(&lab, own, &node)?;
            log(&lab, &node, true, "on")?;
        }
        ["set", "reset", "1"] if qemu::is_on(&node) => {
            qemu::monitor(&lab, &node)?.execute("system_reset", &json!({}))?;
            log(&lab, &node, true, "reset")?;
        }
        ["set", "shutdown", "1"] if qemu::is_on(&node) => {
            line::send(&lab, &node, "off")?;
            log(&lab, &node, true, "off")?;
        }
        _ => bail!(
            "a management controller of the lab does not know `{}`",
            words.join(" ")
        ),
    }
    Ok(String::new())
}

fn load(lab: &str) -> Result<LabState> {
    LabState::load(lab)?.with_context(|| format!("there is no lab `{lab}`"))
}
