//! The tables of an inventory that speak of the network: zones, the serial line, the firewall.

use super::super::words::types::{
    Duration, InterfaceName, IpAddress, KeyedTable, Line, Mtu, Name, Network, SourceNet, Tty,
    VlanId, Word as _,
};
use super::inventory::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A zone of the network: one interface or bond, a VLAN or several on it, and the bridge for guests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// The zone's purpose.
    #[serde(default)]
    pub doc: Option<Line>,
    /// The network interface.
    #[serde(default)]
    pub nic: Option<InterfaceName>,
    /// Several interfaces as one, instead of `nic`.
    #[serde(default)]
    pub bond: Option<Bond>,
    /// The VLAN the zone is on `nic` or `bond`, which is then a trunk.
    #[serde(default)]
    pub vlan: Option<VlanId>,
    /// A VLAN for each project, on `nic` or `bond`, which is then a trunk.
    #[serde(default)]
    pub vlans: KeyedTable<Name, VlanId>,
    /// The bridge that guests are connected to. Each of `vlans` has one called `vbr` and its number.
    #[serde(default)]
    pub bridge: Option<InterfaceName>,
    /// The zone's network. Without it the nodes have no address there.
    #[serde(default)]
    pub network: Option<Network>,
    /// The default gateway; one zone has it.
    #[serde(default)]
    pub gateway: Option<IpAddress>,
    /// A node without an address in this zone is given one by the zone's DHCP server.
    #[serde(default)]
    pub dhcp: bool,
    /// The routes to networks behind this zone, besides the default gateway.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// The largest packet, bytes.
    #[serde(default = "mtu")]
    pub mtu: Mtu,
    /// The policy for connections that no rule allows.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// Each node's wire ends in the other node's BMC; the two networks are written at the nodes.
    #[serde(default)]
    pub crossed: bool,
    /// The zone's cards end in those of the other node, whatever VLANs and bridges are on them. Without it a wire of
    /// two nodes that carries a gateway or a bridge is taken for one that ends in a switch.
    #[serde(default)]
    pub cable: bool,
}

fn mtu() -> Mtu {
    Mtu::new(1500).expect("an MTU")
}

/// A way to a network behind a zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The network, or one address.
    pub to: SourceNet,
    /// The router in the zone that knows the way.
    pub via: IpAddress,
}

/// Several interfaces as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bond {
    /// The bond's own name.
    pub name: InterfaceName,
    /// Its interfaces.
    pub nics: Vec<InterfaceName>,
    /// The way in which they work together.
    #[serde(default)]
    pub mode: BondMode,
    /// The interface that is used while it is well; the first where none is named.
    #[serde(default)]
    pub primary: Option<InterfaceName>,
    /// The interval at which the links are monitored, in milliseconds.
    #[serde(default = "miimon")]
    #[schemars(range(min = 1, max = 10000))]
    pub miimon: u32,
    /// The time for which a link that came back is not used, milliseconds; a multiple of `miimon`.
    #[serde(default)]
    #[schemars(range(max = 600_000))]
    pub updelay: u32,
    /// The time for which a link that is gone is still used, milliseconds; a multiple of `miimon`.
    #[serde(default)]
    #[schemars(range(max = 600_000))]
    pub downdelay: u32,
    /// Links are judged by who answers ARP, instead of by their carrier: `miimon` is not used then.
    #[serde(default)]
    pub arp: Option<ArpMonitor>,
    /// When the primary interface is used again after it was gone.
    #[serde(default)]
    pub reselect: Option<Reselect>,
    /// The interval at which LACP speaks with the switch; `802.3ad` only.
    #[serde(default)]
    pub lacp_rate: Option<LacpRate>,
    /// The fields of a packet that choose its interface; `balance-xor` and `802.3ad` only.
    #[serde(default)]
    pub hash: Option<HashPolicy>,
}

