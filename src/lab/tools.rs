//! The machine's own programs that the lab calls, and the error for a missing one.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A program and the Debian package that brings it.
pub type Tool = (&'static str, &'static str);

/// The tools that every lab needs.
pub const ALWAYS: [Tool; 9] = [
    ("ip", "iproute2"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("mount", "mount"),
    ("umount", "mount"),
    ("nsenter", "util-linux"),
    ("unshare", "util-linux"),
    ("setsid", "util-linux"),
    ("setpriv", "util-linux"),
];

/// The tools for nodes whose first process is systemd.
pub const BOOT: [Tool; 1] = [("systemd-nspawn", "systemd-container")];

/// The tools for virtual machines.
pub const MACHINES: [Tool; 2] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("qemu-img", "qemu-utils"),
];

/// The tools for their management controllers.
pub const BMC: [Tool; 1] = [("ipmi_sim", "openipmi")];

/// The tools for building the image of machines, besides [`BUILD`].
pub const IMAGE: [Tool; 4] = [
    ("mke2fs", "e2fsprogs"),
    ("xz", "xz-utils"),
    ("zstd", "zstd"),
    ("chroot", "coreutils"),
];

/// The tools for building a root filesystem.
pub const BUILD: [Tool; 3] = [
    ("mmdebstrap", "mmdebstrap"),
    ("dpkg-deb", "dpkg"),
    ("apt-get", "apt"),
];

/// Fails unless this process is root and every tool is found; names all that are missing at once.
pub fn require(tools: &[&[Tool]]) -> Result<()> {
    if !is_root() {
        bail!(
            "the lab makes network namespaces and mounts, so it has to run as root for now; try: sudo nodewright lab …"
        );
    }
    let missing: Vec<Tool> = tools
        .iter()
        .flat_map(|list| list.iter())
        .filter(|(name, _)| !exists(name))
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = missing
        .iter()
        .map(|(name, package)| format!("{name} (package {package})"))
        .collect();
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    bail!(
        "the lab needs programs that this machine lacks: {}; on Debian: apt-get install {}",
        list.join(", "),
        packages.join(" ")
    )
}

fn exists(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(Into::into))
        .any(|dir| dir.join(name).is_file())
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .and_then(|ids| ids.split_whitespace().nth(1))
            == Some("0")
    })
}

/// A command with nothing on its standard input and system folders in its search path.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{path}:/usr/sbin:/usr/bin:/sbin:/bin"))
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end; its standard output, or an error with the command and its output.
pub fn run(command: &mut Command) -> Result<String> {
    let line = describe(command);
    let output = command
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!(
            "`{line}` failed ({}): {}",
            output.status,
            last_lines(&String::from_utf8_lossy(&output.stderr))
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last lines that a program said, at most twenty: an installation says a thousand before the one that tells why it
/// failed.
fn last_lines(said: &str) -> String {
    const MOST: usize = 20;
    let lines: Vec<&str> = said.trim().lines().collect();
    let left_out = lines.len().saturating_sub(MOST);
    let last = lines[left_out..].join("\n");
    if left_out == 0 {
        last
    } else {
        format!("… {left_out} lines more, then\n{last}")
    }
}

/// Runs a program with arguments to its end; see [`run`].
pub fn call<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>) -> Result<String> {
    run(command(program).args(args))
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

/// Removes a folder without ever crossing into another file system, so that a forgotten mount below it is safe.
pub fn remove_tree(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    run(command("rm")
        .args(["-rf", "--one-file-system", "--"])
        .arg(path))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_program_said_the_end_is_told() {
        let said: String = (1..=30).map(|i| format!("line {i}\n")).collect();
        let told = last_lines(&said);
        assert!(
            told.starts_with("… 10 lines more, then\nline 11\n"),
            "{told}"
        );
        assert!(told.ends_with("line 30"), "{told}");
        assert_eq!(last_lines("no such file\n"), "no such file");
    }

    #[test]
    fn a_missing_tool_is_named_with_its_package() {
        if !is_root() {
            let stderr = require(&[&ALWAYS]).unwrap_err().to_string();
            assert!(stderr.contains("root"), "{stderr}");
            return;
        }
        let stderr = require(&[&[("no-such-tool", "no-package"), ("sh", "dash")]])
            .unwrap_err()
            .to_string();
        assert!(
            stderr.contains("no-such-tool (package no-package)"),
            "{stderr}"
        );
        assert!(stderr.contains("apt-get install no-package"), "{stderr}");
        assert!(!stderr.contains("dash"), "{stderr}");
    }

    #[test]
    fn a_failed_command_shows_its_output() {
        let stderr = run(command("sh").args(["-c", "echo broken pipe organ >&2; exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(stderr.contains("broken pipe organ"), "{stderr}");
        assert!(stderr.contains("exit status: 3"), "{stderr}");
    }
}
