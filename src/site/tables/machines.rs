//! The tables of an inventory about machines: nodes, their mirrors, their cluster, their guests.

use super::super::words::types::{
    AbsolutePath, ClusterName, CpuCount, DeviceUser, DiskId, DrbdMinor, Duration, FenceAgent, Host,
    HostAddress, HostId, HostName, InterfaceName, IpAddress, KeyedTable, Line, MacAddress, Name,
    PartitionNumber, PartitionUse, Port, Size, UserName, VolumeGroup, Word as _, ZoneName,
};
use super::inventory::{SecretRef, Sudo};
use crate::platform::Platform;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A partition of every node's disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Its size.
    pub size: Size,
    /// A mount point, `swap` or `mirror`.
    #[serde(rename = "use")]
    pub purpose: PartitionUse,
    /// Its filesystem, where it has a mount point.
    #[serde(default)]
    pub filesystem: Option<Filesystem>,
}

/// A local filesystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Filesystem {
    /// ext3.
    Ext3,
    /// ext4.
    Ext4,
    /// XFS.
    Xfs,
    /// FAT, as EFI wants it.
    Vfat,
}

/// A DRBD mirror between the members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// Its minor number: /dev/drbdMINOR.
    pub minor: DrbdMinor,
    /// The partition under it, on every member.
    pub partition: PartitionNumber,
    /// Its TCP port, in the zone that carries the mirrors.
    pub port: Port,
    /// The member whose data is taken when the mirror is first made.
    pub source: HostName,
    /// The place where its GFS2 is mounted on all members, where it carries one.
    #[serde(default)]
    pub gfs2: Option<AbsolutePath>,
    /// The clustered volume group on it, where it carries one.
    #[serde(default)]
    pub group: Option<VolumeGroup>,
}

/// The cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name; the site's where none is given.
    #[serde(default)]
    pub name: Option<ClusterName>,
    /// Its nodes.
    pub members: Vec<HostName>,
    /// The zone over which the members hear each other.
    pub ring: ZoneName,
    /// A second zone for the same. Harmful wherever DLM is used (rule RING-DLM).
    #[serde(default)]
    pub second_ring: Option<ZoneName>,
    /// The zone over which the mirrors replicate. Without it, the only one beside the rings that is nothing but a
    /// link between the members: no gateway, DHCP, VLAN or bridge.
    #[serde(default)]
    pub mirrors: Option<ZoneName>,
    /// The way in which messages travel; each platform has its own default.
    #[serde(default)]
    pub transport: Option<Transport>,
    /// The multicast address, where messages travel by multicast.
    #[serde(default)]
    pub multicast: Option<IpAddress>,
    /// The time for which a member may be silent before it counts as lost.
    #[serde(default = "token")]
    pub token: Duration,
    /// The time for which a starting node waits for the other before it fences it.
    #[serde(default = "join")]
    pub join: Duration,
    /// The time for which a member that was lost may come back before it is fenced; of cman alone.
    #[serde(default = "no_delay")]
    pub fail: Duration,
    /// The member that survives a fence race: the other one waits `delay` before it fences it.
    #[serde(default)]
    pub preferred: Option<HostName>,
    /// That time.
    #[serde(default = "no_delay")]
    pub delay: Duration,
    /// When a node joins.
    #[serde(default)]
    pub start: Start,
    /// Whether guests go back by themselves once their node is back.
    #[serde(default)]
    pub failback: bool,
    /// The lock that keeps a guest from running twice.
    #[serde(default)]
    pub lock: GuestLock,
}

fn token() -> Duration {
    Duration::parse("10s").expect("a length of time")
}

fn join() -> Duration {
    Duration::parse("30s").expect("a length of time")
}

fn no_delay() -> Duration {
    Duration::parse("0s").expect("a length of time")
}

/// The way in which the members' messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// UDP multicast.
    Multicast,
    /// UDP to each member.
    Udpu,
    /// kronosnet; corosync 3 only.
    Knet,
}

/// When a node joins its cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Start {
    /// When an operator says so; a fenced node stays out until then.
    #[default]
    #[serde(rename = "by hand")]
    ByHand,
    /// When it boots.
    #[serde(rename = "at boot")]
    AtBoot,
}

