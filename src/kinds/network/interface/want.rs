//! The keys of a step of kind `interface`.

use super::seen::Seen;
use crate::kind::valid;
use crate::text::Text;
use ipnet::IpNet;
use std::net::IpAddr;

/// The keys of a step of kind `interface`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its name.
    pub(super) interface: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(super) sort: Sort,
    /// The files that describe it to the node.
    pub(super) files: Vec<FileWant>,
    /// Its own MAC address, for a card: one with another address is left alone.
    pub(super) mac: Option<String>,
    /// The bond or bridge it belongs to.
    pub(super) master: Option<String>,
    /// The device below a VLAN.
    pub(super) parent: Option<String>,
    /// The number of a VLAN.
    pub(super) vlan: Option<u16>,
    /// The cards of a bond, the ports of a bridge (which has those of guests besides).
    #[serde(default)]
    pub(super) ports: Vec<String>,
    /// Largest packet, bytes; left as it is when unset.
    pub(super) mtu: Option<u32>,
    /// Its addresses with the lengths of their prefixes; for a serial line the own address alone.
    #[serde(default)]
    pub(super) addresses: Vec<String>,
    /// A DHCP server gives the address.
    #[serde(default)]
    pub(super) dhcp: bool,
    /// The default gateway behind it.
    pub(super) gateway: Option<IpAddr>,
    /// Further networks behind it.
    #[serde(default)]
    pub(super) routes: Vec<RouteWant>,
    /// The way in which a bond works.
    pub(super) bond: Option<BondWant>,
    /// The two ends of a serial line.
    pub(super) serial: Option<SerialWant>,
    /// The UUID of its profile, where NetworkManager has it.
    pub(super) uuid: Option<String>,
    /// Its zone, for display.
    pub(super) zone: Option<String>,
    /// The devices on top of it, which have no traffic while it is down.
    #[serde(default)]
    pub(super) above: Vec<UpperWant>,
    /// The traffic of the cluster over it: while the cluster runs on the node, no change interrupts it.
    #[serde(default)]
    pub(super) carries: Vec<String>,
}

/// The type of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sort {
    /// A card.
    Ethernet,
    /// Several cards as one.
    Bond,
    /// One VLAN of a trunk.
    Vlan,
    /// A bridge for guests.
    Bridge,
    /// A serial line under PPP.
    Ppp,
}

/// A file that describes an interface.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileWant {
    /// Its absolute path.
    pub(super) path: String,
    /// Its whole content.
    pub(super) content: Text,
    /// Its mode; "0644" when unset.
    pub(super) mode: Option<String>,
}

/// A way to a network.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteWant {
    /// The network: `10.8.0.0/16`, `10.8.0.1/32`.
    pub(super) to: String,
    /// The router.
    pub(super) via: IpAddr,
}

/// The way in which a bond works. Milliseconds throughout; an option that is none is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BondWant {
    /// The mode's word: `active-backup`.
    pub(super) mode: String,
    /// The mode's number.
    pub(super) number: u8,
    /// The card that is used while it is well.
    pub(super) primary: Option<String>,
    /// The interval at which carriers are checked; 0 where ARP judges.
    pub(super) miimon: u32,
    /// The time for which a link that came back is not used.
    #[serde(default)]
    pub(super) updelay: u32,
    /// The time for which a link that is gone is still used.
    #[serde(default)]
    pub(super) downdelay: u32,
    /// The interval of ARP requests, in milliseconds; 0 where carriers are checked.
    #[serde(default)]
    pub(super) arp_interval: u32,
    /// The addresses that ARP requests are sent to.
    #[serde(default)]
    pub(super) arp_targets: Vec<IpAddr>,
    /// When the primary card is used again: `always`, `better`, `failure`.
    pub(super) reselect: Option<String>,
    /// The interval at which LACP speaks: `slow`, `fast`.
    pub(super) lacp_rate: Option<String>,
    /// The fields of a packet that choose its card: `layer2`, `layer2+3`, `layer3+4`.
    pub(super) hash: Option<String>,
}

/// A serial line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SerialWant {
    /// The serial port without `/dev/`.
    pub(super) tty: String,
    /// Bits a second.
    pub(super) speed: u32,
    /// The other node.
    pub(super) peer: String,
    /// The other end's address.
    pub(super) remote: IpAddr,
    /// The word by which a running pppd shows that it was started with all this.
    pub(super) mark: String,
}

/// A device on top of an interface.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpperWant {
    /// Its name.
    pub(super) name: String,
    /// Its zone.
    pub(super) zone: Option<String>,
}

