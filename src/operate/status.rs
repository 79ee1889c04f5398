//! The state of a cluster on one screen (`nodewright status`): its members, where everything runs, degraded and frozen
//! parts with the reason, and the next command. It changes no node.
//!
//! It works from any member that answers: one member's report about another is that member's view, and never a proof.

use super::watched::{MemberObservation, Watched, mount_steps, operated_steps};
use crate::kind::Answer;
use crate::kinds::cluster::resource_manager::ResourceState;
use crate::kinds::storage::mount_point;
use crate::run::{Engine, Setup};
use crate::site::Site;
use std::collections::BTreeMap;
use std::time::Duration;

/// The operation.
#[derive(Debug)]
pub struct StatusQuery {
    site: String,
    nodes: Vec<String>,
    members: Vec<String>,
    watched: BTreeMap<String, Watched>,
}

/// The state of a site's cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Status {
    /// The site.
    pub site: String,
    /// The gravest of all points.
    pub state: State,
    /// The nodes, in the site's order.
    pub nodes: Vec<NodeStatus>,
    /// The mirrors: by name, the words of each node that answered (`Primary UpToDate Connected`).
    pub mirrors: BTreeMap<String, BTreeMap<String, String>>,
    /// Shared filesystems: by mount point, the nodes that have it mounted.
    pub mounts: BTreeMap<String, Vec<String>>,
    /// The resources of the resource manager, as the first member that answered sees them.
    pub resources: Vec<ResourceState>,
    /// The deviations from the healthy state, the gravest first.
    pub points: Vec<Point>,
    /// The same of what crosses the wires, for a drawing.
    #[serde(skip)]
    pub traffic: Traffic,
}

/// The states of what crosses the wires of a cluster, as far as members told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// The mirrors, each by its worst end.
    pub mirrors: BTreeMap<String, State>,
    /// The ring, by the member that hears the least.
    pub ring: Option<State>,
}

/// The outcome of one of several sites.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct SiteStatus {
    /// The folder of the site, as it was named.
    pub dir: String,
    /// The exit code of this site alone.
    pub exit: u8,
    /// The reason why its nodes were not asked; null where they were.
    pub error: Option<String>,
    /// Its status, with the keys above; null where its nodes were not asked.
    pub status: Option<Status>,
}

/// The state of a cluster, or of a point of it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Everything that was observed is as it should be.
    #[default]
    Healthy,
    /// A part is missing, and everything continues to run.
    Degraded,
    /// A part waits, and does not continue by itself.
    Frozen,
}

/// The state of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Whether it answered.
    pub answered: bool,
    /// Its place in the cluster: `online`, `standby`, `unclean`, `offline`; empty where no member knows it.
    pub cluster: String,
    /// Whether it may act, as it says itself.
    pub quorate: Option<bool>,
}

/// A deviation from the healthy state.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Point {
    /// Its severity.
    pub state: State,
    /// Its description.
    pub what: String,
    /// The command that leads on.
    pub next: String,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Frozen => "frozen",
        }
    }
}

impl StatusQuery {
    /// Of this site.
    ///
    /// # Errors
    ///
    /// A step that a kind refuses.
    pub fn new(site: &Site) -> Result<Self, String> {
        let members: Vec<String> = site.members().into_iter().map(Into::into).collect();
        let first = members.first().map_or("", String::as_str);
        let manager = site.platform_of(first).manager();
        let mut watched = BTreeMap::new();
        for member in &members {
            let mut steps = operated_steps(site, member, manager);
            steps.extend(mount_steps(site));
            watched.insert(member.clone(), Watched::new(site.target(member), &steps)?);
        }
        Ok(Self {
            site: site.inventory.site.name.to_string(),
            nodes: site
                .inventory
                .node
                .keys()
                .map(ToString::to_string)
                .collect(),
            members,
            watched,
        })
    }

    /// All nodes of the site.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// Sets a run up for this: the desired state of the nodes takes no part. A node that takes longer than `within` to
    /// answer does not keep the others waiting.
    pub fn prepare(&self, setup: &mut Setup, within: Duration) {
        setup.answers_within = Some(within);
        for member in &mut setup.members {
            member.resources.clear();
            member.partial = true;
            member.records_etc = false;
            let watched = self.watched.get(&member.target.node);
            member.watched = watched.map_or_else(Vec::new, |w| w.resources.clone());
        }
    }

    /// Has a run that observes the desired state of the nodes observe this beside it.
    pub fn add_to(&self, setup: &mut Setup) {
        for member in &mut setup.members {
            if let Some(watched) = self.watched.get(&member.target.node) {
                member.watched.extend(watched.resources.iter().cloned());
            }
        }
    }

    /// Observes, and says how everything is.
    pub async fn status(&self, engine: &mut Engine) -> Status {
        engine.observe().await;
        self.of_last_observation(engine)
    }

