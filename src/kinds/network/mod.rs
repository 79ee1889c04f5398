//! Links, the packet filter, and the way from one node to another.

mod interface;
mod packet_filter;
pub mod peer;

use crate::kind::{Adapter, Erased};

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<peer::PeerKind>::new(),
    &Adapter::<interface::InterfaceKind>::new(),
    &Adapter::<packet_filter::PacketFilterKind>::new(),
];
