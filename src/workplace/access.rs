//! The ways in to a node, from what the site declares.

use crate::node::{Door, NodeAccess, Way};
use crate::site::Site;
use crate::site::tables::inventory::Reach;
use std::net::IpAddr;
use std::path::Path;

/// The way in which a node is reached: its ways in, in the site's order. The first is called by the node's own name.
/// `door` makes what is knocked at of an address.
pub fn access(
    site: &Site,
    node: &str,
    known_hosts: &Path,
    identity: Option<&Path>,
    door: &dyn Fn(IpAddr) -> Door,
) -> NodeAccess {
    let login = site.login(node);
    let way = |word: &str, host: String, jump: Option<String>| Way {
        alias: format!("{node}.{word}"),
        word: word.to_owned(),
        host,
        port: login.port,
        user: login.user.clone(),
        door: None,
        jump,
        proxy_command: None,
    };
    let mut ways: Vec<Way> = Vec::new();
    for reach in site.reach() {
        let word = reach.word();
        match reach {
            Reach::Direct => ways.push(way(&word, login.host.clone(), None)),
            Reach::Jump(host) => {
                ways.push(way(&word, login.host.clone(), Some(host)));
            }
            Reach::Knock(zone) => {
                if let Some((address, _)) = site.address(node, zone.as_str()) {
                    let door = Some(door(address));
                    let way = way(&word, address.to_string(), None);
                    ways.push(Way { door, ..way });
                }
            }
            Reach::Peer(zone) => {
                let Some((address, _)) = site.address(node, zone.as_str()) else {
                    continue;
                };
                for peer in site.peers_of(node) {
                    ways.push(way(&word, address.to_string(), Some(peer.to_owned())));
                }
            }
        }
    }
    if let Some(first) = ways.first_mut() {
        node.clone_into(&mut first.alias);
    }
    NodeAccess {
        name: node.to_owned(),
        ways,
        old_algorithms: site.platform_of(node).has_old_algorithms(),
        known_hosts: known_hosts.to_owned(),
        identity: identity.map(Path::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_follow_the_sites_order() {
        let text = include_str!("../../inventory/crosslink/inventory.toml");
        let site = crate::site::load_str(text).site.unwrap();
        let door = |address| Door::new(address, || Ok(vec![7301]));
        let access = access(&site, "node1", Path::new("/site/known_hosts"), None, &door);
        let doors = access.ways.iter().map(|w| w.door.is_some());
        assert_eq!(doors.collect::<Vec<_>>(), [false, true, false, false]);
        let ways: Vec<(&str, &str, Option<&str>)> = access
            .ways
            .iter()
            .map(|w| (w.alias.as_str(), w.host.as_str(), w.jump.as_deref()))
            .collect();
        assert_eq!(
            ways,
            [
                ("node1", "192.0.2.5", Some("shell1.example.net")),
                ("node1.knock-red", "192.0.2.5", None),
                ("node1.peer-yellow", "10.0.2.1", Some("node2")),
                ("node1.peer-serial", "10.0.9.1", Some("node2")),
            ]
        );
    }
}
