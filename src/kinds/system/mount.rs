//! Mounts: the entry of `/etc/fstab`, and what is mounted there now.

use crate::kind::valid;
use crate::kind::{
    Answer, Attributes, Circumstances, Delta, Edit, EditChange, Files, Kind, Observe, Orphans,
    Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::{MOUNT, PROCESS, Shell};
use crate::text::Text;
use std::collections::BTreeSet;

/// `mount = "/srv/images"`.
pub struct MountKind;

/// The keys of a step of kind `mount`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its mount point.
    mount: String,
    /// The source: `/dev/disk/by-id/…`, `UUID=…`, `LABEL=…`, `host:/path`. Not for `absent`.
    #[serde(default)]
    device: String,
    /// Type of the filesystem. Not for `absent`.
    #[serde(default)]
    fstype: String,
    /// Options, with commas between them.
    #[serde(default = "defaults")]
    options: String,
    /// Order of the check at boot: 0 is none, 1 the root, 2 others.
    #[serde(default)]
    pass: u8,
    /// `mounted` (the default); `unmounted`: an entry, but not mounted; `fstab`: an entry, mounted or not; `absent`:
    /// neither.
    #[serde(default)]
    state: MountState,
}

/// The desired state of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum MountState {
    #[default]
    Mounted,
    Unmounted,
    Fstab,
    Absent,
}

/// The observed mount there.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether something is mounted.
    mounted: bool,
    /// The source, as the kernel names it.
    source: String,
    /// Its type.
    fstype: String,
    /// Whether it is certain that it is another device than the wanted one.
    other_device: bool,
    /// The folder under it, while nothing is mounted: `none`, `empty`, `full`, `other`; `link` where its path
    /// leads over one, so that the kernel knows it by another.
    folder: String,
}

const MOUNTS: &str = "mounts";
const FOLDERS: &str = "mount-folders";
const DEVICES: &str = "mount-devices";

fn defaults() -> String {
    "defaults".to_owned()
}

/// A word as fstab and mountinfo write it: blanks and backslashes in octal (fstab(5)).
fn escaped(word: &str) -> String {
    word.replace('\\', "\\134")
        .replace(' ', "\\040")
        .replace('\t', "\\011")
}

impl Want {
    /// The path of its block device, if it is one.
    fn device_path(&self) -> Option<String> {
        let (key, value) = self.device.split_once('=').unwrap_or(("", &self.device));
        let folder = match key {
            "" if value.starts_with("/dev/") => return Some(value.to_owned()),
            "UUID" => "by-uuid",
            "LABEL" => "by-label",
            "PARTUUID" => "by-partuuid",
            "PARTLABEL" => "by-partlabel",
            _ => return None,
        };
        Some(format!("/dev/disk/{folder}/{value}"))
    }
}

impl Kind for MountKind {
    const NAME: &'static str = "mount";
    const DOC: &'static str = "Filesystems: the entry in fstab, and mounted or not; never over a folder that holds something.";
    const SHELL: Shell = Shell::new(include_str!("mount.sh")).needing(&[PROCESS, MOUNT]);
    const ORPHANS: Orphans = Orphans::reported("it stays mounted and in /etc/fstab");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.mount.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::path("mount", &want.mount)?;
        for (what, word) in [
            ("device", &want.device),
            ("fstype", &want.fstype),
            ("options", &want.options),
        ] {
            valid::one_line(what, word)?;
            if word.is_empty() && want.state != MountState::Absent {
                return Err(format!("`{what}` is missing: an entry of fstab has one"));
            }
            if word.starts_with('#') {
                return Err(format!(
                    "`{what}` begins with `#`, which starts a comment in fstab"
                ));
            }
            if what != "device" && word.contains(char::is_whitespace) {
                return Err(format!(
                    "`{what}` holds a blank: options have commas between them"
                ));
            }
        }
        if want.pass > 2 {
            return Err(format!(
                "`pass` is 0 (no check), 1 (the root) or 2, not {}",
                want.pass
            ));
        }
        Ok(())
    }

    fn files(want: &Want, target: &Target) -> Files {
        Self::edits(want, target).into()
    }

    fn absent(want: &Want) -> bool {
        want.state == MountState::Absent
    }
}

