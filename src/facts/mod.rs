//! The facts of a node (release, hardware, devices) as it reports them, and their comparison with the site.
//!
//! Facts never reach a template: rendering is a function of the site alone.

mod compare;

pub use compare::{Mismatch, differences};

use crate::kind::{Answer, Observe};
use crate::platform::Platform;
use crate::sh::Call;
use crate::shell::FILES;
use indexmap::IndexMap;

/// The facts that a node reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Facts {
    /// The release in its own words: `Debian GNU/Linux 12 (bookworm)`.
    pub release: String,
    /// The platform, where it is one that is known.
    pub platform: Option<Platform>,
    /// `uname -n`.
    pub hostname: String,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub arch: String,
    /// Network devices by name.
    pub interfaces: IndexMap<String, InterfaceFacts>,
    /// Whole disks by kernel name.
    pub disks: IndexMap<String, DiskFacts>,
    /// The devices that carry a signature, each with the output of `blkid`. `None` when it was not observed or came
    /// late.
    pub signatures: Option<IndexMap<String, String>>,
    /// Memory in KiB.
    pub memory_kib: u64,
    /// Vendor and product, as the firmware says.
    pub machine: String,
    /// Whether the processor can run guests: `vmx`, `svm`, or neither.
    pub virtualisation: Option<String>,
    /// `enforcing`, `permissive` or `none`.
    pub selinux: String,
    /// Seconds since 1970, by the node's clock.
    pub clock: Option<u64>,
    /// Versions of the cluster's programs that are installed.
    pub versions: IndexMap<String, String>,
    /// This start of the machine.
    pub boot_id: String,
}

/// A network device.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct InterfaceFacts {
    /// Its own (permanent) address.
    pub mac: String,
    /// In bytes.
    pub mtu: u32,
    /// `up`, `down`, `unknown`.
    pub state: String,
    /// Whether there is hardware behind it.
    pub physical: bool,
    /// Its addresses with prefix.
    pub addresses: Vec<String>,
}

/// A whole disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DiskFacts {
    /// In bytes.
    pub bytes: u64,
    /// As the disk says.
    pub model: String,
    /// Its names in /dev/disk/by-id.
    pub ids: Vec<String>,
}

/// Asks for the facts that every command needs: release, name, kernel, boot.
pub fn observe_basics(observe: &mut Observe) {
    let cat = |path: &str| Call::new("cat").arg(path);
    observe.section("facts.os-release", cat("/etc/os-release"));
    observe.section("facts.redhat-release", cat("/etc/redhat-release"));
    let proxmox = ["-W", "-f", "${Version}", "pve-manager"];
    observe.section("facts.proxmox", Call::new("dpkg-query").args(proxmox));
    observe.section("facts.uname", Call::new("uname").args(["-n", "-r", "-m"]));
    observe.section("facts.boot", cat("/proc/sys/kernel/random/boot_id"));
}

/// The cluster's programs, and the arguments that print each one's version.
const PROGRAMS: [(&str, &str, &str); 4] = [
    ("drbd", "drbdadm", "--version"),
    ("corosync", "corosync", "-v"),
    ("shorewall", "shorewall", "version"),
    ("pacemaker", "pacemakerd", "--version"),
];

/// Asks for all facts, from sysfs and procfs; it needs no further package on the node.
pub fn observe(observe: &mut Observe) {
    observe_basics(observe);
    observe.functions(FILES);
    let lines = |patterns: &[&str]| {
        Call::new("nw_lines")
            .arg("^")
            .args(patterns.iter().copied())
    };
    observe.section(
        "facts.links",
        lines(&[
            "/sys/class/net/*/address",
            "/sys/class/net/*/mtu",
            "/sys/class/net/*/operstate",
            "/sys/class/net/*/bonding_slave/perm_hwaddr",
        ]),
    );
    observe.section(
        "facts.hardware",
        Call::new("nw_names").arg("/sys/class/net/*/device"),
    );
    observe.section(
        "facts.addresses",
        Call::new("ip").args(["-o", "addr", "show"]),
    );
    observe.section(
        "facts.disks",
        lines(&["/sys/block/*/size", "/sys/block/*/device/model"]),
    );
    let links = ["/dev/disk/by-id", "-type", "l", "-printf", r"%p -> %l\n"];
    observe.section("facts.ids", Call::new("find").args(links));
    observe.slow_section("facts.signatures", Call::new("blkid").args(["-o", "full"]));
    observe.section("facts.memory", Call::new("cat").arg("/proc/meminfo"));
    let firmware = ["sys_vendor", "product_name"].map(|f| format!("/sys/class/dmi/id/{f}"));
    observe.section("facts.machine", Call::new("cat").args(firmware));
    let flags = ["-m", "1", "^flags", "/proc/cpuinfo"];
    observe.section("facts.processor", Call::new("grep").args(flags));
    observe.section(
        "facts.selinux",
        lines(&["/sys/fs/selinux/enforce", "/selinux/enforce"]),
    );
    observe.section("facts.clock", Call::new("date").args(["-u", "+%s"]));
    for (name, program, word) in PROGRAMS {
        observe.section(format!("facts.{name}"), Call::new(program).arg(word));
    }
}

