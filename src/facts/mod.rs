//! What a node is made of, as it says itself; and whether that is what the site declares.
//!
//! Facts never reach a template: rendering is a function of the site alone.

mod compare;

pub use compare::{Difference, differences};

use crate::kind::{Answer, Observe};
use crate::platform::Platform;
use crate::sh::Call;
use crate::shell::Shell;
use indexmap::IndexMap;

/// What a node says of itself.
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
    pub interfaces: IndexMap<String, Interface>,
    /// Whole disks by kernel name.
    pub disks: IndexMap<String, Disk>,
    /// What carries a signature: device and what `blkid` says of it. `None` when it was not asked or came late.
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
pub struct Interface {
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
pub struct Disk {
    /// In bytes.
    pub bytes: u64,
    /// As the disk says.
    pub model: String,
    /// Its names in /dev/disk/by-id.
    pub ids: Vec<String>,
}

/// Asks what every command needs to know: release, name, kernel, boot.
pub fn observe_basics(observe: &mut Observe) {
    observe.functions(Shell::new(include_str!("facts.sh")));
    observe.section("facts.release", Call::new("nw_facts_release"));
    observe.section("facts.uname", Call::new("uname").args(["-n", "-r", "-m"]));
    observe.section(
        "facts.boot",
        Call::new("cat").arg("/proc/sys/kernel/random/boot_id"),
    );
}

/// Asks for everything.
pub fn observe(observe: &mut Observe) {
    observe_basics(observe);
    observe.section("facts.links", Call::new("nw_facts_links"));
    observe.section(
        "facts.addresses",
        Call::new("ip").args(["-o", "addr", "show"]),
    );
    observe.section("facts.disks", Call::new("nw_facts_disks"));
    observe.section("facts.ids", Call::new("nw_facts_ids"));
    observe.slow_section("facts.signatures", Call::new("nw_facts_signatures"));
    observe.section("facts.memory", Call::new("cat").arg("/proc/meminfo"));
    observe.section("facts.virtual", Call::new("nw_facts_virtual"));
    observe.section("facts.selinux", Call::new("nw_facts_selinux"));
    observe.section("facts.clock", Call::new("date").args(["-u", "+%s"]));
    observe.section("facts.versions", Call::new("nw_facts_versions"));
}

impl Facts {
    /// Why nothing may be done on a node that the site declares to run this: it runs something else, or what is not
    /// known.
    pub fn contradict(&self, declared: Platform, node: &str) -> Option<String> {
        let runs = self.platform.is_some_and(|seen| declared.covers(seen));
        (!runs).then(|| {
            format!(
                "the site declares {declared} for {node}, and it runs {}: nothing is done. Declare what it runs, or install what is declared.",
                self.release
            )
        })
    }

    /// Reads what was asked; what was not asked stays empty.
    pub fn parse(answer: &Answer) -> Self {
        let (release, platform) = release(&answer.text("facts.release"));
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
            interfaces: interfaces(&answer.text("facts.links"), &answer.text("facts.addresses")),
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
                .text("facts.virtual")
                .lines()
                .take_while(|l| *l != "---")
                .collect::<Vec<_>>()
                .join(" "),
            virtualisation: answer
                .text("facts.virtual")
                .split_whitespace()
                .find(|w| *w == "vmx" || *w == "svm")
                .map(ToOwned::to_owned),
            selinux: match answer.text("facts.selinux").trim() {
                "1" => "enforcing".to_owned(),
                "0" => "permissive".to_owned(),
                _ => "none".to_owned(),
            },
            clock: answer.text("facts.clock").trim().parse().ok(),
            versions: answer
                .text("facts.versions")
                .lines()
                .filter_map(|l| l.split_once(' '))
                .filter(|(_, v)| !v.is_empty())
                .map(|(k, v)| (k.to_owned(), v.trim_matches(['\'', '"']).to_owned()))
                .collect(),
            boot_id: answer.text("facts.boot").trim().to_owned(),
        }
    }
}

/// The platform of a root filesystem that lies in this folder, where it is one that is known; no minor release of it.
pub fn platform_of_root(root: &std::path::Path) -> Option<Platform> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    release(&format!(
        "{}---\n{}---\n",
        read("etc/os-release"),
        read("etc/redhat-release")
    ))
    .1
    .map(Platform::without_minor)
}

/// The release's own words, and the platform: os-release where there is one, else redhat-release, whose major version
/// stands after "release " (docs/facts/releases.md#how-a-release-is-recognised).
fn release(text: &str) -> (String, Option<Platform>) {
    let mut parts = text.split("---\n");
    let os: IndexMap<&str, &str> = parts
        .next()
        .unwrap_or_default()
        .lines()
        .filter_map(|l| l.split_once('='))
        .map(|(k, v)| (k, v.trim_matches(['"', '\''])))
        .collect();
    let redhat = parts.next().unwrap_or_default().trim();
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
    // Debian's own version comes next.
    let proxmox = parts.nth(1).unwrap_or_default().trim();
    let platform = Platform::from_os_release(word("ID"), word("VERSION_ID"))
        .or_else(|| Platform::from_proxmox(proxmox));
    (name, platform)
}

fn interfaces(links: &str, addresses: &str) -> IndexMap<String, Interface> {
    let mut all: IndexMap<String, Interface> = links
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [name, mac, mtu, state, hardware] = words.as_slice() else {
                return None;
            };
            let interface = Interface {
                mac: (*mac).to_owned(),
                mtu: mtu.parse().unwrap_or_default(),
                state: (*state).to_owned(),
                physical: *hardware == "physical",
                addresses: Vec::new(),
            };
            Some(((*name).to_owned(), interface))
        })
        .collect();
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

fn disks(disks: &str, ids: &str) -> IndexMap<String, Disk> {
    let mut all: IndexMap<String, Disk> = disks
        .lines()
        .filter_map(|line| {
            let mut words = line.splitn(3, ' ');
            let (name, sectors) = (words.next()?, words.next()?);
            let model = words.next().unwrap_or_default().trim().to_owned();
            let disk = Disk {
                bytes: sectors.parse::<u64>().ok()? * 512,
                model,
                ids: Vec::new(),
            };
            Some((name.to_owned(), disk))
        })
        .collect();
    for line in ids.lines() {
        let Some((id, device)) = line.split_once(" -> ") else {
            continue;
        };
        let quotes = ['`', '\'', '"'];
        let id = id
            .trim_matches(quotes)
            .trim_start_matches("/dev/disk/by-id/");
        let device = device
            .trim_matches(quotes)
            .rsplit('/')
            .next()
            .unwrap_or_default();
        if let Some(disk) = all.get_mut(device) {
            disk.ids.push(id.to_owned());
        }
    }
    all
}

fn signatures(text: &str) -> IndexMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(device, what)| (device.to_owned(), what.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests;
