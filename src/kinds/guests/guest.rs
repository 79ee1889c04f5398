//! The definition of a guest: made once, compared by what it means, changed under a running guest for its next start
//! alone.
//!
//! A guest that stays on its node is defined in libvirt there. One that moves is defined by a file on a filesystem that all
//! members mount, from which the resource manager starts it; libvirt itself then holds no definition that could grow old.
//!
//! Facts: docs/facts/guests.md#definitions.

pub use super::definition::FirstDevice;

use super::{definition, libvirt};
use crate::kind::{
    Answer, Circumstances, Delta, Files, Kind, Observable, Observe, Orphans, Payload, Resource,
    Running, Runs, Target, Verdict, valid,
};
use crate::kinds::cluster::cib::element::Element;
use crate::sh::Call;
use crate::shell::Shell;
use crate::text::{Text, Vault};

/// `guest = "web"`.
pub struct GuestKind;

/// The keys of a step of kind `guest`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its name.
    guest: String,
    /// Its definition, a `domain`.
    content: Text,
    /// The file that has the definition of a guest that moves, on a filesystem that all members mount.
    file: Option<String>,
    /// The place where that filesystem is mounted.
    mount: Option<String>,
    /// The other members.
    #[serde(default)]
    peers: Vec<String>,
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
    /// Whether it is defined where it has to be.
    pub defined: bool,
    /// Whether its definition is as wanted.
    as_wanted: bool,
    /// Its state here, in libvirt's words; empty where libvirt does not know it.
    state: String,
    /// Whether it runs on another member while it runs here.
    twice: bool,
    /// Whether the filesystem of its file is mounted; true where it has none.
    pub mounted: bool,
    /// The definition that was found.
    #[serde(skip)]
    found: Element,
    /// The points in which it differs.
    #[serde(skip)]
    deltas: Vec<Delta>,
}

const DEFINITIONS: &str = "guest";
const MOUNTS: &str = "guest.mounts";

impl Want {
    fn wanted(&self) -> Result<Element, String> {
        let root = Element::with_text(self.content.as_marked())?;
        match root.tag.as_str() {
            "domain" => Ok(root),
            other => Err(format!("its root is `{other}`")),
        }
    }

    fn file_section(&self) -> String {
        format!("guest.file.{}", self.guest.to_ascii_lowercase())
    }

    /// The definition that it is to have.
    fn becomes(&self, seen: &Seen) -> Element {
        let wanted = self.wanted().unwrap_or_default();
        if seen.defined {
            definition::laid_over(&wanted, &seen.found)
        } else {
            wanted
        }
    }
}

impl Seen {
    /// Its state here, in libvirt's words; empty where libvirt does not know it, `None` where libvirt does not answer.
    pub fn state(&self) -> Option<&str> {
        self.answers.then_some(self.state.as_str())
    }

    /// The definition that was found.
    pub fn definition(&self) -> String {
        self.found.text()
    }

    /// The same, booting from this device first.
    ///
    /// # Errors
    /// The reason why it cannot.
    pub fn booting_from(&self, device: FirstDevice) -> Result<String, String> {
        definition::booting_from(&self.found, device).map(|d| d.text())
    }

    fn runs(&self) -> bool {
        libvirt::runs(&self.state)
    }
}

impl Kind for GuestKind {
    const NAME: &'static str = "guest";
    const DOC: &'static str = "A guest's definition: made where there is none, laid over the one that is there, never removed. A running guest goes on \
         as it is, and has what changed from its next start. It is neither started nor stopped by this.";
    const SHELL: Shell = Shell::new(include_str!("guest.sh"));
    const ORPHANS: Orphans = Orphans::reported("the guest stays with its definition and its disks");
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        compare: Self::compare,
        contents: Self::contents,
        preflight: Self::preflight,
        actions: Self::actions,
        title: Some(Self::title),
        shared: &[libvirt::LISTS],
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.guest.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        libvirt::name_is_right("guest", &want.guest)?;
        if want.content.is_tainted() {
            return Err(
                "libvirt shows a definition to whoever may ask: no secret may stand in it"
                    .to_owned(),
            );
        }
        let wanted = want
            .wanted()
            .map_err(|e| format!("`content` is no `domain`: {e}"))?;
        if wanted.child("name").map(|n| n.text.as_str()) != Some(want.guest.as_str()) {
            return Err(format!("the `name` in `content` is not `{}`", want.guest));
        }
        match (&want.file, &want.mount) {
            (None, None) => Ok(()),
            (Some(file), Some(mount)) => {
                valid::path("file", file)?;
                valid::path("mount", mount)?;
                let below = file
                    .strip_prefix(mount.as_str())
                    .is_some_and(|f| f.starts_with('/'));
                below
                    .then_some(())
                    .ok_or_else(|| format!("`file` is not below `mount`, {mount}"))
            }
            _ => Err("`file` and `mount` go together".to_owned()),
        }
    }

    fn files(want: &Want, _target: &Target) -> Files {
        let path = want.file.clone();
        let own = || format!("/etc/libvirt/qemu/{}.xml", want.guest);
        Files {
            rendered: Some((path.unwrap_or_else(own), want.content.clone())),
            laid_over: true,
            ..Files::default()
        }
    }
}

