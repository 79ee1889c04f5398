//! Guests of the site, operated one by one (`nodewright guest`): where each runs, started, stopped, moved, reached.
//!
//! A guest that the resource manager has is started, stopped and moved by the manager alone; any other one by libvirt on its
//! node. Before a guest is started, libvirt on every member has said that it does not run there.
//!
//! Facts: docs/facts/guests.md#power, docs/facts/guests.md#under-the-manager.

pub mod list;
mod migrate;
pub mod places;
mod power;
pub mod screen;

use super::cluster::{ClusterOperation, Ending, Look, OperatedCluster, OperationPart};
use super::watched::operated_steps;
use crate::exit::Exit;
use crate::kind::Resource;
use crate::kinds::cluster::cib::Movable;
use crate::kinds::cluster::resource_manager::{ResourceState, guest_service};
pub use crate::kinds::guests::guest::FirstDevice;
use crate::kinds::guests::guest::file_of;
use crate::kinds::guests::power::runs;
use crate::plan::Intent;
use crate::platform::Manager;
use crate::run::{Effect, Engine, Event, Fate, Operation, Setup};
use crate::site::tables::guests::{Guest, Migrate};
use crate::site::{Site, did_you_mean, shown};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The time that members may take to see what was done.
const AGREE_WITHIN: Duration = Duration::from_secs(30);

/// Seconds that the cluster may take to start or move a guest, where nobody says how many.
const SETTLES: u64 = 900;

/// The state that a guest is to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It runs.
    Start,
    /// It is off.
    Stop {
        /// Its power is cut; else it is asked to shut down, and waited for.
        now: bool,
    },
    /// It is stopped and started again, where it runs.
    Restart,
    /// It runs, having booted from this device first, this once.
    BootOnce(FirstDevice),
    /// It runs on another member.
    Migrate {
        /// The member; without one the only other one.
        to: Option<String>,
        /// It may be stopped here and started there.
        outage: bool,
    },
}

/// An operation on a guest.
#[derive(Debug)]
pub struct GuestOperation {
    subject: OperatedGuest,
    action: Action,
    /// Seconds that it may take, where somebody said how many.
    within: Option<u64>,
    /// The file of its definition, where all members read it.
    file: Option<String>,
}

/// A guest, and the nodes that are asked about it.
#[derive(Debug)]
struct OperatedGuest {
    cluster: OperatedCluster,
    name: String,
    /// The node that the site gives it.
    home: String,
    failover: bool,
    /// Whether the site has it moved live.
    live: bool,
    /// Its memory, bytes.
    memory: u64,
    /// Seconds that it may take to shut down.
    shutdown: u64,
    /// Whether its node is a member of the cluster.
    clustered: bool,
}

/// The place where a guest runs, by libvirt of each node that was asked.
#[derive(Debug, PartialEq, Eq)]
struct Whereabouts {
    /// The nodes, each with its state in libvirt's words.
    on: Vec<(String, String)>,
    /// The reasons why it may run where nobody knows.
    unknown: Vec<String>,
    /// The exit code for those.
    trouble: Exit,
}

/// The authority that starts, stops and moves a guest.
enum Authority<'a> {
    /// Pacemaker, by this member.
    Pacemaker {
        actor: &'a str,
        one: &'a Movable,
        /// Its failed actions.
        failures: Vec<&'a String>,
    },
    /// rgmanager, by this member.
    Rgmanager {
        actor: &'a str,
        service: &'a ResourceState,
    },
    /// libvirt on its node.
    Libvirt,
}

/// The plan.
#[derive(Debug, Default)]
struct GuestPlan {
    operation: Operation,
    rounds: Vec<Round>,
}

/// Parts that are carried out together, and the state that they are to bring about.
#[derive(Debug)]
struct Round {
    parts: Vec<OperationPart>,
    goal: Goal,
    /// Carried out even where an earlier round failed.
    always: bool,
}

/// A state that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Goal {
    /// None.
    Any,
    /// It runs on no node.
    Off,
    /// It runs on one node.
    On,
    /// It runs on this node alone.
    OnNode(String),
}

impl Round {
    fn new(parts: Vec<OperationPart>, goal: Goal) -> Self {
        Self {
            parts,
            goal,
            always: false,
        }
    }
}

/// The nodes that can have guests: members of the cluster, and nodes of guests.
fn hypervisors(site: &Site) -> Vec<String> {
    let guests = site.inventory.guest.values();
    let homes: BTreeSet<&str> = guests.map(|g| g.node.as_str()).collect();
    let members = site.members();
    let has = |node: &&str| members.contains(node) || homes.contains(node);
    site.node_names().filter(has).map(Into::into).collect()
}

