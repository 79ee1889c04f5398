//! Variables of a role: their names, types and defaults.

use crate::site::words::types::format_named;
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

    /// Its word.
    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, t)| *t == self);
        known.map_or("", |(word, _)| word)
    }

    /// The format of the site's words that a text of this type has.
    fn format(self) -> Option<&'static str> {
        Some(match self {
            Self::Size => "size",
            Self::Rate => "rate",
            Self::Duration => "duration",
            Self::Address => "address",
            Self::Network => "network",
            Self::Path => "absolute-path",
            Self::String | Self::Int | Self::Bool | Self::List | Self::Port => return None,
        })
    }

    /// Whether a value is of this type; the error names one that is.
    pub fn check(self, value: &Json) -> Result<(), String> {
        if let Some(format) = self.format().and_then(format_named) {
            let Some(text) = value.as_str() else {
                return Err(format!(
                    "{value} is not {}, such as `\"{}\"`",
                    format.noun, format.example
                ));
            };
            return (format.check)(text)
                .map_err(|why| format!("{value} is not {}: {why}", format.noun));
        }
        let (fits, wanted) = match self {
            Self::Int => (value.is_i64(), "a whole number"),
            Self::Bool => (value.is_boolean(), "`true` or `false`"),
            Self::List => (value.is_array(), "a list in brackets"),
            Self::Port => (
                value.as_i64().is_some_and(|n| (1..=65535).contains(&n)),
                "a port, 1 to 65535",
            ),
            _ => (value.is_string(), "text in quotes"),
        };
        if fits {
            Ok(())
        } else {
            Err(format!("{value} does not fit: {wanted}"))
        }
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
            (VarType::Rate, json!("1000"), json!(-1)),
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
