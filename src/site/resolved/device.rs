//! The network devices of a node, as templates and the role `network` see them.

use super::super::tables::network::{BondMode, HashPolicy, LacpRate, Reselect};
use serde::Serialize;
use std::net::IpAddr;

/// The type of a device. Devices are started in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// A card.
    Ethernet,
    /// Several cards as one.
    Bond,
    /// One VLAN of a trunk.
    Vlan,
    /// A bridge for guests.
    Bridge,
    /// The serial line.
    Ppp,
}

/// A network device of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "templates read each by its name"
)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: DeviceKind,
    /// Its number in start order, from 1: cards, bonds, VLANs, bridges and the serial line have 1 to 5.
    pub level: u8,
    /// Its zone; a trunk has none.
    pub zone: Option<String>,
    /// The project of the zone, where each has a VLAN of its own.
    pub project: Option<String>,
    /// The card's own address.
    pub mac: Option<String>,
    /// The MAC address of the card beneath, which a bridge takes.
    pub hardware: Option<String>,
    /// The device a VLAN is on.
    pub parent: Option<String>,
    /// The VLAN's number.
    pub vlan: Option<u16>,
    /// The cards of a bond, the ports of a bridge.
    pub ports: Vec<String>,
    /// The bond or bridge it belongs to.
    pub master: Option<String>,
    /// Whether that is a `bond` or a `bridge`.
    pub master_kind: Option<DeviceKind>,
    /// The devices on top of it, which have no traffic while it is down, in start order.
    pub above: Vec<Upper>,
    /// The cluster's traffic over it or over a device on top of it: `ring`, `mirrors`.
    pub carries: Vec<String>,
    /// Largest packet, bytes.
    pub mtu: u32,
    /// The node's address on it.
    pub address: Option<IpAddr>,
    /// The length of that address's prefix.
    pub prefix: Option<u8>,
    /// Address and prefix: `192.0.2.5/24`.
    pub cidr: Option<String>,
    /// The mask of an IPv4 address: `255.255.255.0`.
    pub netmask: Option<String>,
    /// All addresses of the node on it with their prefixes, that of `cidr` first.
    pub addresses: Vec<String>,
    /// Whether a DHCP server gives the address.
    pub dhcp: bool,
    /// Whether the default route is the one that DHCP brings here.
    pub default_route: bool,
    /// The default gateway behind it.
    pub gateway: Option<IpAddr>,
    /// The other networks behind it.
    pub routes: Vec<ResolvedRoute>,
    /// The way in which a bond works.
    pub bond: Option<BondModel>,
    /// The two ends of a serial line.
    pub serial: Option<SerialModel>,
    /// Whether its wire ends in the other node's BMC.
    pub crossed: bool,
    /// A UUID of its own, the same in every rendering.
    pub uuid: String,
    /// False for what belongs to the surroundings of a rehearsal and is left alone.
    pub managed: bool,
}

/// A device that is on top of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Upper {
    /// Its name.
    pub name: String,
    /// Its zone; a trunk has none.
    pub zone: Option<String>,
}

/// A way to a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedRoute {
    /// The network: `10.8.0.0/16`, `10.8.0.1/32`.
    pub to: String,
    /// The router.
    pub via: IpAddr,
}

/// The way in which a bond works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BondModel {
    /// The mode's word.
    pub mode: BondMode,
    /// The mode's number.
    pub number: u8,
    /// The card that is used while it is well.
    pub primary: Option<String>,
    /// The interval at which links are monitored, in milliseconds; 0 where ARP monitors them.
    pub miimon: u32,
    /// The time for which a link that came back is not used, milliseconds.
    pub updelay: u32,
    /// The time for which a link that is gone is still used, milliseconds.
    pub downdelay: u32,
    /// The interval at which ARP probes are sent, in milliseconds; 0 where carriers are monitored.
    pub arp_interval: u32,
    /// The addresses that ARP requests are sent to.
    pub arp_targets: Vec<IpAddr>,
    /// When the primary card is used again.
    pub reselect: Option<Reselect>,
    /// The interval at which LACP speaks with the switch.
    pub lacp_rate: Option<LacpRate>,
    /// The fields of a packet that choose its card.
    pub hash: Option<HashPolicy>,
}

/// The serial line between two nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SerialModel {
    /// The serial port without `/dev/`.
    pub tty: String,
    /// Bits a second.
    pub speed: u32,
    /// The other node.
    pub peer: String,
    /// The other end's address.
    pub remote: IpAddr,
    /// A word that is another one when any of this or of the own address is: a running pppd says it.
    pub mark: String,
}

impl DeviceKind {
    /// Its number in start order, from 1.
    pub fn level(self) -> u8 {
        self as u8 + 1
    }
}

impl BondMode {
    /// The number by which the kernel knows it.
    pub fn number(self) -> u8 {
        match self {
            Self::BalanceRr => 0,
            Self::ActiveBackup => 1,
            Self::BalanceXor => 2,
            Self::Broadcast => 3,
            Self::Lacp => 4,
            Self::BalanceTlb => 5,
            Self::BalanceAlb => 6,
        }
    }
}

/// A UUID that is the same whenever it is made of the same words (version 8 of RFC 9562, over SHA-256).
pub(in crate::site) fn uuid(words: &[&str]) -> String {
    let digest = crate::digest::sha256(words.join("\0").as_bytes());
    // The digits of version and variant; the variant's is one of 8, 9, a, b.
    let variant = match digest.as_bytes()[16] {
        b'0' | b'4' | b'8' | b'c' => '8',
        b'1' | b'5' | b'9' | b'd' => '9',
        b'2' | b'6' | b'a' | b'e' => 'a',
        _ => 'b',
    };
    format!(
        "{}-{}-8{}-{variant}{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[13..16],
        &digest[17..20],
        &digest[20..32]
    )
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn a_uuid_is_stable_and_a_uuid() {
        // printf 'a\0b' | sha256sum: 59b271ae1bbcb1d31d41929817f4b16f…
        assert_eq!(uuid(&["a", "b"]), "59b271ae-1bbc-81d3-9d41-929817f4b16f");
        assert_ne!(uuid(&["ab"]), uuid(&["a", "b"]));
    }
}
