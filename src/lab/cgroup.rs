//! Control groups: each node has its own, so that ending a node ends exactly its processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::tools;

/// The folder below every hierarchy that holds all labs of this machine.
const TOP: &str = "nodewright-lab";

/// The place where this machine's control groups are mounted: version 2 first, then systemd's own hierarchy of version
/// 1.
///
/// Those two are all that `systemd-nspawn` needs to find its way.
pub fn hierarchies(mountinfo: &str) -> Vec<PathBuf> {
    let mut two = Vec::new();
    let mut one = Vec::new();
    for line in mountinfo.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let Some(point) = left.split(' ').nth(4) else {
            continue;
        };
        let mut right = right.split(' ');
        let kind = right.next().unwrap_or_default();
        let options = right.nth(1).unwrap_or_default();
        if kind == "cgroup2" {
            two.push(PathBuf::from(point));
        } else if kind == "cgroup" && options.split(',').any(|word| word == "name=systemd") {
            one.push(PathBuf::from(point));
        }
    }
    two.truncate(1);
    one.truncate(1);
    two.extend(one);
    two
}

/// The folders of a lab's groups, one in each hierarchy; not made yet.
pub fn groups(lab: &str) -> Result<Vec<PathBuf>> {
    let mounts = hierarchies(&fs::read_to_string("/proc/self/mountinfo")?);
    if mounts.is_empty() {
        bail!(
            "no control groups are mounted on this machine (looked for cgroup2 and for name=systemd)"
        );
    }
    Ok(mounts
        .iter()
        .map(|mount| mount.join(TOP).join(lab))
        .collect())
}

/// The start of a command whose process is in some groups, which are made; its program and arguments are added.
pub fn command(groups: &[PathBuf]) -> Result<Command> {
    for group in groups {
        fs::create_dir_all(group)
            .with_context(|| format!("cannot make the control group {}", group.display()))?;
    }
    let mut command = tools::command("sh");
    command
        .args([
            "-c",
            r#"while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@""#,
            "nodewright-lab",
        ])
        .args(groups)
        .arg("--");
    Ok(command)
}

/// All processes in some groups and in what is below them.
pub fn processes(groups: &[PathBuf]) -> Vec<u32> {
    let mut pids: Vec<u32> = groups.iter().flat_map(|group| below(group)).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

fn below(group: &Path) -> Vec<u32> {
    let mut pids: Vec<u32> = fs::read_to_string(group.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            pids.extend(below(&entry.path()));
        }
    }
    pids
}

/// Ends everything in a node's groups and removes them; the lab's own folder too, where it is empty then.
///
/// The kernel ends a whole group of version 2 at once; elsewhere the processes are ended by number until none is left.
pub fn end(groups: &[PathBuf]) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        for group in groups {
            let _ = fs::write(group.join("cgroup.kill"), "1");
        }
        if groups.iter().all(|group| remove(group)) {
            break;
        }
        let left = processes(groups);
        if !left.is_empty()
            && !groups
                .iter()
                .any(|group| group.join("cgroup.kill").exists())
        {
            let pids: Vec<String> = left.iter().map(u32::to_string).collect();
            let _ = tools::call("kill", [vec!["-9".to_owned()], pids].concat());
        }
        if Instant::now() > deadline {
            bail!("processes of the lab do not end: {left:?}");
        }
        // The kernel gives no event for the end of a group that std could wait for.
        std::thread::sleep(Duration::from_millis(10));
    }
    for group in groups {
        for folder in group.ancestors().skip(1).take(2) {
            let _ = fs::remove_dir(folder);
        }
    }
    Ok(())
}

fn remove(group: &Path) -> bool {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    fs::remove_dir(group).is_ok() || !group.exists()
}

/// Memory in bytes that the processes hold, shared pages counted by their share.
pub fn memory(pids: &[u32]) -> u64 {
    let kib: u64 = pids
        .iter()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok())
        .filter_map(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("Pss:"))
                .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        })
        .sum();
    kib * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_hierarchy_are_found() {
        let hybrid = "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
                      40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:4 - cgroup2 cgroup2 rw\n";
        assert_eq!(
            hierarchies(hybrid),
            ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"].map(PathBuf::from)
        );
        let pure =
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(hierarchies(pure), [PathBuf::from("/sys/fs/cgroup")]);
        assert!(hierarchies("22 27 0:21 / /proc rw - proc proc rw\n").is_empty());
    }
}
