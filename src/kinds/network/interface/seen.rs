//! What a node says of its interfaces, read.

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
pub(super) const CLUSTER: &str = "interface-cluster";
pub(super) const MIRRORS: &str = "interface-mirrors";

/// How an interface stands. As JSON it is what checks compare with.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word that checks ask for"
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
    /// What the card with the wanted MAC address is called.
    pub(super) called: Option<String>,
    /// The bond or bridge it belongs to.
    pub(super) master: Option<String>,
    /// What a VLAN is on.
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
    /// The profile that NetworkManager has active on it.
    pub(super) profile: Option<String>,
    /// Addresses and networks that stand in its files as they are now.
    #[serde(skip)]
    pub(super) known: BTreeSet<String>,
    /// What of all that stands on it there is.
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
    /// The mirrors that are connected to the peer; none where the node did not say.
    pub(super) mirrors: Option<Vec<String>>,
}

impl Seen {
    /// Reads what was seen of one.
    pub(super) fn read(want: &Want, answer: &Answer) -> Result<Self, String> {
        let section = answer.get(DEVICES).ok_or("the devices were not asked")?;
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
        seen.dhcp = dhcp
            .lines()
            .any(|line| line.split_whitespace().next_back() == Some(&want.interface));
        let profiles = answer.text(PROFILES);
        seen.profile = profiles.lines().find_map(|line| {
            let (device, uuid) = line.split_once(':')?;
            (device == want.interface).then(|| uuid.to_owned())
        });
        let ppp = answer.text(PPP);
        seen.at_boot = ppp.lines().any(|line| line == "at boot");
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

    /// Whether an address or network, with or without a prefix, stands in one of its own files.
    pub(super) fn is_known(&self, text: &str) -> bool {
        let alone = text.split('/').next().unwrap_or(text);
        self.known.contains(text) || self.known.contains(alone)
    }

    fn devices(&mut self, want: &Want, text: &str) {
        let name = want.interface.as_str();
        let (mut bridge, mut bond) = (false, false);
        let mut kernel = "";
        let mut down = BTreeSet::new();
        let mut macs: BTreeMap<&str, String> = BTreeMap::new();
        for line in text.lines() {
            let mut words = line.splitn(3, ' ');
            let (Some(device), Some(key)) = (words.next(), words.next()) else {
                continue;
            };
            let value = words.next().unwrap_or_default().trim();
            // What a card of a bond has for its own comes after what it uses.
            if key == "permanent" || key == "address" && !macs.contains_key(device) {
                macs.insert(device, value.to_ascii_lowercase());
            }
            if key == "mii" && value != "up" {
                down.insert(device);
            }
            if key == "port" && value == name
                || key == "bond.slaves" && value.split(' ').any(|s| s == name)
            {
                self.master = Some(device.to_owned());
            }
            if device != name {
                continue;
            }
            match key {
                "type" => {
                    self.present = true;
                    kernel = value;
                }
                "flags" => {
                    let flags = u32::from_str_radix(value.trim_start_matches("0x"), 16);
                    self.up = flags.is_ok_and(|f| f & 1 == 1);
                }
                "mtu" => self.mtu = value.parse().unwrap_or(0),
                "operstate" => value.clone_into(&mut self.link),
                "stp" => {
                    bridge = true;
                    self.options.insert("stp".into(), value.to_owned());
                }
                "port" => self.ports.push(value.to_owned()),
                "bond.slaves" => {
                    bond = true;
                    self.ports = value.split_whitespace().map(str::to_owned).collect();
                }
                "vlan" => {
                    let (id, parent) = value.split_once(' ').unwrap_or((value, ""));
                    self.vlan = id.parse().ok();
                    self.parent = Some(parent.to_owned());
                }
                key => {
                    if let Some(option) = key.strip_prefix("bond.") {
                        self.options.insert(option.to_owned(), value.to_owned());
                    }
                }
            }
        }
        let there = |name: &str| {
            text.lines()
                .any(|l| l.split_once(" type ").is_some_and(|(d, _)| d == name))
        };
        let above = want.above.iter().map(|u| u.name.clone());
        self.above = above.filter(|name| there(name)).collect();
        let sort = match kernel {
            _ if bond => "bond",
            _ if bridge => "bridge",
            _ if self.vlan.is_some() => "vlan",
            "1" => "ethernet",
            "512" => "ppp",
            "" => "",
            _ => "other",
        };
        sort.clone_into(&mut self.sort);
        self.ports_down = if bond {
            let ports = self.ports.iter();
            ports
                .filter(|p| down.contains(p.as_str()))
                .cloned()
                .collect()
        } else {
            Vec::new()
        };
        self.mac = macs.get(name).cloned().unwrap_or_default();
        if let Some(mac) = &want.mac {
            let mac = mac.to_ascii_lowercase();
            let mut found = macs.iter().filter(|(_, m)| **m == mac).map(|(d, _)| *d);
            // A VLAN or bridge has the address of its card too; the card is the one that is called best.
            self.called = if macs.get(name) == Some(&mac) {
                Some(name.to_owned())
            } else {
                found
                    .find(|d| !text.contains(&format!("\n{d} vlan ")) && !d.contains('.'))
                    .map(str::to_owned)
            };
        }
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

    /// `FILE:LINE` of `grep`: which files describe the device, and what addresses stand in its own ones.
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

/// The guests' ports of a bridge: what programs hold, and ends of wires into containers.
pub(super) fn guests<'a>(bridge: &str, text: &'a str) -> Vec<&'a str> {
    let lines = || text.lines().filter_map(|l| l.split_once(' '));
    let ports = lines().filter(|(device, _)| *device == bridge);
    let ports = ports.filter_map(|(_, value)| value.strip_prefix("port "));
    let guest = |port: &&str| {
        let held = lines().any(|(device, value)| device == *port && value == "tun yes");
        held || ["vnet", "tap", "veth", "lxc"]
            .iter()
            .any(|p| port.starts_with(p))
    };
    ports.filter(guest).collect()
}

/// Files that a run takes the device out of, or removes.
fn replaced(path: &str, want: &Want) -> bool {
    path == super::INTERFACES || path == super::old_ifcfg(&want.interface)
}

fn is_net(text: &str) -> bool {
    text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok()
}

/// A network as it is compared: one address of IPv4 stands for a network of one.
pub(super) fn whole(text: &str) -> String {
    match text.parse::<IpNet>() {
        Ok(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
        Ok(net) => net.to_string(),
        Err(_) => text.to_owned(),
    }
}

impl Sort {
    /// Whether what was seen is of this sort.
    pub(super) fn is(self, seen: &Seen) -> bool {
        seen.sort == self.word()
    }
}
