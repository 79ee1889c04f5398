//! Moving what runs on a member to the others, keeping it off, and taking that back (`nodewright drain`, `nodewright
//! resume`).
//!
//! A plain standby would stop the member's storage too, and leave the others without a second copy. So by default only
//! what moves is kept off, by constraints with names of this project; clones, and with them mirrors, stay.
//!
//! Facts: docs/facts/resources.md#draining.

use super::cluster::{ClusterOperation, Ending, Look, OperatedCluster, OperationPart};
use super::watched::MemberObservation;
use crate::exit::Exit;
use crate::kinds::cluster::cib::{self, Movable, Operated};
use crate::kinds::cluster::resource_manager;
use crate::plan::Intent;
use crate::platform::Manager;
use crate::run::{Effect, Engine, Fate, Operation, Setup};
use crate::site::Site;
use std::time::{Duration, Instant};

/// The time that members may take to see what was done.
const AGREE_WITHIN: Duration = Duration::from_secs(30);

/// A drain, or its end.
#[derive(Debug)]
pub struct Drain {
    cluster: OperatedCluster,
    /// The member.
    node: String,
    what: Direction,
    /// Seconds that the cluster may take each time.
    within: u64,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Off the member.
    Off {
        /// Its storage stops too: standby.
        storage: bool,
    },
    /// The member carries again.
    Back {
        /// Resources that prefer it are brought back.
        returning: bool,
    },
}

/// The plan: parts of one round each.
#[derive(Default)]
struct DrainPlan {
    operation: Operation,
    first: Vec<OperationPart>,
    second: Vec<OperationPart>,
    /// The resources that move.
    moves: Vec<Movable>,
}

impl AsRef<Operation> for DrainPlan {
    fn as_ref(&self) -> &Operation {
        &self.operation
    }
}

impl Drain {
    /// Of this member of the site's cluster.
    ///
    /// # Errors
    ///
    /// A node that is no member, or a resource manager that cannot do that.
    pub fn new(site: &Site, node: &str, what: Direction, within: u64) -> Result<Self, String> {
        let cluster = OperatedCluster::new(site)?;
        cluster.has(node)?;
        if cluster.manager == Manager::Rgmanager {
            return Err(format!(
                "rgmanager keeps nothing off a member: move each service by hand, `nodewright run {node} -- clusvcadm -M \
                 vm:NAME -m MEMBER` (live) or `-r` (an outage)"
            ));
        }
        Ok(Self {
            cluster,
            node: node.to_owned(),
            what,
            within,
        })
    }

    fn command(&self) -> String {
        let node = &self.node;
        match self.what {
            Direction::Off { storage: false } => format!("drain {node}"),
            Direction::Off { storage: true } => format!("drain {node} --storage"),
            Direction::Back { returning: false } => format!("resume {node}"),
            Direction::Back { returning: true } => format!("resume {node} --return"),
        }
    }

    fn others(&self) -> impl Iterator<Item = &String> {
        self.cluster.members.iter().filter(|m| **m != self.node)
    }

    fn decide(&self, look: &Look) -> Result<DrainPlan, Ending> {
        match self.what {
            Direction::Off { storage } => self.decide_off(look, storage),
            Direction::Back { returning } => self.decide_back(look, returning),
        }
    }

