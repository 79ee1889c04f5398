//! Starting the whole cluster (`nodewright start`): members that are off are switched on by their fence devices, then layer
//! by layer on all members at once.
//!
//! Facts: docs/facts/resources.md#stopping-everything, docs/facts/membership.md#starting-together.

use super::cluster::{ClusterOperation, Ending, Look, OperatedCluster, OperationPart};
use super::watched::{MemberObservation, PowerDevice, host_id, mount_steps, power_devices};
use crate::exit::Exit;
use crate::kinds::cluster::{cib, fence_device, membership, resource_manager};
use crate::kinds::storage::mount_point;
use crate::plan::Intent;
use crate::platform::Manager;
use crate::run::{Engine, Event, Operation, Setup};
use crate::site::Site;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The operation.
#[derive(Debug)]
pub struct ClusterStart {
    cluster: OperatedCluster,
    /// The members' numbers.
    ids: Vec<u32>,
    /// The devices that switch each member.
    devices: BTreeMap<String, Vec<PowerDevice>>,
    within: Duration,
}

/// The parts of a cluster that start together, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StartLayer {
    /// Members that are off.
    Power,
    /// The membership, with quorum.
    Membership,
    /// cman's fence domain.
    Domain,
    /// The resource manager.
    Manager,
    /// Mirrors, shared filesystems and guests.
    Services,
}

/// The plan.
struct StartPlan {
    operation: Operation,
    layers: Vec<(StartLayer, Vec<OperationPart>)>,
}

impl AsRef<Operation> for StartPlan {
    fn as_ref(&self) -> &Operation {
        &self.operation
    }
}

impl ClusterStart {
    /// Of the site's cluster, which may take so long.
    ///
    /// # Errors
    ///
    /// A site without a cluster, or a step that a kind refuses.
    pub fn new(site: &Site, within: Duration) -> Result<Self, String> {
        let members: Vec<String> = site.members().into_iter().map(Into::into).collect();
        let devices = members.iter().map(|m| (m.clone(), power_devices(site, m)));
        let devices: BTreeMap<_, _> = devices.collect();
        let cluster = OperatedCluster::observing(site, |member| {
            let others = devices.iter().filter(|(m, _)| *m != member);
            let asked = others.flat_map(|(_, devices)| devices);
            let asked = asked.map(|device| device.step.clone());
            asked.chain(mount_steps(site)).collect()
        })?;
        Ok(Self {
            cluster,
            ids: members.iter().filter_map(|m| host_id(site, m)).collect(),
            devices,
            within,
        })
    }

