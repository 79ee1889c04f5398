//! The hardware of a site's nodes: the cards, disks, controllers and wires of its inventory.

use std::net::IpAddr;

use ipnet::IpNet;

use super::hardware::{
    BMC_PASSWORD, Bmc, CABLE_MTU, Hardware, LabDisk, Nic, Segment, SegmentKind, WayIn,
};
use super::spec::{LabSpec, NodeAddress};
use crate::site::Site;
use crate::site::words::types;
use crate::site::words::types::MacAddress;

/// The agents that speak IPMI over the network.
const AGENTS: [&str; 7] = [
    "fence_idrac",
    "fence_ilo3",
    "fence_ilo4",
    "fence_ilo5",
    "fence_imm",
    "fence_ipmilan",
    "fence_ipmilanplus",
];

/// Gives the nodes of a lab the hardware of the site's, and wires them as [`Site::wires`] says.
pub fn furnish(spec: &mut LabSpec, site: &Site) {
    spec.segments = site
        .wires()
        .into_iter()
        .map(|wire| {
            for (name, nic) in &wire.ends {
                let Some(node) = spec.nodes.iter_mut().find(|n| n.name == *name) else {
                    continue;
                };
                let mac = site.node(name).and_then(|n| n.mac.get(nic.as_str()));
                node.hardware.nics.push(Nic {
                    name: nic.clone(),
                    mac: mac.map(MacAddress::lower),
                    segment: wire.name.clone(),
                });
            }
            let (kind, least) = if wire.switch {
                (SegmentKind::Switch, 0)
            } else {
                (SegmentKind::Cable, CABLE_MTU)
            };
            Segment {
                name: wire.name,
                zones: wire.zones,
                kind,
                mtu: wire.mtu.max(least),
            }
        })
        .collect();
    for node in &mut spec.nodes {
        let name = node.name.clone();
        rest(site, &name, &mut node.hardware);
    }
    spec.operator = site
        .inventory
        .firewall
        .operators
        .first()
        .and_then(|from| from.as_str().parse().ok());
}

/// Everything but the cards.
fn rest(site: &Site, name: &str, hardware: &mut Hardware) {
    let Some(node) = site.node(name) else { return };
    hardware.disks = node
        .disk
        .iter()
        .chain(node.disks.values())
        .map(|disk| LabDisk {
            id: disk.id.to_string(),
            size: disk.size.bytes(),
        })
        .collect();
    let tty = site.inventory.serial.as_ref().map(|line| line.tty.as_str());
    hardware.line = tty
        .and_then(|tty| tty.strip_prefix("ttyS")?.parse().ok())
        .filter(|number| *number < 4);
    let bmc = node.bmc.as_ref();
    let bmc = bmc.filter(|bmc| AGENTS.contains(&bmc.agent.as_str()));
    hardware.bmc = bmc.and_then(|bmc| {
        let address: IpAddr = bmc.address.as_ref()?.as_str().parse().ok()?;
        let (segment, length) = site.wire_at(address)?;
        Some(Bmc {
            segment,
            cidr: IpNet::new(address, length).ok()?,
            user: bmc
                .user
                .as_ref()
                .map_or_else(|| BMC_PASSWORD.to_owned(), ToString::to_string),
            secret: bmc.password.as_ref().map(|p| p.secret.to_string()),
            password: BMC_PASSWORD.into(),
        })
    });
    hardware.way_in = way_in(site, name);
}