    /// The reasons that keep either from being done: nothing moves in maintenance, and a member that is out carries
    /// nothing.
    fn sound<'a>(
        &self,
        sight: &'a MemberObservation,
    ) -> Result<(&'a resource_manager::Seen, &'a Operated), Ending> {
        let operated = Look::operated(sight)?;
        if operated.maintenance {
            return Err(Ending::refused(
                Exit::Findings,
                "the cluster is in maintenance, and nothing moves: `nodewright maintenance off` first",
            ));
        }
        let seen = sight.managed().ok_or_else(|| {
            Ending::refused(Exit::Findings, "the resource manager is unknown".to_owned())
        })?;
        let node = &self.node;
        match seen.sees.get(node) {
            Some(view) if view.online && !view.unclean => Ok((seen, operated)),
            Some(_) => Err(Ending::refused(
                Exit::Findings,
                format!(
                    "{node} is not in the cluster: it carries nothing (`nodewright status` says how it is)"
                ),
            )),
            None => Err(Ending::refused(
                Exit::Findings,
                format!("the cluster does not know {node}"),
            )),
        }
    }

    /// Whether anything else than a member may run it.
    fn may_leave(&self, one: &Movable) -> bool {
        self.others().any(|other| !one.kept_off.contains(other))
    }

    /// Whether any part of it runs on the member.
    fn is_here(&self, one: &Movable, seen: &resource_manager::Seen) -> bool {
        let mut on = one.parts.iter().flat_map(|part| Look::runs_on(seen, part));
        on.any(|node| node == self.node)
    }

    /// The plan of a drain.
    fn decide_off(&self, look: &Look, storage: bool) -> Result<DrainPlan, Ending> {
        let node = &self.node;
        look.all_fit(self.others(), node, false)?;
        let (actor, sight) = look.actor(|n| n != node).ok_or_else(|| look.nobody())?;
        let (seen, operated) = self.sound(sight)?;
        let (leave, stay): (Vec<&Movable>, Vec<&Movable>) =
            operated.movable.iter().partition(|m| self.may_leave(m));
        let kept = operated.drained.get(node);
        let is_kept = |m: &&&Movable| kept.is_some_and(|kept| kept.contains(&m.name));
        let to_keep: Vec<&str> = leave
            .iter()
            .filter(|m| !is_kept(m))
            .map(|m| m.name.as_str())
            .collect();
        let here = |m: &&&Movable| self.is_here(m, seen);
        let moves: Vec<Movable> = leave.iter().filter(here).map(|m| (**m).clone()).collect();
        let standby = seen.standby.contains(node);
        let mut decision = DrainPlan {
            operation: Operation {
                command: self.command(),
                ..Operation::default()
            },
            ..DrainPlan::default()
        };
        let effects = &mut decision.operation.effects;
        effects.extend(moves.iter().map(moving));
        for one in stay.iter().filter(here) {
            let (how, what) = if storage {
                (
                    Fate::Outage,
                    format!("is stopped: it may run nowhere but on {node}"),
                )
            } else {
                (
                    Fate::Stays,
                    format!("stays: it may run nowhere but on {node}"),
                )
            };
            effects.push(Effect {
                name: one.name.clone(),
                how,
                what,
            });
        }
        if !to_keep.is_empty() {
            decision.first.push(OperationPart::new(
                actor,
                format!("keep off {node}: {}", to_keep.join(", ")),
                vec![cib::closed(node, &to_keep)],
            ));
        }
        if !decision.first.is_empty() || !moves.is_empty() {
            decision.first.push(self.settle(actor));
        }
        if storage && !standby {
            let title = format!("put {node} in standby: its storage stops");
            decision.second.push(OperationPart::new(
                actor,
                title,
                vec![cib::stand_by(node, true)],
            ));
            decision.second.push(self.settle(actor));
        }
        if decision.first.is_empty() && decision.second.is_empty() {
            let also = if standby { " and in standby" } else { "" };
            return Err(Ending::nothing(format!("{node} is drained{also} already")));
        }
        let others: Vec<&str> = self.others().map(String::as_str).collect();
        decision.operation.notes.push(format!(
            "Until `nodewright resume {node}`, what is kept off it stops where {} fails: nothing takes it over.",
            others.join(" or ")
        ));
        if storage && !standby && !sight.mirrors.is_empty() {
            decision.operation.notes.push(format!(
                "Until then {} has the only copy of every mirror that is up to date.",
                others.join(" or ")
            ));
        }
        decision.moves = moves;
        Ok(Self::told(decision))
    }

    /// The plan of the end of a drain.
    fn decide_back(&self, look: &Look, returning: bool) -> Result<DrainPlan, Ending> {
        let node = &self.node;
        let (actor, sight) = look.actor(|_| true).ok_or_else(|| look.nobody())?;
        let (seen, operated) = self.sound(sight)?;
        let mut decision = DrainPlan {
            operation: Operation {
                command: self.command(),
                ..Operation::default()
            },
            ..DrainPlan::default()
        };
        let first = &mut decision.first;
        if seen.standby.contains(node) {
            let title = format!("take {node} out of standby");
            first.push(OperationPart::new(
                actor,
                title,
                vec![cib::stand_by(node, false)],
            ));
        }
        if operated.drained.contains_key(node) {
            let title = format!("let {node} carry again what was kept off it");
            first.push(OperationPart::new(actor, title, vec![cib::opened(node)]));
        }
        if operated.returning.contains_key(node) {
            let title = format!("let go what was being brought back to {node}");
            first.push(OperationPart::new(actor, title, vec![cib::let_go(node)]));
        }
        if !first.is_empty() {
            first.push(self.settle(actor));
        }
        if returning {
            let wanted = operated.movable.iter().filter(|m| {
                let elsewhere = m
                    .parts
                    .iter()
                    .any(|p| Look::runs_on(seen, p).next().is_some());
                m.prefers.contains_key(node) && elsewhere && !self.is_here(m, seen)
            });
            decision.moves = wanted.cloned().collect();
        }
        if !decision.moves.is_empty() {
            let names: Vec<&str> = decision.moves.iter().map(|m| m.name.as_str()).collect();
            let title = format!("bring back to {node}: {}", names.join(", "));
            decision.second.push(OperationPart::new(
                actor,
                title,
                vec![cib::returned(node, &names)],
            ));
            decision.second.push(self.settle(actor));
            decision.operation.effects = decision.moves.iter().map(moving).collect();
        }
        if decision.first.is_empty() && decision.second.is_empty() {
            let what = if returning {
                format!("{node} is not drained, and nothing that prefers it runs elsewhere")
            } else {
                format!("{node} is not drained")
            };
            return Err(Ending::nothing(what));
        }
        if !returning {
            decision.operation.notes.push(format!(
                "What moved away stays where it is; `nodewright resume {node} --return` brings back what prefers {node}."
            ));
        }
        Ok(Self::told(decision))
    }

    /// With the lines of its plan.
    fn told(mut decision: DrainPlan) -> DrainPlan {
        let parts = decision.first.iter().chain(&decision.second);
        decision.operation.steps = parts.map(OperationPart::step).collect();
        let effects = &decision.operation.effects;
        decision.operation.interrupts = effects.iter().any(|e| e.how == Fate::Outage);
        decision
    }

    fn settle(&self, actor: &str) -> OperationPart {
        let title = format!(
            "wait until the cluster has nothing left to do, {} s at most",
            self.within
        );
        OperationPart::new(actor, title, vec![cib::settled(self.within)])
    }

    /// Moves what moves; its storage stops only once that is seen.
    async fn off(
        &self,
        engine: &mut Engine,
        look: &Look,
        decision: DrainPlan,
        began: Instant,
    ) -> Result<Ending, Ending> {
        let node = &self.node;
        self.round(engine, look, decision.first).await?;
        let (look, moved) = self
            .cluster
            .until(engine, AGREE_WITHIN, |look| {
                self.left(look, &decision.moves).is_empty()
            })
            .await;
        if !moved {
            let left = self.left(&look, &decision.moves).join("; ");
            return Err(Ending::failed(
                Exit::Failed,
                format!("not everything moved: {left}"),
            ));
        }
        let places = Self::places(&look, &decision.moves);
        let seconds = began.elapsed().as_secs_f32();
        if !decision.second.is_empty() {
            self.round(engine, &look, decision.second).await?;
            let (_, stands_by) = self
                .cluster
                .until(engine, AGREE_WITHIN, |look| self.stands_by(look))
                .await;
            if !stands_by {
                return Err(Ending::failed(
                    Exit::Failed,
                    format!("{node} is not in standby"),
                ));
            }
        }
        let also = match self.what {
            Direction::Off { storage: true } => ", and it is in standby",
            _ => "",
        };
        Ok(Ending::done(if places.is_empty() {
            format!("{node} is drained: nothing had to move{also}")
        } else {
            format!("{node} is drained: {places} after {seconds:.1} s{also}")
        }))
    }

    /// Lets the member carry again, and brings back what is asked for.
    async fn back(
        &self,
        engine: &mut Engine,
        look: &Look,
        decision: DrainPlan,
        began: Instant,
    ) -> Result<Ending, Ending> {
        let node = &self.node;
        self.round(engine, look, decision.first).await?;
        let (look, open) = self
            .cluster
            .until(engine, AGREE_WITHIN, |look| self.is_open(look))
            .await;
        if !open {
            return Err(Ending::failed(
                Exit::Failed,
                format!("{node} does not carry yet"),
            ));
        }
        if decision.second.is_empty() {
            return Ok(Ending::done(format!("{node} carries again")));
        }
        // The resources that come back depend on storage that came up only now.
        if let Err(ending) = look.all_fit(std::iter::once(node), "", false) {
            return Err(Ending::failed(
                Exit::Waiting,
                format!(
                    "{node} carries again, and nothing was brought back yet: {}; `{}` does it later",
                    ending.what,
                    self.command()
                ),
            ));
        }
        let actor = decision.second[0].node.clone();
        let moved = self.round(engine, &look, decision.second).await;
        let title = "let it go: it stays where it is".to_owned();
        let let_go = OperationPart::new(&actor, title, vec![cib::let_go(node)]);
        let look = self.cluster.look(engine).await;
        self.round(engine, &look, vec![let_go]).await?;
        moved?;
        let returned = |look: &Look| {
            let seen = look.actor(|_| true).and_then(|(_, sight)| sight.managed());
            seen.is_some_and(|seen| decision.moves.iter().all(|m| self.is_here(m, seen)))
        };
        let (look, returned) = self.cluster.until(engine, AGREE_WITHIN, returned).await;
        let places = Self::places(&look, &decision.moves);
        if returned {
            let seconds = began.elapsed().as_secs_f32();
            Ok(Ending::done(format!(
                "{node} carries again: {places} after {seconds:.1} s"
            )))
        } else {
            Err(Ending::failed(
                Exit::Failed,
                format!("not everything came back: {places}"),
            ))
        }
    }

    /// One round of parts; nothing is carried out where there are none.
    async fn round(
        &self,
        engine: &mut Engine,
        look: &Look,
        parts: Vec<OperationPart>,
    ) -> Result<(), Ending> {
        if parts.is_empty() {
            return Ok(());
        }
        let done = self.cluster.carry_out(engine, look, parts).await;
        done.map_err(|mut ending| {
            ending.what = format!(
                "{}; what the cluster has begun goes on by itself, and the same command goes on from there",
                ending.what
            );
            ending
        })
    }

    /// Those of these that are not on another member.
    fn left(&self, look: &Look, moves: &[Movable]) -> Vec<String> {
        let Some(seen) = look
            .actor(|n| n != self.node)
            .and_then(|(_, s)| s.managed())
        else {
            return vec!["no other member says where anything is".to_owned()];
        };
        let parts = moves.iter().flat_map(|m| &m.parts);
        let on = |part: &String| Look::runs_on(seen, part).collect::<Vec<_>>();
        parts
            .filter_map(|part| match on(part) {
                on if on.is_empty() => Some(format!("{part} runs nowhere")),
                on if on.contains(&self.node.as_str()) => {
                    Some(format!("{part} is on {}", self.node))
                }
                _ => None,
            })
            .collect()
    }

    /// The place where these are.
    fn places(look: &Look, moves: &[Movable]) -> String {
        let Some(seen) = look.actor(|_| true).and_then(|(_, s)| s.managed()) else {
            return String::new();
        };
        let place = |m: &Movable| {
            let on = m.parts.iter().flat_map(|part| Look::runs_on(seen, part));
            let mut on: Vec<&str> = on.collect();
            on.dedup();
            let on = if on.is_empty() {
                "nowhere".to_owned()
            } else {
                on.join(" and ")
            };
            format!("{} on {on}", m.name)
        };
        moves.iter().map(place).collect::<Vec<_>>().join(", ")
    }

    fn stands_by(&self, look: &Look) -> bool {
        let seen = look
            .actor(|n| n != self.node)
            .and_then(|(_, s)| s.managed());
        seen.is_some_and(|seen| seen.standby.contains(&self.node))
    }

    /// Whether nothing keeps anything off the member, as any that answers says.
    fn is_open(&self, look: &Look) -> bool {
        let Some((_, sight)) = look.actor(|_| true) else {
            return false;
        };
        let open = |operated: &Operated| {
            !operated.drained.contains_key(&self.node)
                && !operated.returning.contains_key(&self.node)
        };
        let up = |seen: &resource_manager::Seen| !seen.standby.contains(&self.node);
        sight.operated().is_some_and(open) && sight.managed().is_some_and(up)
    }
}

