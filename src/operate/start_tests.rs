use super::super::samples::{DOWN, MIRRORS, NODES, cib, look, says, site};
use super::*;
use crate::kind::Answer;

const MOUNTED: &str =
    "40 22 253:0 / /shared rw,noatime shared:1 - gfs2 /dev/mapper/shared-files rw\n";

fn order(platform: &str) -> ClusterStart {
    ClusterStart::new(&site(platform), Duration::from_secs(300)).unwrap()
}

/// A member of a cluster that is whole, with these sections.
fn up(own: &[(&str, &str)]) -> Answer {
    let mut sections = vec![
        ("mount_point.mounts", MOUNTED),
        ("mount_point.folders", "mounted /shared\n"),
        ("fence_device.fence_node1_ipmilan", "installed\n"),
        ("fence_device.fence_node2_ipmilan", "installed\n"),
    ];
    for (name, text) in own {
        sections.retain(|(n, _)| n != name);
        sections.push((name, text));
    }
    says(&sections)
}

/// One on which nothing of the cluster runs; the other one's device says this.
fn down(device: &str) -> Answer {
    let own = [
        ("mount_point.mounts", ""),
        ("mount_point.folders", "empty /shared\n"),
        ("fence_device.fence_node2_ipmilan", device),
    ];
    up(&[&DOWN[..], &own].concat())
}

fn decided(
    platform: &str,
    node1: Answer,
    node2: Result<Answer, &str>,
) -> Result<StartPlan, (Exit, String)> {
    let order = order(platform);
    let look = look(&order.cluster, node1, node2);
    order.decide(&look).map_err(|e| (e.exit, e.what))
}

fn told(plan: &StartPlan) -> Vec<String> {
    let steps = plan.operation.steps.iter();
    steps.map(|s| format!("{}: {}", s.node, s.title)).collect()
}

const SILENT: &str = "installed\nstatus 1\n";

#[test]
fn both_members_come_up_layer_by_layer() {
    let plan = decided("debian12", down(SILENT), Ok(down(SILENT))).unwrap();
    assert!(!plan.operation.interrupts);
    assert_eq!(
        told(&plan),
        [
            "node1: join the cluster: start corosync",
            "node2: join the cluster: start corosync",
            "node1: start pacemaker",
            "node2: start pacemaker",
            "node1: let everything start: property stop-all-resources",
            "node1: wait until the cluster has nothing left to do",
        ]
    );
    let parts = plan.layers.iter().flat_map(|(_, parts)| parts);
    let calls: Vec<String> = parts
        .filter(|part| part.node == "node1")
        .flat_map(|part| &part.calls)
        .map(crate::sh::Call::to_shell)
        .collect();
    assert_eq!(
        calls,
        [
            "nw_service_do start corosync",
            "nw_await 120 'a quorate cluster of all members' nw_shows '^Quorate: +Yes\nmembers\\.1\\.status \\(str\\) = \
             joined$\nmembers\\.2\\.status \\(str\\) = joined$' nw_membership_state corosync",
            "nw_service_do start pacemaker",
            "nw_await 120 'a pacemaker that is ready' nw_shows '^<cib .*dc-uuid=' cibadmin --query --local",
            "timeout 60 crm_attribute --type crm_config --name stop-all-resources --delete",
            "crm_resource --wait --timeout=300s",
        ]
    );
}

#[test]
fn a_member_that_is_off_is_switched_on_by_its_device() {
    let off = "installed\nstatus 2\n";
    let plan = decided("debian12", down(off), Err("no answer")).unwrap();
    assert_eq!(
        told(&plan)[..3],
        [
            "node1: switch node2 on: fence_node2_ipmilan",
            "node1: join the cluster: start corosync",
            "node2: join the cluster: start corosync",
        ]
    );
    let (layer, parts) = &plan.layers[0];
    assert_eq!(*layer, StartLayer::Power);
    let call = parts[0].calls[0].to_shell();
    assert!(
        call.starts_with("nw_fence_device_status fence_ipmilan "),
        "{call}"
    );
    assert!(call.ends_with(" 60 on"), "{call}");
    // One that is on and silent, or of which nothing is known, is not: it may run everything.
    for device in [SILENT, "installed\nstatus 0\n", "installed\n"] {
        assert_eq!(
            decided("debian12", down(device), Err("no answer")).err(),
            Some((
                Exit::Unreachable,
                "node2 does not answer (no answer), and no fence device reports that it is off"
                    .to_owned()
            ))
        );
    }
}