/// The step that asks libvirt of a node for its guests.
fn hypervisor_step(site: &Site) -> Json {
    let guests: Vec<_> = site.inventory.guest.keys().collect();
    json!({ "hypervisor": "qemu", "guests": guests })
}

/// A guest of the site.
fn guest_named<'a>(site: &'a Site, name: &str) -> Result<&'a Guest, String> {
    let guests: Vec<&str> = site.inventory.guest.keys().map(AsRef::as_ref).collect();
    let guest = site.inventory.guest.get(name);
    guest.ok_or_else(|| {
        let near = did_you_mean(name, &guests);
        let near = near.map_or_else(String::new, |g| format!("; did you mean {g}?"));
        format!("{} is no guest of the site{near}", shown(name))
    })
}

impl OperatedGuest {
    /// This guest; `resources` are those of its name that roles want on a node.
    fn new(
        site: &Site,
        name: &str,
        resources: impl Fn(&str) -> Vec<Resource>,
        peers: bool,
    ) -> Result<Self, String> {
        let guest = guest_named(site, name)?;
        let home = guest.node.to_string();
        let members = site.members();
        let clustered = members.contains(&home.as_str());
        let asked: Vec<String> = if clustered {
            members.iter().map(ToString::to_string).collect()
        } else {
            vec![home.clone()]
        };
        let manager = site.platform_of(&home).manager();
        let volumes = site.volumes_of(name, guest);
        let steps = |node: &str| {
            let mut steps = Vec::new();
            if clustered {
                steps = operated_steps(site, node, manager);
            }
            steps.push(hypervisor_step(site));
            let images = volumes.iter();
            steps.extend(images.map(|v| json!({ "disk_image": v.path, "bytes": 512 })));
            if peers {
                let others = asked.iter().filter(|other| *other != node);
                steps.extend(others.map(|other| json!({ "libvirt_peer": other })));
            }
            steps
        };
        let mut cluster = OperatedCluster::watching(site, asked.clone(), manager, steps)?;
        for node in &asked {
            cluster.also(node, resources(node).into_iter());
        }
        Ok(Self {
            cluster,
            name: name.to_owned(),
            home,
            failover: guest.failover,
            live: site.migrate_of(guest) == Migrate::Live,
            memory: guest.memory.bytes(),
            shutdown: guest.shutdown.get().as_secs(),
            clustered,
        })
    }

    /// The place where it runs.
    fn whereabouts(&self, look: &Look) -> Whereabouts {
        let mut found = Whereabouts {
            on: Vec::new(),
            unknown: Vec::new(),
            trouble: Exit::Findings,
        };
        for node in &self.cluster.members {
            let Some(sight) = look.sights.get(node) else {
                found.trouble = look.trouble;
                let why = look.silent.get(node);
                let why = why.map_or("it was not asked", String::as_str);
                found.unknown.push(format!("{node} does not answer: {why}"));
                continue;
            };
            match &sight.hypervisor {
                Some(Ok(seen)) if seen.answers => {
                    let state = seen.guests.get(&self.name);
                    if let Some(state) = state.filter(|s| runs(s)) {
                        found.on.push((node.clone(), state.clone()));
                    }
                }
                Some(Err(why)) => found.unknown.push(format!("{node}: {why}")),
                _ => {
                    let why = format!("libvirt on {node} does not answer");
                    found.unknown.push(why);
                }
            }
        }
        found
    }

