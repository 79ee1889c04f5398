//! The observed state of a node's interfaces.

use super::devices::{KernelDevice, devices};
use super::want::{Sort, Want};
use crate::kind::Answer;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Sections of the answer.
pub(super) const DEVICES: &str = "interface";
pub(super) const ADDRESSES: &str = "interface-addr";
pub(super) const ROUTES: &str = "interface-route";
pub(super) const ROUTES6: &str = "interface-route6";
pub(super) const FILES: &str = "interface-files";
pub(super) const DHCP: &str = "interface-dhcp";
pub(super) const PROFILES: &str = "interface-profiles";
pub(super) const PPP: &str = "interface-ppp";
pub(super) const BOOT: &str = "interface-boot";
pub(super) const CLUSTER: &str = "interface-cluster";
pub(super) const MIRRORS: &str = "interface-mirrors";

/// The state of an interface. As JSON it is what checks compare with.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "checks read each by its name"
)]
pub struct Seen {
    /// Whether the kernel has it.
    pub(super) present: bool,
    /// `ethernet`, `bond`, `vlan`, `bridge`, `ppp` or `other`; empty when it is not there.
    pub(super) sort: String,
    /// Whether it is switched on.
    pub(super) up: bool,
    /// Whether its link works: `up`, `down`, `unknown`, … in the kernel's words.
    pub(super) link: String,
    /// Largest packet, bytes.
    pub(super) mtu: u32,
    /// Its own MAC address; a bond's card keeps it beside the one it uses.
    pub(super) mac: String,
    /// The name of the card with the desired MAC address.
    pub(super) called: Option<String>,
    /// The bond or bridge it belongs to.
    pub(super) master: Option<String>,
    /// The device below a VLAN.
    pub(super) parent: Option<String>,
    /// The number of a VLAN.
    pub(super) vlan: Option<u16>,
    /// The cards of a bond, the ports of a bridge.
    pub(super) ports: Vec<String>,
    /// Ports of a bond whose link is gone.
    pub(super) ports_down: Vec<String>,
    /// Options of a bond, and `stp` of a bridge, in the kernel's words.
    pub(super) options: BTreeMap<String, String>,
    /// Its addresses with their prefixes, without link-local ones.
    pub(super) addresses: Vec<String>,
    /// Addresses that neither the site nor a file of ours knows.
    pub(super) foreign: Vec<String>,
    /// Routers of default routes over it.
    pub(super) gateways: Vec<String>,
    /// Other routes over routers behind it: `10.8.0.0/16 via 10.0.2.254`.
    pub(super) routes: Vec<String>,
    /// Whether a DHCP client asks for it.
    pub(super) dhcp: bool,
    /// A client of NetworkManager's asks a DHCP server, which ends with it.
    pub(super) lent: bool,
    /// The profile that NetworkManager has active on it.
    pub(super) profile: Option<String>,
    /// Addresses and networks of its files.
    #[serde(skip)]
    pub(super) known: BTreeSet<String>,
    /// The devices on top of it that are there.
    #[serde(skip)]
    pub(super) above: Vec<String>,
    /// Other files that describe it.
    pub(super) elsewhere: Vec<String>,
    /// The mark of the pppd that runs for a serial line.
    pub(super) mark: Option<String>,
    /// Whether that is started at boot.
    pub(super) at_boot: bool,
    /// Whether cluster software runs on the node.
    pub(super) member: bool,
    /// The mirrors that are connected to the peer; none where that is unknown.
    pub(super) mirrors: Option<Vec<String>>,
}

