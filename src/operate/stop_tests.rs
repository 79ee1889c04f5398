use super::super::samples::{DOWN, MAINTENANCE, NODES, cib, look, says, site};
use super::*;
use crate::kind::Answer;

const STOPPED: &str = "<nvpair id=\"o-x\" name=\"stop-all-resources\" value=\"true\"/>";

/// A member on which nothing of the cluster runs.
fn down() -> Answer {
    says(&DOWN)
}

/// One that has stopped its services, and whose Pacemaker runs.
fn idle() -> Answer {
    let members: Vec<&str> = NODES.lines().take(2).collect();
    says(&[
        ("resource_manager.nodes", &members.join("\n")),
        ("cib", &cib(STOPPED, "")),
    ])
}

fn order(platform: &str) -> ClusterStop {
    ClusterStop::new(&site(platform), Duration::from_secs(300)).unwrap()
}

fn decided(node1: Answer, node2: Result<Answer, &str>) -> Result<StopPlan, (Exit, String)> {
    let order = order("debian12");
    let look = look(&order.cluster, node1, node2);
    order.decide(&look).map_err(|e| (e.exit, e.what))
}

fn told(plan: &StopPlan) -> Vec<String> {
    let effects = plan.operation.effects.iter();
    let effects = effects.map(|e| format!("{}: {}", e.name, e.what));
    let steps = plan.operation.steps.iter();
    effects
        .chain(steps.map(|s| format!("{}: {}", s.node, s.title)))
        .collect()
}

fn calls(plan: &StopPlan) -> Vec<String> {
    let parts = plan.layers.iter().flat_map(|(_, parts)| parts);
    let calls = parts.flat_map(|part| &part.calls);
    calls.map(crate::sh::Call::to_shell).collect()
}

#[test]
fn a_cluster_stops_from_its_guests_down_on_all_members_at_once() {
    let plan = decided(says(&[]), Ok(says(&[]))).unwrap();
    assert!(plan.operation.interrupts);
    assert_eq!(
        told(&plan),
        [
            "guest_web: is stopped on node1",
            "guest_files: is stopped on node1",
            "guest_dns1: is stopped on node1",
            "guest_watch: is stopped on node2",
            "node1: stop every resource, guests first: property stop-all-resources",
            "node1: wait until everything has stopped",
            "node1: stop pacemaker",
            "node2: stop pacemaker",
            "node1: leave the cluster: stop corosync",
            "node2: leave the cluster: stop corosync",
        ]
    );
    assert_eq!(
        calls(&plan),
        [
            "timeout 60 crm_attribute --type crm_config --name stop-all-resources --update true",
            "crm_resource --wait --timeout=300s",
            "nw_membership_stop pacemaker",
            "nw_membership_stop pacemaker",
            "nw_membership_stop corosync",
            "nw_membership_stop corosync",
        ]
    );
    let layers: Vec<StopLayer> = plan.layers.iter().map(|(layer, _)| *layer).collect();
    assert_eq!(
        layers,
        [
            StopLayer::Services,
            StopLayer::Manager,
            StopLayer::Membership
        ]
    );
}

#[test]
fn one_that_was_broken_off_goes_on_from_there() {
    let plan = decided(idle(), Ok(idle())).unwrap();
    assert!(plan.operation.interrupts);
    assert_eq!(
        told(&plan),
        [
            "node1: stop pacemaker",
            "node2: stop pacemaker",
            "node1: leave the cluster: stop corosync",
            "node2: leave the cluster: stop corosync",
        ]
    );
    let half = decided(down(), Ok(idle())).unwrap();
    assert_eq!(
        told(&half),
        [
            "node2: stop pacemaker",
            "node2: leave the cluster: stop corosync"
        ]
    );
    assert_eq!(
        decided(down(), Ok(down())).err(),
        Some((Exit::Done, "the cluster is down".to_owned()))
    );
}

