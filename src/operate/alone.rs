//! Starting one member without the other (`nodewright start --alone`).
//!
//! After both lost their power a lone member is refused twice, in silence: it has no quorum until it has seen the other one
//! once, and its mirrors are `Consistent` and not `UpToDate`, since the other one may have gone on alone. Both are released here
//! once the other one is off: as its fence device reports, or as a person says who types its name. A mirror is forced only
//! where it is named in this very command.
//!
//! Facts: docs/facts/membership.md#starting-alone, docs/facts/storage.md#state-of-mirrors.

use super::cluster::{ClusterOperation, Ending, Look, OperatedCluster, OperationPart};
use super::confirm_fenced::ConfirmFenced;
use super::watched::{MemberObservation, mount_steps};
use crate::exit::Exit;
use crate::kinds::cluster::{cib, membership, resource_manager};
use crate::kinds::storage::drbd;
use crate::plan::Intent;
use crate::platform::Manager;
use crate::run::{Engine, Evidence, Operation, Setup};
use crate::site::Site;
use std::time::{Duration, Instant};

/// The operation.
#[derive(Debug)]
pub struct StartAlone {
    cluster: OperatedCluster,
    /// The member that is started.
    node: String,
    /// The other one, which is off.
    other: String,
    proofs: ConfirmFenced,
    /// The mirrors that are forced.
    force: Vec<String>,
    within: Duration,
}

/// The plan.
struct AlonePlan {
    operation: Operation,
    first: Vec<OperationPart>,
    second: Vec<OperationPart>,
}

impl AsRef<Operation> for AlonePlan {
    fn as_ref(&self) -> &Operation {
        &self.operation
    }
}

impl StartAlone {
    /// Of this member of the site's cluster of two; these mirrors are forced.
    ///
    /// # Errors
    ///
    /// A node that is no member, a cluster that is not of two, a mirror that is none, cman.
    pub fn new(
        site: &Site,
        node: &str,
        force: &[String],
        within: Duration,
    ) -> Result<Self, String> {
        let cluster = OperatedCluster::new(site)?;
        cluster.has(node)?;
        if cluster.members.len() != 2 {
            return Err(format!(
                "a member starts alone in a cluster of two, and this one has {}",
                cluster.members.len()
            ));
        }
        let peers = site.peers_of(node);
        let other = peers.first().map_or(String::new(), |p| (*p).to_owned());
        let proofs = ConfirmFenced::new(site, &other)?;
        let cluster = OperatedCluster::observing(site, |member| {
            if member == node {
                proofs
                    .signs(site)
                    .into_iter()
                    .chain(mount_steps(site))
                    .collect()
            } else {
                Vec::new()
            }
        })?;
        if cluster.manager == Manager::Rgmanager {
            return Err(format!(
                "cman counts a lone member of two by itself: `nodewright run {node} -- service cman start`, and \
                 `nodewright confirm-fenced {other}` once it waits for {other} to be fenced"
            ));
        }
        let known = &site.inventory.mirror;
        if let Some(name) = force
            .iter()
            .find(|f| !known.keys().any(|k| k.as_str() == f.as_str()))
        {
            return Err(format!("`{name}` is no mirror of this site"));
        }
        Ok(Self {
            cluster,
            node: node.to_owned(),
            other,
            proofs,
            force: force.to_vec(),
            within,
        })
    }

    fn command(&self) -> String {
        let force = self.force.iter().map(|mirror| format!(" --force {mirror}"));
        format!("start --alone {}{}", self.node, force.collect::<String>())
    }

