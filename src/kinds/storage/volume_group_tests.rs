use super::super::super::testing;
use super::*;
use crate::platform::Platform;
use serde_json::json;

fn step(locking: &str) -> serde_json::Value {
    json!({ "volume_group": "vg_node1", "device": "/dev/drbd1", "locking": locking })
}

fn compared(locking: &str, lvm: &str, device: &str) -> crate::kind::Compared {
    let step = step(locking);
    let resource = testing::resources_on(&step, Platform::Debian12).remove(0);
    let queries = testing::queries(&step, Platform::Debian12);
    let name = queries
        .iter()
        .find_map(|q| q.split_once(':').filter(|(n, _)| n.starts_with("device.")))
        .expect("a section")
        .0;
    let answer = Answer::from_sections([("lvm", lvm, 0), (name, device, 0)]);
    testing::compare(
        &resource,
        &testing::target(Platform::Debian12),
        &answer,
        false,
    )
    .unwrap()
}

fn blank() -> String {
    device::tests::said(&[])
}

fn finding(verdict: Verdict) -> String {
    match verdict {
        Verdict::Finding { what, .. } | Verdict::After { what, .. } => what,
        Verdict::Refuse(refusal) => refusal.what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_made_on_a_blank_device_once_something_locks() {
    let made = |word: &str| Verdict::Change(vec![Delta::new("group", "", word)]);
    assert_eq!(
        compared("shared", "locking\n", &blank()).verdict,
        made("shared")
    );
    assert_eq!(compared("local", "", &blank()).verdict, made("local"));
    assert_eq!(
        finding(compared("shared", "", &blank()).verdict),
        "a daemon locks for LVM on node1"
    );
    assert_eq!(
        finding(compared("shared", "locking\n", "closed\n").verdict),
        "/dev/drbd1 can be opened on node1"
    );
    let swap = device::tests::said(&[("blkid", 0, "TYPE=swap")]);
    assert_eq!(
        compared("shared", "locking\n", &swap).destroys[0].carries,
        "swap"
    );
}

#[test]
fn one_that_is_there_is_kept_and_one_elsewhere_is_refused() {
    let member = device::tests::said(&[("blkid", 0, "TYPE=LVM2_member")]);
    let there = compared(
        "shared",
        "locking\ngroup vg_node1:wz--ns:/dev/drbd1\n",
        &member,
    );
    assert_eq!((there.verdict, there.destroys), (Verdict::Same, Vec::new()));
    let local = compared("shared", "group vg_node1:wz--n-:/dev/drbd1\n", &member);
    assert_eq!(
        finding(local.verdict),
        "vg_node1 is local, not shared by the members"
    );
    let elsewhere = compared(
        "shared",
        "locking\ngroup vg_node1:wz--ns:/dev/sda6\n",
        &blank(),
    );
    assert_eq!(
        finding(elsewhere.verdict),
        "there is a group vg_node1 on /dev/sda6 already, and not on /dev/drbd1 alone"
    );
    assert_eq!(elsewhere.destroys, []);
    // A physical volume of which LVM does not know this group is somebody's.
    let foreign = compared("shared", "locking\n", &member);
    assert_eq!(foreign.destroys[0].carries, "LVM2_member");
}