    /// The status by the last observation.
    pub fn of_last_observation(&self, engine: &Engine) -> Status {
        let answers = self.nodes.iter().map(|node| {
            let failed = engine.failures().get(node).map(|f| f.why.clone());
            let observed = engine.observed().get(node).map(|o| o.answer.clone());
            let answer = match (observed, failed) {
                (Some(answer), None) => Ok(answer),
                (_, why) => Err(why.unwrap_or_else(|| "it was not asked".to_owned())),
            };
            (node.clone(), answer)
        });
        self.read(&answers.collect())
    }

    /// The status by what each node answered, or why it did not.
    fn read(&self, answers: &BTreeMap<String, Result<Answer, String>>) -> Status {
        let mut status = Status {
            site: self.site.clone(),
            ..Status::default()
        };
        let observed: BTreeMap<&str, MemberObservation> = self
            .watched
            .iter()
            .filter_map(|(node, watched)| {
                let answer = answers.get(node)?.as_ref().ok()?;
                Some((node.as_str(), watched.read(answer)))
            })
            .collect();
        for node in &self.nodes {
            let answered = answers.get(node).is_some_and(Result::is_ok);
            let quorate = observed
                .get(node.as_str())
                .and_then(|s| match &s.membership {
                    Some(Ok(seen)) if seen.running => Some(seen.quorate),
                    _ => None,
                });
            status.nodes.push(NodeStatus {
                name: node.clone(),
                answered,
                cluster: placed(node, &observed),
                quorate,
            });
        }
        let first = observed.values().find_map(|s| s.managed());
        status.resources = first.map_or_else(Vec::new, |seen| seen.places.clone());
        for (node, member) in &observed {
            for (name, seen) in &member.mirrors {
                let words = match seen {
                    Ok(seen) => seen.words(),
                    Err(_) => "unknown".to_owned(),
                };
                let mirror = status.mirrors.entry(name.clone()).or_default();
                mirror.insert((*node).to_owned(), words);
            }
            for (path, seen) in &member.mounts {
                let on = status.mounts.entry(path.clone()).or_default();
                if seen.as_ref().is_ok_and(mount_point::Seen::is_mounted) {
                    on.push((*node).to_owned());
                }
            }
        }
        status.traffic = traffic(&observed);
        status.points = self.points(answers, &observed, &status);
        status.points.sort_by_key(|p| std::cmp::Reverse(p.state));
        let worst = status.points.iter().map(|p| p.state).max();
        status.state = worst.unwrap_or_default();
        status
    }

    /// The deviations from the healthy state.
    fn points(
        &self,
        answers: &BTreeMap<String, Result<Answer, String>>,
        observed: &BTreeMap<&str, MemberObservation>,
        status: &Status,
    ) -> Vec<Point> {
        let mut points: Vec<Point> = Vec::new();
        let mut add = |state, what: String, next: String| {
            // Two members that see the same say it once.
            if !points.iter().any(|p| p.what == what) {
                points.push(Point { state, what, next });
            }
        };
        let (degraded, frozen) = (State::Degraded, State::Frozen);
        for (node, answer) in answers {
            if let Err(why) = answer {
                add(
                    degraded,
                    format!("{node} does not answer: {why}"),
                    format!("nodewright facts {node}"),
                );
            }
        }
        for (node, member) in observed {
            for why in member.unknown() {
                add(
                    degraded,
                    format!("{node}: {why}"),
                    "nodewright verify".to_owned(),
                );
            }
            membership_points(node, member, &mut add);
            if let Some(Ok(seen)) = &member.dlm {
                for waiting in &seen.waiting {
                    let (lockspace, why) =
                        waiting.split_once(": ").unwrap_or((waiting, "its members"));
                    let next = if why == "fencing" {
                        self.confirm(observed)
                    } else {
                        "nodewright verify".to_owned()
                    };
                    add(
                        frozen,
                        format!("DLM gives no locks in {lockspace}: it waits for {why}"),
                        next,
                    );
                }
            }
            for (name, seen) in &member.mirrors {
                let Ok(seen) = seen else { continue };
                if seen.is_suspended() {
                    add(
                        frozen,
                        format!("all writes to mirror {name} wait on {node}"),
                        self.confirm(observed),
                    );
                } else if let Some(progress) = seen.progress() {
                    add(
                        degraded,
                        format!("mirror {name} is synced: {progress}"),
                        "nodewright status --watch".to_owned(),
                    );
                } else if seen.is_alone() {
                    let next = format!(
                        "nodewright run {} -- drbdadm get-gi {name}",
                        self.members.join(" ")
                    );
                    add(
                        degraded,
                        format!("mirror {name} is alone on {node} (StandAlone)"),
                        next,
                    );
                } else if !seen.is_whole() {
                    let next = format!("nodewright run {node} -- drbdadm status {name}");
                    add(
                        degraded,
                        format!("mirror {name} is not whole on {node}: {}", seen.words()),
                        next,
                    );
                }
            }
        }
        for (path, on) in &status.mounts {
            for node in observed.keys().filter(|n| !on.iter().any(|o| o == *n)) {
                let next = format!("nodewright run {node} -- crm_mon -1rf");
                add(degraded, format!("{path} is not mounted on {node}"), next);
            }
        }
        points
    }

