//! A lab that looks like a site: its nodes by their names, with their addresses on their interfaces.

use std::collections::HashSet;

use ipnet::IpNet;

use super::spec::{LabNode, LabSpec, NodeAddress};
use super::{debian, hardware_of_site};
use crate::site::Site;
use crate::site::tables::network::Zone;
use crate::site::words::types::ZoneName;

impl LabSpec {
    /// Bare nodes with the names, addresses and MACs of a site's nodes; the controller has the site's gateways. A node
    /// of a platform that is no Debian runs this machine's own release.
    ///
    /// In containers, a bond is its first interface, and there are no VLANs: an interface has the first zone that names it. The address
    /// that a node is reached at comes first.
    pub fn of_site(name: impl Into<String>, site: &Site) -> Self {
        let mut zones: Vec<_> = site.inventory.zone.iter().collect();
        let management = site.management_zone();
        zones.sort_by_key(|(zone, _)| Some(zone.as_str()) != management);
        let nodes = site.node_names().map(|node| {
            let mut made = LabNode::new(node, addresses(site, node, &zones));
            made.codename = debian::codename_of(site.declared_platform_of(node)).map(Into::into);
            made
        });
        let mut spec = Self::new(name, nodes.collect());
        spec.controller = zones
            .iter()
            .filter_map(|(_, zone)| {
                let length = zone.network.as_ref()?.net().prefix_len();
                IpNet::new(zone.gateway.as_ref()?.ip(), length).ok()
            })
            .collect();
        hardware_of_site::furnish(&mut spec, site);
        spec
    }
}

fn addresses(site: &Site, node: &str, zones: &[(&ZoneName, &Zone)]) -> Vec<NodeAddress> {
    let mut taken = HashSet::new();
    let macs = site.node(node).map(|n| &n.mac);
    zones
        .iter()
        .filter_map(|(name, zone)| {
            let (ip, length) = site.address(node, name.as_str())?;
            let nic = zone
                .nic
                .as_ref()
                .or_else(|| zone.bond.as_ref()?.nics.first())?;
            let cidr = IpNet::new(ip, length?).ok()?;
            let mac = macs.and_then(|m| m.get(nic.as_str()));
            taken.insert(nic.to_string()).then(|| NodeAddress {
                interface: nic.to_string(),
                cidr,
                mac: mac.map(ToString::to_string),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = r#"
[site]
name = "s"
domain = "example.net"
platform = "debian12"

[zone]
grey = { bond = { name = "bond0", nics = ["eth1", "eth2"] }, network = "10.0.1.0/24" }
orange = { nic = "eth4", crossed = true }
red = { nic = "eth0", network = "192.0.2.0/24", gateway = "192.0.2.1" }

[node.node1]
address = { grey = "10.0.1.1", red = "192.0.2.5", orange = "10.0.3.1/30" }
mac.eth0 = "00:16:76:d6:c9:40"
"#;

    #[test]
    fn a_node_has_its_addresses_and_that_of_the_management_is_first() {
        let loaded = crate::site::load_str(SITE);
        assert_eq!(loaded.findings, []);
        let spec = LabSpec::of_site("t", &loaded.site.unwrap());
        spec.check().unwrap();
        let shown: Vec<_> = spec.nodes[0]
            .addresses
            .iter()
            .map(|a| {
                format!(
                    "{} {} {}",
                    a.interface,
                    a.cidr,
                    a.mac.as_deref().unwrap_or("any")
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "eth0 192.0.2.5/24 00:16:76:d6:c9:40",
                "eth1 10.0.1.1/24 any",
                "eth4 10.0.3.1/30 any"
            ]
        );
        assert_eq!(spec.controller, ["192.0.2.1/24".parse().unwrap()]);
    }
}