impl MountKind {
    fn edits(want: &Want, _target: &Target) -> Vec<Edit> {
        let point = escaped(&want.mount);
        let line = format!(
            "{} {point} {} {} 0 {}",
            escaped(&want.device),
            want.fstype,
            want.options,
            want.pass
        );
        let absent = want.state == MountState::Absent;
        vec![Edit {
            path: "/etc/fstab".to_owned(),
            change: EditChange::Line {
                line: Text::plain(if absent { String::new() } else { line }),
                matches: Some(format!(
                    r"^[ \t]*[^# \t][^ \t]*[ \t]+{}([ \t]|$)",
                    regex_lite::escape(&point)
                )),
                absent,
            },
            attributes: Attributes::default(),
        }]
    }

    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        observe.section(MOUNTS, Call::new("cat").arg("/proc/self/mountinfo"));
        let points: BTreeSet<_> = wants.iter().map(|w| w.mount.clone()).collect();
        observe.slow_section(FOLDERS, Call::new("nw_mount_folders").args(points));
        let devices: BTreeSet<_> = wants.iter().filter_map(|w| w.device_path()).collect();
        if !devices.is_empty() {
            let stat = Call::new("stat").args(["-L", "-c", "%t:%T %n", "--"]);
            observe.section(DEVICES, stat.args(devices));
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let mounts = answer.get(MOUNTS).ok_or("the mounts were not observed")?;
        if mounts.status != 0 {
            return Err("/proc/self/mountinfo cannot be read".into());
        }
        let folders = answer.get(FOLDERS).ok_or("the mounts were not observed")?;
        if folders.status == 124 {
            return Err("a folder to mount on did not answer in time".into());
        }
        let text = folders.text();
        let folder = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(_, path)| *path == want.mount)
            .map(|(state, _)| state.to_owned());
        let mut seen = Seen {
            folder: folder.unwrap_or_default(),
            ..Seen::default()
        };
        let point = escaped(&want.mount);
        let text = mounts.text();
        // The last one lies on top.
        if let Some((number, source, fstype)) = text
            .lines()
            .filter_map(|line| mounted(line, &point))
            .next_back()
        {
            seen.mounted = true;
            source.clone_into(&mut seen.source);
            fstype.clone_into(&mut seen.fstype);
            let devices = answer.text(DEVICES);
            let device = want.device_path();
            let wanted = devices
                .lines()
                .filter_map(|line| line.split_once(' '))
                .find(|(_, path)| device.as_deref() == Some(*path))
                .and_then(|(number, _)| decimal(number));
            // Filesystems of several devices have a number of their own, with major 0.
            seen.other_device =
                wanted.is_some_and(|wanted| wanted != number) && !number.starts_with("0:");
        } else if seen.folder.is_empty() {
            return Err(format!("no answer about the folder {}", want.mount));
        }
        Ok(seen)
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let point = &want.mount;
        match (want.state, seen.mounted) {
            (_, false) if seen.folder == "link" => Verdict::refuse(
                format!(
                    "{point} leads over a symbolic link, and the kernel knows mounts by the path behind it: name the \
                     path that `readlink -f {point}` shows"
                ),
                &circumstances.target.node,
            ),
            (MountState::Fstab, _) | (MountState::Unmounted | MountState::Absent, false) => {
                Verdict::Same
            }
            (MountState::Unmounted | MountState::Absent, true) => {
                Verdict::Change(vec![Delta::new("mounted", &seen.source, "no")])
            }
            (MountState::Mounted, true) => {
                let any = ["none", "auto"].contains(&want.fstype.as_str());
                if seen.other_device || !(any || seen.fstype.starts_with(&want.fstype)) {
                    Verdict::Finding {
                        what: format!(
                            "{} ({}) is mounted on {point}, not {} ({})",
                            seen.source, seen.fstype, want.device, want.fstype
                        ),
                        remedy: format!(
                            "unmount it when nothing uses it (`nodewright run {} -- umount {point}`), then apply again",
                            circumstances.target.node
                        ),
                    }
                } else {
                    Verdict::Same
                }
            }
            (MountState::Mounted, false) if ["full", "other"].contains(&seen.folder.as_str()) => {
                let what = if seen.folder == "full" {
                    "holds something"
                } else {
                    "is no folder"
                };
                let what = format!(
                    "{point} {what}, which {} would hide: move it away, then apply again",
                    want.device
                );
                Verdict::refuse(what, &circumstances.target.node)
            }
            (MountState::Mounted, false) => {
                Verdict::Change(vec![Delta::new("mounted", "no", &want.device)])
            }
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .filter_map(|(want, seen)| {
                let verb = match (want.state, seen.mounted) {
                    (MountState::Mounted, false) => "mount",
                    (MountState::Unmounted | MountState::Absent, true) => "unmount",
                    _ => return None,
                };
                Some(Call::new("nw_mount").arg(verb).arg(&want.mount))
            })
            .collect()
    }
}

/// A line of mountinfo that is about this mount point: device number, source, type (proc(5)).
fn mounted<'a>(line: &'a str, point: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (place, what) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(2);
    let number = place.next()?;
    let found = place.nth(1)? == point;
    let mut what = what.split(' ');
    let fstype = what.next()?;
    found.then_some((number, what.next()?, fstype))
}

/// A device number as `stat` prints it, in hexadecimal, as mountinfo prints it.
fn decimal(number: &str) -> Option<String> {
    let (major, minor) = number.split_once(':')?;
    let read = |word| u32::from_str_radix(word, 16).ok();
    Some(format!("{}:{}", read(major)?, read(minor)?))
}

#[cfg(test)]
#[path = "mount_tests.rs"]
mod tests;
