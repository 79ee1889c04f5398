//! The words of a site: types that cannot hold nonsense. A value is parsed once and trusted from then on.
//!
//! Each keeps its text as it was written and says in its JSON Schema by `format` what it is; [`FORMATS`] has the
//! parser, the words and an example for each format, for the messages of `shape`.

use super::forms as w;
pub use super::numbers::{
    CpuCount, DrbdMinor, HostId, Mtu, PartitionKey, PartitionNumber, Port, VlanId,
};
use indexmap::IndexMap;
use std::fmt;
use std::net::IpAddr;

/// A kind of text with rules of its own.
pub trait Word: Sized {
    /// Its `format` in the JSON Schema.
    const FORMAT: &'static str;
    /// Its name, with an article.
    const NOUN: &'static str;
    /// A good one.
    const EXAMPLE: &'static str;
    /// Reads it. The error is a sentence that says what would be right.
    fn parse(text: &str) -> Result<Self, String>;
}

/// A format, as the messages of `shape` describe it.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The word in the JSON Schema.
    pub name: &'static str,
    /// Its name, with an article.
    pub noun: &'static str,
    /// A good one.
    pub example: &'static str,
    /// Checks a text of this format; the error is a sentence that says what would be right.
    pub check: fn(&str) -> Result<(), String>,
}

impl Format {
    const fn of<W: Word>() -> Self {
        Self {
            name: W::FORMAT,
            noun: W::NOUN,
            example: W::EXAMPLE,
            check: |text| W::parse(text).map(|_| ()),
        }
    }
}

/// The format of this name.
pub fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|f| f.name == name)
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident $format:literal $noun:literal $example:literal $check:expr;)*) => {
        /// Every format, by name.
        pub static FORMATS: &[Format] = &[$(Format::of::<$name>(),)* Format::of::<PartitionKey>()];

        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
            #[serde(transparent)]
            pub struct $name(String);

            impl Word for $name {
                const FORMAT: &'static str = $format;
                const NOUN: &'static str = $noun;
                const EXAMPLE: &'static str = $example;

                fn parse(text: &str) -> Result<Self, String> {
                    let check: fn(&str) -> Result<(), String> = $check;
                    check(text).map(|()| Self(text.to_owned()))
                }
            }

            impl $name {
                /// The text as it was written.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl std::borrow::Borrow<str> for $name {
                fn borrow(&self) -> &str {
                    &self.0
                }
            }

            impl AsRef<str> for $name {
                fn as_ref(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }

            impl std::str::FromStr for $name {
                type Err = String;

                fn from_str(text: &str) -> Result<Self, String> {
                    Self::parse(text)
                }
            }

            impl PartialEq<str> for $name {
                fn eq(&self, other: &str) -> bool {
                    self.0 == other
                }
            }

            impl PartialEq<&str> for $name {
                fn eq(&self, other: &&str) -> bool {
                    self.0 == *other
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                    Self::parse(&text).map_err(serde::de::Error::custom)
                }
            }

            impl schemars::JsonSchema for $name {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    schemars::json_schema!({ "type": "string", "format": $format })
                }
            }
        )*
    };
}

