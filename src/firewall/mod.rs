//! The firewall, from zones and open ports to the lines of each version of Shorewall.

mod lines;
mod open;
pub mod zones;

pub use open::Open;

use serde_json::Value as Json;
use zones::Firewall;

/// The lines of each family, as templates see them under `firewall.families`.
pub fn families(firewall: &Firewall, opens: &[Open]) -> Json {
    serde_json::json!(lines::Family::all(firewall, opens))
}