#[test]
fn what_is_not_down_is_named_layer_by_layer() {
    let order = order("debian12");
    let members = ["node1", "node2"].map(str::to_owned);
    let up = |layer, node1, node2| {
        let look = look(&order.cluster, node1, node2);
        order.up(layer, &look, &members)
    };
    assert_eq!(
        up(StopLayer::Services, says(&[]), Ok(says(&[]))),
        [
            "guest_web on node1",
            "guest_files on node1",
            "guest_dns1 on node1",
            "guest_watch on node2",
        ]
    );
    assert_eq!(up(StopLayer::Services, idle(), Ok(idle())), [""; 0]);
    assert_eq!(
        up(StopLayer::Manager, idle(), Ok(down())),
        ["the resource manager on node1"]
    );
    assert_eq!(
        up(StopLayer::Membership, down(), Ok(idle())),
        ["the membership on node2"]
    );
    assert_eq!(up(StopLayer::Membership, down(), Ok(down())), [""; 0]);
    // Silence is no proof.
    assert_eq!(
        up(StopLayer::Membership, down(), Err("no answer")),
        ["node2, which does not answer (no answer)"]
    );
}

#[test]
fn it_is_refused_where_something_may_go_on_unseen() {
    let refused = |node1: Answer, node2| decided(node1, node2).err().unwrap();
    let maintenance = || says(&[("cib", &cib(MAINTENANCE, ""))]);
    assert_eq!(
        refused(maintenance(), Ok(maintenance())),
        (
            Exit::Findings,
            "the cluster is in maintenance, and stops nothing: `nodewright maintenance off` first"
                .to_owned()
        )
    );
    assert_eq!(
        refused(says(&[]), Err("no answer")),
        (
            Exit::Unreachable,
            "node2 does not answer (no answer), and it is not known to be out of the cluster"
                .to_owned()
        )
    );
    let alone = NODES.replacen(
        "<node name=\"node2\" id=\"2\" online=\"true\"",
        "<node name=\"node2\" id=\"2\" online=\"false\"",
        1,
    );
    let plan = decided(
        says(&[("resource_manager.nodes", &alone)]),
        Err("no answer"),
    )
    .unwrap();
    assert_eq!(
        plan.operation.notes[0],
        "node2 does not answer (no answer); the others do not have it in the cluster. It is left as it is."
    );
    assert_eq!(plan.members, ["node1"]);
}

#[test]
fn services_of_rgmanager_are_disabled_and_each_layer_beneath_is_stopped() {
    // Constructed in the form of what `clustat -x` of rgmanager 3.0.12 prints.
    let services = "<node name=\"node1\" state=\"1\" rgmanager=\"1\"/>\n<node name=\"node2\" state=\"1\" rgmanager=\"1\"/>\n\
        <group name=\"vm:web\" state=\"112\" state_str=\"started\" flags=\"0\" flags_str=\"\" owner=\"node1\"/>\n\
        <group name=\"vm:mail\" state=\"119\" state_str=\"disabled\" flags=\"0\" flags_str=\"\" owner=\"none\"/>\n";
    let members =
        "Cluster Name: crosslink\nrunning\nname node1\n   1   M   node1\n   2   M   node2\n";
    let one = || {
        says(&[
            ("resource_manager.nodes", services),
            ("membership", members),
        ])
    };
    let order = order("el6");
    let plan = order.decide(&look(&order.cluster, one(), Ok(one())));
    let plan = plan.map_err(|e| e.what).unwrap();
    assert_eq!(
        told(&plan),
        [
            "vm:web: is stopped on node1",
            "node1: stop vm:web: clusvcadm -d vm:web",
            "node1: stop rgmanager",
            "node2: stop rgmanager",
            "node1: leave the cluster: stop cman",
            "node2: leave the cluster: stop cman",
        ]
    );
    let of_node1 = [
        "timeout 300 clusvcadm -d vm:web",
        "nw_membership_stop rgmanager",
        "nw_membership_stop rgmanager",
        "nw_membership_stop gfs2",
        "nw_membership_stop clvmd",
        "nw_membership_stop clvm",
        "nw_membership_stop drbd",
        "nw_membership_stop cman",
    ];
    assert_eq!(calls(&plan)[..8], of_node1);
}