impl Sort {
    /// The word for it in the node's shell and in output.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::Bond => "bond",
            Self::Vlan => "vlan",
            Self::Bridge => "bridge",
            Self::Ppp => "ppp",
        }
    }
}

impl Want {
    /// Its addresses, parsed; they were validated before.
    pub(super) fn nets(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.addresses.iter().filter_map(|a| a.parse().ok())
    }

    /// Its name for display: `br0 (lan)`.
    pub(super) fn called(&self) -> String {
        called(&self.interface, self.zone.as_deref())
    }

    /// It and all that is on top of it on the node, by their names for display.
    pub(super) fn interrupted(&self, seen: &Seen) -> String {
        let above = self.above.iter().filter(|u| seen.above.contains(&u.name));
        let above = above.map(|u| called(&u.name, u.zone.as_deref()));
        let all: Vec<String> = std::iter::once(self.called()).chain(above).collect();
        all.join(", ")
    }

    /// Whether mirrors are connected over it.
    pub(super) fn carries_mirrors(&self) -> bool {
        self.carries.iter().any(|what| what == "mirrors")
    }

    pub(super) fn validate(&self) -> Result<(), String> {
        let others = self.ports.iter().chain(&self.master).chain(&self.parent);
        let above = self.above.iter().map(|u| &u.name);
        for name in std::iter::once(&self.interface).chain(others).chain(above) {
            device(name)?;
        }
        for file in &self.files {
            valid::path("path", &file.path)?;
            valid::mode(file.mode.as_deref())?;
        }
        for (what, text) in [("mac", &self.mac), ("uuid", &self.uuid)] {
            if let Some(text) = text {
                valid::plain(what, text)?;
            }
        }
        if self.sort != Sort::Ppp {
            for address in &self.addresses {
                address.parse::<IpNet>().map_err(|_| {
                    format!("`{address}` is no address with a prefix, such as 192.0.2.5/24")
                })?;
            }
        }
        for route in &self.routes {
            let to: IpNet = route
                .to
                .parse()
                .map_err(|_| format!("`{}` is no network, such as 10.8.0.0/16", route.to))?;
            if to.addr().is_ipv4() != route.via.is_ipv4() {
                return Err(format!("{} is no router for {to}", route.via));
            }
        }
        let has = |what: &str, is: bool, wanted: bool| match (is, wanted) {
            (false, true) => Err(format!(
                "`{}` is of type {} and needs `{what}`",
                self.interface,
                self.sort.word()
            )),
            (true, false) => Err(format!(
                "`{}` is of type {} and can have no `{what}`",
                self.interface,
                self.sort.word()
            )),
            _ => Ok(()),
        };
        has("bond", self.bond.is_some(), self.sort == Sort::Bond)?;
        has("vlan", self.vlan.is_some(), self.sort == Sort::Vlan)?;
        has("parent", self.parent.is_some(), self.sort == Sort::Vlan)?;
        has("serial", self.serial.is_some(), self.sort == Sort::Ppp)?;
        if self.dhcp && self.nets().any(|n| n.addr().is_ipv4()) {
            return Err(format!(
                "`{}` has an address and `dhcp`: one of the two",
                self.interface
            ));
        }
        if self.master.is_some() && (self.dhcp || !self.addresses.is_empty()) {
            return Err(format!(
                "`{}` belongs to another device, which has the address",
                self.interface
            ));
        }
        if let Some(bond) = &self.bond {
            for (what, word) in [("reselect", &bond.reselect), ("lacp_rate", &bond.lacp_rate)] {
                if let Some(word) = word {
                    valid::plain(what, word)?;
                }
            }
            valid::plain("mode", &bond.mode)?;
        }
        if let Some(serial) = &self.serial {
            valid::plain("tty", &serial.tty)?;
            valid::plain("mark", &serial.mark)?;
        }
        Ok(())
    }
}

fn called(name: &str, zone: Option<&str>) -> String {
    zone.map_or_else(|| name.to_owned(), |zone| format!("{name} ({zone})"))
}

/// A name that the kernel takes, that is no option and no path.
fn device(name: &str) -> Result<(), String> {
    let ok = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..16).contains(&name.len()) && name.bytes().all(ok) && !name.starts_with(['.', '-']) {
        Ok(())
    } else {
        Err(format!(
            "`{}` is no name of an interface: at most 15 letters, digits, `.`, `_` and `-`",
            name.escape_debug()
        ))
    }
}
