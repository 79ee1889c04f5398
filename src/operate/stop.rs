//! Stopping the whole cluster (`nodewright stop`): layer by layer on all members at once, so that none sees another one
//! fail, and nothing is stopped beneath what still runs.
//!
//! Facts: docs/facts/resources.md#stopping-everything.

use super::cluster::{ClusterOperation, Ending, Look, OperatedCluster, OperationPart};
use super::watched::MemberObservation;
use crate::exit::Exit;
use crate::kinds::cluster::{cib, membership, resource_manager};
use crate::plan::Intent;
use crate::platform::Manager;
use crate::run::{Effect, Engine, Event, Fate, Operation, Setup};
use crate::site::Site;
use std::time::{Duration, Instant};

/// The operation.
#[derive(Debug)]
pub struct ClusterStop {
    cluster: OperatedCluster,
    /// The name of the site, which is typed.
    site: String,
    within: Duration,
}

/// The parts of a cluster that stop together, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopLayer {
    /// Guests, and the storage that the resource manager runs.
    Services,
    /// The resource manager.
    Manager,
    /// Everything beneath it.
    Membership,
}

/// The plan.
struct StopPlan {
    operation: Operation,
    layers: Vec<(StopLayer, Vec<OperationPart>)>,
    /// The members that take part: those that answered.
    members: Vec<String>,
}

impl AsRef<Operation> for StopPlan {
    fn as_ref(&self) -> &Operation {
        &self.operation
    }
}

impl ClusterStop {
    /// Of the site's cluster, which may take so long.
    ///
    /// # Errors
    ///
    /// A site without a cluster.
    pub fn new(site: &Site, within: Duration) -> Result<Self, String> {
        let cluster = OperatedCluster::new(site)?;
        Ok(Self {
            cluster,
            site: site.name().to_owned(),
            within,
        })
    }

    /// The plan, or the reason for which nothing is done.
    fn decide(&self, look: &Look) -> Result<StopPlan, Ending> {
        if look.sights.is_empty() {
            return Err(look.nobody());
        }
        let unknown = look.sights.values().flat_map(MemberObservation::unknown);
        let unknown: Vec<String> = unknown.collect();
        if !unknown.is_empty() {
            return Err(Ending::refused(Exit::Findings, unknown.join("; ")));
        }
        let mut notes = Vec::new();
        for (node, why) in &look.silent {
            let mut seen = look.sights.values().filter_map(MemberObservation::managed);
            let mut views = seen.clone().filter_map(|seen| seen.sees.get(node));
            if views.any(|view| view.online || view.unclean) {
                return Err(Ending::refused(
                    look.trouble,
                    format!(
                        "{node} does not answer ({why}), and it is not known to be out of the cluster"
                    ),
                ));
            }
            let known = if seen.next().is_some() {
                "the others do not have it in the cluster"
            } else {
                "no member says whether it is in the cluster"
            };
            notes.push(format!(
                "{node} does not answer ({why}); {known}. It is left as it is."
            ));
        }
        let mut effects = Vec::new();
        let mut layers = Vec::new();
        if let Some((actor, sight)) = look.actor(|_| true) {
            let seen = sight.managed().ok_or_else(|| look.nobody())?;
            layers.push((
                StopLayer::Services,
                match self.cluster.manager {
                    Manager::Pacemaker => {
                        self.pacemaker(actor, seen, Look::operated(sight)?, &mut effects)?
                    }
                    Manager::Rgmanager => self.rgmanager(actor, seen, &mut effects),
                },
            ));
        }
        let (manager, beneath, stack) = match self.cluster.manager {
            Manager::Pacemaker => ("pacemaker", &["corosync"][..], "corosync"),
            Manager::Rgmanager => (
                "rgmanager",
                &["gfs2", "clvmd", "clvm", "drbd", "cman"][..],
                "cman",
            ),
        };
        let sights = || look.sights.iter();
        let managed = sights().filter(|(_, sight)| sight.managed().is_some());
        let stopped = managed.map(|(node, _)| {
            OperationPart::new(
                node,
                format!("stop {manager}"),
                membership::stopped(&[manager]),
            )
        });
        layers.push((StopLayer::Manager, stopped.collect()));
        let joined =
            sights().filter(|(_, s)| matches!(&s.membership, Some(Ok(seen)) if seen.running));
        let left = joined.map(|(node, _)| {
            OperationPart::new(
                node,
                format!("leave the cluster: stop {stack}"),
                membership::stopped(beneath),
            )
        });
        layers.push((StopLayer::Membership, left.collect()));
        layers.retain(|(_, parts)| !parts.is_empty());
        if layers.is_empty() {
            return Err(Ending::nothing("the cluster is down"));
        }
        notes.push(match self.cluster.manager {
            Manager::Pacemaker => {
                "Nothing is started until `nodewright start`, also where a member is booted meanwhile."
            }
            Manager::Rgmanager => "A member that is booted meanwhile starts what starts there at boot.",
        }.to_owned());
        let parts = layers.iter().flat_map(|(_, parts)| parts);
        let operation = Operation {
            command: "stop".to_owned(),
            steps: parts.map(OperationPart::step).collect(),
            interrupts: true,
            effects,
            notes,
        };
        Ok(StopPlan {
            operation,
            layers,
            members: look.sights.keys().cloned().collect(),
        })
    }

