//! Debian's kernel for machines, unpacked and without the modules of hardware that they do not have; fetched once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::lab::base::{make_once, proxy_options};
use crate::lab::{sources, tools};

/// Raised when the code below prepares a kernel differently from before.
const LAYOUT: u32 = 1;

/// Folders of the kernel's modules of which only some entries are installed; a folder without such a line is installed whole.
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

/// A kernel with what an initramfs needs.
pub struct Kernel {
    /// The folder of all of it.
    pub folder: PathBuf,
    /// Its version, as `uname -r` prints it.
    pub version: String,
}

impl Kernel {
    /// The kernel that Debian of this release installs; downloaded where it is missing.
    pub fn ensure(cache: &Path, codename: &str, building: &mut dyn FnMut(&Path)) -> Result<Self> {
        let mut digest = Sha256::new();
        digest.update(LAYOUT.to_le_bytes());
        digest.update(format!("{KEPT:?}{DROPPED:?}"));
        let name = format!("kernel-{codename}-{}", &hex(&digest.finalize())[..12]);
        let folder = cache.join(name);
        make_once(&folder, building, |new| {
            tools::require(&[&tools::ALWAYS, &tools::BUILD, &tools::IMAGE])?;
            make(new, codename)
        })?;
        let version = only_entry(&folder.join("modules"))?;
        Ok(Self { folder, version })
    }

    /// The kernel itself, not compressed.
    pub fn program(&self) -> PathBuf {
        self.folder.join("vmlinux")
    }

    /// The folder of its modules, as it is in /lib/modules, without its index.
    pub fn modules(&self) -> PathBuf {
        self.folder.join("modules").join(&self.version)
    }

    /// A busybox that needs no library.
    pub fn busybox(&self) -> PathBuf {
        self.folder.join("busybox")
    }
}

fn make(new: &Path, codename: &str) -> Result<()> {
    if !cfg!(target_arch = "x86_64") {
        bail!("lab machines are x86_64 ones, built on a machine of the same kind");
    }
    let work = new.join("work");
    fs::create_dir_all(&work)?;
    let (kernel, busybox) = fetch(&work, codename)?;
    let modules = below_root_or_usr(&kernel, "lib/modules")?;
    let version = only_entry(&modules)?;
    unpack(
        &kernel.join(format!("boot/vmlinuz-{version}")),
        &new.join("vmlinux"),
    )?;
    let tree = modules.join(version).join("kernel");
    prune(&tree)?;
    unpack_modules(&tree)?;
    fs::rename(modules, new.join("modules"))?;
    let busybox = below_root_or_usr(&busybox, "bin/busybox")?;
    fs::rename(busybox, new.join("busybox"))?;
    tools::remove_tree(&work)
}

/// The place where a package has a path: below `/`, or below `/usr`, to which newer releases moved it.
fn below_root_or_usr(unpacked: &Path, path: &str) -> Result<PathBuf> {
    let mut places = ["", "usr"].iter().map(|top| unpacked.join(top).join(path));
    places
        .find(|place| place.exists())
        .with_context(|| format!("{} has no {path}", unpacked.display()))
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
    sources::of_machine(codename)?.write(&sources)?;
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
    download(&debs, &config)
        .map_err(|error| sources::explained(error, codename))
        .with_context(|| format!("the kernel of Debian `{codename}` could not be downloaded"))?;
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

/// Downloads into a folder the kernel that Debian installs, and a busybox that needs no library.
fn download(folder: &Path, config: &Path) -> Result<()> {
    let apt = |program: &str| {
        let mut command = tools::command(program);
        command.env("APT_CONFIG", config).current_dir(folder);
        command
    };
    tools::run(apt("apt-get").args(["-q", "update"]))?;
    let depends = tools::run(apt("apt-cache").args(["depends", "linux-image-amd64"]))?;
    let mut depended = depends
        .lines()
        .filter_map(|l| l.trim().strip_prefix("Depends: "));
    let kernel = depended
        .find(|name| name.starts_with("linux-image-"))
        .context("linux-image-amd64 depends on no kernel")?;
    tools::run(apt("apt-get").args(["-q", "download", kernel, "busybox-static"]))?;
    Ok(())
}

fn only_entry(folder: &Path) -> Result<String> {
    let entry = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .next()
        .with_context(|| format!("{} is empty", folder.display()))??;
    Ok(entry.file_name().to_string_lossy().into_owned())
}

/// The way in which kernels are packed: the first bytes, and what unpacks what begins with them.
const PACKERS: [(&[u8], &[&str]); 2] = [
    (b"\xfd7zXZ\0", &["xz", "-dcq", "--single-stream"]),
    (b"\x28\xb5\x2f\xfd", &["zstd", "-dcq"]),
];

/// Takes the uncompressed kernel out of a bzImage: to unpack it under emulation would cost seconds of every boot.
fn unpack(image: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let mut found: Vec<(usize, &[&str])> = PACKERS
        .iter()
        .filter_map(|(magic, unpacker)| {
            let mut windows = bytes.windows(magic.len());
            Some((windows.position(|window| window == *magic)?, *unpacker))
        })
        .collect();
    // The packed kernel begins early in the image, and its bytes hold every magic by chance, so the earliest match is
    // tried first.
    found.sort_unstable();
    let packed = to.with_extension("packed");
    for (start, unpacker) in found {
        fs::write(&packed, &bytes[start..])?;
        // It complains of what follows the kernel, after it has written all of it.
        tools::command(unpacker[0])
            .args(&unpacker[1..])
            .stdin(fs::File::open(&packed)?)
            .stdout(fs::File::create(to)?)
            .stderr(Stdio::null())
            .status()
            .with_context(|| format!("cannot start `{}`", unpacker[0]))?;
        fs::remove_file(&packed)?;
        if fs::read(to)?.starts_with(b"\x7fELF") {
            return Ok(());
        }
    }
    bail!(
        "{} holds no kernel packed by xz or zstd that could be unpacked",
        image.display()
    )
}

/// Unpacks modules that are packed, for a machine would do it under emulation at every boot.
fn unpack_modules(kernel: &Path) -> Result<()> {
    tools::run(
        tools::command("find")
            .arg(kernel)
            .args(["-name", "*.ko.xz", "-exec", "xz", "-d", "{}", "+"]),
    )?;
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
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !kept.contains(&name.strip_suffix(".xz").unwrap_or(&name)) {
                tools::remove_tree(&entry.path())?;
            }
        }
    }
    Ok(())
}
