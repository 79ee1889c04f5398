//! Local nodes to rehearse on: each with its own root, network, systemd and sshd, in a second and a few megabytes.
//!
//! A node is `systemd-nspawn --boot` over an overlay of one shared root, in a network namespace of its own; the
//! controller has a namespace too, with one bridge for each network of the lab. What nodes write lies in memory.
//! Kernel, clock and modules are the machine's (a node's boot id is its own). It needs root for now.
//!
//! One thing of the machine is changed and left so: `fs.inotify.max_user_instances` is raised to 8192, since each
//! systemd takes about seven of the usual 128.
//!
//! What other parts need:
//!
//! * `nodewright lab up|down|status|ssh|reset|power` are [`up`], [`down`], [`status`], [`ssh`], [`reset`] and [`power`]:
//!   arguments in, data or an error out, nothing printed. [`up`] tells what takes long by a [`Progress`].
//! * The hidden subcommand `lab-pipe` is [`pipe::run`]: by it `ssh` gets into a lab.
//! * A run on a lab (`--lab NAME`) reads [`State::load`]: `ssh_config` is what `ssh -F` (or an `Include`) takes; nodes
//!   are in it by name and by address, with keys, `known_hosts` and the way in. `ip netns exec` with
//!   `namespace` runs a program in the controller's place.
//! * Tests hold a [`Lab`], which goes down when it is dropped.

mod base;
mod cgroup;
mod keys;
mod network;
mod node;
mod of_site;
pub mod pipe;
mod sources;
mod spec;
mod state;
mod tools;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

pub use base::{Recipe, cache_dir, make_once};
pub use spec::{Address, Flavour, Init, LabNode, LabSpec};
pub use state::{LABS, Network, Node, State, names};

/// The name of the lab where none is given.
pub const DEFAULT_NAME: &str = "lab";

/// What [`up`] is doing, for the one who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A root filesystem is made, which takes a minute; the next labs find it in the cache.
    Building(PathBuf),
    /// The root filesystem is there.
    Root(PathBuf, Duration),
    /// All nodes were started; they boot.
    Booting(usize),
    /// All nodes answer.
    Up(Duration),
}

/// Brings a lab up and gives its state once every node answers by SSH.
///
/// A lab of that name that an earlier `up` left half made is removed first; one that is up is an error. When a step
/// fails, what was made is removed again.
pub fn up(spec: &LabSpec, tell: &mut dyn FnMut(&Progress)) -> Result<State> {
    spec.check()?;
    tools::require(&[&tools::ALWAYS, &tools::BOOT])?;
    let _lock = state::lock(&spec.name)?;
    if let Some(old) = State::load(&spec.name)? {
        if old.complete {
            bail!(
                "the lab `{}` is up; end it with `nodewright lab down`, or give the new one another name",
                spec.name
            );
        }
        take_down(&old)?;
    }
    let started = Instant::now();
    let (layers, init) = layers(&spec.flavour, tell)?;
    if let Some(root) = layers.last() {
        tell(&Progress::Root(root.clone(), started.elapsed()));
    }
    let started = Instant::now();
    let mut lab = describe(spec, layers, init)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&lab.dir)
        .with_context(|| format!("cannot make {}", lab.dir.display()))?;
    lab.save()?;
    let made = make(spec, &lab, tell).and_then(|()| {
        lab.complete = true;
        lab.save()
    });
    if let Err(error) = made {
        if let Err(more) = take_down(&lab) {
            return Err(error.context(format!("and the rest could not be removed: {more:#}")));
        }
        return Err(error);
    }
    tell(&Progress::Up(started.elapsed()));
    Ok(lab)
}

/// The folders of a flavour's root, the uppermost first, and its first process.
fn layers(flavour: &Flavour, tell: &mut dyn FnMut(&Progress)) -> Result<(Vec<PathBuf>, Init)> {
    let cache = cache_dir();
    let mut building = |path: &Path| tell(&Progress::Building(path.into()));
    let root = match flavour {
        Flavour::Debian => Recipe::default().ensure(&cache, &mut building)?,
        Flavour::Built(recipe) => recipe.ensure(&cache, &mut building)?,
        Flavour::Layers(layers, init) => return Ok((layers.clone(), init.clone())),
        Flavour::Brought(path) => {
            let root = if path.is_dir() {
                fs::canonicalize(path)?
            } else {
                base::unpack(&cache, path, &mut building)?
            };
            let init = first_process(&root)?;
            return Ok((vec![root], init));
        }
    };
    Ok((vec![root], Init::Systemd))
}

