//! A node's membership in its cluster: formed where every member proves that there was none, configuration taken up by
//! what runs, and taken down where a change needs that and the operator allowed it.
//!
//! Facts: docs/facts/membership.md#starting-together, docs/facts/membership.md#state-of-the-membership,
//! docs/facts/services.md#start-order-of-cluster-services.

mod cluster_conf;
mod cman;
mod corosync;
mod seen;
mod structure;
#[cfg(test)]
mod tests;

pub use cluster_conf::ClusterConfKind;
pub use seen::Seen;

use self::corosync::Takes;
use self::seen::{ADDRESSES, DOMAIN, LINKS, MAP, NAMES, OWN};
use crate::kind::{
    Answer, Circumstances, Delta, Depends, Kind, Observable, Observe, Running, Runs, Target,
    Verdict,
};
use crate::platform::Manager;
use crate::sh::Call;
use crate::shell::{SERVICE, Shell, TRACES};
use crate::text::Text;
use std::collections::BTreeMap;

/// The call that has cman fence a member, by the methods of cluster.conf (docs/facts/fencing.md#fencing-on-request).
pub fn fence(node: &str) -> Call {
    Call::new("timeout").args(["300", "fence_node", node])
}

/// The call that declares a member to be off to cman's fence domain, on a member that is left.
pub fn is_off(node: &str) -> Call {
    Call::new("nw_membership_off").arg(node)
}

/// The calls that stop these services on a member, in order, where they run.
pub fn stopped(services: &[&str]) -> Vec<Call> {
    let stop = |service: &&str| Call::new("nw_membership_stop").arg(*service);
    services.iter().map(stop).collect()
}

/// The calls that have a member join its cluster, of members with these numbers, and wait until all are in it.
pub fn joined(manager: Manager, ids: &[u32]) -> Vec<Call> {
    let stack = match manager {
        Manager::Pacemaker => DaemonStack::Corosync,
        Manager::Rgmanager => DaemonStack::Cman,
    };
    stack.join(ids, patience()).to_vec()
}

/// The call that starts corosync, and waits for no other member.
pub fn begun() -> Call {
    Call::new("nw_service_do").args(["start", "corosync"])
}

/// The calls that have a lone member count without having seen the other one, and wait until it does
/// (docs/facts/membership.md#starting-alone).
pub fn alone() -> [Call; 2] {
    let key = ["-s", "quorum.cancel_wait_for_all", "u8", "1"];
    let quorate = waits(
        60,
        "a quorum without the other member",
        &corosync::whole(&[]),
    );
    [
        Call::new("corosync-cmapctl").args(key),
        quorate.args(["nw_membership_state", "corosync"]),
    ]
}

/// The calls that have a member of cman join its fence domain, and wait until all of so many members are in it.
pub fn domain(members: usize) -> Vec<Call> {
    enter_domain(members, patience()).to_vec()
}

/// `membership = "joined"`.
pub struct MembershipKind;

/// The keys of a step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The part of the work that the step does.
    membership: Duty,
    /// The cluster stack.
    stack: DaemonStack,
    /// Its version as the site declares it: `3.1`. It decides what a running daemon takes up.
    #[serde(default)]
    version: String,
    /// The configuration; the running one is compared with it.
    #[serde(default)]
    content: Text,
    /// The path of the configuration.
    #[serde(default)]
    config: String,
    /// The path of the members' key.
    #[serde(default)]
    key: String,
    /// All members.
    members: Vec<MemberWant>,
    /// The zone of the ring, where the names of all members and their addresses there are to lead to each other.
    #[serde(default)]
    ring: String,
    /// Services that depend on the membership, in the order in which they stop.
    #[serde(default)]
    above: Vec<String>,
    /// The time that the members may take to find each other, seconds.
    #[serde(default = "patience")]
    patience: u32,
}

/// One member.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
struct MemberWant {
    /// Its name.
    name: String,
    /// Its number.
    #[serde(rename = "host_id")]
    id: u32,
    /// Its address in each zone.
    #[serde(default)]
    address: BTreeMap<String, String>,
}

