//! The firewall of a node as the site alone decides it: zones with their devices, permitted sources, and the syntax of
//! the node's Shorewall. [`role`](crate::role) adds the ports that roles open.

use crate::site::Site;
use crate::site::resolved::device::{Device, DeviceKind};
use crate::site::resolved::knock;
use crate::site::tables::inventory::Reach;
use crate::site::tables::network::{Otherwise, Zone};
use ipnet::IpNet;
use serde::Serialize;
use std::net::IpAddr;

/// The port of sshd where none is written.
const SSHD: u16 = 22;

/// The firewall of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NodeFirewall {
    /// The forms of its files.
    pub form: ShorewallSyntax,
    /// The port of sshd.
    pub sshd: u16,
    /// Its zones in the site's order, the serial line last.
    pub zones: Vec<FirewallZone>,
    /// The zones that operators come through.
    pub operators: Vec<String>,
    /// The zones over which the members of the cluster log in to each other.
    pub peers: Vec<String>,
    /// The zones at which everybody else knocks.
    pub knocking: Vec<String>,
    /// The way in which knocking works, where it is described.
    pub knock: Option<Knocking>,
    /// Whether packets are passed on from one zone to another.
    pub routes: bool,
    /// Whether the node has a network or an address of IPv6.
    pub ipv6: bool,
}

/// A zone of the firewall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "templates read each by its name"
)]
pub struct FirewallZone {
    /// Its name.
    pub name: String,
    /// The policy for a connection that no rule allows: `DROP`, `REJECT`, `ACCEPT`.
    pub otherwise: &'static str,
    /// The devices on which its packets come in.
    pub devices: Vec<FirewallDevice>,
    /// The default route leads there.
    pub outside: bool,
    /// It has a network or an address of this node, so that packets for the node itself come in there.
    pub addressed: bool,
    /// An address is given there by DHCP.
    pub dhcp: bool,
    /// It may be missing: a wire into a BMC, a serial line, bridges for guests alone.
    pub optional: bool,
    /// The cluster or its mirrors send over it: it stays open while the firewall is stopped.
    pub carries: bool,
    /// Its network.
    pub network: Option<IpNet>,
    /// The operators' addresses that come through it.
    pub operators: Vec<IpNet>,
    /// The addresses of the other members of the cluster in it.
    pub peers: Vec<IpAddr>,
    /// Addresses of guests behind it that this node answers for outside.
    pub proxied: Vec<IpAddr>,
}

/// A device of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirewallDevice {
    /// Its name.
    pub name: String,
    /// It passes frames on between its own ports.
    pub bridge: bool,
}

/// The way in which sshd is opened by knocking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Knocking {
    /// The ports, which are secrets, in order.
    pub steps: Vec<KnockStep>,
    /// Seconds that each next knock may take.
    pub step: u64,
    /// Seconds that it stays open.
    pub open: u64,
}

/// One knock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnockStep {
    /// Its number, from 1.
    pub number: usize,
    /// The name of the secret that is its port.
    pub secret: String,
    /// The name of the address's progress so far: `NW_KNOCK1`, and after the last `NW_OPEN`.
    pub event: String,
    /// The name that has to be remembered already.
    pub after: Option<String>,
    /// Shorewall's name for what remembers it.
    pub action: String,
}

/// The forms of Shorewall's files on a node (docs/facts/firewall.md#versions-of-shorewall).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ShorewallSyntax {
    /// The first line of `interfaces`.
    pub format: &'static str,
    /// The beginning of a section of `rules`.
    pub section: &'static str,
    /// `LOGFORMAT`, short enough for the names of zones.
    pub logformat: &'static str,
    /// The file of lines that stay open while the firewall is stopped: `stoppedrules` or `routestopped`.
    pub stopped: &'static str,
    /// The way in which knocking is written: `events` or `recent`.
    pub knocking: &'static str,
    /// The longest name of a zone.
    pub longest_zone: usize,
    /// Directives have a question mark, and shorewall.conf the keys of that time.
    pub marked: bool,
    /// It can keep Docker's rules when it starts.
    pub docker: bool,
    /// The service takes changed files up by a reload; otherwise it is restarted.
    pub reload: bool,
}

