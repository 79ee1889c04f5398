//! Membership, fencing and resources of a cluster.

mod cib;
pub mod fence_device;
pub mod membership;
pub mod resource_manager;

use crate::kind::{Adapter, Erased};

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<membership::ClusterConf>::new(),
    &Adapter::<membership::Membership>::new(),
    &Adapter::<fence_device::FenceDevice>::new(),
    &Adapter::<cib::Cib>::new(),
    &Adapter::<resource_manager::ResourceManager>::new(),
];