impl Observable for GuestKind {
    type Seen = Seen;
}

impl GuestKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        libvirt::observe(observe);
        let own = wants.iter().filter(|w| w.file.is_none());
        let own: Vec<&str> = own.map(|w| w.guest.as_str()).collect();
        if !own.is_empty() {
            libvirt::observe_definitions(observe, DEFINITIONS, "dumpxml --inactive", own);
        }
        if wants.iter().any(|w| w.file.is_some()) {
            observe.section(MOUNTS, Call::new("cat").arg("/proc/self/mountinfo"));
        }
        for want in wants {
            if let Some(file) = &want.file {
                observe.slow_section(want.file_section(), Call::new("cat").arg(file));
            }
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let lists = libvirt::lists(answer, None)?;
        let mut seen = Seen {
            answers: lists.answers,
            state: lists.guests.get(&want.guest).cloned().unwrap_or_default(),
            mounted: true,
            ..Seen::default()
        };
        let text = match (&want.file, &want.mount) {
            (Some(_), Some(mount)) => {
                let mounts = answer.get(MOUNTS).ok_or("the mounts were not observed")?;
                let here = |line: &str| line.split(' ').nth(4) == Some(mount.as_str());
                seen.mounted = mounts.text().lines().any(here);
                let file = answer.get(&want.file_section());
                let file = file.ok_or("its file was not observed")?;
                if file.status == 124 {
                    return Err(format!("{mount} did not answer in time"));
                }
                if seen.mounted {
                    file.text().to_string()
                } else {
                    String::new()
                }
            }
            _ => libvirt::definition(answer, DEFINITIONS, &want.guest)?,
        };
        let elsewhere = |member: &String| {
            let lists = libvirt::lists(answer, Some(member)).unwrap_or_default();
            let state = lists.guests.get(&want.guest);
            state.is_some_and(|state| libvirt::runs(state))
        };
        seen.twice = seen.runs() && want.peers.iter().any(elsewhere);
        if !text.trim().is_empty() {
            seen.found = Element::with_text(text.trim())
                .map_err(|e| format!("the definition of {} cannot be read: {e}", want.guest))?;
            seen.defined = true;
            seen.deltas = definition::differences(&want.wanted()?, &seen.found);
            seen.as_wanted = seen.deltas.is_empty();
        }
        Ok(seen)
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let (guest, node) = (&want.guest, &circumstances.target.node);
        let table = "not defined: defined; defined: what differs is changed for its next start";
        let after = |what: String| Verdict::After {
            what,
            table: table.to_owned(),
        };
        if seen.twice {
            return Verdict::refuse(
                format!("{guest} runs on {node} and on another member at once"),
                node,
            );
        }
        if want.file.is_none() && !seen.answers {
            return after("libvirt answers".to_owned());
        }
        if let Some(mount) = want.mount.as_ref().filter(|_| !seen.mounted) {
            return after(format!("{mount} is mounted"));
        }
        if want.file.is_some() && seen.state == "shut off" {
            return Verdict::Finding {
                what: format!(
                    "libvirt on {node} has a definition of {guest} of its own, which grows old"
                ),
                remedy: format!(
                    "`nodewright run {node} -- virsh undefine {guest}`: its disks and the definition in {} stay",
                    want.file.as_deref().unwrap_or_default()
                ),
            };
        }
        if seen.as_wanted {
            return Verdict::Same;
        }
        if !seen.defined {
            return Verdict::Change(vec![Delta::new("definition", "", "as the site has it")]);
        }
        let mut deltas = seen.deltas.clone();
        if seen.runs() {
            deltas.push(Delta::new(
                "from",
                "",
                "its next start: it runs, and goes on as it is",
            ));
        }
        Verdict::Change(deltas)
    }

    fn contents(want: &Want, seen: &Seen, _vault: &Vault) -> Vec<Payload> {
        vec![Payload::Text(Text::plain(want.becomes(seen).text()))]
    }

    fn preflight(_want: &Want, _target: &Target) -> Vec<Call> {
        vec![Call::new("nw_guest_valid").blob(0)]
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().map(|(want, _)| match &want.file {
            None => libvirt::virsh(["define"]).blob(0),
            Some(file) => written(file),
        });
        calls.collect()
    }

    fn title(names: &str, deltas: &[Delta]) -> String {
        let new = deltas.iter().any(|d| d.what == "definition");
        let verb = if new {
            "define"
        } else {
            "change the definition of"
        };
        format!("{verb} guest {names}")
    }
}

/// The file that has the definition of this resource, a guest that moves; nothing where libvirt has it.
pub fn file_of(resource: &Resource) -> Option<String> {
    let want = resource.want.downcast_ref::<Want>()?;
    want.file.clone()
}

/// The call that writes a definition which the resource manager may read at any time: the first content of its step.
pub fn written(file: &str) -> Call {
    Call::new("nw_guest_file").arg(file).blob(0)
}

#[cfg(test)]
#[path = "guest_tests.rs"]
mod tests;
