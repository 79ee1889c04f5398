//! Declaring a lost member of the cluster to be off (`nodewright confirm-fenced`).
//!
//! The members that are left are observed for every proof: the lost one's fence devices, its addresses, ssh, the
//! membership, the resource manager. The lost one is tried from the operator's machine too. Pure functions decide by
//! the observed states, before a person is asked and once more after that (docs/facts/fencing.md#confirming-by-hand).

use super::watched::{MemberObservation, Watched, host_id, power_devices};
use crate::exit::Exit;
use crate::kinds::cluster::fence_device;
use crate::kinds::cluster::membership;
use crate::kinds::cluster::resource_manager;
use crate::kinds::network::peer;
use crate::kinds::storage::dlm;
use crate::kinds::storage::drbd;
use crate::node::{Holder, NodeState};
use crate::plan::{Item, Recap};
use crate::platform::Manager;
use crate::run::{Engine, Event, Evidence, Proof, Setup};
use crate::sh::Call;
use crate::site::Site;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The operation, for one lost member.
#[derive(Debug)]
pub struct ConfirmFenced {
    /// The lost member.
    lost: String,
    /// Its addresses with their zones.
    addresses: Vec<(String, String)>,
    /// Its number in the cluster.
    host_id: Option<u32>,
    /// The members that are left. The first of them declares the lost one to be off.
    survivors: Vec<String>,
    /// The kinds observed on each of these.
    watched: BTreeMap<String, Watched>,
    /// The resource manager: cman's fence domain waits for a lost member under rgmanager, Pacemaker itself under
    /// Pacemaker.
    manager: Manager,
}

/// The result of the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// Something shows that it runs.
    On,
    /// A surviving member did not answer.
    Unanswered(Exit),
    /// No member is known to wait for it; not every member's state is known.
    Unknown,
    /// No member waits for it.
    Nothing,
    /// Another run holds a member that is left.
    Held,
    /// It was not agreed to.
    Declined,
    /// The declaration failed.
    Failed(Exit),
    /// The member was declared to be off, and the cluster waits all the same.
    StillWaits,
    /// The cluster waits no more.
    Confirmed,
}

/// The decision about the lost member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    On,
    Unanswered,
    Unknown,
    Nothing,
    Confirmable,
}

impl ConfirmFenced {
    /// For this member of the site's cluster.
    ///
    /// # Errors
    ///
    /// A step that a kind refuses.
    pub fn new(site: &Site, lost: &str) -> Result<Self, String> {
        let survivors: Vec<String> = site.peers_of(lost).into_iter().map(Into::into).collect();
        let addresses = site.node(lost).map(|node| {
            let zones = node.address.iter();
            let each = zones.map(|(zone, address)| (address.ip().to_string(), zone.to_string()));
            each.collect()
        });
        let addresses: Vec<(String, String)> = addresses.unwrap_or_default();
        let first = survivors.first().map_or(lost, String::as_str);
        let manager = site.platform_of(first).manager();
        let mut watched = BTreeMap::new();
        for survivor in &survivors {
            let steps = steps(site, lost, survivor, &addresses, manager);
            let kinds = Watched::new(site.target(survivor), &steps)?;
            watched.insert(survivor.clone(), kinds);
        }
        Ok(Self {
            lost: lost.to_owned(),
            host_id: host_id(site, lost),
            addresses,
            survivors,
            watched,
            manager,
        })
    }

    /// All nodes that take part: the lost one is tried from here.
    pub fn nodes(&self) -> Vec<String> {
        let lost = std::iter::once(&self.lost);
        self.survivors.iter().chain(lost).cloned().collect()
    }

    /// The member that declares the lost one to be off.
    pub fn announcer(&self) -> &str {
        self.survivors.first().map_or("", String::as_str)
    }

    /// The command that declares it, for display.
    pub fn command(&self) -> String {
        self.manager.confirmation(&self.lost)
    }

