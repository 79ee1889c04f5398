//! The numbers of a site, each with its range.

use super::types::Word;
use std::fmt;

/// A partition's number as the key of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey(pub u16);

impl Word for PartitionKey {
    const FORMAT: &'static str = "partition-number";
    const NOUN: &'static str = "a partition's number";
    const EXAMPLE: &'static str = "6";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .ok()
            .filter(|n: &u16| (1..=128).contains(n) && n.to_string() == text)
            .map(Self)
            .ok_or_else(|| "a partition has a number from 1 to 128".to_owned())
    }
}

impl fmt::Display for PartitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl serde::Serialize for PartitionKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PartitionKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident $inner:ty, $min:literal, $max:literal, $noun:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
            #[serde(transparent)]
            pub struct $name($inner);

            impl $name {
                /// Takes a number in range.
                pub fn new(number: $inner) -> Result<Self, String> {
                    if ($min..=$max).contains(&number) {
                        Ok(Self(number))
                    } else {
                        Err(format!("{} is a number from {} to {}", $noun, $min, $max))
                    }
                }

                /// The number.
                pub fn get(self) -> $inner {
                    self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "{}", self.0)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let number = <$inner as serde::Deserialize>::deserialize(deserializer)?;
                    Self::new(number).map_err(serde::de::Error::custom)
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
                    schemars::json_schema!({ "type": "integer", "minimum": $min, "maximum": $max })
                }
            }
        )*
    };
}

numbers! {
    /// The number of a VLAN.
    VlanId u16, 1, 4094, "a VLAN id";
    /// The minor number of a DRBD device.
    DrbdMinor u32, 0, 1_048_575, "a minor number";
    /// A port of TCP or UDP.
    Port u16, 1, 65535, "a port";
    /// A partition's number.
    PartitionNumber u16, 1, 128, "a partition's number";
    /// The number by which sanlock and the cluster know a node (sanlock allows 1 to 2000).
    HostId u16, 1, 2000, "a host id";
    /// The largest packet of a link, bytes.
    Mtu u32, 68, 65535, "an MTU";
    /// The number of processors that a guest has.
    CpuCount u16, 1, 512, "a number of processors";
}