impl ShorewallSyntax {
    /// The forms that a version takes.
    pub fn of(version: &str) -> Self {
        let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        let version = (next(), next(), next());
        let since = |major, minor, patch| version >= (major, minor, patch);
        // Fixed characters of the format + 6 + twice the longest name + 1 fit into the 29 of a log prefix.
        let (logformat, longest_zone) = if since(5, 1, 0) {
            ("%s %s ", 10)
        } else {
            ("SW:%s:%s:", 8)
        };
        let marked = since(4, 6, 0);
        Self {
            format: if marked { "?FORMAT 2" } else { "FORMAT 2" },
            section: if marked { "?SECTION" } else { "SECTION" },
            logformat,
            stopped: if marked {
                "stoppedrules"
            } else {
                "routestopped"
            },
            // Compilers before 4.6.9 act on an event before they look at the ports of a rule.
            knocking: if since(4, 6, 9) { "events" } else { "recent" },
            longest_zone,
            marked,
            docker: since(5, 0, 6),
            reload: since(5, 0, 0),
        }
    }
}

impl Site {
    /// The forms in which a node's Shorewall takes its files.
    pub fn shorewall_form(&self, node: &str) -> ShorewallSyntax {
        let version = self.versions_of(node).shorewall;
        let mut form = ShorewallSyntax::of(version.as_ref().map_or("", |v| v.as_str()));
        // A start script has a reload in every version, which is the restart that leaves no moment without rules.
        form.reload |= !self.platform_of(node).has_systemd();
        form
    }

    /// The port of a node's sshd.
    pub fn sshd_port(&self, node: &str) -> u16 {
        self.login(node).port.unwrap_or(SSHD)
    }

    /// The firewall of a node.
    pub fn firewall(&self, node: &str) -> NodeFirewall {
        let names = self.inventory.zone.keys().map(ToString::to_string);
        let serial = self.inventory.serial.iter().map(|_| "serial".to_owned());
        let all = self.devices(node);
        let zones: Vec<FirewallZone> = names
            .chain(serial)
            .map(|name| (self.zone_devices(&all, &name), name))
            .filter(|(devices, _)| !devices.is_empty())
            .map(|(devices, name)| self.firewall_zone(node, name, devices))
            .collect();
        let with = |is: &dyn Fn(&FirewallZone) -> bool| -> Vec<String> {
            let zones = zones.iter().filter(|z| is(z));
            zones.map(|z| z.name.clone()).collect()
        };
        let ways = self.reach();
        let ring = self.inventory.cluster.as_ref().map(|c| c.ring.as_str());
        let over = |zone: &str| {
            let way = |w: &Reach| matches!(w, Reach::Peer(z) if z == zone);
            ring == Some(zone) || ways.iter().any(way)
        };
        let knocked: Vec<&str> = ways
            .iter()
            .filter_map(|w| match w {
                Reach::Knock(zone) => Some(zone.as_str()),
                _ => None,
            })
            .collect();
        let knock = self.inventory.firewall.knock.as_ref();
        NodeFirewall {
            form: self.shorewall_form(node),
            sshd: self.sshd_port(node),
            operators: with(&|z| !z.operators.is_empty()),
            peers: with(&|z| !z.peers.is_empty() && over(&z.name)),
            knocking: with(&|z| {
                let here = knocked.contains(&z.name.as_str());
                knock.is_some() && (here || knocked.is_empty() && z.outside)
            }),
            knock: knock.map(|knock| Knocking {
                steps: knock_steps(usize::from(knock.ports)),
                step: knock.step.get().as_secs(),
                open: knock.open.get().as_secs(),
            }),
            routes: zones.iter().any(|z| !z.proxied.is_empty()),
            ipv6: self.speaks_ipv6(node),
            zones,
        }
    }

    /// The devices on which packets of a zone come in: the uppermost ones. In a rehearsal, a device that is not made
    /// there is replaced by the card beneath, as the lab has it.
    fn zone_devices(&self, all: &[Device], zone: &str) -> Vec<FirewallDevice> {
        let top = |d: &&Device| d.zone.as_deref() == Some(zone) && d.master.is_none();
        let named = |d: &Device| FirewallDevice {
            name: d.name.clone(),
            bridge: d.kind == DeviceKind::Bridge,
        };
        let found = all.iter().filter(top);
        let card = |z: &Zone| {
            let bond = z.bond.as_ref().and_then(|b| b.nics.first());
            z.nic.as_ref().or(bond).map(ToString::to_string)
        };
        let mut devices: Vec<FirewallDevice> = Vec::new();
        for device in found {
            let there = self.inventory.zone.get(zone).and_then(card);
            let device = match there {
                Some(name) if !device.managed && !device.addresses.is_empty() => FirewallDevice {
                    name,
                    bridge: false,
                },
                _ => named(device),
            };
            if !devices.contains(&device) {
                devices.push(device);
            }
        }
        devices
    }

