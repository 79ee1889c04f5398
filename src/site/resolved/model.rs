//! The site's declarations, resolved: for roles and templates, and for runs.

use super::super::tables::inventory::{Reach, Sudo, Versions};
use super::super::tables::machines::{Disk, Node};
use super::super::words::types::{ClusterName, Version, Word as _};
use super::super::{Place, Site};
use super::devices::cidr;
use crate::kind::Target;
use crate::platform::Platform;
use serde_json::{Map, Value as Json, json};
use std::net::IpAddr;

/// The way in which a node is logged in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Name or address.
    pub host: String,
    /// The port of sshd, when unset.
    pub port: Option<u16>,
    /// The account, when unset.
    pub user: Option<String>,
    /// The way in which that account becomes root.
    pub sudo: Sudo,
}

impl Site {
    /// The site's name.
    pub fn name(&self) -> &str {
        self.inventory.site.name.as_str()
    }

    /// The nodes, in the order in which they are written.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.inventory
            .node
            .iter()
            .map(|(name, node)| (name.as_str(), node))
    }

    /// The names of the nodes, in the order in which they are written.
    pub fn node_names(&self) -> impl Iterator<Item = &str> {
        self.nodes().map(|(name, _)| name)
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.inventory.node.get(name)
    }

    /// The release that a node runs: as this run sets it, else the node, else the site.
    pub fn platform_of(&self, node: &str) -> Platform {
        self.node_rehearsed_on(node)
            .unwrap_or_else(|| self.declared_platform_of(node))
    }

    /// The release that the site declares for a node, whatever this run sets.
    pub fn declared_platform_of(&self, node: &str) -> Platform {
        let own = self.node(node).and_then(|node| node.platform);
        own.unwrap_or(self.inventory.site.platform)
    }

    /// The release that most nodes run: as this run sets it, else the site.
    pub fn platform(&self) -> Platform {
        self.rehearsed_on().unwrap_or(self.inventory.site.platform)
    }

    /// The target of a node: all that kinds may know of it.
    pub fn target(&self, node: &str) -> Target {
        Target {
            node: node.to_owned(),
            platform: self.platform_of(node),
        }
    }

    /// The versions that decide a syntax on a node: as declared, else those of its platform.
    ///
    /// Declared versions apply only to nodes of the site's own platform.
    pub fn versions_of(&self, node: &str) -> Versions {
        self.versions_on(self.platform_of(node))
    }

    fn versions_on(&self, platform: Platform) -> Versions {
        let own = &self.inventory.versions;
        let default = Versions::of(platform);
        if platform != self.inventory.site.platform || self.rehearsed_on().is_some() {
            return default;
        }
        let pick = |a: &Option<Version>, b: Option<Version>| a.clone().or(b);
        Versions {
            drbd: pick(&own.drbd, default.drbd),
            shorewall: pick(&own.shorewall, default.shorewall),
            corosync: pick(&own.corosync, default.corosync),
            pacemaker: pick(&own.pacemaker, default.pacemaker),
            rsyslog: pick(&own.rsyslog, default.rsyslog),
            sudo: pick(&own.sudo, default.sudo),
            libvirt: pick(&own.libvirt, default.libvirt),
            openssh: pick(&own.openssh, default.openssh),
        }
    }

    /// The repositories that nodes of a platform use.
    fn repositories_of(&self, platform: Platform) -> Vec<&str> {
        let all = self.inventory.repository.iter();
        all.filter(|(_, repository)| repository.is_for(platform))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// The names of the groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.inventory
            .group
            .keys()
            .map(super::super::words::types::Name::as_str)
    }

    /// The names of the zones, and `serial` where there is a serial line.
    pub fn zone_names(&self) -> Vec<String> {
        let serial = self.inventory.serial.iter().map(|_| "serial".to_owned());
        let zones = self.inventory.zone.keys().map(ToString::to_string);
        zones.chain(serial).collect()
    }

    /// The groups a node is in, in the order in which they are written.
    pub fn groups_of(&self, node: &str) -> Vec<String> {
        self.inventory
            .group
            .iter()
            .filter(|(_, g)| g.nodes.iter().any(|n| n == node))
            .map(|(name, _)| name.to_string())
            .collect()
    }

    /// The roles of a node: groups in the order in which they are written, each role once.
    pub fn roles_of(&self, node: &str) -> Vec<String> {
        let mut roles: Vec<String> = Vec::new();
        for group in self.inventory.group.values() {
            if group.nodes.iter().any(|n| n == node) {
                for role in &group.roles {
                    if !roles.iter().any(|r| r == role.as_str()) {
                        roles.push(role.to_string());
                    }
                }
            }
        }
        roles
    }

    /// The members of the cluster, each once; none without a cluster.
    pub fn members(&self) -> Vec<&str> {
        let mut members: Vec<&str> = Vec::new();
        for member in self.inventory.cluster.iter().flat_map(|c| &c.members) {
            if self.node(member.as_str()).is_some() && !members.contains(&member.as_str()) {
                members.push(member.as_str());
            }
        }
        members
    }

    /// The other members of the cluster that a node is a member of.
    pub fn peers_of(&self, node: &str) -> Vec<&str> {
        let members = self.members();
        if members.contains(&node) {
            members.into_iter().filter(|m| *m != node).collect()
        } else {
            Vec::new()
        }
    }

    /// The cluster's name: its own, else the site's as far as it fits.
    pub fn cluster_name(&self) -> Option<String> {
        let cluster = self.inventory.cluster.as_ref()?;
        let name = cluster.name.as_ref().map(ToString::to_string);
        Some(name.unwrap_or_else(|| {
            let short: String = self.name().chars().take(15).collect();
            debug_assert!(ClusterName::parse(&short).is_ok());
            short
        }))
    }

    /// Public keys that lie beside the inventory.
    pub fn keys(&self) -> &super::super::keys::Keys {
        &self.keys
    }

    /// The same with other keys.
    #[cfg(test)]
    pub(crate) fn with_keys(mut self, keys: super::super::keys::Keys) -> Self {
        self.keys = keys;
        self
    }

    /// The ways to the nodes, in the order in which they are tried.
    pub fn reach(&self) -> Vec<Reach> {
        let ways: Vec<_> = self
            .inventory
            .site
            .reach
            .iter()
            .map(super::super::words::types::ReachWord::get)
            .collect();
        if ways.is_empty() {
            vec![Reach::Direct]
        } else {
            ways
        }
    }

    /// The way in which a node is logged in to: `ssh.host`, else its address in the zone it is reached in, else its
    /// name.
    pub fn login(&self, node: &str) -> Login {
        let defaults = &self.inventory.site.ssh;
        let found = self.node(node);
        let ssh = found.map(|n| n.ssh.clone()).unwrap_or_default();
        let address = found.and_then(|n| n.address.get(self.reached_zone(node)?));
        Login {
            host: ssh
                .host
                .map(|h| h.to_string())
                .or_else(|| address.map(|a| a.ip().to_string()))
                .unwrap_or_else(|| node.to_owned()),
            port: ssh
                .port
                .or(defaults.port)
                .map(super::super::words::types::Port::get),
            user: ssh
                .user
                .or_else(|| defaults.user.clone())
                .map(|u| u.to_string()),
            sudo: ssh.sudo.or(defaults.sudo).unwrap_or_default(),
        }
    }

    /// A node's address in a zone, with the length of its prefix: its own, else that of the zone's network.
    pub fn address(&self, node: &str, zone: &str) -> Option<(IpAddr, Option<u8>)> {
        let address = self.node(node)?.address.get(zone)?;
        let network = match self.inventory.zone.get(zone) {
            Some(zone) => zone.network.as_ref(),
            None => self
                .inventory
                .serial
                .as_ref()
                .filter(|_| zone == "serial")
                .map(|s| &s.network),
        };
        let prefix = address.prefix().or(network.map(|n| n.net().prefix_len()));
        Some((address.ip(), prefix))
    }

    /// A node's further addresses in a zone. Where no prefix is written, it is that of the zone's network, if they are
    /// in it, else that of one address.
    pub fn extra_addresses(&self, node: &str, zone: &str) -> Vec<(IpAddr, Option<u8>)> {
        let network = self
            .inventory
            .zone
            .get(zone)
            .and_then(|z| z.network.as_ref());
        let extra = self.node(node).and_then(|n| n.extra_address.get(zone));
        let extra = extra.into_iter().flatten().map(|address| {
            let ip = address.ip();
            let net = network.map(super::super::words::types::Network::net);
            let near = net.filter(|n| n.contains(&ip)).map(|n| n.prefix_len());
            let alone = if ip.is_ipv4() { 32 } else { 128 };
            (ip, address.prefix().or(near).or(Some(alone)))
        });
        extra.collect()
    }

    /// The variables of a node: the site's, over them those of its groups in order, over them its own. Tables are
    /// joined key by key.
    pub fn vars_of(&self, node: &str) -> Map<String, Json> {
        let mut vars = Map::new();
        join(&mut vars, &self.inventory.vars);
        for group in self.inventory.group.values() {
            if group.nodes.iter().any(|n| n == node) {
                join(&mut vars, &group.vars);
            }
        }
        if let Some(node) = self.node(node) {
            join(&mut vars, &node.vars);
        }
        vars
    }

    /// The place of a value's key by its path: `mirror.r0.port`, `cluster.members.1`.
    pub fn place_of(&self, path: &str) -> Option<Place> {
        let words: Vec<&str> = path.split('.').collect();
        self.place(&words)
    }

    /// The place of a value's key by the words of its path.
    pub fn place<S: AsRef<str>>(&self, path: &[S]) -> Option<Place> {
        self.tree.at(path).map(|(place, _)| place)
    }

    /// The place of a value (not of its key), or of the nearest that is written.
    pub fn value_place<S: AsRef<str>>(&self, path: &[S]) -> Option<Place> {
        (1..=path.len())
            .rev()
            .find_map(|n| self.tree.at(&path[..n]))
            .map(|(key, tree)| match tree.value {
                super::super::Value::Table(_) => key,
                _ => tree.place,
            })
    }

    /// A digest of everything that was read and of what this run says besides, as hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The `site` of templates: everything with its defaults, and mirrors with their ends.
    ///
    /// The keys of `[site]` are at its top (`site.name`), every other table is under its name (`site.zone`).
    pub fn model(&self) -> Json {
        let Ok(Json::Object(mut model)) = serde_json::to_value(&self.inventory) else {
            unreachable!("an inventory is a table with text as keys")
        };
        let Some(Json::Object(mut top)) = model.remove("site") else {
            unreachable!("an inventory has a site")
        };
        top.insert("platform".into(), json!(self.platform().word()));
        top.extend(model);
        top.insert("versions".into(), json!(self.versions_on(self.platform())));
        let mirrors: Map<String, Json> = self
            .inventory
            .mirror
            .iter()
            .map(|(name, mirror)| (name.to_string(), self.mirror_model(mirror)))
            .collect();
        top.insert("mirror".into(), Json::Object(mirrors));
        let guests: Map<String, Json> = self
            .inventory
            .guest
            .iter()
            .map(|(name, guest)| (name.to_string(), self.guest_model(name.as_str(), guest)))
            .collect();
        top.insert("guest".into(), Json::Object(guests));
        top.insert("volumes".into(), self.volumes_model());
        let pools = self.inventory.pool.iter();
        let pools = pools.map(|(name, pool)| (name.to_string(), self.pool_model(pool)));
        top.insert("pool".into(), Json::Object(pools.collect()));
        let nodes: Map<String, Json> = self
            .node_names()
            .map(|name| (name.to_owned(), Json::Object(self.base_model(name))))
            .collect();
        top.insert("node".into(), Json::Object(nodes));
        top.insert("hosts".into(), self.hosts_model());
        top.insert("management".into(), json!(self.management_zone()));
        if let Some(Json::Object(cluster)) = top.get_mut("cluster") {
            cluster.insert("name".into(), json!(self.cluster_name()));
            cluster.insert("totem".into(), json!(self.totem()));
            let mut members = self.members().into_iter();
            let known = members.all(|m| self.platform_of(m).has_delay_base());
            cluster.insert("delay_base".into(), json!(known));
            cluster.insert("mirrors".into(), json!(self.mirror_zone()));
            cluster.insert("mirror_secret".into(), json!(self.mirror_secret()));
        }
        Json::Object(top)
    }

    /// The `node` of templates: its names, addresses, devices, disks, versions, and its peers.
    pub fn node_model(&self, node: &str) -> Json {
        let mut model = self.base_model(node);
        let peers: Vec<Json> = self
            .peers_of(node)
            .into_iter()
            .map(|p| Json::Object(self.base_model(p)))
            .collect();
        model.insert("peers".into(), Json::Array(peers));
        model.insert("shoots".into(), json!(self.shoots(node)));
        let platform = self.platform_of(node);
        model.insert("repositories".into(), json!(self.repositories_of(platform)));
        Json::Object(model)
    }

    /// The `members` of templates: each as `node` without its peers. Without a cluster, all nodes.
    pub fn members_model(&self) -> Json {
        let members = if self.inventory.cluster.is_some() {
            self.members()
        } else {
            self.node_names().collect()
        };
        members
            .into_iter()
            .map(|m| Json::Object(self.base_model(m)))
            .collect()
    }

    fn base_model(&self, name: &str) -> Map<String, Json> {
        let Some(node) = self.node(name) else {
            return Map::new();
        };
        let platform = self.platform_of(name);
        let mut address = Map::new();
        let mut cidrs = Map::new();
        for zone in node.address.keys() {
            if let Some((ip, prefix)) = self.address(name, zone.as_str()) {
                address.insert(zone.to_string(), json!(ip));
                cidrs.insert(zone.to_string(), json!(cidr(ip, prefix)));
            }
        }
        let partitions: Vec<Json> = self
            .inventory
            .partition
            .iter()
            .map(|(number, partition)| {
                let mut model = json!(partition);
                model["number"] = json!(number.0);
                model["path"] = json!(node.disk.as_ref().map(|d| d.partition(number.0)));
                model
            })
            .collect();
        let disks: Map<String, Json> = node
            .disks
            .iter()
            .map(|(name, disk)| (name.to_string(), disk_model(disk)))
            .collect();
        let login = self.login(name);
        let model = json!({
            "name": name,
            "fqdn": format!("{name}.{}", self.inventory.site.domain),
            "doc": node.doc,
            "platform": platform.word(),
            "versions": self.versions_on(platform),
            "host_id": node.host_id,
            "memory": node.memory,
            "address": address,
            "cidr": cidrs,
            "mac": node.mac,
            "disk": node.disk.as_ref().map(disk_model),
            "disks": disks,
            "partitions": partitions,
            "devices": self.devices(name),
            "bmc": node.bmc,
            "fence": node.fence,
            "fencing": self.fencing(name),
            "host_keys": self.keys.host.get(name).cloned().unwrap_or_default(),
            "root_key": self.keys.root.get(name),
            "groups": self.groups_of(name),
            "roles": self.roles_of(name),
            "member": self.members().contains(&name),
            "ssh": { "host": login.host, "port": login.port, "user": login.user, "sudo": login.sudo },
            "vars": self.vars_of(name),
        });
        match model {
            Json::Object(model) => model,
            _ => unreachable!("written as a table"),
        }
    }
}

