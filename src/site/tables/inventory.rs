//! The tables of an inventory, as an operator writes them, with their defaults.
//!
//! The doc comments are the descriptions of the JSON Schema; there is no other list of keys.

use super::super::words::types::{
    AgeRecipient, Date, DomainName, Duration, Host, HostName, IpAddress, KeyedTable, Line, Name,
    PartitionKey, Port, ReachWord, RuleCode, SecretName, SitePath, Size, SourceNet, SshKey,
    TimeZone, Url, UserName, Version, Word as _, ZoneName,
};
use super::guests::{Guest, GuestDefaults, GuestGroup, Pool};
use super::machines::{Cluster, Group, Mirror, Node, Partition};
use super::network::{Firewall, Serial, Zone};
use crate::platform::Platform;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A whole inventory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// The site as a whole.
    pub site: SiteTable,
    /// Versions that decide a syntax. A version that is not given follows from the platform; a node that differs is a finding.
    #[serde(default)]
    pub versions: Versions,
    /// Findings this site lives with, by the rule's code.
    #[serde(default)]
    pub accept: KeyedTable<RuleCode, Accept>,
    /// The zones of the network, by name.
    #[serde(default)]
    pub zone: KeyedTable<ZoneName, Zone>,
    /// A serial line between the nodes: the last way in, over PPP.
    #[serde(default)]
    pub serial: Option<Serial>,
    /// The firewall: the sources that may reach the nodes from outside, and the knock.
    #[serde(default)]
    pub firewall: Firewall,
    /// The services of other hosts that the nodes use.
    #[serde(default)]
    pub services: Services,
    /// Package repositories, by name.
    #[serde(default)]
    pub repository: KeyedTable<Name, Repository>,
    /// The operators: the persons who look after the nodes, by account.
    #[serde(default)]
    pub operator: KeyedTable<UserName, Operator>,
    /// The partitions of every node's disk, by number. Only added in free space; never moved.
    #[serde(default)]
    pub partition: KeyedTable<PartitionKey, Partition>,
    /// The DRBD mirrors, by resource name.
    #[serde(default)]
    pub mirror: KeyedTable<Name, Mirror>,
    /// The cluster, where there is one.
    #[serde(default)]
    pub cluster: Option<Cluster>,
    /// The nodes, by the name `uname -n` says there.
    #[serde(default)]
    pub node: KeyedTable<HostName, Node>,
    /// Groups of nodes and the roles they have, by name.
    #[serde(default)]
    pub group: KeyedTable<Name, Group>,
    /// The defaults of all guests.
    #[serde(default)]
    pub guest_defaults: GuestDefaults,
    /// Keys that several guests share, by a name of your choice; where two groups of a guest set the same key, the last
    /// one counts.
    #[serde(default)]
    pub guest_group: KeyedTable<Name, GuestGroup>,
    /// The guests, by name.
    #[serde(default)]
    pub guest: KeyedTable<HostName, Guest>,
    /// Folders of images for guests, by name.
    #[serde(default)]
    pub pool: KeyedTable<Name, Pool>,
    /// Free variables, for own roles and templates and over the defaults of roles.
    #[serde(default)]
    pub vars: IndexMap<String, Json>,
}

/// The site as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteTable {
    /// The site's name; also the cluster's where that has none of its own.
    pub name: Name,
    /// The domain of the nodes.
    pub domain: DomainName,
    /// The release the nodes run; decides the form of every file.
    pub platform: Platform,
    /// The version of nodewright this site was written for.
    #[serde(default)]
    pub requires: Option<Version>,
    /// Whether `apply` takes only saved plans that another operator has signed (`nodewright review`).
    #[serde(default)]
    pub review: bool,
    /// Ways to the nodes, in the order in which they are tried. Without any: directly.
    #[serde(default)]
    pub reach: Vec<ReachWord>,
    /// The zone that nodes are reached in, and that an installer sets up. Without it, the first that the default route
    /// leads through, else the first in which a node has an address.
    #[serde(default)]
    pub management: Option<ZoneName>,
    /// The time zone of the nodes.
    #[serde(default = "utc")]
    pub timezone: TimeZone,
    /// The way in which nodes are logged in to where they do not say otherwise.
    #[serde(default)]
    pub ssh: SshDefaults,
    /// The way in which changes that could lock everybody out are confirmed.
    #[serde(default)]
    pub guard: GuardTable,
}

