//! The role membership on two nodes with Debian's own corosync: formed by one `apply`, left alone by the next, changed
//! as far as what runs takes it up, refused where it does not, and a node that is out stays out.

use crate::nodes;
use crate::rig::{Rig, Said};
use nodewright::lab::LabSpec;
use std::fs;
use std::process::Command;

pub const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqlm6nufet3w+BcDawjSYii2UWTCFiyjkdEv8TzB3oO anna@desk";

/// Of the role base what the membership leans on: names that lead to the ring.
const BASE: &str = r#"
description = "names"
[vars]
machine = { type = "bool", default = true, doc = "-" }
[[step]]
for_each = "h in site.hosts"
hosts    = "{{ h.address }}"
names    = "{{ h.names }}"
"#;

/// The site with another key of anna's.
fn with_key(text: &str, key: &str) -> String {
    let start = text.find("anna = { key = \"").expect("the operator") + 16;
    let end = start + text[start..].find('"').unwrap();
    format!("{}{key}{}", &text[..start], &text[end..])
}

/// The example site with the role, and anna's key.
pub fn site(key: &str) -> String {
    let text = include_str!("../../inventory/crosslink/inventory.toml");
    let mut text = with_key(text, key);
    // Another one who opens the secrets is of no matter here.
    let from = text.find("beat = {").unwrap();
    let to = from + text[from..].find('\n').unwrap() + 1;
    text.replace_range(from..to, "");
    let from = text.find("roles = [").unwrap();
    let to = from + text[from..].find('\n').unwrap();
    text.replace_range(from..to, "roles = [\"base\", \"membership\"]");
    text.replacen("token     = \"10s\"", "token     = \"3s\"", 1)
}

fn rig() -> Rig {
    rig_of(&site(KEY))
}

fn rig_of(text: &str) -> Rig {
    let loaded = nodewright::site::load_str(text);
    let findings = loaded.findings;
    let model = loaded.site.unwrap_or_else(|| panic!("{findings:#?}"));
    let spec = LabSpec::of_site(nodes::fresh_name(), &model);
    prepared(Rig::with(nodes::up(spec), text), "ed25519")
}

/// Of the role base only what the membership leans on.
pub fn short_base(rig: &Rig) {
    rig.write("roles/base.toml", BASE);
}

/// The desk with a key that opens the site's secrets, and the short role base.
pub fn prepared(rig: Rig, sort: &str) -> Rig {
    let key = rig.desk.home().join(format!(".ssh/id_{sort}"));
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", sort, "-N", "", "-C", "anna@desk", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let path = rig.desk.site().join("inventory.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, with_key(&text, public.trim())).unwrap();
    short_base(&rig);
    let (code, _, err) = rig.desk.output(&["secret", "keys"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("A key for the members of the cluster: cluster-authkey in secrets.age."),
        "{err}"
    );
    rig
}

