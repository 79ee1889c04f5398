//! Having the cluster fence a member, and seeing that the others take over (`nodewright fence`).
//!
//! The member itself is not asked: it may hang. The others are, and one of them has the cluster's own fencing do it.
//!
//! Facts: docs/facts/fencing.md#fencing-on-request.

use super::cluster::{ClusterOperation, Ending, Look, OperatedCluster, OperationPart};
use crate::exit::Exit;
use crate::kinds::cluster::{cib, membership, resource_manager};
use crate::plan::Intent;
use crate::platform::Manager;
use crate::run::{Effect, Engine, Fate, Operation, Setup};
use crate::site::Site;
use std::time::{Duration, Instant};

/// The time that the others may take to see that it is gone.
const GONE_WITHIN: Duration = Duration::from_secs(60);

/// The operation.
#[derive(Debug)]
pub struct Fence {
    cluster: OperatedCluster,
    node: String,
    within: u64,
}

/// The plan.
struct FencePlan {
    operation: Operation,
    actor: String,
    /// The parts of services that the others take over.
    taken_over: Vec<String>,
}

impl AsRef<Operation> for FencePlan {
    fn as_ref(&self) -> &Operation {
        &self.operation
    }
}

impl Fence {
    /// Of this member of the site's cluster; the others may take `within` seconds to take over.
    ///
    /// # Errors
    ///
    /// A node that is no member, or the only one.
    pub fn new(site: &Site, node: &str, within: u64) -> Result<Self, String> {
        let mut cluster = OperatedCluster::new(site)?;
        cluster.has(node)?;
        cluster.members.retain(|m| m != node);
        if cluster.members.is_empty() {
            return Err(format!("{node} is the only member: nobody would take over"));
        }
        Ok(Self {
            cluster,
            node: node.to_owned(),
            within,
        })
    }

    fn command(&self) -> String {
        format!("fence {}", self.node)
    }

    /// The plan, or the reason for which nothing is done.
    fn decide(&self, look: &Look) -> Result<FencePlan, Ending> {
        let node = &self.node;
        look.all_fit(self.cluster.members.iter(), node, true)?;
        let (actor, sight) = look.actor(|n| n != node).ok_or_else(|| look.nobody())?;
        let seen = sight.managed().ok_or_else(|| look.nobody())?;
        let mut effects = Vec::new();
        let mut taken_over = Vec::new();
        let mut add = |name: &str, parts: &[String], leaves: bool| {
            let what = if leaves {
                taken_over.extend(parts.iter().cloned());
                "is interrupted until another member has started it".to_owned()
            } else {
                format!("is down until {node} is back: it may run nowhere else")
            };
            effects.push(Effect {
                name: name.to_owned(),
                how: Fate::Outage,
                what,
            });
        };
        match self.cluster.manager {
            Manager::Pacemaker => {
                let operated = Look::operated(sight)?;
                if operated.maintenance {
                    return Err(Ending::refused(
                        Exit::Findings,
                        "the cluster is in maintenance, and nobody would take over: `nodewright maintenance off` first",
                    ));
                }
                for one in &operated.movable {
                    let mut on = one.parts.iter().flat_map(|p| Look::runs_on(seen, p));
                    if on.any(|n| n == node) {
                        let leaves = self
                            .cluster
                            .members
                            .iter()
                            .any(|o| !one.kept_off.contains(o));
                        add(&one.name, &one.parts, leaves);
                    }
                }
            }
            Manager::Rgmanager => {
                let here = seen.places.iter().filter(|p| p.nodes.contains(node));
                for place in here {
                    let frozen = seen.frozen.contains(&place.name);
                    add(&place.name, std::slice::from_ref(&place.name), !frozen);
                }
            }
        }
        let mut notes = Vec::new();
        if !seen.sees.get(node).is_some_and(|view| view.online) {
            notes.push(format!(
                "{node} is not in the cluster as {actor} sees it; it is switched off and on all the same."
            ));
        }
        let operation = Operation {
            command: self.command(),
            effects,
            steps: vec![self.fencing(actor).step()],
            notes,
            interrupts: true,
        };
        Ok(FencePlan {
            operation,
            actor: actor.to_owned(),
            taken_over,
        })
    }

