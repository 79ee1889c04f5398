//! Local nodes to rehearse on: containers, in a second and a few megabytes each, or virtual machines.
//!
//! A container is `systemd-nspawn --boot` over an overlay of one shared root, in a network namespace of its own
//! ([`Containers`]). A machine is QEMU with Debian's kernel and the hardware of its node in the site ([`Machines`]). The
//! controller has a namespace too, where the lab's networks meet. It needs root for now.
//!
//! Interface for other modules:
//!
//! * `nodewright lab up|down|status|ssh|save|reset|power|link|console` are [`up`], [`down`], [`status`], [`ssh`],
//!   [`save`], [`reset`], [`power`], [`link()`] and [`console`]: arguments in, data or an error out, nothing printed.
//!   [`up`] reports long work by an [`UpProgress`].
//! * The hidden subcommand `lab-pipe` is [`pipe::run`]: by it `ssh` gets into a lab.
//! * A run on a lab (`--lab NAME`) reads [`LabState::load`]: `ssh_config` is what `ssh -F` (or an `Include`) takes; nodes
//!   are in it by name and by address, with keys, `known_hosts` and the way in, and machines as `NAME.lab` by a way that
//!   nothing closes. `ip netns exec` with `namespace` runs a program in the controller's place.
//! * Tests hold a [`Lab`], which goes down when it is dropped.

mod base;
mod cgroup;
mod containers;
mod debian;
mod hardware;
mod hardware_of_site;
mod keys;
mod machines;
mod namespace;
mod of_site;
pub mod pipe;
mod sources;
mod spec;
mod state;
mod tools;
mod waiting;

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use ipnet::IpNet;

pub use base::{Recipe, cache_dir, make_once};
pub use containers::{Container, Containers, LabBridge};
pub use debian::{codename_of, names as package_names, platform_for, platform_of};
pub use hardware::{
    Accel, BMC_PASSWORD, Bmc, Hardware, LabDisk, MachineSpec, Nic, Segment, SegmentKind, WayIn,
};
pub use keys::{root_key, root_keys};
pub use machines::{BmcArgs, Machine, Machines, PowerEvent, Wired, back_door, run_bmc};
pub use spec::{FirstProcess, Flavour, LabNode, LabSpec, NodeAddress};
pub use state::{Backend, LABS, LabState, StateNode, names};

/// The name of the lab where none is given.
pub const DEFAULT_NAME: &str = "lab";

/// The progress of [`up`], for the user who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpProgress {
    /// A root filesystem is made, which takes a minute; the next labs find it in the cache.
    Building(PathBuf),
    /// All root filesystems are there.
    Roots(Duration),
    /// All nodes were started; they boot.
    Booting(usize),
    /// All nodes answer.
    Up(Duration),
}

/// Brings a lab up and gives its state once every node answers by SSH.
///
/// A lab of that name that an earlier `up` left half made is removed first; one that is up is an error. When a step
/// fails, what was made is removed again.
pub fn up(spec: &LabSpec, report: &mut dyn FnMut(&UpProgress)) -> Result<LabState> {
    spec.check()?;
    tools::require(&[&tools::ALWAYS])?;
    let _lock = state::lock(&spec.name)?;
    if let Some(old) = LabState::load(&spec.name)? {
        if old.complete {
            bail!(
                "the lab `{}` is up; end it with `nodewright lab down`, or give the new one another name",
                spec.name
            );
        }
        take_down(&old)?;
    }
    let started = Instant::now();
    let backend = backend(spec, report)?;
    report(&UpProgress::Roots(started.elapsed()));
    let started = Instant::now();
    let mut lab = describe(spec, backend)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&lab.dir)
        .with_context(|| format!("cannot make {}", lab.dir.display()))?;
    lab.save()?;
    let made = make(spec, &lab, report).and_then(|()| {
        lab.complete = true;
        lab.save()
    });
    if let Err(error) = made {
        if let Err(more) = take_down(&lab) {
            return Err(error.context(format!("and the rest could not be removed: {more:#}")));
        }
        return Err(error);
    }
    report(&UpProgress::Up(started.elapsed()));
    Ok(lab)
}

fn backend(spec: &LabSpec, report: &mut dyn FnMut(&UpProgress)) -> Result<Backend> {
    if let Flavour::Machines(own) = &spec.flavour {
        machines::describe(spec, own, report).map(Backend::Machines)
    } else {
        tools::require(&[&tools::BOOT])?;
        containers::describe(spec, report).map(Backend::Containers)
    }
}

