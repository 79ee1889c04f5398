//! A site drawn: its nodes with cards, bonds, VLANs and bridges, and the wires between them.
//!
//! [`Picture`] is what there is to draw; [`svg`] places it as one sees the rack from behind, [`dot`] leaves that to
//! Graphviz.

mod dot;
mod svg;
mod tree;

pub use dot::dot;
pub use svg::svg;
pub use tree::tree;

use crate::operate::status::{NodeStatus, State, Status};
use crate::platform::Platform;
use crate::site::Site;
use crate::site::resolved::Purpose;
use crate::site::resolved::device::{Device, DeviceKind};
use std::net::IpAddr;

/// The parts of a site's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The site's name.
    pub title: String,
    /// The nodes, in the order of the site.
    pub nodes: Vec<NodePart>,
    /// The wires between them.
    pub wires: Vec<WirePart>,
    /// The zones that have a purpose, in the order of the site.
    pub purposes: Vec<(String, Purpose)>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePart {
    /// Its name.
    pub name: String,
    /// A description, in a few lines.
    pub about: Vec<String>,
    /// Its cards and the devices on them: a card of its own or a bond each.
    pub bases: Vec<Base>,
    /// Other parts where wires end: the management controller, the serial port.
    pub ports: Vec<GraphPort>,
    /// Its state, where the site was observed.
    pub live: Option<LiveState>,
}

/// The observed state of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveState {
    /// The state.
    pub state: State,
    /// The same in a few words.
    pub words: String,
}

/// A card, or a bond with its cards, and what is on top of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The cards.
    pub cards: Vec<GraphPort>,
    /// The bond they are.
    pub bond: Option<GraphDevice>,
    /// The devices on top of it: a zone or one of its projects each.
    pub branches: Vec<Branch>,
}

/// A zone, or a project of one, on a card or bond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The zone.
    pub zone: String,
    /// Its VLAN.
    pub vlan: Option<GraphDevice>,
    /// Its bridge.
    pub bridge: Option<GraphDevice>,
    /// The project and the node's addresses.
    pub words: Vec<String>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphDevice {
    /// Its name.
    pub name: String,
    /// More about it, short.
    pub about: String,
    /// Its zone; a trunk has none.
    pub zone: Option<String>,
}

/// The end of a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphPort {
    /// The card, the serial port, the controller.
    pub part: GraphDevice,
    /// The name of the wire in it.
    pub wire: Option<String>,
}

/// A wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WirePart {
    /// Its name.
    pub name: String,
    /// The zones on it; the serial line has none.
    pub zones: Vec<String>,
    /// Whether it is a switch.
    pub switch: bool,
    /// More about it: network, MTU, the cluster's traffic over it.
    pub about: String,
    /// The state of the cluster's traffic over it, where there is any and the site was observed.
    pub live: Option<LiveState>,
}

/// The wire of the serial line.
const LINE: &str = "serial";

impl Picture {
    /// The picture of a site.
    pub fn of(site: &Site) -> Self {
        let mut wires: Vec<WirePart> = site
            .wires()
            .into_iter()
            .map(|wire| WirePart {
                about: about_wire(site, &wire.zones, wire.mtu),
                name: wire.name,
                zones: wire.zones,
                switch: wire.switch,
                live: None,
            })
            .collect();
        let nodes: Vec<NodePart> = site.node_names().map(|name| node(site, name)).collect();
        if let Some(serial) = &site.inventory.serial
            && nodes.iter().flat_map(|n| &n.ports).any(|p| p.is_on(LINE))
        {
            wires.push(WirePart {
                name: LINE.into(),
                zones: Vec::new(),
                switch: false,
                about: format!("serial {} Bd", serial.speed.get()),
                live: None,
            });
        }
        let zones = site.inventory.zone.keys();
        let purposes = zones.filter_map(|z| Some((z.to_string(), site.purpose(z.as_str())?)));
        Self {
            title: site.name().to_owned(),
            nodes,
            wires,
            purposes: purposes.collect(),
        }
    }
}

impl Picture {
    /// The same with the states that were observed.
    #[must_use]
    pub fn with_status(mut self, site: &Site, status: &Status) -> Self {
        for node in &mut self.nodes {
            let seen = status.nodes.iter().find(|n| n.name == node.name);
            node.live = seen.map(live_node);
        }
        for wire in &mut self.wires {
            wire.live = live_wire(site, &wire.zones, status);
        }
        self
    }
}

impl GraphPort {
    fn is_on(&self, wire: &str) -> bool {
        self.wire.as_deref() == Some(wire)
    }
}

fn about_wire(site: &Site, zones: &[String], mtu: u32) -> String {
    let mut words: Vec<String> = Vec::new();
    let known = |zone: &String| site.inventory.zone.get(zone.as_str());
    // A trunk's networks belong to its VLANs.
    for zone in zones.iter().filter_map(known).filter(|z| !z.is_trunk()) {
        words.extend(zone.network.as_ref().map(ToString::to_string));
    }
    if mtu != 1500 {
        words.push(format!("MTU {mtu}"));
    }
    for what in zones.iter().flat_map(|z| site.carried(z)) {
        let mirrors = || site.inventory.mirror.keys().map(ToString::to_string);
        match what.as_str() {
            "mirrors" => words.extend(mirrors()),
            _ => words.push(what),
        }
    }
    words.join(" ")
}