#[test]
fn what_runs_is_left_alone() {
    assert_eq!(
        decided("debian12", up(&[]), Ok(up(&[]))).err(),
        Some((Exit::Done, "the cluster runs on every member".to_owned()))
    );
    let plan = decided("debian12", up(&[]), Ok(down(SILENT))).unwrap();
    assert_eq!(
        told(&plan),
        [
            "node2: join the cluster: start corosync",
            "node2: start pacemaker",
            "node1: wait until the cluster has nothing left to do",
        ]
    );
    let property = "<nvpair id=\"o-x\" name=\"stop-all-resources\" value=\"true\"/>";
    let stopped = || up(&[("cib", &cib(property, ""))]);
    let plan = decided("debian12", stopped(), Ok(stopped())).unwrap();
    assert_eq!(
        told(&plan),
        [
            "node1: let everything start: property stop-all-resources",
            "node1: wait until the cluster has nothing left to do",
        ]
    );
}

#[test]
fn cman_is_joined_before_its_fence_domain() {
    let plan = decided("el6", down(SILENT), Ok(down(SILENT))).unwrap();
    assert_eq!(
        told(&plan),
        [
            "node1: join the cluster: start cman",
            "node2: join the cluster: start cman",
            "node1: join the fence domain",
            "node2: join the fence domain",
            "node1: start rgmanager",
            "node2: start rgmanager",
        ]
    );
}

#[test]
fn what_has_not_come_up_is_named() {
    let order = order("debian12");
    let missing = |layer, node1, node2| order.down(layer, &look(&order.cluster, node1, node2));
    assert_eq!(missing(StartLayer::Services, up(&[]), Ok(up(&[]))), [""; 0]);
    assert_eq!(
        missing(StartLayer::Power, up(&[]), Err("no answer")),
        ["node2 does not answer (no answer)"]
    );
    assert_eq!(
        missing(StartLayer::Manager, up(&[]), Ok(down(SILENT))),
        [
            "node2 is not in the cluster",
            "the resource manager does not run on node2"
        ]
    );
    let half = MIRRORS.replacen("ds:UpToDate/UpToDate", "ds:Inconsistent/UpToDate", 1);
    let (head, _) = NODES.split_once("<resource id=\"guest_watch\"").unwrap();
    let node1 = up(&[
        ("drbd.state", &half),
        ("mount_point.folders", "immutable /shared\n"),
        ("resource_manager.nodes", head),
    ]);
    assert_eq!(
        missing(StartLayer::Services, node1, Ok(up(&[]))),
        [
            "mirror r0 on node1 is Primary Inconsistent Connected",
            "/shared is not mounted on node1",
            "guest_watch runs nowhere",
        ]
    );
}

#[test]
fn a_guest_that_somebody_disabled_is_not_waited_for() {
    let order = order("debian12");
    let (head, _) = NODES.split_once("<resource id=\"guest_watch\"").unwrap();
    let disabled = cib("", "").replace(
        "<nvpair id=\"watch-a\"",
        "<nvpair id=\"watch-t\" name=\"target-role\" value=\"Stopped\"/><nvpair id=\"watch-a\"",
    );
    let one = || up(&[("resource_manager.nodes", head), ("cib", &disabled)]);
    let look = look(&order.cluster, one(), Ok(one()));
    assert_eq!(order.down(StartLayer::Services, &look), [""; 0]);
}
