//! Nodes as virtual machines: QEMU with Debian's kernel, where bonds, VLANs, mirrors and fencing are the real ones.
//!
//! Each machine has the cards, disks and management controller of its node in the site, and a card more, by which the lab
//! gets in whatever becomes of the others. All states of all machines can be saved at once and had back in seconds.

mod image;
mod initramfs;
mod monitor;
mod qemu;
mod seed;
mod wires;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow, bail};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::base::cache_dir;
use super::hardware::{Accel, Hardware, MachineSpec, Nic, SegmentKind};
use super::spec::{Address, LabSpec, check_name};
use super::state::{Node, State};
use super::{Power, Progress, keys, pipe, tools, waiting};
pub use wires::Wired;

/// The length of the lab's own network.
const MANAGEMENT_LENGTH: u8 = 24;

/// How long machines may take to boot: some 15 s under emulation, and as often that as others are at work here.
const PATIENCE: Duration = Duration::from_mins(5);

/// What a lab of machines has beside what every lab has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machines {
    /// The folder of what they boot from.
    pub image: PathBuf,
    /// The folder of their disks.
    pub disks: PathBuf,
    /// What carries their instructions out.
    pub accel: Accel,
    /// Memory of each, MiB.
    pub memory: u32,
    /// What their wires end in.
    pub segments: Vec<Wired>,
    /// The address that connections from the controller have.
    pub operator: Option<IpAddr>,
    /// The machines, in the order of the lab's nodes.
    pub machines: Vec<Machine>,
    /// The tags of what was saved, the last one last.
    pub saved: Vec<String>,
}

/// A virtual machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// What it is made of.
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
    /// Its addresses, the first the one it is reached at.
    pub fn addresses(&self) -> Vec<Address> {
        let way_in = self.hardware.way_in.as_ref();
        let own = IpNet::new(self.management.into(), MANAGEMENT_LENGTH).expect("a short length");
        way_in
            .map(|way_in| way_in.address.clone())
            .into_iter()
            .chain([Address::new("lab0", own)])
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

/// The image that a specification asks for, built first where it is missing, and everything by its name.
pub fn describe(
    spec: &LabSpec,
    own: &MachineSpec,
    tell: &mut dyn FnMut(&Progress),
) -> Result<Machines> {
    tools::require(&[&tools::ALWAYS, &tools::MACHINES])?;
    for node in &spec.nodes {
        if node.hardware.nics.is_empty() {
            bail!("node `{}` of the lab has no network card", node.name);
        }
    }
    let mut building = |path: &Path| tell(&Progress::Building(path.into()));
    let image = image::ensure(&own.installed, &mut building)?;
    let machines = spec.nodes.iter().enumerate();
    Ok(Machines {
        image,
        disks: disks_of_all().join(&spec.name),
        accel: own.accel,
        memory: own.memory,
        segments: wires::wired(spec),
        operator: spec.operator,
        machines: machines
            .map(|(number, node)| Machine {
                hardware: node.hardware.clone(),
                management: wires::management(number),
                pulled: Vec::new(),
            })
            .collect(),
        saved: Vec::new(),
    })
}

/// Makes a lab that was described.
pub fn make(
    spec: &LabSpec,
    lab: &State,
    own: &Machines,
    tell: &mut dyn FnMut(&Progress),
) -> Result<()> {
    sweep()?;
    keys::make(lab, spec.key.as_deref(), false)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&own.disks)
        .with_context(|| format!("cannot make {}", own.disks.display()))?;
    wires::make(lab, own)?;
    tell(&Progress::Booting(lab.nodes.len()));
    boot(lab, own)
}

