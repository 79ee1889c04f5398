//! The root filesystems that nodes share: built once, named by the digest of their recipe, never changed afterwards.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::{debian, sources, tools};
use crate::digest::{hex, sha256};

/// The packages of a bare Debian node, besides the essential ones.
const BARE: [&str; 10] = [
    "systemd-sysv",
    "dbus",
    "udev",
    "kmod",
    "procps",
    "iproute2",
    "iputils-ping",
    "openssh-server",
    "sudo",
    "tzdata",
];

/// The packages that can be installed on a node without any network: those that the shipped roles name, those of a
/// cluster, and three small ones (`hello`, `sl`, `tree`) for trying things out. Their dependencies are included.
const OFFLINE: [&str; 53] = [
    "acl",
    "acpid",
    "auditd",
    "bind9-dnsutils",
    "bridge-utils",
    "ca-certificates",
    "chrony",
    "corosync",
    "cron",
    "dlm-controld",
    "drbd-utils",
    "e2fsprogs",
    "etckeeper",
    "ethtool",
    "fence-agents",
    "gfs2-utils",
    "git",
    "grub2-common",
    "hello",
    "ifenslave",
    "ifupdown",
    "ipmitool",
    "isc-dhcp-client",
    "less",
    "logrotate",
    "lsof",
    "lvm2",
    "lvm2-lockd",
    "mtr-tiny",
    "network-manager",
    "pacemaker",
    "pacemaker-cli-utils",
    "parted",
    "postfix",
    "ppp",
    "psmisc",
    "resource-agents",
    "rsync",
    "rsyslog",
    "sanlock",
    "shorewall",
    "shorewall6",
    "sl",
    "smartmontools",
    "strace",
    "tcpdump",
    "tmux",
    "tree",
    "vim",
    "vlan",
    "watchdog",
    "xinetd",
    "xxd",
];

/// Units that would only cost time on a node that lives for minutes.
const MASKED: [&str; 12] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "man-db.timer",
    "getty@tty1.service",
    "console-getty.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
];

/// Raised when the code below lays out a root differently from before.
const LAYOUT: u32 = 3;

/// The way in which a root filesystem is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Name of its folder in the cache, before the digest.
    pub name: String,
    /// Packages installed in it; those of [`debian::DebianRelease::instead`] by the name they have everywhere else.
    pub packages: Vec<String>,
    /// Packages that its local repository under `/srv/packages` offers, with all they depend on; named in the same way.
    pub offline: Vec<String>,
}

impl Default for Recipe {
    /// The bare Debian node.
    fn default() -> Self {
        Self {
            name: "debian".into(),
            packages: BARE.map(Into::into).into(),
            offline: OFFLINE.map(Into::into).into(),
        }
    }
}

impl Recipe {
    /// The bare Debian node that offers these packages, too, with all they depend on. Those that every node offers make
    /// no other root.
    pub fn offering(packages: &[String]) -> Self {
        let mut recipe = Self::default();
        let mut more: Vec<_> = packages
            .iter()
            .filter(|name| !OFFLINE.contains(&name.as_str()))
            .cloned()
            .collect();
        more.sort_unstable();
        more.dedup();
        recipe.offline.extend(more);
        recipe
    }

    /// The folder this recipe's root has under `cache`, for a release.
    pub fn path(&self, cache: &Path, codename: &str) -> PathBuf {
        let mut digest = Sha256::new();
        for part in [&self.packages, &self.offline] {
            for word in debian::names(codename, part) {
                digest.update(word.as_bytes());
                digest.update([0]);
            }
            digest.update([1]);
        }
        digest.update(LAYOUT.to_le_bytes());
        digest.update(MASKED.join(" "));
        let hex = hex(&digest.finalize());
        cache.join(format!("{}-{codename}-{}", self.name, &hex[..12]))
    }

    /// Gives the root filesystem of a release, this machine's own where none is named, building it first where it is
    /// missing.
    ///
    /// A lock file lets one process build while others wait for it. It is built beside its place and renamed, so a
    /// build that breaks leaves nothing that could be taken for whole; `building` is called before a build starts.
    pub fn ensure(
        &self,
        cache: &Path,
        codename: Option<&str>,
        building: &mut dyn FnMut(&Path),
    ) -> Result<PathBuf> {
        let codename = debian::codename_or_own(codename)?;
        let root = self.path(cache, &codename);
        make_once(&root, building, |new| self.build(new, &codename))?;
        Ok(root)
    }