    /// The observation of the member that is started, where nothing shows that the other one runs; and what is known of that
    /// one, in words.
    fn proven<'a>(&self, look: &'a Look) -> Result<(&'a MemberObservation, Vec<String>), Ending> {
        let (node, other) = (&self.node, &self.other);
        if look.sights.contains_key(other) {
            return Err(Ending::refused(
                Exit::Findings,
                format!("{other} answers: `nodewright start` starts both"),
            ));
        }
        if look.refusing.contains(other) {
            let why = look.silent.get(other).map_or("", String::as_str);
            return Err(Ending::refused(
                Exit::Refused,
                format!("ssh on {other} answers, so it is on: {why}"),
            ));
        }
        let sight = look.sights.get(node).ok_or_else(|| {
            let why = look
                .silent
                .get(node)
                .map_or("it was not asked", String::as_str);
            Ending::refused(look.trouble, format!("{node} does not answer: {why}"))
        })?;
        let (proofs, _) = self.proofs.proofs(node, sight);
        let on = proofs.iter().filter(|p| p.says == Evidence::On);
        let on: Vec<&str> = on.map(|p| p.what.as_str()).collect();
        if !on.is_empty() {
            return Err(Ending::refused(
                Exit::Refused,
                format!("{other} is on: {}. Switch it off first", on.join("; ")),
            ));
        }
        let unknown = sight.unknown();
        if !unknown.is_empty() {
            return Err(Ending::refused(Exit::Findings, unknown.join("; ")));
        }
        let off = proofs.iter().filter(|p| p.says == Evidence::Off);
        let mut known: Vec<String> = off
            .map(|p| format!("{other} is off: {}.", p.what))
            .collect();
        if known.is_empty() {
            let silent = proofs.iter().filter(|p| p.says == Evidence::Silent);
            let silent: Vec<&str> = silent.map(|p| p.what.as_str()).collect();
            known.push(format!(
                "Nothing proves that {other} is off ({}): go to the machine, and unplug its power.",
                silent.join("; ")
            ));
        }
        Ok((sight, known))
    }

    /// The plan, or the reason for which nothing is done.
    fn decide(&self, look: &Look) -> Result<AlonePlan, Ending> {
        let (node, other) = (&self.node, &self.other);
        let (sight, mut notes) = self.proven(look)?;
        let part = |title: String, calls| OperationPart::new(node, title, calls);
        let (running, quorate) = match &sight.membership {
            Some(Ok(seen)) => (seen.running, seen.quorate),
            _ => (false, false),
        };
        let mut first = Vec::new();
        if !running {
            first.push(part("start corosync".to_owned(), vec![membership::begun()]));
        }
        if !quorate {
            let title = format!("have it count without {other}: quorum.cancel_wait_for_all");
            first.push(part(title, membership::alone().to_vec()));
            notes.push(format!(
                "{node} has no quorum by itself: after a start it waits until it has seen {other} once (wait_for_all)."
            ));
        }
        if sight.managed().is_none() {
            first.push(part(
                "start pacemaker".to_owned(),
                resource_manager::started(self.cluster.manager),
            ));
        }
        let waits = sight
            .managed()
            .and_then(|seen| seen.sees.get(other))
            .is_none_or(|view| view.online || view.unclean);
        if waits {
            notes.push(format!(
                "Pacemaker that has not seen {other} fences it first: where its fence device answers, that may switch it on."
            ));
            let title = format!("declare {other} to be off: stonith_admin --confirm {other}");
            first.push(part(title, vec![resource_manager::is_off(other)]));
        }
        if sight.operated().is_none_or(|operated| operated.stopped) {
            let title = "let everything start: property stop-all-resources";
            first.push(part(title.to_owned(), vec![cib::stop_all(false)]));
        }
        let settle = || {
            let call = cib::settled(self.within.as_secs().max(1));
            part(
                "wait until the cluster has nothing left to do".to_owned(),
                vec![call],
            )
        };
        if !first.is_empty() {
            first.push(settle());
        }
        let mut second = Vec::new();
        for (name, mirror) in &sight.mirrors {
            let Ok(mirror) = mirror else { continue };
            if mirror.is_up_to_date() {
                continue;
            }
            notes.push(self.at_stake(name, mirror));
            if self.force.contains(name) {
                let title = format!(
                    "take {node}'s data of {name}, whatever {other} has of it: drbdadm primary --force {name}"
                );
                second.push(part(title, drbd::forced(name).to_vec()));
            }
        }
        if !second.is_empty() {
            second.push(part(
                "have what failed tried again".to_owned(),
                vec![cib::forgotten()],
            ));
            second.push(settle());
        }
        if first.is_empty() && second.is_empty() {
            return Err(self.stands(look).map_or_else(|e| e, Ending::nothing));
        }
        let steps = first.iter().chain(&second).map(OperationPart::step);
        let operation = Operation {
            command: self.command(),
            steps: steps.collect(),
            notes,
            interrupts: true,
            ..Operation::default()
        };
        Ok(AlonePlan {
            operation,
            first,
            second,
        })
    }

    /// The state of a mirror, and the data that forcing it would lose.
    fn at_stake(&self, name: &str, mirror: &drbd::Seen) -> String {
        let (node, other) = (&self.node, &self.other);
        let generation = match mirror.generation() {
            "" => "an unknown generation".to_owned(),
            known => format!("generation {known}"),
        };
        format!(
            "{name} on {node} is {}, with {generation}. Without {other} it comes up Consistent and not UpToDate, and is promoted \
             only by `--force {name}`. What {other} wrote after the two had lost each other is on {other} alone: a forced {name} \
             goes on without it, and it is thrown away once {other} is back.",
            mirror.words()
        )
    }

    /// The state that is reached, or what is missing of it.
    fn stands(&self, look: &Look) -> Result<String, Ending> {
        let node = &self.node;
        let Some(sight) = look.sights.get(node) else {
            return Err(Ending::failed(
                look.trouble,
                format!("{node} does not answer any more"),
            ));
        };
        let quorate = matches!(&sight.membership, Some(Ok(seen)) if seen.quorate);
        if !quorate || sight.managed().is_none() {
            return Err(Ending::failed(
                Exit::Failed,
                format!("{node} does not run alone"),
            ));
        }
        let held = sight.mirrors.iter().filter_map(|(name, seen)| {
            let seen = seen.as_ref().ok().filter(|seen| !seen.is_up_to_date())?;
            Some(format!("{name} is {}", seen.words()))
        });
        let held: Vec<String> = held.collect();
        if held.is_empty() {
            Ok(format!("{node} runs alone"))
        } else {
            Err(Ending::failed(
                Exit::Findings,
                format!(
                    "{node} runs alone, and {}: `nodewright start --alone {node} --force MIRROR` takes its data, whatever {} has",
                    held.join(", "),
                    self.other
                ),
            ))
        }
    }

    async fn act(
        &self,
        engine: &mut Engine,
        look: Look,
        plan: AlonePlan,
        began: Instant,
    ) -> Result<Ending, Ending> {
        let end = began + self.within;
        let mut look = look;
        if !plan.first.is_empty() {
            self.cluster
                .carry_out_until(engine, &look, plan.first, end)
                .await?;
            look = self.cluster.look(engine).await;
        }
        if !plan.second.is_empty() {
            // It was off when the question was on the screen.
            let (sight, _) = self.proven(&look)?;
            for name in &self.force {
                let mirror = sight.mirrors.iter().find(|(n, _)| n == name);
                if let Some((_, Ok(mirror))) = mirror
                    && !mirror.is_up_to_date()
                    && !mirror.may_be_forced()
                {
                    return Err(Ending::failed(
                        Exit::Findings,
                        format!(
                            "{name} is {} on {}: only data that is Consistent is taken",
                            mirror.words(),
                            self.node
                        ),
                    ));
                }
            }
            self.cluster
                .carry_out_until(engine, &look, plan.second, end)
                .await?;
            look = self.cluster.look(engine).await;
        }
        self.stands(&look).map(Ending::done)
    }
}

impl ClusterOperation for StartAlone {
    fn nodes(&self) -> &[String] {
        &self.cluster.members
    }

    fn prepare(&self, setup: &mut Setup) {
        self.cluster.prepare(setup, Intent::Start);
    }

    fn typed(&self) -> Option<&str> {
        Some(&self.other)
    }

    fn warning(&self) -> String {
        let other = &self.other;
        format!("From here on {other} is taken for off: that destroys data unless it is.")
    }

    async fn run(&self, engine: &mut Engine, agreed: impl Future<Output = bool>) -> Ending {
        let decide = |look: &Look| self.decide(look);
        let act = async |engine: &mut Engine, look: Look, plan: AlonePlan, began: Instant| {
            self.act(engine, look, plan, began).await
        };
        self.cluster
            .perform(engine, self.command(), agreed, decide, act)
            .await
    }
}

#[cfg(test)]
#[path = "alone_tests.rs"]
mod tests;
