//! Names that must name something, and keys of which one is required: checks that types cannot make.

use super::tables::inventory::{Reach, Repository};
use super::text::did_you_mean;
use super::text::finding::{Finding, any_of, shown};
use super::words::types::Word as _;
use super::{Place, Site};

/// Says every name that names nothing.
pub(super) fn check(site: &Site, findings: &mut Vec<Finding>) {
    let mut checker = Checker { site, findings };
    checker.site_table();
    checker.zones();
    checker.nodes();
    checker.cluster();
    checker.groups();
    checker.guests();
    checker.storage();
    checker.others();
}

struct Checker<'a> {
    site: &'a Site,
    findings: &'a mut Vec<Finding>,
}

impl Checker<'_> {
    fn place(&self, path: &[&str]) -> Option<Place> {
        self.site.value_place(path)
    }

    /// `word`, written at `path`, must be one of `known`.
    fn known(&mut self, path: &[&str], word: &str, what: &str, known: &[&str]) {
        if known.contains(&word) {
            return;
        }
        let help = match did_you_mean(word, known) {
            Some(near) => format!("did you mean {}?", shown(&near)),
            None if known.is_empty() => format!("the site has no {what}"),
            None => format!("there is {}", any_of(known)),
        };
        self.findings.push(
            Finding::error(
                "NAME-UNKNOWN",
                format!("no {what} is called {}", shown(word)),
            )
            .at(self.place(path))
            .label(format!("no such {what}"))
            .help(help),
        );
    }

    /// Says in the findings since `before` what could be written in the place of a whole `word`.
    fn in_whole(&mut self, before: usize, word: &str, known: impl Iterator<Item = String>) {
        let known: Vec<String> = known.collect();
        for finding in &mut self.findings[before..] {
            finding.help = match did_you_mean(word, &known) {
                Some(near) => Some(format!("did you mean {}?", shown(&near))),
                None if known.is_empty() => continue,
                None => Some(format!("there is {}", any_of(&known))),
            };
        }
    }

    fn missing(&mut self, path: &[&str], message: String, help: &str) {
        let place = self.site.place(path);
        self.findings
            .push(Finding::error("KEY-MISSING", message).at(place).help(help));
    }

    fn choice(&mut self, path: &[&str], message: String, other: &[&str]) {
        let finding = Finding::error("CHOICE", message)
            .at(self.site.place(path))
            .help("keep one of the two")
            .also(self.site.place(other), "the other is written here");
        self.findings.push(finding);
    }

    fn node_names(&self) -> Vec<&str> {
        self.site.node_names().collect()
    }

    fn known_zone(&mut self, path: &[&str], zone: &str) {
        let zones = self.site.zone_names();
        let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
        self.known(path, zone, "zone", &zones);
    }

    /// A zone with an interface: not the serial line.
    fn known_link(&mut self, path: &[&str], zone: &str) {
        let zones = self.site.inventory.zone.keys();
        let zones: Vec<&str> = zones.map(super::words::types::ZoneName::as_str).collect();
        self.known(path, zone, "zone", &zones);
    }

    fn site_table(&mut self) {
        let site = self.site;
        if let Some(zone) = &site.inventory.site.management {
            self.known_link(&["site", "management"], zone.as_str());
        }
        if let Some(wanted) = &site.inventory.site.requires {
            let own = env!("CARGO_PKG_VERSION");
            if numbers(wanted.as_str()) > numbers(own) {
                self.findings.push(
                    Finding::error(
                        "VERSION",
                        format!("this site was written for nodewright {wanted}; this is {own}"),
                    )
                    .at(self.place(&["site", "requires"]))
                    .help(
                        "use a newer nodewright, or lower `requires` after reading the changelog",
                    ),
                );
            }
        }
        self.guard();
        if let Some(name) = &site.inventory.firewall.repository {
            let known = site.inventory.repository.keys();
            let known: Vec<&str> = known.map(super::words::types::Name::as_str).collect();
            self.known(
                &["firewall", "repository"],
                name.as_str(),
                "repository",
                &known,
            );
        }
        for (at, way) in site.inventory.site.reach.iter().enumerate() {
            let (verb, zone) = match way.get() {
                Reach::Knock(zone) => ("knock", zone),
                Reach::Peer(zone) => ("peer", zone),
                Reach::Direct | Reach::Jump(_) => continue,
            };
            let before = self.findings.len();
            self.known_zone(&["site", "reach", &at.to_string()], zone.as_str());
            let zones = self.site.zone_names();
            self.in_whole(
                before,
                way.as_str(),
                zones.iter().map(|z| format!("{verb} {z}")),
            );
        }
    }

    fn guard(&mut self) {
        let site = self.site;
        let guard = &site.inventory.site.guard;
        let seconds = guard.window.get().as_secs();
        if !(10..=3600).contains(&seconds) {
            self.findings.push(
                Finding::error(
                    "GUARD",
                    format!("the guard cannot wait {}", guard.window),
                )
                .at(site.place(&["site", "guard", "window"]))
                .help("10s to 1h; it has to outlast several connections, and a switch that learns ports for a minute"),
            );
        }
        let reach = site.reach();
        for (at, way) in guard.ways.iter().enumerate() {
            if !reach.contains(&way.get()) {
                self.findings.push(
                    Finding::error("GUARD", format!("`{way}` is no way in of this site"))
                        .at(site.place(&["site", "guard", "ways", &at.to_string()]))
                        .help("every way that the guard confirms is also a way of `reach`, in the same words"),
                );
            }
        }
    }

    fn zones(&mut self) {
        let site = self.site;
        for (name, zone) in &site.inventory.zone {
            let path = ["zone", name.as_str()];
            let at = |key: &'static str| [path[0], path[1], key];
            if name == "serial" {
                self.findings.push(
                    Finding::error("NAME", "a zone cannot be called `serial`")
                        .at(site.place(&path))
                        .help("the serial line is described by `[serial]`"),
                );
            }
            match (&zone.nic, &zone.bond) {
                (Some(_), Some(_)) => self.choice(
                    &at("nic"),
                    format!("zone `{name}` has both `nic` and `bond`"),
                    &at("bond"),
                ),
                (None, None) => self.missing(
                    &path,
                    format!("zone `{name}` has neither `nic` nor `bond`"),
                    "add the interface: `nic = \"eth0\"`",
                ),
                _ => {}
            }
            if zone.vlan.is_some() && !zone.vlans.is_empty() {
                self.choice(
                    &at("vlan"),
                    format!("zone `{name}` has both `vlan` and `vlans`"),
                    &at("vlans"),
                );
            }
        }
    }

    fn nodes(&mut self) {
        let site = self.site;
        for (name, node) in site.nodes() {
            for zone in node.address.keys() {
                let path = ["node", name, "address", zone.as_str()];
                let before = self.findings.len();
                self.known_zone_key(&path, zone.as_str());
                if before == self.findings.len()
                    && let Some((ip, None)) = site.address(name, zone.as_str())
                {
                    self.findings.push(
                        Finding::error(
                            "VALUE",
                            format!("{ip} has no prefix, and zone `{zone}` has no network"),
                        )
                        .at(self.place(&path))
                        .help(format!("write `{ip}/24`, or add `network` to the zone")),
                    );
                }
            }
            for zone in node.proxyarp.keys() {
                let path = ["node", name, "proxyarp", zone.as_str()];
                self.known_zone_key(&path, zone.as_str());
            }
            for zone in node.extra_address.keys() {
                let path = ["node", name, "extra_address", zone.as_str()];
                self.known_zone_key(&path, zone.as_str());
            }
            if node.address.is_empty() && node.ssh.host.is_none() {
                self.missing(
                    &["node", name],
                    format!("node `{name}` has no address"),
                    "add `address = { ZONE = \"192.0.2.5\" }`, or `ssh = { host = \"…\" }`",
                );
            }
        }
    }

    /// As [`known_zone`](Self::known_zone), where the key itself is the zone.
    fn known_zone_key(&mut self, path: &[&str], zone: &str) {
        let before = self.findings.len();
        self.known_zone(path, zone);
        let place = self.site.place(path);
        for finding in &mut self.findings[before..] {
            finding.place = place;
        }
    }

    fn cluster(&mut self) {
        let site = self.site;
        let Some(cluster) = &site.inventory.cluster else {
            return;
        };
        let nodes: Vec<String> = self.node_names().into_iter().map(str::to_owned).collect();
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        for (at, member) in cluster.members.iter().enumerate() {
            self.known(
                &["cluster", "members", &at.to_string()],
                member.as_str(),
                "node",
                &nodes,
            );
        }
        let members: Vec<&str> = cluster
            .members
            .iter()
            .map(super::words::types::HostName::as_str)
            .collect();
        self.known_zone(&["cluster", "ring"], cluster.ring.as_str());
        if let Some(zone) = &cluster.second_ring {
            self.known_zone(&["cluster", "second_ring"], zone.as_str());
        }
        if let Some(zone) = &cluster.mirrors {
            self.known_link(&["cluster", "mirrors"], zone.as_str());
        }
        if let Some(preferred) = &cluster.preferred {
            self.known(
                &["cluster", "preferred"],
                preferred.as_str(),
                "member",
                &members,
            );
        }
        if cluster.name.is_none() && super::words::types::ClusterName::parse(site.name()).is_err() {
            self.missing(
                &["cluster"],
                format!("{} is too long for a cluster's name", shown(site.name())),
                "add `name`, at most 15 long, to `[cluster]`",
            );
        }
    }

    fn groups(&mut self) {
        let site = self.site;
        let nodes = self.site.node_names().collect::<Vec<_>>();
        for (name, group) in &site.inventory.group {
            for (at, node) in group.nodes.iter().enumerate() {
                let path = ["group", name.as_str(), "nodes", &at.to_string()];
                self.known(&path, node.as_str(), "node", &nodes);
            }
            self.two_things(name.as_str(), ("group", name.as_str()), "node");
        }
    }

    fn guests(&mut self) {
        let site = self.site;
        let guests = site.inventory.guest.keys();
        let guests: Vec<&str> = guests.map(super::words::types::HostName::as_str).collect();
        for (name, group) in &site.inventory.guest_group {
            for (at, guest) in group.guests.iter().enumerate() {
                let path = ["guest_group", name.as_str(), "guests", &at.to_string()];
                self.known(&path, guest.as_str(), "guest", &guests);
            }
        }
        let pools = site.inventory.pool.keys();
        let pools: Vec<&str> = pools.map(super::words::types::Name::as_str).collect();
        let nodes = self.site.node_names().collect::<Vec<_>>();
        for (name, guest) in &site.inventory.guest {
            let name = name.as_str();
            self.known(
                &["guest", name, "node"],
                guest.node.as_str(),
                "node",
                &nodes,
            );
            if let Some(pool) = &guest.pool {
                self.known(&["guest", name, "pool"], pool.as_str(), "pool", &pools);
            }
            for (at, path) in guest.zones.iter().enumerate() {
                let here = ["guest", name, "zones", &at.to_string()];
                let (zone, project) = path.parts();
                match (site.inventory.zone.get(zone), project) {
                    (None, _) => {
                        let zones: Vec<&str> = site
                            .inventory
                            .zone
                            .keys()
                            .map(super::words::types::ZoneName::as_str)
                            .collect();
                        self.known(&here, zone, "zone", &zones);
                    }
                    (Some(zone), Some(project)) => {
                        let projects: Vec<&str> = zone
                            .vlans
                            .keys()
                            .map(super::words::types::Name::as_str)
                            .collect();
                        let before = self.findings.len();
                        self.known(&here, project, "project of this zone", &projects);
                        let (name, _) = path.parts();
                        let whole = projects.iter().map(|p| format!("{name}.{p}"));
                        self.in_whole(before, path.as_str(), whole);
                    }
                    (Some(_), None) => {}
                }
            }
            self.two_things(name, ("guest", name), "node");
        }
    }

    /// A name that is both a node's and something else's.
    fn two_things(&mut self, name: &str, path: (&str, &str), other: &str) {
        if let Some(place) = self.site.place(&[other, name]) {
            self.findings.push(
                Finding::error(
                    "KEY-TWICE",
                    format!("{} is both a {} and a {other}", shown(name), path.0),
                )
                .at(self.site.place(&[path.0, path.1]))
                .help("give one of them another name")
                .also(place, format!("the {other}")),
            );
        }
    }

    fn storage(&mut self) {
        let site = self.site;
        let numbers: Vec<String> = site
            .inventory
            .partition
            .keys()
            .map(ToString::to_string)
            .collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let members = site.inventory.cluster.iter().flat_map(|c| &c.members);
        let members: Vec<&str> = members.map(super::words::types::HostName::as_str).collect();
        for (name, mirror) in &site.inventory.mirror {
            let name = name.as_str();
            let number = mirror.partition.to_string();
            self.known(
                &["mirror", name, "partition"],
                &number,
                "partition",
                &numbers,
            );
            self.known(
                &["mirror", name, "source"],
                mirror.source.as_str(),
                "member",
                &members,
            );
            if mirror.gfs2.is_some() && mirror.group.is_some() {
                self.choice(
                    &["mirror", name, "gfs2"],
                    format!("mirror `{name}` carries both a filesystem and a volume group"),
                    &["mirror", name, "group"],
                );
            }
        }
        for (number, partition) in &site.inventory.partition {
            let number = number.to_string();
            let path = ["partition", number.as_str()];
            if partition.purpose.mount().is_some() && partition.filesystem.is_none() {
                self.missing(
                    &path,
                    format!("partition {number} has a mount point and no filesystem"),
                    "add `filesystem = \"ext4\"`",
                );
            }
        }
    }

    fn repository(&mut self, name: &str, repository: &Repository) {
        match (&repository.url, &repository.folder) {
            (Some(_), Some(_)) => self.choice(
                &["repository", name, "url"],
                format!("repository `{name}` has both `url` and `folder`"),
                &["repository", name, "folder"],
            ),
            (None, None) => self.missing(
                &["repository", name],
                format!("repository `{name}` has neither `url` nor `folder`"),
                "add `url = \"https://…\"`, or `folder` with the packages",
            ),
            _ => {}
        }
        if repository.key.is_some() && repository.key_file.is_some() {
            self.choice(
                &["repository", name, "key"],
                format!("repository `{name}` has both `key` and `key_file`"),
                &["repository", name, "key_file"],
            );
        }
        let mut users = self.site.node_names().filter(|node| {
            let platform = self.site.platform_of(node);
            repository.is_for(platform) && !platform.package_tool().is_rpm()
        });
        if let (Some(_), Some(node)) = (&repository.key, users.next()) {
            let message = format!("apt takes no key from a URL, and {node} would use it");
            let place = self.place(&["repository", name, "key"]);
            self.findings
                .push(Finding::error("KEY-URL", message).at(place).help(
                    "put the key into the site, check its fingerprint, and name it with `key_file`",
                ));
        }
    }

    fn others(&mut self) {
        let site = self.site;
        for (name, repository) in &site.inventory.repository {
            self.repository(name.as_str(), repository);
        }
        for (name, operator) in &site.inventory.operator {
            if operator.all_keys().next().is_none() {
                self.missing(
                    &["operator", name.as_str()],
                    format!("operator `{name}` has no SSH key"),
                    "add `key`: the line in the `.pub` file",
                );
            }
        }
    }
}

/// The numbers of a version, for comparing.
fn numbers(version: &str) -> Vec<u64> {
    version
        .split('.')
        .map(|p| {
            p.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
                .parse()
                .unwrap_or(0)
        })
        .collect()
}
