//! The public half of an SSH key.

use crate::text::base64;

/// A public key as files hold it: type, key, comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicKey {
    kind: String,
    blob: String,
    comment: String,
}

/// The types of keys that OpenSSH knows.
const KINDS: [&str; 8] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

impl PublicKey {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            Err(format!(
                "{what}; a public key is one line such as `ssh-ed25519 AAAA… anna@desk`, the content of a .pub file"
            ))
        };
        let text = text.trim();
        if text.contains("PRIVATE KEY") {
            return Err(
                "this is a private key; its public half is in the file of the same name with .pub"
                    .to_owned(),
            );
        }
        if text.chars().any(char::is_control) || crate::text::Text::plain(text).is_tainted() {
            return wrong("the key has more than one line, or characters that are no text");
        }
        let mut words = text.splitn(3, char::is_whitespace).map(str::trim);
        let (Some(kind), Some(blob)) = (words.next(), words.next()) else {
            return wrong("a key has a type and, after a blank, the key itself");
        };
        let comment = words.next().unwrap_or_default();
        if !KINDS.contains(&kind) {
            return wrong(&format!("`{kind}` is no type of key"));
        }
        let Some(bytes) = base64(blob) else {
            return wrong("the key itself is not base64, or was cut off");
        };
        // The key begins with the length and the name of its type.
        let named = bytes.get(4..4 + kind.len()).is_some_and(|name| {
            name == kind.as_bytes()
                && bytes[..3] == [0, 0, 0]
                && usize::from(bytes[3]) == kind.len()
        });
        if !named {
            return wrong(&format!("the key itself is not of the type `{kind}`"));
        }
        Ok(Self {
            kind: kind.to_owned(),
            blob: blob.to_owned(),
            comment: comment.to_owned(),
        })
    }

    /// Its type.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// The key itself, in base64.
    pub(super) fn blob(&self) -> &str {
        &self.blob
    }

    /// Type, key and comment as one line.
    pub(super) fn line(&self) -> String {
        format!("{} {} {}", self.kind, self.blob, self.comment)
            .trim_end()
            .to_owned()
    }

    /// A name for it: its comment, or else the end of the key.
    pub(super) fn short(&self) -> String {
        if self.comment.is_empty() {
            let key = self.blob.trim_end_matches('=');
            format!("…{}", &key[key.len().saturating_sub(12)..])
        } else {
            self.comment.clone()
        }
    }
}

impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for PublicKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PublicKey".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A public SSH key: type, key and comment, as in a .pub file."
        })
    }
}

/// A key made for these tests by `ssh-keygen -t ed25519`; it is not lockeds private half.
#[cfg(test)]
pub(super) const ED25519: &str =
    "AAAAC3NzaC1lZDI1NTE5AAAAIPDp3uW7kmyagdu43d6e//RkVbEM9ifd94f5w1Itfrvs";
/// A key made for these tests by `ssh-keygen -t rsa -b 1024`; it is not lockeds private half.
#[cfg(test)]
pub(super) const RSA: &str = "AAAAB3NzaC1yc2EAAAADAQABAAAAgQDt/UJ7Owk+gUOIZCV5Qn8V1yA4SQLpz7AB23Ap7bMjfEUAU0t7NnCxa/AIHPv8iC0tgBt/I6lZ+U2YRz2Urau580TfbA+qW5wfKkMKxQMOJBW+xm9Cfd/2uHdZLWBY2omziOc0uiMEVKvz5lsqTZLF0sUCZSzkKv9LlMgZbcPvgw==";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_and_written_the_same() {
        let line = format!("ssh-ed25519 {ED25519} anna at desk");
        assert_eq!(PublicKey::parse(&format!("{line}\n")).unwrap().line(), line);
        let bare = PublicKey::parse(&format!("ssh-rsa {RSA}")).unwrap();
        assert_eq!(bare.line(), format!("ssh-rsa {RSA}"));
        assert_eq!(bare.short().chars().count(), 13);
    }

    #[test]
    fn what_is_no_key_is_named() {
        let error = |text: &str| PublicKey::parse(text).unwrap_err();
        assert!(
            error("-----BEGIN OPENSSH PRIVATE KEY-----\n").starts_with("this is a private key")
        );
        assert!(error("ssh-ed25519").starts_with("a key has a type"));
        assert!(error(&format!("ssh-foo {ED25519}")).starts_with("`ssh-foo` is no type"));
        assert!(
            error(&format!("ssh-rsa {ED25519}"))
                .starts_with("the key itself is not of the type `ssh-rsa`")
        );
        assert!(
            error(&format!("ssh-ed25519 {}", &ED25519[..30]))
                .starts_with("the key itself is not base64")
        );
        assert!(
            error(&format!("ssh-ed25519 {ED25519}\nssh-rsa {RSA}")).starts_with("the key has more")
        );
        assert!(error("ssh-ed25519 $(id)").starts_with("the key itself is not base64"));
    }
}
