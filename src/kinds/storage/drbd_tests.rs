use super::super::super::testing;
use super::*;
use crate::platform::Platform;
use serde_json::json;

const NEW: &str = "resource r0\ndisk 0 /dev/sda6\ngi 0 0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0\n";
const NONE: &str = "resource r0\ndisk 0 /dev/sda6\ngi 1 \n";
const DATA: &str = "resource r0\ndisk 0 /dev/sda6\ngi 0 0C3E5A1B2C3D4E5F:0000000000000000:0000000000000000:0000000000000000:1:1\n";

/// /proc/drbd of 8.4.11, in this state.
fn proc(state: &str) -> String {
    format!("version: 8.4.11 (api:1/proto:86-101)\n 0: {state}\n    ns:0 nr:0 dw:0 oos:0\n")
}

fn compared(node: &str, own: &str, state: &str, peer: Option<&str>) -> crate::kind::Compared {
    let other = if node == "node1" { "node2" } else { "node1" };
    let step = json!({ "drbd": "r0", "minor": 0, "version": "8.4", "first": "node1", "members": ["node1", "node2"] });
    let resource = testing::resources_on(&step, Platform::El7).remove(0);
    let name = format!("{OWN}@{other}");
    let mut sections = vec![(OWN, own, 0), (STATE, state, 0)];
    sections.extend(peer.map(|peer| (name.as_str(), peer, 0)));
    let answer = Answer::from_sections(sections);
    let target = Target {
        node: node.to_owned(),
        platform: Platform::El7,
    };
    testing::compare(&resource, &target, &answer, false).unwrap()
}

fn verdict(node: &str, own: &str, state: &str, peer: Option<&str>) -> Verdict {
    compared(node, own, state, peer).verdict
}

