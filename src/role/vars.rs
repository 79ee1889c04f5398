//! Variables of a role: what may be set, of which type, with which default.

use super::units;
use serde_json::Value as Json;

/// The type of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarType {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// A list.
    List,
    /// Bytes: `30G`.
    Size,
    /// A time: `10s`.
    Duration,
    /// Bytes a second: `110M`.
    Rate,
    /// An address.
    Address,
    /// A network with its prefix length.
    Network,
    /// A port, 1 to 65535.
    Port,
    /// An absolute path.
    Path,
}

impl VarType {
    /// Every type, with its word in a role file.
    pub const ALL: [(&'static str, Self); 11] = [
        ("string", Self::String),
        ("int", Self::Int),
        ("bool", Self::Bool),
        ("list", Self::List),
        ("size", Self::Size),
        ("duration", Self::Duration),
        ("rate", Self::Rate),
        ("address", Self::Address),
        ("network", Self::Network),
        ("port", Self::Port),
        ("path", Self::Path),
    ];

    /// Reads its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(w, _)| *w == word).map(|(_, t)| *t)
    }

    /// Whether a value is of this type; the error says what would be.
    pub fn check(self, value: &Json) -> Result<(), String> {
        let fits = match self {
            Self::String => value.is_string(),
            Self::Int => value.is_i64(),
            Self::Bool => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Size | Self::Rate => {
                return match value {
                    Json::String(text) => units::bytes(text).map(|_| ()),
                    Json::Number(n) if n.as_u64().is_some() => Ok(()),
                    _ => Err(format!("{value} is no size, such as `\"110M\"`")),
                };
            }
            Self::Duration => {
                return match value {
                    Json::String(text) => units::milliseconds(text).map(|_| ()),
                    _ => Err(format!("{value} is no time, such as `\"10s\"`")),
                };
            }
            Self::Address => value
                .as_str()
                .is_some_and(|t| t.parse::<std::net::IpAddr>().is_ok()),
            Self::Network => value
                .as_str()
                .is_some_and(|t| t.parse::<ipnet::IpNet>().is_ok_and(|n| n == n.trunc())),
            Self::Port => value.as_i64().is_some_and(|n| (1..=65535).contains(&n)),
            Self::Path => value.as_str().is_some_and(|t| t.starts_with('/')),
        };
        if fits {
            return Ok(());
        }
        let wanted = match self {
            Self::String => "text in quotes",
            Self::Int => "a whole number",
            Self::Bool => "`true` or `false`",
            Self::List => "a list in brackets",
            Self::Address => "an address, such as `\"10.0.1.1\"`",
            Self::Network => "a network, such as `\"10.0.1.0/24\"`",
            Self::Port => "a port, 1 to 65535",
            Self::Path => "an absolute path",
            Self::Size | Self::Rate | Self::Duration => "",
        };
        Err(format!("{value} is not what is wanted here: {wanted}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_type_takes_its_own() {
        let cases = [
            (VarType::String, json!("x"), json!(1)),
            (VarType::Int, json!(1), json!(1.5)),
            (VarType::Bool, json!(true), json!("true")),
            (VarType::List, json!([]), json!("x")),
            (VarType::Size, json!("30G"), json!("30X")),
            (VarType::Rate, json!(1000), json!(-1)),
            (VarType::Duration, json!("10s"), json!(10)),
            (VarType::Address, json!("fd00::1"), json!("10.0.1.0/24")),
            (VarType::Network, json!("10.0.1.0/24"), json!("10.0.1.1/24")),
            (VarType::Port, json!(65535), json!(65536)),
            (VarType::Path, json!("/etc"), json!("etc")),
        ];
        for (kind, good, bad) in cases {
            assert_eq!(kind.check(&good), Ok(()), "{kind:?} {good}");
            assert!(kind.check(&bad).is_err(), "{kind:?} {bad}");
        }
    }
}