/// The duty of a membership step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Duty {
    /// A configuration that the running cluster cannot take up is not written while it runs: all members go down for
    /// it, with the operator's permit.
    Stopped,
    /// The running cluster takes up a configuration that is written.
    Reloaded,
    /// The node is a member.
    Joined,
    /// The node is in the fence domain (cman).
    Fencing,
    /// No duty: the state of the cluster is only observed.
    Watched,
}

/// The cluster stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DaemonStack {
    /// cman of EL6.
    Cman,
    /// corosync 2 or 3.
    Corosync,
}

fn patience() -> u32 {
    120
}

/// The rest of cman's start, once all are members.
fn enter_domain(members: usize, patience: u32) -> [Call; 2] {
    let start = Call::new("nw_service_do").args(["start", "cman"]);
    let patterns = cman::whole_domain(members);
    let domain = waits(patience, "a fence domain of all members", &patterns);
    [start, domain.args(["fence_tool", "ls"])]
}

/// Waits so many seconds for an output with a line of each of these patterns; the command whose output it is follows.
fn waits(patience: u32, what: &str, patterns: &[String]) -> Call {
    let wait = Call::new("nw_await").arg(patience.to_string()).arg(what);
    wait.args(["nw_shows", patterns.join("\n").as_str()])
}

impl Duty {
    fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Reloaded => "reloaded",
            Self::Joined => "joined",
            Self::Fencing => "fencing",
            Self::Watched => "watched",
        }
    }
}

impl DaemonStack {
    fn word(self) -> &'static str {
        match self {
            Self::Cman => "cman",
            Self::Corosync => "corosync",
        }
    }

    /// The calls that start it, and wait until all members are in a quorate cluster.
    fn join(self, ids: &[u32], patience: u32) -> [Call; 2] {
        let stack = self.word();
        let start = Call::new("nw_service_do").args(["start", stack]);
        let (start, patterns) = match self {
            // Starts without the fence daemons: where the peer does not come up, no member is fenced.
            Self::Cman => (start.arg("join"), cman::whole(ids)),
            Self::Corosync => (start, corosync::whole(ids)),
        };
        let whole = waits(patience, "a quorate cluster of all members", &patterns);
        [start, whole.args(["nw_membership_state", stack])]
    }

    /// The command that starts it on a node.
    fn start(self) -> &'static str {
        match self {
            Self::Cman => "service cman start",
            Self::Corosync => "systemctl start corosync",
        }
    }
}

/// The differences of the running configuration from the desired one.
#[derive(Default)]
struct Differs {
    reload: Vec<Delta>,
    outage: Vec<Delta>,
    restart: Vec<Delta>,
}

impl Want {
    /// The points in which a running daemon differs. `key`: its key is about to change.
    fn differs(&self, seen: &Seen, key: bool) -> Differs {
        let mut differs = Differs::default();
        if !seen.running {
            return differs;
        }
        match self.stack {
            DaemonStack::Corosync => {
                let wanted = corosync::keys(self.content.as_marked());
                for (key, from, to) in corosync::differences(&wanted, &seen.map) {
                    let list = match corosync::takes(&key, &self.version) {
                        Takes::Reload => &mut differs.reload,
                        Takes::Outage => &mut differs.outage,
                        Takes::Restart => &mut differs.restart,
                    };
                    list.push(Delta::new(key, from, to));
                }
            }
            DaemonStack::Cman => {
                let wanted = cman::public_tags(&cman::canonical(self.content.as_marked()));
                for (element, from, to) in cman::differences(&seen.tags, &wanted, &cman::OUTAGE) {
                    differs.outage.push(Delta::new(element, from, to));
                }
                if let (Some(running), Some(file)) = (seen.running_version, seen.version)
                    && running != file
                {
                    let delta = Delta::new("config_version", running.to_string(), file.to_string());
                    differs.reload.push(delta);
                }
            }
        }
        if key || seen.key {
            let takes = self.stack == DaemonStack::Corosync && corosync::takes_key(&self.version);
            let list = if takes {
                &mut differs.reload
            } else {
                &mut differs.outage
            };
            list.push(Delta::new(&self.key, "another key", "the site's"));
        }
        differs
    }

