use super::super::samples::{MAINTENANCE, MIRRORS, NODES, cib, look, says, site};
use super::*;
use crate::kind::Answer;

fn order(what: Direction) -> Drain {
    Drain::new(&site("debian12"), "node1", what, 900).unwrap()
}

fn decided(
    what: Direction,
    node1: Answer,
    node2: Result<Answer, &str>,
) -> Result<DrainPlan, (Exit, String)> {
    let order = order(what);
    let look = look(&order.cluster, node1, node2);
    order.decide(&look).map_err(|e| (e.exit, e.what))
}

const OFF: Direction = Direction::Off { storage: false };
const STANDBY: Direction = Direction::Off { storage: true };
const BACK: Direction = Direction::Back { returning: false };
const RETURN: Direction = Direction::Back { returning: true };

fn effects(decision: &DrainPlan) -> Vec<String> {
    let effects = decision.operation.effects.iter();
    effects.map(|e| format!("{}: {}", e.name, e.what)).collect()
}

/// The first words of each call.
fn calls(parts: &[OperationPart]) -> Vec<String> {
    let calls = parts.iter().flat_map(|p| &p.calls);
    calls
        .map(|c| {
            let text = c.to_shell();
            let text = text.strip_prefix("timeout 60 ").unwrap_or(&text).to_owned();
            text.lines().next().unwrap_or_default().to_owned()
        })
        .collect()
}

#[test]
fn what_moves_is_kept_off_and_what_cannot_stays() {
    let decision = decided(OFF, says(&[]), Ok(says(&[]))).unwrap();
    assert_eq!(
        effects(&decision),
        [
            "guest_web: moves live",
            "guest_files: is stopped here and started there: an outage",
            "guest_dns1: stays: it may run nowhere but on node1",
        ]
    );
    assert!(decision.operation.interrupts);
    let steps: Vec<_> = decision
        .operation
        .steps
        .iter()
        .map(|s| format!("{}: {}", s.node, s.title))
        .collect();
    assert_eq!(
        steps,
        [
            // A resource of node2 does not come here either; who acts is the one that stays.
            "node2: keep off node1: guest_web, guest_files, guest_watch",
            "node2: wait until the cluster has nothing left to do, 900 s at most",
        ]
    );
    let call = decision.first[0].calls[0].to_shell();
    for name in ["web", "files", "watch"] {
        let line = format!(
            "<rsc_location id=\"nodewright-drain-node1-guest_{name}\" node=\"node1\" rsc=\"guest_{name}\" score=\"-INFINITY\"/>"
        );
        assert!(call.contains(&line), "{call}");
    }
    assert!(!call.contains("dns1"), "{call}");
    assert!(decision.second.is_empty());
}

#[test]
fn only_an_outage_asks_for_the_name() {
    let live = cib("", "").replace(
        "name=\"allow-migrate\" value=\"false\"",
        "name=\"allow-migrate\" value=\"true\"",
    );
    let says = || says(&[("cib", &live)]);
    let decision = decided(OFF, says(), Ok(says())).unwrap();
    assert!(!decision.operation.interrupts);
    // A resource that may run nowhere else stops with the storage.
    let decision = decided(STANDBY, says(), Ok(says())).unwrap();
    assert!(decision.operation.interrupts);
    assert_eq!(
        effects(&decision)[2],
        "guest_dns1: is stopped: it may run nowhere but on node1"
    );
}

#[test]
fn standby_comes_second_and_says_what_it_costs() {
    let decision = decided(STANDBY, says(&[]), Ok(says(&[]))).unwrap();
    assert_eq!(
        calls(&decision.second),
        [
            "crm_standby --node node1 --update on",
            "crm_resource --wait --timeout=900s"
        ]
    );
    assert_eq!(
        decision.operation.notes,
        [
            "Until `nodewright resume node1`, what is kept off it stops where node2 fails: nothing takes it over.",
            "Until then node2 has the only copy of every mirror that is up to date.",
        ]
    );
}

const KEPT: &str = "\
<rsc_location id=\"nodewright-drain-node1-guest_web\" rsc=\"guest_web\" node=\"node1\" score=\"-INFINITY\"/>
<rsc_location id=\"nodewright-drain-node1-guest_files\" rsc=\"guest_files\" node=\"node1\" score=\"-INFINITY\"/>
<rsc_location id=\"nodewright-drain-node1-guest_watch\" rsc=\"guest_watch\" node=\"node1\" score=\"-INFINITY\"/>
";

