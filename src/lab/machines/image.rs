//! Builds once what machines boot from: Debian's kernel, an initramfs of our own, and a disk with a bare Debian.
//!
//! The disk is the root of the containers with a few packages more, so both are the same Debian. Under emulation each
//! process of a boot costs 30 to 100 ms, so what a node for rehearsals can do without is masked.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::initramfs;
use super::kernel::Kernel;
use crate::digest::hex;
use crate::lab::base::{Recipe, cache_dir, make_once};
use crate::lab::{debian, tools};

/// Raised when the code below makes an image differently from before.
const LAYOUT: u32 = 2;

/// The packages of a bare machine, besides those of a bare container.
const PACKAGES: [&str; 2] = ["e2fsprogs", "ifupdown"];

/// The place where the lab's own files are in a machine.
pub const HOME: &str = "usr/lib/nodewright-lab";

/// The files that the lab puts into every machine: path, content, whether it is a program.
const FILES: [(&str, &str, bool); 7] = [
    (
        "usr/lib/nodewright-lab/line",
        include_str!("guest/line"),
        true,
    ),
    (
        "usr/lib/nodewright-lab/back-door",
        include_str!("guest/back-door"),
        true,
    ),
    (
        "usr/lib/nodewright-lab/enter",
        include_str!("guest/enter"),
        true,
    ),
    (
        "usr/lib/nodewright-lab/sshd_config",
        include_str!("guest/sshd_config"),
        false,
    ),
    (
        "usr/lib/systemd/system/nodewright-lab.service",
        include_str!("guest/nodewright-lab.service"),
        false,
    ),
    (
        "usr/lib/systemd/system/systemd-udev-trigger.service.d/lab.conf",
        include_str!("guest/udev-trigger.conf"),
        false,
    ),
    ("etc/fstab", "/dev/vda / ext4 defaults,noatime 0 0\n", false),
];

/// Units that would only cost time.
const MASKED: [&str; 28] = [
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "getty-static.service",
    "getty.target",
    "ifupdown-pre.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "modprobe@loop.service",
    "proc-sys-fs-binfmt_misc.automount",
    "remote-fs.target",
    "serial-getty@.service",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-binfmt.service",
    "systemd-firstboot.service",
    "systemd-journal-flush.service",
    "systemd-machine-id-commit.service",
    "systemd-pstore.service",
    "systemd-random-seed.service",
    "systemd-remount-fs.service",
    "systemd-repart.service",
    "systemd-sysusers.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-update-utmp.service",
];

/// Units that something else starts when it needs them, and that a boot need not wait for.
const LAZY: [&str; 2] = ["dbus.service", "systemd-logind.service"];

/// The kernel, in an image's folder.
pub const KERNEL: &str = "vmlinux";
/// The initramfs, to which a machine's own is added.
pub const INITRAMFS: &str = "initramfs";
/// The disk.
pub const DISK: &str = "root.img";

/// Gives the folder of the image of a release whose disk has `installed` beside the packages of a bare node; builds it
/// where it is missing.
pub fn ensure(
    codename: &str,
    installed: &[String],
    building: &mut dyn FnMut(&Path),
) -> Result<PathBuf> {
    let cache = cache_dir();
    let base = Recipe::offering(installed).ensure(&cache, Some(codename), building)?;
    let installed = &debian::names(codename, installed);
    let kernel = Kernel::ensure(&cache, codename, building)?;
    let image = cache.join(format!(
        "machine-{codename}-{}",
        &digest(&base, &kernel, installed)[..12]
    ));
    make_once(&image, building, |new| {
        tools::require(&[&tools::ALWAYS, &tools::IMAGE])?;
        build(new, &base, &kernel, installed)
    })?;
    Ok(image)
}

fn digest(base: &Path, kernel: &Kernel, installed: &[String]) -> String {
    let mut digest = Sha256::new();
    let mut word = |word: &[u8]| {
        digest.update(word);
        digest.update([0]);
    };
    for folder in [base, &kernel.folder] {
        word(folder.as_os_str().as_encoded_bytes());
    }
    word(&LAYOUT.to_le_bytes());
    word(initramfs::INIT.as_bytes());
    for (path, content, _) in FILES {
        word(path.as_bytes());
        word(content.as_bytes());
    }
    for package in PACKAGES
        .iter()
        .copied()
        .chain(installed.iter().map(String::as_str))
    {
        word(package.as_bytes());
    }
    for units in [&MASKED[..], &LAZY] {
        word(units.join(" ").as_bytes());
    }
    hex(&digest.finalize())
}

fn build(new: &Path, base: &Path, kernel: &Kernel, installed: &[String]) -> Result<()> {
    let work = new.join("work");
    fs::create_dir_all(&work)?;
    let root = work.join("root");
    copy(base, &root)?;
    install_all(&root, installed)?;
    let modules = root.join("usr/lib/modules").join(&kernel.version);
    fs::create_dir_all(root.join("usr/lib/modules"))?;
    copy(&kernel.modules(), &modules)?;
    tools::run(
        tools::command("chroot")
            .arg(&root)
            .args(["depmod", "-a", &kernel.version]),
    )?;
    lay_out(&root)?;
    let archive = initramfs::of_image(&kernel.busybox(), &modules)?;
    fs::write(new.join(INITRAMFS), archive)?;
    copy(&kernel.program(), &new.join(KERNEL))?;
    disk(&root, &new.join(DISK))?;
    tools::remove_tree(&work)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    tools::run(
        tools::command("cp")
            .args(["-a", "--reflink=auto"])
            .args([from, to]),
    )?;
    Ok(())
}

