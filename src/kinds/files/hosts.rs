//! An address in /etc/hosts.

use crate::kind::valid::Presence;
use crate::kind::{Attributes, EditChange, Files, Kind, Orphans, Target};
use crate::text::Text;
use std::net::IpAddr;

/// `hosts = "10.0.2.1"` with its names.
pub struct HostsKind;

/// The keys of a step of kind `hosts`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The address.
    hosts: IpAddr,
    /// Its names; the first is the one the address is resolved back to.
    #[serde(default)]
    names: Vec<String>,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
}

impl Kind for HostsKind {
    const NAME: &'static str = "hosts";
    const DOC: &'static str = "An address and its names in /etc/hosts, one line an address.";
    const ORPHANS: Orphans =
        Orphans::reported("the entry stays; `state = \"absent\"` takes it out");
    type Want = Want;

    fn name(want: &Want) -> String {
        want.hosts.to_string()
    }

    /// The node's own name on a loopback address is refused: cman rejects it, DRBD's fencing handler cannot find its
    /// peer, and storage freezes (docs/facts/membership.md#names).
    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        if want.state == Presence::Present && want.names.is_empty() {
            return Err(format!("{} needs its `names`", want.hosts));
        }
        for name in &want.names {
            if !host_name(name) {
                return Err(format!(
                    "`{}` is no host name: letters, digits, `-` and dots",
                    name.escape_debug()
                ));
            }
            let own = name.eq_ignore_ascii_case(&target.node)
                || name
                    .split('.')
                    .next()
                    .is_some_and(|n| n.eq_ignore_ascii_case(&target.node));
            if own && want.hosts.is_loopback() {
                return Err(format!(
                    "`{name}` is this node's own name and must not be a name of the loopback address {}: the cluster could not use it; put it on the node's address in the ring's zone",
                    want.hosts
                ));
            }
        }
        Ok(())
    }

    fn files(want: &Want, _target: &Target) -> Files {
        Files::edit(
            "/etc/hosts",
            EditChange::Keyed {
                key: want.hosts.to_string(),
                rest: want.state.then(Text::plain(want.names.join(" "))),
            },
            Attributes::default(),
        )
    }

    fn absent(want: &Want) -> bool {
        want.state == Presence::Absent
    }
}

fn host_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{edits, error};
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_one_line_an_address() {
        let made =
            edits(&json!({ "hosts": "10.0.2.1", "names": ["n1", "n1.example.net", "n1-yellow"] }));
        assert_eq!(made[0].path, "/etc/hosts");
        assert_eq!(
            made[0].change,
            EditChange::Keyed {
                key: "10.0.2.1".into(),
                rest: Some(Text::plain("n1 n1.example.net n1-yellow"))
            }
        );
        let gone = edits(&json!({ "hosts": "127.0.1.1", "state": "absent" }));
        assert_eq!(
            gone[0].change,
            EditChange::Keyed {
                key: "127.0.1.1".into(),
                rest: None
            }
        );
    }

    #[test]
    fn the_own_name_never_stands_on_loopback() {
        // The node of these tests is called `node1`.
        for (address, name) in [
            ("127.0.0.1", "node1"),
            ("127.0.1.1", "NODE1.example.net"),
            ("::1", "node1"),
        ] {
            let error = error(&json!({ "hosts": address, "names": ["localhost", name] }));
            assert!(
                error.contains("own name and must not be a name of the loopback address"),
                "{error}"
            );
        }
        assert_eq!(
            edits(&json!({ "hosts": "127.0.0.1", "names": ["localhost", "node10"] })).len(),
            1
        );
        assert_eq!(
            edits(&json!({ "hosts": "10.0.2.1", "names": ["node1"] })).len(),
            1
        );
    }

    #[test]
    fn names_and_addresses_are_what_they_say() {
        assert!(error(&json!({ "hosts": "10.0.2.300", "names": ["a"] })).contains("IP address"));
        for bad in ["", "a b", "-a", "a\n1.2.3.4 b", "$(id)", "a..b", "a#b"] {
            assert!(
                error(&json!({ "hosts": "10.0.2.1", "names": [bad] })).contains("is no host name"),
                "{bad:?}"
            );
        }
        assert_eq!(
            error(&json!({ "hosts": "10.0.2.1" })),
            "10.0.2.1 needs its `names`"
        );
    }
}