    /// The verdict; `key` and `config` are whether these files are about to be written.
    fn judge(&self, seen: &Seen, target: &Target, key: bool, config: bool) -> Verdict {
        let mut differs = self.differs(seen, key);
        match self.membership {
            Duty::Watched => Verdict::Same,
            Duty::Stopped if differs.outage.is_empty() => Verdict::Same,
            Duty::Stopped => Verdict::Outage {
                deltas: differs.outage,
                why: format!(
                    "what runs of {} does not take it up, and members of which one has it and the other has not no longer \
                     hear or count each other",
                    self.stack.word()
                ),
            },
            Duty::Reloaded if !differs.outage.is_empty() => Verdict::Same,
            Duty::Reloaded => {
                if config
                    && self.stack == DaemonStack::Cman
                    && seen.running
                    && differs.reload.is_empty()
                {
                    let from = seen
                        .running_version
                        .map_or(String::new(), |v| v.to_string());
                    differs
                        .reload
                        .push(Delta::new("config_version", from, "the file's"));
                }
                if !differs.reload.is_empty() {
                    Verdict::Change(differs.reload)
                } else if differs.restart.is_empty() {
                    Verdict::Same
                } else {
                    let keys: Vec<&str> = differs.restart.iter().map(|d| d.what.as_str()).collect();
                    Verdict::Finding {
                        what: format!("corosync owes a restart for {}", keys.join(", ")),
                        remedy: format!(
                            "one member after the other, once what leans on it was moved away: `nodewright run {} -- \
                             systemctl restart corosync`",
                            target.node
                        ),
                    }
                }
            }
            Duty::Joined | Duty::Fencing if !differs.outage.is_empty() => Verdict::After {
                what: "the members are down".to_owned(),
                table: "all members taken down by this run: up again; anything else: reported"
                    .to_owned(),
            },
            Duty::Joined => self.join(seen, target),
            Duty::Fencing => self.fence(seen, target),
        }
    }

    fn join(&self, seen: &Seen, target: &Target) -> Verdict {
        let finished = self.stack == DaemonStack::Corosync;
        if seen.running && seen.quorate {
            let missing = seen.missing.join(", ");
            return if !seen.due {
                Verdict::Same
            } else if missing.is_empty() && finished {
                Verdict::Form(vec![Delta::new("forming", "begun", "finished")])
            } else if !missing.is_empty() && self.in_the_way(seen, target).is_none() {
                // It came up first, or alone: it waits for the others once more.
                Verdict::Form(vec![Delta::new("missing", missing, "")])
            } else {
                Verdict::Same
            };
        }
        match self.in_the_way(seen, target) {
            None => {
                let from = if seen.running { "not quorate" } else { "no" };
                Verdict::Form(vec![Delta::new("member", from, "yes")])
            }
            Some(_) if seen.running => Verdict::Finding {
                what: format!(
                    "{} runs here and is not quorate; missing: {}",
                    self.stack.word(),
                    seen.missing.join(", ")
                ),
                remedy: format!(
                    "`nodewright run NODE -- {}` on the members that are out, once you know why they are",
                    self.stack.start()
                ),
            },
            Some(why) => Verdict::Finding {
                what: format!("{} is not in the cluster; {why}", target.node),
                remedy: format!(
                    "once you know why it is out: `nodewright run {} -- {}`",
                    target.node,
                    self.stack.start()
                ),
            },
        }
    }

