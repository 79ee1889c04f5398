//! The kinds by which an operation observes a member of the cluster: steps of its own, which change nothing.

use crate::kind::{Answer, Observable, Resource, StepMeta, Target, of_kind, seen};
use crate::kinds::cluster::cib::{self, CibKind, Operated};
use crate::kinds::cluster::fence_device::{self, FenceDeviceKind};
use crate::kinds::cluster::membership::{self, MembershipKind};
use crate::kinds::cluster::resource_manager::{self, ResourceManagerKind};
use crate::kinds::guests::disk_image::{self, DiskImageKind};
use crate::kinds::guests::guest::{self, GuestKind};
use crate::kinds::guests::hypervisor::{self, HypervisorKind};
use crate::kinds::guests::libvirt_peer::{self, LibvirtPeerKind};
use crate::kinds::kind_named;
use crate::kinds::network::peer::{self, PeerKind};
use crate::kinds::storage::dlm::{self, DlmKind};
use crate::kinds::storage::drbd::{self, DrbdKind};
use crate::kinds::storage::mount_point::{self, MountPointKind};
use crate::platform::Manager;
use crate::site::Site;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// The word in the place of a role in the addresses of what an operation observes: none of it is kept in a manifest.
pub(super) const OPERATION: &str = "operation";

/// The resources observed on one member.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) target: Target,
    pub(super) resources: Vec<Resource>,
}

impl Watched {
    /// These steps on this member.
    ///
    /// # Errors
    ///
    /// A step that a kind refuses.
    pub(super) fn new(target: Target, steps: &[Json]) -> Result<Self, String> {
        let all = steps.iter().map(|step| watch(step, &target));
        let resources = all.collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
        Ok(Self {
            resources: resources.collect(),
            target,
        })
    }

    /// The observed states of all these kinds.
    pub(super) fn read(&self, answer: &Answer) -> MemberObservation {
        MemberObservation {
            membership: self.one::<MembershipKind>(answer),
            manager: self.one::<ResourceManagerKind>(answer),
            cib: self.one::<CibKind>(answer),
            dlm: self.one::<DlmKind>(answer),
            peer: self.one::<PeerKind>(answer),
            devices: self.all::<FenceDeviceKind>(answer),
            mirrors: self.all::<DrbdKind>(answer),
            mounts: self.all::<MountPointKind>(answer),
            hypervisor: self.one::<HypervisorKind>(answer),
            guest: self.one::<GuestKind>(answer),
            images: self.all::<DiskImageKind>(answer),
            libvirt_peers: self.all::<LibvirtPeerKind>(answer),
        }
    }

    /// The observed state of each resource of a kind, by name; an error where it gave no full answer.
    fn all<K: Observable>(&self, answer: &Answer) -> Vec<(String, Result<K::Seen, String>)> {
        let state = |r: &Resource| (r.address.name.clone(), seen::<K>(r, &self.target, answer));
        of_kind::<K>(&self.resources).map(state).collect()
    }

    /// The observed state of the one resource of a kind, where there is one.
    fn one<K: Observable>(&self, answer: &Answer) -> Option<Result<K::Seen, String>> {
        self.all::<K>(answer).into_iter().next().map(|(_, s)| s)
    }
}

/// The observed states of one member's kinds: an error where it gave no full answer; `None` or empty for kinds that an
/// operation does not observe.
pub(super) struct MemberObservation {
    pub(super) membership: Option<Result<membership::Seen, String>>,
    pub(super) manager: Option<Result<resource_manager::Seen, String>>,
    pub(super) cib: Option<Result<cib::Seen, String>>,
    pub(super) dlm: Option<Result<dlm::Seen, String>>,
    pub(super) peer: Option<Result<peer::Seen, String>>,
    pub(super) devices: Vec<(String, Result<fence_device::Seen, String>)>,
    pub(super) mirrors: Vec<(String, Result<drbd::Seen, String>)>,
    pub(super) mounts: Vec<(String, Result<mount_point::Seen, String>)>,
    pub(super) hypervisor: Option<Result<hypervisor::Seen, String>>,
    pub(super) guest: Option<Result<guest::Seen, String>>,
    pub(super) images: Vec<(String, Result<disk_image::Seen, String>)>,
    pub(super) libvirt_peers: Vec<(String, Result<libvirt_peer::Seen, String>)>,
}

impl MemberObservation {
    /// The resource manager's state, where it runs.
    pub(super) fn managed(&self) -> Option<&resource_manager::Seen> {
        let seen = self.manager.as_ref()?.as_ref().ok()?;
        seen.running.then_some(seen)
    }

