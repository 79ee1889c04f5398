//! One node of a lab: its root, its first process, its end.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::{Containers, root_of};
use crate::lab::spec::FirstProcess;
use crate::lab::state::{LabState, StateNode};
use crate::lab::{cgroup, keys, namespace, tools, waiting};

/// The script of a node whose first process is `sshd`: it starts the boot scripts, then `sshd` itself. The network is
/// already there.
const WITHOUT_SYSTEMD: &str = r#"mkdir -p /run/sshd /var/run/sshd /var/empty/sshd
for script in /etc/rc3.d/S*; do
  case $script in *ssh | *sshd | *network | *networking) continue ;; esac
  [ -x "$script" ] && "$script" start
done
exec "$1" -D -e"#;

/// The place where a node keeps what it writes.
fn disk(lab: &LabState, node: &StateNode) -> PathBuf {
    lab.disks().join(&node.name)
}

/// Gives a node an empty disk with its name and keys on it.
pub fn furnish(lab: &LabState, node: &StateNode) -> Result<()> {
    let upper = disk(lab, node).join("upper");
    let folder = |path: &Path, mode: u32| {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(path)
            .with_context(|| format!("cannot make {}", path.display()))
    };
    folder(&upper, 0o755)?;
    folder(&disk(lab, node).join("work"), 0o755)?;
    folder(&root_of(lab, node), 0o755)?;
    folder(&upper.join("etc/ssh"), 0o755)?;
    folder(&upper.join("root/.ssh"), 0o700)?;
    fs::write(upper.join("etc/hostname"), format!("{}\n", node.name))?;
    fs::write(upper.join("etc/machine-id"), "")?;
    fs::write(
        upper.join("etc/hosts"),
        "127.0.0.1 localhost\n::1 localhost\n",
    )?;
    fs::copy(
        lab.key.with_extension("pub"),
        upper.join("root/.ssh/authorized_keys"),
    )?;
    keys::give_host_keys(lab, node, &upper.join("etc/ssh"))
}

/// Mounts a node's root and starts its first process, in groups of its own.
pub fn start(lab: &LabState, own: &Containers, node: &StateNode) -> Result<()> {
    mount(lab, own, node)?;
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&node.log)?;
    let mut command = cgroup::command(&node.groups)?;
    command
        .args(["setsid", "--fork", "systemd-nspawn"])
        .args([
            "--quiet",
            "--keep-unit",
            "--register=no",
            "--console=passive",
        ])
        .args(["--link-journal=no", "--timezone=off", "--resolv-conf=off"])
        .arg("--capability=CAP_NET_ADMIN")
        .arg(format!("--machine={}", machine(lab, node)))
        .arg(format!("--hostname={}", node.name))
        .arg(format!(
            "--network-namespace-path={}",
            namespace::path(&lab.namespace_of(&node.name)).display()
        ))
        .arg("--directory")
        .arg(root_of(lab, node))
        // A node sets its own network's parameters (net.*); the machine's others stay out of its reach.
        .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
        .stdout(log.try_clone()?)
        .stderr(log);
    match &own.container(lab, node).init {
        FirstProcess::Systemd => command.arg("--boot"),
        FirstProcess::Sshd(path) => command
            .args(["/bin/sh", "-c", WITHOUT_SYSTEMD, "init"])
            .arg(path),
    };
    let status = command.status().context("cannot start `sh`")?;
    if status.success() {
        Ok(())
    } else {
        bail!(
            "node `{}` cannot start: {}",
            node.name,
            waiting::ending(node)
        )
    }
}

fn mount(lab: &LabState, own: &Containers, node: &StateNode) -> Result<()> {
    let root = root_of(lab, node);
    if is_mounted(&root)? {
        return Ok(());
    }
    let disk = disk(lab, node);
    let (upper, work) = (disk.join("upper"), disk.join("work"));
    let mut lower = String::new();
    for layer in &own.container(lab, node).layers {
        let text = layer.to_string_lossy();
        if text.contains([':', ',', '\\']) {
            bail!(
                "{text} cannot be a layer of a node's root: its path holds `:`, `,` or `\\`; choose another folder with NODEWRIGHT_LAB"
            );
        }
        if !lower.is_empty() {
            lower.push(':');
        }
        lower.push_str(&text);
    }
    tools::run(
        tools::command("mount")
            .args(["-t", "overlay", "nodewright-lab", "-o"])
            .arg(format!(
                "lowerdir={lower},upperdir={},workdir={}",
                upper.display(),
                work.display()
            ))
            .arg(&root),
    )
    .with_context(|| format!("the root of node `{}` cannot be mounted", node.name))?;
    Ok(())
}

/// Whether something is mounted at exactly this path.
pub fn is_mounted(path: &Path) -> Result<bool> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let path = path.to_string_lossy();
    Ok(mounts
        .lines()
        .any(|line| line.split(' ').nth(4) == Some(&path)))
}

/// Ends a node at once, as if its power had been cut, and unmounts its root. The data that it wrote stays on its disk.
pub fn cut(lab: &LabState, node: &StateNode) -> Result<()> {
    cgroup::end(&node.groups)?;
    // The folders that nspawn removes itself when it ends in order.
    let kept = Path::new("/run/systemd/nspawn");
    let _ = fs::remove_dir(kept.join("propagate").join(machine(lab, node)));
    let root = root_of(lab, node);
    if let Ok(seen) = fs::metadata(&root) {
        let lock = format!("locks/inode-{}:{}", seen.dev(), seen.ino());
        let _ = fs::remove_file(kept.join(lock));
    }
    unmount(&root)
}

/// The name of a node as a machine of nspawn: neither part contains a `.`, so no two names can be equal.
fn machine(lab: &LabState, node: &StateNode) -> String {
    format!("nw.{}.{}", lab.name, node.name)
}

/// Unmounts all mounts at a path.
pub fn unmount(path: &Path) -> Result<()> {
    while is_mounted(path)? {
        tools::run(tools::command("umount").arg("-l").arg(path))?;
    }
    Ok(())
}

/// Asks a node's systemd to shut down and waits for it; a node without one is cut off.
pub fn shut_down(lab: &LabState, own: &Containers, node: &StateNode) -> Result<()> {
    if own.container(lab, node).init == FirstProcess::Systemd {
        let supervisors: Vec<String> = cgroup::processes(&node.groups)
            .into_iter()
            .filter(|pid| {
                fs::read_to_string(format!("/proc/{pid}/comm"))
                    .is_ok_and(|name| name.trim() == "systemd-nspawn")
            })
            .map(|pid| pid.to_string())
            .collect();
        if !supervisors.is_empty() {
            tools::call("kill", [vec!["-TERM".to_owned()], supervisors].concat())?;
            let deadline = Instant::now() + Duration::from_secs(30);
            while !cgroup::processes(&node.groups).is_empty() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    cut(lab, node)
}
