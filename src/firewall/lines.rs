//! A node's Shorewall configuration, line by line: the zones of the site and the ports that its roles open. Templates
//! only format it for a version.

use super::OpenPorts;
use super::zones::{FirewallZone, NodeFirewall};
use ipnet::IpNet;
use serde::Serialize;
use std::net::IpAddr;

/// Ports in one rule of iptables' multiport; a range counts as two.
const PORTS: usize = 15;

/// The files of one family, IPv4 or IPv6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FamilyFiles {
    /// `shorewall` or `shorewall6`: the program, its service and its configuration.
    program: &'static str,
    /// The folder of its files.
    folder: &'static str,
    /// `CONFIG_PATH`.
    path: &'static str,
    /// Its files.
    files: Vec<ShorewallFile>,
    /// The type of its zones.
    kind: &'static str,
    /// Protocol and type of a ping.
    ping: [&'static str; 2],
    /// Types of ICMP without which no neighbour is found, and no group kept.
    neighbours: &'static [u8],
    /// `IP_FORWARDING`.
    forwarding: &'static str,
    /// Whether the other family is closed altogether.
    alone: bool,
    interfaces: Vec<InterfaceLine>,
    policies: Vec<Policy>,
    params: Vec<Param>,
    rules: Vec<RuleLine>,
    stopped: Vec<Stopped>,
    proxied: Vec<Proxied>,
    /// The zones that are knocked at.
    knocking: Vec<String>,
    /// The ports that knocking opens there, with commas between them; empty for none.
    knock_ports: String,
    /// The sources that reach sshd without knocking: operators, and peers over the zones in which they log in to each
    /// other.
    admits: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ShorewallFile {
    name: String,
    path: String,
    template: &'static str,
    /// The name under which a knock is remembered, in the file of its action.
    event: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct InterfaceLine {
    zone: String,
    device: String,
    /// With commas between them; `-` for none.
    options: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Policy {
    from: String,
    to: String,
    does: &'static str,
    /// The level at which it is logged; empty for not at all.
    log: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Param {
    name: String,
    value: String,
}

/// One rule: a source that may connect to a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct RuleLine {
    from: String,
    to: String,
    /// `-` for any.
    proto: String,
    /// `-` for any.
    ports: String,
    /// The role that asks for it, or why it is there.
    why: String,
}

/// Lines that stay open while the firewall is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Stopped {
    device: String,
    /// With commas between them; `-` for everybody.
    sources: String,
    proto: &'static str,
    ports: String,
    /// Frames between the ports of this bridge, instead of packets for the node itself.
    bridged: bool,
}

/// An address of a guest that the node answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Proxied {
    address: IpAddr,
    device: String,
    outside: String,
}

/// The source of connections to an open port.
enum RuleSource {
    Anybody,
    Named(String),
    Address(IpNet),
}

impl FamilyFiles {
    /// IPv4, and IPv6 where the node speaks it.
    pub(super) fn all(firewall: &NodeFirewall, opens: &[OpenPorts]) -> Vec<Self> {
        let four = Self::of(firewall, opens, false);
        let six = firewall.ipv6.then(|| Self::of(firewall, opens, true));
        std::iter::once(four).chain(six).collect()
    }

    fn of(firewall: &NodeFirewall, opens: &[OpenPorts], six: bool) -> Self {
        let lines = LineWriter { firewall, six };
        let knocked: Vec<&OpenPorts> = opens
            .iter()
            .filter(|o| o.from.iter().any(|f| f == "knock"))
            .collect();
        let knock_ports = knocked.iter().flat_map(|o| &o.tcp).copied().collect();
        let mut knocking: Vec<String> = knocked.iter().map(|o| o.zone.clone()).collect();
        knocking.dedup();
        let (program, folder, path) = if six {
            let path = "/etc/shorewall6:/usr/share/shorewall6:/usr/share/shorewall";
            ("shorewall6", "/etc/shorewall6", path)
        } else {
            let path = "/etc/shorewall:/usr/share/shorewall";
            ("shorewall", "/etc/shorewall", path)
        };
        let proxied = lines.proxied();
        Self {
            files: files(
                firewall,
                program,
                folder,
                !proxied.is_empty(),
                !knocking.is_empty(),
            ),
            program,
            folder,
            path,
            kind: if six { "ipv6" } else { "ipv4" },
            ping: if six {
                ["ipv6-icmp", "128"]
            } else {
                ["icmp", "8"]
            },
            // Neighbours and routers, and who is in which group: queries of a switch that snoops come from anywhere.
            neighbours: if six {
                &[130, 131, 132, 133, 134, 135, 136, 143]
            } else {
                &[]
            },
            forwarding: if firewall.routes && !six { "On" } else { "Off" },
            alone: !firewall.ipv6,
            interfaces: lines.interfaces(),
            policies: lines.policies(),
            params: lines.params(),
            rules: lines.rules(opens),
            stopped: lines.stopped(),
            admits: lines.admits(),
            proxied,
            knock_ports: ranges(knock_ports).join(","),
            knocking,
        }
    }
}

/// The files of a family's folder.
fn files(
    firewall: &NodeFirewall,
    program: &str,
    folder: &str,
    proxied: bool,
    knocked: bool,
) -> Vec<ShorewallFile> {
    let mut files = Vec::new();
    let mut add = |name: &str, template: &'static str, event: &str| {
        files.push(ShorewallFile {
            name: name.to_owned(),
            path: format!("{folder}/{name}"),
            template,
            event: event.to_owned(),
        });
    };
    add(&format!("{program}.conf"), "conf", "");
    let stopped = firewall.form.stopped;
    for name in ["zones", "interfaces", "policy", "params", "rules", stopped] {
        add(name, name, "");
    }
    if proxied {
        add("proxyarp", "proxyarp", "");
    }
    let steps = firewall.knock.iter().flat_map(|k| &k.steps);
    if knocked {
        add("actions", "actions", "");
        add("action.Knock", "action.Knock", "");
        if firewall.form.knocking == "recent" {
            add("Knock", "Knock", "");
        } else {
            for step in steps.filter(|s| s.after.is_some()) {
                let name = format!("action.{}", step.action);
                add(&name, "action.KnockStep", &step.event);
            }
        }
    }
    files
}

