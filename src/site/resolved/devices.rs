//! The network devices of a node, resolved: parents, ports, MTU, zone, in an order in which they can be started.

use super::super::Site;
use super::super::tables::network::{Bond, BondMode, Zone};
use super::device::{BondModel, Device, DeviceKind, ResolvedRoute, SerialModel, Upper, uuid};
use std::net::IpAddr;

/// The name of the serial line as a zone.
const SERIAL: &str = "serial";

impl Zone {
    /// The card or bond the zone is on.
    pub fn base(&self) -> Option<&str> {
        self.nic
            .as_ref()
            .or(self.bond.as_ref().map(|b| &b.name))
            .map(super::super::words::types::InterfaceName::as_str)
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
    /// The network devices of a node, in start order: cards, bonds, VLANs, bridges, the serial line.
    pub fn devices(&self, node: &str) -> Vec<Device> {
        let mut all = Devices {
            site: self,
            node,
            list: Vec::new(),
        };
        for (name, zone) in &self.inventory.zone {
            all.zone(name.as_str(), zone);
        }
        all.serial();
        all.list.sort_by_key(|d| d.kind);
        all.relations();
        all.surroundings();
        all.list
    }

    /// The other node at the end of the serial line: there is one where exactly two have an address on it.
    pub fn serial_peer(&self, node: &str) -> Option<&str> {
        let on_it = self
            .nodes()
            .filter(|(_, n)| n.address.contains_key(SERIAL))
            .map(|(name, _)| name);
        match on_it.collect::<Vec<_>>().as_slice() {
            [one, other] if *one == node => Some(other),
            [other, one] if *one == node => Some(other),
            _ => None,
        }
    }

    /// Whether the default route comes from a zone's DHCP server: where the zone has the gateway, or is the
    /// first with DHCP and nothing else gives one.
    pub(crate) fn default_by_dhcp(&self, name: &str) -> bool {
        let zones = &self.inventory.zone;
        let has_route =
            |z: &Zone| z.gateway.is_some() || z.routes.iter().any(|r| r.to.net().prefix_len() == 0);
        let first = zones.iter().find(|(_, zone)| zone.dhcp);
        zones.get(name).is_some_and(has_route)
            || !zones.values().any(has_route) && first.is_some_and(|(zone, _)| zone == name)
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
                    self.enslave(&below, &bridge, DeviceKind::Bridge);
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
            self.add(nic, DeviceKind::Ethernet, owner, zone);
            self.enslave(nic, bond.name.as_str(), DeviceKind::Bond);
        }
        let primary = bond
            .primary
            .as_ref()
            .map(ToString::to_string)
            .or(nics.first().cloned());
        let backup = bond.mode == BondMode::ActiveBackup;
        // A site names the same hosts for all nodes; a node does not probe its own address.
        let own = self.site.node(self.node).map(|n| &n.address);
        let own = |ip| own.is_some_and(|a| a.values().any(|a| a.ip() == ip));
        let targets = bond.arp.iter().flat_map(|a| &a.targets);
        let targets = targets
            .map(super::super::words::types::IpAddress::ip)
            .filter(|ip| !own(*ip));
        let model = BondModel {
            mode: bond.mode,
            number: bond.mode.number(),
            primary: primary.filter(|_| backup),
            miimon: if bond.arp.is_some() { 0 } else { bond.miimon },
            updelay: bond.updelay,
            downdelay: bond.downdelay,
            arp_interval: bond.arp.as_ref().map_or(0, |a| a.interval),
            arp_targets: targets.collect(),
            reselect: bond.reselect.filter(|_| backup),
            lacp_rate: bond.lacp_rate,
            hash: bond.hash,
        };
        let device = self.add(bond.name.as_str(), DeviceKind::Bond, owner, zone);
        device.ports = nics;
        device.bond = Some(model);
    }

    /// The serial line, where this node and one other have an address on it.
    fn serial(&mut self) {
        let Some(serial) = &self.site.inventory.serial else {
            return;
        };
        let own = self.site.address(self.node, SERIAL);
        let peer = self.site.serial_peer(self.node);
        let remote = peer.and_then(|p| self.site.address(p, SERIAL));
        let (Some((ip, _)), Some(peer), Some((remote, _))) = (own, peer, remote) else {
            return;
        };
        let device = self.device("ppp0", DeviceKind::Ppp, Some(SERIAL));
        device.mtu = 1500;
        device.addresses = vec![ip.to_string()];
        device.address = Some(ip);
        device.cidr = Some(ip.to_string());
        let (tty, speed) = (serial.tty.to_string(), serial.speed.get());
        let words = format!("{tty} {speed} {ip} {remote}");
        device.serial = Some(SerialModel {
            tty,
            speed,
            peer: peer.to_owned(),
            remote,
            mark: crate::digest::sha256(words.as_bytes())[..16].to_owned(),
        });
    }

    fn find(&mut self, name: &str) -> Option<&mut Device> {
        self.list.iter_mut().find(|d| d.name == name)
    }

    fn enslave(&mut self, port: &str, master: &str, kind: DeviceKind) {
        if let Some(device) = self.find(port) {
            device.master = Some(master.to_owned());
            device.master_kind = Some(kind);
        }
    }

    /// The device of this name; a device that several zones are on has the largest MTU of them.
    fn add(
        &mut self,
        name: &str,
        kind: DeviceKind,
        zone_name: Option<&str>,
        zone: &Zone,
    ) -> &mut Device {
        let device = self.device(name, kind, zone_name);
        device.mtu = device.mtu.max(zone.mtu.get());
        device.crossed |= zone.crossed;
        device
    }