fn describe(spec: &LabSpec, backend: Backend) -> Result<LabState> {
    let dir = LabState::folder(&spec.name);
    let program = match &spec.program {
        Some(path) => path.clone(),
        None => std::env::current_exe().context("this program does not know its own path")?,
    };
    let groups = cgroup::groups(&spec.name)?;
    let nodes = spec
        .nodes
        .iter()
        .enumerate()
        .map(|(number, node)| StateNode {
            name: node.name.clone(),
            addresses: match &backend {
                Backend::Containers(_) => node.addresses.clone(),
                Backend::Machines(own) => own.machines[number].addresses(),
            },
            log: dir.join(format!("{}.log", node.name)),
            groups: groups.iter().map(|group| group.join(&node.name)).collect(),
        });
    Ok(LabState {
        name: spec.name.clone(),
        complete: false,
        namespace: namespace::of_lab(&spec.name),
        program,
        key: dir.join("key"),
        known_hosts: dir.join("known_hosts"),
        ssh_config: dir.join("ssh_config"),
        nodes: nodes.collect(),
        backend,
        dir,
    })
}

fn make(spec: &LabSpec, lab: &LabState, report: &mut dyn FnMut(&UpProgress)) -> Result<()> {
    match &lab.backend {
        Backend::Containers(own) => containers::make(spec, lab, own, report),
        Backend::Machines(own) => machines::make(spec, lab, own, report),
    }
}

/// Takes a lab down, also one that was left half made. `false`: there was none.
pub fn down(name: &str) -> Result<bool> {
    let Some(_) = LabState::load(name)? else {
        return Ok(false);
    };
    tools::require(&[&tools::ALWAYS])?;
    let _lock = state::lock(name)?;
    let Some(lab) = LabState::load(name)? else {
        return Ok(false);
    };
    take_down(&lab)?;
    Ok(true)
}

/// Ends the nodes, then removes what only they used; its state file goes last, so that a break can be gone on with.
fn take_down(lab: &LabState) -> Result<()> {
    match &lab.backend {
        Backend::Containers(_) => containers::remove(lab)?,
        Backend::Machines(own) => machines::remove(lab, own)?,
    }
    namespace::remove_all(&lab.name)?;
    for entry in fs::read_dir(&lab.dir)?.flatten() {
        if entry.file_name() != "lab.json" {
            tools::remove_tree(&entry.path())?;
        }
    }
    tools::remove_tree(&lab.dir)
}

/// Gives all nodes fresh roots, with the same names, addresses and host keys; all changes made on them are lost.
pub fn reset(name: &str) -> Result<LabState> {
    change(name, |lab, backend| match backend {
        Backend::Containers(own) => containers::reset(lab, own),
        Backend::Machines(own) => machines::renew(lab, own),
    })
}

/// Gives all machines the memory and the disks back that they had when [`save`] was called with this tag.
pub fn reset_to(name: &str, tag: &str) -> Result<LabState> {
    change(name, |lab, backend| {
        machines::reset(lab, backend.machines(lab, "a saved state")?, tag)
    })
}

/// Saves memory and disks of all machines under a tag, all at once. They are paused for a moment.
pub fn save(name: &str, tag: &str) -> Result<LabState> {
    change(name, |lab, backend| {
        machines::save(lab, backend.machines(lab, "saving a state")?, tag)
    })
}

/// Pauses the processors of all machines, until [`reset_to`] or [`resume`].
pub fn pause(name: &str) -> Result<LabState> {
    change(name, |lab, backend| {
        backend.machines(lab, "standing still")?;
        machines::pause(lab)
    })
}

/// Lets the machines go on that [`pause`] stopped; their clocks are set.
pub fn resume(name: &str) -> Result<LabState> {
    change(name, |lab, backend| {
        backend.machines(lab, "going on")?;
        machines::resume(lab)
    })
}

/// Plugs the wires of a node in or pulls them out: those of a zone, or that of one network card.
///
/// The machine sees that the carrier comes or goes. A cable between two machines has two ends; both see it.
pub fn link(name: &str, node: &str, what: &str, up: bool) -> Result<LabState> {
    change(name, |lab, backend| {
        let own = backend.machines(lab, "pulling a wire")?;
        machines::link(lab, own, lab.node(node)?, what, up)
    })
}

/// Does something that changes what is known of a lab, and writes down what is known afterwards.
fn change(
    name: &str,
    work: impl FnOnce(&LabState, &mut Backend) -> Result<()>,
) -> Result<LabState> {
    let (mut lab, _lock) = locked(name)?;
    let mut backend = lab.backend.clone();
    let done = work(&lab, &mut backend);
    lab.backend = backend;
    lab.save()?;
    done.map(|()| lab)
}

/// An action on a node's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Shut down in order.
    Off,
    /// Ended at once, mid-write.
    Cut,
    /// Its processors stop, as in a machine that hangs; its controller still answers. Machines only.
    Hang,
    /// Started with the disk it had; waits until it answers.
    On,
}