    fn build(&self, root: &Path, codename: &str) -> Result<()> {
        tools::require(&[&tools::ALWAYS, &tools::BUILD])?;
        let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
        let files = sources::of_machine(codename)?.write(scratch.path())?;
        // The build never sees the machine's own mounts, and no process of it outlives this one.
        let mut command = tools::command("setpriv");
        command
            .args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid"])
            .args(["--fork", "--kill-child", "--mount-proc", "mmdebstrap"])
            .args(["--quiet", "--mode=root", "--variant=apt"])
            .arg(format!(
                "--include={}",
                debian::names(codename, &self.packages).join(",")
            ))
            .arg("--dpkgopt=path-exclude=/usr/share/man/*")
            .arg("--dpkgopt=path-exclude=/usr/share/locale/*")
            .arg("--aptopt=APT::Install-Recommends \"false\"");
        let proxies = scratch.path().join("proxies");
        fs::write(&proxies, proxy_options())?;
        command.arg(format!("--aptopt={}", proxies.display()));
        if !self.offline.is_empty() {
            command.arg(format!(
                "--customize-hook=mkdir -p \"$1/srv/packages\" && \
                 APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\" apt-get -q -y --no-install-recommends --download-only install {} && \
                 mv \"$1\"/var/cache/apt/archives/*.deb \"$1/srv/packages/\"",
                debian::names(codename, &self.offline).join(" ")
            ));
        }
        command.arg(codename).arg(root).args(&files);
        tools::run(&mut command)
            .map_err(|error| sources::explained(error, codename))
            .with_context(|| format!("the lab's root of Debian `{codename}` could not be built"))?;
        if !self.offline.is_empty() {
            index_packages(&root.join("srv/packages"))?;
        }
        lay_out(root)
    }
}

/// Makes the folder `path` by `make` unless it exists: under a lock, beside its place, then renamed.
///
/// `make` is given a path that does not exist yet. Leftovers of an earlier, broken attempt are removed first.
pub fn make_once(
    path: &Path,
    making: &mut dyn FnMut(&Path),
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        bail!("{} cannot be a folder of the lab's cache", path.display());
    };
    let name = name.to_string_lossy();
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let lock_path = parent.join(format!(".{name}.lock"));
    let lock = File::create(&lock_path)
        .with_context(|| format!("cannot write {}", lock_path.display()))?;
    lock.lock()
        .with_context(|| format!("cannot lock {}", lock_path.display()))?;
    if path.is_dir() {
        return Ok(());
    }
    making(path);
    let new = parent.join(format!(".{name}.new"));
    tools::remove_tree(&new)?;
    if let Err(error) = make(&new) {
        let _ = tools::remove_tree(&new);
        return Err(error);
    }
    fs::rename(&new, path).with_context(|| format!("cannot put {} in place", path.display()))
}

/// The proxy settings of this machine's apt, for the build's apt as well. In a file of its own, since a
/// proxy's address can hold a password.
pub fn proxy_options() -> String {
    let dump = tools::call("apt-config", ["dump", "Acquire"]).unwrap_or_default();
    dump.lines()
        .filter(|line| {
            line.split_once(' ')
                .is_some_and(|(key, _)| key.to_ascii_lowercase().contains("::proxy"))
        })
        .filter(|line| !line.ends_with("\"\";"))
        .fold(String::new(), |text, line| text + line + "\n")
}

/// Writes the index of a folder of packages, so that apt takes it as a repository.
///
/// One paragraph a package: its control fields from `dpkg-deb`, and its name, size and digest.
fn index_packages(dir: &Path) -> Result<()> {
    let mut debs: Vec<PathBuf> = fs::read_dir(dir)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "deb"))
        .collect();
    debs.sort();
    let mut index = String::new();
    for deb in debs {
        let control = tools::run(tools::command("dpkg-deb").arg("-f").arg(&deb))?;
        let bytes = fs::read(&deb)?;
        let name = deb.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(
            index,
            "{}\nFilename: ./{name}\nSize: {}\nSHA256: {}\n",
            control.trim_end(),
            bytes.len(),
            sha256(&bytes)
        );
    }
    fs::write(dir.join("Packages"), index)?;
    Ok(())
}

