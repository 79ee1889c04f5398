//! The service that starts and stops a cluster's resources: Pacemaker, or rgmanager on EL6. Started while the cluster
//! is first formed; afterwards a member on which it is stopped, or that is in standby, is reported.
//!
//! Facts: docs/facts/resources.md#resource-managers.

use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observable, Observe, Running, Runs, Target, Verdict,
};
use crate::platform::Manager;
use crate::sh::Call;
use crate::shell::{SERVICE, Shell, TRACES};
use std::collections::BTreeMap;

/// `resource_manager = "pacemaker"`.
pub struct ResourceManagerKind;

/// The keys of a step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The resource manager.
    resource_manager: ManagerName,
    /// All members.
    members: Vec<String>,
    /// The time that it may take to start, seconds.
    #[serde(default = "patience")]
    patience: u32,
}

/// The resource managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ManagerName {
    /// Pacemaker, over corosync.
    Pacemaker,
    /// rgmanager, over cman.
    Rgmanager,
}

fn patience() -> u32 {
    120
}

impl ManagerName {
    fn word(self) -> &'static str {
        match self {
            Self::Pacemaker => "pacemaker",
            Self::Rgmanager => "rgmanager",
        }
    }

    fn start(self) -> &'static str {
        match self {
            Self::Pacemaker => "systemctl start pacemaker",
            Self::Rgmanager => "service rgmanager start",
        }
    }
}

/// The observed state.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether it runs on this node.
    pub running: bool,
    /// Members on which it does not run, as those see it that were asked.
    pub offline: Vec<String>,
    /// Members in standby.
    pub standby: Vec<String>,
    /// Members in an unknown state: they wait to be fenced.
    pub unclean: Vec<String>,
    /// Members whose controller is not in Pacemaker's group of processes, by corosync's own list.
    pub outside_group: Vec<String>,
    /// Fence devices that no member has started, of those that may start.
    pub devices_down: Vec<String>,
    /// Actions that failed and were not cleaned up: `fence_node1_ipmi_start_0 on node2: error`. Of rgmanager, services that
    /// failed: `vm:web, last on node1`.
    pub failures: Vec<String>,
    /// Services of rgmanager that are frozen: not watched, not started, not stopped, not taken over.
    pub frozen: Vec<String>,
    /// Attempts to fence that failed, and were not forgotten: `reboot of node2 by node1`.
    pub fencing_failed: Vec<String>,
    /// The resources that it manages, without fence devices, and where each runs.
    #[serde(skip)]
    pub places: Vec<ResourceState>,
    /// Its view of each member, as far as it has one.
    #[serde(skip)]
    pub sees: BTreeMap<String, View>,
    #[serde(skip)]
    own: MemberState,
    #[serde(skip)]
    peers: BTreeMap<String, Option<MemberState>>,
}

/// The place where a resource runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ResourceState {
    /// The resource.
    pub name: String,
    /// Its resource agent: `ocf:heartbeat:VirtualDomain`.
    pub agent: String,
    /// Its state: `Started`, `Stopped`, `Promoted`, `FAILED`.
    pub role: String,
    /// The members that it runs on.
    pub nodes: Vec<String>,
}

/// The way in which a member is seen by the resource manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Whether it is online.
    pub online: bool,
    /// Whether its state is unknown, so that it waits to be fenced.
    pub unclean: bool,
}

/// The call that declares a member to be off to Pacemaker, on a member that is left.
pub fn is_off(node: &str) -> Call {
    Call::new("timeout").args(["60", "stonith_admin", "--confirm", node])
}

/// The call that has Pacemaker fence a member: off and on. It ends once that is confirmed (docs/facts/fencing.md#fencing-on-request).
pub fn fence(node: &str) -> Call {
    Call::new("stonith_admin").args(["--reboot", node, "--timeout", "300"])
}

/// The call that freezes a service of rgmanager on the member that runs it, or lets it go on.
pub fn freeze(service: &str, on: bool) -> Call {
    Call::new("timeout").args(["60", "clusvcadm", if on { "-Z" } else { "-U" }, service])
}

/// The call that stops a service of rgmanager, keeps it stopped while rgmanager runs, and waits for that.
pub fn disable(service: &str, seconds: u64) -> Call {
    clusvcadm(seconds, ["-d", service])
}

/// The service by which rgmanager runs a guest.
pub fn guest_service(guest: &str) -> String {
    format!("vm:{guest}")
}

/// The call that has rgmanager start a service on a member, and waits for it.
pub fn enable(service: &str, member: &str, within: u64) -> Call {
    clusvcadm(within, ["-e", service, "-m", member])
}

