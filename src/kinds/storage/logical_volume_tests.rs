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

/// The calls that make it where LVM has these volumes, with the image of a guest or without one.
fn made(image: bool, volumes: &str) -> Vec<String> {
    let mut step = json!({ "logical_volume": "web", "group": "vg_node1", "sectors": 131_072 });
    if image {
        step["image"] = json!({ "path": "images/web.raw", "bytes": 512, "sha256": "ab" });
    }
    let lvm = format!("{GROUP}{volumes}");
    let sections = [("lvm", lvm.as_str(), 0)];
    let sent: &[Payload] = if image {
        &[Payload::File(SiteFile {
            path: "images/web.raw".into(),
            bytes: 512,
            sha256: "ab".into(),
        })]
    } else {
        &[]
    };
    assert_eq!(testing::contents(&step, &sections), sent);
    testing::actions(&step, &sections)
}

#[test]
fn it_has_its_name_once_its_content_is_whole() {
    let make = "lvcreate -q -a ey -W n -Z y -L 131072s -n web.new vg_node1";
    let zeros = "dd if=/dev/zero count=1 bs=1048576 conv=nocreat,fsync of=/dev/vg_node1/web.new";
    let whole = [
        "lvchange -q -a n vg_node1/web.new",
        "lvrename -q vg_node1 web.new web",
    ];
    assert_eq!(made(false, ""), [&[make, zeros], &whole[..]].concat());
    let image = made(true, "");
    assert_eq!(image.len(), 5, "{image:?}");
    assert!(
        image[2].starts_with("nw_lvm_fill /dev/vg_node1/web.new "),
        "{image:?}"
    );
    // One that a run did not end is made from its start on.
    let again = made(true, "volume vg_node1:web.new:131072\n");
    assert_eq!(again[0], "lvchange -q -a ey vg_node1/web.new");
    assert_eq!(again[1..], image[1..]);
}

#[test]
fn an_image_that_is_larger_than_its_volume_is_an_error() {
    let image = |bytes: u64| json!({ "path": "images/web.raw", "bytes": bytes, "sha256": "ab" });
    let step = |bytes: u64| json!({ "logical_volume": "web", "group": "vg_node1", "sectors": 8192, "image": image(bytes) });
    assert!(testing::read(&step(4 << 20), Platform::Debian12).is_ok());
    assert_eq!(
        testing::error(&step((4 << 20) + 1)),
        "the image `images/web.raw` has 4.0 MiB, and the disk 4.0 MiB: the disk has to be as large at least"
    );
}