impl Seen {
    /// Parses the observed state of one interface.
    pub(super) fn read(want: &Want, answer: &Answer) -> Result<Self, String> {
        let section = answer
            .get(DEVICES)
            .ok_or("the network devices were not observed")?;
        if answer.get(ADDRESSES).is_none_or(|s| s.status != 0) {
            return Err("`ip addr` is missing on this node, or failed".to_owned());
        }
        let text = section.text();
        let mut seen = Self::default();
        seen.devices(want, &text);
        seen.addresses(want, answer);
        seen.routes(want, answer);
        seen.files(want, answer);
        let dhcp = answer.text(DHCP);
        // docs/facts/network.md#a-running-clusters-links
        let (lent, ours): (Vec<_>, Vec<_>) = dhcp
            .lines()
            .filter(|line| line.split_whitespace().next_back() == Some(&want.interface))
            .partition(|line| line.contains("nm-dhcp-helper"));
        seen.dhcp = !ours.is_empty();
        seen.lent = !lent.is_empty();
        let profiles = answer.text(PROFILES);
        seen.profile = profiles.lines().find_map(|line| {
            let (device, uuid) = line.split_once(':')?;
            (device == want.interface).then(|| uuid.to_owned())
        });
        let ppp = answer.text(PPP);
        seen.at_boot = !answer.text(BOOT).trim().is_empty();
        seen.mark = ppp.lines().find_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ours = words.windows(2).any(|w| w == ["call", "serial"]);
            let mark = words.windows(2).find(|w| w[0] == "ipparam")?[1];
            ours.then(|| mark.to_owned())
        });
        seen.member = answer.get(CLUSTER).is_some_and(|s| s.status == 0);
        seen.mirrors = match answer.get(MIRRORS) {
            None => Some(Vec::new()),
            Some(section) => (section.status == 0).then(|| connected(&section.text())),
        };
        let own: BTreeSet<String> = want.nets().map(|n| n.to_string()).collect();
        seen.foreign = seen
            .addresses
            .iter()
            .filter(|a| !own.contains(*a) && !seen.is_known(a))
            .cloned()
            .collect();
        Ok(seen)
    }

    /// Whether one of its own files has an address or network, with or without a prefix.
    pub(super) fn is_known(&self, text: &str) -> bool {
        let alone = text.split('/').next().unwrap_or(text);
        self.known.contains(text) || self.known.contains(alone)
    }

    fn devices(&mut self, want: &Want, text: &str) {
        let name = want.interface.as_str();
        let all = devices(text);
        let there = |name: &str| all.get(name).and_then(|d| d.attribute("type"));
        let above = want.above.iter().map(|u| u.name.clone());
        self.above = above.filter(|name| there(name).is_some()).collect();
        let master = all.iter().rfind(|(_, d)| d.members().contains(&name));
        self.master = master.map(|(device, _)| (*device).to_owned());
        if let Some(device) = all.get(name) {
            self.device(device);
            if device.is_bond() {
                let down = |port: &&str| {
                    let mii = all.get(port).and_then(|d| d.mii);
                    mii.is_some_and(|state| state != "up")
                };
                let ports = device.members().into_iter().filter(down);
                self.ports_down = ports.map(str::to_owned).collect();
            }
        }
        if let Some(mac) = &want.mac {
            let mac = mac.to_ascii_lowercase();
            // A VLAN or bridge has the address of its card too; the card is the one that is called best.
            self.called = if self.mac == mac {
                Some(name.to_owned())
            } else {
                let mut cards = all.iter().filter(|(_, d)| d.mac().as_ref() == Some(&mac));
                let card = cards.find(|(name, d)| d.vlan.is_none() && !name.contains('.'));
                card.map(|(name, _)| (*name).to_owned())
            };
        }
    }

    fn device(&mut self, device: &KernelDevice<'_>) {
        let kernel = device.attribute("type");
        self.present = kernel.is_some();
        let flags = device.attribute("flags").unwrap_or_default();
        let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16);
        self.up = flags.is_ok_and(|f| f & 1 == 1);
        let mtu = device.attribute("mtu").and_then(|mtu| mtu.parse().ok());
        self.mtu = mtu.unwrap_or_default();
        let link = device.attribute("operstate").unwrap_or_default();
        link.clone_into(&mut self.link);
        self.mac = device.mac().unwrap_or_default();
        if let Some((id, parent)) = device.vlan {
            self.vlan = id.parse().ok();
            self.parent = Some(parent.to_owned());
        }
        self.ports = device.members().into_iter().map(str::to_owned).collect();
        for (file, value) in &device.attributes {
            let option = match file.strip_prefix("bonding/") {
                Some("slaves") => continue,
                Some(option) => option,
                None if *file == "bridge/stp_state" => "stp",
                None => continue,
            };
            self.options.insert(option.to_owned(), (*value).to_owned());
        }
        let sort = match kernel {
            _ if device.is_bond() => "bond",
            _ if device.attribute("bridge/stp_state").is_some() => "bridge",
            _ if device.vlan.is_some() => "vlan",
            Some("1") => "ethernet",
            Some("512") => "ppp",
            None => "",
            _ => "other",
        };
        sort.clone_into(&mut self.sort);
    }

    fn addresses(&mut self, want: &Want, answer: &Answer) {
        for line in answer.text(ADDRESSES).lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, device, "inet" | "inet6", address, ..] = words.as_slice() else {
                continue;
            };
            if *device != want.interface || words.windows(2).any(|w| w == ["scope", "link"]) {
                continue;
            }
            self.addresses.push((*address).to_owned());
        }
    }

    fn routes(&mut self, want: &Want, answer: &Answer) {
        for section in [ROUTES, ROUTES6] {
            for line in answer.text(section).lines() {
                let words: Vec<&str> = line.split_whitespace().collect();
                let after = |key: &str| {
                    let at = words.iter().position(|w| *w == key)?;
                    words.get(at + 1).copied()
                };
                let (Some(to), Some(via), Some(device)) =
                    (words.first(), after("via"), after("dev"))
                else {
                    continue;
                };
                if device != want.interface {
                    continue;
                }
                if *to == "default" {
                    self.gateways.push(via.to_owned());
                } else {
                    self.routes.push(format!("{} via {via}", whole(to)));
                }
            }
        }
        self.gateways.dedup();
    }

    /// `FILE:LINE` of `grep`: which files describe the device, and what addresses are in its own ones.
    fn files(&mut self, want: &Want, answer: &Answer) {
        let text = answer.text(FILES);
        let own = |path: &str| want.files.iter().any(|f| f.path == path);
        let mut of_device = "";
        for line in text.lines() {
            let Some((path, line)) = line.split_once(':') else {
                continue;
            };
            let line = line.trim();
            let names = [
                line.strip_prefix("iface "),
                line.strip_prefix("DEVICE="),
                line.strip_prefix("interface-name="),
            ];
            if let Some(named) = names.into_iter().flatten().next() {
                let named = named.trim_matches('"').split_whitespace().next();
                of_device = named.unwrap_or_default();
                let new = !self.elsewhere.iter().any(|p| p == path);
                if of_device == want.interface && !own(path) && new && !replaced(path, want) {
                    self.elsewhere.push(path.to_owned());
                }
            }
            if own(path) || path == super::INTERFACES && of_device == want.interface {
                let parts = line.split(|c: char| !(c.is_ascii_hexdigit() || ".:/".contains(c)));
                self.known.extend(parts.filter(|p| is_net(p)).map(whole));
            }
        }
    }
}