impl ClusterOperation for Drain {
    fn nodes(&self) -> &[String] {
        &self.cluster.members
    }

    fn prepare(&self, setup: &mut Setup) {
        let intent = match self.what {
            Direction::Off { .. } => Intent::Drain,
            Direction::Back { .. } => Intent::Resume,
        };
        self.cluster.prepare(setup, intent);
    }

    fn typed(&self) -> Option<&str> {
        Some(&self.node)
    }

    async fn run(&self, engine: &mut Engine, agreed: impl Future<Output = bool>) -> Ending {
        let decide = |look: &Look| self.decide(look);
        let act = async |engine: &mut Engine, look: Look, plan: DrainPlan, began: Instant| {
            match self.what {
                Direction::Off { .. } => self.off(engine, &look, plan, began).await,
                Direction::Back { .. } => self.back(engine, &look, plan, began).await,
            }
        };
        self.cluster
            .perform(engine, self.command(), agreed, decide, act)
            .await
    }
}

/// The effect on a resource that moves.
fn moving(one: &Movable) -> Effect {
    let (how, what) = if one.live {
        (Fate::Live, "moves live")
    } else {
        (Fate::Outage, "is stopped here and started there: an outage")
    };
    Effect {
        name: one.name.clone(),
        how,
        what: what.to_owned(),
    }
}

#[cfg(test)]
#[path = "drain_tests.rs"]
mod tests;
