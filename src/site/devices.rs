//! The network devices of a node, resolved: parents, ports, MTU, zone, in an order in which they can be started.

use super::Site;
use super::network::{Bond, BondMode, Zone};
use serde::Serialize;
use std::net::IpAddr;

/// What a device is. In this order devices are started.
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
}

/// A network device of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Its zone; a trunk has none.
    pub zone: Option<String>,
    /// The project of the zone, where each has a VLAN of its own.
    pub project: Option<String>,
    /// The card's own address.
    pub mac: Option<String>,
    /// The device a VLAN is on.
    pub parent: Option<String>,
    /// The VLAN's number.
    pub vlan: Option<u16>,
    /// The cards of a bond, the ports of a bridge.
    pub ports: Vec<String>,
    /// The bond or bridge it belongs to.
    pub master: Option<String>,
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
    /// The default gateway behind it.
    pub gateway: Option<IpAddr>,
    /// How a bond works.
    pub bond: Option<BondModel>,
    /// Whether its wire ends in the other node's BMC.
    pub crossed: bool,
}

/// How a bond works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BondModel {
    /// The mode's word.
    pub mode: BondMode,
    /// The mode's number.
    pub number: u8,
    /// The card that is used while it is well.
    pub primary: Option<String>,
    /// How often links are looked at, milliseconds.
    pub miimon: u32,
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

impl Zone {
    /// The card or bond the zone is on.
    pub fn base(&self) -> Option<&str> {
        self.nic
            .as_ref()
            .or(self.bond.as_ref().map(|b| &b.name))
            .map(super::types::InterfaceName::as_str)
    }

    /// Whether the card or bond carries VLANs.
    pub fn is_trunk(&self) -> bool {
        self.vlan.is_some() || !self.vlans.is_empty()
    }

    /// The bridges of the zone: name of the project, where it has one, and of the bridge.
    pub fn bridges(&self) -> Vec<(Option<&str>, String)> {
        let own = self.bridge.iter().map(|b| (None, b.to_string()));
        let projects = self
            .vlans
            .iter()
            .map(|(project, vlan)| (Some(project.as_str()), format!("vbr{vlan}")));
        own.chain(projects).collect()
    }

    /// The bridge of the zone or of one of its projects.
    pub fn bridge_of(&self, project: Option<&str>) -> Option<String> {
        self.bridges()
            .into_iter()
            .find(|(p, _)| *p == project)
            .map(|(_, b)| b)
    }
}

impl Site {
    /// The network devices of a node, in start order: cards, bonds, VLANs, bridges.
    pub fn devices(&self, node: &str) -> Vec<Device> {
        let mut all = Devices {
            site: self,
            node,
            list: Vec::new(),
        };
        for (name, zone) in &self.inventory.zone {
            all.zone(name.as_str(), zone);
        }
        all.list.sort_by_key(|d| d.kind);
        all.list
    }
}

struct Devices<'a> {
    site: &'a Site,
    node: &'a str,
    list: Vec<Device>,
}

impl Devices<'_> {
    fn zone(&mut self, name: &str, zone: &Zone) {
        let Some(base) = zone.base() else { return };
        let owner = (!zone.is_trunk()).then_some(name);
        match &zone.bond {
            Some(bond) => self.bond(bond, owner, zone),
            None => {
                self.add(base, DeviceKind::Ethernet, owner, zone);
            }
        }
        let mut last = vec![(None, base.to_owned())];
        if zone.is_trunk() {
            let own = zone.vlan.iter().map(|v| (None, *v));
            let projects = zone.vlans.iter().map(|(p, v)| (Some(p.to_string()), *v));
            last = own
                .chain(projects)
                .map(|(project, vlan)| {
                    let device = self.add(
                        &format!("{base}.{vlan}"),
                        DeviceKind::Vlan,
                        Some(name),
                        zone,
                    );
                    device.parent = Some(base.to_owned());
                    device.vlan = Some(vlan.get());
                    device.project.clone_from(&project);
                    let name = device.name.clone();
                    (project, name)
                })
                .collect();
        }
        for (project, below) in last {
            let top = match zone.bridge_of(project.as_deref()) {
                Some(bridge) => {
                    let device = self.add(&bridge, DeviceKind::Bridge, Some(name), zone);
                    device.ports = vec![below.clone()];
                    device.project.clone_from(&project);
                    if let Some(device) = self.list.iter_mut().find(|d| d.name == below) {
                        device.master = Some(bridge.clone());
                    }
                    bridge
                }
                None => below,
            };
            if project.is_none() {
                self.address(&top, name, zone);
            }
        }
    }

    fn bond(&mut self, bond: &Bond, owner: Option<&str>, zone: &Zone) {
        let nics: Vec<String> = bond.nics.iter().map(ToString::to_string).collect();
        for nic in &nics {
            let device = self.add(nic, DeviceKind::Ethernet, owner, zone);
            device.master = Some(bond.name.to_string());
        }
        let primary = bond
            .primary
            .as_ref()
            .map(ToString::to_string)
            .or(nics.first().cloned());
        let device = self.add(bond.name.as_str(), DeviceKind::Bond, owner, zone);
        device.ports = nics;
        device.bond = Some(BondModel {
            mode: bond.mode,
            number: bond.mode.number(),
            primary: primary.filter(|_| bond.mode == BondMode::ActiveBackup),
            miimon: bond.miimon,
        });
    }

    /// The device of this name; what several zones are on has the largest MTU of them.
    fn add(
        &mut self,
        name: &str,
        kind: DeviceKind,
        zone_name: Option<&str>,
        zone: &Zone,
    ) -> &mut Device {
        let at = self.list.iter().position(|d| d.name == name);
        let at = at.unwrap_or_else(|| {
            let node = self.site.node(self.node);
            self.list.push(Device {
                name: name.to_owned(),
                kind,
                zone: zone_name.map(str::to_owned),
                project: None,
                mac: node.and_then(|n| n.mac.get(name)).map(ToString::to_string),
                parent: None,
                vlan: None,
                ports: Vec::new(),
                master: None,
                mtu: 0,
                address: None,
                prefix: None,
                cidr: None,
                netmask: None,
                gateway: None,
                bond: None,
                crossed: zone.crossed,
            });
            self.list.len() - 1
        });
        let device = &mut self.list[at];
        device.mtu = device.mtu.max(zone.mtu.get());
        device
    }

    fn address(&mut self, device: &str, zone_name: &str, zone: &Zone) {
        let Some((ip, prefix)) = self.site.address(self.node, zone_name) else {
            return;
        };
        if let Some(device) = self.list.iter_mut().find(|d| d.name == device) {
            device.address = Some(ip);
            device.prefix = prefix;
            device.cidr = Some(cidr(ip, prefix));
            device.netmask = prefix
                .and_then(|p| ipnet::IpNet::new(ip, p).ok())
                .map(|n| n.netmask().to_string());
            device.gateway = zone.gateway.as_ref().map(super::types::Address::ip);
        }
    }
}

/// `192.0.2.5/24`; without a known prefix, the address.
pub(super) fn cidr(ip: IpAddr, prefix: Option<u8>) -> String {
    prefix.map_or_else(|| ip.to_string(), |p| format!("{ip}/{p}"))
}