    /// One property has everything stop in its order. What waits for that ends when the time is over, so that it holds no
    /// lock then.
    fn pacemaker(
        &self,
        actor: &str,
        seen: &resource_manager::Seen,
        operated: &cib::Operated,
        effects: &mut Vec<Effect>,
    ) -> Result<Vec<OperationPart>, Ending> {
        if operated.maintenance {
            return Err(Ending::refused(
                Exit::Findings,
                "the cluster is in maintenance, and stops nothing: `nodewright maintenance off` first",
            ));
        }
        for one in &operated.movable {
            let mut on: Vec<&str> = one
                .parts
                .iter()
                .flat_map(|p| Look::runs_on(seen, p))
                .collect();
            on.dedup();
            if !on.is_empty() {
                effects.push(stops(&one.name, &on.join(" and ")));
            }
        }
        let mut parts = Vec::new();
        if !operated.stopped {
            let title = "stop every resource, guests first: property stop-all-resources";
            parts.push(OperationPart::new(actor, title, vec![cib::stop_all(true)]));
        }
        if !parts.is_empty() || !self.services(seen).is_empty() {
            let title = "wait until everything has stopped";
            let seconds = self.within.as_secs().max(1);
            parts.push(OperationPart::new(
                actor,
                title,
                vec![cib::settled(seconds)],
            ));
        }
        Ok(parts)
    }

    /// Each service is disabled, by one member for all.
    fn rgmanager(
        &self,
        actor: &str,
        seen: &resource_manager::Seen,
        effects: &mut Vec<Effect>,
    ) -> Vec<OperationPart> {
        let up = seen.places.iter().filter(|place| place.role != "disabled");
        up.map(|place| {
            let name = &place.name;
            if let (Some(node), "Started") = (place.nodes.first(), place.role.as_str()) {
                effects.push(stops(name, node));
            }
            let call = resource_manager::disable(name, self.within.as_secs().max(1));
            OperationPart::new(
                actor,
                format!("stop {name}: clusvcadm -d {name}"),
                vec![call],
            )
        })
        .collect()
    }

    /// The services that run, and where, as a member sees them.
    fn services(&self, seen: &resource_manager::Seen) -> Vec<String> {
        let up = |place: &&resource_manager::ResourceState| match self.cluster.manager {
            Manager::Pacemaker => !place.nodes.is_empty(),
            Manager::Rgmanager => place.role != "disabled",
        };
        let all = seen.places.iter().filter(up);
        all.map(|place| match place.nodes.as_slice() {
            [] => format!("{} ({})", place.name, place.role),
            nodes => format!("{} on {}", place.name, nodes.join(" and ")),
        })
        .collect()
    }