fn finding(verdict: Verdict) -> String {
    match verdict {
        Verdict::Finding { what, .. } => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_brought_up_while_no_member_has_data() {
    let up = Delta::new("connected", "no", "yes");
    let sync = Delta::new("first sync", "", "from node1");
    let source = Verdict::Form(vec![up.clone(), sync]);
    assert_eq!(verdict("node1", NEW, "", Some(NEW)), source);
    assert_eq!(
        verdict("node2", NEW, "", Some(NEW)),
        Verdict::Form(vec![up])
    );
    for (own, peer, why) in [
        (NEW, None, "node2 was not asked or did not answer"),
        (NEW, Some(DATA), "node2 has data of it"),
        (DATA, Some(NEW), "node1 has data of it"),
        (DATA, Some(DATA), "node1 has data of it"),
    ] {
        let said = finding(verdict("node1", own, "", peer));
        assert!(
            said.starts_with("r0 is down on node1; ") && said.contains(why),
            "{said}"
        );
    }
}

#[test]
fn what_has_no_meta_data_yet_is_decided_later() {
    for (own, peer) in [(NONE, NONE), (NEW, NONE), (NONE, NEW)] {
        let Verdict::After { what, .. } = verdict("node1", own, "", Some(peer)) else {
            panic!("{own} {peer}");
        };
        assert!(what.starts_with("the meta-data of r0 on node"), "{what}");
    }
    // If anybody has data, one that lacks it was lost.
    let said = finding(verdict("node1", NONE, "", Some(DATA)));
    assert_eq!(said, "r0 is down on node1; node2 has data of it");
}

#[test]
fn the_first_sync_goes_from_the_member_that_the_site_names() {
    let blank = proc("cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent C r-----");
    let first = Verdict::Form(vec![Delta::new("first sync", "", "from node1")]);
    assert_eq!(verdict("node1", NEW, &blank, Some(NEW)), first);
    let waits = Verdict::Waiting(Progress::default());
    assert_eq!(verdict("node2", NEW, &blank, Some(NEW)), waits);
    // The data of a replaced end is not restored without the operator.
    for peer in [Some(DATA), None] {
        let said = finding(verdict("node1", NEW, &blank, peer));
        assert_eq!(
            said,
            "r0 is Connected on node1, its disk Inconsistent, its peer's Inconsistent"
        );
    }
}

#[test]
fn a_sync_is_waited_for() {
    let syncs = "version: 8.4.11\n 0: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----\n    ns:1 oos:1\n\
                 \t[=>....] sync'ed: 11.5% (928/1048)M\n\tfinish: 0:01:34 speed: 10,000 (10,000) K/sec\n";
    let progress = Progress {
        percent: 11,
        speed: Some(10_240_000),
        left: Some(94),
    };
    assert_eq!(
        verdict("node1", DATA, syncs, Some(NEW)),
        Verdict::Waiting(progress)
    );
}

#[test]
fn a_sync_that_is_about_to_begin_is_waited_for() {
    for disks in ["UpToDate/Inconsistent", "Inconsistent/UpToDate"] {
        let state = proc(&format!(
            "cs:Connected ro:Primary/Secondary ds:{disks} C r-----"
        ));
        let waits = Verdict::Waiting(Progress::default());
        assert_eq!(verdict("node1", NEW, &state, Some(NEW)), waits, "{disks}");
    }
}

#[test]
fn what_runs_is_left_alone_and_what_does_not_is_reported() {
    for roles in [
        "Primary/Primary",
        "Secondary/Primary",
        "Secondary/Secondary",
    ] {
        let state = proc(&format!(
            "cs:Connected ro:{roles} ds:UpToDate/UpToDate C r-----"
        ));
        let compared = compared("node1", DATA, &state, Some(DATA));
        assert_eq!(
            (compared.verdict, compared.unhealthy),
            (Verdict::Same, None),
            "{roles}"
        );
    }
    for (state, what) in [
        (
            "cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----",
            "r0 is alone on node1 (StandAlone)",
        ),
        (
            "cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated C r-----",
            "r0 is WFConnection on node1, its disk UpToDate, its peer's Outdated",
        ),
        (
            "cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C s-----",
            "all I/O to r0 is suspended on node1",
        ),
        (
            "cs:Connected ro:Primary/Primary ds:Diskless/UpToDate C r-----",
            "its disk Diskless",
        ),
        (
            "cs:PausedSyncT ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----",
            "r0 is PausedSyncT",
        ),
    ] {
        let compared = compared("node1", DATA, &proc(state), Some(DATA));
        let said = finding(compared.verdict);
        assert!(said.contains(what), "{said}");
        assert!(compared.unhealthy.is_some(), "{state}");
    }
    let verify = proc("cs:VerifyS ro:Primary/Primary ds:UpToDate/UpToDate C r-----");
    let compared_now = compared("node1", DATA, &verify, Some(DATA));
    assert_eq!(
        (compared_now.verdict, compared_now.unhealthy),
        (Verdict::Same, None)
    );
    // No member waits for it before it has data.
    assert_eq!(compared("node1", NEW, "", Some(NEW)).unhealthy, None);
    let down = compared("node1", DATA, "", Some(DATA)).unhealthy;
    assert_eq!(down.as_deref(), Some("r0 is down"));
}

#[test]
fn the_actions_of_each_version() {
    let from = |first: &str, version: &str, state: &str| {
        let step = json!({ "drbd": "r0", "minor": 0, "version": version, "first": first, "members": ["node1", "node2"] });
        testing::actions_on(&step, Platform::El7, &[(OWN, NEW, 0), (STATE, state, 0)])
    };
    let actions = |version: &str, state: &str| from("node1", version, state);
    let blank = proc("cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent C r-----");
    assert_eq!(
        actions("8.4", ""),
        ["nw_drbd_up r0", "nw_drbd_first r0 8.4"]
    );
    assert_eq!(from("node2", "8.4", ""), ["nw_drbd_up r0"]);
    assert_eq!(actions("8.3", &blank), ["nw_drbd_first r0 8.3"]);
    let step =
        json!({ "drbd": "r0", "minor": 0, "version": "7", "first": "node1", "members": ["node1"] });
    assert!(testing::error(&step).contains("8.3, 8.4 or 9"));
    let step =
        json!({ "drbd": "r0", "minor": 0, "version": "9", "first": "node3", "members": ["node1"] });
    assert!(testing::error(&step).contains("`first`, node3"));
}
