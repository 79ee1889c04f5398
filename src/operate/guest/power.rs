//! Starting and stopping a guest.
//!
//! Facts: docs/facts/guests.md#power.

use super::{
    Authority, Ending, Goal, GuestOperation, GuestPlan, Look, OperationPart, Round, interrupted,
};
use crate::exit::Exit;
use crate::kinds::cluster::cib;
use crate::kinds::cluster::resource_manager::{disable, enable};
use crate::kinds::guests::guest::{self, FirstDevice};
use crate::kinds::guests::power;
use crate::run::Operation;

/// Seconds that a resource agent may take over its guest's shutdown, before the cluster counts as late.
const AGENT: u64 = 180;

impl GuestOperation {
    fn refused(what: impl Into<String>) -> Ending {
        Ending::refused(Exit::Findings, what)
    }

    /// Seconds that a start or a move may take.
    pub(super) fn starts_within(&self) -> u64 {
        self.within.unwrap_or(super::SETTLES)
    }

    /// Seconds that a guest may take to shut down; an agent has time of its own beside that.
    fn stops_within(&self, by_agent: bool) -> u64 {
        let own = self.subject.shutdown + if by_agent { AGENT } else { 0 };
        self.within.unwrap_or(own)
    }

    /// The plan of a start, from its devices in order or from this one first.
    pub(super) fn decide_start(
        &self,
        look: &Look,
        from: Option<FirstDevice>,
    ) -> Result<GuestPlan, Ending> {
        let subject = &self.subject;
        let name = &subject.name;
        let found = subject.whereabouts(look);
        match subject.place(&found)? {
            Some((node, state)) if state == "paused" => {
                return Err(Self::refused(format!(
                    "{name} is paused on {node}: `nodewright run {node} -- virsh resume {name}` lets it go on"
                )));
            }
            Some(_) if from.is_some() => {
                return Err(Self::refused(format!(
                    "{}: `nodewright guest stop {name}` first",
                    subject.words(look)
                )));
            }
            Some(_) => return Err(Ending::nothing(subject.words(look))),
            None => subject.known(&found)?,
        }
        let mut plan = GuestPlan {
            operation: Operation::default(),
            rounds: vec![self.start(look, None)?],
        };
        if let Some(device) = from {
            self.boots_from(look, device, &mut plan)?;
        }
        Ok(plan)
    }

    /// Has the start in a plan boot from a device first.
    fn boots_from(
        &self,
        look: &Look,
        device: FirstDevice,
        plan: &mut GuestPlan,
    ) -> Result<(), Ending> {
        let subject = &self.subject;
        let (name, home, word) = (&subject.name, &subject.home, device.word());
        let authority = subject.authority(look)?;
        let reader = match &authority {
            Authority::Pacemaker { actor, .. } | Authority::Rgmanager { actor, .. } => *actor,
            Authority::Libvirt => home,
        };
        let sight = look.sights.get(reader).and_then(|s| s.guest.as_ref());
        let seen = match sight {
            Some(Ok(seen)) if seen.defined => seen,
            Some(Err(why)) => return Err(Self::refused(format!("its definition: {why}"))),
            _ => {
                return Err(Self::refused(format!(
                    "{reader} has no definition of {name}: `nodewright apply {reader}` makes it"
                )));
            }
        };
        let once = seen.booting_from(device).map_err(Self::refused)?;
        if let Authority::Libvirt = authority {
            let title = format!("start {name} from {word}: virsh create");
            let part = OperationPart::new(reader, title, vec![power::started_from_content()]);
            plan.rounds = vec![Round::new(vec![part.with(once)], Goal::On)];
        } else {
            let Some(file) = self.file.as_deref() else {
                return Err(Self::refused(format!(
                    "{name} has no definition in a file, from which its manager could start it once otherwise"
                )));
            };
            let write = |title: String, text: String| {
                OperationPart::new(reader, title, vec![guest::written(file)]).with(text)
            };
            let first = write(format!("have {file} boot from {word}"), once);
            plan.rounds.insert(0, Round::new(vec![first], Goal::Any));
            let last = write(format!("have {file} as it was"), seen.definition());
            let mut last = Round::new(vec![last], Goal::On);
            last.always = true;
            plan.rounds.push(last);
        }
        plan.operation.notes.push(format!(
            "It boots from {word} until it is off: a reboot from inside does so too. `nodewright guest restart {name}` \
             ends that."
        ));
        Ok(())
    }