/// Takes out what belongs to the machine that built the root, and what a node makes for itself.
fn lay_out(root: &Path) -> Result<()> {
    let etc = root.join("etc");
    tools::remove_tree(&etc.join("apt/sources.list"))?;
    tools::remove_tree(&etc.join("apt/sources.list.d"))?;
    fs::create_dir_all(etc.join("apt/sources.list.d"))?;
    if root.join("srv/packages").is_dir() {
        fs::write(
            etc.join("apt/sources.list.d/local.list"),
            "deb [trusted=yes] file:/srv/packages ./\n",
        )?;
    }
    fs::write(
        etc.join("apt/apt.conf.d/99mmdebstrap"),
        "APT::Install-Recommends \"false\";\nAcquire::Languages \"none\";\n",
    )?;
    tools::remove_tree(&root.join("var/lib/apt/lists"))?;
    fs::create_dir_all(root.join("var/lib/apt/lists/partial"))?;
    for name in ["resolv.conf", "hostname"] {
        tools::remove_tree(&etc.join(name))?;
    }
    for entry in fs::read_dir(etc.join("ssh"))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
            fs::remove_file(entry.path())?;
        }
    }
    fs::write(etc.join("hosts"), "127.0.0.1 localhost\n::1 localhost\n")?;
    fs::write(etc.join("machine-id"), "")?;
    // Many tests log in at once.
    fs::create_dir_all(etc.join("ssh/sshd_config.d"))?;
    fs::write(
        etc.join("ssh/sshd_config.d/lab.conf"),
        "MaxStartups 200:30:400\n",
    )?;
    let units = etc.join("systemd/system");
    fs::create_dir_all(&units)?;
    for unit in MASKED {
        let link = units.join(unit);
        tools::remove_tree(&link)?;
        symlink("/dev/null", link)?;
    }
    // A node's clock is the machine's: its time service runs and answers, but does not set the clock.
    let chrony = root.join("usr/lib/systemd/system/chrony.service.d");
    fs::create_dir_all(&chrony)?;
    fs::write(
        chrony.join("lab.conf"),
        "[Unit]\nConditionCapability=\n[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x $DAEMON_OPTS\n",
    )?;
    let default = units.join("default.target");
    tools::remove_tree(&default)?;
    symlink("/lib/systemd/system/multi-user.target", default)?;
    Ok(())
}

/// Unpacks a tarball that the user brings, once; named by the file's size and time, since reading it takes minutes.
pub fn unpack(cache: &Path, tarball: &Path, unpacking: &mut dyn FnMut(&Path)) -> Result<PathBuf> {
    let seen = fs::metadata(tarball)
        .with_context(|| format!("cannot read the root filesystem {}", tarball.display()))?;
    let full = fs::canonicalize(tarball)?;
    let key = format!("{}\0{}\0{:?}", full.display(), seen.len(), seen.modified()?);
    let digest = sha256(key.as_bytes());
    let root = cache.join(format!("brought-{}", &digest[..12]));
    make_once(&root, unpacking, |new| {
        fs::create_dir(new)?;
        tools::run(
            tools::command("tar")
                .args(["-x", "--numeric-owner", "-p", "-f"])
                .arg(&full)
                .arg("-C")
                .arg(new),
        )
        .with_context(|| format!("cannot unpack {}", tarball.display()))?;
        if new.join("etc").is_dir() {
            Ok(())
        } else {
            bail!(
                "{} holds no /etc, so it is not a root filesystem (an image saved by `podman save` is not one; `podman export` makes one)",
                tarball.display()
            )
        }
    })?;
    Ok(root)
}

/// The folder of the lab's root filesystems: `NODEWRIGHT_LAB`, or `nodewright/lab` in the user's cache, or in
/// `/var/cache`.
pub fn cache_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("NODEWRIGHT_LAB").filter(|dir| !dir.is_empty()) {
        return dir.into();
    }
    std::env::var_os("XDG_CACHE_HOME")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| PathBuf::from("/var/cache"), PathBuf::from)
        .join("nodewright/lab")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_recipe_has_another_folder() {
        let cache = Path::new("/c");
        let plain = Recipe::default();
        let mut more = plain.clone();
        more.offline.push("nano".into());
        let mut moved = plain.clone();
        moved.packages.push(moved.offline.remove(0));
        let paths = [&plain, &more, &moved].map(|recipe| recipe.path(cache, "bookworm"));
        assert_ne!(paths[0], paths[1]);
        assert_ne!(paths[0], paths[2]);
        assert!(paths[0].starts_with("/c"));
        assert_eq!(paths[0], Recipe::default().path(cache, "bookworm"));
    }

    #[test]
    fn a_broken_build_leaves_nothing_and_a_whole_one_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root");
        let message = make_once(&path, &mut |_| (), |new| {
            fs::create_dir(new)?;
            fs::write(new.join("half"), "x")?;
            bail!("disk full")
        });
        assert_eq!(message.unwrap_err().to_string(), "disk full");
        assert!(!path.exists());
        let mut times = 0;
        for _ in 0..2 {
            make_once(&path, &mut |_| times += 1, |new| {
                fs::create_dir(new)?;
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(times, 1);
        assert!(path.is_dir() && !path.join("half").exists());
    }

    #[test]
    fn an_image_that_is_no_root_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("manifest.json"), "[]").unwrap();
        let tar = dir.path().join("image.tar");
        tools::run(
            tools::command("tar")
                .arg("-cf")
                .arg(&tar)
                .arg("-C")
                .arg(dir.path())
                .arg("manifest.json"),
        )
        .unwrap();
        let message = unpack(&dir.path().join("cache"), &tar, &mut |_| ())
            .unwrap_err()
            .to_string();
        assert!(message.contains("not a root filesystem"), "{message}");
    }
}
