//! The image of a guest's disk: made empty where there is none, and never touched again.

use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Running, Runs, Target, Verdict, valid,
};
use crate::sh::Call;
use crate::shell::Shell;
use crate::text::size;

/// `disk_image = "/local/images/web.img"`.
pub struct DiskImageKind;

/// The keys of a step of kind `disk_image`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its path.
    disk_image: String,
    /// Its size in bytes.
    bytes: u64,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Seen {
    /// Its size in bytes; `None` where there is no image.
    bytes: Option<u64>,
}

const SECTION: &str = "disk_image";

impl Want {
    fn folder(&self) -> &str {
        self.disk_image
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder)
    }
}

impl Kind for DiskImageKind {
    const NAME: &'static str = "disk_image";
    const DOC: &'static str = "The image of a guest's disk, raw: made empty and sparse where there is none. It is never removed, shrunk or grown.";
    const SHELL: Shell = Shell::new(
        "# nw_disk_image PATH BYTES: an empty image, where nothing is by now.\nnw_disk_image() { (set -C && : >\"$1\") && truncate -s \"$2\" \"$1\"; }\n",
    );
    const ORPHANS: Orphans = Orphans::reported("the image stays with all its data");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.disk_image.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::path("disk_image", &want.disk_image)?;
        if want.folder().is_empty() || want.bytes == 0 || !want.bytes.is_multiple_of(512) {
            return Err("an image lies in a folder and has whole sectors of 512 bytes".to_owned());
        }
        Ok(())
    }
}

impl DiskImageKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let paths = wants.iter().map(|w| w.disk_image.clone());
        let find = Call::new("find").args(paths);
        observe.slow_section(
            SECTION,
            find.args(["-maxdepth", "0", "-printf", "%s %p\\n"]),
        );
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer.get(SECTION).ok_or("the image was not looked for")?;
        if section.status == 124 {
            return Err(format!("{} did not answer in time", want.folder()));
        }
        let text = section.text();
        let size_of = |path: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| {
                line.split_once(' ')
                    .filter(|(_, p)| *p == path)?
                    .0
                    .parse::<u64>()
                    .ok()
            })
        };
        Ok(Seen {
            bytes: size_of(&want.disk_image),
        })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        match seen.bytes {
            Some(bytes) if bytes >= want.bytes => Verdict::Same,
            Some(bytes) => Verdict::Finding {
                what: format!(
                    "{} has {}, not {}",
                    want.disk_image,
                    size(bytes),
                    size(want.bytes)
                ),
                remedy: format!(
                    "while its guest is down: `truncate -s {} {}`",
                    want.bytes, want.disk_image
                ),
            },
            None => Verdict::Change(vec![Delta::new("size", "", size(want.bytes))]),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().map(|(want, _)| {
            Call::new("nw_disk_image").args([want.disk_image.clone(), want.bytes.to_string()])
        });
        calls.collect()
    }
}

#[cfg(test)]
#[path = "disk_image_tests.rs"]
mod tests;