/// The guests that may leave node1 run on node2.
fn gone() -> String {
    let mut text = NODES.to_owned();
    for guest in ["guest_web", "guest_files"] {
        let at = text.find(guest).unwrap();
        let place = "<node name=\"node1\" id=\"1\" cached";
        let from = at + text[at..].find(place).unwrap();
        text.replace_range(
            from..from + place.len(),
            "<node name=\"node2\" id=\"2\" cached",
        );
    }
    text
}

#[test]
fn a_drain_that_was_broken_off_goes_on_and_one_that_is_done_does_nothing() {
    let cib = cib("", KEPT);
    // The constraints stand, and nothing has moved yet: only the waiting is left.
    let begun = || says(&[("cib", &cib)]);
    let decision = decided(OFF, begun(), Ok(begun())).unwrap();
    assert_eq!(
        calls(&decision.first),
        ["crm_resource --wait --timeout=900s"]
    );
    let gone = gone();
    let done = || says(&[("cib", &cib), ("resource_manager.nodes", &gone)]);
    assert_eq!(
        decided(OFF, done(), Ok(done())).err(),
        Some((Exit::Done, "node1 is drained already".to_owned()))
    );
    let order = order(OFF);
    let moves: Vec<Movable> = decided(OFF, says(&[]), Ok(says(&[]))).unwrap().moves;
    let left = |answer: fn(&str) -> Answer| {
        let gone = self::gone();
        order.left(&look(&order.cluster, says(&[]), Ok(answer(&gone))), &moves)
    };
    assert_eq!(
        left(|_| says(&[])),
        ["guest_web is on node1", "guest_files is on node1"]
    );
    assert_eq!(
        left(|gone| says(&[("resource_manager.nodes", gone)])),
        [""; 0]
    );
    let nowhere = |gone: &str| {
        let line = "<node name=\"node2\" id=\"2\" cached=\"true\"/>\n";
        says(&[("resource_manager.nodes", &gone.replacen(line, "", 1))])
    };
    assert_eq!(left(nowhere), ["guest_web runs nowhere"]);
}

#[test]
fn it_is_refused_where_the_other_member_is_not_whole() {
    let refused = |own: &[(&str, &str)]| {
        let said = decided(OFF, says(&[]), Ok(says(own)));
        let (exit, why) = said.err().unwrap_or_else(|| panic!("{own:?}"));
        assert_eq!(exit, Exit::Findings, "{why}");
        why
    };
    let nodes = |from: &str, to: &str| {
        let (head, tail) = NODES.split_at(NODES.find("<node name=\"node2\"").unwrap());
        format!("{head}{}", tail.replacen(from, to, 1))
    };
    let standby = nodes("standby=\"false\"", "standby=\"true\"");
    assert_eq!(
        refused(&[("resource_manager.nodes", &standby)]),
        "node2 is in standby"
    );
    let failed = format!(
        "{NODES}<failure op_key=\"guest_web_start_0\" node=\"node2\" exitstatus=\"error\"/>\n\
         <failure op_key=\"guest_web_start_0\" node=\"node1\" exitstatus=\"error\"/>\n\
         <failure op_key=\"fence_node1_ipmilan_start_0\" node=\"node2\" exitstatus=\"error\"/>\n"
    );
    assert_eq!(
        refused(&[("resource_manager.nodes", &failed)]),
        "node2 failed at guest_web_start_0 on node2: error (once the cause is mended, `crm_resource --cleanup` forgets it)"
    );
    let drained = cib(
        "",
        "<rsc_location id=\"nodewright-drain-node2-x\" rsc=\"x\" node=\"node2\" score=\"-INFINITY\"/>",
    );
    assert_eq!(refused(&[("cib", &drained)]), "node2 is drained itself");
    let half = MIRRORS.replacen("ds:UpToDate/UpToDate", "ds:Inconsistent/UpToDate", 1);
    assert_eq!(
        refused(&[("drbd.state", &half)]),
        "node2 has no data of mirror r0 that is up to date: Primary Inconsistent Connected"
    );
    assert_eq!(
        refused(&[("dlm", "name          shared\nnew status    wait fencing\n")]),
        "node2 gets no locks: shared: fencing"
    );
    assert_eq!(
        refused(&[("resource_manager", ""), ("cib", "installed\n")]),
        "node2 does not run the resource manager"
    );
    let maintenance = cib(MAINTENANCE, "");
    assert_eq!(
        refused(&[("cib", &maintenance)]),
        "the cluster is in maintenance, and nothing moves: `nodewright maintenance off` first"
    );
    let (exit, why) = decided(OFF, says(&[]), Err("no answer")).err().unwrap();
    assert_eq!(
        (exit, why.as_str()),
        (Exit::Unreachable, "node2 does not answer: no answer")
    );
    // That the member itself is not whole is a reason to drain it.
    let broken = MIRRORS.replacen("ds:UpToDate/UpToDate", "ds:Diskless/UpToDate", 1);
    let own = says(&[("drbd.state", &broken)]);
    assert!(decided(OFF, own, Ok(says(&[]))).is_ok());
    let out = NODES.replacen("online=\"true\"", "online=\"false\"", 1);
    assert_eq!(
        refused(&[("resource_manager.nodes", &out)]),
        "node1 is not in the cluster: it carries nothing (`nodewright status` says how it is)"
    );
}