/// Changes the inventory.
pub fn change(rig: &Rig, from: &str, to: &str) {
    let path = rig.desk.site().join("inventory.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

#[track_caller]
pub fn went_well(said: &Said) {
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
}

pub fn on_both(rig: &Rig, script: &str) -> [String; 2] {
    ["node1", "node2"].map(|node| rig.nodes.ok(node, script))
}

pub const STATE: &str = "corosync-quorumtool -s | grep -E '^(Quorate|Nodes|Flags):' | tr -s ' '";
pub const WHOLE: &str = "Nodes: 2\nQuorate: Yes\nFlags: 2Node Quorate WaitForAll \n";

/// Waits until the other member is heard.
pub const HEARD: &str = "i=0; until corosync-quorumtool -s | grep -q 'Nodes: *2'; do i=$((i + 1)); [ $i -lt 60 ] || exit 1; sleep 0.5; done";

/// Which start of corosync it is that runs.
const INSTANCE: &str = "systemctl show -p MainPID -p ActiveEnterTimestampMonotonic corosync";

/// The site changes the transport, which is refused; why.
pub fn another_transport_is_refused(rig: &Rig) -> String {
    change(
        rig,
        "ring      = \"yellow\"",
        "ring      = \"yellow\"\ntransport = \"udpu\"",
    );
    let said = rig.apply();
    assert_eq!(said.code, 5, "{:?}{}", said.events, said.err);
    said.failed().concat()
}

#[test]
fn two_bare_nodes_are_a_quorate_cluster_after_one_apply_and_take_changes_up() {
    let rig = rig();
    let plan = rig.plan();
    assert_eq!(plan.code, 2, "{}", plan.err);
    assert!(
        plan.page()
            .contains("join the cluster [membership/membership:joined]; member: no -> yes"),
        "{}",
        plan.page()
    );
    went_well(&rig.apply());
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    // What Debian would have started by itself never ran.
    let once = "ls /var/lib/corosync; journalctl -o cat -u corosync | grep -c '^Started'; systemctl is-enabled corosync; \
                stat -c '%a %s' /etc/corosync/authkey";
    assert_eq!(
        on_both(&rig, &format!("{once} || :")),
        [
            "ringid_1\n1\ndisabled\n400 256\n",
            "ringid_2\n1\ndisabled\n400 256\n"
        ]
    );
    rig.nothing_to_do();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");

    // Both are in; the site declares mirrors, and these nodes have none.
    let (code, out, err) = rig.run(&["status", "--timeout", "60"]);
    assert_eq!(code, 3, "{out}{err}");
    let lines: Vec<String> = out
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        "crosslink: degraded",
        "node1 yes - yes",
        "node2 yes - yes",
        "mirror r0 node1: down",
        "degraded mirror r0 is not whole on node1: down",
        "`nodewright run node1 -- drbdadm status r0`",
    ] {
        assert!(lines.iter().any(|l| l == line), "{line}: {out}");
    }
    rig.nodes.ok("node2", "systemctl stop corosync");
    let said = rig.say(&["status", "--timeout", "60"]);
    assert_eq!(said.code, 3, "{}", said.err);
    let status = said.events.last().unwrap();
    let lost: Vec<&str> = status["points"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["what"].as_str())
        .collect();
    assert!(lost.contains(&"node2 is not in the cluster"), "{lost:?}");
    assert_eq!(status["nodes"][0]["quorate"], true);
    rig.nodes.ok("node2", "systemctl start corosync");
    rig.nodes.ok("node1", HEARD);

    // What is rendered for EL8 and EL9 is accepted by the same corosync; what is broken is not.
    for conf in [
        include_str!("../golden/el8/node1/etc/corosync/corosync.conf"),
        include_str!("../golden/el9/node1/etc/corosync/corosync.conf"),
    ] {
        let test = |conf: &str| {
            let script = format!(
                "mkdir -p /var/log/cluster; cat >/tmp/test.conf <<'END'\n{conf}END\ncorosync -t -c /tmp/test.conf"
            );
            rig.nodes.sh("node1", &script).status.success()
        };
        assert!(test(conf), "{conf}");
        assert!(!test(&conf.replace("nodeid: 2", "nodeid: 1")), "{conf}");
        assert!(
            !test(&conf.replace("transport: knet", "transport: udpu")),
            "{conf}"
        );
    }

    // A timer: both have the file before one says it, and nothing restarts.
    let instances = on_both(&rig, INSTANCE);
    change(&rig, "token     = \"3s\"", "token     = \"5s\"");
    let plan = rig.plan().page();
    assert!(plan.contains("totem.token: 3000 -> 5000"), "{plan}");
    let said = rig.apply();
    went_well(&said);
    let order = said.course();
    let at = |line: &str| {
        order
            .iter()
            .position(|l| l == line)
            .unwrap_or_else(|| panic!("{line}: {order:#?}"))
    };
    let taken = at("node1 begin have what runs take its configuration up");
    for node in ["node1", "node2"] {
        assert!(
            at(&format!("{node} end replace /etc/corosync/corosync.conf")) < taken,
            "{order:#?}"
        );
    }
    let token = "corosync-cmapctl -g runtime.config.totem.token";
    let five = "runtime.config.totem.token (u32) = 5000\n";
    assert_eq!(on_both(&rig, token), [five, five]);
    assert_eq!(on_both(&rig, INSTANCE), instances);
    rig.nothing_to_do();

    // Another key is taken up as well; a member that starts anew has it.
    let (code, _, err) =
        rig.desk
            .output(&["secret", "set", "cluster-authkey", "--generate", "256"]);
    assert_eq!(code, 0, "{err}");
    let said = rig.apply();
    went_well(&said);
    assert_eq!(on_both(&rig, INSTANCE), instances);
    rig.nothing_to_do();
    rig.nodes.ok("node2", "systemctl restart corosync");
    rig.nodes.ok("node2", HEARD);
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);

    // A transport divides members: refused, and nothing is written anywhere.
    let before = on_both(&rig, "sha256sum /etc/corosync/*.conf");
    let instances = on_both(&rig, INSTANCE);
    let why = another_transport_is_refused(&rig);
    assert!(
        why.contains("totem.transport cannot change while the cluster runs"),
        "{why}"
    );
    assert!(why.contains("nodewright apply --outage"), "{why}");
    assert_eq!(on_both(&rig, "sha256sum /etc/corosync/*.conf"), before);
    assert_eq!(on_both(&rig, INSTANCE), instances);
    // One member alone is not enough for an outage of all.
    let said = rig.say(&["apply", "--yes", "--outage", "node1"]);
    assert_eq!(said.code, 2, "{:?}{}", said.events, said.err);
    assert_eq!(on_both(&rig, INSTANCE), instances);

    let said = rig.say(&["apply", "--yes", "--outage"]);
    went_well(&said);
    let order = said.course();
    let all = |what: &str| {
        let at = order
            .iter()
            .enumerate()
            .filter(|(_, l)| l.ends_with(what))
            .map(|(at, _)| at);
        let at: Vec<usize> = at.collect();
        assert_eq!(at.len(), 2, "{what}: {order:#?}");
        (at[0], at[1])
    };
    let left = all("end leave the cluster, for an outage of all members");
    let wrote = all("begin replace /etc/corosync/corosync.conf");
    let joined = all("begin join the cluster");
    assert!(left.1 < wrote.0 && wrote.1 < joined.0, "{order:#?}");
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    let transport = "corosync-cmapctl -g totem.transport";
    assert_eq!(
        on_both(&rig, transport),
        ["totem.transport (str) = udpu\n"; 2]
    );
    rig.nothing_to_do();
    // Nothing is left that would let a node join by itself later.
    assert_eq!(on_both(&rig, "ls /var/lib/nodewright/membership"), ["", ""]);
}

