use super::super::super::testing;
use super::*;
use crate::platform::Platform;
use serde_json::json;

fn compared(device: &str) -> crate::kind::Compared {
    let step = json!({ "gfs2": "/dev/drbd0", "table": "crosslink:shared", "journals": 2 });
    let resource = testing::resources_on(&step, Platform::Debian12).remove(0);
    let name = testing::queries(&step, Platform::Debian12)
        .iter()
        .find_map(|q| Some(q.split_once(':')?.0.to_owned()))
        .expect("a section");
    let answer = Answer::from_sections([(name.as_str(), device, 0)]);
    testing::compare(
        &resource,
        &testing::target(Platform::Debian12),
        &answer,
        false,
    )
    .unwrap()
}

/// The probes' output (`blkid` 2.38.1) for a device with a GFS2 of this lock table.
fn carrying(table: &str) -> String {
    let blkid = format!("DEVNAME=/dev/drbd0\nLABEL={table}\nTYPE=gfs2");
    let wipefs = format!("0x10080,,{table},gfs2");
    device::tests::said(&[("blkid", 0, &blkid), ("wipefs", 0, &wipefs)])
}

#[test]
fn it_is_made_on_a_blank_device_alone() {
    let blank = compared(&device::tests::said(&[]));
    let made = Delta::new("filesystem", "", "crosslink:shared");
    assert_eq!(blank.verdict, Verdict::Change(vec![made]));
    assert_eq!(blank.destroys[0].carries, "");
    let other = compared(&device::tests::said(&[("blkid", 0, "TYPE=ext4")]));
    assert_eq!(other.destroys[0].carries, "ext4");
}

#[test]
fn the_clusters_own_is_kept_and_another_clusters_is_never_overwritten() {
    let own = compared(&carrying("crosslink:shared"));
    assert_eq!((own.verdict, own.destroys), (Verdict::Same, Vec::new()));
    let other = compared(&carrying("elsewhere:shared"));
    match other.verdict {
        Verdict::Finding { what, .. } => assert_eq!(
            what,
            "the GFS2 on /dev/drbd0 belongs to elsewhere:shared, not to crosslink:shared"
        ),
        verdict => panic!("{verdict:?}"),
    }
    assert_eq!(other.destroys, []);
}

#[test]
fn nothing_is_decided_where_the_device_cannot_be_opened() {
    for device in ["absent\n", "closed\n"] {
        let compared = compared(device);
        let after = matches!(&compared.verdict, Verdict::After { what, .. } if what.starts_with("/dev/drbd0 can be opened"));
        assert!(
            after && compared.destroys.is_empty(),
            "{device}: {:?}",
            compared.verdict
        );
    }
}

#[test]
fn what_is_no_lock_table_is_refused() {
    for table in ["shared", "a:", ":b", "a:b:c", "a b:c"] {
        let step = json!({ "gfs2": "/dev/drbd0", "table": table, "journals": 2 });
        let error = testing::error(&step);
        assert!(error.contains("`table` is `CLUSTER:FILESYSTEM`"), "{error}");
    }
}