struct LineWriter<'a> {
    firewall: &'a NodeFirewall,
    six: bool,
}

impl LineWriter<'_> {
    fn zone(&self, name: &str) -> Option<&FirewallZone> {
        self.firewall.zones.iter().find(|z| z.name == name)
    }

    fn mine(&self, ip: IpAddr) -> bool {
        ip.is_ipv6() == self.six
    }

    /// The operators' addresses and those of the peers, as far as they are of this family.
    fn operators(&self, zone: &FirewallZone) -> Vec<String> {
        let nets = zone.operators.iter().filter(|n| self.mine(n.addr()));
        nets.map(written).collect()
    }

    fn peers(&self, zone: &FirewallZone) -> Vec<String> {
        let peers = zone.peers.iter().filter(|ip| self.mine(**ip));
        peers.map(ToString::to_string).collect()
    }

    fn interfaces(&self) -> Vec<InterfaceLine> {
        let mut interfaces = Vec::new();
        for zone in &self.firewall.zones {
            for device in &zone.devices {
                let all = [
                    (zone.addressed, "tcpflags"),
                    (zone.outside && !self.six, "nosmurfs"),
                    (device.bridge, "routeback"),
                    (zone.dhcp, "dhcp"),
                    (zone.optional, "optional"),
                ];
                let options: Vec<_> = all.iter().filter(|(is, _)| *is).map(|(_, o)| *o).collect();
                interfaces.push(InterfaceLine {
                    zone: zone.name.clone(),
                    device: device.name.clone(),
                    options: or_dash(options.join(",")),
                });
            }
        }
        interfaces
    }

    /// The policies in the order in which they are searched: the node itself, traffic within a zone, each zone, the
    /// rest.
    fn policies(&self) -> Vec<Policy> {
        let policy = |from: &str, to: &str, does: &'static str| Policy {
            from: from.to_owned(),
            to: to.to_owned(),
            does,
            log: if does == "ACCEPT" { "" } else { "info" },
        };
        let mut policies = vec![policy("$FW", "all", "ACCEPT")];
        for zone in &self.firewall.zones {
            let name = zone.name.as_str();
            // Of several devices each passes on its own alone, by rules.
            let inside = if zone.devices.len() > 1 {
                "REJECT"
            } else {
                "ACCEPT"
            };
            if zone.devices.len() > 1 || zone.devices.iter().any(|d| d.bridge) {
                policies.push(policy(name, name, inside));
            }
        }
        for zone in &self.firewall.zones {
            let name = zone.name.as_str();
            match zone.otherwise {
                "ACCEPT" => policies.push(policy(name, "$FW", "ACCEPT")),
                otherwise if otherwise != "REJECT" => policies.push(policy(name, "all", otherwise)),
                _ => {}
            }
        }
        policies.push(policy("all", "all", "REJECT"));
        policies
    }

    fn params(&self) -> Vec<Param> {
        let mut params = Vec::new();
        for zone in &self.firewall.zones {
            let lists = [
                (operators_name(&zone.name), self.operators(zone)),
                (peers_name(&zone.name), self.peers(zone)),
            ];
            for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                let value = list.join(",");
                params.push(Param { name, value });
            }
        }
        params
    }

    fn rules(&self, opens: &[OpenPorts]) -> Vec<RuleLine> {
        let mut rules: Vec<RuleLine> = Vec::new();
        let mut add = |from: String, to: String, proto: &str, ports: String, why: &str| {
            let rule = RuleLine {
                from,
                to,
                proto: proto.to_owned(),
                ports,
                why: why.to_owned(),
            };
            let same = |r: &RuleLine| RuleLine {
                why: String::new(),
                ..r.clone()
            };
            if !rules.iter().any(|r| same(r) == same(&rule)) {
                rules.push(rule);
            }
        };
        for zone in self.firewall.zones.iter().filter(|z| z.devices.len() > 1) {
            for device in &zone.devices {
                let own = format!("{}:{}", zone.name, device.name);
                add(own.clone(), own, "-", dash(), "within it");
            }
        }
        let outside = self.firewall.zones.iter().find(|z| z.outside);
        for zone in &self.firewall.zones {
            let proxied = zone.proxied.iter().filter(|ip| self.mine(**ip));
            for (ip, outside) in proxied.filter_map(|ip| Some((ip, outside?))) {
                let guest = format!("{}:{ip}", zone.name);
                add(outside.name.clone(), guest.clone(), "-", dash(), "proxyarp");
                add(guest, outside.name.clone(), "-", dash(), "proxyarp");
            }
        }
        for open in opens {
            let Some(zone) = self.zone(&open.zone) else {
                continue;
            };
            for source in open.from.iter().filter_map(|from| self.source(zone, from)) {
                let from = match source {
                    RuleSource::Anybody => zone.name.clone(),
                    RuleSource::Named(name) => format!("{}:${name}", zone.name),
                    RuleSource::Address(net) => format!("{}:{}", zone.name, written(&net)),
                };
                for (proto, ports) in [("tcp", &open.tcp), ("udp", &open.udp)] {
                    for ports in lists(ports.clone()) {
                        add(from.clone(), "$FW".into(), proto, ports, &open.role);
                    }
                }
                for proto in &open.proto {
                    if let Some(number) = protocol(proto) {
                        let number = number.to_string();
                        add(from.clone(), "$FW".into(), &number, dash(), &open.role);
                    }
                }
            }
        }
        rules
    }

    /// The source that a word of `from` names; `None` where it has no address of this family. `knock` is `None` too:
    /// knocking has rules of its own.
    fn source(&self, zone: &FirewallZone, from: &str) -> Option<RuleSource> {
        let named =
            |list: Vec<String>, name: String| (!list.is_empty()).then_some(RuleSource::Named(name));
        match from {
            "any" => Some(RuleSource::Anybody),
            "knock" => None,
            "peers" => named(self.peers(zone), peers_name(&zone.name)),
            "operators" => named(self.operators(zone), operators_name(&zone.name)),
            other => {
                let address = other.parse::<IpAddr>().map(IpNet::from);
                let net = address.ok().or_else(|| other.parse().ok());
                let net = net.or_else(|| self.zone(other)?.network);
                net.filter(|n| self.mine(n.addr())).map(RuleSource::Address)
            }
        }
    }

    /// The lines that hold while Shorewall is stopped. The cluster's own traffic stays open, and so does every way in:
    /// for operators and peers from their own addresses; where a knock is required, for everybody, since no knock is
    /// heard then.
    fn stopped(&self) -> Vec<Stopped> {
        let firewall = self.firewall;
        let mut stopped: Vec<Stopped> = Vec::new();
        for zone in &firewall.zones {
            for device in &zone.devices {
                let mut add = |sources: Vec<String>, proto: &'static str, bridged: bool| {
                    let ports = if proto == "tcp" {
                        firewall.sshd.to_string()
                    } else {
                        dash()
                    };
                    stopped.push(Stopped {
                        device: device.name.clone(),
                        sources: or_dash(sources.join(",")),
                        proto,
                        ports,
                        bridged,
                    });
                };
                if device.bridge {
                    add(Vec::new(), "-", true);
                }
                let has = |list: &[String]| list.contains(&zone.name);
                if zone.carries {
                    add(Vec::new(), "-", false);
                } else if has(&firewall.knocking) {
                    add(Vec::new(), "tcp", false);
                } else {
                    let operators = self.operators(zone);
                    let peers = self.peers(zone);
                    let peers = if has(&firewall.peers) {
                        peers
                    } else {
                        Vec::new()
                    };
                    for sources in [operators, peers] {
                        if !sources.is_empty() {
                            add(sources, "tcp", false);
                        }
                    }
                }
            }
        }
        stopped
    }

    fn admits(&self) -> Vec<String> {
        let firewall = self.firewall;
        let mut admits: Vec<String> = Vec::new();
        for zone in &firewall.zones {
            let peers = firewall.peers.contains(&zone.name);
            let peers = peers.then(|| self.peers(zone)).into_iter().flatten();
            for from in self.operators(zone).into_iter().chain(peers) {
                if !admits.contains(&from) {
                    admits.push(from);
                }
            }
        }
        admits
    }

    fn proxied(&self) -> Vec<Proxied> {
        let outside = self.firewall.zones.iter().find(|z| z.outside);
        let outside = outside.and_then(|z| z.devices.first());
        let mut proxied = Vec::new();
        for zone in &self.firewall.zones {
            for address in zone.proxied.iter().filter(|ip| self.mine(**ip)) {
                if let (Some(device), Some(outside)) = (zone.devices.first(), outside) {
                    proxied.push(Proxied {
                        address: *address,
                        device: device.name.clone(),
                        outside: outside.name.clone(),
                    });
                }
            }
        }
        proxied
    }
}

