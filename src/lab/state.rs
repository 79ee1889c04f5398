//! The state of a lab that is up: one JSON file that every other command reads.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::containers::{self, Containers};
use super::machines::Machines;
use super::namespace;
use super::spec::{NodeAddress, check_name};

/// The folder of all labs of this machine.
pub const LABS: &str = "/run/nodewright/lab";

/// A lab, as `lab.json` in its folder says it.
///
/// It is written before the first thing is made, so that `down` knows what to remove however `up` ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabState {
    /// Its name.
    pub name: String,
    /// Whether `up` came to its end.
    pub complete: bool,
    /// Its folder, `/run/nodewright/lab/NAME`.
    pub dir: PathBuf,
    /// The network namespace of the controller, as `ip netns exec` takes it.
    pub namespace: String,
    /// The program that is called for `lab-pipe`.
    pub program: PathBuf,
    /// The private key that root of every node accepts.
    pub key: PathBuf,
    /// The nodes' host keys.
    pub known_hosts: PathBuf,
    /// The file for `ssh -F`: the nodes by name and by address.
    pub ssh_config: PathBuf,
    /// The type of its nodes.
    pub backend: Backend,
    /// The nodes.
    pub nodes: Vec<StateNode>,
}

/// The type of a lab's nodes, each with the state that only such nodes have.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// Containers over a shared root.
    Containers(Containers),
    /// Virtual machines.
    Machines(Machines),
}

/// A node of a lab.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateNode {
    /// Its name.
    pub name: String,
    /// Its addresses, the first the one it is reached at.
    pub addresses: Vec<NodeAddress>,
    /// The output of its console.
    pub log: PathBuf,
    /// Its control groups.
    pub groups: Vec<PathBuf>,
}

impl Backend {
    /// The state of a lab of machines, or an error that says that `what` needs machines.
    pub fn machines(&mut self, lab: &LabState, what: &str) -> Result<&mut Machines> {
        match self {
            Self::Machines(machines) => Ok(machines),
            Self::Containers(_) => bail!(
                "{what} needs virtual machines, and the nodes of lab `{}` are containers; `nodewright lab up --vm` makes machines",
                lab.name
            ),
        }
    }
}

impl StateNode {
    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        !super::cgroup::processes(&self.groups).is_empty()
    }
}

impl LabState {
    /// The command that calls `lab-pipe` where the lab's operator is; host and port come after it.
    pub fn way_in(&self) -> Vec<String> {
        vec![
            "nsenter".to_owned(),
            super::namespace::enter(&self.namespace),
            "--".to_owned(),
            self.program.display().to_string(),
            super::pipe::COMMAND.to_owned(),
        ]
    }

    /// The folder of the lab of this name.
    pub fn folder(name: &str) -> PathBuf {
        Path::new(LABS).join(name)
    }

    /// Reads the state of a lab. `None`: there is no lab of this name.
    pub fn load(name: &str) -> Result<Option<Self>> {
        check_name("a lab", name, 24)?;
        let path = Self::folder(name).join("lab.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        serde_json::from_str(&text).map(Some).with_context(|| {
            format!(
                "{} was not written by this version of nodewright; end the lab with the version that made it",
                path.display()
            )
        })
    }

    /// Writes the state, whole or not at all.
    pub fn save(&self) -> Result<()> {
        let path = self.dir.join("lab.json");
        let new = self.dir.join("lab.json.new");
        let mut file = private_file(&new)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        fs::rename(&new, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The password that the machines' controllers take for a secret of the site.
    pub fn controllers_password(&self, secret: &str) -> Option<&str> {
        let Backend::Machines(own) = &self.backend else {
            return None;
        };
        let mut controllers = own.machines.iter().filter_map(|m| m.hardware.bmc.as_ref());
        let bmc = controllers.find(|bmc| bmc.secret.as_deref() == Some(secret))?;
        Some(&bmc.password)
    }

    /// The node of this name, or an error that lists those there are.
    pub fn node(&self, name: &str) -> Result<&StateNode> {
        self.nodes
            .iter()
            .find(|node| node.name == name)
            .with_context(|| {
                let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
                format!(
                    "lab `{}` has no node `{name}`; it has {}",
                    self.name,
                    names.join(", ")
                )
            })
    }

    /// The place of a node among the lab's.
    pub fn number(&self, node: &StateNode) -> usize {
        let at = self.nodes.iter().position(|other| other.name == node.name);
        at.expect("a node of this lab")
    }

    /// The folder that holds what containers write, a file system in memory.
    pub fn disks(&self) -> PathBuf {
        self.dir.join("disks")
    }

    /// The network namespace of something that has one of its own: a container, or a host beside the nodes.
    pub fn namespace_of(&self, name: &str) -> String {
        format!("{}.{name}", namespace::of_lab(&self.name))
    }

    /// The root of a container while it is up: a mount of its own. `None`: the nodes are machines.
    pub fn root_of(&self, node: &StateNode) -> Option<PathBuf> {
        match self.backend {
            Backend::Containers(_) => Some(containers::root_of(self, node)),
            Backend::Machines(_) => None,
        }
    }
}

impl StateNode {
    /// The address it is reached at.
    pub fn address(&self) -> std::net::IpAddr {
        self.addresses[0].cidr.addr()
    }
}

/// The names of all labs of this machine.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(LABS)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("lab.json").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Makes a lab's folder and holds its lock, so that two commands never change one lab at once.
///
/// The lock file stays beside the folder: a lock in the folder would vanish under the one who waits for it.
pub fn lock(name: &str) -> Result<File> {
    check_name("a lab", name, 24)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(LABS)
        .with_context(|| format!("cannot make {LABS}"))?;
    let path = Path::new(LABS).join(format!(".{name}.lock"));
    let file = private_file(&path)?;
    // A child of a command that was killed holds the lock until it has become another program: a moment.
    let patience = Instant::now() + Duration::from_secs(1);
    let locked = loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                std::thread::sleep(Duration::from_millis(10));
            }
            tried => break tried,
        }
    };
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another command is changing the lab `{name}` at this moment; try again when it is done"
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Opens a file for writing that only its owner can read; its former content is lost.
pub fn private_file(path: &Path) -> Result<File> {
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}
