//! A Pacemaker cluster's configuration: compared with what is wanted as trees, pushed as the patch that `crm_diff` makes,
//! so that what others set meanwhile or beside it stays.
//!
//! Comparing is done here, and never by the text that a release happens to print: attributes and neighbours without an
//! order have none. Tests hold it to what `crm_diff` says of the same documents.
//!
//! Facts: docs/facts/resources.md#cib.

pub(in crate::kinds) mod element;
mod operated;
mod overlay;
#[cfg(test)]
mod tests;

pub use self::operated::{
    Movable, Operated, cleared, closed, enabled, forgotten, let_go, let_go_of, maintain, opened,
    returned, settled, stand_by, stop_all,
};

use self::element::Element;
use crate::kind::{
    Answer, Circumstances, Delta, Files, Kind, Observable, Observe, Payload, Running, Runs, Target,
    Verdict,
};
use crate::sh::Call;
use crate::shell::{Shell, TRACES};
use crate::text::{Text, Vault};

/// `cib = "cluster"`.
pub struct CibKind;

/// The keys of a step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// A name for what is wanted.
    cib: String,
    /// A `configuration` with the desired sections and elements. Everything that it does not name stays as it is.
    content: Text,
    /// The number of seconds that the cluster may take, after a change, until it has nothing left to start, stop or
    /// move; 0 does not wait for that.
    #[serde(default)]
    settle: u32,
    /// The members. The ID of a fence device begins with `fence_MEMBER_`; a device with such an ID that is no longer
    /// desired is removed.
    #[serde(default)]
    members: Vec<String>,
}

/// The observed state.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked by a check")]
pub struct Seen {
    /// Whether Pacemaker runs on this node.
    running: bool,
    /// The cluster's properties.
    properties: std::collections::BTreeMap<String, String>,
    /// The stonith devices.
    stonith: Vec<String>,
    /// Whether it is as wanted.
    as_wanted: bool,
    /// Whether the cluster is in maintenance: nothing is started, stopped, moved or watched.
    maintenance: bool,
    /// The way in which the cluster is operated; nothing where Pacemaker does not run on this node.
    #[serde(skip)]
    pub operated: Option<Operated>,
    /// Whether there was a cluster on this node.
    #[serde(skip)]
    formed: bool,
    /// The first line of the CIB.
    #[serde(skip)]
    head: String,
    /// The configuration as it was printed.
    #[serde(skip)]
    text: String,
    /// The points in which it differs.
    #[serde(skip)]
    deltas: Vec<Delta>,
    /// The configuration that it becomes.
    #[serde(skip)]
    new: String,
}

const SECTION: &str = "cib";

impl Want {
    fn wanted(&self) -> Result<Element, String> {
        let root = Element::read(self.content.as_marked())?;
        match root.tag.as_str() {
            "configuration" => Ok(root),
            other => Err(format!("its root is `{other}`")),
        }
    }
}

impl Seen {
    /// A whole CIB, without status, of a configuration.
    fn document(&self, configuration: &str) -> Payload {
        Payload::Text(Text::plain(format!(
            "{}\n{configuration}  <status/>\n</cib>\n",
            self.head
        )))
    }
}

impl Kind for CibKind {
    const NAME: &'static str = "cib";
    const DOC: &'static str = "Elements and properties of a Pacemaker cluster's configuration. The rest stays, and so does how its resources are \
         operated; only the difference is pushed.";
    const SHELL: Shell = Shell::new(include_str!("cib.sh")).needing(&[TRACES]);
    const RUNNING: &'static dyn Runs = &Running {
        // Later steps may need the resources that it starts.
        ends_stage: true,
        compare: Self::compare,
        contents: Self::contents,
        actions: Self::actions,
        title: Some(Self::title),
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.cib.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        if want.content.is_tainted() {
            return Err(
                "every member shows its CIB: no secret may stand in it, name a script that tells it"
                    .to_owned(),
            );
        }
        let wanted = want
            .wanted()
            .map_err(|e| format!("`content` is no `configuration`: {e}"))?;
        for section in &wanted.children {
            if let Some(child) = section.children.iter().find(|c| c.id().is_empty()) {
                return Err(format!("`{}` in `{}` has no ID", child.tag, section.tag));
            }
        }
        Ok(())
    }

    fn files(want: &Want, _target: &Target) -> Files {
        Files {
            rendered: Some((format!("{FILE}.{}", want.cib), want.content.clone())),
            laid_over: true,
            ..Files::default()
        }
    }
}