    /// Sets a run up for this: the desired state of the nodes takes no part.
    pub fn prepare(&self, setup: &mut Setup) {
        setup.intent = super::Intent::ConfirmFenced;
        for member in &mut setup.members {
            member.resources.clear();
            member.partial = true;
            member.records_etc = false;
            let watched = self.watched.get(&member.target.node);
            member.watched = watched.map_or_else(Vec::new, |w| w.resources.clone());
        }
    }

    /// Carries it out; `agreed` asks a person, once there is something to be confirmed.
    pub async fn run(
        &self,
        engine: &mut Engine,
        agreed: impl Future<Output = bool>,
    ) -> Confirmation {
        let (proofs, decision) = self.collect(engine).await;
        let held = self.held(engine);
        let confirmable = decision == Decision::Confirmable && held.is_empty();
        engine.send(Event::Proofs {
            node: self.lost.clone(),
            proofs,
            confirmable,
        });
        if let Some(ended) = self.ended(engine, decision) {
            return ended;
        }
        for (node, holder) in held {
            super::meet(engine, &node, &holder);
        }
        if !confirmable {
            return Confirmation::Held;
        }
        if !agreed.await {
            return Confirmation::Declined;
        }
        // It may have come up while the question was on the screen.
        engine.try_again(&self.lost);
        let (mut proofs, decision) = self.collect(engine).await;
        if let Some(ended) = self.ended(engine, decision) {
            proofs.retain(|p| p.says == Evidence::On);
            engine.send(Event::Proofs {
                node: self.lost.clone(),
                proofs,
                confirmable: false,
            });
            return ended;
        }
        let ended = self.announce(engine).await;
        engine.send(Event::Recap {
            nodes: self.recap(engine, &ended),
        });
        ended
    }

    /// Declares the member to be off by a batch that holds the lock of all members that are left, then lets go on what
    /// waits on them, and observes whether the cluster took it up: exit codes are no evidence.
    async fn announce(&self, engine: &mut Engine) -> Confirmation {
        let declared = self.survivors.iter();
        let declared = declared.map(|s| (s.clone(), vec![self.declared(s)]));
        let done = engine.operate(&declared.collect()).await;
        if !done.contains(self.announcer()) {
            let trouble = engine.failures().get(self.announcer());
            return Confirmation::Failed(trouble.map_or(Exit::Failed, |t| t.exit));
        }
        let released = self.survivors.iter().filter_map(|survivor| {
            let answer = &engine.observed().get(survivor)?.answer;
            let items = self.released(survivor, &self.watched[survivor].read(answer));
            (!items.is_empty()).then(|| (survivor.clone(), items))
        });
        let released: BTreeMap<_, _> = released.collect();
        if !released.is_empty() {
            let done = engine.operate(&released).await;
            if released.keys().any(|survivor| !done.contains(survivor)) {
                return Confirmation::StillWaits;
            }
        }
        engine.observe().await;
        match engine.failures().get(self.announcer()) {
            Some(trouble) => Confirmation::Unanswered(trouble.exit),
            None if self.waits(engine) => Confirmation::StillWaits,
            None => Confirmation::Confirmed,
        }
    }

    /// The step that declares it.
    fn declared(&self, survivor: &str) -> Item {
        let (lost, command) = (&self.lost, self.command());
        if survivor == self.announcer() {
            let call = match self.manager {
                Manager::Rgmanager => membership::is_off(lost),
                Manager::Pacemaker => resource_manager::is_off(lost),
            };
            self.item(
                survivor,
                format!("declare {lost} to be off: {command}"),
                vec![call],
            )
        } else {
            let title = format!("{} declares {lost} to be off", self.announcer());
            self.item(survivor, title, Vec::new())
        }
    }

