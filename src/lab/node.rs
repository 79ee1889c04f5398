//! One node of a lab: its root, its first process, its end.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::spec::Init;
use super::state::{Node, State};
use super::{cgroup, keys, network, pipe, tools};

/// How long a node may take from its start to the greeting of its SSH server.
const PATIENCE: Duration = Duration::from_mins(2);

/// What runs first in a node whose first process is `sshd`: what a boot would have started, then `sshd` itself. Its
/// network is there already.
const WITHOUT_SYSTEMD: &str = r#"mkdir -p /run/sshd /var/run/sshd /var/empty/sshd
for script in /etc/rc3.d/S*; do
  case $script in *ssh | *sshd | *network | *networking) continue ;; esac
  [ -x "$script" ] && "$script" start
done
exec "$1" -D -e"#;

/// Where a node keeps what it writes.
fn disk(lab: &State, node: &Node) -> PathBuf {
    lab.disks().join(&node.name)
}

/// Gives a node an empty disk with its name and keys on it.
pub fn furnish(lab: &State, node: &Node) -> Result<()> {
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
    folder(&node.root, 0o755)?;
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
pub fn start(lab: &State, node: &Node) -> Result<()> {
    mount(lab, node)?;
    for group in &node.groups {
        fs::create_dir_all(group)
            .with_context(|| format!("cannot make the control group {}", group.display()))?;
    }
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&node.log)?;
    let mut command = tools::command("sh");
    command
        .args([
            "-c",
            r#"while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@""#,
            "nodewright-lab",
        ])
        .args(&node.groups)
        .args(["--", "setsid", "--fork", "systemd-nspawn"])
        .args(["--quiet", "--keep-unit", "--register=no", "--console=passive"])
        .args(["--link-journal=no", "--timezone=off", "--resolv-conf=off"])
        .arg("--capability=CAP_NET_ADMIN")
        .arg(format!("--machine={}", machine(&lab.name, node)))
        .arg(format!("--hostname={}", node.name))
        .arg(format!(
            "--network-namespace-path={}",
            network::path(&node.namespace).display()
        ))
        .arg("--directory")
        .arg(&node.root)
        // A node sets its own network's parameters (net.*); the machine's others stay out of its reach.
        .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
        .stdout(log.try_clone()?)
        .stderr(log);
    match &lab.init {
        Init::Systemd => command.arg("--boot"),
        Init::Sshd(path) => command
            .args(["/bin/sh", "-c", WITHOUT_SYSTEMD, "init"])
            .arg(path),
    };
    let status = command.status().context("cannot start `sh`")?;
    if status.success() {
        Ok(())
    } else {
        bail!("node `{}` cannot start: {}", node.name, told(node))
    }
}

fn mount(lab: &State, node: &Node) -> Result<()> {
    if is_mounted(&node.root)? {
        return Ok(());
    }
    let disk = disk(lab, node);
    let (upper, work) = (disk.join("upper"), disk.join("work"));
    let mut lower = String::new();
    for layer in &lab.layers {
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
            .arg(&node.root),
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

/// Ends a node at once, as if its power had been cut, and takes its root away. What it wrote stays on its disk.
pub fn cut(lab: &str, node: &Node) -> Result<()> {
    cgroup::end(&node.groups)?;
    // What nspawn takes away itself when it ends in order.
    let kept = Path::new("/run/systemd/nspawn");
    let _ = fs::remove_dir(kept.join("propagate").join(machine(lab, node)));
    if let Ok(seen) = fs::metadata(&node.root) {
        let lock = format!("locks/inode-{}:{}", seen.dev(), seen.ino());
        let _ = fs::remove_file(kept.join(lock));
    }
    unmount(&node.root)
}

/// What nspawn calls a node: a `.` is in neither name, so no two can be the same.
fn machine(lab: &str, node: &Node) -> String {
    format!("nw.{lab}.{}", node.name)
}

/// Unmounts whatever is mounted at a path, however often.
pub fn unmount(path: &Path) -> Result<()> {
    while is_mounted(path)? {
        tools::run(tools::command("umount").arg("-l").arg(path))?;
    }
    Ok(())
}

/// Asks a node's systemd to shut down and waits for it; a node without one is cut off.
pub fn shut_down(lab: &State, node: &Node) -> Result<()> {
    if lab.init == Init::Systemd {
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
    cut(&lab.name, node)
}

/// Waits until every node greets; a node whose processes end before is an error with what its console said.
pub fn await_ssh(lab: &State, nodes: &[&Node]) -> Result<()> {
    let mut waiting = Vec::new();
    for node in nodes {
        waiting.push((*node, waiter(lab, node)?));
    }
    let result = watch(&mut waiting);
    for (_, child) in &mut waiting {
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

fn waiter(lab: &State, node: &Node) -> Result<Child> {
    let seconds = PATIENCE.as_secs().to_string();
    tools::command("nsenter")
        .arg(format!("--net={}", network::path(&lab.namespace).display()))
        .arg("--")
        .arg(&lab.program)
        .args([pipe::COMMAND, &node.address().to_string(), "22", "--wait"])
        .arg(&seconds)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", lab.program.display()))
}

fn watch(waiting: &mut [(&Node, Child)]) -> Result<()> {
    let mut open = waiting.len();
    let mut done = vec![false; waiting.len()];
    while open > 0 {
        for (i, (node, child)) in waiting.iter_mut().enumerate() {
            if done[i] {
                continue;
            }
            if let Some(status) = child.try_wait()? {
                if !status.success() {
                    let mut said = String::new();
                    if let Some(pipe) = &mut child.stderr {
                        use std::io::Read as _;
                        let _ = pipe.read_to_string(&mut said);
                    }
                    bail!(
                        "node `{}` does not answer: {}; its console: {}",
                        node.name,
                        said.trim(),
                        told(node)
                    );
                }
                done[i] = true;
                open -= 1;
            } else if cgroup::processes(&node.groups).is_empty() {
                bail!("node `{}` ended while starting: {}", node.name, told(node));
            }
        }
        if open > 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(())
}

/// The last lines of a node's console, for an error.
fn told(node: &Node) -> String {
    let bytes = fs::read(&node.log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return format!("nothing in {}", node.log.display());
    }
    lines[lines.len().saturating_sub(8)..].join(" / ")
}