    /// The one node that it runs on, with its state, or none.
    fn place<'a>(&self, found: &'a Whereabouts) -> Result<Option<&'a (String, String)>, Ending> {
        let name = &self.name;
        match found.on.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            [(first, _), (second, _), ..] => Err(Ending::refused(
                Exit::Findings,
                format!(
                    "{name} runs on {first} and on {second} at once, and both write to its disks: end one of them at \
                     once (`nodewright run {second} -- virsh destroy {name}`), then check its filesystems"
                ),
            )),
        }
    }

    /// Refuses where a node did not say whether it runs there.
    fn known(&self, found: &Whereabouts) -> Result<(), Ending> {
        if found.unknown.is_empty() {
            return Ok(());
        }
        let why = found.unknown.join("; ");
        let what = format!("whether {} runs is not known everywhere: {why}", self.name);
        Err(Ending::refused(found.trouble, what))
    }

    /// The authority over it.
    fn authority<'a>(&self, look: &'a Look) -> Result<Authority<'a>, Ending> {
        if !self.clustered {
            return Ok(Authority::Libvirt);
        }
        let (actor, sight) = look.actor(|_| true).ok_or_else(|| look.nobody())?;
        let name = &self.name;
        let seen = sight.managed().ok_or_else(|| look.nobody())?;
        let refused = |what: String| Ending::refused(Exit::Findings, what);
        let unknown_to = |manager: &str| {
            refused(format!(
                "{name} has fail-over, and {manager} does not have it: `nodewright plan` says why"
            ))
        };
        match self.cluster.manager {
            Manager::Pacemaker => {
                let operated = Look::operated(sight)?;
                match operated.movable.iter().find(|m| m.is_guest(name)) {
                    Some(_) if operated.maintenance => Err(refused(
                        "the cluster is in maintenance, and nothing is started, stopped or moved: `nodewright \
                         maintenance off` first"
                            .to_owned(),
                    )),
                    Some(_) if operated.stopped => Err(refused(
                        "the whole cluster is stopped: `nodewright start` first".to_owned(),
                    )),
                    Some(one) if one.unmanaged => Err(refused(format!(
                        "somebody keeps Pacemaker's hands off {0} (`is-managed`): `nodewright run {actor} -- \
                         crm_resource --resource {0} --meta --delete-parameter is-managed` ends that",
                        one.name
                    ))),
                    Some(one) => {
                        let own = format!("{}_", one.name);
                        let failures = seen.failures.iter().filter(|f| f.starts_with(&own));
                        Ok(Authority::Pacemaker {
                            actor,
                            one,
                            failures: failures.collect(),
                        })
                    }
                    None if self.failover => Err(unknown_to("Pacemaker")),
                    None => Ok(Authority::Libvirt),
                }
            }
            Manager::Rgmanager => {
                let service = guest_service(name);
                match seen.places.iter().find(|p| p.name == service) {
                    Some(_) if seen.frozen.contains(&service) => Err(refused(format!(
                        "{service} is frozen, and nothing is done with it: `nodewright maintenance off` first"
                    ))),
                    Some(service) => Ok(Authority::Rgmanager { actor, service }),
                    None if self.failover => Err(unknown_to("rgmanager")),
                    None => Ok(Authority::Libvirt),
                }
            }
        }
    }

    fn reached(&self, look: &Look, goal: &Goal) -> bool {
        let found = self.whereabouts(look);
        let known = found.unknown.is_empty();
        match (goal, found.on.as_slice()) {
            (Goal::Any, _) => true,
            (Goal::Off, []) => known,
            (Goal::On, [(_, state)]) => known && state != "paused" && state != "in shutdown",
            (Goal::OnNode(node), [(on, state)]) => known && on == node && state != "paused",
            _ => false,
        }
    }

    /// The place where it is, in words.
    fn words(&self, look: &Look) -> String {
        let (name, found) = (&self.name, self.whereabouts(look));
        let on = found.on.iter().map(|(node, state)| match state.as_str() {
            "running" | "idle" | "no state" => format!("runs on {node}"),
            state => format!("is {state} on {node}"),
        });
        let on: Vec<String> = on.collect();
        match (on.is_empty(), found.unknown.is_empty()) {
            (false, _) => format!("{name} {}", on.join(" and ")),
            (true, true) => format!("{name} is off"),
            (true, false) => format!(
                "whether {name} runs is not known: {}",
                found.unknown.join("; ")
            ),
        }
    }
}

impl GuestOperation {
    /// On this guest of the site; `resources` are those of its name that roles want on a node.
    ///
    /// # Errors
    ///
    /// A name of no guest, or of no member.
    pub fn new(
        site: &Site,
        name: &str,
        action: Action,
        within: Option<u64>,
        resources: impl Fn(&str) -> Vec<Resource>,
    ) -> Result<Self, String> {
        let peers = matches!(action, Action::Migrate { .. });
        let home = guest_named(site, name)?.node.as_str();
        let file = resources(home).iter().find_map(file_of);
        let subject = OperatedGuest::new(site, name, resources, peers)?;
        let operation = Self {
            subject,
            action,
            within,
            file,
        };
        operation.check_target()?;
        Ok(operation)
    }

