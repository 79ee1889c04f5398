//! Moving a guest to another member: verified before, bound to its target until it is there, and seen to stay.
//!
//! Facts: docs/facts/guests.md#migration, docs/facts/guests.md#power.

use super::power::settle;
use super::{
    Authority, Ending, Goal, GuestOperation, GuestPlan, Look, OperationPart, Round, interrupted,
};
use crate::exit::Exit;
use crate::kinds::cluster::cib::{self, Movable};
use crate::kinds::cluster::resource_manager::relocate;
use crate::run::{Effect, Fate};
use crate::text::size;

impl GuestOperation {
    /// That the target of a move is a member, and that there is one.
    pub(super) fn check_target(&self) -> Result<(), String> {
        let super::Action::Migrate { to, .. } = &self.action else {
            return Ok(());
        };
        let (subject, members) = (&self.subject, &self.subject.cluster.members);
        let name = &subject.name;
        if !subject.clustered {
            return Err(format!(
                "{name} lives on {}, which is no member of a cluster: it moves nowhere",
                subject.home
            ));
        }
        match to {
            Some(to) if !members.contains(to) => Err(format!(
                "`{to}` is no member of the cluster: its members are {}",
                members.join(", ")
            )),
            None if members.len() != 2 => Err(format!(
                "name the member that {name} is to move to: {}",
                members.join(", ")
            )),
            _ => Ok(()),
        }
    }

    /// The plan of a move.
    pub(super) fn decide_migrate(
        &self,
        look: &Look,
        to: Option<&str>,
        outage: bool,
    ) -> Result<GuestPlan, Ending> {
        let subject = &self.subject;
        let name = &subject.name;
        let refused = |what: String| Ending::refused(Exit::Findings, what);
        let found = subject.whereabouts(look);
        let place = subject.place(&found)?;
        if place.is_none() {
            subject.known(&found)?;
        }
        let Some((source, state)) = place else {
            return Err(refused(format!(
                "{name} is off: `nodewright guest start {name}` starts it where it belongs"
            )));
        };
        let mut members = subject.cluster.members.iter();
        let other = members.find(|m| *m != source).map(String::as_str);
        let target = to.or(other).unwrap_or(source);
        if target == source {
            return Err(Ending::nothing(subject.words(look)));
        }
        subject.known(&found)?;
        if state == "paused" {
            return Err(refused(format!(
                "{name} is paused on {source}: `nodewright run {source} -- virsh resume {name}` lets it go on"
            )));
        }
        let authority = subject.authority(look)?;
        let live = match &authority {
            Authority::Pacemaker { one, .. } => subject.live && one.live,
            Authority::Rgmanager { .. } => subject.live,
            Authority::Libvirt => {
                return Err(refused(format!(
                    "{name} lives on {} alone: its disks are there",
                    subject.home
                )));
            }
        };
        look.all_fit([target.to_owned()].iter(), source, false)?;
        let mut reasons = self.unfit(look, source, target, live);
        if let Authority::Pacemaker { one, .. } = &authority {
            reasons.extend(bound_elsewhere(one, source, target));
        }
        if !reasons.is_empty() {
            return Err(refused(reasons.join("; ")));
        }
        if !live && !outage {
            return Err(refused(format!(
                "{name} does not move live: with --outage it is stopped on {source} and started on {target}"
            )));
        }
        let mut plan = GuestPlan::default();
        plan.operation.effects.push(if live {
            Effect {
                name: name.clone(),
                how: Fate::Live,
                what: format!("moves live from {source} to {target}"),
            }
        } else {
            interrupted(
                name,
                format!("is stopped on {source} and started on {target}: an outage"),
            )
        });
        let within = self.starts_within();
        let goal = Goal::OnNode(target.to_owned());
        plan.rounds = match authority {
            Authority::Pacemaker { actor, one, .. } => {
                let mut parts = Vec::new();
                if !one.by_hand.is_empty() {
                    let title = format!("remove what was left by hand: {}", one.by_hand.join(", "));
                    let calls = vec![cib::cleared(&one.name)];
                    parts.push(OperationPart::new(actor, title, calls));
                }
                let title = format!("bind {} to {target} until it is there", one.name);
                let calls = vec![cib::returned(target, &[&one.name])];
                parts.push(OperationPart::new(actor, title, calls));
                parts.push(settle(actor, within));
                let title = format!("let {} go: it stays on {target} by itself", one.name);
                let calls = vec![cib::let_go_of(target, &one.name)];
                let last = vec![
                    OperationPart::new(actor, title, calls),
                    settle(actor, within),
                ];
                let mut last = Round::new(last, goal.clone());
                last.always = true;
                vec![Round::new(parts, goal), last]
            }
            Authority::Rgmanager { actor, service } => {
                let (verb, option) = if live {
                    ("migrate", "-M")
                } else {
                    ("relocate", "-r")
                };
                let title = format!("{verb} {} to {target}: clusvcadm {option}", service.name);
                let calls = vec![relocate(&service.name, target, live, within)];
                vec![Round::new(
                    vec![OperationPart::new(actor, title, calls)],
                    goal,
                )]
            }
            Authority::Libvirt => Vec::new(),
        };
        Ok(plan)
    }

