//! The lab that commands with `--lab` go to.

use crate::lab::{Backend, DEFAULT_NAME, LabState};
use crate::platform::Platform;

/// The lab that is meant where none is named.
pub fn default_name() -> String {
    std::env::var("NODEWRIGHT_LAB_NAME").unwrap_or_else(|_| DEFAULT_NAME.to_owned())
}

/// That lab, while it is up.
pub fn current() -> Option<LabState> {
    LabState::load(&default_name()).ok().flatten()
}

/// The nodes of a lab, as sites know them: the name of each, and its platform.
pub fn platforms(lab: &LabState) -> impl Iterator<Item = (String, Platform)> {
    lab.nodes.iter().filter_map(|node| {
        let platform = match &lab.backend {
            Backend::Containers(_) => crate::facts::platform_of_root(&lab.root_of(node)?),
            Backend::Machines(own) => crate::lab::platform_of(&own.machine(lab, node).codename),
        };
        Some((node.name.clone(), platform?))
    })
}

/// Whether its nodes are containers, which have their host's kernel; also while it is not up.
pub fn containers() -> bool {
    !current().is_some_and(|lab| matches!(lab.backend, Backend::Machines(_)))
}
