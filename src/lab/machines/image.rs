//! What machines boot from: Debian's kernel, an initramfs of our own, and a disk with a bare Debian; built once.
//!
//! The disk is the root of the containers with a few packages more, so both are the same Debian. Under emulation each
//! process of a boot costs 30 to 100 ms, so what a node for rehearsals can do without is masked.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::initramfs;
use crate::lab::base::{Recipe, cache_dir, hex, make_once, proxy_options};
use crate::lab::{sources, tools};

/// Raised when the code below makes an image differently from before.
const LAYOUT: u32 = 1;

/// What a bare machine has beside what a bare container has.
const PACKAGES: [&str; 2] = ["e2fsprogs", "ifupdown"];

/// Where the lab's own files stand in a machine.
pub const HOME: &str = "usr/lib/nodewright-lab";

const FETCH: &str = include_str!("guest/fetch-kernel.sh");
const INSTALL: &str = include_str!("guest/install.sh");

/// What the lab puts into every machine: path, content, whether it is a program.
const FILES: [(&str, &str, bool); 7] = [
    (
        "usr/lib/modules-load.d/nodewright-lab.conf",
        include_str!("guest/modules.conf"),
        false,
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
const MASKED: [&str; 27] = [
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
    "systemd-repart.service",
    "systemd-sysusers.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-update-utmp.service",
];

/// Folders of the kernel's modules of which only some entries are kept; what has no such line is kept whole.
const KEPT: [(&str, &[&str]); 4] = [
    (
        "drivers",
        &[
            "acpi", "block", "char", "input", "md", "net", "scsi", "target", "virtio", "watchdog",
        ],
    ),
    (
        "drivers/net",
        &[
            "bonding",
            "dummy.ko",
            "ifb.ko",
            "macvlan.ko",
            "net_failover.ko",
            "ppp",
            "slip",
            "tap.ko",
            "team",
            "tun.ko",
            "veth.ko",
            "virtio_net.ko",
            "vxlan",
        ],
    ),
    ("drivers/input", &["evdev.ko"]),
    (
        "drivers/scsi",
        &[
            "iscsi_tcp.ko",
            "libiscsi.ko",
            "libiscsi_tcp.ko",
            "scsi_common.ko",
            "scsi_debug.ko",
            "scsi_mod.ko",
            "scsi_transport_iscsi.ko",
            "sd_mod.ko",
            "sg.ko",
            "virtio_scsi.ko",
        ],
    ),
];

/// Folders of modules that no lab machine has a use for.
const DROPPED: [&str; 3] = ["sound", "arch/x86/kvm", "net/wireless"];

/// What an image consists of, within its folder.
pub const KERNEL: &str = "vmlinux";
/// The initramfs, to which a machine's own is added.
pub const INITRAMFS: &str = "initramfs";
/// The disk.
pub const DISK: &str = "root.img";

/// Gives the folder of the image whose disk has `installed` beside the packages of a bare node; builds it where it is
/// missing.
pub fn ensure(installed: &[String], building: &mut dyn FnMut(&Path)) -> Result<PathBuf> {
    let cache = cache_dir();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let codename = sources::codename(&release)?;
    let base = Recipe::default().ensure(&cache, building)?;
    let image = cache.join(format!(
        "machine-{codename}-{}",
        &digest(&base, installed)[..12]
    ));
    make_once(&image, building, |new| {
        tools::require(&[&tools::ALWAYS, &tools::BUILD, &tools::IMAGE])?;
        build(new, &base, &codename, installed)
    })?;
    Ok(image)
}

fn digest(base: &Path, installed: &[String]) -> String {
    let mut digest = Sha256::new();
    let mut word = |word: &[u8]| {
        digest.update(word);
        digest.update([0]);
    };
    word(base.as_os_str().as_encoded_bytes());
    word(&LAYOUT.to_le_bytes());
    for text in [FETCH, INSTALL, initramfs::INIT] {
        word(text.as_bytes());
    }
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
    word(MASKED.join(" ").as_bytes());
    hex(&digest.finalize())
}

fn build(new: &Path, base: &Path, codename: &str, installed: &[String]) -> Result<()> {
    if !cfg!(target_arch = "x86_64") {
        bail!("lab machines are x86_64 ones, built on a machine of the same kind");
    }
    let work = new.join("work");
    fs::create_dir_all(&work)?;
    let (kernel, busybox) = fetch(&work, codename)?;
    let version = only_entry(&kernel.join("lib/modules"))?;
    unpack_kernel(
        &kernel.join(format!("boot/vmlinuz-{version}")),
        &new.join(KERNEL),
    )?;
    let root = work.join("root");
    tools::run(
        tools::command("cp")
            .args(["-a", "--reflink=auto"])
            .args([base, &root]),
    )?;
    install(&work, &root, installed)?;
    let modules = root.join("usr/lib/modules");
    fs::create_dir_all(&modules)?;
    prune(&kernel.join(format!("lib/modules/{version}/kernel")))?;
    tools::run(
        tools::command("mv")
            .arg(kernel.join(format!("lib/modules/{version}")))
            .arg(&modules),
    )?;
    tools::run(
        tools::command("chroot")
            .arg(&root)
            .args(["depmod", "-a", &version]),
    )?;
    lay_out(&root)?;
    let archive = initramfs::of_image(&busybox.join("bin/busybox"), &modules.join(&version))?;
    fs::write(new.join(INITRAMFS), archive)?;
    disk(&root, &new.join(DISK))?;
    tools::remove_tree(&work)
}

/// Downloads kernel and busybox and gives the folders they are unpacked in.
fn fetch(work: &Path, codename: &str) -> Result<(PathBuf, PathBuf)> {
    let debs = work.join("debs");
    let sources = work.join("apt/sources");
    for folder in [&debs, &sources] {
        fs::create_dir_all(folder)?;
    }
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(work.join("apt").join(folder))?;
    }
    sources::read(Path::new("/etc/apt"), codename)?.write(&sources)?;
    let config = work.join("apt/apt.conf");
    let apt = work.join("apt").display().to_string();
    fs::write(
        &config,
        format!(
            "Dir::Etc::SourceList \"/dev/null\";\nDir::Etc::SourceParts \"{apt}/sources\";\n\
             Dir::Etc::Preferences \"/dev/null\";\nDir::Etc::PreferencesParts \"/dev/null\";\n\
             Dir::State \"{apt}/state\";\nDir::State::status \"/dev/null\";\nDir::Cache \"{apt}/cache\";\n\
             APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n{}",
            proxy_options()
        ),
    )?;
    let script = work.join("fetch-kernel.sh");
    fs::write(&script, FETCH)?;
    tools::run(
        tools::command("bash")
            .arg(&script)
            .arg(&debs)
            .env("APT_CONFIG", &config),
    )
    .context("Debian's kernel could not be downloaded")?;
    let mut folders = [work.join("kernel"), work.join("busybox")];
    for entry in fs::read_dir(&debs)? {
        let deb = entry?.path();
        let name = deb
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let folder = &mut folders[usize::from(!name.starts_with("linux-image-"))];
        tools::run(tools::command("dpkg-deb").arg("-x").args([&deb, &*folder]))?;
    }
    let [kernel, busybox] = folders;
    Ok((kernel, busybox))
}

fn only_entry(folder: &Path) -> Result<String> {
    let entry = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .next()
        .with_context(|| format!("{} is empty", folder.display()))??;
    Ok(entry.file_name().to_string_lossy().into_owned())
}

/// Takes the uncompressed kernel out of a bzImage: to unpack it under emulation would cost seconds of every boot.
fn unpack_kernel(image: &Path, to: &Path) -> Result<()> {
    const MAGIC: &[u8] = b"\xfd7zXZ\0";
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let start = bytes
        .windows(MAGIC.len())
        .position(|window| window == MAGIC)
        .with_context(|| format!("{} holds no kernel packed by xz", image.display()))?;
    let packed = to.with_extension("xz");
    fs::write(&packed, &bytes[start..])?;
    // xz complains of what stands behind the kernel, after it has written all of it.
    tools::command("xz")
        .args(["-dcq", "--single-stream"])
        .arg(&packed)
        .stdout(fs::File::create(to)?)
        .stderr(Stdio::null())
        .status()
        .context("cannot start `xz`")?;
    fs::remove_file(&packed)?;
    if fs::read(to)?.starts_with(b"\x7fELF") {
        Ok(())
    } else {
        bail!("{} could not be unpacked", image.display())
    }
}

fn install(work: &Path, root: &Path, installed: &[String]) -> Result<()> {
    let script = work.join("install.sh");
    fs::write(&script, INSTALL)?;
    tools::run(
        tools::command("setpriv")
            .args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid"])
            .args(["--fork", "--kill-child", "bash"])
            .args([&script, root])
            .args(PACKAGES)
            .args(installed),
    )
    .context("the packages of the lab's machines could not be installed")?;
    Ok(())
}

/// Removes the modules of hardware that no lab machine has: two thirds of them.
fn prune(kernel: &Path) -> Result<()> {
    for folder in DROPPED {
        tools::remove_tree(&kernel.join(folder))?;
    }
    for (folder, kept) in KEPT {
        for entry in fs::read_dir(kernel.join(folder))
            .with_context(|| format!("the kernel has no modules in {folder}"))?
        {
            let entry = entry?;
            if !kept
                .iter()
                .any(|name| entry.file_name() == OsStr::new(name))
            {
                tools::remove_tree(&entry.path())?;
            }
        }
    }
    Ok(())
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
    let wanted = units.join("multi-user.target.wants");
    fs::create_dir_all(&wanted)?;
    symlink(
        "/lib/systemd/system/nodewright-lab.service",
        wanted.join("nodewright-lab.service"),
    )?;
    // Of what makes units at boot, only what reads fstab and start scripts finds something.
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
    .context("`du` says nothing")?
    .parse()?;
    tools::run(
        tools::command("mke2fs")
            .args(["-q", "-t", "ext4", "-m", "0", "-L", "root", "-d"])
            .args([root, to])
            .arg(format!("{}k", used / 1024 + (3 << 20))),
    )?;
    Ok(())
}