words! {
    /// Name of a node or a guest, as `uname -n` prints it there.
    HostName "host-name" "a host name" "node1" w::host_name;
    /// A domain, or a host's name with its domain.
    DomainName "domain-name" "a domain name" "example.net" w::domain_name;
    /// A host by name or address.
    Host "host" "a host" "ntp1.example.net" w::host;
    /// A network interface of Linux.
    InterfaceName "interface-name" "an interface name" "eth0" w::interface_name;
    /// A zone of the network.
    ZoneName "zone-name" "a zone name" "storage" w::zone_name;
    /// A zone, or one project of a trunk as `ZONE.PROJECT`.
    ZonePath "zone-path" "a zone" "projects.wiki" w::zone_path;
    /// The name of a group, a mirror, a project or anything else that needs no narrower type.
    Name "name" "a name" "hypervisors" w::name;
    /// An Ethernet address of one device.
    MacAddress "mac-address" "a MAC address" "00:16:76:d6:c9:40" w::mac_address;
    /// An amount of storage or memory, with a unit that counts by 1024.
    Size "size" "a size" "30G" |t| w::size(t).map(|_| ());
    /// A length of time.
    Duration "duration" "a length of time" "10s" |t| w::duration(t).map(|_| ());
    /// Bytes a second, with a unit that counts by 1024.
    Rate "rate" "a rate" "110M" |t| w::size(t).map(|_| ());
    /// The name of a secret in the site's encrypted file.
    SecretName "secret-name" "a secret's name" "bmc-node1" w::secret_name;
    /// An account.
    UserName "user-name" "an account's name" "anna" w::user_name;
    /// The account of a device, which is held to that device's rules.
    DeviceUser "device-user" "an account of a device" "ADMIN" w::device_user;
    /// A path on a node.
    AbsolutePath "absolute-path" "an absolute path" "/shared" w::absolute_path;
    /// A path within the site's folder.
    SitePath "site-path" "a path within the site" "packages/el6" w::site_path;
    /// The name of a cluster, as cman and GFS2 limit it (docs/facts/membership.md#members).
    ClusterName "cluster-name" "a cluster's name" "crosslink" w::cluster_name;
    /// A volume group.
    VolumeGroup "volume-group" "a volume group's name" "vg_node1" w::volume_group;
    /// An address, where needed with the length of its network's prefix.
    HostAddress "host-address" "an address" "192.0.2.5" |t| w::host_address(t).map(|_| ());
    /// An address.
    IpAddress "address" "an address" "192.0.2.1" |t| w::address(t).map(|_| ());
    /// A network in CIDR form, with no bit set behind its prefix.
    Network "network" "a network" "192.0.2.0/24" |t| w::network(t).map(|_| ());
    /// An address or a network from which something may come.
    SourceNet "source" "an address or a network" "198.51.100.10" |t| w::source(t).map(|_| ());
    /// A day.
    Date "date" "a day" "2027-06-30" w::date;
    /// A version, or the beginning of one.
    Version "version" "a version" "8.4" w::version;
    /// A way in: `direct`, `jump HOST`, `knock ZONE`, `peer ZONE`.
    ReachWord "reach" "a way in" "jump shell1.example.net" |t| super::super::tables::inventory::Reach::read(t).map(|_| ());
    /// A serial port without `/dev/`.
    Tty "tty" "a serial port" "ttyS0" w::tty;
    /// A public key as OpenSSH writes it.
    SshKey "ssh-key" "a public SSH key" "ssh-ed25519 AAAAC3Nza… anna@desk" w::ssh_key;
    /// A recipient of age.
    AgeRecipient "age-recipient" "an age recipient" "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj" w::age_recipient;
    /// A disk's name under /dev/disk/by-id.
    DiskId "disk-id" "a disk's name under /dev/disk/by-id" "scsi-3600508e000000000" w::disk_id;
    /// The place where a repository is served.
    Url "url" "a URL" "https://vault.centos.org/6.10/os/x86_64/" w::url;
    /// A time zone.
    TimeZone "time-zone" "a time zone" "Europe/Zurich" w::time_zone;
    /// A program that fences.
    FenceAgent "fence-agent" "a fence agent" "fence_ipmilan" w::fence_agent;
    /// The code of a rule.
    RuleCode "rule-code" "a rule's code" "RING-DLM" w::rule_code;
    /// A partition's purpose: a mount point, `swap` or `mirror`.
    PartitionUse "partition-use" "what a partition is for" "swap" w::partition_use;
    /// A name of the hypervisor's: a CPU model, a machine type, a guest's release.
    HypervisorName "hypervisor-name" "a name as the hypervisor has it" "SandyBridge" w::hypervisor_name;
    /// Text for display, on one line.
    Line "line" "a line of text" "no switched PDU in the rack" w::line;
}

impl HostAddress {
    /// The address without its prefix.
    pub fn ip(&self) -> IpAddr {
        w::host_address(&self.0).expect("parsed before").0
    }

    /// The prefix's length, where it is written.
    pub fn prefix(&self) -> Option<u8> {
        w::host_address(&self.0).expect("parsed before").1
    }
}

impl IpAddress {
    /// The address.
    pub fn ip(&self) -> IpAddr {
        w::address(&self.0).expect("parsed before")
    }
}

impl Network {
    /// The network.
    pub fn net(&self) -> ipnet::IpNet {
        w::network(&self.0).expect("parsed before")
    }
}

impl SourceNet {
    /// The network; an address is a network of one.
    pub fn net(&self) -> ipnet::IpNet {
        w::source(&self.0).expect("parsed before")
    }
}

impl Size {
    /// Bytes.
    pub fn bytes(&self) -> u64 {
        w::size(&self.0).expect("parsed before")
    }
}

impl Rate {
    /// Bytes a second.
    pub fn bytes(&self) -> u64 {
        w::size(&self.0).expect("parsed before")
    }
}

impl Duration {
    /// The length.
    pub fn get(&self) -> std::time::Duration {
        w::duration(&self.0).expect("parsed before")
    }
}