    /// The command as it is typed.
    fn command(&self) -> String {
        let name = &self.subject.name;
        match &self.action {
            Action::Start => format!("guest start {name}"),
            Action::Stop { now: false } => format!("guest stop {name}"),
            Action::Stop { now: true } => format!("guest stop {name} --now"),
            Action::Restart => format!("guest restart {name}"),
            Action::BootOnce(device) => format!("guest boot-once {name} {}", device.word()),
            Action::Migrate { to, outage } => {
                let to = to.as_ref().map_or_else(String::new, |to| format!(" {to}"));
                let outage = if *outage { " --outage" } else { "" };
                format!("guest migrate {name}{to}{outage}")
            }
        }
    }

    fn decide(&self, look: &Look) -> Result<GuestPlan, Ending> {
        let mut plan = match &self.action {
            Action::Start => self.decide_start(look, None)?,
            Action::BootOnce(device) => self.decide_start(look, Some(*device))?,
            Action::Stop { now } => self.decide_stop(look, *now)?,
            Action::Restart => self.decide_restart(look)?,
            Action::Migrate { to, outage } => self.decide_migrate(look, to.as_deref(), *outage)?,
        };
        let operation = &mut plan.operation;
        operation.command = self.command();
        let parts = plan.rounds.iter().flat_map(|r| &r.parts);
        operation.steps = parts.map(OperationPart::step).collect();
        operation.interrupts = operation.effects.iter().any(|e| e.how == Fate::Outage);
        Ok(plan)
    }

    /// Carries the rounds out. A round counts as done once its state is seen, whatever its commands said.
    async fn act(
        &self,
        engine: &mut Engine,
        mut look: Look,
        plan: GuestPlan,
        began: Instant,
    ) -> Result<Ending, Ending> {
        let subject = &self.subject;
        let mut failed: Option<Ending> = None;
        for round in plan.rounds {
            if failed.is_some() && !round.always {
                continue;
            }
            let carried = subject.cluster.carry_out(engine, &look, round.parts).await;
            let within = carried.as_ref().map_or(Duration::ZERO, |()| AGREE_WITHIN);
            let reached = |look: &Look| subject.reached(look, &round.goal);
            let (now, is_so) = subject.cluster.until(engine, within, reached).await;
            look = now;
            let state = subject.words(&look);
            let ending = match carried {
                Err(ending) if round.goal == Goal::Any || !is_so => Some(ending),
                Ok(()) if !is_so => Some(Ending::failed(Exit::Failed, String::new())),
                _ => None,
            };
            if let Some(mut ending) = ending.filter(|_| failed.is_none()) {
                let why = if ending.what.is_empty() {
                    String::new()
                } else {
                    format!("; {}", ending.what)
                };
                ending.what = format!("{state}{why}{}", self.advice());
                failed = Some(ending);
            } else if failed.is_none() {
                let seconds = began.elapsed().as_secs_f32();
                engine.send(Event::Note {
                    node: None,
                    text: format!("{state} after {seconds:.1} s"),
                });
            }
        }
        if let Some(ending) = failed {
            return Err(ending);
        }
        let seconds = began.elapsed().as_secs_f32();
        let words = subject.words(&look);
        Ok(Ending::done(format!("{words} after {seconds:.1} s")))
    }

    /// The way on after a failure.
    fn advice(&self) -> String {
        let name = &self.subject.name;
        match self.action {
            Action::Stop { now: false } | Action::Restart => {
                format!("; `nodewright guest stop {name} --now` cuts its power")
            }
            _ => String::new(),
        }
    }
}

impl ClusterOperation for GuestOperation {
    fn nodes(&self) -> &[String] {
        &self.subject.cluster.members
    }

    fn prepare(&self, setup: &mut Setup) {
        self.subject.cluster.prepare(setup, Intent::Guest);
    }

    fn typed(&self) -> Option<&str> {
        Some(&self.subject.name)
    }

    async fn run(&self, engine: &mut Engine, agreed: impl Future<Output = bool>) -> Ending {
        let cluster = &self.subject.cluster;
        let decide = |look: &Look| self.decide(look);
        let act = async |engine: &mut Engine, look: Look, plan: GuestPlan, began: Instant| {
            self.act(engine, look, plan, began).await
        };
        cluster
            .perform(engine, self.command(), agreed, decide, act)
            .await
    }
}

impl AsRef<Operation> for GuestPlan {
    fn as_ref(&self) -> &Operation {
        &self.operation
    }
}

/// The effect on a guest that is interrupted.
fn interrupted(name: &str, what: impl Into<String>) -> Effect {
    Effect {
        name: name.to_owned(),
        how: Fate::Outage,
        what: what.into(),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
