use super::super::super::kind_named;
use super::super::super::testing;
use super::super::super::testing::{shown, target};
use super::MembershipKind;
use crate::kind::{Answer, Payload, Verdict};
use crate::platform::Platform;
use crate::sh::Call;
use crate::text::{Vault, mark};
use serde_json::{Value as Json, json};

const CONF: &str = "totem {\n    version: 2\n    cluster_name: crosslink\n    transport: knet\n    crypto_cipher: aes256\n    \
    crypto_hash: sha256\n    token: 3000\n}\nnodelist {\n    node {\n        name: node1\n        nodeid: 1\n        \
    ring0_addr: 10.0.2.1\n    }\n    node {\n        name: node2\n        nodeid: 2\n        ring0_addr: 10.0.2.2\n    }\n}\n\
    quorum {\n    provider: corosync_votequorum\n    two_node: 1\n    wait_for_all: 1\n}\nlogging {\n    to_syslog: yes\n    \
    to_stderr: no\n}\n";

// Captured: corosync-cmapctl 3.1.7 on Debian 12 with this configuration, `runtime` and what is not of it left out.
const MAP: &str = "logging.to_stderr (str) = no\nlogging.to_syslog (str) = yes\nnodelist.local_node_pos (u32) = 0\n\
    nodelist.node.0.name (str) = node1\nnodelist.node.0.nodeid (u32) = 1\nnodelist.node.0.ring0_addr (str) = 10.0.2.1\n\
    nodelist.node.1.name (str) = node2\nnodelist.node.1.nodeid (u32) = 2\nnodelist.node.1.ring0_addr (str) = 10.0.2.2\n\
    quorum.provider (str) = corosync_votequorum\nquorum.two_node (u8) = 1\nquorum.wait_for_all (u8) = 1\n\
    totem.cluster_name (str) = crosslink\ntotem.crypto_cipher (str) = aes256\ntotem.crypto_hash (str) = sha256\n\
    totem.interface.0.bindnetaddr (str) = 10.0.2.1\ntotem.token (u32) = 3000\ntotem.transport (str) = knet\n\
    totem.version (u32) = 2\n";

// Captured: corosync-cfgtool -s of the same, and with the other member's link cut.
const LINKS: &str = "Local node ID 1, transport knet\nLINK ID 0 udp\n\taddr\t= 10.0.2.1\n\tstatus:\n\t\tnodeid:          1:\tlocalhost\n\
    \t\tnodeid:          2:\tconnected\n";

const WHOLE: &str = "name node1\naddress 10.0.2.1\ntrace /var/lib/corosync/ringid_1\n\
    runtime.config.totem.token (u32) = 3000\nruntime.members.1.status (str) = joined\nruntime.members.2.status (str) = joined\n\
    totem.cluster_name (str) = crosslink\nrunning\nQuorum information\n------------------\nNodes:            2\n\
    Quorate:          Yes\n\nVotequorum information\n----------------------\nQuorum:           1  \n\
    Flags:            2Node Quorate WaitForAll \n";
const BLANK: &str = "name node1\naddress 10.0.2.1\n";
const BEFORE: &str = "name node1\naddress 10.0.2.1\ntrace /var/lib/corosync/ringid_1\n";
const DUE: &str = "name node2\nmark due\ntrace /var/lib/corosync/ringid_2\n";

fn step(side: &str, content: &str, version: &str) -> Json {
    json!({
        "membership": side, "stack": "corosync", "version": version, "content": content,
        "config": "/etc/corosync/corosync.conf", "key": "/etc/corosync/authkey", "above": ["pacemaker"],
        "members": [{ "name": "node1", "host_id": 1 }, { "name": "node2", "host_id": 2 }],
    })
}

fn answer(own: &str, map: &str, peer: Option<&str>) -> Answer {
    let mut sections = vec![
        ("membership", own, 0),
        ("membership.map", map, 0),
        ("membership.links", LINKS, 0),
    ];
    if let Some(peer) = peer {
        sections.push(("membership@node2", peer, 0));
    }
    Answer::from_sections(sections)
}

fn judge(step: &Json, answer: &Answer, written: bool) -> Verdict {
    let platform = if step["stack"] == "cman" {
        Platform::El6
    } else {
        Platform::Debian12
    };
    let resource = testing::resources_on(step, platform).remove(0);
    let node = target(platform);
    let compared = testing::compare(&resource, &node, answer, written);
    compared.expect("the answer can be read").verdict
}

