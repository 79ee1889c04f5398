//! The hardware of virtual machines, and the ends of their wires.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use super::spec::{Flavour, LabNode, LabSpec, NodeAddress};

/// The settings that all machines of a lab share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineSpec {
    /// Their accelerator.
    pub accel: Accel,
    /// Memory of each, MiB.
    pub memory: u32,
    /// Packages that are installed on their disks from the start, beside those of a bare node; each list makes an image
    /// of its own, once. Those that the offline packages of [`super::Recipe`] lack are added to them.
    pub installed: Vec<String>,
}

impl Default for MachineSpec {
    fn default() -> Self {
        Self {
            accel: Accel::Tcg,
            memory: 512,
            installed: Vec::new(),
        }
    }
}

/// The accelerator of a machine: it executes the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Accel {
    /// Emulation, which works everywhere.
    Tcg,
    /// This machine's processor. That /dev/kvm is there does not say that it is of use: within other virtual machines
    /// it can be slower than emulation, or not work at all.
    Kvm,
}

/// The hardware of a machine besides processor and memory. A container has none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Its network cards.
    pub nics: Vec<Nic>,
    /// Its disks, besides the one that it boots from.
    pub disks: Vec<LabDisk>,
    /// Its management controller, which switches it on and off over the network.
    pub bmc: Option<Bmc>,
    /// The number of the serial port that is joined with that of the other node.
    pub line: Option<u8>,
    /// The result of an installer: an address at which the machine is reached, on a card of its own.
    pub way_in: Option<WayIn>,
}

/// A network card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nic {
    /// The name that the machine gives it.
    pub name: String,
    /// Its address; one is made up where there is none.
    pub mac: Option<String>,
    /// The name of the segment that its wire ends in.
    pub segment: String,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabDisk {
    /// Its name under /dev/disk/by-id.
    pub id: String,
    /// Its size in bytes; only what is written takes room.
    pub size: u64,
}

/// A management controller that speaks IPMI over the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bmc {
    /// The name of the segment it is on.
    pub segment: String,
    /// Its address and the length of its network.
    pub cidr: IpNet,
    /// Its account.
    pub user: String,
    /// The secret of the site that is the password.
    pub secret: Option<String>,
    /// The password.
    pub password: String,
}

/// The password of a management controller whose own is not known.
pub const BMC_PASSWORD: &str = "lab";

/// An address that a machine boots with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WayIn {
    /// The card's name and the address.
    pub address: NodeAddress,
    /// The default gateway.
    pub gateway: Option<IpAddr>,
}

/// A segment, where wires meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its name: that of the card or bond whose wires end here; a crossed one's has the node's name behind it.
    pub name: String,
    /// The zones on it.
    pub zones: Vec<String>,
    /// Its type.
    pub kind: SegmentKind,
    /// The largest packet that passes, bytes.
    pub mtu: u32,
}

/// The type of a segment, where wires end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentKind {
    /// In the other machine: pulled out, both see no carrier.
    Cable,
    /// In a switch, where further hosts can be: only the machine whose wire is pulled sees no carrier.
    Switch,
}

/// The MTU of a cable, bytes: more than any site asks for.
pub const CABLE_MTU: u32 = 9216;

impl LabSpec {
    /// A lab of `count` machines `node1`, `node2`, … for where no site says how they look.
    ///
    /// Each has `eth0` (zone management, 10.77.1.1, 10.77.1.2, …), `eth1` (storage), `eth2` (ring), `eth3` (guests, a
    /// trunk) and an empty disk of 4 GiB. Two of them are joined by cables, and the BMC of each is on the other's `eth4` (10.78.1.0/30 with
    /// node1 at .1 and node2's BMC at .2; 10.78.2.0/30 the other way round; user and password `lab`).
    pub fn machines(name: impl Into<String>, count: u8) -> Self {
        let mut spec = Self::debian(name, count);
        spec.flavour = Flavour::Machines(MachineSpec::default());
        let pair = count == 2;
        let between = if pair {
            SegmentKind::Cable
        } else {
            SegmentKind::Switch
        };
        let segment = |name: &str, zone: &str, kind, mtu| Segment {
            name: name.into(),
            zones: vec![zone.into()],
            kind,
            mtu,
        };
        spec.segments = vec![
            segment("eth0", "management", SegmentKind::Switch, 1500),
            segment("eth1", "storage", between, CABLE_MTU),
            segment("eth2", "ring", between, CABLE_MTU),
            segment("eth3", "guests", SegmentKind::Switch, 1500),
        ];
        for (number, node) in (1..=count).zip(&mut spec.nodes) {
            let crossed = format!("eth4.{}", node.name);
            let hardware = &mut node.hardware;
            let mut nics = vec!["eth0", "eth1", "eth2", "eth3"];
            if pair {
                spec.segments
                    .push(segment(&crossed, "bmc", SegmentKind::Cable, 1500));
                nics.push("eth4");
                let other = 3 - number;
                hardware.bmc = Some(Bmc {
                    segment: format!("eth4.node{other}"),
                    cidr: Ipv4Net::new_assert([10, 78, other, 2].into(), 30).into(),
                    user: "lab".into(),
                    secret: None,
                    password: BMC_PASSWORD.into(),
                });
            }
            hardware.nics = nics
                .into_iter()
                .map(|name| Nic {
                    name: name.into(),
                    mac: None,
                    segment: if name == "eth4" { &crossed } else { name }.into(),
                })
                .collect();
            hardware.disks = vec![LabDisk {
                id: "virtio-lab-disk".into(),
                size: 4 << 30,
            }];
            hardware.way_in = Some(WayIn {
                address: node.addresses[0].clone(),
                gateway: None,
            });
        }
        spec
    }

    /// Finds the node of this name.
    pub fn node_mut(&mut self, name: &str) -> Option<&mut LabNode> {
        self.nodes.iter_mut().find(|node| node.name == name)
    }
}