    /// The round that starts it; `again` is the node that it is stopped on before.
    fn start(&self, look: &Look, again: Option<&str>) -> Result<Round, Ending> {
        let subject = &self.subject;
        let (name, home) = (&subject.name, &subject.home);
        let within = self.starts_within();
        let parts = match subject.authority(look)? {
            Authority::Pacemaker {
                actor,
                one,
                failures,
                ..
            } => {
                if !one.disabled && again.is_none() {
                    let why = match failures.as_slice() {
                        [] => "`nodewright status` says what is missing".to_owned(),
                        all => {
                            let all: Vec<&str> = all.iter().map(|f| f.as_str()).collect();
                            format!(
                                "{}; once the cause is mended, `nodewright run {actor} -- crm_resource --cleanup --resource {}` has it tried again",
                                all.join("; "),
                                one.name
                            )
                        }
                    };
                    return Err(Self::refused(format!(
                        "nobody stopped {name}, and Pacemaker does not run it: {why}"
                    )));
                }
                let title = format!("have Pacemaker run {}", one.name);
                vec![
                    OperationPart::new(actor, title, vec![cib::enabled(&one.name, true)]),
                    settle(actor, within),
                ]
            }
            Authority::Rgmanager { actor, service } => {
                let service_name = &service.name;
                let runs =
                    |node: &str| look.sights.get(node).is_some_and(|s| s.managed().is_some());
                let on = match again {
                    Some(node) => node,
                    None if runs(home) => home,
                    None if subject.failover => actor,
                    None => {
                        return Err(Self::refused(format!(
                            "{name} lives on {home} alone, and rgmanager does not run there"
                        )));
                    }
                };
                let mut parts = Vec::new();
                // Only from this state lets rgmanager a failed service go on.
                if service.role == "FAILED" && again.is_none() {
                    let title = format!("clear the failure of {service_name}: clusvcadm -d");
                    let calls = vec![disable(service_name, within)];
                    parts.push(OperationPart::new(actor, title, calls));
                }
                let title = format!("enable {service_name} on {on}: clusvcadm -e");
                let calls = vec![enable(service_name, on, within)];
                parts.push(OperationPart::new(actor, title, calls));
                parts
            }
            Authority::Libvirt => {
                let sight = look.sights.get(home).and_then(|s| s.hypervisor.as_ref());
                let defined = sight.is_some_and(|seen| {
                    let guests = seen.as_ref().map(|seen| &seen.guests);
                    guests.is_ok_and(|guests| guests.contains_key(name))
                });
                if !defined {
                    return Err(Self::refused(format!(
                        "libvirt on {home} does not know {name}: `nodewright apply {home}` defines it"
                    )));
                }
                let title = format!("start {name}: virsh start");
                vec![OperationPart::new(home, title, vec![power::started(name)])]
            }
        };
        Ok(Round::new(parts, Goal::On))
    }

    /// The plan of a stop.
    pub(super) fn decide_stop(&self, look: &Look, now: bool) -> Result<GuestPlan, Ending> {
        let subject = &self.subject;
        let name = &subject.name;
        let found = subject.whereabouts(look);
        let on = subject.place(&found)?.map(|(node, _)| node.as_str());
        if on.is_none() {
            subject.known(&found)?;
        }
        let authority = subject.authority(look)?;
        if on.is_none() {
            let kept_off = match &authority {
                Authority::Pacemaker { one, .. } => one.disabled,
                Authority::Rgmanager { service, .. } => service.role == "disabled",
                Authority::Libvirt => true,
            };
            if kept_off {
                return Err(Ending::nothing(subject.words(look)));
            }
        }
        let mut plan = GuestPlan::default();
        if on.is_some() {
            let what = if now {
                "its power is cut: what it has not written to its disks is lost"
            } else {
                "is shut down: an outage"
            };
            plan.operation.effects.push(interrupted(name, what));
        }
        plan.rounds = self.stop(&authority, on, now, &mut plan.operation.notes)?;
        Ok(plan)
    }

