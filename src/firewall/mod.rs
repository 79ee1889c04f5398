//! The firewall, from zones and open ports to the lines of each version of Shorewall.

mod lines;
mod open;
pub mod zones;

pub use open::OpenPorts;

use serde_json::Value as Json;
use zones::NodeFirewall;

/// The lines of each family, as templates see them under `firewall.families`.
pub fn families(firewall: &NodeFirewall, opens: &[OpenPorts]) -> Json {
    serde_json::json!(lines::FamilyFiles::all(firewall, opens))
}