    /// The part of a layer that is not down, as these members show it.
    fn up(&self, layer: StopLayer, look: &Look, members: &[String]) -> Vec<String> {
        let mut up: Vec<String> = members
            .iter()
            .filter_map(|m| {
                Some(format!(
                    "{m}, which does not answer ({})",
                    look.silent.get(m)?
                ))
            })
            .collect();
        let unknown = look.sights.iter().flat_map(|(node, sight)| {
            let all = sight.unknown().into_iter();
            all.map(move |why| format!("{node}, which does not say ({why})"))
        });
        up.extend(unknown);
        let on = |what: &str, node: &String| format!("{what} on {node}");
        match layer {
            StopLayer::Services => {
                let seen = look.actor(|_| true).and_then(|(_, sight)| sight.managed());
                up.extend(seen.map_or_else(Vec::new, |seen| self.services(seen)));
            }
            StopLayer::Manager => {
                let managed = look.sights.iter().filter(|(_, s)| s.managed().is_some());
                up.extend(managed.map(|(node, _)| on("the resource manager", node)));
            }
            StopLayer::Membership => {
                let joined = look.sights.iter();
                let joined =
                    joined.filter(|(_, s)| matches!(&s.membership, Some(Ok(m)) if m.running));
                up.extend(joined.map(|(node, _)| on("the membership", node)));
            }
        }
        up
    }

    async fn act(
        &self,
        engine: &mut Engine,
        mut look: Look,
        plan: StopPlan,
        began: Instant,
    ) -> Result<Ending, Ending> {
        let end = began + self.within;
        for (layer, parts) in plan.layers {
            engine.send(Event::Note {
                node: None,
                text: layer.waits().to_owned(),
            });
            let up = |look: &Look| self.up(layer, look, &plan.members);
            let reached = self.cluster.bring_about(engine, &look, parts, end, up);
            look = reached.await.map_err(|(up, why)| {
                let what = format!(
                    "after {:.0} s this is not down: {}{why}; nothing beneath it was touched. What was begun goes on by \
                     itself, and the same command goes on from there",
                    began.elapsed().as_secs_f32(),
                    up.join(", ")
                );
                Ending::failed(Exit::Failed, what)
            })?;
        }
        Ok(Ending::done(format!(
            "the cluster is down on {} after {:.1} s",
            plan.members.join(" and "),
            began.elapsed().as_secs_f32()
        )))
    }
}

impl StopLayer {
    /// The event that is waited for.
    fn waits(self) -> &'static str {
        match self {
            Self::Services => "waiting until every guest has stopped, and the storage beneath them",
            Self::Manager => "waiting until the resource manager has stopped on every member",
            Self::Membership => "waiting until every member has left the cluster",
        }
    }
}

/// The effect on a service.
fn stops(name: &str, on: &str) -> Effect {
    Effect {
        name: name.to_owned(),
        how: Fate::Outage,
        what: format!("is stopped on {on}"),
    }
}

impl ClusterOperation for ClusterStop {
    fn nodes(&self) -> &[String] {
        &self.cluster.members
    }

    fn prepare(&self, setup: &mut Setup) {
        self.cluster.prepare(setup, Intent::Stop);
    }

    fn typed(&self) -> Option<&str> {
        Some(&self.site)
    }

    async fn run(&self, engine: &mut Engine, agreed: impl Future<Output = bool>) -> Ending {
        let decide = |look: &Look| self.decide(look);
        let act = async |engine: &mut Engine, look: Look, plan: StopPlan, began: Instant| {
            self.act(engine, look, plan, began).await
        };
        self.cluster
            .perform(engine, "stop".to_owned(), agreed, decide, act)
            .await
    }
}

#[cfg(test)]
#[path = "stop_tests.rs"]
mod tests;