    /// The way in which Pacemaker is operated, where it runs.
    pub(super) fn operated(&self) -> Option<&Operated> {
        self.cib.as_ref()?.as_ref().ok()?.operated.as_ref()
    }

    /// The reason why a part of the state is unknown.
    pub(super) fn unknown(&self) -> Vec<String> {
        let one = [
            self.membership.as_ref().and_then(|s| s.as_ref().err()),
            self.manager.as_ref().and_then(|s| s.as_ref().err()),
            self.cib.as_ref().and_then(|s| s.as_ref().err()),
            self.dlm.as_ref().and_then(|s| s.as_ref().err()),
        ];
        let mirrors = self.mirrors.iter().filter_map(|(_, s)| s.as_ref().err());
        let mounts = self.mounts.iter().filter_map(|(_, s)| s.as_ref().err());
        let mut all: Vec<String> = one
            .into_iter()
            .flatten()
            .chain(mirrors)
            .chain(mounts)
            .cloned()
            .collect();
        all.dedup();
        all
    }
}

/// The resources of a step of an operation's own.
fn watch(step: &Json, target: &Target) -> Result<Vec<Resource>, String> {
    let step = step.as_object().cloned().unwrap_or_default();
    let kind = step.keys().find_map(|key| kind_named(key));
    let kind = kind.ok_or("a step of no kind")?;
    kind.read(OPERATION, step, &Arc::new(StepMeta::default()), target)
}

/// Steps for the membership, the resource manager, the mirrors and DLM, as a member sees them.
pub(super) fn cluster_steps(site: &Site, member: &str, manager: Manager) -> Vec<Json> {
    let members = site.members();
    let mut steps = Vec::new();
    let numbered = members.iter().filter_map(|m| {
        let id = host_id(site, m)?;
        Some(json!({ "name": m, "host_id": id }))
    });
    let numbered: Vec<Json> = numbered.collect();
    if members.contains(&member) && host_id(site, member).is_some() {
        steps.push(json!({
            "membership": "watched",
            "stack": match manager {
                Manager::Rgmanager => "cman",
                Manager::Pacemaker => "corosync",
            },
            "members": numbered,
        }));
    }
    let word = match manager {
        Manager::Rgmanager => "rgmanager",
        Manager::Pacemaker => "pacemaker",
    };
    steps.push(json!({ "resource_manager": word, "members": members }));
    for (name, mirror) in &site.inventory.mirror {
        steps.push(json!({
            "drbd": name,
            "minor": mirror.minor,
            "version": "8.4",
            "first": mirror.source,
            "members": members,
        }));
    }
    if manager == Manager::Pacemaker && !site.inventory.mirror.is_empty() {
        steps.push(json!({ "dlm": "lockspaces", "members": members }));
    }
    steps
}

/// The same, and a step for how Pacemaker is operated.
pub(super) fn operated_steps(site: &Site, member: &str, manager: Manager) -> Vec<Json> {
    let mut steps = cluster_steps(site, member, manager);
    if manager == Manager::Pacemaker {
        steps.push(json!({ "cib": "operated", "content": "<configuration/>" }));
    }
    steps
}

/// A device that switches a member off and on, and the step by which another member asks it.
#[derive(Debug)]
pub(super) struct PowerDevice {
    pub(super) name: String,
    pub(super) agent: String,
    /// The file whose content is the agent's standard input.
    pub(super) input: String,
    pub(super) step: Json,
}

/// The devices that switch this member.
pub(super) fn power_devices(site: &Site, member: &str) -> Vec<PowerDevice> {
    let devices = site.fencing(member).devices.into_iter();
    devices
        .map(|device| {
            let scripts: Vec<&str> = device.scripts.iter().map(|s| s.path.as_str()).collect();
            PowerDevice {
                step: json!({
                    "fence_device": device.name,
                    "node": member,
                    "agent": device.agent,
                    "input": device.input,
                    "scripts": scripts,
                }),
                name: device.name,
                agent: device.agent,
                input: device.input,
            }
        })
        .collect()
}

/// Steps for the mount points of shared filesystems.
pub(super) fn mount_steps(site: &Site) -> Vec<Json> {
    let mirrors = site.inventory.mirror.values();
    let paths = mirrors.filter_map(|m| m.gfs2.as_ref());
    paths.map(|path| json!({ "mount_point": path })).collect()
}

/// A member's number in the cluster.
pub(super) fn host_id(site: &Site, member: &str) -> Option<u32> {
    let id = site.node(member)?.host_id.as_ref()?;
    id.to_string().parse().ok()
}