fn dash() -> String {
    "-".to_owned()
}

fn or_dash(text: String) -> String {
    if text.is_empty() { dash() } else { text }
}

fn operators_name(zone: &str) -> String {
    format!("OPERATORS_{}", zone.to_uppercase())
}

fn peers_name(zone: &str) -> String {
    format!("PEERS_{}", zone.to_uppercase())
}

/// A network, or one address without its prefix.
fn written(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.trunc().to_string()
    }
}

/// Ports in order, neighbours as a range.
fn ranges(mut ports: Vec<u16>) -> Vec<String> {
    ports.sort_unstable();
    ports.dedup();
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for port in ports {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == port => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    let written = ranges.into_iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}:{last}"),
    });
    written.collect()
}

/// The same in lists that one rule can have.
fn lists(ports: Vec<u16>) -> Vec<String> {
    let mut lists: Vec<(usize, String)> = Vec::new();
    for range in ranges(ports) {
        let weight = if range.contains(':') { 2 } else { 1 };
        match lists.last_mut() {
            Some((sum, list)) if *sum + weight <= PORTS => {
                *sum += weight;
                list.push(',');
                list.push_str(&range);
            }
            _ => lists.push((weight, range)),
        }
    }
    lists.into_iter().map(|(_, list)| list).collect()
}

