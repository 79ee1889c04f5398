//! Putting a cluster in maintenance, and ending it (`nodewright maintenance`): Pacemaker's property, or each service of
//! rgmanager frozen where it runs.
//!
//! Facts: docs/facts/resources.md#maintenance.

use super::cluster::{ClusterOperation, Ending, Look, OperatedCluster, OperationPart};
use super::watched::MemberObservation;
use crate::exit::Exit;
use crate::kinds::cluster::cib;
use crate::kinds::cluster::resource_manager::{ResourceState, freeze};
use crate::plan::Intent;
use crate::platform::Manager;
use crate::run::{Engine, Operation, Setup};
use crate::site::Site;
use std::time::Duration;

/// Seconds that actions under way may take to end.
const SETTLES: u64 = 300;

/// The time that the members may take to have what was changed.
const AGREE_WITHIN: Duration = Duration::from_secs(30);

/// The operation.
#[derive(Debug)]
pub struct Maintenance {
    cluster: OperatedCluster,
    on: bool,
}

/// The plan.
struct MaintenancePlan {
    operation: Operation,
    parts: Vec<OperationPart>,
}

impl AsRef<Operation> for MaintenancePlan {
    fn as_ref(&self) -> &Operation {
        &self.operation
    }
}

impl Maintenance {
    /// For this site's cluster.
    ///
    /// # Errors
    ///
    /// A site without a cluster.
    pub fn new(site: &Site, on: bool) -> Result<Self, String> {
        let cluster = OperatedCluster::new(site)?;
        Ok(Self { cluster, on })
    }

    fn command(&self) -> String {
        format!("maintenance {}", if self.on { "on" } else { "off" })
    }

    async fn act(
        &self,
        engine: &mut Engine,
        look: &Look,
        parts: Vec<OperationPart>,
    ) -> Result<Ending, Ending> {
        self.cluster.carry_out(engine, look, parts).await?;
        let (look, reached) = self
            .cluster
            .until(engine, AGREE_WITHIN, |look| self.reached(look))
            .await;
        if reached {
            return Ok(Ending::done(self.state()));
        }
        let others = look.sights.iter().filter(|(_, sight)| !self.is_so(sight));
        let others: Vec<&str> = others.map(|(node, _)| node.as_str()).collect();
        let what = if others.is_empty() {
            "no member answers any more".to_owned()
        } else {
            format!(
                "{} does not have it after {} s",
                others.join(", "),
                AGREE_WITHIN.as_secs()
            )
        };
        Err(Ending::failed(Exit::Failed, what))
    }