    fn fence(&self, seen: &Seen, target: &Target) -> Verdict {
        if seen.domain == "whole" {
            return if seen.due {
                Verdict::Form(vec![Delta::new("forming", "begun", "finished")])
            } else {
                Verdict::Same
            };
        }
        match self.in_the_way(seen, target) {
            None if seen.running && seen.missing.is_empty() => {
                Verdict::Form(vec![Delta::new("fence domain", &seen.domain, "whole")])
            }
            None => Verdict::After {
                what: "all are members".to_owned(),
                table: "all members joined: join the fence domain; anything else: nobody joins it, so nobody is shot"
                    .to_owned(),
            },
            Some(_) => Verdict::Finding {
                what: format!("the fence domain is {}", seen.domain),
                remedy: format!("`nodewright run {} -- {}`", target.node, self.stack.start()),
            },
        }
    }

    /// The reason why this is not the forming of a cluster; `None` where every member is blank, or takes part in it
    /// already.
    fn in_the_way(&self, seen: &Seen, target: &Target) -> Option<String> {
        for member in &self.members {
            let name = &member.name;
            let (running, due, traces) = if *name == target.node {
                (seen.running, seen.due, &seen.traces)
            } else {
                match seen.peers.get(name).and_then(Option::as_ref) {
                    Some(peer) => (peer.running, peer.due, &peer.traces),
                    None => {
                        return Some(format!(
                            "{name} was not observed or did not answer, so nothing proves that there is no cluster yet"
                        ));
                    }
                }
            };
            match (due, running, traces.first()) {
                (true, ..) | (false, false, None) => {}
                (_, true, _) if *name != target.node => return Some(format!("{name} is in it")),
                (_, true, _) => return Some("others are missing".to_owned()),
                (_, _, Some(trace)) => {
                    return Some(format!("{name} was a member before ({trace})"));
                }
            }
        }
        None
    }
}

impl Want {
    /// The calls for this node's part of the work. Work that every member does at the same time is marked until it is
    /// done.
    ///
    /// A member waits for the others inside its batch, which goes on where the connection is lost, so this side cannot
    /// be asked meanwhile. The shell only matches lines: the patterns of the lines that mean a whole cluster are given
    /// from here.
    fn calls(&self) -> Vec<Call> {
        const DUE: &str = "membership/due";
        let call = |program| Call::new(program);
        let stack = self.stack.word();
        let mut calls = Vec::new();
        match self.membership {
            Duty::Watched => {}
            Duty::Stopped => {
                let above = self.above.iter().cloned();
                calls.push(call("nw_membership_leave").args(above).arg(stack));
            }
            // All members have the file by now, so one reload reaches all of them, from any member.
            Duty::Reloaded => {
                calls.push(match self.stack {
                    DaemonStack::Cman => call("cman_tool").args(["version", "-r", "-S"]),
                    DaemonStack::Corosync => call("corosync-cfgtool").arg("-R"),
                });
                calls.push(call("nw_unmark").arg("membership/key"));
            }
            Duty::Joined => {
                calls.push(call("nw_mark").arg(DUE));
                let ids: Vec<_> = self.members.iter().map(|m| m.id).collect();
                calls.extend(self.stack.join(&ids, self.patience));
                if self.stack == DaemonStack::Corosync {
                    calls.push(call("nw_unmark").arg(DUE));
                }
            }
            Duty::Fencing => {
                calls.extend(enter_domain(self.members.len(), self.patience));
                calls.push(call("nw_unmark").arg(DUE));
            }
        }
        calls
    }
}