#[test]
fn resume_takes_back_what_drain_did_and_brings_nothing_back_by_itself() {
    let cib = cib("", KEPT);
    let gone = gone();
    let standby = gone.replacen("standby=\"false\"", "standby=\"true\"", 1);
    let drained = || says(&[("cib", &cib), ("resource_manager.nodes", &standby)]);
    let decision = decided(BACK, drained(), Ok(drained())).unwrap();
    assert_eq!(
        calls(&decision.first),
        [
            "crm_standby --node node1 --delete",
            "cibadmin --delete-all --force --xpath '//rsc_location[starts-with(@id,'\\''nodewright-drain-'\\'') and @node='\\''node1'\\'']'",
            "crm_resource --wait --timeout=900s",
        ]
    );
    assert!(decision.second.is_empty() && decision.moves.is_empty());
    assert!(!decision.operation.interrupts);
    let decision = decided(RETURN, drained(), Ok(drained())).unwrap();
    assert_eq!(
        effects(&decision),
        [
            "guest_web: moves live",
            "guest_files: is stopped here and started there: an outage"
        ]
    );
    assert!(decision.operation.interrupts);
    let call = decision.second[0].calls[0].to_shell();
    assert!(
        call.contains("<rsc_location id=\"nodewright-return-node1-guest_web\" node=\"node1\" rsc=\"guest_web\" score=\"INFINITY\"/>"),
        "{call}"
    );
    assert_eq!(
        decided(BACK, says(&[]), Ok(says(&[]))).err(),
        Some((Exit::Done, "node1 is not drained".to_owned()))
    );
    assert_eq!(
        decided(RETURN, says(&[]), Ok(says(&[]))).err(),
        Some((
            Exit::Done,
            "node1 is not drained, and nothing that prefers it runs elsewhere".to_owned()
        ))
    );
}

#[test]
fn what_was_left_bound_to_a_member_is_let_go() {
    let bound = cib(
        "",
        "<rsc_location id=\"nodewright-return-node1-guest_web\" rsc=\"guest_web\" node=\"node1\" score=\"INFINITY\"/>",
    );
    let says = || says(&[("cib", &bound)]);
    let decision = decided(BACK, says(), Ok(says())).unwrap();
    assert_eq!(
        decision.first[0].title,
        "let go what was being brought back to node1"
    );
    assert_eq!(calls(&decision.first).len(), 2);
}

#[test]
fn who_is_no_member_is_named_with_those_that_are() {
    let said = Drain::new(&site("debian12"), "node3", OFF, 900).unwrap_err();
    assert_eq!(
        said,
        "`node3` is no member of the cluster: its members are node1, node2"
    );
    let said = Drain::new(&site("el6"), "node1", OFF, 900).unwrap_err();
    assert!(
        said.starts_with("rgmanager keeps nothing off a member"),
        "{said}"
    );
}
