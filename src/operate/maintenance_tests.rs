use super::super::samples::{MAINTENANCE, cib, look, says, site};
use super::*;
use crate::kind::Answer;

/// The steps of the plan, and the calls; or the exit code and why nothing is done.
fn decided(
    platform: &str,
    on: bool,
    node1: Answer,
    node2: Result<Answer, &str>,
) -> Result<(Vec<String>, Vec<String>), (Exit, String)> {
    let order = Maintenance::new(&site(platform), on).unwrap();
    let look = look(&order.cluster, node1, node2);
    let decision = order.decide(&look).map_err(|e| (e.exit, e.what))?;
    assert!(!decision.operation.interrupts);
    let steps = decision.operation.steps.iter();
    let steps = steps.map(|s| format!("{}: {}", s.node, s.title));
    let calls = decision.parts.iter().flat_map(|p| &p.calls);
    let calls = calls.map(crate::sh::Call::to_shell).collect();
    let notes = decision.operation.notes.into_iter();
    Ok((steps.chain(notes).collect(), calls))
}

fn so() -> Answer {
    says(&[("cib", &cib(MAINTENANCE, ""))])
}

#[test]
fn pacemaker_is_told_by_one_member_and_both_are_named() {
    let (told, calls) = decided("debian12", true, says(&[]), Ok(says(&[]))).unwrap();
    assert_eq!(
        told,
        [
            "node1: put the cluster in maintenance: property maintenance-mode",
            "node1: wait for actions under way to end",
            "Until `nodewright maintenance off`, nothing is started, stopped, moved or watched: a guest that fails stays down.",
        ]
    );
    assert_eq!(
        calls,
        [
            "timeout 60 crm_attribute --type crm_config --name maintenance-mode --update true",
            "crm_resource --wait --timeout=300s"
        ]
    );
    let (_, calls) = decided("el7", false, so(), Ok(so())).unwrap();
    assert_eq!(
        calls[0],
        "timeout 60 crm_attribute --type crm_config --name maintenance-mode --delete"
    );
}

#[test]
fn what_is_so_already_is_left_alone() {
    let nothing = |on, answer: fn() -> Answer| decided("debian12", on, answer(), Ok(answer()));
    assert_eq!(
        nothing(true, so),
        Err((Exit::Done, "the cluster is in maintenance".to_owned()))
    );
    assert_eq!(
        nothing(false, || says(&[])),
        Err((Exit::Done, "the cluster is not in maintenance".to_owned()))
    );
}

#[test]
fn a_member_that_is_silent_is_said_and_keeps_nobody_from_it() {
    let (told, _) = decided("debian12", true, says(&[]), Err("no answer")).unwrap();
    assert_eq!(
        told.last().unwrap(),
        "node2 does not answer (no answer): what it does is not seen from here."
    );
}

#[test]
fn where_nothing_is_known_nothing_is_done() {
    let stopped = || says(&[("resource_manager", ""), ("cib", "installed\n")]);
    assert_eq!(
        decided("debian12", true, stopped(), Err("no answer")),
        Err((
            Exit::Findings,
            "the resource manager runs on no member that answers".to_owned()
        ))
    );
    let garbled = says(&[("cib", "running\n<cib a=\"b\">\n  <configuration>\n")]);
    let (exit, why) = decided("debian12", true, garbled, Err("no answer")).unwrap_err();
    assert_eq!(exit, Exit::Findings);
    assert!(
        why.starts_with("the cluster's configuration is unknown: the CIB cannot be read"),
        "{why}"
    );
}

#[test]
fn all_members_have_to_have_it() {
    let order = Maintenance::new(&site("debian12"), true).unwrap();
    let reached = |node1, node2| order.reached(&look(&order.cluster, node1, node2));
    assert!(reached(so(), Ok(so())));
    assert!(!reached(so(), Ok(says(&[]))));
    // One on which Pacemaker does not run, or that does not answer, has nothing of it.
    assert!(reached(
        so(),
        Ok(says(&[("resource_manager", ""), ("cib", "installed\n")]))
    ));
    assert!(reached(so(), Err("no answer")));
    assert!(!reached(
        says(&[("resource_manager", ""), ("cib", "installed\n")]),
        Err("no answer")
    ));
    assert!(!reached(so(), Ok(says(&[("cib", "running\n")]))));
}

/// Two services that run, one of them frozen, and one that is disabled: constructed in the form of clustat 3.0.12.
const SERVICES: &str = "\
<node name=\"node1\" state=\"1\" rgmanager=\"1\"/>
<node name=\"node2\" state=\"1\" rgmanager=\"1\"/>
<group name=\"vm:web\" state=\"112\" state_str=\"started\" flags=\"0\" flags_str=\"\" owner=\"node1\" last_owner=\"none\"/>
<group name=\"vm:mail\" state=\"112\" state_str=\"started\" flags=\"1\" flags_str=\"frozen\" owner=\"node2\" last_owner=\"none\"/>
<group name=\"vm:watch\" state=\"112\" state_str=\"started\" flags=\"0\" flags_str=\"\" owner=\"node2\" last_owner=\"none\"/>
<group name=\"vm:old\" state=\"119\" state_str=\"disabled\" flags=\"0\" flags_str=\"\" owner=\"none\" last_owner=\"node1\"/>
";

#[test]
fn rgmanager_freezes_each_service_where_it_runs() {
    let says = || says(&[("resource_manager.nodes", SERVICES)]);
    let (told, calls) = decided("el6", true, says(), Ok(says())).unwrap();
    assert_eq!(
        told[..2],
        [
            "node1: freeze vm:web: clusvcadm -Z vm:web",
            "node2: freeze vm:watch: clusvcadm -Z vm:watch",
        ]
    );
    assert_eq!(
        calls,
        [
            "timeout 60 clusvcadm -Z vm:web",
            "timeout 60 clusvcadm -Z vm:watch"
        ]
    );
    let (_, calls) = decided("el6", false, says(), Ok(says())).unwrap();
    assert_eq!(calls, ["timeout 60 clusvcadm -U vm:mail"]);
    // A frozen service whose owner is out must not be let go on: it may run there.
    let (exit, why) = decided("el6", false, says(), Err("no answer")).unwrap_err();
    assert_eq!(exit, Exit::Findings);
    assert_eq!(
        why,
        "vm:mail cannot be let go on while rgmanager does not run on node2 or is not seen there"
    );
    let order = Maintenance::new(&site("el6"), true).unwrap();
    assert!(!order.reached(&look(&order.cluster, says(), Ok(says()))));
    let frozen = SERVICES.replace("flags_str=\"\"", "flags_str=\"frozen\"");
    let frozen = || super::super::samples::says(&[("resource_manager.nodes", &frozen)]);
    assert!(order.reached(&look(&order.cluster, frozen(), Ok(frozen()))));
}
