//! A DRBD resource: brought up and synced for the first time while it is formed; later its state is only reported.
//!
//! Facts: docs/facts/storage.md#state-of-mirrors, docs/facts/storage.md#first-sync.

use super::drbd_seen::{self, Metadata, Minor, OWN};
use super::{DRBD, name_is_right};
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observable, Observe, Orphans, Progress, Running, Runs,
    Target, Verdict,
};
use crate::sh::Call;
use crate::shell::Shell;

/// `drbd = "r0"`.
pub struct DrbdKind;

/// The keys of a step of kind `drbd`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The resource.
    drbd: String,
    /// Its minor number.
    minor: u16,
    /// The version of the kernel's module: `8.3`, `8.4`, `9`.
    version: String,
    /// The member whose content is taken at the first sync.
    first: String,
    /// All members that have an end of it.
    members: Vec<String>,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether it is up on this node.
    up: bool,
    /// Its state; empty where it is not up.
    #[serde(flatten)]
    state: Minor,
    /// The generation of its data, without the bit that says whether this end is primary; empty where it has none.
    generation: String,
    /// Whether no member has data of it yet, which each of them said.
    forming: bool,
    /// The members whose end has no meta-data yet, while no member has data.
    #[serde(skip)]
    lacking: Vec<String>,
    /// The reason why it is not formed, where there is one.
    #[serde(skip)]
    formed: Option<String>,
}

const STATE: &str = "drbd.state";

impl Kind for DrbdKind {
    const NAME: &'static str = "drbd";
    const DOC: &'static str = "A DRBD resource: brought up and synced for the first time while no member has data of it. Afterwards one that is \
         down, alone, outdated, split or suspended is reported.";
    const SHELL: Shell = DRBD;
    const ORPHANS: Orphans = Orphans::reported("the mirror stays as it is, with all its data");
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        together: true,
        shared: &[OWN],
        compare: Self::compare,
        health: Self::health,
        actions: Self::actions,
        title: Some(Self::title),
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.drbd.clone()
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        name_is_right(&want.drbd)?;
        if !["8.3", "8.4", "9"].contains(&want.version.as_str()) {
            return Err(format!(
                "`version` is 8.3, 8.4 or 9, not `{}`",
                want.version.escape_debug()
            ));
        }
        for (what, node) in [("this node", &target.node), ("`first`", &want.first)] {
            if !want.members.contains(node) {
                return Err(format!("{what}, {node}, is not among the members"));
            }
        }
        Ok(())
    }
}

impl Observable for DrbdKind {
    type Seen = Seen;
}

impl Seen {
    /// Whether all I/O to it waits on this node, until its peer is fenced or a hand lets it go on.
    pub fn is_suspended(&self) -> bool {
        self.state.suspended
    }

    /// Its role, its disk and its connection on this node, in the words of DRBD 8; `down` where it is not up.
    pub fn words(&self) -> String {
        let Minor {
            role,
            disk,
            connection,
            ..
        } = &self.state;
        if self.up {
            format!("{role} {disk} {connection}")
        } else {
            "down".to_owned()
        }
    }

    /// Whether both ends are connected and have the same data.
    pub fn is_whole(&self) -> bool {
        let connected = ["Connected", "VerifyS", "VerifyT"].contains(&&*self.state.connection);
        self.up && connected && self.state.whole()
    }

    /// Whether this end alone has all data.
    pub fn is_up_to_date(&self) -> bool {
        self.up && self.state.disk == "UpToDate"
    }

    /// The generation of its data; empty where it has none.
    pub fn generation(&self) -> &str {
        &self.generation
    }

    /// Whether this end has all data of some time, and only the other one could tell whether there is newer data.
    pub fn may_be_forced(&self) -> bool {
        self.up && self.state.disk == "Consistent"
    }

    /// The progress of a sync, while one runs.
    pub fn progress(&self) -> Option<Progress> {
        self.state.progress
    }

    /// Whether it gave up the connection: by hand, or since both ends changed apart.
    pub fn is_alone(&self) -> bool {
        self.state.connection == "StandAlone"
    }
}

/// The call that lets I/O to a resource go on: DRBD asks a handler that failed no second time.
pub fn resume(name: &str) -> Call {
    Call::new("drbdadm").args(["resume-io", name])
}

/// The calls that take this end's data, whatever the other end has: afterwards it is up to date, and may be promoted.
pub fn forced(name: &str) -> [Call; 2] {
    let drbdadm = || Call::new("drbdadm");
    [
        drbdadm().args(["primary", "--force", name]),
        drbdadm().args(["secondary", name]),
    ]
}

