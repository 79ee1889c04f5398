//! The mirrors, resolved: their devices, and the two ends of each.
//!
//! Facts: docs/facts/storage.md#mirrors.

use super::super::Site;
use super::super::tables::machines::Mirror;
use serde_json::{Value as Json, json};
use std::net::IpAddr;

/// The name of the secret by which the two ends of a mirror know each other.
const SECRET: &str = "mirror-secret";

/// The length of a new one. DRBD takes 64 letters at most (drbd.conf(5)).
pub const SECRET_LENGTH: usize = 40;

impl Site {
    /// The name of the secret that the ends of all mirrors share; `None` without mirrors.
    pub fn mirror_secret(&self) -> Option<&'static str> {
        (!self.inventory.mirror.is_empty()).then_some(SECRET)
    }

    /// The model of a mirror for templates: as written, with its device and its ends.
    pub(super) fn mirror_model(&self, mirror: &Mirror) -> Json {
        let mut model = json!(mirror);
        model["device"] = json!(format!("/dev/drbd{}", mirror.minor));
        let zone = self.mirror_zone().unwrap_or_default();
        let end = |name: &str| {
            let address = self.address(name, zone).map(|(ip, _)| ip);
            let disk = self.node(name).and_then(|n| n.disk.as_ref());
            json!({
                "node": name,
                "address": address,
                "port": mirror.port,
                // As DRBD's configuration names it.
                "endpoint": address.map(|ip| match ip {
                    IpAddr::V4(ip) => format!("ipv4 {ip}:{}", mirror.port),
                    IpAddr::V6(ip) => format!("ipv6 [{ip}]:{}", mirror.port),
                }),
                "disk": disk.map(|d| d.partition(mirror.partition.get())),
            })
        };
        model["ends"] = self.members().into_iter().map(end).collect();
        model
    }
}