    fn fencing(&self, actor: &str) -> OperationPart {
        let node = &self.node;
        let (call, command) = match self.cluster.manager {
            Manager::Pacemaker => (
                resource_manager::fence(node),
                format!("stonith_admin --reboot {node}"),
            ),
            Manager::Rgmanager => (membership::fence(node), format!("fence_node {node}")),
        };
        OperationPart::new(actor, format!("have {node} fenced: {command}"), vec![call])
    }

    async fn act(
        &self,
        engine: &mut Engine,
        look: &Look,
        decision: &FencePlan,
        began: Instant,
    ) -> Result<Ending, Ending> {
        let node = &self.node;
        let part = self.fencing(&decision.actor);
        self.cluster.carry_out(engine, look, vec![part]).await?;
        let fenced = began.elapsed().as_secs_f32();
        let (look, gone) = self
            .cluster
            .until(engine, GONE_WITHIN, |look| self.is_gone(look))
            .await;
        if !gone {
            return Err(Ending::failed(
                Exit::Failed,
                format!(
                    "the command that fences {node} ended well, and {} still has it as a member that is not fenced",
                    decision.actor
                ),
            ));
        }
        if self.cluster.manager == Manager::Pacemaker {
            let title = "wait until the cluster has nothing left to do";
            let part = OperationPart::new(&decision.actor, title, vec![cib::settled(self.within)]);
            self.cluster.carry_out(engine, &look, vec![part]).await?;
        }
        let within = Duration::from_secs(self.within);
        let (look, done) = self
            .cluster
            .until(engine, within, |look| self.left(look, decision).is_empty())
            .await;
        let seconds = began.elapsed().as_secs_f32();
        if !done {
            let left = self.left(&look, decision).join(", ");
            return Err(Ending::failed(
                Exit::Failed,
                format!(
                    "{node} was fenced after {fenced:.1} s, and after {seconds:.1} s this runs nowhere: {left}"
                ),
            ));
        }
        Ok(Ending::done(if decision.taken_over.is_empty() {
            format!("{node} was fenced after {fenced:.1} s; nothing had to be taken over")
        } else {
            format!(
                "{node} was fenced after {fenced:.1} s, and everything that may move was taken over after {seconds:.1} s: {}",
                decision.taken_over.join(", ")
            )
        }))
    }

    /// Whether the others have it as gone, and wait for nothing any more.
    fn is_gone(&self, look: &Look) -> bool {
        let Some((_, sight)) = look.actor(|n| n != self.node) else {
            return false;
        };
        let view = sight.managed().and_then(|seen| seen.sees.get(&self.node));
        view.is_some_and(|view| !view.online && !view.unclean)
    }

    /// The parts that are to be taken over and run on no other member yet.
    fn left(&self, look: &Look, decision: &FencePlan) -> Vec<String> {
        let Some(seen) = look
            .actor(|n| n != self.node)
            .and_then(|(_, s)| s.managed())
        else {
            return vec!["no other member says where anything is".to_owned()];
        };
        let runs = |part: &&String| Look::runs_on(seen, part).any(|n| n != self.node);
        let left = decision.taken_over.iter().filter(|part| !runs(part));
        left.cloned().collect()
    }
}

impl ClusterOperation for Fence {
    /// Not the one that is fenced.
    fn nodes(&self) -> &[String] {
        &self.cluster.members
    }

    fn prepare(&self, setup: &mut Setup) {
        self.cluster.prepare(setup, Intent::Fence);
    }

    fn typed(&self) -> Option<&str> {
        Some(&self.node)
    }

    async fn run(&self, engine: &mut Engine, agreed: impl Future<Output = bool>) -> Ending {
        let decide = |look: &Look| self.decide(look);
        let act = async |engine: &mut Engine, look: Look, plan: FencePlan, began: Instant| {
            self.act(engine, &look, &plan, began).await
        };
        self.cluster
            .perform(engine, self.command(), agreed, decide, act)
            .await
    }
}

#[cfg(test)]
#[path = "fence_tests.rs"]
mod tests;
