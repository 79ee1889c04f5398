use super::super::super::testing;
use super::*;
use crate::kind::{Permits, Refusal};
use crate::platform::Platform;
use serde_json::json;

const NEW: &str = "resource r0\ndisk 0 /dev/sda6\ngi 0 0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0\n";
const NONE: &str = "resource r0\ndisk 0 /dev/sda6\ngi 1 \n";
const UNCONFIGURED: &str = "resource r0\ndisk 127 \ngi 127 \n";
const DATA: &str = "resource r0\ndisk 0 /dev/sda6\ngi 0 0C3E5A1B2C3D4E5F:0000000000000000:0000000000000000:0000000000000000:1:1\n";
const OTHER: &str = "resource r0\ndisk 0 /dev/sda6\ngi 0 75E7112233445566:0000000000000000:0000000000000000:0000000000000000:1:1\n";

fn blank() -> String {
    device::tests::said(&[])
}

fn carrying() -> String {
    device::tests::said(&[("blkid", 0, "TYPE=ext4\nLABEL=web")])
}

fn drbd() -> String {
    device::tests::said(&[("blkid", 0, "TYPE=drbd\nVERSION=v08")])
}

fn step() -> serde_json::Value {
    json!({ "drbd_metadata": "r0", "device": "/dev/sda6", "members": ["node1", "node2"] })
}

fn answer(own: &str, device: &str, peer: Option<&str>) -> Answer {
    let section = testing::queries(&step(), Platform::El7);
    let section = section
        .iter()
        .find_map(|s| s.strip_suffix(": nw_device /dev/sda6"));
    let section = section.expect("the device is asked").to_owned();
    let mut sections = vec![(OWN, own, 0), (section.as_str(), device, 0)];
    sections.extend(peer.map(|peer| ("drbd@node2", peer, 0)));
    Answer::from_sections(sections)
}

fn verdict(own: &str, device: &str, peer: Option<&str>) -> Verdict {
    let resource = testing::resources_on(&step(), Platform::El7).remove(0);
    let answer = answer(own, device, peer);
    let node = testing::target(Platform::El7);
    testing::compare(&resource, &node, &answer, false)
        .unwrap()
        .verdict
}

fn finding(verdict: Verdict) -> String {
    match verdict {
        Verdict::Finding { what, .. } => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_made_where_every_member_says_that_there_is_none() {
    let made = Verdict::Change(vec![Delta::new("meta-data", "none", "r0")]);
    for (own, peer) in [
        (NONE, NONE),
        (UNCONFIGURED, UNCONFIGURED),
        (UNCONFIGURED, NONE),
        // The other end was made by a run that broke then.
        (NONE, NEW),
    ] {
        assert_eq!(verdict(own, &blank(), Some(peer)), made, "{own} {peer}");
    }
    assert_eq!(
        testing::mend(
            &[&testing::resources_on(&step(), Platform::El7)[0]],
            &testing::target(Platform::El7),
            &answer(NONE, &blank(), Some(NONE))
        )
        .calls[0]
            .to_shell(),
        "drbdadm create-md r0"
    );
}

#[test]
fn who_does_not_answer_proves_nothing() {
    let said = finding(verdict(NONE, &blank(), None));
    assert!(
        said.contains("node2 was not asked or did not answer"),
        "{said}"
    );
    let garbled = finding(verdict(
        NONE,
        &blank(),
        Some("resource r0\ndisk 0 /dev/sda6\ngi 20 \n"),
    ));
    assert!(
        garbled.contains("what node2 has of r0 is not known"),
        "{garbled}"
    );
}

#[test]
fn a_blank_end_beside_one_with_data_was_lost() {
    let said = finding(verdict(NONE, &blank(), Some(DATA)));
    assert_eq!(
        said,
        "r0 has no meta-data on node1, and node2 has its data (generation 0C3E5A1B2C3D4E5E): this end was lost"
    );
}

#[test]
fn what_is_there_is_kept() {
    for (own, peer) in [
        (NEW, Some(NEW)),
        (NEW, Some(NONE)),
        (NEW, Some(DATA)),
        (DATA, Some(DATA)),
        (DATA, Some(NONE)),
        (DATA, Some(NEW)),
        (DATA, None),
        (NEW, None),
    ] {
        assert_eq!(verdict(own, &drbd(), peer), Verdict::Same, "{own} {peer:?}");
    }
    let Verdict::Refuse(Refusal { what, .. }) = verdict(DATA, &drbd(), Some(OTHER)) else {
        panic!("not refused");
    };
    assert_eq!(
        what,
        "/dev/sda6 carries data of another mirror than node2 has for r0 (generations 0C3E5A1B2C3D4E5E and 75E7112233445566)"
    );
}

#[test]
fn both_ends_of_a_mirror_are_of_one_size() {
    let sized =
        |sectors: &str| format!("resource r0\ndisk 0 /dev/sda6\nsectors {sectors}\ngi 1 \n");
    let of = |own: &str, peer: &str| verdict(&sized(own), &blank(), Some(&sized(peer)));
    let Verdict::Refuse(Refusal { what, .. }) = of("131072", "131080") else {
        panic!("not refused");
    };
    assert_eq!(
        what,
        "/dev/sda6 has 131072 sectors, and what node2 has for r0 has 131080: both ends of a mirror are of one size"
    );
    // If a size is not known, drbdmeta and DRBD look for themselves.
    for (own, peer) in [("131072", "131072"), ("131072", "")] {
        assert!(matches!(of(own, peer), Verdict::Change(_)), "{own} {peer}");
    }
}

#[test]
fn what_is_not_configured_yet_is_decided_later() {
    assert!(matches!(
        verdict(UNCONFIGURED, &drbd(), Some(UNCONFIGURED)),
        Verdict::After { .. }
    ));
    assert!(matches!(
        verdict(NONE, "absent\n", Some(NONE)),
        Verdict::After { .. }
    ));
    assert!(matches!(
        verdict(NONE, "other\n", Some(NONE)),
        Verdict::Refuse(_)
    ));
    let unknown = finding(verdict(
        "resource r0\ndisk 0 /dev/sda6\ngi 20 \n",
        &drbd(),
        Some(NONE),
    ));
    assert!(unknown.contains("drbdadm ended with 20"), "{unknown}");
}

#[test]
fn a_device_that_carries_anything_is_overwritten_by_name_alone() {
    let resource = testing::resources_on(&step(), Platform::El7).remove(0);
    let node = testing::target(Platform::El7);
    let answer = answer(NONE, &carrying(), Some(NONE));
    let compared = testing::compare(&resource, &node, &answer, false).unwrap();
    // The engine refuses it by this.
    assert_eq!(compared.destroys[0].carries, "ext4 `web`");
    assert_eq!(compared.destroys[0].device, "/dev/sda6");
    assert!(!Permits::default().destroys("node1", "/dev/sda6"));
    let calls = testing::mend(&[&resource], &node, &answer).calls;
    assert_eq!(calls[0].to_shell(), "nw_device_wipe /dev/sda6");
}

#[test]
fn names_are_names() {
    for name in ["all", "-f", "", "a b", "r0;id", "../x"] {
        let step = json!({ "drbd_metadata": name, "device": "/dev/x", "members": ["node1"] });
        assert!(testing::read(&step, Platform::El7).is_err(), "{name}");
    }
    let step = json!({ "drbd_metadata": "r0", "device": "sda6", "members": ["node1"] });
    assert!(testing::read(&step, Platform::El7).is_err());
    let step = json!({ "drbd_metadata": "r0", "device": "/dev/x", "members": ["node2"] });
    assert!(testing::read(&step, Platform::El7).is_err());
}
