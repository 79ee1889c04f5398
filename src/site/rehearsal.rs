//! The changes that a rehearsal on the nodes of a lab makes to a site, for this run only.

use super::Site;
use crate::platform::Platform;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Options beside the site, for this run only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Every node counts as of this platform: a rehearsal on nodes of another release. Versions then follow from it,
    /// whatever `[versions]` says.
    pub platform: Option<Platform>,
    /// Nodes that run another one than that, by name: a lab of several releases.
    pub nodes: BTreeMap<String, Platform>,
    /// Every node counts as a container, whose kernel and clock are its host's: variables of roles then have
    /// the value that they say under `in_container`.
    pub containers: bool,
    /// The `known_hosts` with the nodes' host keys, instead of the site's own.
    pub known_hosts: Option<PathBuf>,
    /// The folder with the public halves of the keys of root, instead of the site's own.
    pub root_keys: Option<PathBuf>,
}

impl Site {
    /// Whether its nodes are containers, which have their host's kernel, clock and wires.
    pub(crate) fn in_containers(&self) -> bool {
        self.overrides.containers
    }

    /// The release that every node counts as, where this is a rehearsal on another one than the site declares.
    pub(in crate::site) fn rehearsed_on(&self) -> Option<Platform> {
        self.overrides.platform
    }

    /// The release that a node counts as in a rehearsal.
    pub(in crate::site) fn node_rehearsed_on(&self, node: &str) -> Option<Platform> {
        let own = self.overrides.nodes.get(node).copied();
        own.or(self.overrides.platform)
    }
}
