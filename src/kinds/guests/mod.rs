//! Guests and the hypervisor under them: definitions, images, pools and networks of libvirt.

mod definition;
pub mod disk_image;
pub mod guest;
pub mod hypervisor;
mod libvirt;
pub mod libvirt_peer;
pub mod power;
mod storage_pool;
mod virtual_network;

use crate::kind::{Adapter, Erased};

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<hypervisor::HypervisorKind>::new(),
    &Adapter::<virtual_network::VirtualNetworkKind>::new(),
    &Adapter::<storage_pool::StoragePoolKind>::new(),
    &Adapter::<disk_image::DiskImageKind>::new(),
    &Adapter::<guest::GuestKind>::new(),
    &Adapter::<libvirt_peer::LibvirtPeerKind>::new(),
];