    /// The steps that let go on what waits on a survivor: neither DLM nor DRBD hears of the declaration
    /// (docs/facts/fencing.md#confirming-by-hand).
    fn released(&self, survivor: &str, observed: &MemberObservation) -> Vec<Item> {
        let mut items = Vec::new();
        if let (Some(Ok(seen)), Some(id)) = (&observed.dlm, self.host_id)
            && seen.until_fenced().next().is_some()
        {
            let title = format!("let DLM give locks again: dlm_tool fence_ack {id}");
            items.push(self.item(survivor, title, vec![dlm::is_off(id)]));
        }
        for (name, seen) in &observed.mirrors {
            // Of several members that are left, a mirror may wait for another one.
            let waits_for_lost = self.survivors.len() == 1;
            if waits_for_lost && seen.as_ref().is_ok_and(drbd::Seen::is_suspended) {
                let title = format!("let writes to {name} go on: drbdadm resume-io {name}");
                items.push(self.item(survivor, title, vec![drbd::resume(name)]));
            }
        }
        items
    }

    fn item(&self, survivor: &str, title: String, calls: Vec<Call>) -> Item {
        // Only named: nothing of it is ours afterwards.
        let watched = self.watched[survivor].resources.iter();
        let addresses = watched.map(|r| r.address.clone());
        super::item(addresses.collect(), title, String::new(), calls)
    }

    /// Observes, and gives every proof with what they lead to.
    async fn collect(&self, engine: &mut Engine) -> (Vec<Proof>, Decision) {
        engine.observe().await;
        // A cluster that is cut in two sees as little of the lost half as of one without power; the operator may see it.
        let trouble = engine.failures().get(&self.lost);
        let mut proofs = vec![from_here(trouble.map(|t| (t.silent, t.why.as_str())))];
        let (mut answered, mut complete) = (true, true);
        for survivor in &self.survivors {
            let answer = engine.observed().get(survivor).map(|l| &l.answer);
            let trouble = engine.failures().contains_key(survivor);
            let Some(answer) = answer.filter(|_| !trouble) else {
                answered = false;
                continue;
            };
            let (seen, unknown) = self.proofs(survivor, &self.watched[survivor].read(answer));
            for why in &unknown {
                engine.send(Event::Note {
                    node: Some(survivor.clone()),
                    text: format!("not everything is known: {why}"),
                });
            }
            complete &= unknown.is_empty();
            proofs.extend(seen);
        }
        let decision = decide(&proofs, answered, complete);
        (proofs, decision)
    }

    /// Whether a survivor shows that the cluster waits for the lost one.
    fn waits(&self, engine: &Engine) -> bool {
        self.survivors.iter().any(|survivor| {
            let observation = engine.observed().get(survivor);
            observation.is_some_and(|observation| {
                let (proofs, _) =
                    self.proofs(survivor, &self.watched[survivor].read(&observation.answer));
                proofs.iter().any(|p| p.says == Evidence::Waits)
            })
        })
    }

    /// The survivors that a run is at work on, with whose it is.
    fn held(&self, engine: &Engine) -> Vec<(String, Holder)> {
        let holder = |s: &String| NodeState::read(&engine.observed().get(s)?.answer).holder;
        let all = self.survivors.iter();
        all.filter_map(|s| Some((s.clone(), holder(s)?))).collect()
    }

    fn ended(&self, engine: &Engine, decision: Decision) -> Option<Confirmation> {
        match decision {
            Decision::Confirmable => None,
            Decision::On => Some(Confirmation::On),
            Decision::Unknown => Some(Confirmation::Unknown),
            Decision::Nothing => Some(Confirmation::Nothing),
            Decision::Unanswered => {
                let exit = |s: &String| engine.failures().get(s).map(|t| t.exit);
                let exit = self.survivors.iter().find_map(exit);
                Some(Confirmation::Unanswered(exit.unwrap_or(Exit::Unreachable)))
            }
        }
    }

    /// Steps for the signs of life of the lost member.
    pub(super) fn signs(&self, site: &Site) -> Vec<Json> {
        signs(site, &self.lost, &self.addresses)
    }

