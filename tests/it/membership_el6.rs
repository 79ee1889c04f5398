//! The role membership on two nodes like EL6, whose cman is a stand-in (`tests/nodes/el6/cluster`) that tells what it was
//! called with: the exact commands in the exact order, and every refusal.

use crate::membership::{KEY, change, on_both, prepared, site, went_well};
use crate::nodes;
use crate::rig::Rig;
use crate::support::Desk;
use nodewright::lab::LabSpec;
use nodewright::platform::Platform;
use nodewright::role::{Library, expand, files};
use nodewright::site::{Overrides, load};

fn rig() -> Rig {
    // EL6 knows no other sort of key.
    let public = include_str!("../keys/plain_rsa.pub");
    let words: Vec<&str> = public.split_whitespace().take(2).collect();
    let text = site(&format!("{} anna@desk", words.join(" ")));
    let loaded = nodewright::site::load_str(&text);
    let findings = loaded.findings;
    let model = loaded.site.unwrap_or_else(|| panic!("{findings:#?}"));
    let spec = LabSpec::of_site(nodes::fresh_name(), &model);
    let rig = prepared(Rig::with(nodes::el6_as(spec), &text), "rsa");
    // What the release asks for elsewhere is of no matter here.
    change(&rig, "token     = \"3s\"", "token     = \"10s\"");
    rig
}

/// What the stand-ins were called with since the last time, on each member.
fn commands(rig: &Rig) -> [Vec<String>; 2] {
    on_both(
        rig,
        "cat /run/cluster-commands 2>/dev/null; rm -f /run/cluster-commands",
    )
    .map(|said| said.lines().map(str::to_owned).collect())
}

#[track_caller]
fn called(rig: &Rig, node1: &[&str], node2: &[&str]) {
    let [one, two] = commands(rig);
    assert_eq!(
        (one.as_slice(), two.as_slice()),
        (&to_owned(node1)[..], &to_owned(node2)[..])
    );
}