/// The mirrors that are connected, from `/proc/drbd` of version 8 (` 0: cs:Connected ro:…`) or the events of version 9
/// (`exists connection name:r0 … connection:Connected …`): docs/facts/storage.md#state-of-mirrors.
fn connected(text: &str) -> Vec<String> {
    // States in which nothing is sent to the peer, in both versions' words.
    let apart = [
        "BrokenPipe",
        "Connecting",
        "Disconnecting",
        "NetworkFailure",
        "ProtocolError",
        "StandAlone",
        "TearDown",
        "Timeout",
        "Unconfigured",
        "Unconnected",
        "WFConnection",
    ];
    let one = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let after = |key: &str| words.iter().find_map(|w| w.strip_prefix(key));
        let (name, state) = match words.as_slice() {
            ["exists", "connection", ..] => (after("name:")?.to_owned(), after("connection:")?),
            [minor, state, ..] => {
                let minor = minor.strip_suffix(':')?.parse::<u32>().ok()?;
                (format!("drbd{minor}"), state.strip_prefix("cs:")?)
            }
            _ => return None,
        };
        (!apart.contains(&state)).then_some(name)
    };
    let mut names: Vec<String> = text.lines().filter_map(one).collect();
    names.dedup();
    names
}

/// The guests' ports of a bridge: ports that programs hold, and ends of wires into containers.
pub(super) fn guests<'a>(bridge: &str, text: &'a str) -> Vec<&'a str> {
    let all = devices(text);
    let Some(bridge) = all.get(bridge) else {
        return Vec::new();
    };
    let guest = |port: &&str| {
        let held = all.get(port).and_then(|d| d.attribute("tun_flags"));
        held.is_some()
            || ["vnet", "tap", "veth", "lxc"]
                .iter()
                .any(|p| port.starts_with(p))
    };
    bridge.ports.iter().copied().filter(guest).collect()
}

/// Files that a run takes the device out of, or removes.
fn replaced(path: &str, want: &Want) -> bool {
    path == super::INTERFACES || path == super::old_ifcfg(&want.interface)
}

fn is_net(text: &str) -> bool {
    text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok()
}

/// A network as it is compared: one address of IPv4 is a network of one.
pub(super) fn whole(text: &str) -> String {
    match text.parse::<IpNet>() {
        Ok(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
        Ok(net) => net.to_string(),
        Err(_) => text.to_owned(),
    }
}

impl Sort {
    /// Whether the observed device is of this type.
    pub(super) fn is(self, seen: &Seen) -> bool {
        seen.sort == self.word()
    }
}
