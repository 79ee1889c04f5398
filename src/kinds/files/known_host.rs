//! A host key that every account of the node trusts.

use super::public_key::PublicKey;
use crate::kind::valid;
use crate::kind::valid::Presence;
use crate::kind::{Attributes, EditChange, Files, Kind, Orphans, Target};
use crate::text::Text;

/// `known_host = "node2"` with its other names and its key.
pub struct KnownHostKind;

/// The keys of a step of kind `known_host`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The host's name, by which its line is known.
    known_host: String,
    /// Its other names and addresses, by any of which it may be called.
    #[serde(default)]
    names: Vec<String>,
    /// Its public key. A host may have one of each type.
    key: PublicKey,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
}

impl Kind for KnownHostKind {
    const NAME: &'static str = "known_host";
    const DOC: &'static str =
        "A host key in /etc/ssh/ssh_known_hosts, one line a host and type of key.";
    const ORPHANS: Orphans =
        Orphans::reported("the entry stays; `state = \"absent\"` takes it out");
    type Want = Want;

    fn name(want: &Want) -> String {
        format!("{} {}", want.known_host, want.key.kind())
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        for name in std::iter::once(&want.known_host).chain(&want.names) {
            valid::one_line("names", name)?;
            let ok = |c: char| c.is_ascii_alphanumeric() || "-_.:[]".contains(c);
            if name.is_empty() || !name.chars().all(ok) {
                return Err(format!(
                    "`{}` is no name of a host: a name, an address, or [name]:port",
                    name.escape_debug()
                ));
            }
        }
        Ok(())
    }

    fn files(want: &Want, _target: &Target) -> Files {
        let mut names = vec![want.known_host.as_str()];
        for name in &want.names {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let (kind, blob) = (want.key.kind(), want.key.blob());
        Files::edit(
            "/etc/ssh/ssh_known_hosts",
            EditChange::Only {
                line: want
                    .state
                    .then(Text::plain(format!("{} {kind} {blob}", names.join(",")))),
                matches: format!(
                    r"^{}(,\S*)?\s+{}\s",
                    regex_lite::escape(&want.known_host),
                    regex_lite::escape(kind)
                ),
            },
            Attributes::default(),
        )
    }

    fn absent(want: &Want) -> bool {
        want.state == Presence::Absent
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{edits, error, names};
    use super::super::public_key::{ED25519, RSA};
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_holds_every_name() {
        let step = json!({
            "known_host": "node2", "names": ["node2.example.net", "10.0.2.2", "node2", "[10.0.2.2]:2222"],
            "key": format!("ssh-ed25519 {ED25519} root@node2"),
        });
        let made = edits(&step);
        assert_eq!(made[0].path, "/etc/ssh/ssh_known_hosts");
        let EditChange::Only { line, matches } = &made[0].change else {
            panic!("{made:?}");
        };
        assert_eq!(
            line.as_ref().unwrap().as_marked(),
            format!("node2,node2.example.net,10.0.2.2,[10.0.2.2]:2222 ssh-ed25519 {ED25519}")
        );
        let regex = regex_lite::Regex::new(matches).unwrap();
        assert!(
            regex.is_match(&format!("node2 ssh-ed25519 {RSA}")),
            "an old key of the same host makes way"
        );
        assert!(
            !regex.is_match(&format!("node2 ssh-rsa {RSA}")),
            "a key of another type stays"
        );
        assert!(!regex.is_match(&format!("node22,x ssh-ed25519 {RSA}")));
        assert_eq!(names(&step), ["r/known_host:node2 ssh-ed25519"]);
    }

    #[test]
    fn names_are_names() {
        for bad in ["", "a b", "*", "a,b", "!a", "|1|x", "a\nb", "@revoked"] {
            let step = json!({ "known_host": bad, "key": format!("ssh-rsa {RSA}") });
            assert!(!error(&step).is_empty(), "{bad:?}");
        }
    }
}