fn node(site: &Site, name: &str) -> NodePart {
    let devices = site.devices(name);
    let wires = site.wires();
    let wire_of = |card: &str| {
        let wired = |w: &&crate::site::Wire| w.ends.iter().any(|(n, c)| n == name && c == card);
        wires.iter().find(wired).map(|w| w.name.clone())
    };
    let bases = devices
        .iter()
        .filter(|d| match d.kind {
            DeviceKind::Ethernet => d.master_kind != Some(DeviceKind::Bond),
            kind => kind == DeviceKind::Bond,
        })
        .map(|base| {
            let bond = base.bond.as_ref();
            let bond = bond.map(|b| part(base, format!("mode {}", b.number)));
            let cards = devices.iter().filter(|d| match &bond {
                Some(bond) => d.master.as_ref() == Some(&bond.name),
                None => d.name == base.name,
            });
            Base {
                cards: cards
                    .map(|card| GraphPort {
                        part: part(card, card.mac.clone().unwrap_or_default()),
                        wire: wire_of(&card.name),
                    })
                    .collect(),
                branches: branches(&devices, base),
                bond,
            }
        });
    let mut bases: Vec<Base> = bases.collect();
    // Crossed wires come last: their other ends, the controllers, stand below.
    let zones: Vec<&str> = site
        .inventory
        .zone
        .keys()
        .map(crate::site::words::types::ZoneName::as_str)
        .collect();
    bases.sort_by_key(|base| {
        let first = base.branches.first().map(|b| b.zone.as_str());
        let crossed = first.and_then(|z| site.inventory.zone.get(z));
        let place = zones.iter().position(|z| Some(*z) == first);
        (crossed.is_some_and(|z| z.crossed), place)
    });
    NodePart {
        name: name.to_owned(),
        about: about(site, name),
        bases,
        ports: ports(site, name, &devices),
        live: None,
    }
}

/// The state of a node in a drawing.
fn live_node(node: &NodeStatus) -> LiveState {
    let known = (!node.cluster.is_empty()).then_some(node.cluster.as_str());
    let (state, words) = match (node.answered, node.quorate) {
        (false, _) => {
            let seen = known.map(|word| format!(", {word}")).unwrap_or_default();
            (State::Degraded, format!("no answer{seen}"))
        }
        (true, Some(false)) => (State::Frozen, "no quorum".to_owned()),
        (true, quorate) => {
            let word = known.unwrap_or("answers");
            let quorum = if quorate == Some(true) {
                ", quorate"
            } else {
                ""
            };
            let fine = ["online", "answers"].contains(&word);
            let state = if fine {
                State::Healthy
            } else {
                State::Degraded
            };
            (state, format!("{word}{quorum}"))
        }
    };
    let state = match known {
        Some("unclean") => State::Frozen,
        _ => state,
    };
    LiveState { state, words }
}

/// The state of the cluster's traffic over some zones; `None` where there is none, or no member told.
fn live_wire(site: &Site, zones: &[String], status: &Status) -> Option<LiveState> {
    let mut parts: Vec<(String, State)> = Vec::new();
    for what in zones.iter().flat_map(|z| site.carried(z)) {
        match what.as_str() {
            "mirrors" => {
                let mirrors = status.traffic.mirrors.iter();
                parts.extend(mirrors.map(|(name, state)| (name.clone(), *state)));
            }
            _ => parts.extend(status.traffic.ring.map(|state| (what, state))),
        }
    }
    let state = parts.iter().map(|(_, state)| *state).max()?;
    let named: Vec<&str> = parts
        .iter()
        .filter(|(_, s)| *s == state)
        .map(|(name, _)| name.as_str())
        .collect();
    let words = format!("{} {}", named.join(" "), state.word());
    Some(LiveState { state, words })
}

fn part(device: &Device, about: String) -> GraphDevice {
    GraphDevice {
        name: device.name.clone(),
        about,
        zone: device.zone.clone(),
    }
}

fn branches(devices: &[Device], base: &Device) -> Vec<Branch> {
    let vlans: Vec<&Device> = devices
        .iter()
        .filter(|d| d.parent.as_ref() == Some(&base.name))
        .collect();
    let lowest = if vlans.is_empty() { vec![base] } else { vlans };
    lowest
        .into_iter()
        .filter_map(|low| {
            let zone = low.zone.clone()?;
            let bridge = devices
                .iter()
                .find(|d| d.kind == DeviceKind::Bridge && d.ports.contains(&low.name));
            let top = bridge.unwrap_or(low);
            let mut words = vec![match &top.project {
                Some(project) => format!("{zone}: {project}"),
                None => zone.clone(),
            }];
            words.extend(top.addresses.iter().cloned());
            if top.dhcp {
                words.push("DHCP".into());
            }
            Some(Branch {
                zone,
                vlan: low.vlan.map(|number| part(low, format!("VLAN {number}"))),
                bridge: bridge.map(|b| part(b, "bridge".into())),
                words,
            })
        })
        .collect()
}