    /// The reason why the target cannot take it: its definition, its disks, its memory, or the way of its memory there.
    fn unfit(&self, look: &Look, source: &str, target: &str, live: bool) -> Vec<String> {
        let subject = &self.subject;
        let name = &subject.name;
        let mut reasons = Vec::new();
        let Some(sight) = look.sights.get(target) else {
            return reasons;
        };
        match &sight.guest {
            Some(Ok(seen)) if !seen.mounted => reasons.push(format!(
                "the filesystem of its definition is not mounted on {target}"
            )),
            Some(Ok(seen)) if !seen.defined => {
                reasons.push(format!("{target} has no definition of {name}"));
            }
            Some(Err(why)) => reasons.push(format!("its definition on {target}: {why}")),
            _ => {}
        }
        // One that is stopped first may have disks that are only then to be had on the target.
        for (path, seen) in sight.images.iter().filter(|_| live) {
            match seen {
                Ok(seen) if !seen.is_there() => {
                    reasons.push(format!("{target} does not have its disk {path}"));
                }
                Err(why) => reasons.push(format!("its disk {path} on {target}: {why}")),
                Ok(_) => {}
            }
        }
        let memory = match &sight.hypervisor {
            Some(Ok(seen)) => seen.memory,
            _ => None,
        };
        match memory {
            Some(bytes) if bytes < subject.memory => reasons.push(format!(
                "{target} has {} of memory left, and {name} needs {}",
                size(bytes),
                size(subject.memory)
            )),
            None => reasons.push(format!("{target} does not say how much memory it has left")),
            Some(_) => {}
        }
        if let Some(sight) = look.sights.get(source).filter(|_| live) {
            let peer = sight.libvirt_peers.iter().find(|(peer, _)| peer == target);
            match peer {
                Some((_, Ok(seen))) if !seen.reached => reasons.push(format!(
                    "root of {source} does not reach libvirt on {target}: {}",
                    seen.error
                )),
                Some((_, Err(why))) => reasons.push(why.clone()),
                _ => {}
            }
        }
        reasons
    }
}

/// The reason why it would not be let onto the target, or would leave it again by itself. A constraint that was left by
/// hand is removed with the move.
fn bound_elsewhere(one: &Movable, source: &str, target: &str) -> Option<String> {
    let by_hand = |node: &str| {
        one.by_hand
            .iter()
            .any(|id| id.ends_with(&format!("-{node}")))
    };
    if one.kept_off.contains(target) && !by_hand(target) {
        return Some(format!("a constraint keeps {} off {target}", one.name));
    }
    let prefers = |node: &str| one.prefers.get(node).copied().unwrap_or(0);
    let (there, here) = (prefers(source), prefers(target) + one.stickiness);
    (there > here).then(|| {
        format!(
            "{0} would go back by itself: it prefers {source} by {there}, and stays on {target} by {here}; raise \
             `resource-stickiness` above that",
            one.name
        )
    })
}
