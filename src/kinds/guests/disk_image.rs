//! The image of a guest's disk: made where there is none, and never touched again.

use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observable, Observe, Orphans, Payload, Running, Runs,
    SiteFile, Target, Verdict, valid,
};
use crate::kinds::storage::image_fits;
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
    /// The image of the site that it begins with when it is made.
    image: Option<SiteFile>,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Its size in bytes; `None` where there is no image.
    bytes: Option<u64>,
}

const SECTION: &str = "disk_image";

impl Seen {
    /// Whether there is something at its path: an image, or the link to a volume that is active.
    pub fn is_there(&self) -> bool {
        self.bytes.is_some()
    }
}

impl Want {
    fn folder(&self) -> &str {
        self.disk_image
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder)
    }
}

impl Kind for DiskImageKind {
    const NAME: &'static str = "disk_image";
    const DOC: &'static str = "The image of a guest's disk, raw: made where there is none, sparse, empty or with the site's image at its start. It is \
         never removed, shrunk or grown.";
    const SHELL: Shell = Shell::new(
        "# nw_disk_image PATH BYTES IMAGE: an image that begins with that one, where nothing is by now.\nnw_disk_image() { cp --sparse=always -- \"$3\" \"$1.new\" && truncate -s \"$2\" \"$1.new\" && sync && ln -T \"$1.new\" \"$1\" && rm \"$1.new\"; }\n",
    );
    const ORPHANS: Orphans = Orphans::reported("the image stays with all its data");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        contents: |want, _, _| want.image.iter().cloned().map(Payload::File).collect(),
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
        image_fits(want.image.as_ref(), want.bytes)
    }
}

impl Observable for DiskImageKind {
    type Seen = Seen;
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
            None => {
                let mut deltas = vec![Delta::new("size", "", size(want.bytes))];
                let image = want.image.as_ref();
                deltas.extend(image.map(|image| Delta::new("content", "", &image.path)));
                Verdict::Change(deltas)
            }
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let mut blobs = 0;
        let mut make = |want: &Want| {
            let call =
                Call::new("nw_disk_image").args([want.disk_image.clone(), want.bytes.to_string()]);
            if want.image.is_none() {
                return call.arg("/dev/null");
            }
            blobs += 1;
            call.blob(blobs - 1)
        };
        wants.iter().map(|(want, _)| make(want)).collect()
    }
}

#[cfg(test)]
#[path = "disk_image_tests.rs"]
mod tests;
