use super::super::super::testing;
use super::*;
use crate::platform::Platform;
use serde_json::json;

fn compared(mounts: &str, folder: &str) -> crate::kind::Compared {
    let step = json!({ "mount_point": "/shared" });
    let resource = testing::resources_on(&step, Platform::Debian12).remove(0);
    let folders = format!("{folder} /shared\n");
    let answer = Answer::from_sections([(MOUNTS, mounts, 0), (FOLDERS, &folders, 0)]);
    testing::compare(
        &resource,
        &testing::target(Platform::Debian12),
        &answer,
        false,
    )
    .unwrap()
}

const ROOT: &str = "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n";
const SHARED: &str = "30 22 147:0 / /shared rw,noatime shared:5 - gfs2 /dev/drbd0 rw,rgrplvb\n";

#[test]
fn while_nothing_is_mounted_nothing_can_be_written_there() {
    let change = |from: &str| Verdict::Change(vec![Delta::new("folder", from, "immutable")]);
    assert_eq!(compared(ROOT, "none").verdict, change(""));
    assert_eq!(compared(ROOT, "empty").verdict, change("can be written"));
    assert_eq!(compared(ROOT, "immutable").verdict, Verdict::Same);
    assert!(matches!(
        compared(ROOT, "full").verdict,
        Verdict::Finding { .. }
    ));
    assert!(matches!(
        compared(ROOT, "other").verdict,
        Verdict::Refuse(_)
    ));
}

#[test]
fn what_is_mounted_is_reported_and_left_alone() {
    let mounted = compared(&format!("{ROOT}{SHARED}"), "mounted");
    assert_eq!(mounted.verdict, Verdict::Same);
    assert_eq!(
        mounted.seen,
        json!({ "mounted": true, "source": "/dev/drbd0", "fstype": "gfs2", "writable": true, "folder": "" })
    );
    for (from, to) in [("/shared rw,", "/shared ro,"), ("drbd0 rw,", "drbd0 ro,")] {
        let mounts = format!("{ROOT}{}", SHARED.replace(from, to));
        assert_eq!(compared(&mounts, "mounted").seen["writable"], false, "{to}");
    }
}