impl DrbdKind {
    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        drbd_seen::observe(observe);
        observe.beside_section(STATE, Call::new("nw_drbd_state"));
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let own = answer.get(OWN).ok_or("DRBD was not asked")?;
        let state = answer.get(STATE).ok_or("DRBD was not asked")?;
        if own.status == 124 || state.status == 124 {
            return Err("DRBD did not answer in time".to_owned());
        }
        if state.status != 0 {
            return Err("the state of DRBD's resources cannot be read".to_owned());
        }
        let minor = drbd_seen::minor(&state.text(), want.minor)?;
        let metadata = |member: &String| {
            let section = if *member == target.node {
                Some(own)
            } else {
                answer.of(member, OWN)
            };
            let section = section.filter(|s| s.status == 0)?;
            Some(drbd_seen::end(&section.text(), &want.drbd).metadata)
        };
        let (mut lacking, mut formed) = (Vec::new(), None);
        for member in &want.members {
            let why = match metadata(member) {
                Some(Metadata::Some(generation)) if generation.is_new() => continue,
                Some(Metadata::None | Metadata::Unconfigured) => {
                    lacking.push(member.clone());
                    continue;
                }
                Some(Metadata::Some(_)) => format!("{member} has data of it"),
                Some(Metadata::Unknown(why)) => {
                    format!("what {member} has of it is not known: {why}")
                }
                None => format!(
                    "{member} was not asked or did not answer, so nothing proves that it has no data of it"
                ),
            };
            formed.get_or_insert(why);
        }
        let up = minor.is_some();
        // The meta-data on disk is a few seconds behind the kernel's state.
        let has_data = |m: &Minor| m.disk == "UpToDate" || m.peer_disk == "UpToDate";
        let begun = minor.as_ref().is_some_and(has_data);
        Ok(Seen {
            up,
            state: minor.unwrap_or_default(),
            generation: match metadata(&target.node) {
                Some(Metadata::Some(generation)) => generation.shown(),
                _ => String::new(),
            },
            forming: formed.is_none() && lacking.is_empty() && !begun,
            lacking,
            formed,
        })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let (name, node) = (&want.drbd, &circumstances.target.node);
        let finding = |what: String, remedy: String| Verdict::Finding { what, remedy };
        if !seen.up {
            return match &seen.formed {
                Some(why) => finding(
                    format!("{name} is down on {node}; {why}"),
                    format!("once you know why: `nodewright run {node} -- drbdadm up {name}`"),
                ),
                None if seen.forming => {
                    let mut deltas = vec![Delta::new("connected", "no", "yes")];
                    if want.first == *node {
                        deltas.push(first_sync(node));
                    }
                    Verdict::Form(deltas)
                }
                None => Verdict::After {
                    what: format!("the meta-data of {name} on {}", seen.lacking.join(" and ")),
                    table: "no member has data: connected, then synced from the first; anything else: reported"
                        .to_owned(),
                },
            };
        }
        if seen.state.suspended {
            return finding(
                format!(
                    "all I/O to {name} is suspended on {node}: it waits until its peer is fenced, or for a hand"
                ),
                "find out whether the peer is off; once it is: `nodewright confirm-fenced`"
                    .to_owned(),
            );
        }
        match seen.state.connection.as_str() {
            "SyncSource" | "SyncTarget" | "StartingSyncS" | "StartingSyncT" | "WFBitMapS"
            | "WFBitMapT" | "WFSyncUUID" => {
                Verdict::Waiting(seen.state.progress.unwrap_or_default())
            }
            "Connected" | "VerifyS" | "VerifyT" if seen.state.whole() => Verdict::Same,
            "Connected" if seen.forming => {
                if want.first == *node {
                    Verdict::Form(vec![first_sync(node)])
                } else {
                    Verdict::Waiting(Progress::default())
                }
            }
            // The sync begins in a moment.
            "Connected" if seen.state.is_about_to_sync() => Verdict::Waiting(Progress::default()),
            "StandAlone" => finding(
                format!(
                    "{name} is alone on {node} (StandAlone): it was disconnected by hand, or both ends have changed apart (split brain)"
                ),
                format!(
                    "`nodewright run {node} -- drbdadm get-gi {name}` on both ends tells; only you can say whose data is right"
                ),
            ),
            connection => finding(
                format!(
                    "{name} is {connection} on {node}, its disk {}, its peer's {}",
                    seen.state.disk, seen.state.peer_disk
                ),
                format!(
                    "`nodewright run {node} -- drbdadm status {name}`; nothing of it is changed by itself"
                ),
            ),
        }
    }

    fn health(want: &Want, seen: &Seen) -> Option<String> {
        if !seen.up {
            return seen
                .formed
                .is_some()
                .then(|| format!("{} is down", want.drbd));
        }
        let data = !seen.forming;
        (data && (seen.state.suspended || !seen.is_whole())).then(|| {
            format!(
                "{} is {}, {}/{}",
                want.drbd, seen.state.connection, seen.state.disk, seen.state.peer_disk
            )
        })
    }

    /// One step brings the resource up and begins the first sync, since the second observation has to see the result:
    /// the member that gives the first data starts the sync as soon as both ends are connected.
    fn actions(wants: &[(&Want, &Seen)], circumstances: &Circumstances<'_>) -> Vec<Call> {
        let node = &circumstances.target.node;
        let calls = wants.iter().flat_map(|(want, seen)| {
            let up = (!seen.up).then(|| Call::new("nw_drbd_up").arg(&want.drbd));
            let first = (want.first == *node)
                .then(|| Call::new("nw_drbd_first").args([&want.drbd, &want.version]));
            up.into_iter().chain(first)
        });
        calls.collect()
    }

    fn title(names: &str, deltas: &[Delta]) -> String {
        if deltas.iter().any(|d| d.what.ends_with("connected")) {
            format!("bring up {names}")
        } else {
            format!("begin the first sync of {names}")
        }
    }
}

fn first_sync(node: &str) -> Delta {
    Delta::new("first sync", "", format!("from {node}"))
}

#[cfg(test)]
#[path = "drbd_tests.rs"]
mod tests;