/// Installs the packages of a bare machine, and those that are requested besides. The services of the latter are left
/// to roles to start at boot.
fn install_all(root: &Path, installed: &[String]) -> Result<()> {
    install(root, &PACKAGES.map(str::to_owned))?;
    if installed.is_empty() {
        return Ok(());
    }
    let before = started_at_boot(root)?;
    install(root, installed)?;
    for link in started_at_boot(root)? {
        if !before.contains(&link) {
            fs::remove_file(&link)?;
        }
    }
    Ok(())
}

/// Installs packages in a root from the repository within it, and starts nothing.
fn install(root: &Path, packages: &[String]) -> Result<()> {
    let policy = root.join("usr/sbin/policy-rc.d");
    fs::write(&policy, "#!/bin/sh\nexit 101\n")?;
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o755))?;
    apt_get(root, &["update"], &[])?;
    apt_get(
        root,
        &["-y", "--no-install-recommends", "install"],
        packages,
    )
    .context("the packages of the lab's machines could not be installed")?;
    fs::remove_file(&policy)?;
    for entry in fs::read_dir(root.join("var/cache/apt"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "bin") {
            fs::remove_file(&path)?;
        }
    }
    let lists = root.join("var/lib/apt/lists");
    tools::remove_tree(&lists)?;
    fs::create_dir_all(lists.join("partial"))?;
    Ok(())
}

/// Runs apt-get in a root, in namespaces of its own for mounts and processes.
fn apt_get(root: &Path, words: &[&str], packages: &[String]) -> Result<()> {
    let mut proc = std::ffi::OsString::from("--mount-proc=");
    proc.push(root.join("proc"));
    tools::run(
        tools::command("setpriv")
            .args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid"])
            .args(["--fork", "--kill-child"])
            .arg(proc)
            .arg("chroot")
            .arg(root)
            .args(["apt-get", "-q"])
            .args(words)
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    Ok(())
}

/// The links by which units are started at boot.
fn started_at_boot(root: &Path) -> Result<Vec<PathBuf>> {
    let mut links = Vec::new();
    for folder in fs::read_dir(root.join("etc/systemd/system"))? {
        let folder = folder?.path();
        if folder.is_dir() && folder.extension().is_some_and(|end| end == "wants") {
            for link in fs::read_dir(&folder)? {
                links.push(link?.path());
            }
        }
    }
    Ok(links)
}

/// Makes a container's root a machine's.
fn lay_out(root: &Path) -> Result<()> {
    for (path, content, program) in FILES {
        let path = root.join(path);
        fs::create_dir_all(path.parent().context("a file in a folder")?)?;
        fs::write(&path, content)?;
        let mode = if program { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    let units = root.join("etc/systemd/system");
    for unit in MASKED {
        let link = units.join(unit);
        tools::remove_tree(&link)?;
        symlink("/dev/null", link)?;
    }
    for unit in LAZY {
        tools::remove_tree(
            &root
                .join("usr/lib/systemd/system/multi-user.target.wants")
                .join(unit),
        )?;
    }
    let wanted = units.join("multi-user.target.wants");
    fs::create_dir_all(&wanted)?;
    symlink(
        "/lib/systemd/system/nodewright-lab.service",
        wanted.join("nodewright-lab.service"),
    )?;
    // Of the generators of units at boot, only those that read fstab and start scripts find input.
    let generators = root.join("etc/systemd/system-generators");
    fs::create_dir_all(&generators)?;
    for entry in fs::read_dir(root.join("usr/lib/systemd/system-generators"))? {
        let name = entry?.file_name();
        if !["fstab", "sysv"]
            .iter()
            .any(|kept| name.to_string_lossy().contains(kept))
        {
            symlink("/dev/null", generators.join(name))?;
        }
    }
    // A machine's clock is its own.
    tools::remove_tree(&root.join("usr/lib/systemd/system/chrony.service.d"))
}

/// Writes a root as a filesystem with 3 GiB to spare; only what is in it takes room.
fn disk(root: &Path, to: &Path) -> Result<()> {
    let used: u64 = tools::run(
        tools::command("du")
            .args(["-s", "-B1", "--apparent-size"])
            .arg(root),
    )?
    .split_whitespace()
    .next()
    .context("`du` gave no answer")?
    .parse()?;
    tools::run(
        tools::command("mke2fs")
            .args(["-q", "-t", "ext4", "-m", "0", "-L", "root", "-d"])
            .args([root, to])
            .arg(format!("{}k", used / 1024 + (3 << 20))),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn shellcheck_has_nothing_to_say_of_what_runs_in_machines() {
        let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lab/machines/guest");
        let scripts = ["init", "back-door", "enter", "line"];
        let out = Command::new("shellcheck")
            .args(scripts.map(|name| guest.join(name)))
            .output()
            .expect("shellcheck is installed");
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stdout)
        );
    }
}