    /// Proofs about the lost member from these, and what is unknown.
    pub(super) fn proofs(
        &self,
        survivor: &str,
        observed: &MemberObservation,
    ) -> (Vec<Proof>, Vec<String>) {
        let mut proofs = Vec::new();
        let mut unknown = Vec::new();
        let mut prove = |says: Evidence, what: String| {
            proofs.push(Proof {
                by: survivor.to_owned(),
                says,
                what,
            });
        };
        for (name, seen) in &observed.devices {
            match seen {
                Ok(seen) => {
                    let (says, what) = device(name, seen);
                    prove(says, what);
                }
                Err(why) => unknown.push(why.clone()),
            }
        }
        match &observed.peer {
            Some(Ok(seen)) => {
                for (address, zone) in &self.addresses {
                    if seen.answering.contains(address) {
                        prove(
                            Evidence::On,
                            format!("{address} in zone {zone} answers a ping"),
                        );
                    } else {
                        prove(
                            Evidence::Silent,
                            format!("{address} in zone {zone} answers no ping"),
                        );
                    }
                }
                let (says, what) = ssh(seen);
                prove(says, what);
            }
            Some(Err(why)) => unknown.push(why.clone()),
            None => unknown.push("ssh was not tried".to_owned()),
        }
        match &observed.membership {
            Some(Ok(seen)) => {
                for (says, what) in self.member(seen) {
                    prove(says, what);
                }
            }
            Some(Err(why)) => unknown.push(why.clone()),
            None => {}
        }
        match &observed.manager {
            Some(Ok(seen)) => match seen.sees.get(&self.lost) {
                Some(view) => {
                    let (says, what) = manager(*view);
                    prove(says, what);
                }
                None => unknown.push(format!("Pacemaker does not list {}", self.lost)),
            },
            Some(Err(why)) => unknown.push(why.clone()),
            None => {}
        }
        match &observed.dlm {
            Some(Ok(seen)) => {
                for lockspace in seen.until_fenced() {
                    let what = format!("DLM gives no locks in {lockspace} until it is fenced");
                    prove(Evidence::Waits, what);
                }
            }
            Some(Err(why)) => unknown.push(why.clone()),
            None => {}
        }
        for (name, seen) in &observed.mirrors {
            match seen {
                Ok(seen) if seen.is_suspended() => {
                    prove(Evidence::Waits, format!("all writes to mirror {name} wait"));
                }
                Ok(_) => {}
                Err(why) => unknown.push(why.clone()),
            }
        }
        (proofs, unknown)
    }

    /// The evidence of the membership.
    fn member(&self, seen: &membership::Seen) -> Vec<(Evidence, String)> {
        let lost = &self.lost;
        if !seen.running {
            return Vec::new();
        }
        let stack = match self.manager {
            Manager::Rgmanager => "cman",
            Manager::Pacemaker => "corosync",
        };
        let mut says = Vec::new();
        if seen.missing.contains(lost) {
            let word = match seen.gone_as.get(lost).map(String::as_str) {
                Some("X") => "dead".to_owned(),
                Some(other) => format!("`{other}`"),
                None => "no member".to_owned(),
            };
            says.push((Evidence::Silent, format!("{stack} has it as {word}")));
        } else {
            says.push((Evidence::On, format!("{stack} has it as a member")));
        }
        if let Some(what) = seen.domain_waits_for() {
            says.push((Evidence::Note, format!("the fence domain waits for {what}")));
        }
        if seen.victims.contains(lost) {
            let what = "the fence domain waits for it to be fenced";
            says.push((Evidence::Waits, what.to_owned()));
        }
        says
    }

    /// One line for each member that is left.
    fn recap(&self, engine: &Engine, ended: &Confirmation) -> Vec<Recap> {
        let one = |node: &String| {
            let announces = *node == self.announcer();
            let trouble = engine.failures().get(node).map(|t| t.why.clone());
            let waits = (*ended == Confirmation::StillWaits && announces)
                .then(|| format!("the cluster still waits for {}", self.lost));
            let done = announces && *ended == Confirmation::Confirmed;
            Recap {
                node: node.clone(),
                changed: usize::from(done),
                undone: usize::from(announces && !done),
                failed: trouble.or(waits),
                ..Recap::default()
            }
        };
        self.survivors.iter().map(one).collect()
    }
}