/// The site without anything that locks through DLM, and a second link over the mirrors' wire.
fn two_links() -> String {
    let mut text = site(KEY);
    for (from, to) in [
        (", gfs2 = \"/shared\"", ""),
        (", group = \"vg_node1\"", ""),
        (", group = \"vg_node2\"", ""),
        ("SANLOCK-ON-MIRROR = ", "#"),
        ("lock      = \"sanlock\"", "lock      = \"exclusive\""),
        ("[guest] ", "#[guest] "),
        (
            "ring      = \"yellow\"",
            "ring      = \"yellow\"\nsecond_ring = \"grey\"",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let guests = text.find("shell1 = {").unwrap();
    text.truncate(guests);
    text
}

/// Which links reach the other member, as corosync itself says.
const LINKS: &str = "corosync-cfgtool -n | grep -o 'LINK: . udp ([^)]*) [a-z ]*'";

#[test]
fn a_second_link_carries_on_where_the_first_one_breaks() {
    let rig = rig_of(&two_links());
    went_well(&rig.apply());
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    let links = |node: &str| rig.nodes.ok(node, LINKS);
    rig.nodes.ok("node1", &format!("i=0; until [ \"$({LINKS} | grep -c connected)\" = 2 ]; do i=$((i + 1)); [ $i -lt 60 ] || exit 1; sleep 0.5; done"));
    assert_eq!(
        links("node1"),
        "LINK: 0 udp (10.0.2.1->10.0.2.2) enabled connected mtu\nLINK: 1 udp (10.0.1.1->10.0.1.2) enabled connected mtu\n"
    );
    // The port that the role opens in the second zone is the one that is used.
    let ports = "ss -Hlun | awk '{ print $4 }' | grep -E '^10[.]0[.][12][.]1:' | sort";
    assert_eq!(
        rig.nodes.ok("node1", ports),
        "10.0.1.1:5406\n10.0.2.1:5405\n"
    );
    rig.nothing_to_do();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");

    rig.nodes.ok(
        "node1",
        "ip link set \"$(ip -o addr | awk '/ 10[.]0[.]2[.]1[/]/ { print $2 }')\" down",
    );
    rig.nodes.ok("node1", &format!("i=0; while {LINKS} | grep -q 'LINK: 0 .* connected'; do i=$((i + 1)); [ $i -lt 60 ] || exit 1; sleep 0.5; done"));
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    let (code, out, _) = rig.run(&["verify"]);
    assert_eq!(code, 3, "{out}");
    assert!(
        out.contains("CLUSTER-LINK") && out.contains("2 on link 0"),
        "{out}"
    );
}

#[test]
fn a_node_that_is_kept_out_stays_out() {
    let rig = rig();
    went_well(&rig.apply());
    rig.nodes.ok("node2", "systemctl stop corosync");
    for _ in 0..3 {
        let said = rig.apply();
        assert_eq!((said.code, said.failed()), (3, Vec::new()), "{}", said.err);
        let page = said.page();
        assert!(page.contains("findings: membership/membership:joined: node2 is not in the cluster; node1 is in it"), "{page}");
        rig.nodes
            .ok("node2", "! systemctl is-active --quiet corosync");
    }
    let (code, out, _) = rig.run(&["verify"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("CLUSTER-MEMBER"), "{out}");
    // Neither does one whose peer cannot be asked form a cluster, nor one that lost all it knew.
    rig.nodes.ok("node2", "rm /var/lib/corosync/ringid_2");
    let said = rig.say(&["apply", "--yes", "node2"]);
    assert!(
        said.page()
            .contains("node1 was not observed or did not answer"),
        "{}",
        said.page()
    );
    rig.nodes
        .ok("node2", "! systemctl is-active --quiet corosync");
    let said = rig.apply();
    assert!(said.page().contains("node1 is in it"), "{}", said.page());
    // By hand it comes back, and nothing is left to say.
    let (code, out, err) = rig.run(&["run", "node2", "--", "systemctl", "start", "corosync"]);
    assert_eq!(code, 0, "{out}{err}");
    rig.nodes.ok("node2", HEARD);
    rig.nothing_to_do();
}

#[test]
fn forming_that_broke_goes_on_and_a_validator_stops_it_before_anything_is_changed() {
    let rig = rig();
    // corosync itself refuses what is rendered wrong.
    rig.write(
        "templates/membership/corosync.conf",
        "totem {\n    version: 2\n    transport: nonsense\n}\n",
    );
    let said = rig.apply();
    assert_eq!(said.code, 1, "{:?}{}", said.events, said.err);
    assert!(
        said.failed().concat().contains("corosync.conf"),
        "{:?}",
        said.failed()
    );
    fs::remove_dir_all(rig.desk.site().join("templates")).unwrap();
    // One of the two does not come up.
    rig.nodes.ok("node2", "mkdir -p /etc/systemd/system/corosync.service.d; printf '[Service]\\nExecStartPre=/bin/false\\n' >/etc/systemd/system/corosync.service.d/broken.conf; systemctl daemon-reload");
    rig.write(
        "roles/membership.toml",
        &include_str!("../../roles/membership.toml").replace(
            "membership = \"joined\"",
            "membership = \"joined\"\npatience   = 3",
        ),
    );
    let said = rig.apply();
    assert_eq!(said.code, 1, "{:?}{}", said.events, said.err);
    assert!(
        said.failed().concat().contains("join the cluster: failed"),
        "{:?}",
        said.failed()
    );
    assert_eq!(
        rig.nodes
            .ok("node1", "corosync-quorumtool -s | grep '^Quorate' || true")
            .trim(),
        "Quorate:          No"
    );
    rig.nodes.ok("node2", "rm -r /etc/systemd/system/corosync.service.d; systemctl daemon-reload; systemctl reset-failed corosync");
    went_well(&rig.apply());
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    rig.nothing_to_do();
}