/// The address that an installer would have configured: the one in the management zone, else the first on a card of its
/// own.
fn way_in(site: &Site, node: &str) -> Option<WayIn> {
    let mut zones: Vec<_> = site.inventory.zone.iter().collect();
    let management = site.management_zone();
    zones.sort_by_key(|(zone, _)| Some(zone.as_str()) != management);
    zones.into_iter().find_map(|(name, zone)| {
        let (ip, length) = site.address(node, name.as_str())?;
        if zone.crossed || zone.is_trunk() {
            return None;
        }
        let interface = (*zone.nics().first()?).to_owned();
        let cidr = IpNet::new(ip, length?).ok()?;
        Some(WayIn {
            address: NodeAddress::new(interface, cidr),
            gateway: zone.gateway.as_ref().map(types::IpAddress::ip),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = include_str!("../../inventory/crosslink/inventory.toml");

    fn example() -> LabSpec {
        let loaded = crate::site::load_str(SITE);
        assert_eq!(loaded.findings, []);
        LabSpec::of_site("t", &loaded.site.unwrap())
    }

    #[test]
    fn the_example_has_switches_cables_and_crossed_controllers() {
        let spec = example();
        let shown: Vec<String> = spec
            .segments
            .iter()
            .map(|s| format!("{} {:?} {} {}", s.name, s.kind, s.mtu, s.zones.join("+")))
            .collect();
        assert_eq!(
            shown,
            [
                "eth0 Switch 1500 red",
                "eth1 Cable 9216 grey",
                "eth2 Cable 9216 yellow",
                "eth3 Switch 1500 green+blue",
                "eth4.node1 Cable 9216 orange",
                "eth4.node2 Cable 9216 orange",
            ]
        );
        let node = &spec.nodes[0];
        let nics: Vec<String> = node
            .hardware
            .nics
            .iter()
            .map(|n| format!("{} {} {}", n.name, n.mac.as_deref().unwrap(), n.segment))
            .collect();
        assert_eq!(
            nics,
            [
                "eth0 00:16:76:d6:c9:40 eth0",
                "eth1 00:16:76:d6:c9:41 eth1",
                "eth2 00:16:76:d6:c9:42 eth2",
                "eth3 00:16:76:d6:c9:43 eth3",
                "eth4 00:16:76:d6:c9:44 eth4.node1",
            ]
        );
        // The BMC of node1 is on the wire of node2.
        let bmc = node.hardware.bmc.as_ref().unwrap();
        assert_eq!(
            (bmc.segment.as_str(), bmc.cidr.to_string().as_str()),
            ("eth4.node2", "10.0.3.6/30")
        );
        assert_eq!(bmc.secret.as_deref(), Some("bmc-node1"));
        let way_in = node.hardware.way_in.as_ref().unwrap();
        assert_eq!(way_in.address.interface, "eth0");
        assert_eq!(way_in.address.cidr, "192.0.2.5/24".parse().unwrap());
        assert_eq!(way_in.gateway, Some("192.0.2.1".parse().unwrap()));
        assert_eq!(node.hardware.line, Some(0));
        assert_eq!(node.hardware.disks[0].size, 2 << 40);
        assert_eq!(spec.operator, Some("198.51.100.10".parse().unwrap()));
    }

    #[test]
    fn the_cards_of_a_bond_have_a_cable_each_or_one_switch() {
        let bond = |rest: &str| {
            let site = format!(
                "[site]\nname = \"s\"\ndomain = \"example.net\"\nplatform = \"debian12\"\n[zone]\n\
                 grey = {{ bond = {{ name = \"bond0\", nics = [\"eth1\", \"eth2\"] }}, network = \"10.0.1.0/24\"{rest} }}\n\
                 [node.a]\naddress = {{ grey = \"10.0.1.1\" }}\n[node.b]\naddress = {{ grey = \"10.0.1.2\" }}\n"
            );
            let loaded = crate::site::load_str(&site);
            assert_eq!(loaded.findings, []);
            LabSpec::of_site("t", &loaded.site.unwrap())
        };
        let ends = |spec: &LabSpec| -> Vec<String> {
            let nics = spec.nodes[1].hardware.nics.iter();
            nics.map(|nic| format!("{} {}", nic.name, nic.segment))
                .collect()
        };
        assert_eq!(ends(&bond("")), ["eth1 eth1", "eth2 eth2"]);
        let switched = bond(", gateway = \"10.0.1.254\"");
        assert_eq!(ends(&switched), ["eth1 bond0", "eth2 bond0"]);
        assert_eq!(switched.segments.len(), 1);
        let way_in = switched.nodes[1].hardware.way_in.as_ref().unwrap();
        assert_eq!(way_in.address.interface, "eth1");
    }
}