    /// The devices by which a member is off, as another one says, with that one's name.
    fn off<'a>(&'a self, look: &'a Look, node: &str) -> Option<(&'a str, Vec<&'a PowerDevice>)> {
        look.sights.iter().find_map(|(by, sight)| {
            let off = self.devices[node].iter().filter(|device| {
                let mut seen = sight
                    .devices
                    .iter()
                    .filter(|(name, _)| *name == device.name);
                seen.any(|(_, seen)| seen.as_ref().is_ok_and(|seen| seen.status == "off"))
            });
            let off: Vec<_> = off.collect();
            (!off.is_empty()).then_some((by.as_str(), off))
        })
    }

    /// The plan, or the reason for which nothing is done.
    fn decide(&self, look: &Look) -> Result<StartPlan, Ending> {
        if look.sights.is_empty() {
            return Err(look.nobody());
        }
        let (mut power, mut reasons) = (Vec::new(), Vec::new());
        for (node, why) in &look.silent {
            let Some((by, devices)) = self.off(look, node) else {
                reasons.push(format!(
                    "{node} does not answer ({why}), and no fence device reports that it is off"
                ));
                continue;
            };
            for device in devices {
                let title = format!("switch {node} on: {}", device.name);
                power.push(OperationPart::new(
                    by,
                    title,
                    vec![fence_device::on(&device.agent, &device.input)],
                ));
            }
        }
        if !reasons.is_empty() {
            return Err(Ending::refused(look.trouble, reasons.join("; ")));
        }
        let unknown = look.sights.values().flat_map(MemberObservation::unknown);
        let unknown: Vec<String> = unknown.collect();
        if !unknown.is_empty() {
            return Err(Ending::refused(Exit::Findings, unknown.join("; ")));
        }
        let manager = self.cluster.manager;
        let (stack, word) = match manager {
            Manager::Pacemaker => ("corosync", "pacemaker"),
            Manager::Rgmanager => ("cman", "rgmanager"),
        };
        // A member that is off now runs nothing.
        let without = |runs: &dyn Fn(&MemberObservation) -> bool| {
            let out = self.cluster.members.iter();
            let out = out.filter(|m| !look.sights.get(*m).is_some_and(runs));
            out.cloned().collect::<Vec<_>>()
        };
        let joined = |s: &MemberObservation| matches!(&s.membership, Some(Ok(m)) if m.running);
        let parts =
            |nodes: Vec<String>, title: String, calls: &dyn Fn() -> Vec<crate::sh::Call>| {
                let all = nodes
                    .iter()
                    .map(|n| OperationPart::new(n, title.clone(), calls()));
                all.collect::<Vec<_>>()
            };
        let out = without(&joined);
        let mut layers = vec![(StartLayer::Power, power)];
        layers.push((
            StartLayer::Membership,
            parts(
                out.clone(),
                format!("join the cluster: start {stack}"),
                &|| membership::joined(manager, &self.ids),
            ),
        ));
        if manager == Manager::Rgmanager {
            layers.push((
                StartLayer::Domain,
                parts(out, "join the fence domain".to_owned(), &|| {
                    membership::domain(self.ids.len())
                }),
            ));
        }
        layers.push((
            StartLayer::Manager,
            parts(
                without(&|s| s.managed().is_some()),
                format!("start {word}"),
                &|| resource_manager::started(manager),
            ),
        ));
        let mut services = Vec::new();
        if manager == Manager::Pacemaker {
            let (actor, stopped) = match look.actor(|_| true) {
                Some((actor, sight)) => (actor, Look::operated(sight)?.stopped),
                // It says so once Pacemaker runs.
                None => (self.cluster.members[0].as_str(), true),
            };
            if stopped {
                let title = "let everything start: property stop-all-resources";
                services.push(OperationPart::new(actor, title, vec![cib::stop_all(false)]));
            }
            let title = "wait until the cluster has nothing left to do";
            let call = cib::settled(self.within.as_secs().max(1));
            services.push(OperationPart::new(actor, title, vec![call]));
            let begins = stopped || layers.iter().any(|(_, parts)| !parts.is_empty());
            if !begins {
                services.clear();
            }
        }
        layers.push((StartLayer::Services, services));
        layers.retain(|(_, parts)| !parts.is_empty());
        if layers.is_empty() {
            return Err(Ending::nothing("the cluster runs on every member"));
        }
        let operation = Operation {
            command: "start".to_owned(),
            steps: layers
                .iter()
                .flat_map(|(_, parts)| parts)
                .map(OperationPart::step)
                .collect(),
            ..Operation::default()
        };
        Ok(StartPlan { operation, layers })
    }

    /// The part of a layer that has not come up.
    fn down(&self, layer: StartLayer, look: &Look) -> Vec<String> {
        let mut down: Vec<String> = look
            .silent
            .iter()
            .map(|(node, why)| format!("{node} does not answer ({why})"))
            .collect();
        if layer == StartLayer::Power {
            return down;
        }
        for (node, sight) in &look.sights {
            down.extend(sight.unknown());
            let seen = sight.membership.as_ref().and_then(|s| s.as_ref().ok());
            match (layer, seen) {
                (_, None) => {}
                (StartLayer::Domain, Some(seen)) if seen.domain != "whole" => {
                    down.push(format!("the fence domain of {node} is {}", seen.domain));
                }
                (_, Some(seen)) if !seen.running => {
                    down.push(format!("{node} is not in the cluster"));
                }
                (_, Some(seen)) if !seen.quorate => down.push(format!("{node} has no quorum")),
                (_, Some(seen)) => {
                    let all = seen.missing.iter();
                    down.extend(all.map(|other| format!("{node} does not see {other}")));
                }
            }
            if matches!(layer, StartLayer::Manager | StartLayer::Services)
                && sight.managed().is_none()
            {
                down.push(format!("the resource manager does not run on {node}"));
            }
            if layer == StartLayer::Services {
                for (name, mirror) in &sight.mirrors {
                    if let Ok(mirror) = mirror
                        && !mirror.is_up_to_date()
                    {
                        down.push(format!("mirror {name} on {node} is {}", mirror.words()));
                    }
                }
                for (path, seen) in &sight.mounts {
                    if !seen.as_ref().is_ok_and(mount_point::Seen::is_mounted) {
                        down.push(format!("{path} is not mounted on {node}"));
                    }
                }
            }
        }
        if layer == StartLayer::Services {
            down.extend(self.services_down(look));
        }
        down
    }

    /// The services that run nowhere.
    fn services_down(&self, look: &Look) -> Vec<String> {
        let Some((_, sight)) = look.actor(|_| true) else {
            return Vec::new();
        };
        let Some(seen) = sight.managed() else {
            return Vec::new();
        };
        match self.cluster.manager {
            Manager::Pacemaker => {
                let movable = sight.operated().map_or(&[][..], |o| o.movable.as_slice());
                let parts = movable
                    .iter()
                    .filter(|m| !m.disabled)
                    .flat_map(|m| &m.parts);
                let down = parts.filter(|part| Look::runs_on(seen, part).next().is_none());
                down.map(|part| format!("{part} runs nowhere")).collect()
            }
            Manager::Rgmanager => {
                let down = seen.places.iter().filter(|place| place.role != "Started");
                down.map(|place| format!("{} is {}", place.name, place.role))
                    .collect()
            }
        }
    }

    async fn act(
        &self,
        engine: &mut Engine,
        mut look: Look,
        plan: StartPlan,
        began: Instant,
    ) -> Result<Ending, Ending> {
        let end = began + self.within;
        let layers: Vec<StartLayer> = plan.layers.iter().map(|(layer, _)| *layer).collect();
        let mut parts: BTreeMap<usize, Vec<OperationPart>> = plan
            .layers
            .into_iter()
            .map(|(_, parts)| parts)
            .enumerate()
            .collect();
        let last = [StartLayer::Services]
            .into_iter()
            .filter(|l| !layers.contains(l));
        for (at, layer) in layers.iter().copied().chain(last).enumerate() {
            engine.send(Event::Note {
                node: None,
                text: layer.waits().to_owned(),
            });
            let parts = parts.remove(&at).unwrap_or_default();
            let down = |look: &Look| self.down(layer, look);
            let reached = self.cluster.bring_about(engine, &look, parts, end, down);
            look = reached.await.map_err(|(down, why)| {
                let what = format!(
                    "after {:.0} s this has not come up: {}{why}. What was begun goes on by itself, and the same command \
                     goes on from there",
                    began.elapsed().as_secs_f32(),
                    down.join("; ")
                );
                Ending::failed(Exit::Failed, what)
            })?;
        }
        Ok(Ending::done(format!(
            "the cluster runs on {} after {:.1} s, with everything that it is to run",
            self.cluster.members.join(" and "),
            began.elapsed().as_secs_f32()
        )))
    }
}

impl StartLayer {
    /// The event that is waited for.
    fn waits(self) -> &'static str {
        match self {
            Self::Power => "waiting until every member answers",
            Self::Membership => "waiting until the members see each other and have quorum",
            Self::Domain => "waiting until the fence domain has every member",
            Self::Manager => "waiting until the resource manager runs on every member",
            Self::Services => {
                "waiting until mirrors are up to date, shared filesystems mounted and guests started"
            }
        }
    }
}

impl ClusterOperation for ClusterStart {
    fn nodes(&self) -> &[String] {
        &self.cluster.members
    }

    fn prepare(&self, setup: &mut Setup) {
        self.cluster.prepare(setup, Intent::Start);
    }

    async fn run(&self, engine: &mut Engine, agreed: impl Future<Output = bool>) -> Ending {
        let decide = |look: &Look| self.decide(look);
        let act = async |engine: &mut Engine, look: Look, plan: StartPlan, began: Instant| {
            self.act(engine, look, plan, began).await
        };
        self.cluster
            .perform(engine, "start".to_owned(), agreed, decide, act)
            .await
    }
}

#[cfg(test)]
#[path = "start_tests.rs"]
mod tests;
