//! Nodes as virtual machines: QEMU with Debian's kernel, where bonds, VLANs, mirrors and fencing are the real ones.
//!
//! Each machine has the cards, disks and management controller of its node in the site, and one more card, by which the
//! lab gets in whatever becomes of the others. All states of all machines can be saved at once and restored in seconds.

mod bmc;
mod connections;
mod hosts;
mod image;
mod initramfs;
mod kernel;
mod line;
mod links;
mod monitor;
mod power;
mod qemu;
mod saved;
mod seed;
mod wires;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::base::cache_dir;
use super::hardware::{Accel, Hardware, MachineSpec, Nic};
use super::spec::{LabSpec, NodeAddress, check_name};
use super::state::{LabState, StateNode};
use super::{UpProgress, debian, keys, tools, waiting};
pub use bmc::{Args as BmcArgs, run as run_bmc};
pub use hosts::add as add_host;
use line::SerialPorts;
pub use links::link;
pub use power::{PowerEvent, events, switch};
pub use saved::{pause, renew, reset, resume, save};
pub use wires::Wired;

/// The length of the lab's own network.
const MANAGEMENT_LENGTH: u8 = 24;

/// The time that machines may take to boot: some 15 s under emulation, and as often that as others are at work here.
const PATIENCE: Duration = Duration::from_mins(5);

/// The state of a lab of machines, besides the state that every lab has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machines {
    /// The folder of their disks.
    pub disks: PathBuf,
    /// Their accelerator.
    pub accel: Accel,
    /// Memory of each, MiB.
    pub memory: u32,
    /// The segments where their wires end.
    pub segments: Vec<Wired>,
    /// The address that connections from the controller have.
    pub operator: Option<IpAddr>,
    /// The machines, in the order of the lab's nodes.
    pub machines: Vec<Machine>,
    /// The tags of what was saved, the last one last.
    pub saved: Vec<String>,
    /// The number of times that the machines were taken to another state.
    pub epoch: u64,
}

/// A virtual machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The codename of the Debian that it runs.
    pub codename: String,
    /// The folder of what it boots from.
    pub image: PathBuf,
    /// Its hardware.
    pub hardware: Hardware,
    /// Its address on the lab's own network.
    pub management: Ipv4Addr,
    /// The cards whose wires are pulled.
    pub pulled: Vec<String>,
}

impl Machines {
    /// The segment of this name.
    pub fn segment(&self, name: &str) -> Option<&Wired> {
        self.segments
            .iter()
            .find(|wired| wired.segment.name == name)
    }

    /// A segment by its name, or by a zone on it; for a crossed zone, the first.
    pub fn segment_of(&self, word: &str) -> Option<&Wired> {
        let on = |wired: &&Wired| wired.segment.zones.iter().any(|zone| zone == word);
        self.segment(word).or_else(|| self.segments.iter().find(on))
    }
}

impl Machine {
    /// Its serial ports.
    fn ports(&self) -> SerialPorts {
        SerialPorts::beside(self.hardware.line)
    }

    /// Its addresses, the first the one it is reached at.
    pub fn addresses(&self) -> Vec<NodeAddress> {
        let way_in = self.hardware.way_in.as_ref();
        let own = IpNet::new(self.management.into(), MANAGEMENT_LENGTH).expect("a short length");
        way_in
            .map(|way_in| way_in.address.clone())
            .into_iter()
            .chain([NodeAddress::new("lab0", own)])
            .collect()
    }
}

/// A card's address. Without one in the site: locally administered, by the numbers of node and card.
fn mac(node: usize, card: usize, nic: &Nic) -> String {
    nic.mac
        .clone()
        .unwrap_or_else(|| format!("52:54:00:77:{node:02x}:{card:02x}"))
}

/// The address of a machine's card on the lab's own network.
fn management_mac(node: usize) -> String {
    format!("52:54:00:78:{node:02x}:00")
}

/// The folder of the disks of all labs: on a real file system, since saved states are large.
fn disks_of_all() -> PathBuf {
    cache_dir().join("machines")
}