fn points(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Change(deltas) | Verdict::Form(deltas) | Verdict::Outage { deltas, .. } => {
            deltas.iter().map(shown).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_runs_as_it_is_written_is_as_wanted() {
    let answer = answer(WHOLE, MAP, Some(WHOLE));
    for side in ["stopped", "reloaded", "joined"] {
        assert_eq!(
            judge(&step(side, CONF, "3.1"), &answer, false),
            Verdict::Same,
            "{side}"
        );
    }
}

#[test]
fn commands_read_how_it_stands_by_type() {
    let resources = testing::resources_on(&step("joined", CONF, "3.1"), Platform::Debian12);
    let other = json!({ "directory": "/etc/corosync" });
    let other = testing::resources_on(&other, Platform::Debian12).remove(0);
    let (node, answer) = (target(Platform::Debian12), answer(WHOLE, MAP, Some(WHOLE)));
    let found: Vec<_> = crate::kind::of_kind::<MembershipKind>(&resources).collect();
    let seen = crate::kind::seen::<MembershipKind>(found[0], &node, &answer).unwrap();
    assert!(seen.running && seen.quorate && seen.missing.is_empty());
    let all = [resources[0].clone(), other.clone()];
    assert_eq!(crate::kind::of_kind::<MembershipKind>(&all).count(), 1);
    let error = crate::kind::seen::<MembershipKind>(&other, &node, &answer).unwrap_err();
    assert_eq!(error, "r/directory:/etc/corosync is no membership");
}

/// Constructed in the form of `getent hosts` of glibc 2.36.
#[test]
fn names_and_addresses_of_all_members_lead_to_each_other() {
    let mut joined = step("joined", CONF, "3.1");
    joined["ring"] = json!("yellow");
    for (at, address) in ["10.0.2.1", "10.0.2.2"].iter().enumerate() {
        joined["members"][at]["address"] = json!({ "yellow": address, "red": "192.0.2.6" });
    }
    assert_eq!(
        testing::queries(&joined, Platform::Debian12)[1..3],
        [
            "membership.names: getent hosts node1 node2",
            "membership.addresses: getent hosts 10.0.2.1 10.0.2.2"
        ]
    );
    let resource = testing::resources_on(&joined, Platform::Debian12).remove(0);
    let apart = |names: (&str, i32), addresses: (&str, i32)| {
        let answer = Answer::from_sections([
            ("membership", WHOLE, 0),
            ("membership.names", names.0, names.1),
            ("membership.addresses", addresses.0, addresses.1),
        ]);
        let node = target(Platform::Debian12);
        let compared = testing::compare(&resource, &node, &answer, false);
        compared.unwrap().seen["names_apart"].clone()
    };
    let files =
        "10.0.2.1        node1 node1.example.net node1\n10.0.2.2        node2 node2.example.net\n";
    assert_eq!(apart((files, 0), (files, 0)), json!([]));
    // A name server tells whole names alone, and a name may have further addresses.
    let server = "192.0.2.6       node1.example.net\n10.0.2.1        node1.example.net\n10.0.2.2        node2.example.net\n";
    assert_eq!(apart((server, 0), (server, 0)), json!([]));
    for (names, addresses, said) in [
        (
            (files, 0),
            ("10.0.2.1        node1\n", 2),
            "10.0.2.2 leads to nowhere",
        ),
        (
            (files, 0),
            (
                "10.0.2.1        node1\n10.0.2.2        web.example.net node22\n",
                0,
            ),
            "10.0.2.2 leads to web.example.net",
        ),
        (
            ("10.0.2.1        node1\n\n", 2),
            (files, 0),
            "node2 leads to nowhere",
        ),
        (
            ("10.0.2.1        node1\n192.0.2.7       node2\n", 0),
            (files, 0),
            "node2 leads to 192.0.2.7",
        ),
        (
            ("", 124),
            (files, 0),
            "look-ups take longer than they may: a name server is gone",
        ),
    ] {
        assert_eq!(apart(names, addresses), json!([said]));
    }
}

#[test]
fn checks_read_how_it_stands() {
    let resource =
        testing::resources_on(&step("joined", CONF, "3.1"), Platform::Debian12).remove(0);
    let seen = |own: &str, links: &str| {
        let answer =
            Answer::from_sections([("membership", own, 0), ("membership.links", links, 0)]);
        let node = target(Platform::Debian12);
        let compared = testing::compare(&resource, &node, &answer, false);
        compared.unwrap().seen
    };
    let whole = seen(WHOLE, LINKS);
    assert_eq!(whole["missing"], json!([]));
    assert_eq!(whole["two_node"], true);
    assert_eq!(whole["token"], 3000);
    assert_eq!(whole["broken_links"], json!([]));
    let cut = seen(
        &WHOLE.replace("members.2.", "members.7."),
        &LINKS.replace("\tconnected", "\tdisconnected"),
    );
    assert_eq!(cut["missing"], json!(["node2"]));
    assert_eq!(cut["foreign"], json!(["7"]));
    assert_eq!(cut["broken_links"], json!(["2 on link 0"]));
    // Written from source, corosync 2.4 and 1.4 (docs/facts/membership.md#state-of-the-membership).
    let ring =
        "RING ID 0\n\tid\t= 10.0.2.1\n\tstatus\t= Marking ringid 0 interface 10.0.2.1 FAULTY\n";
    assert_eq!(seen(WHOLE, ring)["broken_links"], json!(["ring 0"]));
}

#[test]
fn a_timer_is_taken_up_and_a_transport_needs_all_down() {
    let answer = answer(WHOLE, MAP, Some(WHOLE));
    let token = CONF.replace("token: 3000", "token: 5000");
    assert_eq!(
        judge(&step("stopped", &token, "3.1"), &answer, false),
        Verdict::Same
    );
    let reload = judge(&step("reloaded", &token, "3.1"), &answer, false);
    assert_eq!(points(&reload), ["totem.token: 3000 -> 5000"]);
    assert!(matches!(reload, Verdict::Change(_)));

    // With the transport the timer changes too: by the restart, not by a reload.
    let transport = token.replace("knet", "udpu");
    let outage = judge(&step("stopped", &transport, "3.1"), &answer, false);
    assert!(matches!(outage, Verdict::Outage { .. }));
    assert_eq!(points(&outage), ["totem.transport: knet -> udpu"]);
    assert_eq!(
        judge(&step("reloaded", &transport, "3.1"), &answer, false),
        Verdict::Same
    );
    let joined = judge(&step("joined", &transport, "3.1"), &answer, false);
    assert!(matches!(joined, Verdict::After { .. }), "{joined:?}");

    for (from, to) in [
        ("two_node: 1", "two_node: 0"),
        ("nodeid: 2", "nodeid: 3"),
        ("10.0.2.2", "10.0.2.3"),
        ("cluster_name: crosslink", "cluster_name: other"),
    ] {
        let verdict = judge(
            &step("stopped", &CONF.replace(from, to), "3.1"),
            &answer,
            false,
        );
        assert!(
            matches!(verdict, Verdict::Outage { .. }),
            "{to}: {verdict:?}"
        );
    }
}

#[test]
fn what_is_neither_known_to_be_taken_up_nor_to_divide_is_owed() {
    let answer = answer(WHOLE, MAP, Some(WHOLE));
    let conf = CONF.replace("token: 3000", "token: 3000\n    window_size: 40");
    assert_eq!(
        judge(&step("stopped", &conf, "3.1"), &answer, false),
        Verdict::Same
    );
    let Verdict::Finding { what, remedy } = judge(&step("reloaded", &conf, "3.1"), &answer, false)
    else {
        panic!();
    };
    assert_eq!(what, "corosync owes a restart for totem.window_size");
    assert!(
        remedy.contains("nodewright run node1 -- systemctl restart corosync"),
        "{remedy}"
    );
}

#[test]
fn another_key_is_taken_up_since_3_1_and_needs_all_down_before() {
    let answer = answer(WHOLE, MAP, Some(WHOLE));
    let another = ["/etc/corosync/authkey: another key -> the site's"];
    assert_eq!(
        judge(&step("stopped", CONF, "3.1"), &answer, true),
        Verdict::Same
    );
    assert_eq!(
        points(&judge(&step("reloaded", CONF, "3.1"), &answer, true)),
        another
    );
    for version in ["2.4", "3.0"] {
        let verdict = judge(&step("stopped", CONF, version), &answer, true);
        assert!(matches!(verdict, Verdict::Outage { .. }), "{version}");
        assert_eq!(points(&verdict), another);
        assert_eq!(
            judge(&step("reloaded", CONF, version), &answer, true),
            Verdict::Same
        );
    }
    // A run that broke between the file and the daemon left a mark.
    let marked = self::answer(&format!("mark key\n{WHOLE}"), MAP, Some(WHOLE));
    assert_eq!(
        points(&judge(&step("reloaded", CONF, "3.1"), &marked, false)),
        another
    );
    // A daemon that does not run has no outdated configuration.
    let down = self::answer(BEFORE, "", Some(BEFORE));
    assert_eq!(
        judge(&step("stopped", CONF, "2.4"), &down, true),
        Verdict::Same
    );
}

#[test]
fn a_cluster_is_formed_where_every_member_proves_that_there_was_none() {
    let joined = step("joined", CONF, "3.1");
    for (own, peer) in [(BLANK, BLANK), (BLANK, DUE), (DUE, DUE), (DUE, BLANK)] {
        let verdict = judge(&joined, &answer(own, "", Some(peer)), false);
        assert!(
            matches!(verdict, Verdict::Form(_)),
            "{own}{peer}{verdict:?}"
        );
    }
    // One of two that were being formed is up already.
    let alone = format!("mark due\n{}", WHOLE.replace("Yes", "No"));
    let verdict = judge(&joined, &answer(&alone, MAP, Some(DUE)), false);
    assert_eq!(points(&verdict), ["member: not quorate -> yes"]);
}

#[test]
fn a_member_is_healthy_while_it_is_quorate_with_all_the_others() {
    let unhealthy = |own: &str, map: &str| {
        let resource = testing::resources_on(&step("joined", CONF, "3.1"), Platform::Debian12);
        let node = target(Platform::Debian12);
        let compared = testing::compare(&resource[0], &node, &answer(own, map, Some(BLANK)), false);
        compared.unwrap().unhealthy
    };
    assert_eq!(unhealthy(WHOLE, MAP), None);
    assert_eq!(
        unhealthy(&WHOLE.replace("Yes", "No"), MAP).as_deref(),
        Some("not quorate")
    );
    let alone = WHOLE.replace(
        "members.2.status (str) = joined",
        "members.2.status (str) = left",
    );
    assert_eq!(unhealthy(&alone, MAP).as_deref(), Some("misses node2"));
    assert_eq!(unhealthy(BEFORE, "").as_deref(), Some("out of the cluster"));
    // Before a cluster is formed, and while this tool has taken it down.
    assert_eq!(unhealthy(BLANK, ""), None);
    assert_eq!(unhealthy(&format!("mark due\n{BEFORE}"), ""), None);
}

#[test]
fn a_node_that_is_out_stays_out() {
    let joined = step("joined", CONF, "3.1");
    for (own, peer, why) in [
        (
            BEFORE,
            Some(WHOLE),
            "node1 was a member before (/var/lib/corosync/ringid_1)",
        ),
        (BLANK, Some(WHOLE), "node2 is in it"),
        (BLANK, Some(BEFORE), "node2 was a member before"),
        (DUE, Some(BEFORE), "node2 was a member before"),
        (
            BLANK,
            None,
            "node2 was not observed or did not answer, so nothing proves that there is no cluster yet",
        ),
    ] {
        let Verdict::Finding { what, remedy } = judge(&joined, &answer(own, "", peer), false)
        else {
            panic!("{why}");
        };
        assert!(
            what.starts_with("node1 is not in the cluster; ") && what.contains(why),
            "{what}"
        );
        assert!(
            remedy.contains("`nodewright run node1 -- systemctl start corosync`"),
            "{remedy}"
        );
    }
    let alone = WHOLE.replace("Yes", "No");
    let Verdict::Finding { what, .. } = judge(&joined, &answer(&alone, MAP, Some(BEFORE)), false)
    else {
        panic!();
    };
    assert!(
        what.starts_with("corosync runs here and is not quorate; "),
        "{what}"
    );
    // The other member reports that it is out itself.
    assert_eq!(
        judge(&joined, &answer(WHOLE, MAP, Some(BEFORE)), false),
        Verdict::Same
    );
}

#[test]
fn forming_ends_where_somebody_else_finished_it() {
    let own = format!("mark due\n{WHOLE}");
    let verdict = judge(
        &step("joined", CONF, "3.1"),
        &answer(&own, MAP, Some(WHOLE)),
        false,
    );
    assert_eq!(points(&verdict), ["forming: begun -> finished"]);
}

#[test]
fn a_frozen_cluster_is_an_error_and_no_answer() {
    let sections = [("membership", "", 124), ("membership.map", "", 0)];
    let error = testing::verdict_on(&step("joined", CONF, "3.1"), Platform::Debian12, &sections);
    assert!(error.unwrap_err().contains("frozen"));
}

#[test]
fn each_side_calls_its_own() {
    let calls =
        |side: &str| testing::actions(&step(side, CONF, "3.1"), &[("membership", WHOLE, 0)]);
    assert_eq!(calls("stopped"), ["nw_membership_leave pacemaker corosync"]);
    assert_eq!(
        calls("reloaded"),
        ["corosync-cfgtool -R", "nw_unmark membership/key"]
    );
    assert_eq!(
        calls("joined"),
        [
            "nw_mark membership/due",
            "nw_service_do start corosync",
            "nw_await 120 'a quorate cluster of all members' \
             nw_shows '^Quorate: +Yes\nmembers\\.1\\.status \\(str\\) = joined$\nmembers\\.2\\.status \\(str\\) = joined$' \
             nw_membership_state corosync",
            "nw_unmark membership/due"
        ]
    );
    assert!(testing::error(&step("fencing", CONF, "3.1")).contains("of cman"));
}

// Written from source, cluster 3.2.0 (docs/facts/membership.md#configuration-of-cman).
const XML: &str = r#"<?xml version="1.0"?>
<cluster name="trashcl" config_version="0">
  <cman two_node="1" expected_votes="1" transport="udpu" keyfile="/etc/cluster/authkey"/>
  <totem token="10000" rrp_mode="none" secauth="on"/>
  <fence_daemon post_join_delay="90"/>
  <clusternodes>
    <clusternode name="node1" nodeid="1"><fence><method name="ipmi"><device name="ipmi_n1" delay="15"/></method></fence></clusternode>
    <clusternode name="node2" nodeid="2"/>
  </clusternodes>
  <fencedevices><fencedevice name="ipmi_n1" agent="fence_ipmilan" community="COMMUNITY"/></fencedevices>
</cluster>
"#;

fn cman(side: &str, content: &str) -> Json {
    json!({
        "membership": side, "stack": "cman", "version": "1.4", "content": content,
        "config": "/etc/cluster/cluster.conf", "key": "/etc/cluster/authkey", "above": ["rgmanager", "gfs2", "clvmd"],
        "members": [{ "name": "node1", "host_id": 1 }, { "name": "node2", "host_id": 2 }],
    })
}

/// The observation of a cluster.conf with this content; `version` is the file's, `running` the one that cman has
/// loaded.
fn conf(content: &str, version: Option<u64>, running: Option<u64>) -> String {
    let canonical = super::cman::canonical(content);
    let mut text = String::new();
    if let Some(running) = running {
        text += &format!("running {running}\n");
    }
    if let Some(version) = version {
        let digest = crate::digest::sha256(canonical.as_bytes());
        text += &format!(
            "file 640 root root 900\nsha256 {}\ncontent {digest}\n",
            "a".repeat(64)
        );
        for tag in super::cman::public_tags(&canonical) {
            let versioned = format!("<cluster config_version=\"{version}\" ");
            text += &format!("tag {}\n", tag.replace("<cluster ", &versioned));
        }
    }
    text
}

const CMAN: &str = "name node1\ntrace /var/lib/corosync/ringid_10.0.2.1\nCluster Name: trashcl\nCluster Member: Yes\n\
    Quorum: 1  \nFlags: 2node \nrunning\n   1   M  node1\n   2   M  node2\n";
const DOMAIN: &str = "fence domain\nmember count  2\nvictim count  0\nvictim now    0\nmaster nodeid 1\nwait state    none\nmembers       1 2 \n";

fn cman_answer(own: &str, conf: &str, domain: &str, peer: &str) -> Answer {
    Answer::from_sections([
        ("membership", own, 0),
        ("cluster_conf", conf, 0),
        ("membership.domain", domain, 0),
        ("membership@node2", peer, 0),
        ("cluster_conf@node2", conf, 0),
    ])
}

#[test]
fn cman_takes_up_a_version_and_not_what_decides_who_hears_whom() {
    let running = conf(XML, Some(7), Some(7));
    let answer = cman_answer(CMAN, &running, DOMAIN, CMAN);
    for side in ["stopped", "reloaded", "joined", "fencing"] {
        assert_eq!(
            judge(&cman(side, XML), &answer, false),
            Verdict::Same,
            "{side}"
        );
    }
    // A delay of fencing: taken up once the file is written.
    let delay = XML.replace(r#"post_join_delay="90""#, r#"post_join_delay="30""#);
    assert_eq!(
        judge(&cman("stopped", &delay), &answer, false),
        Verdict::Same
    );
    assert_eq!(
        points(&judge(&cman("reloaded", &delay), &answer, true)),
        ["config_version: 7 -> the file's"]
    );
    let written = cman_answer(CMAN, &conf(&delay, Some(8), Some(7)), DOMAIN, CMAN);
    assert_eq!(
        points(&judge(&cman("reloaded", &delay), &written, false)),
        ["config_version: 7 -> 8"]
    );
    for (from, to, what) in [
        (
            r#"two_node="1" expected_votes="1""#,
            r#"expected_votes="2""#,
            "cman",
        ),
        (r#"transport="udpu""#, r#"transport="udp""#, "cman"),
        (r#"token="10000""#, r#"token="20000""#, "totem"),
        (r#"name="trashcl""#, r#"name="other""#, "cluster"),
        (
            r#"name="node2" nodeid="2""#,
            r#"name="node2" nodeid="3""#,
            "clusternode",
        ),
        (
            "</clusternodes>",
            "<clusternode name=\"node3\" nodeid=\"3\"/></clusternodes>",
            "clusternode",
        ),
    ] {
        let content = XML.replace(from, to);
        assert_ne!(content, XML, "{from}");
        let verdict = judge(&cman("stopped", &content), &answer, false);
        assert!(
            matches!(verdict, Verdict::Outage { .. }),
            "{to}: {verdict:?}"
        );
        assert!(points(&verdict)[0].starts_with(what), "{verdict:?}");
        assert_eq!(
            judge(&cman("reloaded", &content), &answer, true),
            Verdict::Same,
            "{to}"
        );
    }
    // If the file is lost, the other member's tells.
    let mut lost = vec![("membership", CMAN, 0), ("cluster_conf", "running 7\n", 0)];
    lost.extend([
        ("membership@node2", CMAN, 0),
        ("cluster_conf@node2", running.as_str(), 0),
    ]);
    let lost = Answer::from_sections(lost);
    assert_eq!(judge(&cman("stopped", XML), &lost, false), Verdict::Same);
    let token = XML.replace("10000", "20000");
    assert!(matches!(
        judge(&cman("stopped", &token), &lost, false),
        Verdict::Outage { .. }
    ));
    // Another key too.
    let verdict = judge(&cman("stopped", XML), &answer, true);
    assert_eq!(
        points(&verdict),
        ["/etc/cluster/authkey: another key -> the site's"]
    );
}

#[test]
fn nobody_joins_the_fence_domain_before_all_are_members() {
    let none = conf(XML, Some(1), None);
    let blank = cman_answer("name node1\n", &none, "", "name node2\n");
    assert!(matches!(
        judge(&cman("joined", XML), &blank, false),
        Verdict::Form(_)
    ));
    assert!(matches!(
        judge(&cman("fencing", XML), &blank, false),
        Verdict::After { .. }
    ));
    // The first stage is done here, and the other member did not come up: later stages wait.
    let up = format!("mark due\n{}", CMAN.replace("   2   M", "   2   X"));
    let again = cman_answer(
        &up,
        &conf(XML, Some(1), Some(1)),
        "",
        "name node2\nmark due\n",
    );
    assert_eq!(
        points(&judge(&cman("joined", XML), &again, false)),
        ["missing: node2 -> "]
    );
    let alone = cman_answer(
        &up,
        &conf(XML, Some(1), Some(1)),
        "",
        "name node2\nmark due\n",
    );
    assert!(matches!(
        judge(&cman("fencing", XML), &alone, false),
        Verdict::After { .. }
    ));
    let both = cman_answer(
        &format!("mark due\n{CMAN}"),
        &conf(XML, Some(1), Some(1)),
        "",
        &format!("mark due\n{CMAN}"),
    );
    assert_eq!(
        points(&judge(&cman("fencing", XML), &both, false)),
        ["fence domain: not joined -> whole"]
    );
    // Afterwards a member outside the domain is reported.
    let out = cman_answer(CMAN, &conf(XML, Some(1), Some(1)), "", CMAN);
    let Verdict::Finding { remedy, .. } = judge(&cman("fencing", XML), &out, false) else {
        panic!();
    };
    assert!(remedy.contains("service cman start"), "{remedy}");
}

#[test]
fn the_fence_domain_is_named_in_a_word() {
    let resource = testing::resources_on(&cman("fencing", XML), Platform::El6).remove(0);
    for (text, word) in [
        (DOMAIN.to_owned(), "whole"),
        (String::new(), "not joined"),
        (
            DOMAIN.replace("wait state    none", "wait state    fencing"),
            "waits for fencing",
        ),
        (
            DOMAIN.replace("victim count  0", "victim count  1"),
            "2 of 2 members, victims 1",
        ),
        (
            DOMAIN.replace("member count  2", "member count  1"),
            "1 of 2 members, victims 0",
        ),
    ] {
        let answer = cman_answer(CMAN, &conf(XML, Some(1), Some(1)), &text, CMAN);
        let compared = testing::compare(&resource, &target(Platform::El6), &answer, false);
        assert_eq!(compared.unwrap().seen["domain"], word);
    }
}

fn conf_step(content: &str) -> Json {
    json!({
        "cluster_conf": "/etc/cluster/cluster.conf", "content": content, "check": "ccs_config_validate -l {staged}",
        "members": [{ "name": "node1", "host_id": 1 }, { "name": "node2", "host_id": 2 }],
    })
}

/// The version that is written, if one is.
fn version(own: &str, peer: &str, content: &str, vault: &Vault) -> Option<String> {
    let step = conf_step(content);
    let resource = testing::resources_on(&step, Platform::El6).remove(0);
    let node = target(Platform::El6);
    let answer = Answer::from_sections([("cluster_conf", own, 0), ("cluster_conf@node2", peer, 0)]);
    let compared = testing::compare_with(&resource, &node, &answer, false, vault).unwrap();
    if compared.verdict == Verdict::Same && compared.secret.is_empty() {
        return None;
    }
    let running = resource.kind.running();
    let work = running.mend(&[&resource], &testing::circumstances(&node), &answer, vault);
    let contents = work.unwrap().contents;
    let [Payload::Text(text)] = contents.as_slice() else {
        panic!("{contents:?}");
    };
    let text = text.reveal(vault).unwrap();
    let (_, rest) = text.split_once("config_version=\"").unwrap();
    Some(rest.split('"').next().unwrap().to_owned())
}

#[test]
fn its_check_names_a_validator_or_is_a_command() {
    let with = |check: &str| {
        let mut step = conf_step(XML);
        step["check"] = json!(check);
        testing::error(&step)
    };
    assert_eq!(
        with("ccs_config_validat"),
        "`ccs_config_validat` is no validator, there are corosync, lvm, sshd; a command must hold {staged}, which \
         stands for the path of the new content"
    );
    assert!(with("corosync").contains("the validator is written `corosync KEY`"));
    assert_eq!(
        with("nw_replace {staged}"),
        "`nw_replace` is a function of nodewright, and no program; `nodewright kinds` lists validators"
    );
}

#[test]
fn a_version_is_raised_by_one_when_and_only_when_the_content_changes() {
    let old = XML.replace("post_join_delay=\"90\"", "post_join_delay=\"6\"");
    let none = String::new();
    let has = |content: &str, v: u64, r: Option<u64>| conf(content, Some(v), r);
    for (own, peer, wanted) in [
        (none.clone(), none.clone(), Some("1")),
        (has(XML, 7, Some(7)), has(XML, 7, Some(7)), None),
        // Its layout is not its content.
        (
            has(&XML.replace("\n  <", "\n\t\t<"), 7, Some(7)),
            has(XML, 7, Some(7)),
            None,
        ),
        (has(&old, 7, Some(7)), has(&old, 7, Some(7)), Some("8")),
        // One has it already: the other gets the very same.
        (has(&old, 7, Some(7)), has(XML, 8, Some(7)), Some("8")),
        (has(XML, 8, Some(7)), has(&old, 7, Some(7)), None),
        (none.clone(), has(XML, 8, Some(8)), Some("8")),
        // The same content under two versions, and two contents under one.
        (has(XML, 7, None), has(XML, 9, None), Some("9")),
        (has(XML, 9, None), has(XML, 7, None), None),
        (has(&old, 7, None), has(XML, 7, None), Some("8")),
        (has(XML, 7, None), has(&old, 7, None), Some("8")),
        // The running version is newer than any file's.
        (has(XML, 7, Some(9)), has(XML, 7, Some(9)), Some("10")),
    ] {
        let got = version(&own, &peer, XML, &Vault::new());
        assert_eq!(got.as_deref(), wanted, "{own}\n{peer}");
    }
}

#[test]
fn a_member_that_lies_does_not_decide_the_version_of_the_others() {
    let resource = testing::resources_on(&conf_step(XML), Platform::El6).remove(0);
    let node = target(Platform::El6);
    let judged = |own: &str, peer: &str| {
        let answer =
            Answer::from_sections([("cluster_conf", own, 0), ("cluster_conf@node2", peer, 0)]);
        testing::compare_with(&resource, &node, &answer, false, &Vault::new())
            .unwrap()
            .verdict
    };
    let own = conf(XML, Some(5), Some(5));
    let absent = String::new();
    for (own, version, running) in [
        (&own, u64::MAX, None),
        (&own, 4_294_967_295, None),
        (&own, 5, Some(u64::MAX)),
        (&own, 10_006, None),
        (&absent, 2_147_483_648, None),
        (&absent, u64::MAX, None),
    ] {
        let verdict = judged(own, &conf(XML, Some(version), running));
        let Verdict::Refuse(refusal) = verdict else {
            panic!("{version} {running:?}: {verdict:?}");
        };
        let said = version.max(running.unwrap_or(0)).to_string();
        assert!(refusal.what.contains(&said), "{}", refusal.what);
    }
    for (own, version) in [(&own, 10_005), (&absent, 2_026_112_801)] {
        let verdict = judged(own, &conf(XML, Some(version), None));
        assert!(matches!(verdict, Verdict::Change(_)), "{verdict:?}");
    }
}

#[test]
fn a_secret_in_it_is_compared_where_its_value_is_known() {
    let content = XML.replace("COMMUNITY", &mark("snmp"));
    let vault = |value: &str| Vault::from([("snmp".to_owned(), value.to_owned())]);
    let there = conf(&XML.replace("COMMUNITY", "hunter2"), Some(7), Some(7));
    assert_eq!(version(&there, &there, &content, &vault("hunter2")), None);
    assert_eq!(
        version(&there, &there, &content, &vault("other")).as_deref(),
        Some("8")
    );
    let step = conf_step(&content);
    let resource = testing::resources_on(&step, Platform::El6).remove(0);
    let node = target(Platform::El6);
    let answer = Answer::from_sections([("cluster_conf", there.as_str(), 0)]);
    let compared = testing::compare_with(&resource, &node, &answer, false, &vault("other"));
    let hidden: Vec<String> = compared.unwrap().secret.iter().map(shown).collect();
    assert_eq!(
        hidden,
        ["content: another -> as rendered", "config_version: 7 -> 8"]
    );
    assert_eq!(resource.files.secrets, ["/etc/cluster/cluster.conf"]);
}

#[test]
fn it_is_checked_and_replaced_as_a_whole() {
    let step = conf_step(XML);
    let resource = testing::resources_on(&step, Platform::El6).remove(0);
    let answer = Answer::from_sections([("cluster_conf", "", 0)]);
    let work = testing::mend(&[&resource], &target(Platform::El6), &answer);
    let check: Vec<String> = work.preflight.iter().map(Call::to_shell).collect();
    assert_eq!(
        check,
        [r#"nw_preflight ccs_config_validate -l "$NW_BLOB/0""#]
    );
    let text = conf(&XML.replace("90", "60"), Some(7), Some(7));
    assert_eq!(
        testing::actions_on(&step, Platform::El6, &[("cluster_conf", &text, 0)]),
        [
            r#"ccs_config_validate -l "$NW_BLOB/0""#.to_owned(),
            format!(
                r#"nw_replace /etc/cluster/cluster.conf {} "$NW_BLOB/0" root root 0640 yes"#,
                "a".repeat(64)
            )
        ]
    );
    let verdict = testing::verdict_on(&step, Platform::El6, &[("cluster_conf", &text, 0)]).unwrap();
    assert_eq!(
        points(&verdict),
        [
            r#"fence_daemon: <fence_daemon post_join_delay="60"> -> <fence_daemon post_join_delay="90">"#,
            "config_version: 7 -> 8"
        ]
    );
}

#[test]
fn a_content_without_a_version_is_refused() {
    let step = conf_step("<cluster name=\"x\"/>");
    assert!(testing::error(&step).contains("config_version"));
    assert!(kind_named("cluster_conf").is_some());
}

#[test]
fn the_canonical_content_is_that_of_the_shell() {
    // The same text and outcome as in the test of the shell.
    let text = "<?xml version=\"1.0\"?>\n<!-- by hand -->\n<cluster name=\"c\" config_version=\"7\">\n  <cman two_node=\"1\"\n\t\
        expected_votes=\"1\" />\n  <fencedevice name=\"a\" passwd=\"hunter2\"/>\n</cluster>\n";
    assert_eq!(
        super::cman::canonical(text),
        "<cluster name=\"c\">\n<cman two_node=\"1\" expected_votes=\"1\"/>\n<fencedevice name=\"a\" passwd=\"hunter2\"/>\n\
         </cluster>\n"
    );
}

/// A sound one, which the schema of cluster 3.2.0 accepts, shortened; and what breaks it.
const SOUND: &str = r#"<?xml version="1.0"?>
<cluster name="trashcl" config_version="7">
  <cman two_node="1" expected_votes="1" transport="udpu" keyfile="/etc/cluster/authkey"/>
  <totem token="10000" rrp_mode="none" secauth="on"/>
  <fence_daemon post_join_delay="90"/>
  <clusternodes>
    <clusternode name="node1" nodeid="1"><fence><method name="ipmi"><device name="ipmi_n1" action="reboot"/></method></fence></clusternode>
    <clusternode name="node2" nodeid="2"><fence><method name="ipmi"><device name="ipmi_n2" action="reboot"/></method></fence></clusternode>
  </clusternodes>
  <fencedevices>
    <fencedevice name="ipmi_n1" agent="fence_ipmilan" ipaddr="10.0.3.6"/>
    <fencedevice name="ipmi_n2" agent="fence_ipmilan" ipaddr="10.0.3.2"/>
  </fencedevices>
  <rm log_level="5">
    <failoverdomains>
      <failoverdomain name="only_node1" ordered="0" restricted="1"><failoverdomainnode name="node1"/></failoverdomain>
      <failoverdomain name="prefer_node1" ordered="1" restricted="1" nofailback="1">
        <failoverdomainnode name="node1" priority="1"/>
        <failoverdomainnode name="node2" priority="2"/>
      </failoverdomain>
    </failoverdomains>
    <resources>
      <script name="drbd" file="/etc/init.d/drbd"/>
      <ip address="192.0.2.77"/>
    </resources>
    <service name="storage" domain="only_node1" recovery="restart"><script ref="drbd"><ip ref="192.0.2.77"/></script></service>
    <vm name="web" domain="prefer_node1" recovery="relocate" migrate="live"/>
  </rm>
</cluster>
"#;

#[test]
fn a_cluster_conf_that_no_cluster_should_have_is_found_whether_its_schema_catches_it_or_not() {
    let none: [String; 0] = [];
    assert_eq!(super::structure::problems(SOUND), none);
    // Without a service, whether the list of resources is empty or not there (docs/facts/resources.md#services-of-rgmanager).
    let (before, rest) = SOUND.split_once("<rm ").unwrap();
    let after = rest.split_once("</rm>").unwrap().1;
    for rm in ["<rm/>", "<rm><failoverdomains/><resources/></rm>", ""] {
        let empty = format!("{before}{rm}{after}");
        assert_eq!(super::structure::problems(&empty), none, "{rm}");
    }
    for (from, to, text) in [
        (
            r#"domain="prefer_node1" recovery="relocate""#,
            r#"domain="prefer_nod1" recovery="relocate""#,
            "there is no failover domain `prefer_nod1`: `vm:web` would start on any node",
        ),
        (
            r#"<failoverdomain name="prefer_node1""#,
            r#"<failoverdomain name="Only_Node1""#,
            "`Only_Node1` is listed twice among the failover domains: rgmanager knows none behind it",
        ),
        (
            r#"<failoverdomainnode name="node2" priority="2"/>"#,
            r#"<failoverdomainnode name="node3" priority="2"/>"#,
            "a failover domain has `node3`, which is no node",
        ),
        (
            r#"<failoverdomainnode name="node2" priority="2"/>"#,
            r#"<failoverdomainnode name="node1" priority="2"/>"#,
            "a failover domain has `node1` twice",
        ),
        (
            r#"priority="2""#,
            r#"priority="101""#,
            "`node2` has the priority 101 in a failover domain: 1 to 100",
        ),
        (
            r#"recovery="relocate""#,
            r#"recovery="failover""#,
            "`vm:web` has no recovery `failover`: restart, relocate, disable, restart-disable",
        ),
        (
            r#"migrate="live""#,
            r#"migrate="yes""#,
            "`vm:web` has no migrate `yes`: live, pause",
        ),
        (
            "    <vm ",
            "    <vm name=\"web\"/><vm ",
            "`vm:web` is listed twice",
        ),
        (
            r#"<script ref="drbd">"#,
            r#"<script ref="drdb">"#,
            "there is no script `drdb` among the resources",
        ),
        (
            r#"<ip ref="192.0.2.77"/>"#,
            r#"<ip ref="192.0.2.78"/>"#,
            "there is no ip `192.0.2.78` among the resources",
        ),
        // Faults that the schema of 3.2.0 accepts (docs/facts/membership.md#configuration-of-cman).
        (
            r#"<device name="ipmi_n2""#,
            r#"<device name="ipmi_nx""#,
            "there is no fence device `ipmi_nx`",
        ),
        (
            r#"nodeid="2""#,
            r#"nodeid="1""#,
            "two nodes have the nodeid 1",
        ),
        (
            r#"expected_votes="1""#,
            r#"expected_votes="2""#,
            "two_node needs expected_votes=\"1\"",
        ),
        (
            r#"config_version="7""#,
            r#"config_version="seven""#,
            "config_version is no number",
        ),
        (
            r#"nodeid="2""#,
            r#"nodeid="2" votes="2""#,
            "two_node needs one vote of each node",
        ),
        (
            "  </clusternodes>",
            "<clusternode name=\"node3\" nodeid=\"3\"/></clusternodes>",
            "two_node is for two nodes, not for 3",
        ),
        (
            "name=\"node2\" nodeid",
            "name=\"node1\" nodeid",
            "`node1` is listed twice among the nodes",
        ),
        (
            r#"post_join_delay="90""#,
            r#"post_join_delay="90" clean_start="1""#,
            "clean_start assumes that a node is down without having fenced it",
        ),
        (
            r#"<fencedevice name="ipmi_n2""#,
            r#"<fencedevice name="ipmi_n1""#,
            "`ipmi_n1` is listed twice among the fence devices",
        ),
        // Faults that the schema finds.
        (r#" nodeid="2""#, "", "`node2` has no nodeid from 1 on"),
        (
            r#"nodeid="2""#,
            r#"nodeid="0""#,
            "`node2` has no nodeid from 1 on",
        ),
        (
            r#"<fencedevice name="ipmi_n2""#,
            r#"<fencedevice name="2ipmi""#,
            "`2ipmi` is no name of a fence device: a letter first",
        ),
        (
            r#"nodeid="1">"#,
            r#"nodeid="1"><altname name="a"/><altname name="b"/>"#,
            "a node has one altname at most",
        ),
        (
            r#"action="reboot"/></method></fence></clusternode>
    <clusternode name="node2""#,
            r#"blade="1"/></method></fence></clusternode>
    <clusternode name="node2""#,
            "`blade` of a device is of release 5: write `port`",
        ),
        (
            r#"<device name="ipmi_n1""#,
            r#"<device name="ipmi_n1" nodename="node1""#,
            "`nodename` of a device is of release 5: write `port`",
        ),
        (
            r#"transport="udpu""#,
            r#"transport="tcp""#,
            "cman has no transport `tcp`",
        ),
        (
            r#"rrp_mode="none""#,
            r#"transport="udpu""#,
            "the transport is an attribute of cman, and fatal in totem",
        ),
    ] {
        let broken = SOUND.replacen(from, to, 1);
        assert_ne!(broken, SOUND, "{from}");
        let problems = super::structure::problems(&broken);
        assert!(problems.iter().any(|p| p == text), "{to}: {problems:?}");
    }
    // A site's own template is checked before any node is observed.
    let step = conf_step(&SOUND.replace("nodeid=\"2\"", "nodeid=\"1\""));
    let error = testing::read(&step, Platform::El6).expect_err("the step is wrong");
    assert!(error.contains("two nodes have the nodeid 1"), "{error}");
}

#[test]
fn what_the_tools_say_is_read_of_each_stack() {
    let blocked = "Cluster Name: trashcl\nQuorum: 2 Activity blocked\nFlags: \nrunning\n   1   M  node1\n   2   X  node2\n   3   d  node3\n";
    let report = super::cman::parse_status(blocked);
    assert_eq!(
        (report.quorate, report.members),
        (false, vec!["1".to_owned()])
    );
    // Written from source: corosync 2.4 names its members so.
    let two = "runtime.totem.pg.mrp.srp.members.1.status (str) = joined\n\
        runtime.totem.pg.mrp.srp.members.2.status (str) = left\nrunning\nQuorate:          No\nFlags:            2Node WaitForAll \n";
    let report = super::corosync::parse_status(two);
    assert_eq!(
        (report.quorate, report.members),
        (false, vec!["1".to_owned()])
    );
    assert_eq!(report.flags, "2Node WaitForAll");
}

/// `corosync-quorumtool -s` of 2.4 ends with 1 also where the members are quorate: its words count.
#[test]
fn the_status_of_the_quorum_tool_is_not_asked() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let tool = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let members = "for id in 1 2; do echo \"runtime.totem.pg.mrp.srp.members.$id.status (str) = joined\"; done";
    tool("corosync-cmapctl", members);
    for (said, whole) in [("Yes", "whole 0"), ("No", "whole 1")] {
        let words = format!("echo 'Quorate:          {said}'; exit 1");
        tool("corosync-quorumtool", &words);
        let script = format!(
            "set -u\n{}\nnw_membership_state corosync\necho told $?\nnw_shows {} nw_membership_state corosync\necho whole $?\n",
            <MembershipKind as crate::kind::Kind>::SHELL.text(),
            crate::sh::quote(&super::corosync::whole(&[1, 2]).join("\n"))
        );
        let path = std::env::var("PATH").unwrap();
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .env("PATH", format!("{}:{path}", dir.path().display()))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("running\n") && text.contains("told 0\n"),
            "{text}"
        );
        assert_eq!(text.lines().next_back(), Some(whole), "{text}");
        assert_eq!(super::corosync::parse_status(&text).quorate, said == "Yes");
    }
}

/// Whether a node that waits takes this output of a tool for what it waits for, as grep reads the patterns.
fn waited_for(patterns: &[String], output: &str) -> bool {
    let script = format!("{}\nnw_shows \"$@\"", crate::shell::PROCESS.text());
    let shell = std::process::Command::new("sh")
        .args(["-u", "-c", &script, "sh", &patterns.join("\n")])
        .args(["printf", "%s", output])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&shell.stderr), "");
    shell.status.success()
}

/// The patterns by which a node waits, and the parser of the same tool, call the same outputs whole.
#[test]
fn a_node_waits_for_what_the_parser_calls_whole() {
    let two = ["1".to_owned(), "2".to_owned()];
    // Corosync 2.4 names its members otherwise (docs/facts/membership.md#state-of-the-membership).
    let older = WHOLE.replace("runtime.members", "runtime.totem.pg.mrp.srp.members");
    for (text, whole) in [
        (WHOLE.to_owned(), true),
        (older, true),
        (WHOLE.replace("Yes", "No"), false),
        (
            WHOLE.replace(
                "members.2.status (str) = joined",
                "members.2.status (str) = left",
            ),
            false,
        ),
        (WHOLE.replace("members.2.", "members.12."), false),
        (BLANK.to_owned(), false),
    ] {
        let report = super::corosync::parse_status(&text);
        assert_eq!(report.quorate && report.members == two, whole, "{text}");
        assert_eq!(
            waited_for(&super::corosync::whole(&[1, 2]), &text),
            whole,
            "{text}"
        );
    }
    for (text, whole) in [
        (CMAN.to_owned(), true),
        (CMAN.replace("   1   M  node1", "1 M node1"), true),
        (
            CMAN.replace("Quorum: 1  ", "Quorum: 2 Activity blocked"),
            false,
        ),
        (CMAN.replace("2   M", "2   X"), false),
        (CMAN.replace("2   M", "12   M"), false),
    ] {
        let report = super::cman::parse_status(&text);
        assert_eq!(report.quorate && report.members == two, whole, "{text}");
        assert_eq!(
            waited_for(&super::cman::whole(&[1, 2]), &text),
            whole,
            "{text}"
        );
    }
    for (text, whole) in [
        (DOMAIN.to_owned(), true),
        (DOMAIN.replace("count  2", "count  1"), false),
        (DOMAIN.replace("count  2", "count  21"), false),
        (DOMAIN.replace("victim count  0", "victim count  1"), false),
        (DOMAIN.replace("none", "fencing"), false),
        (String::new(), false),
    ] {
        assert_eq!(super::seen::domain(&text, 2) == "whole", whole, "{text}");
        assert_eq!(
            waited_for(&super::cman::whole_domain(2), &text),
            whole,
            "{text}"
        );
    }
}