    /// The state that is reached, in words.
    fn state(&self) -> &'static str {
        match (self.cluster.manager, self.on) {
            (Manager::Pacemaker, true) => "the cluster is in maintenance",
            (Manager::Pacemaker, false) => "the cluster is not in maintenance",
            (Manager::Rgmanager, true) => "every service that runs is frozen",
            (Manager::Rgmanager, false) => "no service is frozen",
        }
    }

    /// Whether all that answer have it.
    fn reached(&self, look: &Look) -> bool {
        let mut managed = look
            .sights
            .values()
            .filter(|s| s.managed().is_some())
            .peekable();
        managed.peek().is_some() && managed.all(|sight| self.is_so(sight))
    }

    /// Whether a member has it as it is to be. One on which the resource manager does not run has nothing of it.
    fn is_so(&self, sight: &MemberObservation) -> bool {
        match self.cluster.manager {
            Manager::Pacemaker => match sight.operated() {
                Some(operated) => operated.maintenance == self.on,
                None => sight.managed().is_none() && sight.unknown().is_empty(),
            },
            Manager::Rgmanager => {
                let services = |seen| self.services(seen);
                sight
                    .managed()
                    .map(services)
                    .is_none_or(|left| left.is_empty())
            }
        }
    }

    /// The services of rgmanager that are to be frozen, or to go on.
    fn services<'a>(
        &self,
        seen: &'a crate::kinds::cluster::resource_manager::Seen,
    ) -> Vec<&'a ResourceState> {
        let frozen = |p: &&ResourceState| seen.frozen.contains(&p.name);
        let all = seen.places.iter();
        if self.on {
            all.filter(|p| p.role == "Started" && !frozen(p)).collect()
        } else {
            all.filter(frozen).collect()
        }
    }

    /// The plan, or the reason why nothing is done.
    fn decide(&self, look: &Look) -> Result<MaintenancePlan, Ending> {
        let Some((actor, sight)) = look.actor(|_| true) else {
            return Err(look.nobody());
        };
        let parts = match self.cluster.manager {
            Manager::Pacemaker => {
                if Look::operated(sight)?.maintenance == self.on {
                    return Err(Ending::nothing(self.state()));
                }
                self.pacemaker(actor)
            }
            Manager::Rgmanager => self.rgmanager(look, sight)?,
        };
        let mut notes = vec![self.meaning().to_owned()];
        notes.extend(look.silent.iter().map(|(node, why)| {
            format!("{node} does not answer ({why}): what it does is not seen from here.")
        }));
        let operation = Operation {
            command: self.command(),
            steps: parts.iter().map(OperationPart::step).collect(),
            notes,
            ..Operation::default()
        };
        Ok(MaintenancePlan { operation, parts })
    }

    fn pacemaker(&self, actor: &str) -> Vec<OperationPart> {
        let call = cib::maintain(self.on);
        let title = if self.on {
            "put the cluster in maintenance: property maintenance-mode"
        } else {
            "end the maintenance: property maintenance-mode"
        };
        vec![
            OperationPart::new(actor, title, vec![call]),
            OperationPart::new(
                actor,
                "wait for actions under way to end",
                vec![cib::settled(SETTLES)],
            ),
        ]
    }

    /// Each service on its owner.
    fn rgmanager(
        &self,
        look: &Look,
        sight: &MemberObservation,
    ) -> Result<Vec<OperationPart>, Ending> {
        let seen = sight
            .managed()
            .map_or_else(Vec::new, |seen| self.services(seen));
        if seen.is_empty() {
            return Err(Ending::nothing(self.state()));
        }
        let mut parts = Vec::new();
        for place in seen {
            let runs = |owner: &&String| {
                let sight = look.sights.get(*owner);
                sight.is_some_and(|sight| sight.managed().is_some())
            };
            let Some(owner) = place.nodes.iter().find(runs) else {
                let owner = place.nodes.first().map_or("its owner", String::as_str);
                return Err(Ending::refused(
                    Exit::Findings,
                    format!(
                        "{} cannot be {} while rgmanager does not run on {owner} or is not seen there",
                        place.name,
                        if self.on { "frozen" } else { "let go on" }
                    ),
                ));
            };
            let (verb, option) = if self.on {
                ("freeze", "-Z")
            } else {
                ("let go on", "-U")
            };
            parts.push(OperationPart::new(
                owner,
                format!(
                    "{verb} {name}: clusvcadm {option} {name}",
                    name = place.name
                ),
                vec![freeze(&place.name, self.on)],
            ));
        }
        Ok(parts)
    }

    /// The consequences, for whoever decides.
    fn meaning(&self) -> &'static str {
        match (self.cluster.manager, self.on) {
            (Manager::Pacemaker, true) => {
                "Until `nodewright maintenance off`, nothing is started, stopped, moved or watched: a guest that fails stays down."
            }
            (Manager::Pacemaker, false) => {
                "Pacemaker then looks at everything anew: what stopped meanwhile is started, and what runs where it should not is moved."
            }
            (Manager::Rgmanager, true) => {
                "Until `nodewright maintenance off`, no service is watched or taken over, even where its node loses power. Do not stop rgmanager meanwhile."
            }
            (Manager::Rgmanager, false) => {
                "rgmanager then watches them again: what failed meanwhile is recovered."
            }
        }
    }
}

impl ClusterOperation for Maintenance {
    fn nodes(&self) -> &[String] {
        &self.cluster.members
    }

    fn prepare(&self, setup: &mut Setup) {
        self.cluster.prepare(setup, Intent::Maintenance);
    }

    async fn run(&self, engine: &mut Engine, agreed: impl Future<Output = bool>) -> Ending {
        let decide = |look: &Look| self.decide(look);
        let act = async |engine: &mut Engine, look: Look, plan: MaintenancePlan, _| {
            self.act(engine, &look, plan.parts).await
        };
        self.cluster
            .perform(engine, self.command(), agreed, decide, act)
            .await
    }
}

#[cfg(test)]
#[path = "maintenance_tests.rs"]
mod tests;