/// The images that a specification asks for, built first where they are missing, and everything by its name.
pub fn describe(
    spec: &LabSpec,
    own: &MachineSpec,
    report: &mut dyn FnMut(&UpProgress),
) -> Result<Machines> {
    let mut needed: Vec<&[tools::Tool]> = vec![&tools::ALWAYS, &tools::MACHINES];
    for node in &spec.nodes {
        if node.hardware.nics.is_empty() {
            bail!("node `{}` of the lab has no network card", node.name);
        }
        if let Some(bmc) = &node.hardware.bmc {
            bmc::check(&node.name, bmc)?;
            needed.push(&tools::BMC);
        }
    }
    needed.dedup();
    tools::require(&needed)?;
    let mut building = |path: &Path| report(&UpProgress::Building(path.into()));
    let machines = spec.nodes.iter().enumerate().map(|(number, node)| {
        let codename = debian::codename_or_own(node.codename.as_deref())?;
        let image = image::ensure(&codename, &own.installed, &mut building)?;
        Ok(Machine {
            codename,
            image,
            hardware: node.hardware.clone(),
            management: wires::management(number),
            pulled: Vec::new(),
        })
    });
    let machines = machines.collect::<Result<_>>()?;
    Ok(Machines {
        disks: disks_of_all().join(&spec.name),
        accel: own.accel,
        memory: own.memory,
        segments: wires::wired(spec),
        operator: spec.operator,
        machines,
        saved: Vec::new(),
        epoch: 0,
    })
}

/// Makes a lab that was described.
pub fn make(
    spec: &LabSpec,
    lab: &LabState,
    own: &Machines,
    report: &mut dyn FnMut(&UpProgress),
) -> Result<()> {
    sweep()?;
    keys::make(lab, spec.key.as_deref(), false)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&own.disks)
        .with_context(|| format!("cannot make {}", own.disks.display()))?;
    wires::make(lab, own)?;
    each(lab, |number| bmc::start(lab, own, number))?;
    report(&UpProgress::Booting(lab.nodes.len()));
    boot(lab, own)?;
    each(lab, |number| bmc::check_runs(lab, own, number))
}

/// Removes disks that a lab left which is no longer there, as after a restart of this machine.
fn sweep() -> Result<()> {
    for entry in fs::read_dir(disks_of_all()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A lab's state is written before its disks are made.
        if check_name("a lab", &name, 24).is_ok()
            && LabState::load(&name).is_ok_and(|lab| lab.is_none())
        {
            tools::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

/// Starts all machines on fresh disks and waits until they answer.
fn boot(lab: &LabState, own: &Machines) -> Result<()> {
    each(lab, |number| {
        qemu::furnish(lab, own, number)?;
        qemu::start(lab, own, number, None)
    })?;
    go(lab, &lab.nodes.iter().collect::<Vec<_>>())?;
    await_nodes(lab, own, &lab.nodes.iter().collect::<Vec<_>>())
}

/// Does something for every machine at once; the first error counts.
fn each(lab: &LabState, work: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let started: Vec<_> = (0..lab.nodes.len())
            .map(|number| {
                scope.spawn({
                    let work = &work;
                    move || {
                        work(number).with_context(|| format!("node `{}`", lab.nodes[number].name))
                    }
                })
            })
            .collect();
        let done = started.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(anyhow!("a thread of the lab broke")))
        });
        // All are joined before the first error is given.
        done.collect::<Vec<_>>().into_iter().collect()
    })
}

/// Lets the processors of machines run.
fn go(lab: &LabState, nodes: &[&StateNode]) -> Result<()> {
    for node in nodes {
        qemu::monitor(lab, node)?.execute("cont", &json!({}))?;
    }
    Ok(())
}

/// Waits until the lab's own way in and the site's answer.
fn await_nodes(lab: &LabState, own: &Machines, nodes: &[&StateNode]) -> Result<()> {
    let mut places: Vec<(&StateNode, IpAddr)> = Vec::new();
    for node in nodes {
        let machine = own.machine(lab, node);
        places.push((node, machine.management.into()));
        if node.address() != IpAddr::from(machine.management) {
            places.push((node, node.address()));
        }
    }
    waiting::await_greeting(lab, &places, PATIENCE)
}

impl Machines {
    /// The machine of a node.
    pub fn machine(&self, lab: &LabState, node: &StateNode) -> &Machine {
        &self.machines[lab.number(node)]
    }
}

/// Ends the machines, and removes their disks.
pub fn remove(lab: &LabState, own: &Machines) -> Result<()> {
    // Controllers first: one of them could start a machine again.
    for node in &lab.nodes {
        bmc::end(node)?;
    }
    for node in &lab.nodes {
        qemu::cut(lab, node)?;
    }
    connections::end(lab);
    tools::remove_tree(&own.disks)
}

/// The name by which `ssh` takes the lab's own way into a machine.
pub fn back_door(node: &StateNode) -> String {
    format!("{}.lab", node.name)
}
