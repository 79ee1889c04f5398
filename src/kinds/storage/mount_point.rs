//! The folder over which a resource manager mounts a shared filesystem: immutable while nothing is mounted there, so
//! that nothing is ever written beneath it.
//!
//! Facts: docs/facts/storage.md#mount-points.

use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observable, Observe, Running, Runs, Target, Verdict, valid,
};
use crate::sh::Call;
use crate::shell::{MOUNT, Shell};

/// `mount_point = "/shared"`.
pub struct MountPointKind;

/// The keys of a step of kind `mount_point`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The folder.
    mount_point: String,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether something is mounted there.
    mounted: bool,
    /// The device that is mounted there, as the kernel names it.
    source: String,
    /// The type of the filesystem that is mounted there.
    fstype: String,
    /// Whether it is mounted so that it can be written.
    writable: bool,
    /// The folder while nothing is mounted: `none`, `empty`, `immutable`, `full`, `link`, `other`.
    folder: String,
}

const MOUNTS: &str = "mount_point.mounts";
const FOLDERS: &str = "mount_point.folders";

impl Kind for MountPointKind {
    const NAME: &'static str = "mount_point";
    const DOC: &'static str = "A folder over which a resource manager mounts: made, and immutable while nothing is mounted there, so that nothing is \
         written beneath the filesystem. It is never mounted or unmounted by this.";
    const SHELL: Shell = Shell::new(include_str!("mount_point.sh")).needing(&[MOUNT]);
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.mount_point.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::path("mount_point", &want.mount_point)?;
        if want.mount_point == "/" || want.mount_point.contains(char::is_whitespace) {
            return Err(
                "`mount_point` is a folder of its own, without blanks in its path".to_owned(),
            );
        }
        Ok(())
    }
}

impl Observable for MountPointKind {
    type Seen = Seen;
}

impl Seen {
    /// Whether something is mounted there.
    pub fn is_mounted(&self) -> bool {
        self.mounted
    }
}

impl MountPointKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        observe.section(MOUNTS, Call::new("cat").arg("/proc/self/mountinfo"));
        let folders = wants.iter().map(|w| w.mount_point.clone());
        observe.slow_section(FOLDERS, Call::new("nw_mount_folders").args(folders));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let path = &want.mount_point;
        let mounts = answer.get(MOUNTS).ok_or("the mounts were not observed")?;
        let folders = answer.get(FOLDERS).ok_or("the folder was not observed")?;
        if mounts.status != 0 || folders.status != 0 {
            return Err(format!("{path} did not answer in time"));
        }
        // The last one that is mounted there is on top.
        let text = mounts.text();
        let top = text.lines().rev().find_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let here = before.split(' ').nth(4)? == path;
            let mut words = after.split(' ');
            let (fstype, source) = (words.next()?.to_owned(), words.next()?.to_owned());
            // Options of the mount, and those of the filesystem.
            let options = [before.split(' ').nth(5)?, words.next()?];
            let writable = options.iter().all(|o| o.split(',').any(|one| one == "rw"));
            here.then_some((fstype, source, writable))
        });
        let text = folders.text();
        let folder = text.lines().find_map(|line| {
            let (state, at) = line.split_once(' ')?;
            (at == path).then(|| state.to_owned())
        });
        let folder = folder.ok_or_else(|| format!("{path} was not observed"))?;
        let (fstype, source, writable) = top.unwrap_or_default();
        Ok(Seen {
            mounted: folder == "mounted",
            folder: if folder == "mounted" {
                String::new()
            } else {
                folder
            },
            source,
            fstype,
            writable,
        })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let (path, node) = (&want.mount_point, &circumstances.target.node);
        match seen.folder.as_str() {
            "" | "immutable" => Verdict::Same,
            "none" => Verdict::Change(vec![Delta::new("folder", "", "immutable")]),
            "empty" => Verdict::Change(vec![Delta::new("folder", "can be written", "immutable")]),
            "full" => Verdict::Finding {
                what: format!(
                    "{path} holds files on {node} while nothing is mounted there: they would be hidden by what is mounted"
                ),
                remedy: format!("`nodewright run {node} -- ls -la {path}`, then move them away"),
            },
            "link" => Verdict::refuse(
                format!("{path} is a symbolic link, or leads over one"),
                node,
            ),
            _ => Verdict::refuse(format!("{path} is no folder"), node),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter();
        calls
            .map(|(want, _)| Call::new("nw_mount_point").arg(&want.mount_point))
            .collect()
    }
}

#[cfg(test)]
#[path = "mount_point_tests.rs"]
mod tests;
