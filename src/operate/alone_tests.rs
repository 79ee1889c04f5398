use super::super::samples::{DOWN, look, says_with, site};
use super::*;
use crate::kind::Answer;

// Constructed in the form of DRBD 8.4.11: what a lone end is after a crash.
const LONE: &str = "version: 8.4.11 (api:1/proto:86-101)\n \
    0: cs:WFConnection ro:Secondary/Unknown ds:Consistent/DUnknown C r-----\n    oos:0\n \
    1: cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C r-----\n    oos:0\n \
    2: cs:WFConnection ro:Secondary/Unknown ds:Outdated/DUnknown C r-----\n    oos:0\n";

const DATA: &str = "resource r0\ndisk 0 /dev/sda6\nsectors 2097152\ngi 0 0C3E5A1B2C3D4E5F:0000000000000000:0000000000000000:0000000000000000:1:1:0:1:0:0:0\n";

fn order(force: &[&str]) -> StartAlone {
    let force: Vec<String> = force.iter().map(|f| (*f).to_owned()).collect();
    StartAlone::new(&site("debian12"), "node1", &force, Duration::from_secs(300)).unwrap()
}

/// node1 on which nothing of the cluster runs, but for these sections; node2 answers nothing.
fn lone(own: &[(&str, &str)]) -> Answer {
    let mut sections = DOWN.to_vec();
    sections.extend([
        ("mount_point.mounts", ""),
        ("mount_point.folders", "empty /shared\n"),
        ("fence_device.fence_node2_ipmilan", "installed\nstatus 1\n"),
        ("peer-node2", ""),
        ("peer-node2.pings", ""),
    ]);
    for (name, text) in own {
        sections.retain(|(n, _)| n != name);
        sections.push((name, text));
    }
    // ssh to the other one comes to no end.
    let status = |name: &str| if name == "peer-node2" { 124 } else { 0 };
    let sections: Vec<_> = sections
        .into_iter()
        .map(|(name, text)| (name, text, status(name)))
        .collect();
    says_with(&sections)
}

fn decided(
    force: &[&str],
    own: &[(&str, &str)],
    node2: Result<Answer, &str>,
) -> Result<AlonePlan, (Exit, String)> {
    let order = order(force);
    let look = look(&order.cluster, lone(own), node2);
    order.decide(&look).map_err(|e| (e.exit, e.what))
}

fn steps(plan: &AlonePlan) -> Vec<String> {
    let steps = plan.operation.steps.iter();
    steps.map(|s| format!("{}: {}", s.node, s.title)).collect()
}

/// node1 with quorum and Pacemaker, which has node2 as off.
fn running() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "membership",
            "name node1\nrunning\nruntime.totem.pg.mrp.srp.members.1.status (str) = joined\nQuorate:          Yes\n",
        ),
        ("resource_manager", "running\n"),
        (
            "resource_manager.nodes",
            "<node name=\"node1\" id=\"1\" online=\"true\" unclean=\"false\"/>\n<node name=\"node2\" id=\"2\" online=\"false\" unclean=\"false\"/>\n",
        ),
    ]
}

#[test]
fn both_refusals_are_said_and_the_first_is_released() {
    let plan = decided(&[], &[], Err("no answer")).unwrap();
    assert!(plan.operation.interrupts);
    assert_eq!(
        steps(&plan),
        [
            "node1: start corosync",
            "node1: have it count without node2: quorum.cancel_wait_for_all",
            "node1: start pacemaker",
            "node1: declare node2 to be off: stonith_admin --confirm node2",
            "node1: let everything start: property stop-all-resources",
            "node1: wait until the cluster has nothing left to do",
        ]
    );
    let calls = plan.first.iter().flat_map(|part| &part.calls);
    let calls: Vec<String> = calls.map(crate::sh::Call::to_shell).collect();
    assert_eq!(
        calls[..4],
        [
            "nw_service_do start corosync",
            "corosync-cmapctl -s quorum.cancel_wait_for_all u8 1",
            "nw_await 60 'a quorum without the other member' nw_shows '^Quorate: +Yes' nw_membership_state corosync",
            "nw_service_do start pacemaker",
        ]
    );
    let notes = &plan.operation.notes;
    assert!(
        notes[0].starts_with("Nothing proves that node2 is off ("),
        "{notes:?}"
    );
    assert!(
        notes[1].starts_with("node1 has no quorum by itself"),
        "{notes:?}"
    );
    assert!(
        notes[3].starts_with("r0 on node1 is down, with "),
        "{notes:?}"
    );
    let off = [("fence_device.fence_node2_ipmilan", "installed\nstatus 2\n")];
    let plan = decided(&[], &off, Err("no answer")).unwrap();
    assert_eq!(
        plan.operation.notes[0],
        "node2 is off: fence_node2_ipmilan reports power off."
    );
}

