//! The network devices, in the lines of the kernel's own files.

use crate::platform::NetworkStyle;
use crate::sh::Call;
use std::collections::BTreeMap;

/// The place where the attributes of devices are.
const CLASS: &str = "/sys/class/net/";
/// The state of bonds and their cards, a file a bond.
const BONDS: &str = "/proc/net/bonding/";
/// The VLANs: `bond0.10       | 10  | bond0`.
const VLANS: &str = "/proc/net/vlan/config";

/// The attributes that are observed, by their files. A bridge's port has a folder with files of its own.
const ATTRIBUTES: [&str; 20] = [
    "type",
    "flags",
    "mtu",
    "address",
    "operstate",
    "tun_flags",
    "bridge/stp_state",
    "brif/*/port_no",
    "bonding/slaves",
    "bonding/mode",
    "bonding/miimon",
    "bonding/updelay",
    "bonding/downdelay",
    "bonding/arp_interval",
    "bonding/arp_ip_target",
    "bonding/primary",
    "bonding/primary_reselect",
    "bonding/lacp_rate",
    "bonding/xmit_hash_policy",
    "bonding/active_slave",
];

/// Asks for all of it, with one process.
pub(super) fn query() -> Call {
    let attributes = ATTRIBUTES.iter().map(|a| format!("{CLASS}*/{a}"));
    let call = Call::new("nw_lines").arg("^").args(attributes);
    call.arg(format!("{BONDS}*")).arg(VLANS)
}

/// Asks which files name which devices and addresses.
pub(super) fn query_files(style: NetworkStyle) -> Call {
    let (regex, patterns): (&str, &[&str]) = match style {
        NetworkStyle::Ifupdown => (
            r"^[[:space:]]*(iface|address|gateway|up ip (-6 )?route replace)[[:space:]]",
            &["/etc/network/interfaces", "/etc/network/interfaces.d/*"],
        ),
        NetworkStyle::Ifcfg => (
            "^(DEVICE|IPADDR[0-9]*|GATEWAY|IPV6ADDR|IPV6ADDR_SECONDARIES|IPV6_DEFAULTGW)=|^[0-9a-f.:/]+ via ",
            &[
                "/etc/sysconfig/network-scripts/ifcfg-*",
                "/etc/sysconfig/network-scripts/route-*",
                "/etc/sysconfig/network-scripts/route6-*",
            ],
        ),
        NetworkStyle::Keyfile => (
            "^(interface-name|address[0-9]*|route[0-9]*|gateway|DEVICE|IPADDR[0-9]*)=",
            &[
                "/etc/NetworkManager/system-connections/*.nmconnection",
                "/etc/sysconfig/network-scripts/ifcfg-*",
            ],
        ),
    };
    let call = Call::new("nw_lines").arg(regex);
    call.args(patterns.iter().copied())
}

/// One device.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KernelDevice<'a> {
    /// Its attributes, by their files: `mtu`, `bonding/mode`.
    pub(super) attributes: BTreeMap<&'a str, &'a str>,
    /// The ports of a bridge.
    pub(super) ports: Vec<&'a str>,
    /// Whether its link works, as the bond sees it that it is a card of.
    pub(super) mii: Option<&'a str>,
    /// The own address of a bond's card.
    pub(super) permanent: Option<&'a str>,
    /// The number of a VLAN, and what it is on.
    pub(super) vlan: Option<(&'a str, &'a str)>,
}

impl<'a> KernelDevice<'a> {
    /// An attribute, by its file.
    pub(super) fn attribute(&self, file: &str) -> Option<&'a str> {
        self.attributes.get(file).copied()
    }

    /// Its own MAC address.
    pub(super) fn mac(&self) -> Option<String> {
        let mac = self.permanent.or(self.attribute("address"))?;
        Some(mac.to_ascii_lowercase())
    }

    /// Whether it is a bond.
    pub(super) fn is_bond(&self) -> bool {
        self.attributes.contains_key("bonding/mode")
    }

    /// The cards of a bond, or the ports of a bridge.
    pub(super) fn members(&self) -> Vec<&'a str> {
        let cards = self.attribute("bonding/slaves").unwrap_or_default();
        cards
            .split_whitespace()
            .chain(self.ports.iter().copied())
            .collect()
    }
}

/// All devices, from lines `FILE:LINE`.
pub(super) fn devices(text: &str) -> BTreeMap<&str, KernelDevice<'_>> {
    let mut all: BTreeMap<&str, KernelDevice<'_>> = BTreeMap::new();
    let mut card = "";
    for line in text.lines() {
        let Some((file, line)) = line.split_once(':') else {
            continue;
        };
        if let Some((device, attribute)) = file.strip_prefix(CLASS).and_then(|f| f.split_once('/'))
        {
            let device = all.entry(device).or_default();
            let port = attribute
                .strip_prefix("brif/")
                .and_then(|p| p.split_once('/'));
            match port {
                Some((port, _)) => device.ports.push(port),
                None => _ = device.attributes.insert(attribute, line.trim()),
            }
        } else if file.starts_with(BONDS) {
            match line.split_once(": ") {
                Some(("Slave Interface", name)) => card = name,
                Some(("Bonding Mode", _)) => card = "",
                Some(("MII Status", state)) if !card.is_empty() => {
                    all.entry(card).or_default().mii = Some(state);
                }
                Some(("Permanent HW addr", mac)) if !card.is_empty() => {
                    all.entry(card).or_default().permanent = Some(mac);
                }
                _ => {}
            }
        } else if file == VLANS {
            let words: Vec<&str> = line.split('|').map(str::trim).collect();
            if let [device, id, parent] = words[..]
                && id.parse::<u16>().is_ok()
            {
                all.entry(device).or_default().vlan = Some((id, parent));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bonds one after another: lines about the second itself are not taken for a card of the first.
    #[test]
    fn each_bond_is_read_for_itself() {
        let all = devices(
            "/proc/net/bonding/bond0:Bonding Mode: fault-tolerance (active-backup)\n\
             /proc/net/bonding/bond0:MII Status: down\n\
             /proc/net/bonding/bond0:\n\
             /proc/net/bonding/bond0:Slave Interface: eth1\n\
             /proc/net/bonding/bond0:MII Status: up\n\
             /proc/net/bonding/bond0:Permanent HW addr: 52:54:00:00:01:01\n\
             /proc/net/bonding/bond1:Bonding Mode: load balancing (round-robin)\n\
             /proc/net/bonding/bond1:MII Status: down\n",
        );
        let eth1 = KernelDevice {
            mii: Some("up"),
            permanent: Some("52:54:00:00:01:01"),
            ..KernelDevice::default()
        };
        assert_eq!(all, BTreeMap::from([("eth1", eth1)]));
    }

    #[test]
    fn a_bond_without_cards_is_one_all_the_same() {
        // The kernel's file of its cards has no line then.
        let all = devices("/sys/class/net/bond0/bonding/mode:802.3ad 4\n");
        assert!(all["bond0"].is_bond());
        assert_eq!(all["bond0"].members(), [""; 0]);
    }

    #[test]
    fn the_head_of_the_list_of_vlans_is_none() {
        let all = devices(
            "/proc/net/vlan/config:VLAN Dev name\t | VLAN ID\n\
             /proc/net/vlan/config:Name-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\n\
             /proc/net/vlan/config:bond0.10       | 10  | bond0\n",
        );
        assert_eq!(all.keys().collect::<Vec<_>>(), [&"bond0.10"]);
        assert_eq!(all["bond0.10"].vlan, Some(("10", "bond0")));
    }
}