/// What a root that the user brings can start.
fn first_process(root: &Path) -> Result<Init> {
    let has = |path: &str| root.join(path).symlink_metadata().is_ok();
    if !has("usr/sbin/sshd") {
        bail!(
            "{} has no /usr/sbin/sshd, so its nodes could not be reached; install openssh-server in it",
            root.display()
        );
    }
    if has("usr/lib/systemd/systemd") || has("lib/systemd/systemd") {
        Ok(Init::Systemd)
    } else {
        Ok(Init::Sshd("/usr/sbin/sshd".into()))
    }
}

fn describe(spec: &LabSpec, layers: Vec<PathBuf>, init: Init) -> Result<State> {
    let dir = State::folder(&spec.name);
    let program = match &spec.program {
        Some(path) => path.clone(),
        None => std::env::current_exe().context("this program does not know its own path")?,
    };
    let mounts = cgroup::groups(&spec.name)?;
    let nodes = spec
        .nodes
        .iter()
        .map(|node| Node {
            name: node.name.clone(),
            namespace: format!("nw-{}.{}", spec.name, node.name),
            addresses: node.addresses.clone(),
            root: dir.join("disks").join(&node.name).join("root"),
            log: dir.join(format!("{}.log", node.name)),
            groups: mounts.iter().map(|group| group.join(&node.name)).collect(),
        })
        .collect();
    Ok(State {
        name: spec.name.clone(),
        complete: false,
        namespace: format!("nw-{}", spec.name),
        networks: network::networks(spec),
        program,
        key: dir.join("key"),
        known_hosts: dir.join("known_hosts"),
        ssh_config: dir.join("ssh_config"),
        layers,
        init,
        nodes,
        dir,
    })
}

fn make(spec: &LabSpec, lab: &State, tell: &mut dyn FnMut(&Progress)) -> Result<()> {
    let old = matches!(spec.flavour, Flavour::Brought(_));
    keys::make(lab, spec.key.as_deref(), old)?;
    raise_inotify()?;
    let disks = lab.disks();
    fs::create_dir(&disks)?;
    tools::run(
        tools::command("mount")
            .args(["-t", "tmpfs", "-o", "mode=700", "nodewright-lab"])
            .arg(&disks),
    )?;
    network::make(lab)?;
    for node in &lab.nodes {
        node::furnish(lab, node)?;
        node::start(lab, node)?;
    }
    tell(&Progress::Booting(lab.nodes.len()));
    node::await_ssh(lab, &lab.nodes.iter().collect::<Vec<_>>())
}

fn raise_inotify() -> Result<()> {
    const PATH: &str = "/proc/sys/fs/inotify/max_user_instances";
    let now: u32 = fs::read_to_string(PATH)?.trim().parse()?;
    if now < 8192 {
        fs::File::create(PATH)
            .and_then(|mut file| file.write_all(b"8192"))
            .with_context(|| format!("cannot raise {PATH}, of which each node takes seven"))?;
    }
    Ok(())
}

/// Takes a lab down, also one that was left half made. `false`: there was none.
pub fn down(name: &str) -> Result<bool> {
    let Some(_) = State::load(name)? else {
        return Ok(false);
    };
    tools::require(&[&tools::ALWAYS])?;
    let _lock = state::lock(name)?;
    let Some(lab) = State::load(name)? else {
        return Ok(false);
    };
    take_down(&lab)?;
    Ok(true)
}