/// The call that has rgmanager move a guest to a member, live or by stop and start, and waits for it.
pub fn relocate(service: &str, member: &str, live: bool, within: u64) -> Call {
    let verb = if live { "-M" } else { "-r" };
    clusvcadm(within, [verb, service, "-m", member])
}

fn clusvcadm<const N: usize>(within: u64, words: [&str; N]) -> Call {
    let call = Call::new("timeout").args([within.to_string(), "clusvcadm".to_owned()]);
    call.args(words)
}

/// The calls that start the resource manager on a member.
pub fn started(manager: Manager) -> Vec<Call> {
    let manager = match manager {
        Manager::Pacemaker => ManagerName::Pacemaker,
        Manager::Rgmanager => ManagerName::Rgmanager,
    };
    manager.starts(patience()).to_vec()
}

/// A member's own state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct MemberState {
    running: bool,
    due: bool,
    traces: Vec<String>,
}

const OWN: &str = "resource_manager";
const NODES: &str = "resource_manager.nodes";
const GROUPS: &str = "resource_manager.groups";

/// The group of processes in which Pacemaker's controllers of all members are. Pacemaker counts the zero byte at its
/// end as part of the name, and corosync-cpgtool spells it out.
const CONTROLLERS: [&str; 2] = ["crmd\\x00", "crmd"];

impl MemberState {
    fn read(text: &str) -> Self {
        let has_line = |line: &str| text.lines().any(|l| l == line);
        let traces = text.lines().filter_map(|l| l.strip_prefix("trace "));
        Self {
            running: has_line("running"),
            due: has_line("due"),
            traces: traces.map(str::to_owned).collect(),
        }
    }
}

/// The value of an attribute in a line of XML.
fn attribute<'a>(line: &'a str, key: &str) -> &'a str {
    let begin = format!(" {key}=\"");
    let rest = line.split_once(&begin).map(|(_, rest)| rest);
    let value = rest.and_then(|rest| rest.split_once('"'));
    value.map_or("", |(value, _)| value)
}

/// The messages that `tell` makes of the lines that begin with `head`.
fn told(text: &str, head: &str, tell: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with(head));
    lines.filter_map(tell).collect()
}

/// The fence devices that no member has started. One that somebody stopped or disabled on purpose is
/// `target_role="Stopped"`.
fn down(text: &str) -> Vec<String> {
    let mut devices = told(text, "<resource ", |line| {
        let wanted = attribute(line, "target_role") != "Stopped";
        let fences = attribute(line, "resource_agent").starts_with("stonith:");
        (fences && wanted).then(|| attribute(line, "id").to_owned())
    });
    let started = told(text, "<resource ", |line| {
        let up = attribute(line, "role") == "Started" && attribute(line, "failed") != "true";
        up.then(|| attribute(line, "id").to_owned())
    });
    devices.retain(|device| !started.contains(device));
    devices
}

/// The services of rgmanager: where each runs, or how it is where it does not run.
fn services(text: &str) -> Vec<ResourceState> {
    let lines = text.lines().filter(|line| line.starts_with("<group "));
    let place = |line| {
        let name = attribute(line, "name");
        let role = match attribute(line, "state_str") {
            "started" => "Started",
            "stopped" => "Stopped",
            "failed" => "FAILED",
            other => other,
        };
        let owner = Some(attribute(line, "owner")).filter(|o| !["none", "unknown", ""].contains(o));
        ResourceState {
            name: name.to_owned(),
            agent: name.split(':').next().unwrap_or_default().to_owned(),
            role: role.to_owned(),
            nodes: owner.map(str::to_owned).into_iter().collect(),
        }
    };
    lines.map(place).collect()
}

/// The resources besides fence devices, each once. The line of an instance is followed by a line for each member that
/// it runs on.
fn places(text: &str) -> Vec<ResourceState> {
    let mut places: Vec<ResourceState> = Vec::new();
    let mut current = None;
    for line in text.lines() {
        if line.starts_with("<resource ") {
            let agent = attribute(line, "resource_agent");
            if agent.starts_with("stonith:") {
                current = None;
                continue;
            }
            let role = match attribute(line, "failed") {
                "true" => "FAILED",
                _ => attribute(line, "role"),
            };
            let name = attribute(line, "id");
            let known = places.iter().position(|p| p.name == name && p.role == role);
            current = Some(known.unwrap_or_else(|| {
                places.push(ResourceState {
                    name: name.to_owned(),
                    agent: agent.to_owned(),
                    role: role.to_owned(),
                    nodes: Vec::new(),
                });
                places.len() - 1
            }));
        } else if line.starts_with("<node ")
            && line.contains(" cached=\"")
            && let Some(at) = current
        {
            places[at].nodes.push(attribute(line, "name").to_owned());
        }
    }
    for place in &mut places {
        place.nodes.sort();
    }
    places
}