    /// The command for what waits until a member is fenced.
    fn confirm(&self, observed: &BTreeMap<&str, MemberObservation>) -> String {
        let silent = |m: &&String| !observed.contains_key(m.as_str());
        let lost = self.members.iter().find(silent);
        let lost = lost.map_or("NODE", String::as_str);
        format!("nodewright confirm-fenced {lost}")
    }
}

/// The states of what crosses the wires.
fn traffic(observed: &BTreeMap<&str, MemberObservation>) -> Traffic {
    let mut traffic = Traffic::default();
    for member in observed.values() {
        for (name, seen) in &member.mirrors {
            let state = match seen {
                Ok(seen) if seen.is_suspended() => State::Frozen,
                Ok(seen) if seen.is_whole() => State::Healthy,
                _ => State::Degraded,
            };
            let worst = traffic.mirrors.entry(name.clone()).or_default();
            *worst = state.max(*worst);
        }
        let Some(Ok(seen)) = &member.membership else {
            continue;
        };
        let state = if seen.running && seen.missing.is_empty() && seen.broken_links.is_empty() {
            State::Healthy
        } else {
            State::Degraded
        };
        traffic.ring = traffic.ring.max(Some(state));
    }
    traffic
}

/// The deviations that a member's membership and resource manager show.
fn membership_points(
    node: &str,
    member: &MemberObservation,
    add: &mut impl FnMut(State, String, String),
) {
    let (degraded, frozen) = (State::Degraded, State::Frozen);
    match &member.membership {
        Some(Ok(seen)) if !seen.running => {
            let next = format!("nodewright plan {node}");
            add(degraded, format!("{node} is not in the cluster"), next);
        }
        Some(Ok(seen)) => {
            if !seen.quorate {
                let what = format!("{node} has no quorum: nothing is started or taken over");
                add(frozen, what, "nodewright verify".to_owned());
            }
            for link in &seen.broken_links {
                let what = format!("{node} does not hear the other members everywhere: {link}");
                add(degraded, what, "nodewright verify".to_owned());
            }
        }
        Some(Err(_)) | None => {}
    }
    let Some(seen) = member.managed() else {
        return;
    };
    for lost in &seen.unclean {
        let what = format!("{lost} is not fenced yet: everything waits for that");
        add(frozen, what, format!("nodewright confirm-fenced {lost}"));
    }
    for other in seen.offline.iter().filter(|n| !seen.unclean.contains(n)) {
        let what = format!("{other} is out of the cluster");
        add(degraded, what, format!("nodewright plan {other}"));
    }
    for other in &seen.standby {
        let what = format!("{other} is in standby: it carries nothing");
        add(degraded, what, format!("nodewright resume {other}"));
    }
    if let Some(operated) = member.operated() {
        if operated.maintenance {
            let what =
                "the cluster is in maintenance: nothing is started, stopped, moved or watched";
            add(
                degraded,
                what.to_owned(),
                "nodewright maintenance off".to_owned(),
            );
        }
        if operated.stopped {
            let what = "the cluster was stopped: nothing is started";
            add(degraded, what.to_owned(), "nodewright start".to_owned());
        }
        for other in operated.drained.keys() {
            let what =
                format!("{other} is drained: nothing moves to it, whatever becomes of the others");
            add(degraded, what, format!("nodewright resume {other}"));
        }
        for other in operated.returning.keys() {
            let what = format!("what was being brought back to {other} is still bound to it");
            add(degraded, what, format!("nodewright resume {other}"));
        }
    }
    for service in &seen.frozen {
        let what = format!("{service} is frozen: it is not watched, and nothing takes it over");
        add(degraded, what, "nodewright maintenance off".to_owned());
    }
    for device in &seen.devices_down {
        let what = format!("fence device {device} runs nowhere");
        let next = format!("nodewright run {node} -- crm_resource --cleanup --resource {device}");
        add(degraded, what, next);
    }
    for failure in &seen.failures {
        let what = format!("an action failed: {failure}");
        add(
            degraded,
            what,
            format!("nodewright run {node} -- crm_resource --cleanup"),
        );
    }
}

/// The place of a node in the cluster, as the members that answered see it.
fn placed(node: &str, observed: &BTreeMap<&str, MemberObservation>) -> String {
    let mut views = observed.values().filter_map(MemberObservation::managed);
    let word = views.find_map(|seen| {
        let view = seen.sees.get(node)?;
        Some(if view.unclean {
            "unclean"
        } else if !view.online {
            "offline"
        } else if seen.standby.iter().any(|n| n == node) {
            "standby"
        } else {
            "online"
        })
    });
    word.unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