/// Ends the nodes, then removes what only they used; its state file goes last, so that a break can be gone on with.
fn take_down(lab: &State) -> Result<()> {
    for node in &lab.nodes {
        node::cut(&lab.name, node)?;
    }
    network::remove(lab)?;
    let disks = lab.disks();
    if node::is_mounted(&disks)? {
        // Another process may still hold a copy of this mount; its memory is given back now.
        for entry in fs::read_dir(&disks)?.flatten() {
            tools::remove_tree(&entry.path())?;
        }
        node::unmount(&disks)?;
    }
    for entry in fs::read_dir(&lab.dir)?.flatten() {
        if entry.file_name() != "lab.json" {
            tools::remove_tree(&entry.path())?;
        }
    }
    tools::remove_tree(&lab.dir)
}

/// Gives all nodes fresh roots: the same names, addresses and host keys, nothing of what was done on them.
pub fn reset(name: &str) -> Result<State> {
    let (lab, _lock) = locked(name)?;
    for node in &lab.nodes {
        node::cut(&lab.name, node)?;
        tools::remove_tree(&lab.disks().join(&node.name))?;
    }
    for node in &lab.nodes {
        node::furnish(&lab, node)?;
        node::start(&lab, node)?;
    }
    node::await_ssh(&lab, &lab.nodes.iter().collect::<Vec<_>>())?;
    Ok(lab)
}

/// What can be done to a node's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Shut down in order.
    Off,
    /// Ended at once, mid-write.
    Cut,
    /// Started with the disk it had; waits until it answers.
    On,
}

/// Switches a node off or on; its disk is kept. What it had in memory, its network's settings included, is the
/// namespace's and stays.
pub fn power(name: &str, node: &str, power: Power) -> Result<()> {
    let (lab, _lock) = locked(name)?;
    let node = lab.node(node)?;
    match power {
        Power::Cut => node::cut(&lab.name, node),
        Power::Off => node::shut_down(&lab, node),
        Power::On => {
            if !cgroup::processes(&node.groups).is_empty() {
                bail!("node `{}` is on", node.name);
            }
            node::start(&lab, node)?;
            node::await_ssh(&lab, &[node])
        }
    }
}

fn locked(name: &str) -> Result<(State, fs::File)> {
    tools::require(&[&tools::ALWAYS, &tools::BOOT])?;
    let lock = state::lock(name)?;
    Ok((find(name)?, lock))
}

fn find(name: &str) -> Result<State> {
    State::load(name)?.with_context(|| {
        let names = names();
        let there = if names.is_empty() {
            "no lab is up".to_owned()
        } else {
            format!("there is {}", names.join(", "))
        };
        format!("there is no lab `{name}` ({there}); make one with `nodewright lab up`")
    })
}

/// How a node of a lab is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// The address it is reached at.
    pub address: std::net::IpAddr,
    /// How many processes it runs; none: it is off.
    pub processes: usize,
    /// Memory of its processes in bytes, shared pages by their share.
    pub memory: u64,
}

/// How a lab and its nodes are.
pub fn status(name: &str) -> Result<(State, Vec<NodeStatus>)> {
    let lab = find(name)?;
    let nodes = lab
        .nodes
        .iter()
        .map(|node| {
            let pids = cgroup::processes(&node.groups);
            NodeStatus {
                name: node.name.clone(),
                address: node.address(),
                processes: pids.len(),
                memory: cgroup::memory(&pids),
            }
        })
        .collect();
    Ok((lab, nodes))
}

/// The command that logs in on a node, or runs `words` there as `ssh` does; not started yet.
pub fn ssh(name: &str, node: &str, words: &[String]) -> Result<Command> {
    let lab = find(name)?;
    lab.node(node)?;
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
    state: State,
}

impl Lab {
    /// Brings a lab up that goes down again when the value is dropped.
    pub fn up(spec: &LabSpec) -> Result<Self> {
        Ok(Self {
            state: up(spec, &mut |_| ())?,
        })
    }

    /// What is known of it.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What `ssh -F` takes.
    pub fn ssh_config(&self) -> &Path {
        &self.state.ssh_config
    }

    /// Leaves the lab up beyond this value's life.
    pub fn keep(self) -> State {
        let state = self.state.clone();
        std::mem::forget(self);
        state
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A lab that could not be taken down stays in `nodewright lab status`, and `lab down` tells why.
        let _ = down(&self.state.name);
    }
}