/// The way in which a change to network, firewall, sshd or rights is confirmed. It cannot be switched off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardTable {
    /// The time for which such a change waits for new connections before it is rolled back: 10 seconds to an hour.
    #[serde(default = "guard_window")]
    pub window: Duration,
    /// Ways in, out of `reach`, that have to work anew besides the one that the run came by. One that did not work
    /// right before the change is not asked for.
    #[serde(default)]
    pub ways: Vec<ReachWord>,
}

impl Default for GuardTable {
    fn default() -> Self {
        Self {
            window: guard_window(),
            ways: Vec::new(),
        }
    }
}

fn guard_window() -> Duration {
    Duration::parse("120s").expect("a length of time")
}

fn utc() -> TimeZone {
    TimeZone::parse("UTC").expect("a time zone")
}

/// The way in which every node is logged in to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshDefaults {
    /// The port of sshd.
    #[serde(default)]
    pub port: Option<Port>,
    /// The account; without it, the one of the operator's own OpenSSH configuration.
    #[serde(default)]
    pub user: Option<UserName>,
    /// The way in which that account becomes root.
    #[serde(default)]
    pub sudo: Option<Sudo>,
}

/// The way in which an account becomes root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sudo {
    /// Not at all: the account is root.
    #[default]
    None,
    /// By sudo without a password.
    Nopasswd,
    /// By sudo with the operator's password, which is asked for once.
    Password,
}

/// A way to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Straight to the node's address.
    Direct,
    /// Through a jump host: `[user@]host[:port]`.
    Jump(String),
    /// Straight, after knocking at the address in this zone.
    Knock(ZoneName),
    /// Through another member of the cluster, over this zone.
    Peer(ZoneName),
}

impl Reach {
    /// The word by which the generated configuration and reports call it: `direct`, `jump`, `knock-ZONE`, `peer-ZONE`.
    pub fn word(&self) -> String {
        match self {
            Self::Direct => "direct".to_owned(),
            Self::Jump(_) => "jump".to_owned(),
            Self::Knock(zone) => format!("knock-{zone}"),
            Self::Peer(zone) => format!("peer-{zone}"),
        }
    }

    /// Reads `direct`, `jump HOST`, `knock ZONE`, `peer ZONE`.
    pub fn read(text: &str) -> Result<Self, String> {
        let sentence =
            || "a way in is `direct`, `jump HOST`, `knock ZONE` or `peer ZONE`".to_owned();
        match text.split_once(' ') {
            None if text == "direct" => Ok(Self::Direct),
            Some(("jump", target)) => {
                let host = target.rsplit_once('@').map_or(Ok(target), |(user, host)| {
                    UserName::parse(user).map(|_| host)
                })?;
                let host = match host.rsplit_once(':') {
                    Some((host, port)) if !host.contains(':') => {
                        let number = port.parse().map_err(|_| sentence())?;
                        Port::new(number)?;
                        host
                    }
                    _ => host,
                };
                Host::parse(host)?;
                Ok(Self::Jump(target.to_owned()))
            }
            Some(("knock", zone)) => ZoneName::parse(zone).map(Self::Knock),
            Some(("peer", zone)) => ZoneName::parse(zone).map(Self::Peer),
            _ => Err(sentence()),
        }
    }
}

impl ReachWord {
    /// The way it names.
    pub fn get(&self) -> Reach {
        Reach::read(self.as_str()).expect("parsed before")
    }
}

/// Versions that decide a syntax.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// DRBD's kernel module.
    #[serde(default)]
    pub drbd: Option<Version>,
    /// Shorewall.
    #[serde(default)]
    pub shorewall: Option<Version>,
    /// corosync.
    #[serde(default)]
    pub corosync: Option<Version>,
    /// pacemaker.
    #[serde(default)]
    pub pacemaker: Option<Version>,
    /// rsyslog.
    #[serde(default)]
    pub rsyslog: Option<Version>,
    /// sudo.
    #[serde(default)]
    pub sudo: Option<Version>,
    /// libvirt.
    #[serde(default)]
    pub libvirt: Option<Version>,
    /// OpenSSH's server.
    #[serde(default)]
    pub openssh: Option<Version>,
}

/// The acceptance of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// The reason.
    pub why: Line,
    /// The day from which on it is due for review.
    pub until: Date,
}

/// A value in the site's encrypted file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    /// Its name there.
    pub secret: SecretName,
}