impl ManagerName {
    /// The calls that start it, and wait until it is ready.
    fn starts(self, patience: u32) -> [Call; 2] {
        let word = self.word();
        let ready = Call::new("nw_await").arg(patience.to_string());
        let ready = ready.arg(format!("a {word} that is ready"));
        [
            Call::new("nw_service_do").args(["start", word]),
            ready.args(self.ready().iter().copied()),
        ]
    }

    /// The command that succeeds on the node once it is ready, which the node waits for inside its batch.
    fn ready(self) -> &'static [&'static str] {
        match self {
            Self::Rgmanager => &["nw_service_runs", "rgmanager"],
            // Once Pacemaker has decided (docs/facts/resources.md#resource-managers).
            Self::Pacemaker => &[
                "nw_shows",
                "^<cib .*dc-uuid=",
                "cibadmin",
                "--query",
                "--local",
            ],
        }
    }
}

impl Want {
    /// The reason why this tool does not start it; `None` where no member ever had it, or all members form the cluster.
    fn in_the_way(&self, seen: &Seen, target: &Target) -> Option<String> {
        self.members.iter().find_map(|name| {
            let state = if *name == target.node {
                &seen.own
            } else {
                match seen.peers.get(name).and_then(Option::as_ref) {
                    Some(state) => state,
                    None => {
                        return Some(format!(
                            "{name} was not observed or did not answer, so nothing proves that it never ran"
                        ));
                    }
                }
            };
            match (state.due, state.traces.first()) {
                (false, Some(trace)) => Some(format!("it ran on {name} before ({trace})")),
                (false, None) if state.running => Some(format!("it runs on {name}")),
                (true, _) | (false, None) => None,
            }
        })
    }
}

impl Kind for ResourceManagerKind {
    const NAME: &'static str = "resource_manager";
    const DOC: &'static str = "Pacemaker or rgmanager on a member: started while the cluster is first formed, and after an outage of this \
         tool's. One that is stopped otherwise, and a member in standby, are reported.";
    // The folder resource_manager/ holds the kind's marks: "due", with the boot it was written in, while this node
    // takes part in forming the cluster, or was taken down by us and has to come up again; "started" once it was
    // started by us.
    const SHELL: Shell =
        Shell::new(include_str!("resource_manager.sh")).needing(&[SERVICE, TRACES]);
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        shared: &[OWN],
        compare: Self::compare,
        health: Self::health,
        actions: Self::actions,
        title: Some(Self::title),
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.resource_manager.word().to_owned()
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        if want.members.contains(&target.node) {
            Ok(())
        } else {
            Err(format!("{} is not among the members", target.node))
        }
    }
}

impl Observable for ResourceManagerKind {
    type Seen = Seen;
}