/// The management controller and the serial port.
fn ports(site: &Site, name: &str, devices: &[Device]) -> Vec<GraphPort> {
    let serial = devices.iter().find_map(|d| {
        let line = d.serial.as_ref()?;
        Some(GraphPort {
            part: GraphDevice {
                name: line.tty.clone(),
                about: d.addresses.join(" "),
                zone: None,
            },
            wire: Some(LINE.into()),
        })
    });
    let bmc = site.node(name).and_then(|n| n.bmc.as_ref()).map(|bmc| {
        let address = bmc.address.as_ref().map(ToString::to_string);
        let address = address.unwrap_or_default();
        let ip = address.parse::<IpAddr>().ok();
        let wire = ip.and_then(|ip| site.wire_at(ip)).map(|(wire, _)| wire);
        let zones = site.wires();
        let zones = zones.iter().find(|w| Some(&w.name) == wire.as_ref());
        GraphPort {
            part: GraphDevice {
                name: format!("BMC {}", bmc.agent),
                about: address,
                zone: zones.and_then(|w| w.zones.first().cloned()),
            },
            wire,
        }
    });
    bmc.into_iter().chain(serial).collect()
}

/// A description of a node, in a few lines.
fn about(site: &Site, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(node) = site.node(name) else {
        return lines;
    };
    lines.extend(node.doc.as_ref().map(ToString::to_string));
    let platform: Platform = site.platform_of(name);
    let mut words = vec![platform.word().to_owned()];
    words.extend(node.host_id.map(|id| format!("number {id}")));
    words.extend(node.memory.as_ref().map(|m| format!("memory {m}")));
    words.extend(node.disk.as_ref().map(|d| format!("disk {}", d.size)));
    lines.push(words.join(", "));
    let cluster = site.inventory.cluster.as_ref();
    if cluster.is_some_and(|c| c.preferred.as_ref().is_some_and(|p| p.as_str() == name)) {
        lines.push("survives a fence race".into());
    }
    let guests: Vec<&str> = site
        .inventory
        .guest
        .iter()
        .filter(|(_, g)| g.node.as_str() == name)
        .map(|(guest, _)| guest.as_str())
        .collect();
    if !guests.is_empty() {
        lines.push(format!("guests {}", guests.join(" ")));
    }
    lines
}

/// The colour of a zone: the first of each purpose has that purpose's, the others have one of a few by their place.
fn colour(picture: &Picture, zone: Option<&str>) -> &'static str {
    const OTHERS: [&str; 4] = ["#6a1b9a", "#00838f", "#ad1457", "#5d4037"];
    let own = |zone: &str| {
        let (_, purpose) = picture.purposes.iter().find(|(z, _)| z == zone)?;
        let (first, _) = picture.purposes.iter().find(|(_, p)| p == purpose)?;
        (first == zone).then_some(match purpose {
            Purpose::Management => "#c62828",
            Purpose::Ring => "#b8860b",
            Purpose::Mirrors => "#616161",
            Purpose::Bmc => "#e65100",
            Purpose::Projects => "#1565c0",
            Purpose::Guests => "#2e7d32",
        })
    };
    let Some(zone) = zone else { return "#37474f" };
    own(zone).unwrap_or_else(|| {
        let mut others: Vec<&str> = Vec::new();
        for zone in picture.wires.iter().flat_map(|w| &w.zones) {
            if own(zone).is_none() && !others.contains(&zone.as_str()) {
                others.push(zone);
            }
        }
        let at = others.iter().position(|z| *z == zone).unwrap_or_default();
        OTHERS[at % OTHERS.len()]
    })
}

/// The colour of a state.
fn state_colour(state: State) -> &'static str {
    match state {
        State::Healthy => "#2e7d32",
        State::Degraded => "#b26a00",
        State::Frozen => "#c62828",
    }
}

/// The colours of a drawing on a dark page: each with its place in a light one.
pub const DARK: [(&str, &str); 18] = [
    ("#ffffff", "#14181c"),
    ("#fafafa", "#1c2227"),
    ("#eceff1", "#262d33"),
    ("#000000", "#f2f4f5"),
    ("#37474f", "#a9b6bd"),
    ("#c62828", "#ff7b72"),
    ("#b8860b", "#e3b341"),
    ("#616161", "#b0b0b0"),
    ("#e65100", "#ff9d5c"),
    ("#1565c0", "#79b8ff"),
    ("#2e7d32", "#6fcf7c"),
    ("#b26a00", "#f0a63a"),
    ("#6a1b9a", "#d2a8ff"),
    ("#00838f", "#56d4dd"),
    ("#ad1457", "#ff8fb8"),
    ("#5d4037", "#c9a08f"),
    ("#e8f5e9", "#17301b"),
    ("#fdecea", "#3a1a18"),
];

/// The colour of a wire: that of its zone where it has one alone.
fn wire_colour(picture: &Picture, wire: &WirePart) -> &'static str {
    match wire.zones.as_slice() {
        [zone] => colour(picture, Some(zone)),
        _ => colour(picture, None),
    }
}
