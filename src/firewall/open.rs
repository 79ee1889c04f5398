//! A port that a role needs open: from whom, on which zone's side.

use super::lines::protocol;
use super::zones::NodeFirewall;
use crate::site::shown;
use ipnet::IpNet;
use serde_json::Value as Json;
use std::net::IpAddr;

/// Ports that a role needs open.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OpenPorts {
    /// The zone whose side they are open on.
    pub zone: String,
    /// The permitted sources: `peers`, `operators`, `any`, `knock` (whoever knocks), a zone's network, an address or a
    /// network.
    pub from: Vec<String>,
    /// Ports of TCP.
    pub tcp: Vec<u16>,
    /// Ports of UDP.
    pub udp: Vec<u16>,
    /// Protocols of their own, such as `gre`.
    pub proto: Vec<String>,
    /// The role that needs them.
    pub role: String,
}

/// The words for permitted sources, besides zones, addresses and networks.
const FROM: [&str; 4] = ["peers", "operators", "any", "knock"];

impl OpenPorts {
    /// An entry of a role with no port yet.
    pub fn of(role: &str) -> Self {
        Self {
            zone: String::new(),
            from: Vec::new(),
            tcp: Vec::new(),
            udp: Vec::new(),
            proto: Vec::new(),
            role: role.to_owned(),
        }
    }

    /// Whether this word, which is no zone, names sources.
    pub fn is_source(word: &str) -> bool {
        FROM.contains(&word) || word.parse::<IpAddr>().is_ok() || word.parse::<IpNet>().is_ok()
    }

    /// Takes one value of a key of `[[open]]`; the error names what would be right.
    pub fn take(&mut self, key: &str, value: &Json) -> Result<(), String> {
        let text = || {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("{value} is no name of a zone, a network or a protocol"))
        };
        let port = || {
            value
                .as_u64()
                .and_then(|n| u16::try_from(n).ok())
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("{value} is no port; a port is a number from 1 to 65535"))
        };
        match key {
            "zone" => self.zone = text()?,
            "from" => self.from.push(text()?),
            "tcp" => self.tcp.push(port()?),
            "udp" => self.udp.push(port()?),
            _ => {
                let word = value.as_u64().map(|n| n.to_string());
                let word = word.map_or_else(text, Ok)?;
                if protocol(&word).is_none() {
                    return Err(format!(
                        "{} is no protocol without ports: give its number from 0 to 255, or one of ah, esp, gre, icmp, \
                         igmp, ipv6-icmp, ospf, sctp, vrrp",
                        shown(&word)
                    ));
                }
                self.proto.push(word);
            }
        }
        Ok(())
    }

    /// The reason why the ports are open to no address: the sources do not exist. `alone`: the site has no other node.
    pub fn nobody(&self, firewall: &NodeFirewall, alone: bool) -> Option<String> {
        let zone = |name: &str| firewall.zones.iter().find(|z| z.name == name);
        let here = zone(&self.zone)?;
        self.from.iter().find_map(|from| match from.as_str() {
            "peers" if alone || !here.peers.is_empty() => None,
            "peers" => Some(format!(
                "the peers have no address in zone {}",
                shown(&self.zone)
            )),
            "knock" if firewall.knock.is_none() => {
                Some("`knock`, and the site describes no knocking in `[firewall]`".to_owned())
            }
            "knock" if !self.udp.is_empty() || !self.proto.is_empty() => {
                Some("knocking opens ports of TCP alone".to_owned())
            }
            "any" | "operators" | "knock" => None,
            other => {
                let without = zone(other).is_some_and(|z| z.network.is_none());
                without.then(|| format!("zone {} has no network to come from", shown(other)))
            }
        })
    }
}
