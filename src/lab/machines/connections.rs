//! Connections into a lab whose far ends do not know of them any more.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::lab::state::{LabState, StateNode};
use crate::lab::{keys, namespace, pipe, tools};

/// Ends all connections into a lab: machines that are taken back to a saved state, or away, will never answer on them,
/// and who holds one would wait for long.
pub fn end(lab: &LabState) {
    for node in &lab.nodes {
        forget(lab, node);
    }
    let Ok(namespace) = fs::metadata(namespace::path(&lab.namespace)) else {
        return;
    };
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = entry.path();
        let words = fs::read(path.join("cmdline")).unwrap_or_default();
        let mut words = words.split(|byte| *byte == 0).skip(1);
        if words.next() != Some(pipe::COMMAND.as_bytes()) {
            continue;
        }
        let there = fs::metadata(path.join("ns/net"));
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (namespace.dev(), namespace.ino()))
        {
            let pid = entry.file_name();
            let _ = tools::call("kill", [pid]);
        }
    }
}

/// Has the next one who takes the lab's own way into a machine make a connection of his own, since the machine that the
/// present one led to is off. Others find out by themselves, as they do of a real machine.
pub fn forget(lab: &LabState, node: &StateNode) {
    let _ = fs::remove_file(keys::control_path(lab, node));
}