/// Switches a node off or on, and waits until one that was switched on is up. Its disk stays.
pub fn power(name: &str, node: &str, power: Power) -> Result<()> {
    tools::require(&[&tools::ALWAYS])?;
    let lab = find(name)?;
    match &lab.backend {
        Backend::Containers(own) => {
            let _lock = state::lock(name)?;
            containers::power(&lab, own, lab.node(node)?, power)
        }
        // Two machines may be switched at once, as when each fences the other.
        Backend::Machines(own) => machines::switch(&lab, own, lab.node(node)?, power),
    }
}

/// Puts a host beside the machines, with one card `eth0`, and gives its namespace; it lives as long as the lab.
///
/// `place` is a zone or a segment; or `outside`, where the controller is the gateway. `nsenter --net=/run/netns/…` runs
/// programs there. One of the same name is replaced. Its name has at most nine characters.
pub fn host(name: &str, host: &str, place: &str, address: IpNet) -> Result<String> {
    let (lab, _lock) = locked(name)?;
    let mut backend = lab.backend.clone();
    machines::add_host(
        &lab,
        backend.machines(&lab, "a host beside the nodes")?,
        host,
        place,
        address,
    )
}

/// The power events of a lab's machines, by the lab or by their management controllers, since it was made or reset to a
/// saved state.
pub fn power_events(name: &str) -> Result<Vec<PowerEvent>> {
    machines::events(&find(name)?)
}

/// Whether a node is on.
pub fn is_on(name: &str, node: &str) -> Result<bool> {
    let lab = find(name)?;
    Ok(lab.node(node)?.is_on())
}

/// The output of a node's console since the lab is up.
pub fn console(name: &str, node: &str) -> Result<String> {
    let lab = find(name)?;
    let path = &lab.node(node)?.log;
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn locked(name: &str) -> Result<(LabState, fs::File)> {
    tools::require(&[&tools::ALWAYS])?;
    let lock = state::lock(name)?;
    Ok((find(name)?, lock))
}

fn find(name: &str) -> Result<LabState> {
    LabState::load(name)?.with_context(|| {
        let names = names();
        let there = if names.is_empty() {
            "no lab is up".to_owned()
        } else {
            format!("there is {}", names.join(", "))
        };
        format!("there is no lab `{name}` ({there}); make one with `nodewright lab up`")
    })
}

/// The state of a node of a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabNodeStatus {
    /// Its name.
    pub name: String,
    /// The address it is reached at.
    pub address: std::net::IpAddr,
    /// The number of processes that it runs; none: it is off.
    pub processes: usize,
    /// Memory of its processes in bytes, shared pages by their share.
    pub memory: u64,
    /// The network cards whose wires are pulled; machines only.
    pub pulled: Vec<String>,
}

/// The state of a lab and its nodes.
pub fn status(name: &str) -> Result<(LabState, Vec<LabNodeStatus>)> {
    let lab = find(name)?;
    let nodes = lab
        .nodes
        .iter()
        .enumerate()
        .map(|(number, node)| {
            let pids = cgroup::processes(&node.groups);
            LabNodeStatus {
                name: node.name.clone(),
                address: node.address(),
                processes: pids.len(),
                memory: cgroup::memory(&pids),
                pulled: match &lab.backend {
                    Backend::Containers(_) => Vec::new(),
                    Backend::Machines(own) => own.machines[number].pulled.clone(),
                },
            }
        })
        .collect();
    Ok((lab, nodes))
}

/// The command that logs in on a node (a machine as `NAME.lab` by the way that nothing closes), or runs `words` there
/// as `ssh` does; not started yet.
pub fn ssh(name: &str, node: &str, words: &[String]) -> Result<Command> {
    let lab = find(name)?;
    let own = match lab.backend {
        Backend::Machines(_) => node.strip_suffix(".lab"),
        Backend::Containers(_) => None,
    };
    lab.node(own.unwrap_or(node))?;
    let mut command = Command::new("ssh");
    command.arg("-F").arg(&lab.ssh_config).arg(node);
    if !words.is_empty() {
        command.arg("--").args(words);
    }
    Ok(command)
}

/// A lab for as long as this value lives; for tests and benchmarks.
#[derive(Debug)]
pub struct Lab {
    state: LabState,
}

impl Lab {
    /// Brings a lab up that goes down again when the value is dropped.
    pub fn up(spec: &LabSpec) -> Result<Self> {
        Ok(Self {
            state: up(spec, &mut |_| ())?,
        })
    }

    /// Its state.
    pub fn state(&self) -> &LabState {
        &self.state
    }

    /// The file for `ssh -F`.
    pub fn ssh_config(&self) -> &Path {
        &self.state.ssh_config
    }

    /// Leaves the lab up beyond this value's life.
    pub fn keep(self) -> LabState {
        let state = self.state.clone();
        std::mem::forget(self);
        state
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A lab that could not be taken down stays in `nodewright lab status`, and `lab down` reports why.
        let _ = down(&self.state.name);
    }
}
