use super::super::samples::{MAINTENANCE, MIRRORS, NODES, cib, says, site};
use super::*;
use crate::kind::Answer;
use std::collections::BTreeMap;

/// The member that is fenced is not asked.
fn seen(order: &Fence, node2: Result<Answer, &str>) -> Look {
    let node2 = node2.map_err(ToOwned::to_owned);
    let answers = [("node2".to_owned(), node2)];
    order
        .cluster
        .read(BTreeMap::from(answers), Exit::Unreachable)
}

fn decided(platform: &str, node2: Result<Answer, &str>) -> Result<FencePlan, (Exit, String)> {
    let order = Fence::new(&site(platform), "node1", 300).unwrap();
    assert_eq!(order.nodes(), ["node2"]);
    let look = seen(&order, node2);
    order.decide(&look).map_err(|e| (e.exit, e.what))
}

fn told(decision: &FencePlan) -> Vec<String> {
    let effects = decision.operation.effects.iter();
    let effects = effects.map(|e| format!("{}: {}", e.name, e.what));
    let steps = decision.operation.steps.iter();
    let steps = steps.map(|s| format!("{}: {}", s.node, s.title));
    let notes = decision.operation.notes.iter().cloned();
    effects.chain(steps).chain(notes).collect()
}

#[test]
fn everything_that_runs_there_is_interrupted_and_what_moves_is_taken_over() {
    let decision = decided("debian12", Ok(says(&[]))).unwrap();
    assert!(decision.operation.interrupts);
    assert_eq!(
        told(&decision),
        [
            "guest_web: is interrupted until another member has started it",
            "guest_files: is interrupted until another member has started it",
            "guest_dns1: is down until node1 is back: it may run nowhere else",
            "node2: have node1 fenced: stonith_admin --reboot node1",
        ]
    );
    assert_eq!(decision.taken_over, ["guest_web", "guest_files"]);
}

#[test]
fn a_member_that_hangs_is_fenced_whatever_waits_for_it() {
    let unclean = NODES
        .replacen("online=\"true\"", "online=\"false\"", 1)
        .replacen("unclean=\"false\"", "unclean=\"true\"", 1);
    let frozen = MIRRORS.replace(
        "cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r-----",
        "cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C s-----",
    );
    let waits = says(&[
        ("resource_manager.nodes", &unclean),
        ("drbd.state", &frozen),
        ("dlm", "name          shared\nnew status    wait fencing\n"),
    ]);
    let decision = decided("debian12", Ok(waits)).unwrap();
    assert_eq!(
        told(&decision).last().unwrap(),
        "node1 is not in the cluster as node2 sees it; it is switched off and on all the same."
    );
}

#[test]
fn it_is_refused_where_nobody_would_take_over() {
    let refused = |own: &[(&str, &str)]| decided("debian12", Ok(says(own))).err().unwrap();
    let half = MIRRORS.replacen("ds:UpToDate/UpToDate", "ds:Inconsistent/UpToDate", 1);
    assert_eq!(
        refused(&[("drbd.state", &half)]),
        (
            Exit::Findings,
            "node2 has no data of mirror r0 that is up to date: Primary Inconsistent Connected"
                .to_owned()
        )
    );
    // The last member: the other one is out.
    assert_eq!(
        refused(&[("resource_manager", ""), ("cib", "installed\n")]).1,
        "node2 does not run the resource manager"
    );
    let maintenance = cib(MAINTENANCE, "");
    assert_eq!(
        refused(&[("cib", &maintenance)]).1,
        "the cluster is in maintenance, and nobody would take over: `nodewright maintenance off` first"
    );
    let silent = decided("debian12", Err("no answer")).err().unwrap();
    assert_eq!(
        silent,
        (
            Exit::Unreachable,
            "node2 does not answer: no answer".to_owned()
        )
    );
}

#[test]
fn it_is_over_once_the_member_is_gone_and_everything_runs_elsewhere() {
    let order = Fence::new(&site("debian12"), "node1", 300).unwrap();
    let decision = decided("debian12", Ok(says(&[]))).unwrap();
    let look = seen(&order, Ok(says(&[])));
    assert!(!order.is_gone(&look));
    assert_eq!(order.left(&look, &decision), ["guest_web", "guest_files"]);
    let nodes = |unclean: bool, on: &str| {
        let head = format!(
            "<node name=\"node1\" id=\"1\" online=\"false\" standby=\"false\" unclean=\"{unclean}\"/>\n"
        );
        let (_, rest) = NODES.split_once('\n').unwrap();
        let rest = rest.replace(
            "<node name=\"node1\" id=\"1\" cached",
            &format!("<node name=\"{on}\" cached"),
        );
        says(&[("resource_manager.nodes", &format!("{head}{rest}"))])
    };
    assert!(!order.is_gone(&seen(&order, Ok(nodes(true, "node1")))));
    let gone = seen(&order, Ok(nodes(false, "node2")));
    assert!(order.is_gone(&gone));
    assert_eq!(order.left(&gone, &decision), [""; 0]);
    assert!(!order.is_gone(&seen(&order, Err("no answer"))));
}

#[test]
fn cmans_own_command_is_used_under_rgmanager() {
    let services = "<node name=\"node1\" state=\"1\" rgmanager=\"1\"/>\n<node name=\"node2\" state=\"1\" rgmanager=\"1\"/>\n\
        <group name=\"vm:web\" state=\"112\" state_str=\"started\" flags=\"0\" flags_str=\"\" owner=\"node1\"/>\n\
        <group name=\"vm:mail\" state=\"112\" state_str=\"started\" flags=\"1\" flags_str=\"frozen\" owner=\"node1\"/>\n";
    let members =
        "Cluster Name: crosslink\nrunning\nname node2\n   1   M   node1\n   2   M   node2\n";
    let node2 = says(&[
        ("resource_manager.nodes", services),
        ("membership", members),
    ]);
    let decision = decided("el6", Ok(node2)).unwrap();
    assert_eq!(
        told(&decision),
        [
            "vm:web: is interrupted until another member has started it",
            "vm:mail: is down until node1 is back: it may run nowhere else",
            "node2: have node1 fenced: fence_node node1",
        ]
    );
    // A frozen service is not taken over.
    assert_eq!(decision.taken_over, ["vm:web"]);
}

#[test]
fn who_is_no_member_is_named_with_those_that_are() {
    let said = Fence::new(&site("debian12"), "node3", 300).unwrap_err();
    assert_eq!(
        said,
        "`node3` is no member of the cluster: its members are node1, node2"
    );
}
