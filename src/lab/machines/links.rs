//! Wires that are pulled out and plugged in.

use anyhow::{Result, bail};

use super::{Machines, qemu};
use crate::lab::hardware::{Nic, SegmentKind};
use crate::lab::state::{LabState, StateNode};

/// Plugs wires in or pulls them out: those of a zone, or of one card. A cable is pulled for both its ends.
pub fn link(
    lab: &LabState,
    own: &mut Machines,
    node: &StateNode,
    what: &str,
    up: bool,
) -> Result<()> {
    let number = lab.number(node);
    let nics = &own.machines[number].hardware.nics;
    let zone_of = |nic: &Nic| {
        own.segment(&nic.segment)
            .is_some_and(|wired| wired.segment.zones.iter().any(|zone| zone == what))
    };
    let mut meant: Vec<&Nic> = nics.iter().filter(|nic| nic.name == what).collect();
    if meant.is_empty() {
        meant = nics.iter().filter(|nic| zone_of(nic)).collect();
    }
    if meant.is_empty() {
        let names: Vec<&str> = nics.iter().map(|nic| nic.name.as_str()).collect();
        bail!(
            "node `{}` has no card and no zone `{what}`; its cards are {}",
            node.name,
            names.join(", ")
        );
    }
    let mut ends: Vec<(usize, String)> = Vec::new();
    for nic in meant {
        ends.push((number, nic.name.clone()));
        let cable = own
            .segment(&nic.segment)
            .is_some_and(|wired| wired.segment.kind == SegmentKind::Cable);
        if cable {
            for (other, machine) in own.machines.iter().enumerate() {
                let far = machine.hardware.nics.iter();
                let far = far.filter(|far| other != number && far.segment == nic.segment);
                ends.extend(far.map(|far| (other, far.name.clone())));
            }
        }
    }
    for (number, nic) in ends {
        let node = &lab.nodes[number];
        if qemu::is_on(node) {
            qemu::set_link(&mut qemu::monitor(lab, node)?, own, number, &nic, up)?;
        }
        let pulled = &mut own.machines[number].pulled;
        pulled.retain(|known| *known != nic);
        if !up {
            pulled.push(nic);
        }
    }
    Ok(())
}