/// The services of other hosts that the nodes use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// Time servers.
    #[serde(default)]
    pub time: Vec<Host>,
    /// Name servers.
    #[serde(default)]
    pub dns: Vec<IpAddress>,
    /// The central log.
    #[serde(default)]
    pub log: Option<Log>,
    /// The monitoring servers that query the nodes.
    #[serde(default)]
    pub monitoring: Option<Monitoring>,
    /// The host that takes the nodes' mail.
    #[serde(default)]
    pub mail: Option<Mail>,
}

/// The central log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The log server.
    pub server: Host,
    /// Its port, TCP.
    #[serde(default = "log_port")]
    pub port: Port,
    /// The time for which the node retains logs.
    #[serde(default = "log_keep")]
    pub keep: Duration,
    /// The amount that the node queues while the server is unreachable.
    #[serde(default = "log_queue")]
    pub queue: Size,
}

fn log_port() -> Port {
    Port::new(514).expect("a port")
}

fn log_keep() -> Duration {
    Duration::parse("7d").expect("a length of time")
}

fn log_queue() -> Size {
    Size::parse("1G").expect("a size")
}

/// The monitoring servers that query the nodes, and the agent's port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitoring {
    /// The monitoring servers.
    pub from: Vec<SourceNet>,
    /// The agent's port, TCP.
    #[serde(default = "monitoring_port")]
    pub port: Port,
}

fn monitoring_port() -> Port {
    Port::new(6556).expect("a port")
}

/// The relay and the recipients of the nodes' mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The host that takes it.
    pub relay: Host,
    /// The recipients of root's mail.
    #[serde(default)]
    pub root: Vec<Line>,
}

/// A package repository: on a server, or a folder of packages in the site that is pushed to the nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// A description, for display.
    #[serde(default)]
    pub description: Option<Line>,
    /// The place where it is served; `$releasever` and `$basearch` are left to yum and dnf. `file:///…` is a folder on
    /// the node.
    #[serde(default)]
    pub url: Option<Url>,
    /// A folder of packages in the site with their metadata, pushed to the nodes: for releases whose mirrors are gone.
    #[serde(default)]
    pub folder: Option<SitePath>,
    /// The key that signs its packages: a URL, which apt does not know.
    #[serde(default)]
    pub key: Option<Url>,
    /// A file in the site with the key that signs its packages (`-----BEGIN PGP …`).
    #[serde(default)]
    pub key_file: Option<SitePath>,
    /// Distribution, for apt only, such as `bookworm`.
    #[serde(default)]
    pub suite: Option<Name>,
    /// Components, for apt only, such as `main`.
    #[serde(default)]
    pub components: Vec<Name>,
    /// The platforms that use it; all where none is named.
    #[serde(default)]
    pub platforms: Vec<Platform>,
    /// Packages that are not taken from it; `*` stands for anything.
    #[serde(default)]
    pub exclude: Vec<Line>,
    /// Lower goes first, where the package manager knows priorities.
    #[serde(default)]
    #[schemars(range(min = 1, max = 99))]
    pub priority: Option<u8>,
}

/// A person who looks after the nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The public SSH key.
    #[serde(default)]
    pub key: Option<SshKey>,
    /// Further public SSH keys.
    #[serde(default)]
    pub keys: Vec<SshKey>,
    /// The person's name, for display.
    #[serde(default)]
    pub name: Option<Line>,
    /// May become root.
    #[serde(default)]
    pub sudo: bool,
    /// May open the site's encrypted file.
    #[serde(default)]
    pub secrets: bool,
    /// A recipient of age for the encrypted file, beside the SSH keys.
    #[serde(default)]
    pub age: Option<AgeRecipient>,
}

impl Repository {
    /// Whether nodes of this platform use it.
    pub fn is_for(&self, platform: Platform) -> bool {
        self.platforms.is_empty() || self.platforms.iter().any(|p| p.covers(platform))
    }
}

impl Operator {
    /// All public SSH keys.
    pub fn all_keys(&self) -> impl Iterator<Item = &SshKey> {
        self.key.iter().chain(&self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_in_are_read() {
        assert_eq!(Reach::read("direct"), Ok(Reach::Direct));
        assert_eq!(
            Reach::read("jump ops@shell1.example.net:2222"),
            Ok(Reach::Jump("ops@shell1.example.net:2222".into()))
        );
        assert_eq!(
            Reach::read("peer serial"),
            Ok(Reach::Peer(ZoneName::parse("serial").unwrap()))
        );
        for bad in [
            "jump",
            "jump a b",
            "jump x@y@z",
            "jump h:0",
            "jump -x",
            "over peer",
        ] {
            assert!(Reach::read(bad).is_err(), "{bad}");
        }
    }
}
