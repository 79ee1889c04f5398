//! A volume group: made once, on a device that is proven to be blank; shared by the members where a daemon locks for it.
//!
//! Facts: docs/facts/storage.md#volume-groups, docs/facts/storage.md#blank-devices.

use super::device::{self, BlockDevice, DeviceContent};
use super::lvm;
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Overwritten, Running, Runs, Target,
    Verdict, valid,
};
use crate::sh::Call;
use crate::shell::Shell;

/// `volume_group = "vg_node1"`.
pub struct VolumeGroupKind;

/// The keys of a step of kind `volume_group`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The group.
    volume_group: String,
    /// The device under it.
    device: String,
    /// The members that may use it: `local` (this node alone), `shared` (all members, locked by lvmlockd) or
    /// `clustered` (all members, locked by clvmd).
    #[serde(default)]
    locking: Locking,
}

/// The members that may use a group, and the daemon that locks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Locking {
    #[default]
    Local,
    Shared,
    Clustered,
}

impl Locking {
    /// The arguments of `vgcreate` for it.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Local => &[],
            Self::Shared => &["--shared"],
            Self::Clustered => &["-cy"],
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Shared => "shared",
            Self::Clustered => "clustered",
        }
    }
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The device.
    device: BlockDevice,
    /// The devices of the group; none where LVM does not know it.
    devices: Vec<String>,
    /// Whether all members share it.
    shared: bool,
    /// Whether a daemon locks for LVM on this node.
    locking: bool,
}

impl Kind for VolumeGroupKind {
    const NAME: &'static str = "volume_group";
    const DOC: &'static str = "A volume group of LVM: made once, on a device that is proven blank. Whatever else is on the device stays, until the \
         operator names that device in the command.";
    const SHELL: Shell = lvm::SHELL;
    const ORPHANS: Orphans = Orphans::reported("the group stays with all its volumes");
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        compare: Self::compare,
        destroys: Self::destroys,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.volume_group.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        lvm::name_is_right("volume group", &want.volume_group)?;
        valid::path("device", &want.device)
    }
}

impl VolumeGroupKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        lvm::observe(observe);
        device::observe(wants.iter().map(|w| w.device.as_str()), observe);
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let lvm = lvm::seen(answer)?;
        let (shared, devices) = lvm
            .groups
            .get(&want.volume_group)
            .cloned()
            .unwrap_or_default();
        Ok(Seen {
            device: device::seen(&want.device, answer)?,
            devices,
            shared,
            locking: lvm.locking,
        })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let node = &circumstances.target.node;
        let (name, device) = (&want.volume_group, &want.device);
        let after = |what: String| Verdict::After {
            what,
            table: "blank: made, once; this group: kept; anything else: refused".to_owned(),
        };
        if !seen.devices.is_empty() {
            let real = |d: &String| d == device || *d == seen.device.real;
            return if !seen.devices.iter().all(real) {
                Verdict::refuse(
                    format!(
                        "there is a group {name} on {} already, and not on {device} alone",
                        seen.devices.join(", ").escape_debug()
                    ),
                    node,
                )
            } else if seen.shared == (want.locking == Locking::Local) {
                Verdict::Finding {
                    what: format!(
                        "{name} is {}",
                        if seen.shared {
                            "shared, not local"
                        } else {
                            "local, not shared by the members"
                        }
                    ),
                    remedy: format!(
                        "`vgchange --lock-type {} {name}` while no member uses it",
                        if seen.shared { "none" } else { "dlm" }
                    ),
                }
            } else {
                Verdict::Same
            };
        }
        match seen.device.content {
            DeviceContent::Absent | DeviceContent::Closed => {
                after(format!("{device} can be opened on {node}"))
            }
            DeviceContent::Blank if want.locking != Locking::Local && !seen.locking => {
                after(format!("a daemon locks for LVM on {node}"))
            }
            _ => Verdict::Change(vec![Delta::new("group", "", want.locking.word())]),
        }
    }

    fn destroys(_want: &Want, seen: &Seen) -> Vec<Overwritten> {
        match seen.device.content {
            DeviceContent::Absent | DeviceContent::Closed => Vec::new(),
            _ if !seen.devices.is_empty() => Vec::new(),
            _ => seen.device.overwritten(),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().flat_map(|(want, seen)| {
            let make = Call::new("vgcreate").args(want.locking.options().iter().copied());
            let make = make.args([&want.volume_group, &want.device]);
            seen.device.wiped(&want.device).into_iter().chain([make])
        });
        calls.collect()
    }
}

#[cfg(test)]
#[path = "volume_group_tests.rs"]
mod tests;
