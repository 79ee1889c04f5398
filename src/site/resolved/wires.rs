//! The wires between the nodes' cards: which of them meet, and whether in a switch or in one another.

use super::super::Site;
use super::super::tables::network::Zone;
use super::super::words::types::{InterfaceName, Network};
use ipnet::IpNet;
use std::net::IpAddr;

/// Cards that reach one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// That of the card or bond whose wires end here; a crossed one's has the node's name behind it.
    pub name: String,
    /// The zones on it, in the order of the site.
    pub zones: Vec<String>,
    /// Whether the cards end in a switch (or several that are one network); else they end in one another.
    pub switch: bool,
    /// The largest packet that a zone on it sends, bytes.
    pub mtu: u32,
    /// The cards, as (node, card).
    pub ends: Vec<(String, String)>,
}

impl Zone {
    /// The card, or the cards of the bond, that the zone is on.
    pub fn nics(&self) -> Vec<&str> {
        let single = self.nic.iter();
        let several = self.bond.iter().flat_map(|bond| &bond.nics);
        single.chain(several).map(InterfaceName::as_str).collect()
    }
}

impl Site {
    /// The wires, in the order of the zones and their cards.
    ///
    /// The cards of a zone that has a gateway or a bridge end in a switch, unless the site says that it is a `cable`, as do
    /// those of more than two nodes; otherwise two nodes are joined by a cable a card. A crossed card ends in a cable of its own, with the management controller
    /// whose address is in its network.
    pub fn wires(&self) -> Vec<Wire> {
        let mut wires: Vec<Wire> = Vec::new();
        for (name, zone) in &self.inventory.zone {
            let cable = self.is_cable(zone);
            for node in self.node_names() {
                if zone.crossed && self.address(node, name.as_str()).is_none() {
                    continue;
                }
                for nic in zone.nics() {
                    let wire = self.wire_of(zone, nic, node);
                    let at = wires.iter().position(|w| w.name == wire);
                    let at = at.unwrap_or_else(|| {
                        wires.push(Wire {
                            name: wire,
                            zones: Vec::new(),
                            switch: !cable,
                            mtu: 0,
                            ends: Vec::new(),
                        });
                        wires.len() - 1
                    });
                    let wire = &mut wires[at];
                    wire.mtu = wire.mtu.max(zone.mtu.get());
                    if !wire.zones.iter().any(|z| z == name.as_str()) {
                        wire.zones.push(name.to_string());
                    }
                    let end = (node.to_owned(), nic.to_owned());
                    if !wire.ends.contains(&end) {
                        wire.ends.push(end);
                    }
                }
            }
        }
        wires
    }

    /// The wire that an address is on, and the length of its network's prefix.
    pub fn wire_at(&self, address: IpAddr) -> Option<(String, u8)> {
        for (name, zone) in &self.inventory.zone {
            let Some(nic) = zone.nics().first().copied() else {
                continue;
            };
            if zone.crossed {
                for node in self.node_names() {
                    let Some((own, Some(length))) = self.address(node, name.as_str()) else {
                        continue;
                    };
                    if IpNet::new(own, length).is_ok_and(|net| net.contains(&address)) {
                        return Some((self.wire_of(zone, nic, node), length));
                    }
                }
            } else if let Some(net) = zone.network.as_ref().map(Network::net)
                && net.contains(&address)
                && !zone.is_trunk()
            {
                return Some((self.wire_of(zone, nic, ""), net.prefix_len()));
            }
        }
        None
    }

    fn wire_of(&self, zone: &Zone, nic: &str, node: &str) -> String {
        if zone.crossed {
            format!("{nic}.{node}")
        } else if self.is_cable(zone) {
            nic.to_owned()
        } else {
            zone.base().unwrap_or(nic).to_owned()
        }
    }

    /// Whether the wires of a zone end in the other node.
    fn is_cable(&self, zone: &Zone) -> bool {
        let outside = |other: &Zone| {
            other.base() == zone.base() && (other.gateway.is_some() || !other.bridges().is_empty())
        };
        let on_it = || self.inventory.zone.values();
        let said = on_it().any(|other| other.cable && other.base() == zone.base());
        zone.crossed || self.nodes().count() == 2 && (said || !on_it().any(outside))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::load_str;

    const SITE: &str = include_str!("../../../inventory/crosslink/inventory.toml");

    fn switches(text: &str) -> Vec<(String, bool)> {
        let site = load_str(text).site.expect("a site");
        let wires = site.wires().into_iter();
        wires.map(|w| (w.name, w.switch)).collect()
    }

    #[test]
    fn a_trunk_with_bridges_is_a_cable_where_the_site_says_so() {
        let is_switch = |text: &str| {
            let wires = switches(text);
            wires
                .iter()
                .find(|(name, _)| name == "eth3")
                .expect("the trunk")
                .1
        };
        assert!(is_switch(SITE));
        let said = SITE.replacen("vlan = 1, bridge", "vlan = 1, cable = true, bridge", 1);
        assert_ne!(said, SITE);
        assert!(!is_switch(&said));
        // Of the others nothing changes, and three nodes are on no cable.
        let rest = |text: &str| -> Vec<_> {
            switches(text)
                .into_iter()
                .filter(|(name, _)| name != "eth3")
                .collect()
        };
        assert_eq!(rest(&said), rest(SITE));
        let third = format!("{said}\n[node.node3]\naddress = {{ red = '192.0.2.7' }}\n");
        assert!(is_switch(&third));
    }
}