impl MacAddress {
    /// In small letters, by which two are compared.
    pub fn lower(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl SshKey {
    /// The word it begins with: `ssh-ed25519`.
    pub fn kind(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// The key itself, in base64.
    pub fn body(&self) -> &str {
        self.0.split(' ').nth(1).unwrap_or_default()
    }

    /// The comment; empty where there is none.
    pub fn comment(&self) -> &str {
        self.0.splitn(3, ' ').nth(2).unwrap_or_default()
    }

    /// Whether the key is one of its kind from its beginning to its end.
    pub fn is_whole(&self) -> bool {
        w::ssh_key_is_whole(self.kind(), self.body())
    }
}

impl PartitionUse {
    /// The mount point, where it is one.
    pub fn mount(&self) -> Option<&str> {
        self.0.starts_with('/').then_some(self.0.as_str())
    }
}

impl ZonePath {
    /// Zone and project.
    pub fn parts(&self) -> (&str, Option<&str>) {
        match self.0.split_once('.') {
            Some((zone, project)) => (zone, Some(project)),
            None => (&self.0, None),
        }
    }
}

/// A table whose keys are words of one type, in the order in which they are written.
#[derive(Clone, Debug)]
pub struct KeyedTable<K, V>(IndexMap<K, V>);

impl<K: std::hash::Hash + Eq, V: PartialEq> PartialEq for KeyedTable<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K, V> Default for KeyedTable<K, V> {
    fn default() -> Self {
        Self(IndexMap::new())
    }
}

impl<K, V> std::ops::Deref for KeyedTable<K, V> {
    type Target = IndexMap<K, V>;

    fn deref(&self) -> &IndexMap<K, V> {
        &self.0
    }
}

impl<'a, K, V> IntoIterator for &'a KeyedTable<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = indexmap::map::Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<K: serde::Serialize + std::hash::Hash + Eq, V: serde::Serialize> serde::Serialize
    for KeyedTable<K, V>
{
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, K, V> serde::Deserialize<'de> for KeyedTable<K, V>
where
    K: serde::Deserialize<'de> + std::hash::Hash + Eq,
    V: serde::Deserialize<'de>,
{
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IndexMap::deserialize(deserializer).map(Self)
    }
}

impl<K: Word, V: schemars::JsonSchema> schemars::JsonSchema for KeyedTable<K, V> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Table_of_{}", V::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "propertyNames": { "type": "string", "format": K::FORMAT },
            "additionalProperties": generator.subschema_for::<V>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_a_good_one_and_no_format_stands_twice() {
        for (at, format) in FORMATS.iter().enumerate() {
            if format.name != "ssh-key" {
                assert_eq!((format.check)(format.example), Ok(()), "{}", format.name);
            }
            assert!(
                FORMATS[..at].iter().all(|f| f.name != format.name),
                "{}",
                format.name
            );
        }
    }

    #[test]
    fn hostile_text_is_refused_by_every_narrow_type() {
        let hostile = [
            "$(reboot)",
            "`reboot`",
            "a\nb",
            "-rf",
            "",
            " ",
            "a;b",
            "a'b",
            "a\"b",
            "a b",
            "../../x",
            "a\u{0}b",
            "{{ x }}",
            "é",
        ];
        for format in FORMATS {
            if matches!(format.name, "line" | "reach") {
                continue;
            }
            for text in hostile {
                assert!(
                    (format.check)(text).is_err(),
                    "{} took {text:?}",
                    format.name
                );
            }
        }
        for text in ["a\nb", "a\u{0}b", "\u{1b}[2J", "a\u{202e}b", ""] {
            assert!(Line::parse(text).is_err(), "{text:?}");
        }
        for text in [
            "jump -oProxyCommand=x",
            "jump $(reboot)",
            "knock ../x",
            "peer",
            "",
            "direct now",
        ] {
            assert!(ReachWord::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn numbers_keep_their_range() {
        assert!(VlanId::new(0).is_err());
        assert!(VlanId::new(4095).is_err());
        assert_eq!(VlanId::new(4094).unwrap().get(), 4094);
        assert_eq!(
            HostId::new(2001).unwrap_err(),
            "a host id is a number from 1 to 2000"
        );
        assert!(PartitionKey::parse("06").is_err());
    }

    #[test]
    fn sizes_and_times_are_counted() {
        assert_eq!(Size::parse("30G").unwrap().bytes(), 30 * 1024 * 1024 * 1024);
        assert_eq!(Size::parse("512").unwrap().bytes(), 512);
        assert!(Size::parse("99999999999T").is_err());
        assert_eq!(Duration::parse("90m").unwrap().get().as_secs(), 5400);
        assert_eq!(Duration::parse("250ms").unwrap().get().as_millis(), 250);
        assert!(Duration::parse("10").is_err());
    }

    #[test]
    fn addresses_and_networks_are_read() {
        let address = HostAddress::parse("10.0.3.1/30").unwrap();
        assert_eq!(
            (address.ip().to_string().as_str(), address.prefix()),
            ("10.0.3.1", Some(30))
        );
        assert!(HostAddress::parse("10.0.3.1/33").is_err());
        assert!(
            Network::parse("10.0.3.1/30")
                .unwrap_err()
                .contains("10.0.3.0/30")
        );
        assert!(IpAddress::parse("57.26.2945").is_err());
        assert_eq!(
            SourceNet::parse("198.51.100.10").unwrap().net().to_string(),
            "198.51.100.10/32"
        );
    }
}
