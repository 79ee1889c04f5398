//! How the members of the cluster hear each other, resolved: what corosync.conf and cluster.conf say of it.
//!
//! Facts: reference.md 15.2 (cman), 16.1 (corosync: with version 3 only knet encrypts).

use super::Site;
use super::machines::Transport;
use crate::resource::Platform;
use serde::Serialize;

/// The name of the secret that all members share.
pub const KEY: &str = "cluster-authkey";

/// What of it is a question of the release and not of taste.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Totem {
    /// `udp` (multicast), `udpu` or `knet`.
    pub transport: &'static str,
    /// Whether what travels is encrypted.
    pub encrypted: bool,
    /// The name of the secret that all members share.
    pub key: &'static str,
}

impl Site {
    /// How the members hear each other; nothing without a cluster.
    pub fn totem(&self) -> Option<Totem> {
        let cluster = self.inventory.cluster.as_ref()?;
        let member = self.members().first().copied()?;
        let platform = self.platform_of(member);
        let transport = cluster.transport.unwrap_or(match platform {
            Platform::El6 => Transport::Multicast,
            Platform::El7 => Transport::Udpu,
            Platform::El8 | Platform::El9 | Platform::Debian12 => Transport::Knet,
        });
        let transport = match transport {
            Transport::Multicast => "udp",
            Transport::Udpu => "udpu",
            Transport::Knet => "knet",
        };
        let old = matches!(platform, Platform::El6 | Platform::El7);
        Some(Totem {
            transport,
            encrypted: old || transport == "knet",
            key: KEY,
        })
    }
}
