//! Nodes as containers: `systemd-nspawn --boot` over an overlay of one shared root, each in a network namespace.
//!
//! Nodes write to memory only. Kernel, clock and modules are the machine's (a node's boot id is its own).
//!
//! One thing of the machine is changed and left so: `fs.inotify.max_user_instances` is raised to 8192, since each
//! systemd takes about seven of the usual 128.

mod network;
mod node;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::base::{self, Recipe};
use super::spec::{FirstProcess, Flavour, LabNode, LabSpec};
use super::state::{LabState, StateNode};
use super::{Power, UpProgress, cgroup, keys, tools, waiting};

/// The state of a lab of containers, besides the state that every lab has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Containers {
    /// The bridges in the controller's namespace.
    pub networks: Vec<LabBridge>,
    /// The containers, in the order of the lab's nodes.
    pub containers: Vec<Container>,
}

/// A container.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// The folders that its root lies over, the uppermost first.
    pub layers: Vec<PathBuf>,
    /// Its first process.
    pub init: FirstProcess,
}

impl Containers {
    /// The container of a node.
    pub fn container(&self, lab: &LabState, node: &StateNode) -> &Container {
        &self.containers[lab.number(node)]
    }
}

/// A bridge of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabBridge {
    /// The bridge in the controller's namespace.
    pub bridge: String,
    /// The network whose addresses meet there.
    pub network: IpNet,
    /// The controller's address, where there was room for one.
    pub controller: Option<IpNet>,
}

/// A node's root while it is up: a mount of its own.
pub fn root_of(lab: &LabState, node: &StateNode) -> PathBuf {
    lab.disks().join(&node.name).join("root")
}

/// The shared roots that a specification asks for, built first where they are missing, and the networks.
pub fn describe(spec: &LabSpec, report: &mut dyn FnMut(&UpProgress)) -> Result<Containers> {
    let containers = spec.nodes.iter().map(|node| {
        let (layers, init) = layers(&spec.flavour, node, report)?;
        Ok(Container { layers, init })
    });
    Ok(Containers {
        networks: network::networks(spec),
        containers: containers.collect::<Result<_>>()?,
    })
}

/// The folders of a node's root, the uppermost first, and its first process.
fn layers(
    flavour: &Flavour,
    node: &LabNode,
    report: &mut dyn FnMut(&UpProgress),
) -> Result<(Vec<PathBuf>, FirstProcess)> {
    let cache = base::cache_dir();
    let mut building = |path: &Path| report(&UpProgress::Building(path.into()));
    let root = match flavour {
        Flavour::Debian | Flavour::Machines(_) => {
            Recipe::default().ensure(&cache, node.codename.as_deref(), &mut building)?
        }
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
    Ok((vec![root], FirstProcess::Systemd))
}

/// The first process that a root of the user's own can start.
fn first_process(root: &Path) -> Result<FirstProcess> {
    let has = |path: &str| root.join(path).symlink_metadata().is_ok();
    if !has("usr/sbin/sshd") {
        bail!(
            "{} has no /usr/sbin/sshd, so its nodes could not be reached; install openssh-server in it",
            root.display()
        );
    }
    if has("usr/lib/systemd/systemd") || has("lib/systemd/systemd") {
        Ok(FirstProcess::Systemd)
    } else {
        Ok(FirstProcess::Sshd("/usr/sbin/sshd".into()))
    }
}

/// Makes a lab that was described.
pub fn make(
    spec: &LabSpec,
    lab: &LabState,
    own: &Containers,
    report: &mut dyn FnMut(&UpProgress),
) -> Result<()> {
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
    network::make(lab, own)?;
    report(&UpProgress::Booting(lab.nodes.len()));
    boot(lab, own)
}

/// Starts all nodes on fresh disks and waits until they answer.
fn boot(lab: &LabState, own: &Containers) -> Result<()> {
    for node in &lab.nodes {
        node::furnish(lab, node)?;
        node::start(lab, own, node)?;
    }
    waiting::await_ssh(lab, &lab.nodes.iter().collect::<Vec<_>>())
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

/// Ends the nodes, and removes their disks.
pub fn remove(lab: &LabState) -> Result<()> {
    for node in &lab.nodes {
        node::cut(lab, node)?;
    }
    let disks = lab.disks();
    if node::is_mounted(&disks)? {
        // Another process may still hold a copy of this mount; its memory is given back now.
        for entry in fs::read_dir(&disks)?.flatten() {
            tools::remove_tree(&entry.path())?;
        }
        node::unmount(&disks)?;
    }
    Ok(())
}

/// Gives all nodes fresh roots.
pub fn reset(lab: &LabState, own: &Containers) -> Result<()> {
    for node in &lab.nodes {
        node::cut(lab, node)?;
        tools::remove_tree(&lab.disks().join(&node.name))?;
    }
    boot(lab, own)
}

/// Switches a node off or on. Its data in memory, its network's settings included, belongs to the namespace and stays.
pub fn power(lab: &LabState, own: &Containers, node: &StateNode, power: Power) -> Result<()> {
    match power {
        Power::Cut => node::cut(lab, node),
        Power::Off => node::shut_down(lab, own, node),
        Power::Hang => bail!(
            "the nodes of lab `{}` are containers, which cannot hang",
            lab.name
        ),
        Power::On => {
            if !cgroup::processes(&node.groups).is_empty() {
                bail!("node `{}` is on", node.name);
            }
            node::start(lab, own, node)?;
            waiting::await_ssh(lab, &[node])
        }
    }
}