impl Observable for CibKind {
    type Seen = Seen;
}

/// The place where Pacemaker keeps it; each part of it is shown by its name.
const FILE: &str = "/var/lib/pacemaker/cib/cib.xml";

impl CibKind {
    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        observe.slow_section(SECTION, Call::new("nw_cib_seen"));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer.get(SECTION).ok_or("the CIB was not observed")?;
        if section.status == 124 {
            return Err("Pacemaker did not give its CIB in time".to_owned());
        }
        let text = section.text();
        let has_line = |line: &str| text.lines().any(|l| l == line);
        let mut seen = Seen {
            formed: text.lines().any(|l| l.starts_with("trace ")),
            running: has_line("running"),
            ..Seen::default()
        };
        if !seen.running {
            return Ok(seen);
        }
        let at = text.find("<cib ").ok_or("the CIB has no beginning")?;
        let (head, text) = text[at..].split_once('\n').ok_or("the CIB is cut off")?;
        // `nw_end` ends each answer with a line break of its own.
        seen.text = format!("{}\n", text.trim_end());
        head.clone_into(&mut seen.head);
        let live = Element::read(&seen.text).map_err(|e| format!("the CIB cannot be read: {e}"))?;
        let operated = Operated::of(&live);
        seen.maintenance = operated.maintenance;
        seen.operated = Some(operated);
        let owned = want.members.iter().map(|m| format!("fence_{m}_"));
        let new = overlay::overlay(&live, &want.wanted()?, &owned.collect::<Vec<_>>());
        seen.deltas = overlay::differences(&live, &new);
        seen.as_wanted = live.canonical() == new.canonical();
        seen.new = new.text();
        let sets = live.child("crm_config").map(|c| c.children.as_slice());
        let pairs = sets.unwrap_or_default().iter().flat_map(|s| &s.children);
        seen.properties = pairs
            .map(|p| (p.get("name").to_owned(), p.get("value").to_owned()))
            .collect();
        let resources = live.child("resources").map(|c| c.children.as_slice());
        let all = resources.unwrap_or_default().iter();
        seen.stonith = all
            .filter(|r| r.get("class") == "stonith")
            .map(|r| r.id().to_owned())
            .collect();
        Ok(seen)
    }

    fn compare(_want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        match (seen.running, seen.formed, seen.as_wanted) {
            (true, _, false) => Verdict::Change(seen.deltas.clone()),
            // If it does not run, the running members have the configuration; a member that joins later takes it
            // over.
            (true, _, true) | (false, true, _) => Verdict::Same,
            (false, false, _) => Verdict::After {
                what: "Pacemaker runs".to_owned(),
                table: "a configuration that differs: the difference is pushed; the same: kept"
                    .to_owned(),
            },
        }
    }

    fn contents(_want: &Want, seen: &Seen, _vault: &Vault) -> Vec<Payload> {
        vec![
            Payload::Text(Text::plain(seen.text.clone())),
            seen.document(&seen.text),
            seen.document(&seen.new),
        ]
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().map(|(want, _)| {
            let call = Call::new("nw_cib_push").blob(0).blob(1).blob(2);
            call.arg(want.settle.to_string())
        });
        calls.collect()
    }

    fn title(_names: &str, _deltas: &[Delta]) -> String {
        "push what differs of the CIB".to_owned()
    }
}