/// The lock that keeps a guest from running twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GuestLock {
    /// sanlock's leases on the shared filesystem.
    Sanlock,
    /// virtlockd's locks on the shared filesystem.
    Lockd,
    /// Volumes that are active on one member only.
    #[default]
    Exclusive,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// A description, for display.
    #[serde(default)]
    pub doc: Option<Line>,
    /// Its address in each zone; with the prefix's length where the zone has no network. `serial` is the serial line.
    #[serde(default)]
    pub address: KeyedTable<ZoneName, HostAddress>,
    /// Further addresses in a zone, beside the one of `address`; with the prefix's length where that is another network.
    #[serde(default)]
    pub extra_address: KeyedTable<ZoneName, Vec<HostAddress>>,
    /// Addresses outside that guests behind a zone have, which this node answers for and passes on: routed, not bridged.
    #[serde(default)]
    pub proxyarp: KeyedTable<ZoneName, Vec<IpAddress>>,
    /// The MAC address of each interface.
    #[serde(default)]
    pub mac: KeyedTable<InterfaceName, MacAddress>,
    /// The disk that carries the partitions.
    #[serde(default)]
    pub disk: Option<Disk>,
    /// Further disks, by a name of your choice.
    #[serde(default)]
    pub disks: KeyedTable<Name, Disk>,
    /// Its management controller, by which the others fence it.
    #[serde(default)]
    pub bmc: Option<FenceDevice>,
    /// Further ways to fence it, in the order in which they are tried.
    #[serde(default)]
    pub fence: Vec<FenceDevice>,
    /// Its memory, for the rule that one node can carry what both carry.
    #[serde(default)]
    pub memory: Option<Size>,
    /// Its processors, as the kernel counts them, for the same rule.
    #[serde(default)]
    pub cpus: Option<CpuCount>,
    /// Its number in the cluster and for sanlock; never changed in a living cluster.
    #[serde(default)]
    pub host_id: Option<HostId>,
    /// The way in which it is logged in to.
    #[serde(default)]
    pub ssh: Ssh,
    /// The release it runs, where that is not the site's.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// Variables of this node, over those of its groups and the site.
    #[serde(default)]
    pub vars: IndexMap<String, Json>,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Its name under /dev/disk/by-id.
    pub id: DiskId,
    /// Its size at least.
    pub size: Size,
}

/// A device that can switch a node off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FenceDevice {
    /// The program that speaks with it.
    pub agent: FenceAgent,
    /// Its address.
    #[serde(default)]
    pub address: Option<Host>,
    /// The account there.
    #[serde(default)]
    pub user: Option<DeviceUser>,
    /// The password there.
    #[serde(default)]
    pub password: Option<SecretRef>,
    /// The outlet, blade or guest, where the device has several.
    #[serde(default)]
    pub plug: Option<Line>,
    /// Further attributes of the agent, as it calls them.
    #[serde(default)]
    pub options: KeyedTable<Name, Line>,
    /// Further attributes whose values are secrets, such as `snmp_priv_passwd`.
    #[serde(default)]
    pub secrets: KeyedTable<Name, SecretRef>,
    /// The name of the method it belongs to. Neighbours of one name do it together (both outlets of a node with two
    /// power supplies); without a name each is a method of its own.
    #[serde(default)]
    pub method: Option<Name>,
}

/// The way in which a node is logged in to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ssh {
    /// The name or address; the address in the zone `site.management` where none is given, else the first address.
    #[serde(default)]
    pub host: Option<Host>,
    /// The port of sshd.
    #[serde(default)]
    pub port: Option<Port>,
    /// The account.
    #[serde(default)]
    pub user: Option<UserName>,
    /// The way in which that account becomes root.
    #[serde(default)]
    pub sudo: Option<Sudo>,
}

/// Nodes that have the same roles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The nodes.
    pub nodes: Vec<HostName>,
    /// Their roles, in the order in which they are carried out.
    #[serde(default)]
    pub roles: Vec<Name>,
    /// Variables of these nodes, over those of the site.
    #[serde(default)]
    pub vars: IndexMap<String, Json>,
}