#[test]
fn any_sign_of_life_refuses_it() {
    let said = |own: &[(&str, &str)]| decided(&["r0"], own, Err("no answer")).err().unwrap();
    assert_eq!(
        said(&[("fence_device.fence_node2_ipmilan", "installed\nstatus 0\n")]),
        (
            Exit::Refused,
            "node2 is on: fence_node2_ipmilan reports power on. Switch it off first".to_owned()
        )
    );
    let answers = decided(&[], &[], Ok(lone(&[]))).err().unwrap();
    assert_eq!(
        answers,
        (
            Exit::Findings,
            "node2 answers: `nodewright start` starts both".to_owned()
        )
    );
    // A refused login is an answer.
    let order = order(&[]);
    let mut look = look(&order.cluster, lone(&[]), Err("permission denied"));
    look.refusing.push("node2".to_owned());
    let refused = order.decide(&look).err().unwrap();
    assert_eq!(
        (refused.exit, refused.what.as_str()),
        (
            Exit::Refused,
            "ssh on node2 answers, so it is on: permission denied"
        )
    );
}

#[test]
fn a_mirror_is_forced_only_where_it_is_named() {
    let mut own = running();
    own.extend([("drbd.state", LONE), ("drbd", DATA)]);
    let cib = super::super::samples::cib("", "");
    own.push(("cib", cib.as_str()));
    let (exit, why) = decided(&[], &own, Err("no answer")).err().unwrap();
    assert_eq!(exit, Exit::Findings);
    assert_eq!(
        why,
        "node1 runs alone, and r0 is Secondary Consistent WFConnection, r2 is Secondary Outdated WFConnection: `nodewright start \
         --alone node1 --force MIRROR` takes its data, whatever node2 has"
    );
    let plan = decided(&["r0"], &own, Err("no answer")).unwrap();
    assert_eq!(
        steps(&plan),
        [
            "node1: take node1's data of r0, whatever node2 has of it: drbdadm primary --force r0",
            "node1: have what failed tried again",
            "node1: wait until the cluster has nothing left to do",
        ]
    );
    let calls = plan.second.iter().flat_map(|part| &part.calls);
    let calls: Vec<String> = calls.map(crate::sh::Call::to_shell).collect();
    assert_eq!(
        calls[..2],
        ["drbdadm primary --force r0", "drbdadm secondary r0"]
    );
    let of_r0 = plan.operation.notes.iter().find(|n| n.starts_with("r0 on"));
    let of_r0 = of_r0.unwrap();
    assert!(of_r0.contains("generation 0C3E5A1B2C3D4E5E"), "{of_r0}");
    assert!(of_r0.contains("thrown away once node2 is back"), "{of_r0}");
}

#[test]
fn what_cannot_be_is_said_before_a_node_is_asked() {
    let site = site("el6");
    let within = Duration::from_secs(300);
    let said =
        |node: &str, force: &[String]| StartAlone::new(&site, node, force, within).err().unwrap();
    assert!(said("node1", &[]).starts_with("cman counts a lone member of two by itself"));
    assert_eq!(
        said("node3", &[]),
        "`node3` is no member of the cluster: its members are node1, node2"
    );
}
