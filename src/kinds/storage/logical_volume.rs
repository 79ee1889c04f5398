//! A logical volume: made in a group that is there, never resized, activated or removed by itself.
//!
//! Facts: docs/facts/storage.md#volume-groups.

use super::lvm;
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::Shell;
use crate::text::size;

/// `logical_volume = "web"`.
pub struct LogicalVolumeKind;

/// The keys of a step of kind `logical_volume`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The volume.
    logical_volume: String,
    /// Its group.
    group: String,
    /// Its size in sectors of 512 bytes.
    sectors: u64,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Seen {
    /// Whether LVM knows the group on this node.
    group: bool,
    /// Its size in sectors of 512 bytes; 0 where there is none.
    sectors: u64,
}

impl Kind for LogicalVolumeKind {
    const NAME: &'static str = "logical_volume";
    const DOC: &'static str = "A logical volume: made in a group that is there, with zeros at its start, and left inactive. It is never removed, \
         shrunk or grown by a run.";
    const SHELL: Shell = lvm::SHELL;
    const ORPHANS: Orphans = Orphans::reported("the volume stays with all its data");
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        format!("{}/{}", want.group, want.logical_volume)
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        lvm::name_is_right("logical volume", &want.logical_volume)?;
        lvm::name_is_right("volume group", &want.group)?;
        if want.sectors < 8192 {
            return Err("`sectors` is at least 8192 (4 MiB)".to_owned());
        }
        Ok(())
    }
}

impl LogicalVolumeKind {
    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        lvm::observe(observe);
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let lvm = lvm::seen(answer)?;
        let key = (want.group.clone(), want.logical_volume.clone());
        Ok(Seen {
            group: lvm.groups.contains_key(&want.group),
            sectors: lvm.volumes.get(&key).copied().unwrap_or(0),
        })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let name = Self::name(want);
        let bytes = |sectors: u64| size(sectors.saturating_mul(512));
        if !seen.group {
            return Verdict::After {
                what: format!("LVM knows the group {}", want.group),
                table: "there, at least of this size: kept; not there: made; smaller: reported"
                    .to_owned(),
            };
        }
        // LVM rounds up to whole extents.
        if seen.sectors >= want.sectors {
            return Verdict::Same;
        }
        if seen.sectors == 0 {
            return Verdict::Change(vec![Delta::new("size", "", bytes(want.sectors))]);
        }
        Verdict::Finding {
            what: format!(
                "{name} has {}, not {}",
                bytes(seen.sectors),
                bytes(want.sectors)
            ),
            remedy: format!(
                "`lvextend -L {}s {name}` where it is active on one member alone, then tell the guest",
                want.sectors
            ),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        // A new volume does not show signatures that its sectors held before, and it stays inactive.
        let make = |want: &Want| {
            let name = format!("{}/{}", want.group, want.logical_volume);
            let size = format!("{}s", want.sectors);
            let make = ["-q", "-a", "ey", "-W", "n", "-Z", "y", "-L", &size, "-n"];
            let zero = ["if=/dev/zero", "bs=1048576", "count=1", "conv=fsync"];
            [
                Call::new("lvcreate")
                    .args(make)
                    .args([&want.logical_volume, &want.group]),
                Call::new("dd").args(zero).arg(format!("of=/dev/{name}")),
                Call::new("lvchange").args(["-q", "-a", "n", &name]),
            ]
        };
        wants.iter().flat_map(|(want, _)| make(want)).collect()
    }
}

#[cfg(test)]
#[path = "logical_volume_tests.rs"]
mod tests;
