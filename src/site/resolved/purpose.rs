//! The purposes of a site's zones: management, the ring, the mirrors and the BMCs. The site declares them; no zone is
//! known by its name.

use super::super::Site;
use super::super::tables::network::Zone;
use super::super::words::types::{Network, ZoneName};
use std::net::IpAddr;

/// The purpose of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Nodes are reached in it: `site.management`.
    Management,
    /// The members hear each other over it: `cluster.ring` and `cluster.second_ring`.
    Ring,
    /// The mirrors replicate over it: `cluster.mirrors`.
    Mirrors,
    /// The nodes' BMCs are in it: `crossed`, or a network that holds the address of one.
    Bmc,
    /// Guests of projects are connected to it, each by a VLAN of its own: `vlans`.
    Projects,
    /// Guests are connected to it: `bridge`.
    Guests,
}

impl Site {
    /// The first of a zone's purposes; none where it has no purpose that the site declares.
    pub fn purpose(&self, zone: &str) -> Option<Purpose> {
        let found = self.inventory.zone.get(zone)?;
        let all = [
            (self.management_zone() == Some(zone), Purpose::Management),
            (self.is_ring(zone), Purpose::Ring),
            (self.mirror_zone() == Some(zone), Purpose::Mirrors),
            (self.has_bmc(found), Purpose::Bmc),
            (!found.vlans.is_empty(), Purpose::Projects),
            (found.bridge.is_some(), Purpose::Guests),
        ];
        all.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
    }

    /// The zone that nodes are reached in: `site.management`, else the first that the default route leads through, else
    /// the first in which a node has an address.
    pub fn management_zone(&self) -> Option<&str> {
        let named = self.inventory.site.management.as_ref();
        let zones = || self.inventory.zone.keys().map(ZoneName::as_str);
        let used = |zone: &&str| self.nodes().any(|(_, n)| n.address.contains_key(*zone));
        named
            .map(ZoneName::as_str)
            .or_else(|| zones().find(|z| self.is_outside(z)))
            .or_else(|| zones().find(used))
    }

    /// The zone that a node is reached in where its `ssh` names no host: that of the management, else the first that it
    /// has an address in.
    pub fn reached_zone(&self, node: &str) -> Option<&str> {
        let addresses = &self.node(node)?.address;
        let named = addresses.get_key_value(self.management_zone().unwrap_or_default());
        named
            .or_else(|| addresses.first())
            .map(|(zone, _)| zone.as_str())
    }

    /// The zone over which the mirrors replicate: `cluster.mirrors`, else the only zone beside the rings that is
    /// nothing but a link between the members.
    pub fn mirror_zone(&self) -> Option<&str> {
        let cluster = self.inventory.cluster.as_ref()?;
        if let Some(named) = &cluster.mirrors {
            return Some(named.as_str());
        }
        let mut links = self.inventory.zone.iter().filter(|(name, zone)| {
            let name = name.as_str();
            let members = self.members();
            let has_address = |member: &&str| self.address(member, name).is_some();
            let other = zone.crossed || zone.dhcp || zone.is_trunk() || zone.bridge.is_some();
            zone.base().is_some()
                && !other
                && !self.is_ring(name)
                && !self.is_outside(name)
                && members.iter().any(has_address)
        });
        match (links.next(), links.next()) {
            (Some((name, _)), None) => Some(name.as_str()),
            _ => None,
        }
    }

    /// Whether the members hear each other over a zone.
    pub fn is_ring(&self, zone: &str) -> bool {
        let cluster = self.inventory.cluster.as_ref();
        let rings = cluster.map(|c| std::iter::once(&c.ring).chain(&c.second_ring));
        rings.into_iter().flatten().any(|ring| ring == zone)
    }

    /// Whether the default route leads through a zone.
    pub fn is_outside(&self, zone: &str) -> bool {
        let found = self.inventory.zone.get(zone);
        let default = |z: &Zone| z.routes.iter().any(|r| r.to.net().prefix_len() == 0);
        found.is_some_and(|z| z.gateway.is_some() || default(z))
            || found.is_some_and(|z| z.dhcp) && self.default_by_dhcp(zone)
    }

