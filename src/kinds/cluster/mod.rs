//! Membership, fencing and resources of a cluster.

pub mod cib;
pub mod fence_device;
pub mod membership;
pub mod resource_manager;

use crate::kind::{Adapter, Erased};

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<membership::ClusterConfKind>::new(),
    &Adapter::<membership::MembershipKind>::new(),
    &Adapter::<fence_device::FenceDeviceKind>::new(),
    &Adapter::<cib::CibKind>::new(),
    &Adapter::<resource_manager::ResourceManagerKind>::new(),
];
