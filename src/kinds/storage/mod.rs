//! Storage: partitions, mirrors, and what devices carry.

mod device;
pub mod dlm;
pub mod drbd;
mod drbd_metadata;
mod drbd_seen;
mod generation;
mod gfs2;
mod logical_volume;
mod lvm;
pub mod mount_point;
mod partition;
mod volume_group;

pub(super) use logical_volume::image_fits;

use crate::kind::{Adapter, Erased};
use crate::shell::{PROCESS, Shell};

/// The calls that observe DRBD and that change it.
const DRBD: Shell = Shell::new(include_str!("drbd.sh")).needing(&[PROCESS, device::SHELL]);

/// The kinds of this wing.
pub(super) static KINDS: &[&dyn Erased] = &[
    &Adapter::<partition::PartitionKind>::new(),
    &Adapter::<drbd_metadata::DrbdMetadataKind>::new(),
    &Adapter::<drbd::DrbdKind>::new(),
    &Adapter::<volume_group::VolumeGroupKind>::new(),
    &Adapter::<logical_volume::LogicalVolumeKind>::new(),
    &Adapter::<gfs2::Gfs2>::new(),
    &Adapter::<dlm::DlmKind>::new(),
    &Adapter::<mount_point::MountPointKind>::new(),
];

/// A resource's name is a word that `drbdadm` takes for no option and for none of its own words.
fn name_is_right(name: &str) -> Result<(), String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let right = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 64
        && name.chars().all(letter)
        && name != "all";
    right.then_some(()).ok_or_else(|| {
        format!(
            "`{}` is no name of a DRBD resource: letters, digits, `_` and `-`, a letter or digit first",
            name.escape_debug()
        )
    })
}