fn to_owned(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

const VERSIONS: &str =
    "grep -o 'config_version=\"[0-9]*\"' /etc/cluster/cluster.conf; cman_tool version";

#[track_caller]
fn versions(rig: &Rig, version: u32) {
    let line = format!("config_version=\"{version}\"\n6.2.0 config {version}\n");
    assert_eq!(on_both(rig, VERSIONS), [line.as_str(), line.as_str()]);
    let [one, two] = on_both(
        rig,
        "sha256sum /etc/cluster/cluster.conf; stat -c '%a %U:%G' /etc/cluster/cluster.conf",
    );
    assert_eq!(one, two);
    assert!(one.ends_with("640 root:root\n"), "{one}");
}

/// Once before anything is changed, and once right before the file is put in place.
const VALIDATE: &str = "ccs_config_validate -l";
const JOIN: &str = "service cman start join";
const START: &str = "service cman start";
const STOP: &str = "service cman stop";
const ACTIVATE: &str = "cman_tool version -r -S";

#[test]
fn el6_is_formed_in_stages_and_changed_by_versions() {
    let rig = rig();
    let said = rig.apply();
    went_well(&said);
    let stages = [VALIDATE, VALIDATE, JOIN, START];
    called(&rig, &stages, &stages);
    // Nobody joins the fence domain before all are members.
    let order = said.course();
    let last = order
        .iter()
        .rposition(|l| l.ends_with("end join the cluster"))
        .unwrap();
    let first = order
        .iter()
        .position(|l| l.ends_with("begin join the fence domain"))
        .unwrap();
    assert!(last < first, "{order:#?}");
    versions(&rig, 1);
    assert_eq!(
        on_both(
            &rig,
            "grep ^CONFIG /etc/sysconfig/cman; chkconfig --list | grep ':on' | grep -vc '^ip6*tables'; ls /var/lib/nodewright/membership; stat -c '%a %s' /etc/cluster/authkey"
        ),
        ["CONFIG_VALIDATION=FAIL\n0\n400 256\n"; 2]
    );
    rig.nothing_to_do();
    called(&rig, &[], &[]);
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");

    // What a running cluster takes up: both have it before one says it.
    change(&rig, "start     = ", "join      = \"45s\"\nstart     = ");
    let plan = rig.plan().page();
    assert!(plan.contains("config_version: 1 -> 2"), "{plan}");
    went_well(&rig.apply());
    called(&rig, &[VALIDATE, VALIDATE, ACTIVATE], &[VALIDATE, VALIDATE]);
    versions(&rig, 2);
    rig.nothing_to_do();
    called(&rig, &[], &[]);

    // Somebody edits one: all get one version more, since two contents had the same one.
    rig.nodes.ok(
        "node2",
        "sed -i 's/post_join_delay=\"45\"/post_join_delay=\"6\"/' /etc/cluster/cluster.conf",
    );
    went_well(&rig.apply());
    called(&rig, &[VALIDATE, VALIDATE, ACTIVATE], &[VALIDATE, VALIDATE]);
    versions(&rig, 3);

    // Somebody lost one: it gets the very file that the other has.
    rig.nodes.ok("node2", "rm /etc/cluster/cluster.conf");
    went_well(&rig.apply());
    called(&rig, &[], &[VALIDATE, VALIDATE]);
    versions(&rig, 3);
    rig.nothing_to_do();

    // The real validator's word counts before anything is written.
    let template = include_str!("../../templates/membership/cluster.xml");
    rig.write(
        "templates/membership/cluster.xml",
        &template.replace("</cluster>", "<vm blade=\"1\"/></cluster>"),
    );
    let said = rig.apply();
    assert_eq!(said.code, 1, "{:?}{}", said.events, said.err);
    assert!(
        said.failed().concat().contains("fails to validate"),
        "{:?}",
        said.failed()
    );
    versions(&rig, 3);
    std::fs::remove_file(rig.desk.site().join("templates/membership/cluster.xml")).unwrap();
    commands(&rig);
}

#[test]
fn el6_refuses_what_needs_all_members_down_and_does_it_with_an_outage() {
    let rig = rig();
    went_well(&rig.apply());
    commands(&rig);
    for (from, to, what) in [
        ("token     = \"10s\"", "token     = \"20s\"", "totem"),
        (
            "ring      = \"yellow\"",
            "ring      = \"yellow\"\ntransport = \"udpu\"",
            "cman",
        ),
        ("[cluster]", "[cluster]\nname = \"another\"", "cluster"),
    ] {
        change(&rig, from, to);
        let said = rig.apply();
        assert_eq!(said.code, 5, "{:?}{}", said.events, said.err);
        let why = said.failed().concat();
        assert!(
            why.contains(&format!("{what} cannot change while the cluster runs")),
            "{why}"
        );
        assert!(why.contains("nodewright apply --outage"), "{why}");
        change(&rig, to, from);
    }
    let (code, _, err) =
        rig.desk
            .output(&["secret", "set", "cluster-authkey", "--generate", "256"]);
    assert_eq!(code, 0, "{err}");
    let said = rig.apply();
    assert_eq!(said.code, 5, "{:?}{}", said.events, said.err);
    assert!(
        said.failed()
            .concat()
            .contains("/etc/cluster/authkey cannot change"),
        "{:?}",
        said.failed()
    );
    versions(&rig, 1);
    called(&rig, &[], &[]);

    // What holds a lockspace does not let its node go: nothing is written, and nobody is left to guess.
    change(&rig, "token     = \"10s\"", "token     = \"20s\"");
    rig.nodes.ok("node2", "echo clvmd >/run/cluster-lockspace");
    let said = rig.say(&["apply", "--yes", "--outage"]);
    assert_eq!(said.code, 1, "{:?}{}", said.events, said.err);
    assert!(
        said.err.contains("found dlm lockspace clvmd"),
        "{}",
        said.err
    );
    called(&rig, &[STOP], &[STOP]);
    rig.nodes.ok(
        "node1",
        "grep -q 'config_version=\"1\"' /etc/cluster/cluster.conf",
    );
    rig.nodes.ok("node2", "rm /run/cluster-lockspace");

    // Once more: the member that is down already waits for the other.
    let said = rig.say(&["apply", "--yes", "--outage"]);
    went_well(&said);
    called(
        &rig,
        &[VALIDATE, VALIDATE, JOIN, START],
        &[STOP, VALIDATE, VALIDATE, JOIN, START],
    );
    versions(&rig, 2);
    rig.nothing_to_do();
    assert_eq!(on_both(&rig, "ls /var/lib/nodewright/membership"), ["", ""]);
}

#[test]
fn el6_shoots_nobody_where_a_member_does_not_come_up_and_leaves_out_who_is_out() {
    let rig = rig();
    let role = include_str!("../../roles/membership.toml");
    rig.write(
        "roles/membership.toml",
        &role.replace(
            "membership = \"joined\"",
            "membership = \"joined\"\npatience   = 3",
        ),
    );
    rig.nodes.ok(
        "node2",
        "mkdir -p /var/run/NetworkManager; echo 1 >/var/run/NetworkManager/NetworkManager.pid",
    );
    let said = rig.apply();
    assert_eq!(said.code, 1, "{:?}{}", said.events, said.err);
    assert!(
        said.err.contains("Network Manager is either running"),
        "{}",
        said.err
    );
    // One is a member of a cluster of one, and fences nobody: its fence daemon does not run.
    called(
        &rig,
        &[VALIDATE, VALIDATE, JOIN],
        &[VALIDATE, VALIDATE, JOIN],
    );
    rig.nodes.ok("node2", "rm -r /var/run/NetworkManager");
    went_well(&rig.apply());
    called(&rig, &[JOIN, START], &[JOIN, START]);
    versions(&rig, 1);

    rig.nodes.ok("node2", "service cman stop");
    commands(&rig);
    for _ in 0..3 {
        let said = rig.apply();
        assert_eq!((said.code, said.failed()), (3, Vec::new()), "{}", said.err);
        assert!(
            said.page()
                .contains("node2 is not in the cluster; node1 is in it"),
            "{}",
            said.page()
        );
        called(&rig, &[], &[]);
    }
}

#[test]
fn proxmox_has_the_same_in_its_own_places() {
    let desk = Desk::new().file("inventory.toml", &site(KEY).replace("\"el6\"", "\"pve3\""));
    let overrides = Overrides {
        platform: Some(Platform::Pve3),
        ..Overrides::default()
    };
    let mut loaded = load(&desk.site(), &overrides);
    let mut findings = std::mem::take(&mut loaded.findings);
    let site = loaded.site.take().expect("a site");
    let library = Library::load(&desk.site(), &mut loaded.sources, &mut findings);
    let expansion = expand(&site, &library, "node1", &loaded.sources);
    let shown = findings.iter().chain(&expansion.findings);
    let shown: String = shown.map(|f| f.render(&loaded.sources, false)).collect();
    assert_eq!(shown, "");
    let addresses: Vec<String> = expansion
        .resources
        .iter()
        .filter(|r| r.address.role == "membership")
        .map(|r| r.address.to_string().replace("membership/", ""))
        .collect();
    assert_eq!(
        addresses,
        [
            "package:redhat-cluster-pve",
            "ini:/etc/default/redhat-cluster-pve FENCE_JOIN",
            "membership:stopped",
            "file:/etc/cluster/authkey",
            "cluster_conf:/etc/pve/cluster.conf",
            "membership:reloaded",
            "service:cman",
            "membership:joined",
            "membership:fencing",
        ]
    );
    let conf = files(&expansion.resources)["/etc/pve/cluster.conf"].masked();
    assert!(conf.contains("keyfile=\"/etc/cluster/authkey\""), "{conf}");
    assert!(
        conf.contains("<clusternode name=\"node2\" nodeid=\"2\" votes=\"1\">"),
        "{conf}"
    );
}

#[test]
fn a_second_ring_is_written_in_each_releases_own_way() {
    let second = [(
        "ring      = \"yellow\"",
        "ring      = \"yellow\"\nsecond_ring = \"serial\"",
    )];
    let told = |platform| crate::fencing::content(platform, "membership", "membership", &second);
    for (platform, words) in [
        (
            Platform::El6,
            &[
                "<totem token=\"10000\" rrp_mode=\"passive\" secauth=\"on\"/>",
                "<altname name=\"node1-serial\" port=\"5407\"/>",
                "<altname name=\"node2-serial\" port=\"5407\"/>",
            ][..],
        ),
        (
            Platform::El7,
            &[
                "    rrp_mode: passive\n",
                "        ring1_addr: 10.0.9.1\n",
                "        ring1_addr: 10.0.9.2\n",
            ],
        ),
        (
            Platform::El9,
            &[
                "    link_mode: passive\n    interface {\n        linknumber: 0\n        knet_link_priority: 10\n    }\n    \
                 interface {\n        linknumber: 1\n        knet_link_priority: 1\n        knet_ping_interval: 3000\n        \
                 knet_ping_timeout: 6000\n    }\n",
                "        ring1_addr: 10.0.9.2\n",
            ],
        ),
    ] {
        let told = told(platform);
        for word in words {
            assert!(told.contains(word), "{platform}: {word}\n{told}");
        }
    }
}