/// The number of a protocol that has no ports, by its name or number.
pub(super) fn protocol(word: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 9] = [
        ("ah", 51),
        ("esp", 50),
        ("gre", 47),
        ("icmp", 1),
        ("igmp", 2),
        ("ipv6-icmp", 58),
        ("ospf", 89),
        ("sctp", 132),
        ("vrrp", 112),
    ];
    let named = NAMES.iter().find(|(name, _)| *name == word);
    let number = word.bytes().all(|b| b.is_ascii_digit());
    named
        .map(|(_, n)| *n)
        .or_else(|| number.then(|| word.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_written_in_as_few_words_as_can_be() {
        assert_eq!(ranges(vec![7790, 22, 7788, 7789, 22]), ["22", "7788:7790"]);
        assert_eq!(ranges(vec![65535, 65534]), ["65534:65535"]);
        let odd = (0..17).map(|i| 1001 + 2 * i).collect();
        let lists = lists(odd);
        assert_eq!(lists.len(), 2);
        assert_eq!(lists[1], "1031,1033");
    }

    #[test]
    fn protocols_have_numbers() {
        assert_eq!(protocol("igmp"), Some(2));
        assert_eq!(protocol("47"), Some(47));
        for bad in ["", "gre $FW", "256", "-1", "GRE"] {
            assert_eq!(protocol(bad), None, "{bad}");
        }
    }
}