    fn firewall_zone(
        &self,
        node: &str,
        name: String,
        devices: Vec<FirewallDevice>,
    ) -> FirewallZone {
        let zone = self.inventory.zone.get(name.as_str());
        let serial = self.inventory.serial.as_ref().filter(|_| zone.is_none());
        let network = match zone {
            Some(zone) => zone
                .network
                .as_ref()
                .map(crate::site::words::types::Network::net),
            None => serial.map(|s| s.network.net()),
        };
        let own = self.address(node, &name);
        let dhcp = zone.is_some_and(|z| z.dhcp) && own.is_none();
        let outside = self.is_outside(&name);
        let addressed = own.is_some() || dhcp;
        let peers = self.peers_of(node).into_iter();
        let proxied = self
            .node(node)
            .and_then(|n| n.proxyarp.get(name.as_str()))
            .into_iter()
            .flatten()
            .map(crate::site::words::types::IpAddress::ip);
        FirewallZone {
            otherwise: match zone.map(|z| z.otherwise).unwrap_or_default() {
                Otherwise::Drop => "DROP",
                Otherwise::Reject => "REJECT",
                Otherwise::Accept => "ACCEPT",
            },
            devices,
            outside,
            addressed,
            dhcp,
            optional: !addressed || serial.is_some() || zone.is_some_and(|z| z.crossed),
            carries: !self.carried(&name).is_empty(),
            network,
            operators: if addressed {
                self.operators_through(node, &name)
            } else {
                Vec::new()
            },
            // Wires into BMCs lead to no peer.
            peers: peers
                .filter(|_| !zone.is_some_and(|z| z.crossed))
                .filter_map(|p| self.address(p, &name))
                .map(|(ip, _)| ip)
                .collect(),
            proxied: proxied.collect(),
            name,
        }
    }

    fn speaks_ipv6(&self, node: &str) -> bool {
        let networks = self
            .inventory
            .zone
            .values()
            .filter_map(|z| z.network.as_ref());
        let mut networks = networks.map(|n| n.net().addr());
        let found = self.node(node);
        let own = found.into_iter().flat_map(|n| n.address.values());
        let extra = found.into_iter().flat_map(|n| n.extra_address.values());
        let mut own = own.chain(extra.flatten());
        networks.any(|ip| ip.is_ipv6()) || own.any(|a| a.ip().is_ipv6())
    }

    /// The operators' addresses that come through a zone of a node: those in its network or behind it, and at the way
    /// out all that are in no other. In a rehearsal the operator sits where the zone has its gateway.
    fn operators_through(&self, node: &str, zone: &str) -> Vec<IpNet> {
        let nets = |name: &str| -> Vec<IpNet> {
            let found = self.inventory.zone.get(name);
            let routes = found.iter().flat_map(|z| &z.routes).map(|r| r.to.net());
            let own = found.and_then(|z| z.network.as_ref());
            let own = own.map(crate::site::words::types::Network::net).into_iter();
            own.chain(routes).filter(|n| n.prefix_len() > 0).collect()
        };
        let mut sources: Vec<IpNet> = self
            .inventory
            .firewall
            .operators
            .iter()
            .map(crate::site::words::types::SourceNet::net)
            .filter(|from| {
                let mut near = nets(zone).into_iter();
                let mut zones = self.inventory.zone.keys();
                let elsewhere =
                    zones.any(|z| nets(z.as_str()).iter().any(|net| net.contains(from)));
                near.any(|net| net.contains(from) || from.contains(&net))
                    || self.is_outside(zone) && !elsewhere
            })
            .collect();
        if self.in_containers() && self.reached_zone(node) == Some(zone) {
            let found = self.inventory.zone.get(zone);
            let gateway = found.and_then(|z| z.gateway.as_ref());
            let network = found.and_then(|z| z.network.as_ref());
            sources.extend(
                gateway
                    .map(|g| IpNet::from(g.ip()))
                    .or(network.map(crate::site::words::types::Network::net)),
            );
        }
        sources
    }
}

fn knock_steps(count: usize) -> Vec<KnockStep> {
    let event = |number: usize| {
        if number == count {
            "NW_OPEN".to_owned()
        } else {
            format!("NW_KNOCK{number}")
        }
    };
    let steps = (1..=count).map(|number| KnockStep {
        number,
        secret: knock::port_secret(number),
        event: event(number),
        after: (number > 1).then(|| event(number - 1)),
        action: if number == count {
            "KnockOpen".to_owned()
        } else {
            format!("KnockStep{number}")
        },
    });
    steps.collect()
}
