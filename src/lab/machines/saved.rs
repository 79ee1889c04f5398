//! States of all machines at once: saved as QEMU's snapshots, restored in a second, whatever has become of the
//! machines.

use anyhow::{Result, bail};
use serde_json::json;

use super::{Machines, boot, connections, each, go, line, power, qemu};
use crate::lab::spec::check_name;
use crate::lab::state::{LabState, StateNode};

/// Gives all machines fresh disks; the saved states are lost with the old ones.
pub fn renew(lab: &LabState, own: &mut Machines) -> Result<()> {
    let _held = power::lock_all(lab)?;
    for node in &lab.nodes {
        qemu::cut(lab, node)?;
    }
    own.saved.clear();
    own.epoch += 1;
    power::forget_events(lab);
    for machine in &mut own.machines {
        machine.pulled.clear();
    }
    connections::end(lab);
    boot(lab, own)
}

/// Saves memory and disks of all machines under a tag; an earlier state of that tag is replaced.
pub fn save(lab: &LabState, own: &mut Machines, tag: &str) -> Result<()> {
    check_name("a saved state", tag, 32)?;
    for node in &lab.nodes {
        if !qemu::is_on(node) {
            bail!(
                "node `{}` is off; a state is saved of running machines only",
                node.name
            );
        }
    }
    if let Some(pulled) = own
        .machines
        .iter()
        .find_map(|machine| machine.pulled.first())
    {
        bail!("the wire of `{pulled}` is pulled; plug it in before a state is saved");
    }
    let _held = power::lock_all(lab)?;
    own.saved.retain(|known| known != tag);
    let halt = |number: usize| {
        qemu::monitor(lab, &lab.nodes[number])?
            .execute("stop", &json!({}))
            .map(|_| ())
    };
    each(lab, halt)?;
    let saved = each(lab, |number| {
        qemu::monitor(lab, &lab.nodes[number])?.run(&format!("savevm {tag}"))
    });
    go(lab, &lab.nodes.iter().collect::<Vec<_>>())?;
    saved?;
    own.saved.push(tag.to_owned());
    Ok(())
}

/// Resets all machines to the state that was saved under a tag, whatever has become of them since.
pub fn reset(lab: &LabState, own: &mut Machines, tag: &str) -> Result<()> {
    if !own.saved.iter().any(|known| known == tag) {
        let known = match own.saved.as_slice() {
            [] => "nothing was saved yet; `nodewright lab save TAG` does it".to_owned(),
            some => format!("there is {}", some.join(", ")),
        };
        bail!(
            "no state of lab `{}` was saved as `{tag}` ({known})",
            lab.name
        );
    }
    let _held = power::lock_all(lab)?;
    own.epoch += 1;
    power::forget_events(lab);
    for machine in &mut own.machines {
        machine.pulled.clear();
    }
    let own = &*own;
    each(lab, |number| {
        let node = &lab.nodes[number];
        if !qemu::is_on(node) {
            qemu::cut(lab, node)?;
            return qemu::start(lab, own, number, Some(tag));
        }
        let mut monitor = qemu::monitor(lab, node)?;
        monitor.execute("stop", &json!({}))?;
        monitor.run(&format!("loadvm {tag}"))?;
        for nic in &own.machines[number].hardware.nics {
            qemu::set_link(&mut monitor, own, number, &nic.name, true)?;
        }
        Ok(())
    })?;
    connections::end(lab);
    go(lab, &lab.nodes.iter().collect::<Vec<_>>())?;
    each(lab, |number| line::set_clock(lab, &lab.nodes[number]))
}

/// Pauses the processors of the machines that are on.
pub fn pause(lab: &LabState) -> Result<()> {
    for node in &lab.nodes {
        if qemu::is_on(node) {
            qemu::monitor(lab, node)?.execute("stop", &json!({}))?;
        }
    }
    Ok(())
}

/// Lets the machines that are on go on.
pub fn resume(lab: &LabState) -> Result<()> {
    let on: Vec<&StateNode> = lab.nodes.iter().filter(|node| qemu::is_on(node)).collect();
    go(lab, &on)?;
    on.into_iter()
        .try_for_each(|node| line::set_clock(lab, node))
}