impl Kind for MembershipKind {
    const NAME: &'static str = "membership";
    const DOC: &'static str = "A node's membership in its cluster (cman, corosync): formed where every member proves that there was none, a \
         configuration that differs taken up where what runs can, and what needs all members down refused without \
         `--outage`. A node that is out stays out: it is reported.";
    // The folder membership/ holds the kind's marks: "due", with the boot it was written in, while this node takes part
    // in forming the cluster, or was taken down by us and has to come up again; "key" while a running daemon has
    // another key than its file.
    const SHELL: Shell = Shell::new(include_str!("membership.sh")).needing(&[SERVICE, TRACES]);
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        shared: &[OWN],
        compare: Self::compare,
        health: |_, seen| seen.unhealthy(),
        compare_written: Some(Self::compare_written),
        before_write: Self::before_write,
        actions: Self::actions,
        title: Some(Self::title),
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.membership.word().to_owned()
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        if want.membership == Duty::Fencing && want.stack != DaemonStack::Cman {
            return Err("corosync has no fence domain of its own: `fencing` is of cman".to_owned());
        }
        if !want.members.iter().any(|m| m.name == target.node) {
            return Err(format!("{} is not among the members", target.node));
        }
        if want.membership == Duty::Watched {
            return Ok(());
        }
        let needed = [
            ("version", want.version.is_empty()),
            ("content", want.content.as_marked().is_empty()),
            ("config", want.config.is_empty()),
            ("key", want.key.is_empty()),
        ];
        if let Some((key, _)) = needed.iter().find(|(_, missing)| *missing) {
            return Err(format!(
                "`{key}` is missing: only what is `watched` goes without"
            ));
        }
        if want.stack == DaemonStack::Cman && cman::with_version(&want.content, 1).is_none() {
            return Err("`content` has no `config_version` to be set".to_owned());
        }
        Ok(())
    }

    fn depends(want: &Want, target: &Target) -> Depends {
        Depends {
            paths: Self::paths(want, target),
        }
    }
}

impl Observable for MembershipKind {
    type Seen = Seen;
}

impl MembershipKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let Some(want) = wants.first() else {
            return;
        };
        let word = want.stack.word();
        // A frozen cluster may not answer, nor a name server that is gone.
        observe.slow_section(OWN, Call::new("nw_membership_seen").arg(word));
        if let Some(want) = wants.iter().find(|want| !want.ring.is_empty()) {
            let resolve = || Call::new("getent").arg("hosts");
            let names = want.members.iter().map(|m| m.name.clone());
            observe.slow_section(NAMES, resolve().args(names));
            let addresses = want
                .members
                .iter()
                .filter_map(|m| m.address.get(&want.ring));
            observe.slow_section(ADDRESSES, resolve().args(addresses.cloned()));
        }
        match want.stack {
            DaemonStack::Corosync => {
                observe.slow_section(MAP, Call::new("nw_membership_map"));
                observe.slow_section(LINKS, Call::new("corosync-cfgtool").arg("-s"));
            }
            DaemonStack::Cman => {
                if want.membership != Duty::Watched {
                    cluster_conf::observe(&want.config, observe);
                }
                observe.slow_section(DOMAIN, Call::new("fence_tool").args(["ls", "-n"]));
                observe.slow_section(LINKS, Call::new("corosync-cfgtool").arg("-s"));
            }
        }
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        Seen::read(want, &target.node, answer)
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        want.judge(seen, circumstances.target, false, false)
    }

    fn paths(want: &Want, _target: &Target) -> Vec<String> {
        match want.membership {
            // The content of the configuration is compared when it is written.
            Duty::Reloaded if want.stack == DaemonStack::Cman => vec![want.config.clone()],
            _ => vec![want.key.clone()],
        }
    }

    fn before_write(want: &Want, _seen: &Seen, _target: &Target) -> Vec<Call> {
        match (want.membership, want.stack) {
            (Duty::Reloaded, DaemonStack::Corosync) => vec![Call::new("nw_membership_other_key")],
            _ => Vec::new(),
        }
    }

    fn compare_written(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let config = want.membership == Duty::Reloaded && want.stack == DaemonStack::Cman;
        want.judge(seen, circumstances.target, !config, config)
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().flat_map(|(want, _)| want.calls());
        calls.collect()
    }

    fn title(names: &str, _deltas: &[Delta]) -> String {
        match names {
            "stopped" => "leave the cluster, for an outage of all members",
            "reloaded" => "have what runs take its configuration up",
            "fencing" => "join the fence domain",
            _ => "join the cluster",
        }
        .to_owned()
    }
}
