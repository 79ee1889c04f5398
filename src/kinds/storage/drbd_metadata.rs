//! DRBD's meta-data on the device under a mirror: made once, on a device that is proven to be blank.
//!
//! Facts: docs/facts/storage.md#meta-data, docs/facts/storage.md#generations.

use super::device::{self, BlockDevice, DeviceContent};
use super::drbd_seen::{self, End, Metadata, OWN};
use super::generation::Relation;
use super::{DRBD, name_is_right};
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Overwritten, Running, Runs, Target,
    Verdict, valid,
};
use crate::sh::Call;
use crate::shell::Shell;
use std::collections::BTreeMap;

/// `drbd_metadata = "r0"`.
pub struct DrbdMetadataKind;

/// The keys of a step of kind `drbd_metadata`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The resource.
    drbd_metadata: String,
    /// The device under it on this node.
    device: String,
    /// All members that have an end of it.
    members: Vec<String>,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The device.
    device: BlockDevice,
    /// `none`, `new` (never had data), `data`, `unknown`, `not configured`.
    metadata: &'static str,
    #[serde(skip)]
    own: End,
    #[serde(skip)]
    peers: BTreeMap<String, Option<End>>,
}

/// The table by which it is decided later.
const TABLE: &str = "blank on all members: made; made before: kept; anything else: refused";

impl Kind for DrbdMetadataKind {
    const NAME: &'static str = "drbd_metadata";
    const DOC: &'static str = "DRBD's meta-data under a mirror: made on a device that is proven blank, while no member has data of that mirror. \
         Whatever else is on the device stays, until the operator names that device in the command.";
    const SHELL: Shell = DRBD;
    const ORPHANS: Orphans = Orphans::reported("the mirror stays with all its data");
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        together: true,
        shared: &[OWN],
        compare: Self::compare,
        destroys: Self::destroys,
        actions: Self::actions,
        title: Some(Self::title),
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.drbd_metadata.clone()
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        name_is_right(&want.drbd_metadata)?;
        valid::path("device", &want.device)?;
        if want.members.contains(&target.node) {
            Ok(())
        } else {
            Err(format!("{} is not among the members", target.node))
        }
    }
}

impl DrbdMetadataKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        drbd_seen::observe(observe);
        device::observe(wants.iter().map(|w| w.device.as_str()), observe);
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let name = &want.drbd_metadata;
        let own = answer.get(OWN).ok_or("DRBD was not asked")?;
        if own.status == 124 {
            return Err("drbdadm did not answer in time".to_owned());
        }
        let own = drbd_seen::end(&own.text(), name);
        let peers = want.members.iter().filter(|m| **m != target.node);
        Ok(Seen {
            device: device::seen(&want.device, answer)?,
            metadata: match &own.metadata {
                Metadata::Unconfigured => "not configured",
                Metadata::None => "none",
                Metadata::Some(generation) if generation.is_new() => "new",
                Metadata::Some(_) => "data",
                Metadata::Unknown(_) => "unknown",
            },
            own,
            peers: peers
                .map(|m| {
                    let section = answer.of(m, OWN).filter(|s| s.status == 0);
                    (m.clone(), section.map(|s| drbd_seen::end(&s.text(), name)))
                })
                .collect(),
        })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let node = &circumstances.target.node;
        let (name, device) = (&want.drbd_metadata, &want.device);
        let after = |what: String| Verdict::After {
            what,
            table: TABLE.to_owned(),
        };
        match (&seen.own.metadata, &seen.device.content) {
            (_, DeviceContent::Absent) => after(format!("what brings {device}")),
            (_, DeviceContent::Other) => {
                Verdict::refuse(format!("{device} is no block device"), node)
            }
            (Metadata::Unconfigured, DeviceContent::Carries(found)) if is_drbd(found) => {
                after(format!("the configuration of {name}"))
            }
            (Metadata::Unknown(why), _) => Verdict::Finding {
                what: format!("nobody knows what {name} has on {device}: {why}"),
                remedy: format!("`nodewright run {node} -- drbdadm get-gi {name}`"),
            },
            (Metadata::Some(own), _) => Self::beside_peers(want, own, seen, node),
            (Metadata::Unconfigured | Metadata::None, _) => Self::made(want, seen, node),
        }
    }

    /// There is some: it is ours unless a member has data of which this end knows nothing.
    fn beside_peers(
        want: &Want,
        own: &super::generation::Generation,
        seen: &Seen,
        node: &str,
    ) -> Verdict {
        for (peer, end) in &seen.peers {
            let Some(Metadata::Some(theirs)) = end.as_ref().map(|e| &e.metadata) else {
                continue;
            };
            if own.to(theirs) == Relation::Unrelated {
                return Verdict::refuse(
                    format!(
                        "{} carries data of another mirror than {peer} has for {} (generations {} and {})",
                        want.device,
                        want.drbd_metadata,
                        own.shown(),
                        theirs.shown()
                    ),
                    node,
                );
            }
        }
        Verdict::Same
    }

    /// There is none: it is made where no member has data of it, which each of them has to say.
    fn made(want: &Want, seen: &Seen, node: &str) -> Verdict {
        let name = &want.drbd_metadata;
        for (peer, end) in &seen.peers {
            let why = match end.as_ref().map(|e| &e.metadata) {
                None => format!(
                    "{peer} was not asked or did not answer, so nothing proves that it has no data of {name}"
                ),
                Some(Metadata::Unknown(why)) => {
                    format!("what {peer} has of {name} is not known: {why}")
                }
                Some(Metadata::Some(theirs)) if !theirs.is_new() => {
                    return Verdict::Finding {
                        what: format!(
                            "{name} has no meta-data on {node}, and {peer} has its data (generation {}): this end was lost",
                            theirs.shown()
                        ),
                        remedy: format!(
                            "to take it back as the target of a sync: `nodewright run {node} -- drbdadm create-md {name}`, then `… drbdadm up {name}`"
                        ),
                    };
                }
                Some(_) => continue,
            };
            return Verdict::Finding {
                what: format!("no meta-data of {name} is made: {why}"),
                remedy: format!("apply again once {peer} answers"),
            };
        }
        for (peer, end) in &seen.peers {
            let theirs = end.as_ref().and_then(|end| end.sectors);
            if let (Some(own), Some(theirs)) = (seen.own.sectors, theirs)
                && own != theirs
            {
                return Verdict::refuse(
                    format!(
                        "{} has {own} sectors, and what {peer} has for {name} has {theirs}: both ends of a mirror are of one size",
                        want.device
                    ),
                    node,
                );
            }
        }
        Verdict::Change(vec![Delta::new("meta-data", "none", name)])
    }

    fn destroys(_want: &Want, seen: &Seen) -> Vec<Overwritten> {
        seen.device.overwritten()
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        // No `--force`, so drbdmeta itself refuses what it finds.
        let calls = wants.iter().flat_map(|(want, seen)| {
            let make = Call::new("drbdadm").args(["create-md", &want.drbd_metadata]);
            seen.device.wiped(&want.device).into_iter().chain([make])
        });
        calls.collect()
    }

    fn title(names: &str, _deltas: &[Delta]) -> String {
        format!("make DRBD's meta-data of {names}")
    }
}

/// Whether the signatures found on a device are DRBD's.
fn is_drbd(found: &[String]) -> bool {
    found.first().is_some_and(|first| first.starts_with("drbd"))
}

#[cfg(test)]
#[path = "drbd_metadata_tests.rs"]
mod tests;