    fn device(&mut self, name: &str, kind: DeviceKind, zone: Option<&str>) -> &mut Device {
        let at = self.list.iter().position(|d| d.name == name);
        let at = at.unwrap_or_else(|| {
            let node = self.site.node(self.node);
            self.list.push(Device {
                name: name.to_owned(),
                kind,
                level: kind.level(),
                zone: zone.map(str::to_owned),
                project: None,
                mac: node.and_then(|n| n.mac.get(name)).map(ToString::to_string),
                hardware: None,
                parent: None,
                vlan: None,
                ports: Vec::new(),
                master: None,
                master_kind: None,
                above: Vec::new(),
                carries: Vec::new(),
                mtu: 0,
                address: None,
                prefix: None,
                cidr: None,
                netmask: None,
                addresses: Vec::new(),
                dhcp: false,
                default_route: false,
                gateway: None,
                routes: Vec::new(),
                bond: None,
                serial: None,
                crossed: false,
                uuid: uuid(&["device", self.site.name(), self.node, name]),
                managed: true,
            });
            self.list.len() - 1
        });
        &mut self.list[at]
    }

    fn address(&mut self, device: &str, zone_name: &str, zone: &Zone) {
        let site = self.site;
        let own = site.address(self.node, zone_name);
        let extra = site.extra_addresses(self.node, zone_name);
        let dhcp = zone.dhcp && own.is_none();
        let default_route = dhcp && site.default_by_dhcp(zone_name);
        let Some(device) = self.find(device) else {
            return;
        };
        device.dhcp = dhcp;
        device.default_route = default_route;
        if let Some((ip, prefix)) = own {
            device.address = Some(ip);
            device.prefix = prefix;
            device.cidr = Some(cidr(ip, prefix));
            device.netmask = prefix
                .and_then(|p| ipnet::IpNet::new(ip, p).ok())
                .map(|n| n.netmask().to_string());
            device.gateway = zone
                .gateway
                .as_ref()
                .map(super::super::words::types::IpAddress::ip);
        }
        let extra = extra.into_iter().map(|(ip, prefix)| cidr(ip, prefix));
        device.addresses = device.cidr.clone().into_iter().chain(extra).collect();
        if !device.addresses.is_empty() || dhcp {
            let ways = zone.routes.iter().map(|route| ResolvedRoute {
                to: route.to.net().to_string(),
                via: route.via.ip(),
            });
            device.routes = ways.collect();
        }
    }

    /// The relations of devices: those on top of each, the cluster's traffic over it, and the MAC address that a bridge
    /// takes.
    fn relations(&mut self) {
        let old = self.list.clone();
        for device in &mut self.list {
            let mut reached = vec![device.name.as_str()];
            for other in &old {
                let on = |name: &String| reached.contains(&name.as_str());
                let stands = other.parent.as_ref().is_some_and(on)
                    || other.ports.iter().any(on) && other.name != device.name;
                if stands {
                    reached.push(&other.name);
                    device.above.push(Upper {
                        name: other.name.clone(),
                        zone: other.zone.clone(),
                    });
                }
            }
            let zones = device.zone.iter();
            let zones = zones.chain(device.above.iter().filter_map(|u| u.zone.as_ref()));
            for what in zones.flat_map(|z| self.site.carried(z)) {
                if !device.carries.contains(&what) {
                    device.carries.push(what);
                }
            }
            if device.kind == DeviceKind::Bridge {
                device.hardware = hardware(&old, &device.name);
            }
        }
    }

    /// In a rehearsal in containers, the device of the management address was made from outside, and the kernel knows
    /// no bonds and VLANs; an interface without an address does not exist at all.
    fn surroundings(&mut self) {
        if !self.site.in_containers() {
            return;
        }
        let reached = self.site.reached_zone(self.node);
        let zones: Vec<String> = self
            .list
            .iter()
            .filter(|d| !d.addresses.is_empty())
            .filter_map(|d| d.zone.clone())
            .filter(|zone| Some(zone.as_str()) != reached)
            .collect();
        let simple = |d: &Device| {
            matches!(d.kind, DeviceKind::Ethernet | DeviceKind::Bridge)
                && d.master_kind != Some(DeviceKind::Bond)
                && d.zone.as_ref().is_some_and(|z| zones.contains(z))
        };
        let rest: Vec<String> = self.list.iter().filter(|d| !simple(d)).map(name).collect();
        for device in &mut self.list {
            device.managed = !rest.contains(&device.name)
                && device.ports.iter().all(|port| !rest.contains(port));
        }
    }
}

fn name(device: &Device) -> String {
    device.name.clone()
}

/// The MAC address of the card at the bottom; of a bond's cards, the primary or first.
fn hardware(list: &[Device], top: &str) -> Option<String> {
    let device = list.iter().find(|d| d.name == top)?;
    let primary = device.bond.as_ref().and_then(|b| b.primary.as_ref());
    let below = primary
        .or(device.parent.as_ref())
        .or(device.ports.first())?;
    let below = list.iter().find(|d| d.name == *below)?;
    below.mac.clone().or_else(|| hardware(list, &below.name))
}

/// `192.0.2.5/24`; without a known prefix, the address.
pub(in crate::site) fn cidr(ip: IpAddr, prefix: Option<u8>) -> String {
    prefix.map_or_else(|| ip.to_string(), |p| format!("{ip}/{p}"))
}