    /// The rounds that stop it.
    fn stop(
        &self,
        authority: &Authority<'_>,
        on: Option<&str>,
        now: bool,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Round>, Ending> {
        let name = &self.subject.name;
        let cut = |node: &str| {
            let title = format!("cut the power of {name}: virsh destroy");
            OperationPart::new(node, title, vec![power::cut(name)])
        };
        let mut rounds = Vec::new();
        match authority {
            Authority::Pacemaker { actor, one, .. } => {
                let within = self.stops_within(true);
                let title = format!("have Pacemaker keep {} stopped", one.name);
                let calls = vec![cib::enabled(&one.name, false)];
                let first = OperationPart::new(actor, title, calls);
                if let Some(node) = on.filter(|_| now) {
                    // Pacemaker is told first, so it takes the end of the guest for what it was told.
                    rounds.push(Round::new(vec![first], Goal::Any));
                    let parts = vec![cut(node), settle(actor, within)];
                    rounds.push(Round::new(parts, Goal::Off));
                } else {
                    let parts = vec![first, settle(actor, within)];
                    rounds.push(Round::new(parts, Goal::Off));
                    notes.push(format!(
                        "It is asked by ACPI. Where it has not shut down shortly before its agent's time is over, the agent cuts \
                         its power; {within} s at most."
                    ));
                }
                notes.push(format!(
                    "It stays off until `nodewright guest start {name}`."
                ));
            }
            Authority::Rgmanager { actor, service } => {
                if now {
                    return Err(Ending::refused(
                        Exit::Usage,
                        format!(
                            "rgmanager stops {} by its own agent, which cuts the power once its time is over: leave out --now",
                            service.name
                        ),
                    ));
                }
                let within = self.stops_within(true);
                let title = format!("disable {}: clusvcadm -d", service.name);
                let calls = vec![disable(&service.name, within)];
                let part = OperationPart::new(actor, title, calls);
                rounds.push(Round::new(vec![part], Goal::Off));
                notes.push(format!(
                    "It stays off until `nodewright guest start {name}`."
                ));
            }
            Authority::Libvirt => {
                let Some(node) = on else { return Ok(rounds) };
                if now {
                    rounds.push(Round::new(vec![cut(node)], Goal::Off));
                } else {
                    let within = self.stops_within(false);
                    let ask = format!("ask {name} to shut down: virsh shutdown (ACPI)");
                    let wait = format!("wait until {name} is off, {within} s at most");
                    let parts = vec![
                        OperationPart::new(node, ask, vec![power::asked_to_stop(name)]),
                        OperationPart::new(node, wait, vec![power::off_within(name, within)]),
                    ];
                    rounds.push(Round::new(parts, Goal::Off));
                }
            }
        }
        Ok(rounds)
    }

    /// The plan of a restart: off and on, where it runs.
    pub(super) fn decide_restart(&self, look: &Look) -> Result<GuestPlan, Ending> {
        let subject = &self.subject;
        let name = &subject.name;
        let found = subject.whereabouts(look);
        subject.known(&found)?;
        let Some((on, _)) = subject.place(&found)? else {
            return Err(Self::refused(format!(
                "{name} is off: `nodewright guest start {name}` starts it"
            )));
        };
        let mut plan = GuestPlan::default();
        let effect = interrupted(name, "is shut down and started: an outage");
        plan.operation.effects.push(effect);
        let authority = subject.authority(look)?;
        plan.rounds = self.stop(&authority, Some(on), false, &mut Vec::new())?;
        plan.rounds.push(self.start(look, Some(on))?);
        let broken = format!(
            "Where this is broken off in between, it stays off: `nodewright guest start {name}` starts it."
        );
        plan.operation.notes.push(broken);
        Ok(plan)
    }
}

/// Waits until the cluster has nothing left to do.
pub(super) fn settle(actor: &str, within: u64) -> OperationPart {
    let title = format!("wait until the cluster has nothing left to do, {within} s at most");
    OperationPart::new(actor, title, vec![cib::settled(within)])
}