    /// The cluster's traffic over a zone: `ring`, `mirrors`.
    pub fn carried(&self, zone: &str) -> Vec<String> {
        let mirrors = !self.inventory.mirror.is_empty() && self.mirror_zone() == Some(zone);
        [(self.is_ring(zone), "ring"), (mirrors, "mirrors")]
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, what)| what.to_owned())
            .collect()
    }

    /// Whether the BMC of a node is in a zone.
    fn has_bmc(&self, zone: &Zone) -> bool {
        let devices = self.nodes().filter_map(|(_, n)| n.bmc.as_ref());
        let mut addresses =
            devices.filter_map(|b| b.address.as_ref()?.as_str().parse::<IpAddr>().ok());
        let net = zone.network.as_ref().map(Network::net);
        zone.crossed || net.is_some_and(|net| addresses.any(|ip| net.contains(&ip)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Site, load_str};

    const NODES: &str = "[node.a]\naddress = { lan = '10.0.3.1', storage = '10.0.1.1', ring = '10.0.2.1', mgmt = '192.0.2.1' }\n\
        [node.b]\naddress = { lan = '10.0.3.2', storage = '10.0.1.2', ring = '10.0.2.2' }\n\
        [cluster]\nmembers = ['a', 'b']\nring = 'ring'\n";

    /// A site of these zones, with more of `[site]` and `[cluster]`.
    fn site(site: &str, zones: &str, cluster: &str) -> Site {
        let text = format!(
            "[site]\nname = 's'\ndomain = 'example.net'\nplatform = 'el9'\n{site}\n[zone]\n\
             lan = {{ nic = 'eth3', vlan = 1, bridge = 'vbr1', network = '10.0.3.0/24' }}\n\
             ring = {{ nic = 'eth2', network = '10.0.2.0/24' }}\n{zones}\n{NODES}{cluster}\n"
        );
        let loaded = load_str(&text);
        assert_eq!(loaded.findings, []);
        loaded.site.expect("a site")
    }

    const STORAGE: &str = "storage = { nic = 'eth1', network = '10.0.1.0/24' }\n";
    const MGMT: &str = "mgmt = { nic = 'eth0', network = '192.0.2.0/24' }\n";
    const MGMT_OUT: &str =
        "mgmt = { nic = 'eth0', network = '192.0.2.0/24', gateway = '192.0.2.254' }\n";

    #[test]
    fn nodes_are_reached_where_the_site_says_else_where_the_default_route_leads() {
        let zones = |mgmt: &str| format!("{STORAGE}{mgmt}");
        let with_route = site("", &zones(MGMT_OUT), "");
        assert_eq!(with_route.reached_zone("a"), Some("mgmt"));
        assert_eq!(with_route.reached_zone("b"), Some("lan"));
        let without = site("", &zones(MGMT), "");
        assert_eq!(without.reached_zone("a"), Some("lan"));
        let named = site("management = 'storage'", &zones(MGMT_OUT), "");
        assert_eq!(named.reached_zone("a"), Some("storage"));
        assert_eq!(named.login("b").host, "10.0.1.2");
    }

    #[test]
    fn mirrors_are_carried_by_the_zone_that_is_named_else_by_the_only_link_beside_the_ring() {
        let one = site("", &format!("{STORAGE}{MGMT_OUT}"), "");
        assert_eq!(one.mirror_zone(), Some("storage"));
        let two = site("", &format!("{STORAGE}{MGMT}"), "");
        assert_eq!(two.mirror_zone(), None);
        let named = site("", &format!("{STORAGE}{MGMT}"), "mirrors = 'ring'");
        assert_eq!(named.mirror_zone(), Some("ring"));
        let second = site(
            "",
            &format!("{STORAGE}{MGMT_OUT}"),
            "second_ring = 'storage'",
        );
        assert_eq!(second.mirror_zone(), None);
    }

    #[test]
    fn the_examples_say_what_each_zone_is_for() {
        let purposes = |text: &str| {
            let site = load_str(text).site.expect("a site");
            let zones = site.zone_names();
            let all = zones
                .iter()
                .filter_map(|z| Some((z.clone(), site.purpose(z)?)));
            all.map(|(zone, what)| format!("{zone} {what:?}"))
                .collect::<Vec<_>>()
        };
        let both = [
            "red Management",
            "grey Mirrors",
            "yellow Ring",
            "green Guests",
            "blue Projects",
            "orange Bmc",
        ];
        let crosslink = include_str!("../../../inventory/crosslink/inventory.toml");
        assert_eq!(purposes(crosslink), both);
        let unnamed = crosslink.replace("mirrors   = \"grey\"\n", "");
        assert_ne!(unnamed, crosslink);
        assert_eq!(purposes(&unnamed), both);
        assert_eq!(
            purposes(include_str!("../../../inventory/bonded/inventory.toml")),
            both
        );
    }
}
