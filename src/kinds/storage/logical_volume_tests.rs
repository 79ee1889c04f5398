use super::super::super::testing;
use super::*;
use crate::platform::Platform;
use serde_json::json;

fn verdict(lvm: &str) -> Verdict {
    let step = json!({ "logical_volume": "web", "group": "vg_node1", "sectors": 131_072 });
    let resource = testing::resources_on(&step, Platform::Debian12).remove(0);
    let answer = Answer::from_sections([("lvm", lvm, 0)]);
    let target = testing::target(Platform::Debian12);
    testing::compare(&resource, &target, &answer, false)
        .unwrap()
        .verdict
}

const GROUP: &str = "locking\ngroup vg_node1:wz--ns:/dev/drbd1\n";

#[test]
fn it_is_made_where_its_group_is_and_never_resized() {
    assert!(
        matches!(verdict("locking\n"), Verdict::After { what, .. } if what == "LVM knows the group vg_node1")
    );
    let made = Verdict::Change(vec![Delta::new("size", "", "64.0 MiB")]);
    assert_eq!(verdict(GROUP), made);
    for sectors in [131_072, 139_264] {
        assert_eq!(
            verdict(&format!("{GROUP}volume vg_node1:web:{sectors}\n")),
            Verdict::Same
        );
    }
    // One of another group is another one.
    assert_eq!(verdict(&format!("{GROUP}volume other:web:131072\n")), made);
    match verdict(&format!("{GROUP}volume vg_node1:web:65536\n")) {
        Verdict::Finding { what, .. } => {
            assert_eq!(what, "vg_node1/web has 32.0 MiB, not 64.0 MiB");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_lvm_does_not_answer_is_no_missing_volume() {
    let step = json!({ "logical_volume": "web", "group": "vg_node1", "sectors": 131_072 });
    let resource = testing::resources_on(&step, Platform::Debian12).remove(0);
    for status in [124, 5] {
        let answer = Answer::from_sections([("lvm", "", status)]);
        let target = testing::target(Platform::Debian12);
        assert!(
            testing::compare(&resource, &target, &answer, false).is_err(),
            "{status}"
        );
    }
}
