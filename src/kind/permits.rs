//! The operator's permits in this very command, and in no other.

use std::collections::BTreeSet;

/// Permits of one command beyond what every run does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permits {
    /// All members of the cluster may be taken down for a change that needs that.
    pub outage: bool,
    /// Devices whose content may be destroyed: the node, and the device's path.
    pub destroy: BTreeSet<(String, String)>,
}

impl Permits {
    /// Whether the content of this device of this node may be destroyed.
    pub fn destroys(&self, node: &str, device: &str) -> bool {
        let named = |(n, d): &(String, String)| n == node && d == device;
        self.destroy.iter().any(named)
    }
}