/// The keys that templates see of `site.cluster` besides those of the inventory.
pub const MODEL_OF_CLUSTER: [&str; 5] = ["name", "totem", "delay_base", "mirrors", "mirror_secret"];

/// The keys that templates see of a guest besides those of the inventory.
pub const MODEL_OF_GUEST: [&str; 4] = ["uuid", "cards", "volumes", "native"];

/// The keys that templates see of a pool besides those of the inventory.
pub const MODEL_OF_POOL: [&str; 1] = ["mount"];

/// The keys that templates see of a mirror besides those of the inventory.
pub const MODEL_OF_MIRROR: [&str; 2] = ["device", "ends"];

impl Disk {
    /// The disk's device.
    pub fn path(&self) -> String {
        format!("/dev/disk/by-id/{}", self.id)
    }

    /// The device of one of its partitions.
    pub fn partition(&self, number: u16) -> String {
        format!("/dev/disk/by-id/{}-part{number}", self.id)
    }
}

fn disk_model(disk: &Disk) -> Json {
    json!({ "id": disk.id, "size": disk.size, "path": disk.path() })
}

/// Puts `more` over `vars`; tables are joined.
fn join<'a>(vars: &mut Map<String, Json>, more: impl IntoIterator<Item = (&'a String, &'a Json)>) {
    for (key, value) in more {
        match (vars.get_mut(key), value) {
            (Some(Json::Object(below)), Json::Object(over)) => join(below, over),
            _ => {
                vars.insert(key.clone(), value.clone());
            }
        }
    }
}

impl Versions {
    /// The versions of a platform.
    pub fn of(platform: Platform) -> Self {
        let words = platform.versions();
        let version = |word: &str| Some(Version::parse(word).expect("a version"));
        Self {
            drbd: version(words.drbd),
            shorewall: version(words.shorewall),
            corosync: version(words.corosync),
            pacemaker: version(words.pacemaker),
            rsyslog: version(words.rsyslog),
            sudo: version(words.sudo),
            libvirt: version(words.libvirt),
            openssh: version(words.openssh),
        }
    }
}