/// The resources observed on a survivor, as steps that change nothing.
fn steps(
    site: &Site,
    lost: &str,
    survivor: &str,
    addresses: &[(String, String)],
    manager: Manager,
) -> Vec<Json> {
    let mut steps = signs(site, lost, addresses);
    // rgmanager sees no more of a member than cman does.
    let all = super::watched::cluster_steps(site, survivor, manager);
    let rgmanager =
        |step: &Json| manager == Manager::Rgmanager && step.get("resource_manager").is_some();
    steps.extend(all.into_iter().filter(|step| !rgmanager(step)));
    steps
}

/// Steps for the signs of life of a member, as another one sees them: its fence devices, its addresses and ssh.
fn signs(site: &Site, lost: &str, addresses: &[(String, String)]) -> Vec<Json> {
    let devices = power_devices(site, lost).into_iter();
    let addresses: Vec<&str> = addresses.iter().map(|(a, _)| a.as_str()).collect();
    let peer = json!({ "peer": lost, "addresses": addresses });
    devices
        .map(|device| device.step)
        .chain(std::iter::once(peer))
        .collect()
}

/// The result of the operator's own try: for a failure, whether there was no answer at all, and why.
fn from_here(trouble: Option<(bool, &str)>) -> Proof {
    let (says, what) = match trouble {
        None => (Evidence::On, "ssh is answered: a login works".to_owned()),
        Some((false, why)) => (Evidence::On, format!("ssh is answered: {why}")),
        Some((true, why)) => (Evidence::Silent, format!("ssh: {why}")),
    };
    Proof {
        by: "from here".to_owned(),
        says,
        what,
    }
}

/// The evidence of a fence device.
fn device(name: &str, seen: &fence_device::Seen) -> (Evidence, String) {
    match seen.status.as_str() {
        "on" => (Evidence::On, format!("{name} reports power on")),
        "off" => (Evidence::Off, format!("{name} reports power off")),
        "late" => (Evidence::Silent, format!("{name} did not answer in time")),
        "not asked" => (
            Evidence::Silent,
            format!("{name} cannot be queried: its files are missing"),
        ),
        _ => {
            let status = seen
                .code
                .map_or(String::new(), |c| format!(" (status {c})"));
            (Evidence::Silent, format!("{name} gave no answer{status}"))
        }
    }
}

/// The evidence of ssh between the members: any answer from the other side is a sign of life.
fn ssh(seen: &peer::Seen) -> (Evidence, String) {
    let error = seen.error.as_str();
    let silent = [
        "timed out",
        "no answer in time",
        "No route to host",
        "unreachable",
        "Could not resolve",
        "not known",
    ];
    if seen.reached {
        (Evidence::On, "ssh gets in".to_owned())
    } else if error.contains("during banner exchange") || error.starts_with("Connection to ") {
        // The second is the last message of OpenSSH 9 about that.
        let what = "its kernel accepts ssh's connection, and no sshd greets";
        (Evidence::On, what.to_owned())
    } else if error.starts_with("status ") || silent.iter().any(|s| error.contains(s)) {
        (Evidence::Silent, "ssh gets no answer".to_owned())
    } else {
        (Evidence::On, format!("ssh is answered: {error}"))
    }
}

/// The evidence of Pacemaker.
fn manager(view: resource_manager::View) -> (Evidence, String) {
    let (says, what) = match (view.online, view.unclean) {
        (false, true) => (Evidence::Waits, "Pacemaker waits for it to be fenced"),
        (true, _) => (Evidence::On, "Pacemaker has it as online"),
        (false, false) => (Evidence::Silent, "Pacemaker has it as offline"),
    };
    (says, what.to_owned())
}

/// The decision by these proofs: `answered`, whether every member that is left answered; `complete`, whether all gave a
/// full answer.
fn decide(proofs: &[Proof], answered: bool, complete: bool) -> Decision {
    let has = |says: Evidence| proofs.iter().any(|p| p.says == says);
    if has(Evidence::On) {
        Decision::On
    } else if !answered {
        Decision::Unanswered
    } else if has(Evidence::Waits) {
        Decision::Confirmable
    } else if complete {
        Decision::Nothing
    } else {
        Decision::Unknown
    }
}

#[cfg(test)]
mod tests;
