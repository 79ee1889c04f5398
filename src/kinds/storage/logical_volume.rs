//! A logical volume: made in a group that is there, never resized, activated or removed by itself.
//!
//! Facts: docs/facts/storage.md#volume-groups.

use super::lvm;
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Payload, Running, Runs, SiteFile, Target,
    Verdict,
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
    /// The image of the site that it begins with when it is made.
    image: Option<SiteFile>,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether LVM knows the group on this node.
    group: bool,
    /// Its size in sectors of 512 bytes; 0 where there is none.
    sectors: u64,
    /// Whether a run began to make it and did not end.
    begun: bool,
}

impl Kind for LogicalVolumeKind {
    const NAME: &'static str = "logical_volume";
    const DOC: &'static str = "A logical volume: made in a group that is there, with the site's image or zeros at its start, and left inactive. It \
         has its name only once its content is whole. It is never removed, shrunk, grown or written to afterwards.";
    const SHELL: Shell = lvm::SHELL;
    const ORPHANS: Orphans = Orphans::reported("the volume stays with all its data");
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        compare: Self::compare,
        contents: |want, _, _| want.image.iter().cloned().map(Payload::File).collect(),
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
        image_fits(want.image.as_ref(), want.sectors.saturating_mul(512))
    }
}

/// Whether an image fits on a disk of so many bytes.
pub fn image_fits(image: Option<&SiteFile>, bytes: u64) -> Result<(), String> {
    match image {
        Some(image) if image.bytes > bytes => Err(format!(
            "the image `{}` has {}, and the disk {}: the disk has to be as large at least",
            image.path,
            size(image.bytes),
            size(bytes)
        )),
        _ => Ok(()),
    }
}

impl Want {
    /// Its name while it is made, which no guest can have: a volume of its own name is whole.
    fn unfinished(&self) -> String {
        format!("{}.new", self.logical_volume)
    }
}

impl LogicalVolumeKind {
    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        lvm::observe(observe);
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let lvm = lvm::seen(answer)?;
        let sectors = |name: String| lvm.volumes.get(&(want.group.clone(), name)).copied();
        Ok(Seen {
            group: lvm.groups.contains_key(&want.group),
            sectors: sectors(want.logical_volume.clone()).unwrap_or(0),
            begun: sectors(want.unfinished()).is_some(),
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
            let mut deltas = vec![Delta::new("size", "", bytes(want.sectors))];
            let image = want.image.as_ref();
            deltas.extend(image.map(|image| Delta::new("content", "", &image.path)));
            return Verdict::Change(deltas);
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
        // A new volume does not show signatures that its sectors held before, and it stays inactive. One that an earlier run
        // did not end has our name for it, and is made from its start on.
        let mut blobs = 0;
        let mut make = |want: &Want, seen: &Seen| {
            let new = format!("{}/{}", want.group, want.unfinished());
            let size = format!("{}s", want.sectors);
            let first = if seen.begun {
                Call::new("lvchange").args(["-q", "-a", "ey", &new])
            } else {
                let make = ["-q", "-a", "ey", "-W", "n", "-Z", "y", "-L", &size, "-n"];
                Call::new("lvcreate")
                    .args(make)
                    .args([&want.unfinished(), &want.group])
            };
            let write = |from: Call| {
                from.args(["bs=1048576", "conv=nocreat,fsync"])
                    .arg(format!("of=/dev/{new}"))
            };
            let mut calls = vec![
                first,
                write(Call::new("dd").args(["if=/dev/zero", "count=1"])),
            ];
            if want.image.is_some() {
                calls.push(
                    Call::new("nw_lvm_fill")
                        .arg(format!("/dev/{new}"))
                        .blob(blobs),
                );
                blobs += 1;
            }
            calls.push(Call::new("lvchange").args(["-q", "-a", "n", &new]));
            let names = [want.unfinished(), want.logical_volume.clone()];
            calls.push(Call::new("lvrename").args(["-q", &want.group]).args(names));
            calls
        };
        wants
            .iter()
            .flat_map(|(want, seen)| make(want, seen))
            .collect()
    }
}

#[cfg(test)]
#[path = "logical_volume_tests.rs"]
mod tests;