/// A bond's links judged by who answers ARP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArpMonitor {
    /// The interval, milliseconds.
    #[schemars(range(min = 100, max = 60_000))]
    pub interval: u32,
    /// The addresses that ARP requests are sent to, in the bond's own network.
    pub targets: Vec<IpAddress>,
}

/// When a bond's primary interface is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reselect {
    /// As soon as it is well.
    Always,
    /// When it is faster than the one in use.
    Better,
    /// When the one in use is gone.
    Failure,
}

/// The interval at which LACP speaks with the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LacpRate {
    /// Every 30 seconds.
    Slow,
    /// Every second.
    Fast,
}

/// The fields of a packet that choose its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HashPolicy {
    /// MAC addresses.
    #[serde(rename = "layer2")]
    Layer2,
    /// MAC and IP addresses.
    #[serde(rename = "layer2+3")]
    Layer23,
    /// IP addresses and ports; no LACP standard knows it.
    #[serde(rename = "layer3+4")]
    Layer34,
}

fn miimon() -> u32 {
    100
}

/// The way in which the interfaces of a bond work together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BondMode {
    /// One after the other.
    BalanceRr,
    /// One works, the others wait.
    #[default]
    ActiveBackup,
    /// By the two ends' addresses.
    BalanceXor,
    /// Everything on all of them.
    Broadcast,
    /// LACP, which the switch has to know.
    #[serde(rename = "802.3ad")]
    Lacp,
    /// By load, sending.
    BalanceTlb,
    /// By load, both ways.
    BalanceAlb,
}

/// The policy for connections that no rule allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// It is dropped without an answer.
    Drop,
    /// It is refused.
    #[default]
    Reject,
    /// It is let in.
    Accept,
}

/// A serial line between the nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Serial {
    /// The serial port, the same on both nodes.
    pub tty: Tty,
    /// Bits a second.
    #[serde(default)]
    pub speed: Speed,
    /// The network of the line. The nodes' addresses in it are written as `address.serial`.
    pub network: Network,
    /// Whether the kernel's console or a login is on this port as well.
    #[serde(default)]
    pub console: bool,
}

/// Bits a second on a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Speed(u32);

impl Speed {
    const KNOWN: [u32; 6] = [9600, 19200, 38400, 57600, 115_200, 230_400];

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self(115_200)
    }
}

impl TryFrom<u32> for Speed {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        Self::KNOWN
            .contains(&number)
            .then_some(Self(number))
            .ok_or_else(|| format!("a serial line has one of the speeds {:?}", Self::KNOWN))
    }
}

impl From<Speed> for u32 {
    fn from(speed: Speed) -> Self {
        speed.0
    }
}

impl JsonSchema for Speed {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Speed".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "enum": Self::KNOWN })
    }
}

/// The firewall: the sources that may reach the nodes from outside, and the knock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    /// The addresses that operators come from; they reach sshd without knocking.
    #[serde(default)]
    pub operators: Vec<SourceNet>,
    /// The way in which everybody else opens sshd.
    #[serde(default)]
    pub knock: Option<Knock>,
    /// The repository that has Shorewall where the release has none: on EL9 there is none in EPEL either.
    #[serde(default)]
    pub repository: Option<Name>,
    /// Whether Docker's own rules stay when Shorewall starts: from Shorewall 5.0.6 on.
    #[serde(default)]
    pub docker: bool,
}

/// Port knocking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Knock {
    /// The secret that holds the ports, with commas between them.
    pub sequence: SecretRef,
    /// The number of its ports: the files have a part for each, and are made without the secret.
    #[serde(default = "knock_ports")]
    #[schemars(range(min = 1, max = 8))]
    pub ports: u8,
    /// The time that each next knock may take.
    #[serde(default = "knock_step")]
    pub step: Duration,
    /// The time for which sshd stays open.
    #[serde(default = "knock_open")]
    pub open: Duration,
}

fn knock_ports() -> u8 {
    3
}

fn knock_step() -> Duration {
    Duration::parse("10s").expect("a length of time")
}

fn knock_open() -> Duration {
    Duration::parse("30s").expect("a length of time")
}
