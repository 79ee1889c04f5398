//! The membership of the cluster, resolved: the values for corosync.conf and cluster.conf.
//!
//! Facts: docs/facts/membership.md#transports, docs/facts/membership.md#multicast.

use super::super::Site;
use super::super::tables::machines::Transport;
use crate::platform::Stack;
use serde::Serialize;

/// The name of the secret that all members share.
pub const KEY: &str = "cluster-authkey";

/// The length of a new one. Versions before 3 read the first 128 letters.
pub const KEY_LENGTH: usize = 256;

/// The fault of a key's value, if it has one: corosync takes 128 to 4096 bytes
/// (docs/facts/membership.md#configuration-of-corosync).
pub fn key_problem(value: &str) -> Option<String> {
    let length = value.len();
    let right = (128..=4096).contains(&length) && !value.contains(char::is_whitespace);
    (!right).then(|| {
        format!("`{KEY}` has {length} letters or blanks in it; corosync takes 128 to 4096 without: `nodewright secret set {KEY} --generate {KEY_LENGTH}`")
    })
}

/// The settings of totem that the release decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Totem {
    /// `udp` (multicast), `udpu` or `knet`.
    pub transport: &'static str,
    /// Whether the traffic is encrypted.
    pub encrypted: bool,
    /// The name of the secret that all members share.
    pub key: &'static str,
}

impl Site {
    /// The settings of totem; `None` without a cluster.
    pub fn totem(&self) -> Option<Totem> {
        let cluster = self.inventory.cluster.as_ref()?;
        let member = self.members().first().copied()?;
        let stack = self.platform_of(member).stack();
        let transport = cluster.transport.unwrap_or(match stack {
            Stack::Cman => Transport::Multicast,
            Stack::Corosync2 => Transport::Udpu,
            Stack::Corosync3 => Transport::Knet,
        });
        let transport = match transport {
            Transport::Multicast => "udp",
            Transport::Udpu => "udpu",
            Transport::Knet => "knet",
        };
        let old = stack != Stack::Corosync3;
        Some(Totem {
            transport,
            encrypted: old || transport == "knet",
            key: KEY,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::load_str;

    #[test]
    fn each_release_has_its_own_transport_and_only_knet_encrypts_since_3() {
        let text = include_str!("../../../inventory/crosslink/inventory.toml");
        let totem = |platform: &str, transport: &str| {
            let text = text
                .replacen("\"el7\"", &format!("\"{platform}\""), 1)
                .replacen("token     =", &format!("{transport}\ntoken ="), 1);
            let totem = load_str(&text).site.expect("a site").totem().unwrap();
            (totem.transport, totem.encrypted)
        };
        assert_eq!(totem("el6", ""), ("udp", true));
        assert_eq!(totem("el7", ""), ("udpu", true));
        assert_eq!(totem("el9", ""), ("knet", true));
        assert_eq!(totem("debian12", "transport = \"udpu\""), ("udpu", false));
        assert_eq!(totem("el6", "transport = \"udpu\""), ("udpu", true));
    }

    #[test]
    fn a_key_that_corosync_would_not_take_is_reported() {
        assert_eq!(key_problem(&"k".repeat(128)), None);
        assert_eq!(key_problem(&"k".repeat(KEY_LENGTH)), None);
        for wrong in [
            "k".repeat(127),
            "k".repeat(4097),
            format!("{}\n", "k".repeat(200)),
        ] {
            let problem = key_problem(&wrong).expect("wrong");
            assert!(
                problem.contains("--generate 256") && !problem.contains("kk"),
                "{problem}"
            );
        }
    }
}
