//! A pool of libvirt that is a folder of images.
//!
//! Facts: docs/facts/guests.md#libvirt.

use super::libvirt;
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Running, Runs, Target, Verdict, valid,
};
use crate::kinds::cluster::cib::element::Element;
use crate::sh::Call;

/// `storage_pool = "iso"`.
pub struct StoragePoolKind;

/// The keys of a step of kind `storage_pool`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its name.
    storage_pool: String,
    /// The folder.
    path: String,
    /// The mount point of the filesystem on which the folder is made once that is mounted. Without it the folder is
    /// there already, and libvirt starts the pool by itself.
    mount: Option<String>,
}

/// The observed state.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of its own for checks"
)]
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether libvirt answers.
    answers: bool,
    /// Whether it is active.
    active: bool,
    /// The folder that it is defined with; empty where it is not defined.
    path: String,
    /// Whether the folder is there.
    folder: bool,
    /// Whether the filesystem is mounted on which it may be made.
    #[serde(skip)]
    mounted: bool,
}

const DEFINITIONS: &str = "storage_pool";
const FOLDERS: &str = "storage_pool.folders";
const MOUNTS: &str = "storage_pool.mounts";

impl Kind for StoragePoolKind {
    const NAME: &'static str = "storage_pool";
    const DOC: &'static str = "A pool of libvirt that is a folder of images: defined and started once its folder is there. What is in it is never touched.";
    const ORPHANS: Orphans = Orphans::reported("the pool stays with its images");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.storage_pool.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        libvirt::name_is_right("pool", &want.storage_pool)?;
        valid::path("path", &want.path)
    }
}

impl StoragePoolKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        libvirt::observe(observe);
        let names = wants.iter().map(|w| w.storage_pool.as_str());
        libvirt::observe_definitions(observe, DEFINITIONS, "pool-dumpxml", names);
        observe.section(MOUNTS, Call::new("cat").arg("/proc/self/mountinfo"));
        let find = Call::new("find").args(wants.iter().map(|w| w.path.clone()));
        observe.slow_section(FOLDERS, find.args(["-maxdepth", "0", "-type", "d"]));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let lists = libvirt::lists(answer, None)?;
        let name = &want.storage_pool;
        let text = libvirt::definition(answer, DEFINITIONS, name)?;
        let mut path = String::new();
        if !text.is_empty() {
            let pool = Element::with_text(&text)
                .map_err(|e| format!("the pool {name} cannot be read: {e}"))?;
            let own = pool.child("target").and_then(|t| t.child("path"));
            own.map_or("", |p| p.text.as_str()).clone_into(&mut path);
        }
        Ok(Seen {
            answers: lists.answers,
            active: lists.pools.get(name).copied().unwrap_or(false),
            path,
            mounted: want.mount.as_ref().is_some_and(|mount| {
                let here = |line: &str| line.split(' ').nth(4) == Some(mount.as_str());
                answer.text(MOUNTS).lines().any(here)
            }),
            folder: answer.text(FOLDERS).lines().any(|line| line == want.path),
        })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let mount = want.mount.as_ref().filter(|_| !seen.mounted);
        if !seen.answers || mount.is_some() {
            let what = match mount {
                Some(mount) => format!("{mount} is mounted"),
                None => "libvirt answers".to_owned(),
            };
            return Verdict::After {
                what,
                table: "not there: defined and started; with another folder: reported".to_owned(),
            };
        }
        if seen.path.is_empty() {
            return Verdict::Change(vec![Delta::new("path", "", &want.path)]);
        }
        if seen.path != want.path {
            return Verdict::Finding {
                what: format!(
                    "the pool {} is the folder {}, not {}",
                    want.storage_pool, seen.path, want.path
                ),
                remedy: format!(
                    "`virsh pool-destroy {0}`, `virsh pool-undefine {0}`: its images stay where they are",
                    want.storage_pool
                ),
            };
        }
        if seen.active {
            Verdict::Same
        } else {
            Verdict::Change(vec![Delta::new("active", "no", "yes")])
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().flat_map(|(want, seen)| {
            let name = want.storage_pool.as_str();
            let mut calls = Vec::new();
            if seen.path.is_empty() {
                calls.push(libvirt::virsh([
                    "pool-define-as",
                    name,
                    "dir",
                    "--target",
                    &want.path,
                ]));
            }
            if !seen.folder && want.mount.is_some() {
                calls.push(libvirt::virsh(["pool-build", name]));
            }
            if seen.path.is_empty() && want.mount.is_none() {
                calls.push(libvirt::virsh(["pool-autostart", name]));
            }
            calls.push(libvirt::virsh(["pool-start", name]));
            calls
        });
        calls.collect()
    }
}

#[cfg(test)]
#[path = "storage_pool_tests.rs"]
mod tests;
