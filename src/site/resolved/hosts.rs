//! The names of all hosts: the lines of /etc/hosts, the same on every node (docs/facts/membership.md#names).

use super::super::Site;
use serde_json::{Value as Json, json};
use std::net::IpAddr;

impl Site {
    /// Every address of the nodes with its names, in the order of the members, the ring's zone first.
    ///
    /// A node's own name belongs to its address in the ring's zone (without a cluster: to the one in the zone it is
    /// reached in), for corosync, DRBD and cman take the address that the name leads to. An address elsewhere
    /// is called `NODE-ZONE`, its management controller `NODE-bmc`.
    pub fn hosts(&self) -> Vec<(IpAddr, Vec<String>)> {
        let ring = self.inventory.cluster.as_ref().map(|c| c.ring.as_str());
        let mut first = Vec::new();
        let mut rest = Vec::new();
        for (name, node) in self.nodes() {
            let own = ring
                .filter(|zone| node.address.contains_key(*zone))
                .or_else(|| self.reached_zone(name));
            for (zone, address) in &node.address {
                let alias = format!("{name}-{zone}");
                if Some(zone.as_str()) == own {
                    let fqdn = format!("{name}.{}", self.inventory.site.domain);
                    first.push((address.ip(), vec![name.to_owned(), fqdn, alias]));
                } else {
                    rest.push((address.ip(), vec![alias]));
                }
            }
            let bmc = node.bmc.as_ref().and_then(|b| b.address.as_ref());
            if let Some(ip) = bmc.and_then(|a| a.as_str().parse().ok()) {
                rest.push((ip, vec![format!("{name}-bmc")]));
            }
        }
        first.append(&mut rest);
        let mut hosts: Vec<(IpAddr, Vec<String>)> = Vec::new();
        for (ip, names) in first {
            match hosts.iter_mut().find(|(known, _)| *known == ip) {
                Some((_, known)) => known.extend(names),
                None => hosts.push((ip, names)),
            }
        }
        hosts
    }

    /// The same for templates: `{ address, names }`.
    pub(in crate::site) fn hosts_model(&self) -> Json {
        let hosts = self.hosts().into_iter();
        hosts
            .map(|(address, names)| json!({ "address": address, "names": names }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::load_str;

    const SITE: &str = "[site]\nname = 's'\ndomain = 'example.net'\nplatform = 'el9'\n\
        [zone]\nred = { network = '192.0.2.0/24', gateway = '192.0.2.1' }\nyellow = { network = '10.0.2.0/24' }\n\
        [node.node1]\naddress = { red = '192.0.2.5', yellow = '10.0.2.1' }\n\
        [node.node2]\naddress = { red = '192.0.2.6', yellow = '10.0.2.2' }\n";

    fn lines(text: &str) -> Vec<String> {
        let loaded = load_str(text);
        let site = loaded.site.expect("a site");
        let hosts = site.hosts();
        hosts
            .iter()
            .map(|(ip, names)| format!("{ip} {}", names.join(" ")))
            .collect()
    }

    #[test]
    fn a_name_leads_to_the_ring() {
        let cluster = "[cluster]\nmembers = ['node1', 'node2']\nring = 'yellow'\n";
        assert_eq!(
            lines(&format!("{SITE}{cluster}")),
            [
                "10.0.2.1 node1 node1.example.net node1-yellow",
                "10.0.2.2 node2 node2.example.net node2-yellow",
                "192.0.2.5 node1-red",
                "192.0.2.6 node2-red",
            ]
        );
    }

    #[test]
    fn without_a_cluster_it_leads_to_where_one_logs_in() {
        assert_eq!(
            lines(SITE)[0],
            "192.0.2.5 node1 node1.example.net node1-red"
        );
        assert_eq!(lines(SITE)[2], "10.0.2.1 node1-yellow");
    }
}