impl Facts {
    /// The reason why nothing may be done on a node that the site declares to run this: it runs something else, or what
    /// is not known.
    pub fn contradict(&self, declared: Platform, node: &str) -> Option<String> {
        let runs = self.platform.is_some_and(|seen| declared.covers(seen));
        (!runs).then(|| {
            format!(
                "the site declares {declared} for {node}, and it runs {}: nothing is done. Declare what it runs, or install what is declared.",
                self.release
            )
        })
    }

    /// Parses the answer; facts that were not observed stay empty.
    pub fn parse(answer: &Answer) -> Self {
        let (release, platform) = release(
            &answer.text("facts.os-release"),
            &answer.text("facts.redhat-release"),
            &answer.text("facts.proxmox"),
        );
        let uname = answer.text("facts.uname");
        let mut words = uname.split_whitespace();
        let mut word = || words.next().unwrap_or_default().to_owned();
        // `uname -n -r -m` answers in this order whatever the order of its options.
        let (hostname, kernel, arch) = (word(), word(), word());
        Self {
            release,
            platform,
            hostname,
            kernel,
            arch,
            interfaces: interfaces(
                &answer.text("facts.links"),
                &answer.text("facts.hardware"),
                &answer.text("facts.addresses"),
            ),
            disks: disks(&answer.text("facts.disks"), &answer.text("facts.ids")),
            signatures: answer
                .get("facts.signatures")
                .filter(|s| s.status == 0 || s.status == 2)
                .map(|s| signatures(&s.text())),
            memory_kib: answer
                .text("facts.memory")
                .lines()
                .find_map(|l| {
                    l.strip_prefix("MemTotal:")?
                        .trim()
                        .strip_suffix(" kB")?
                        .parse()
                        .ok()
                })
                .unwrap_or_default(),
            machine: answer
                .text("facts.machine")
                .lines()
                .collect::<Vec<_>>()
                .join(" "),
            virtualisation: answer
                .text("facts.processor")
                .split_whitespace()
                .find(|w| *w == "vmx" || *w == "svm")
                .map(ToOwned::to_owned),
            selinux: selinux(&answer.text("facts.selinux")).to_owned(),
            clock: answer.text("facts.clock").trim().parse().ok(),
            versions: PROGRAMS
                .into_iter()
                .filter_map(|(name, ..)| {
                    let version = version(name, &answer.text(&format!("facts.{name}")))?;
                    Some((name.to_owned(), version))
                })
                .collect(),
            boot_id: answer.text("facts.boot").trim().to_owned(),
        }
    }
}

/// The platform of a root filesystem that lies in this folder, where it is one that is known; no minor release of it.
pub fn platform_of_root(root: &std::path::Path) -> Option<Platform> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let (os, redhat) = (read("etc/os-release"), read("etc/redhat-release"));
    release(&os, &redhat, "").1.map(Platform::without_minor)
}

/// The release's own words, and the platform: os-release where there is one, else redhat-release, whose major version
/// stands after "release " (docs/facts/releases.md#how-a-release-is-recognised).
fn release(os: &str, redhat: &str, proxmox: &str) -> (String, Option<Platform>) {
    let os: IndexMap<&str, &str> = os
        .lines()
        .filter_map(|l| l.split_once('='))
        .map(|(k, v)| (k, v.trim_matches(['"', '\''])))
        .collect();
    let redhat = redhat.trim();
    if !redhat.is_empty() {
        let version = redhat.split_once("release ").map_or("", |(_, v)| v);
        return (redhat.to_owned(), Platform::from_redhat_release(version));
    }
    let name = os
        .get("PRETTY_NAME")
        .copied()
        .unwrap_or("unknown")
        .to_owned();
    let word = |key: &str| os.get(key).copied().unwrap_or_default();
    let platform = Platform::from_os_release(word("ID"), word("VERSION_ID"))
        .or_else(|| Platform::from_proxmox(proxmox.trim()));
    (name, platform)
}