impl ResourceManagerKind {
    fn health(want: &Want, seen: &Seen) -> Option<String> {
        let word = want.resource_manager.word();
        if seen.own.due || seen.own.traces.is_empty() {
            None
        } else if !seen.running {
            Some(format!("{word} does not run"))
        } else if seen.unclean.is_empty() {
            None
        } else {
            Some(format!("{} not fenced yet", seen.unclean.join(", ")))
        }
    }

    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        for want in wants {
            let word = want.resource_manager.word();
            observe.slow_section(OWN, Call::new("nw_resource_manager_seen").arg(word));
            let nodes = match want.resource_manager {
                ManagerName::Pacemaker => Call::new("crm_mon").args(["--one-shot", "--as-xml"]),
                ManagerName::Rgmanager => Call::new("clustat").arg("-x"),
            };
            observe.beside_section(NODES, nodes);
            if want.resource_manager == ManagerName::Pacemaker {
                let groups = Call::new("corosync-cpgtool").args(["-d", ","]);
                observe.slow_section(GROUPS, groups);
            }
        }
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let own = answer
            .get(OWN)
            .ok_or("the resource manager was not observed")?;
        if own.status == 124 {
            return Err("the resource manager did not answer in time".to_owned());
        }
        let own = MemberState::read(&own.text());
        if answer.get(NODES).is_some_and(|s| s.status == 124) {
            return Err("the resource manager did not answer in time".to_owned());
        }
        // Its view of the members, its resources, failed actions, and fencing.
        let text = answer.text(NODES);
        let lines = text.lines().map(str::trim_start).filter(|line| {
            let starts = [
                "<node ",
                "<resource ",
                "<failure ",
                "<fence_event ",
                "<group ",
            ];
            starts.iter().any(|start| line.starts_with(start))
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let named = |yes: &dyn Fn(&str) -> bool| -> Vec<String> {
            let lines = text.lines().filter(|l| own.running && yes(l));
            lines.map(|l| attribute(l, "name").to_owned()).collect()
        };
        let peers: BTreeMap<_, _> = want
            .members
            .iter()
            .filter(|m| **m != target.node)
            .map(|m| {
                let section = answer.of(m, OWN).filter(|s| s.status != 124);
                (m.clone(), section.map(|s| MemberState::read(&s.text())))
            })
            .collect();
        // rgmanager is asked where it runs only once it has a service; before that each member speaks for itself.
        let has_services = text.lines().any(|l| l.starts_with("<group "));
        let online = |l: &str| match want.resource_manager {
            ManagerName::Pacemaker => attribute(l, "online") == "true",
            ManagerName::Rgmanager if has_services => attribute(l, "rgmanager") == "1",
            ManagerName::Rgmanager => {
                let peer = peers.get(attribute(l, "name")).and_then(Option::as_ref);
                attribute(l, "state") == "1" && peer.is_none_or(|peer| peer.running)
            }
        };
        // Nodes are also named where a resource runs and where they have attributes: their state is not there.
        let has_state = match want.resource_manager {
            ManagerName::Pacemaker => " online=\"",
            ManagerName::Rgmanager => " rgmanager=\"",
        };
        let member = |l: &str| {
            l.contains(has_state) && want.members.iter().any(|m| m == attribute(l, "name"))
        };
        if own.running
            && want.resource_manager == ManagerName::Rgmanager
            && !text.lines().any(member)
        {
            return Err("rgmanager runs, and `clustat -x` names no member".to_owned());
        }
        // The process group is asked for by number, which crm_mon has for each name.
        let groups = answer.text(GROUPS);
        let in_group = |l: &str| {
            let process = |line: &str| match line.split(',').collect::<Vec<_>>().as_slice() {
                [name, _, id] if CONTROLLERS.contains(name) => *id == attribute(l, "id"),
                _ => false,
            };
            groups.lines().any(process)
        };
        let grouped = groups.lines().any(|l| l.starts_with("GRP_NAME,"));
        let (failures, mut places) = match want.resource_manager {
            ManagerName::Pacemaker => (
                told(&text, "<failure ", |l| {
                    let (key, node) = (attribute(l, "op_key"), attribute(l, "node"));
                    Some(format!("{key} on {node}: {}", attribute(l, "exitstatus")))
                }),
                places(&text),
            ),
            ManagerName::Rgmanager => (
                told(&text, "<group ", |l| {
                    let (name, last) = (attribute(l, "name"), attribute(l, "last_owner"));
                    let failed = attribute(l, "state_str") == "failed";
                    failed.then(|| format!("{name}, last on {last}"))
                }),
                services(&text),
            ),
        };
        if !own.running {
            places.clear();
        }
        Ok(Seen {
            running: own.running,
            outside_group: named(&|l| grouped && member(l) && !in_group(l)),
            // A member that is still coming up is neither here nor there.
            offline: named(&|l| member(l) && !online(l) && attribute(l, "pending") != "true"),
            standby: named(&|l| member(l) && attribute(l, "standby") == "true"),
            unclean: named(&|l| member(l) && attribute(l, "unclean") == "true"),
            devices_down: down(&text),
            failures,
            fencing_failed: told(&text, "<fence_event ", |l| {
                let (action, whom) = (attribute(l, "action"), attribute(l, "target"));
                let failed = attribute(l, "status") == "failed";
                failed.then(|| format!("{action} of {whom} by {}", attribute(l, "client")))
            }),
            frozen: match want.resource_manager {
                ManagerName::Pacemaker => Vec::new(),
                ManagerName::Rgmanager => told(&text, "<group ", |line| {
                    let flags = attribute(line, "flags_str");
                    let frozen = flags.split_whitespace().any(|flag| flag == "frozen");
                    frozen.then(|| attribute(line, "name").to_owned())
                }),
            },
            places,
            sees: text
                .lines()
                .filter(|l| member(l))
                .map(|l| {
                    let (online, unclean) = (online(l), attribute(l, "unclean") == "true");
                    (attribute(l, "name").to_owned(), View { online, unclean })
                })
                .collect(),
            peers,
            own,
        })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let target = circumstances.target;
        let word = want.resource_manager.word();
        let node = &target.node;
        if seen.running && seen.own.due {
            return Verdict::Form(vec![Delta::new("forming", "begun", "finished")]);
        }
        if seen.running {
            return if seen.standby.contains(node) {
                Verdict::Finding {
                    what: format!("{node} is in standby: it carries nothing"),
                    remedy: format!("`nodewright resume {node}`"),
                }
            } else {
                Verdict::Same
            };
        }
        match want.in_the_way(seen, target) {
            None => Verdict::Form(vec![Delta::new(word, "stopped", "running")]),
            Some(why) => Verdict::Finding {
                what: format!("{word} does not run on {node}; {why}"),
                remedy: format!(
                    "once you know why: `nodewright run {node} -- {}`",
                    want.resource_manager.start()
                ),
            },
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        // Every member does this at the same time.
        let calls = wants.iter().flat_map(|(want, _)| {
            let [start, ready] = want.resource_manager.starts(want.patience);
            [
                Call::new("nw_mark").arg("resource_manager/due"),
                start,
                ready,
                Call::new("nw_mark").arg("resource_manager/started"),
                Call::new("nw_unmark").arg("resource_manager/due"),
            ]
        });
        calls.collect()
    }

    fn title(names: &str, _deltas: &[Delta]) -> String {
        format!("start {names}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    // Constructed in the form of crm_mon 2.1.5: its lines of nodes.
    const NODES_SEEN: &str = "<node name=\"node1\" id=\"1\" online=\"true\" standby=\"false\" standby_onfail=\"false\" maintenance=\"false\" \
        pending=\"false\" unclean=\"false\" health=\"green\" shutdown=\"false\" expected_up=\"true\" is_dc=\"true\" \
        resources_running=\"1\" type=\"member\"/>\n\
        <node name=\"node2\" id=\"2\" online=\"true\" standby=\"false\" standby_onfail=\"false\" maintenance=\"false\" \
        pending=\"false\" unclean=\"false\" health=\"green\" shutdown=\"false\" expected_up=\"true\" is_dc=\"false\" \
        resources_running=\"1\" type=\"member\"/>\n\
        <node name=\"node1\" id=\"1\" cached=\"true\"/>\n<node name=\"node2\">\n";
    const TRACE: &str = "trace /var/lib/pacemaker/cib/cib.xml\n";

    // Constructed in the form of crm_mon 2.1.5 (its schemas resources-2.24, failure-1.2 and fence-event-2.15).
    const DEVICES: &str = "<resource id=\"fence_node1_1\" resource_agent=\"stonith:fence_ipmilan\" role=\"Started\" active=\"true\" \
        orphaned=\"false\" blocked=\"false\" managed=\"true\" failed=\"false\" failure_ignored=\"false\" nodes_running_on=\"1\">\n\
        <resource id=\"fence_node2_1\" resource_agent=\"stonith:fence_ipmilan\" role=\"Stopped\" active=\"false\" \
        orphaned=\"false\" blocked=\"false\" managed=\"true\" failed=\"false\" failure_ignored=\"false\" nodes_running_on=\"0\"/>\n\
        <resource id=\"web\" resource_agent=\"ocf::heartbeat:VirtualDomain\" role=\"Stopped\" active=\"false\"/>\n\
        <failure op_key=\"fence_node2_1_start_0\" node=\"node1\" exitstatus=\"error\" exitreason=\"\" exitcode=\"1\" call=\"14\" status=\"complete\"/>\n\
        <fence_event action=\"reboot\" target=\"node2\" client=\"pacemaker-controld.812\" origin=\"node1\" status=\"failed\" delegate=\"\"/>\n\
        <fence_event action=\"reboot\" target=\"node2\" client=\"pacemaker-controld.812\" origin=\"node1\" status=\"success\" delegate=\"node1\"/>\n";

    #[test]
    fn a_fence_device_that_did_not_start_is_reported_with_what_failed() {
        let own = format!("running\n{TRACE}");
        let told = seen(&own, &format!("{NODES_SEEN}{DEVICES}"));
        assert_eq!(told["devices_down"], json!(["fence_node2_1"]));
        assert_eq!(
            told["failures"],
            json!(["fence_node2_1_start_0 on node1: error"])
        );
        assert_eq!(
            told["fencing_failed"],
            json!(["reboot of node2 by pacemaker-controld.812"])
        );
        for (from, to) in [
            (
                "role=\"Stopped\" active=\"false\" orphaned",
                "role=\"Started\" active=\"true\" orphaned",
            ),
            (
                "role=\"Stopped\" active=\"false\" orphaned",
                "role=\"Stopped\" target_role=\"Stopped\" active=\"false\" orphaned",
            ),
        ] {
            let text = DEVICES.replace(from, to);
            assert_ne!(text, DEVICES);
            assert_eq!(seen(&own, &text)["devices_down"], json!([]), "{to}");
        }
        let failed = DEVICES.replacen("failed=\"false\"", "failed=\"true\"", 1);
        let down = json!(["fence_node1_1", "fence_node2_1"]);
        assert_eq!(seen(&own, &failed)["devices_down"], down);
    }

    fn judged(own: &str, nodes: &str, peer: Option<&str>) -> Verdict {
        let step = json!({
            "resource_manager": "pacemaker",
            "members": ["node1", "node2"],
        });
        let resource = testing::resources_on(&step, Platform::El9).remove(0);
        let mut sections = vec![(OWN, own, 0), (NODES, nodes, 0)];
        sections.extend(peer.map(|peer| ("resource_manager@node2", peer, 0)));
        let answer = Answer::from_sections(sections);
        let node = testing::target(Platform::El9);
        let compared = testing::compare(&resource, &node, &answer, false);
        compared.unwrap().verdict
    }

    fn seen(own: &str, nodes: &str) -> serde_json::Value {
        let step = json!({ "resource_manager": "pacemaker", "members": ["node1", "node2"] });
        let resource = testing::resources_on(&step, Platform::El9).remove(0);
        let answer = Answer::from_sections([(OWN, own, 0), (NODES, nodes, 0)]);
        let node = testing::target(Platform::El9);
        let compared = testing::compare(&resource, &node, &answer, false);
        compared.unwrap().seen
    }

    fn finding(verdict: Verdict) -> [String; 2] {
        match verdict {
            Verdict::Finding { what, remedy } => [what, remedy],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_is_started_where_no_member_ever_had_it() {
        let form = Verdict::Form(vec![Delta::new("pacemaker", "stopped", "running")]);
        assert_eq!(judged("", "", Some("")), form);
        // A run broke off after the other one was at it.
        assert_eq!(judged("", "", Some("due\nrunning\n")), form);
        assert_eq!(judged(&format!("due\n{TRACE}"), "", Some("")), form);
        // Both were taken down for an outage.
        let down = format!("due\n{TRACE}");
        assert_eq!(judged(&down, "", Some(&down)), form);
        // One came up by itself: the mark would start it after somebody had stopped it.
        let up = judged(&format!("due\n{TRACE}running\n"), NODES_SEEN, None);
        let finished = vec![Delta::new("forming", "begun", "finished")];
        assert_eq!(up, Verdict::Form(finished));
    }

    #[test]
    fn frozen_services_are_named() {
        // Constructed: the recording with a flag that rg_strings.c of rgmanager has.
        let frozen = CLUSTAT.replacen("flags_str=\"\"", "flags_str=\"frozen\"", 1);
        assert_ne!(frozen, CLUSTAT);
        let of = |text: &str| rgmanager(text, Some(STARTED)).unwrap()["frozen"].clone();
        assert_eq!(of(&frozen), json!(["service:NameNodeService"]));
        assert_eq!(of(CLUSTAT), json!([]));
        assert_eq!(
            freeze("vm:web", true).to_shell(),
            "timeout 60 clusvcadm -Z vm:web"
        );
    }

    #[test]
    fn a_member_is_healthy_while_it_runs_and_nobody_waits_for_fencing() {
        let unhealthy = |own: &str, nodes: &str| {
            let step = json!({ "resource_manager": "pacemaker", "members": ["node1", "node2"] });
            let resource = testing::resources_on(&step, Platform::El9).remove(0);
            let answer = Answer::from_sections([(OWN, own, 0), (NODES, nodes, 0)]);
            let node = testing::target(Platform::El9);
            let compared = testing::compare(&resource, &node, &answer, false);
            compared.unwrap().unhealthy
        };
        let runs = format!("{TRACE}running\n");
        assert_eq!(unhealthy(&runs, NODES_SEEN), None);
        let lost = NODES_SEEN.replacen("unclean=\"false\"", "unclean=\"true\"", 1);
        assert_eq!(
            unhealthy(&runs, &lost).as_deref(),
            Some("node1 not fenced yet")
        );
        assert_eq!(
            unhealthy(TRACE, "").as_deref(),
            Some("pacemaker does not run")
        );
        // Before a cluster is formed, and while this tool has taken it down.
        assert_eq!(unhealthy("", ""), None);
        assert_eq!(unhealthy(&format!("due\n{TRACE}"), ""), None);
    }

    #[test]
    fn its_batch_waits_until_the_manager_is_ready() {
        let waits = |word: &str, platform| {
            let step = json!({ "resource_manager": word, "members": ["node1", "node2"] });
            let calls = testing::actions_on(&step, platform, &[(OWN, "", 0), (NODES, "", 0)]);
            calls[2].clone()
        };
        assert_eq!(
            waits("pacemaker", Platform::El9),
            "nw_await 120 'a pacemaker that is ready' nw_shows '^<cib .*dc-uuid=' cibadmin --query --local"
        );
        assert_eq!(
            waits("rgmanager", Platform::El6),
            "nw_await 120 'a rgmanager that is ready' nw_service_runs rgmanager"
        );
    }

    #[test]
    fn one_that_was_stopped_stays_so() {
        let [what, remedy] = finding(judged(TRACE, "", Some(&format!("{TRACE}running\n"))));
        assert_eq!(
            what,
            "pacemaker does not run on node1; it ran on node1 before (/var/lib/pacemaker/cib/cib.xml)"
        );
        assert!(
            remedy.ends_with("`nodewright run node1 -- systemctl start pacemaker`"),
            "{remedy}"
        );
        // Installed anew beside one that carries everything: that is a recovery.
        let [what, _] = finding(judged("", "", Some(&format!("{TRACE}running\n"))));
        assert!(what.contains("it ran on node2 before"), "{what}");
        let [what, _] = finding(judged("", "", None));
        assert!(what.contains("node2 was not observed"), "{what}");
    }

    #[test]
    fn standby_is_reported_on_the_node_that_is_in_it() {
        let running = format!("{TRACE}running\n");
        assert_eq!(judged(&running, NODES_SEEN, None), Verdict::Same);
        assert_eq!(seen(&running, NODES_SEEN)["offline"], json!([]));
        let gone = NODES_SEEN.replacen("online=\"true\"", "online=\"false\"", 1);
        assert_eq!(seen(&running, &gone)["offline"], json!(["node1"]));
        let standby = NODES_SEEN.replacen("standby=\"false\"", "standby=\"true\"", 1);
        let [what, remedy] = finding(judged(&running, &standby, None));
        assert_eq!(what, "node1 is in standby: it carries nothing");
        assert_eq!(remedy, "`nodewright resume node1`");
        // That of the other is the other's.
        let other = NODES_SEEN.replace("name=\"node1\"", "name=\"node3\"");
        assert_eq!(judged(&running, &other, None), Verdict::Same);
    }

    // rgmanager of EL6 as a test of Ambari has it, recorded 2012 on two members called rhel6ha01 and rhel6ha02
    // (ClustatParserTest.groovy); names are ours, its line of the service is one line as in clustat.c of 3.0.12.
    const CLUSTAT: &str = r#"<?xml version="1.0"?>
<clustat version="4.1.1">
  <cluster name="rhel6ha" id="57734" generation="162772"/>
  <quorum quorate="1" groupmember="1"/>
  <nodes>
    <node name="node1" state="1" local="0" estranged="0" rgmanager="1" rgmanager_master="0" qdisk="0" nodeid="0x00000001"/>
    <node name="node2" state="1" local="1" estranged="0" rgmanager="1" rgmanager_master="0" qdisk="0" nodeid="0x00000002"/>
  </nodes>
  <groups>
    <group name="service:NameNodeService" state="112" state_str="started" flags="0" flags_str="" owner="node1" last_owner="node2" restarts="0" last_transition="1345237321" last_transition_str="Fri Aug 17 14:02:01 2012"/>
  </groups>
</clustat>
"#;
    // The line of a disabled service in a recording on three members of RHEL 6, 2012 (deimos.fr, "clustat -x").
    const DISABLED: &str = r#"    <group name="service:webby" state="119" state_str="disabled" flags="0" flags_str="" owner="none" last_owner="none" restarts="0" last_transition="0" last_transition_str="Thu Jan  1 01:00:00 1970"/>"#;
    // The words of clustat without -x on CentOS 6, recorded 2016 after `service rgmanager start` on both members of a
    // cluster whose <rm> has no service (a blog's "GFS2" page, ids and columns shortened there): neither member counts
    // as one where rgmanager runs.
    const CLUSTAT_TEXT: &str = "Cluster Status for gfs_cluster @ Wed Jan 27 21:39:17 2016\nMember Status: Quorate\n\n \
        Member Name                                                     ID   Status\n ------ ----                                                     \
        ---- ------\n node1                                                           1 Online, Local\n \
        node2                                                           2 Online\n";
    const STARTED: &str = "running\ntrace /var/lib/nodewright/resource_manager/started\n";

    fn rgmanager(nodes: &str, peer: Option<&str>) -> Result<serde_json::Value, String> {
        let step = json!({ "resource_manager": "rgmanager", "members": ["node1", "node2"] });
        let resource = testing::resources_on(&step, Platform::El6).remove(0);
        let mut sections = vec![(OWN, STARTED, 0), (NODES, nodes, 0)];
        sections.extend(peer.map(|peer| ("resource_manager@node2", peer, 0)));
        let answer = Answer::from_sections(sections);
        let node = testing::target(Platform::El6);
        testing::compare(&resource, &node, &answer, false).map(|compared| compared.seen)
    }

    #[test]
    fn clustat_tells_which_members_have_rgmanager_and_what_failed() {
        let seen = rgmanager(CLUSTAT, Some(STARTED)).unwrap();
        let keys = ["running", "offline", "standby", "unclean", "failures"];
        let told: Vec<_> = keys.iter().map(|key| seen[*key].clone()).collect();
        assert_eq!(
            told,
            [json!(true), json!([]), json!([]), json!([]), json!([])]
        );
        // The output of clustat.c for a member without rgmanager, for one that is out, and for a service that failed.
        let stopped = CLUSTAT.replacen(
            "local=\"1\" estranged=\"0\" rgmanager=\"1\"",
            "local=\"1\" estranged=\"0\" rgmanager=\"0\"",
            1,
        );
        assert_ne!(stopped, CLUSTAT);
        assert_eq!(
            rgmanager(&stopped, None).unwrap()["offline"],
            json!(["node2"])
        );
        let failed = "state=\"114\" state_str=\"failed\" flags=\"0\" flags_str=\"\" owner=\"none\"";
        let failed = CLUSTAT.replacen(
            "state=\"112\" state_str=\"started\" flags=\"0\" flags_str=\"\" owner=\"node1\"",
            failed,
            1,
        );
        assert_eq!(
            rgmanager(&failed, None).unwrap()["failures"],
            json!(["service:NameNodeService, last on node2"])
        );
    }

    #[test]
    fn services_of_rgmanager_have_their_places() {
        let text = CLUSTAT.replace("  </groups>", &format!("{DISABLED}\n  </groups>"));
        let lines: Vec<_> = text.lines().map(str::trim_start).collect();
        let place = |name: &str, agent: &str, role: &str, nodes: &[&str]| ResourceState {
            name: name.to_owned(),
            agent: agent.to_owned(),
            role: role.to_owned(),
            nodes: nodes.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            services(&lines.join("\n")),
            [
                place("service:NameNodeService", "service", "Started", &["node1"]),
                place("service:webby", "service", "disabled", &[]),
            ]
        );
    }

    /// clustat asks rgmanager for its members only once it has a service (docs/facts/resources.md#resource-managers).
    #[test]
    fn a_cluster_without_a_service_is_not_taken_for_one_without_rgmanager() {
        let (before, rest) = CLUSTAT.split_once("  <groups>").unwrap();
        let after = rest.split_once("</groups>\n").unwrap().1;
        let empty = format!("{before}{after}").replace("rgmanager=\"1\"", "rgmanager=\"0\"");
        let offline = |text: &str, peer| rgmanager(text, peer).unwrap()["offline"].clone();
        assert_eq!(offline(&empty, Some(STARTED)), json!([]));
        assert_eq!(offline(&empty, Some("")), json!(["node2"]));
        assert_eq!(offline(&empty, None), json!([]));
        let out = empty.replacen("\"node2\" state=\"1\"", "\"node2\" state=\"0\"", 1);
        assert_eq!(offline(&out, Some(STARTED)), json!(["node2"]));
    }

    #[test]
    fn words_that_are_no_xml_do_not_count_as_a_sound_cluster() {
        for said in [
            CLUSTAT_TEXT,
            "",
            "Could not connect to CMAN: Connection refused\n",
        ] {
            let error = rgmanager(said, Some(STARTED)).unwrap_err();
            assert_eq!(error, "rgmanager runs, and `clustat -x` names no member");
        }
    }

    // Recorded in two containers of Debian 12: corosync-cpgtool 3.1.7 under Pacemaker 2.1.5.
    const CPG: &str = "GRP_NAME,PID,NODEID\ncrmd\\x00,3225,1\ncrmd\\x00,3182,2\nattrd\\x00,3223,1\nattrd\\x00,3180,2\n\
        stonith-ng\\x00,3221,1\nstonith-ng\\x00,3178,2\ncib\\x00,3220,1\ncib\\x00,3177,2\n";

    #[test]
    fn a_controller_outside_the_group_of_processes_is_found() {
        let outside = |groups: &str| {
            let step = json!({ "resource_manager": "pacemaker", "members": ["node1", "node2"] });
            let resource = testing::resources_on(&step, Platform::El9).remove(0);
            let own = format!("running\n{TRACE}");
            let answer = Answer::from_sections([
                (OWN, own.as_str(), 0),
                (NODES, NODES_SEEN, 0),
                (GROUPS, groups, 0),
            ]);
            let node = testing::target(Platform::El9);
            let compared = testing::compare(&resource, &node, &answer, false);
            compared.unwrap().seen["outside_group"].clone()
        };
        assert_eq!(outside(CPG), json!([]));
        let left = CPG.replace("crmd\\x00,3182,2\n", "");
        assert_eq!(outside(&left), json!(["node2"]));
        // One that escapes nothing, or counts nothing of the kind.
        assert_eq!(outside(&left.replace("\\x00", "")), json!(["node2"]));
        assert_eq!(outside("GRP_NAME,PID,NODEID\n"), json!(["node1", "node2"]));
        // It did not answer.
        assert_eq!(outside(""), json!([]));
    }
}