/// Removes disks that a lab left which is not there any more, as after a restart of this machine.
fn sweep() -> Result<()> {
    for entry in fs::read_dir(disks_of_all()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A lab's state is written before its disks are made.
        if check_name("a lab", &name, 24).is_ok()
            && State::load(&name).is_ok_and(|lab| lab.is_none())
        {
            tools::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

/// Starts all machines on fresh disks and waits until they answer.
fn boot(lab: &State, own: &Machines) -> Result<()> {
    each(lab, |number| {
        qemu::furnish(lab, own, number)?;
        qemu::start(lab, own, number, None)
    })?;
    go(lab, &lab.nodes.iter().collect::<Vec<_>>())?;
    await_nodes(lab, own, &lab.nodes.iter().collect::<Vec<_>>())
}

/// Does something for every machine at once; the first error counts.
fn each(lab: &State, work: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
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
fn go(lab: &State, nodes: &[&Node]) -> Result<()> {
    for node in nodes {
        qemu::monitor(lab, node)?.ask("cont", &json!({}))?;
    }
    Ok(())
}

/// Waits until the lab's own way in and the site's answer.
fn await_nodes(lab: &State, own: &Machines, nodes: &[&Node]) -> Result<()> {
    let mut places: Vec<(&Node, IpAddr)> = Vec::new();
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
    pub fn machine(&self, lab: &State, node: &Node) -> &Machine {
        &self.machines[number(lab, node)]
    }
}

fn number(lab: &State, node: &Node) -> usize {
    let at = lab.nodes.iter().position(|other| other.name == node.name);
    at.expect("a node of this lab")
}

/// Ends the machines, and removes their disks.
pub fn remove(lab: &State, own: &Machines) -> Result<()> {
    for node in &lab.nodes {
        qemu::cut(lab, node)?;
    }
    tools::remove_tree(&own.disks)
}

/// Gives all machines fresh disks; what was saved is gone with the old ones.
pub fn renew(lab: &State, own: &mut Machines) -> Result<()> {
    for node in &lab.nodes {
        qemu::cut(lab, node)?;
    }
    own.saved.clear();
    for machine in &mut own.machines {
        machine.pulled.clear();
    }
    end_connections(lab);
    boot(lab, own)
}

/// Switches a machine off or on.
pub fn power(lab: &State, own: &Machines, node: &Node, power: Power) -> Result<()> {
    match power {
        Power::Cut => qemu::cut(lab, node),
        Power::Off => qemu::shut_down(lab, node),
        Power::On => {
            if qemu::is_on(node) {
                bail!("node `{}` is on", node.name);
            }
            qemu::start(lab, own, number(lab, node), None)?;
            go(lab, &[node])?;
            await_nodes(lab, own, &[node])
        }
    }
}

/// Saves memory and disks of all machines under a tag; an earlier state of that tag is replaced.
pub fn save(lab: &State, own: &mut Machines, tag: &str) -> Result<()> {
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
    own.saved.retain(|known| known != tag);
    let halt = |number: usize| {
        qemu::monitor(lab, &lab.nodes[number])?
            .ask("stop", &json!({}))
            .map(|_| ())
    };
    each(lab, halt)?;
    let saved = each(lab, |number| {
        qemu::monitor(lab, &lab.nodes[number])?.tell(&format!("savevm {tag}"))
    });
    go(lab, &lab.nodes.iter().collect::<Vec<_>>())?;
    saved?;
    own.saved.push(tag.to_owned());
    Ok(())
}

/// Gives all machines the state back that was saved under a tag, whatever has become of them since.
pub fn reset(lab: &State, own: &mut Machines, tag: &str) -> Result<()> {
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
        monitor.ask("stop", &json!({}))?;
        monitor.tell(&format!("loadvm {tag}"))?;
        for nic in &own.machines[number].hardware.nics {
            qemu::set_link(&mut monitor, own, number, &nic.name, true)?;
        }
        Ok(())
    })?;
    end_connections(lab);
    go(lab, &lab.nodes.iter().collect::<Vec<_>>())?;
    await_nodes(lab, own, &lab.nodes.iter().collect::<Vec<_>>())?;
    each(lab, |number| set_clock(lab, &lab.nodes[number]))
}

/// Lets the processors of the machines that are on stand still.
pub fn pause(lab: &State) -> Result<()> {
    for node in &lab.nodes {
        if qemu::is_on(node) {
            qemu::monitor(lab, node)?.ask("stop", &json!({}))?;
        }
    }
    Ok(())
}

/// Lets the machines that are on go on.
pub fn resume(lab: &State, own: &Machines) -> Result<()> {
    let on: Vec<&Node> = lab.nodes.iter().filter(|node| qemu::is_on(node)).collect();
    go(lab, &on)?;
    await_nodes(lab, own, &on)?;
    on.into_iter().try_for_each(|node| set_clock(lab, node))
}

/// Tells a machine, which slept while it was a file, what time it is.
fn set_clock(lab: &State, node: &Node) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    tools::run(
        tools::command("ssh")
            .arg("-F")
            .arg(&lab.ssh_config)
            .arg(back_door(node))
            .arg(format!("date -s @{now:.3}")),
    )?;
    Ok(())
}

/// The name by which `ssh` takes the lab's own way into a machine.
pub fn back_door(node: &Node) -> String {
    format!("{}.lab", node.name)
}

/// Ends the connections into a lab whose far ends do not know of them any more; who holds one would wait for long.
fn end_connections(lab: &State) {
    let Ok(namespace) = fs::metadata(super::namespace::path(&lab.namespace)) else {
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

/// Plugs wires in or pulls them out: those of a zone, or of one card. A cable is pulled for both its ends.
pub fn link(lab: &State, own: &mut Machines, node: &Node, what: &str, up: bool) -> Result<()> {
    let number = number(lab, node);
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