/// `DEVICE`, `ATTRIBUTE` and value of each line `FOLDER/DEVICE/ATTRIBUTE:VALUE`.
fn attributes<'a>(
    text: &'a str,
    folder: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    text.lines().filter_map(move |line| {
        let (path, value) = line.strip_prefix(folder)?.split_once(':')?;
        let (device, attribute) = path.split_once('/')?;
        Some((device, attribute, value.trim()))
    })
}

fn interfaces(links: &str, hardware: &str, addresses: &str) -> IndexMap<String, InterfaceFacts> {
    let mut all: IndexMap<String, InterfaceFacts> = IndexMap::new();
    for (name, attribute, value) in attributes(links, "/sys/class/net/") {
        let interface = all.entry(name.to_owned()).or_default();
        match attribute {
            "mtu" => interface.mtu = value.parse().unwrap_or_default(),
            "operstate" => value.clone_into(&mut interface.state),
            // The permanent address of a bond's card follows the address in use, and replaces it.
            _ => value.clone_into(&mut interface.mac),
        }
    }
    for line in hardware.lines() {
        let name = line.strip_prefix("/sys/class/net/");
        let name = name.and_then(|n| n.strip_suffix("/device"));
        if let Some(interface) = name.and_then(|n| all.get_mut(n)) {
            interface.physical = true;
        }
    }
    for line in addresses.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [_, name, "inet" | "inet6", address, ..] = words.as_slice() {
            let name = name.split('@').next().unwrap_or(name);
            if let Some(interface) = all.get_mut(name) {
                interface.addresses.push((*address).to_owned());
            }
        }
    }
    all
}

/// Whole disks; sizes are in sectors of 512 bytes, as sysfs has them.
fn disks(disks: &str, ids: &str) -> IndexMap<String, DiskFacts> {
    let no_disk = ["loop", "ram", "zram", "dm-", "drbd", "sr", "fd"];
    let mut all: IndexMap<String, DiskFacts> = IndexMap::new();
    for (name, attribute, value) in attributes(disks, "/sys/block/") {
        if no_disk.iter().any(|p| name.starts_with(p)) {
            continue;
        }
        let disk = all.entry(name.to_owned()).or_default();
        if attribute == "size" {
            disk.bytes = value.parse::<u64>().unwrap_or_default() * 512;
        } else {
            value.clone_into(&mut disk.model);
        }
    }
    for line in ids.lines() {
        let Some((id, device)) = line.split_once(" -> ") else {
            continue;
        };
        let id = id.trim_start_matches("/dev/disk/by-id/");
        let device = device.rsplit('/').next().unwrap_or_default();
        if let Some(disk) = all.get_mut(device) {
            disk.ids.push(id.to_owned());
        }
    }
    for disk in all.values_mut() {
        disk.ids.sort();
    }
    all
}

/// Parses the first of the kernel's files that exists: 1 is enforcing, 0 is permissive.
fn selinux(text: &str) -> &'static str {
    let first = text.lines().next().and_then(|l| l.split_once(':'));
    match first.map(|(_, value)| value.trim()) {
        Some("1") => "enforcing",
        Some("0") => "permissive",
        _ => "none",
    }
}

/// The version in what a program says of itself; none where it says nothing.
fn version(program: &str, text: &str) -> Option<String> {
    let mut lines = text.lines();
    let found = match program {
        "drbd" => lines.find_map(|l| l.strip_prefix("DRBDADM_VERSION=")),
        "corosync" => lines.find_map(|l| Some(l.rsplit_once("version ")?.1)),
        "pacemaker" => lines
            .next()
            .map(|l| l.strip_prefix("Pacemaker ").unwrap_or(l)),
        _ => lines.next(),
    };
    let found = found?.trim().trim_matches(['\'', '"']);
    (!found.is_empty()).then(|| found.to_owned())
}

fn signatures(text: &str) -> IndexMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(device, what)| (device.to_owned(), what.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests;
