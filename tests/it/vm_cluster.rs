//! A cluster on two virtual machines, each with a kernel and a clock of its own: formed by one `apply`, with controllers
//! that really switch the other one. (The role `network` has machines of its own, `vm_network`.)

use nodewright::lab::Power;

use crate::machines;
use crate::membership::{
    HEARD, KEY, STATE, WHOLE, another_transport_is_refused, change, on_both, prepared, site,
    went_well,
};
use crate::rig::Rig;

/// The example with its cluster's roles; emulated machines stall at times, so the token is patient.
fn cluster() -> String {
    let text = site(KEY);
    let from = r#"roles = ["base", "membership"]"#;
    assert!(text.contains(from));
    let text = text.replace(
        from,
        r#"roles = ["base", "network", "fencing", "membership", "resources"]"#,
    );
    text.replacen("token     = \"3s\"", "token     = \"10s\"", 1)
}

/// The two as one `apply` made them of bare machines. All secrets are those that a lab makes up, so that one test's desk
/// is as good as another's.
fn formed() -> Option<Rig> {
    let text = cluster();
    let lab = machines::shared("cluster", || {
        machines::with(machines::site(&text), &machines::STACK)
    })?;
    let rig = Rig::with(lab, &text);
    crate::membership::short_base(&rig);
    rig.write("roles/network.toml", "description = \"nothing of it\"\n");
    rig.nodes.stage("formed", |lab| {
        for node in ["node1", "node2"] {
            lab.ok(node, &format!("echo '{WIRED}' >/etc/systemd/system/wired.service; systemctl enable --now wired"));
        }
        went_well(&rig.apply());
        rig.until("node1", ONLINE);
        // What was not written yet would be lost with the power.
        for node in ["node1", "node2"] {
            lab.ok(node, "sync");
        }
    });
    Some(rig)
}

/// The wires of the ring and to the other one's controller, at every boot.
const WIRED: &str = "\
[Unit]
Before=network.target
[Service]
Type=oneshot
ExecStart=/bin/sh -ec \"n=$$(uname -n); n=$${n#node}; for l in eth2 eth4; do ip link set $$l up; done; \
ip addr add 10.0.2.$$n/24 dev eth2; ip addr add 10.0.3.$$((n * 4 - 3))/30 dev eth4\"
[Install]
WantedBy=multi-user.target";

/// Both members are in Pacemaker, and both devices are watched.
const ONLINE: &str = "crm_mon -1 | grep -q 'Online: \\[ node1 node2 \\]' && \
                      [ \"$(crm_mon -1 | grep -c 'stonith:fence_ipmilan.*Started')\" = 2 ]";

/// The power events that a fence action makes.
fn switched(node: &str) -> [String; 2] {
    ["cut", "on"].map(|what| format!("{node} bmc {what}"))
}

#[test]
fn bare_machines_are_a_cluster_after_one_apply_and_one_that_was_fenced_stays_out() {
    let Some(rig) = formed() else { return };
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    rig.nothing_to_do();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");

    // A controller of the lab answers without its machine's power: the other one switches it on again.
    rig.nodes.power("node2", Power::Cut);
    rig.until(
        "node1",
        "[ \"$(crm_mon -1 | grep -c OFFLINE.*node2)\" = 1 ]",
    );
    assert_eq!(rig.nodes.power_events()[1..], ["node2 bmc on"]);
    rig.up("node2");
    for _ in 0..3 {
        let said = rig.apply();
        assert_eq!((said.code, said.failed()), (3, Vec::new()), "{}", said.err);
        assert!(
            said.page()
                .contains("node2 is not in the cluster; node1 is in it"),
            "{}",
            said.page()
        );
        rig.nodes.ok(
            "node2",
            "! systemctl is-active --quiet corosync && ! systemctl is-active --quiet pacemaker",
        );
    }
    let start = "systemctl start pacemaker";
    let (code, out, err) = rig.run(&["run", "node2", "--", "systemctl", "start", "pacemaker"]);
    assert_eq!(code, 0, "{start}: {out}{err}");
    rig.nodes.ok("node2", HEARD);
    rig.until("node1", ONLINE);
    rig.nothing_to_do();
    // The membership comes first, and the resource manager has it from there.
    let log = rig
        .nodes
        .ok("node1", "journalctl -b -o cat -u corosync -u pacemaker");
    let last = |words: &str| log.rfind(words).unwrap_or_else(|| panic!("{words}: {log}"));
    assert!(
        last("Members[2]: 1 2") < last("Node node2 state is now member"),
        "{log}"
    );
}

/// A wire of the ring that is out for less than the token's time: nobody is lost, nothing is begun anew.
#[test]
fn an_outage_shorter_than_the_token_changes_nothing() {
    let Some(rig) = formed() else { return };
    rig.nodes.ok(
        "node1",
        "grep -q '^ *token: 10000$' /etc/corosync/corosync.conf",
    );
    // The ring may be formed anew, with both: knet takes seconds to trust a link again. A member that is left alone logs it.
    let seen = "cat /proc/sys/kernel/random/boot_id; systemctl show -p MainPID corosync pacemaker; \
                journalctl -b -o cat -u corosync | grep -c 'Members\\[1\\]' || :";
    let before = on_both(&rig, seen);
    rig.nodes.link("node2", "yellow", false);
    rig.nodes.ok(
        "node1",
        "! timeout 3 sh -c 'until ping -c 1 -W 1 10.0.2.2; do :; done' >/dev/null",
    );
    rig.nodes.link("node2", "yellow", true);
    // A message of one reaches the other again.
    rig.nodes.ok(
        "node1",
        "crm_attribute --type crm_config --name heard-again --update yes",
    );
    rig.until(
        "node2",
        "crm_attribute --type crm_config --name heard-again --query --quiet | grep -qx yes",
    );
    assert_eq!(on_both(&rig, seen), before);
    assert_eq!(rig.nodes.power_events(), Vec::<String>::new());
}

/// After both lost power one alone waits for the other one: it cannot know that it is not the one that was left behind.
#[test]
fn a_member_alone_after_both_lost_power_waits_for_the_other_one() {
    let Some(rig) = formed() else { return };
    let start = |node: &str| {
        rig.nodes.power(node, Power::On);
        rig.up(node);
        let (code, out, err) = rig.run(&["run", node, "--", "systemctl", "start", "pacemaker"]);
        assert_eq!(code, 0, "{out}{err}");
    };
    for node in ["node1", "node2"] {
        rig.nodes.power(node, Power::Cut);
    }
    start("node1");
    rig.until("node1", "crm_mon -1 | grep -q 'partition WITHOUT quorum'");
    let said = rig.nodes.ok("node1", "corosync-quorumtool -s || :");
    for (key, value) in [("Quorate:", "No"), ("Flags:", "2Node WaitForAll")] {
        let line = said.lines().find(|line| line.starts_with(key));
        let right = line.is_some_and(|line| line[key.len()..].trim() == value);
        assert!(right, "{key} {value}: {said}");
    }
    let (code, out, err) = rig.run(&["status", "--timeout", "120"]);
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("quorum"), "{out}");
    start("node2");
    rig.until("node1", ONLINE);
    rig.nodes
        .ok("node1", "corosync-quorumtool -s | grep -q 'Quorate: *Yes'");
    // Nobody was shot for it.
    assert!(
        rig.nodes
            .power_events()
            .iter()
            .all(|event| !event.contains("bmc")),
        "{:?}",
        rig.nodes.power_events()
    );
}

#[test]
fn each_members_controller_really_switches_it() {
    let Some(rig) = formed() else { return };
    for (by, victim) in [("node1", "node2"), ("node2", "node1")] {
        rig.nodes.reset("formed");
        let boot = "cat /proc/sys/kernel/random/boot_id";
        let before = rig.nodes.ok(victim, boot);
        rig.nodes
            .ok(by, &format!("stonith_admin --reboot {victim} --timeout 90"));
        assert_eq!(rig.nodes.power_events(), switched(victim));
        rig.up(victim);
        assert_ne!(rig.nodes.ok(&format!("{victim}.lab"), boot), before);
    }
}

/// The cluster's own fencing, asked for by name: the member is switched off and on, and the other one goes on.
#[test]
fn a_member_is_fenced_by_command() {
    let Some(mut rig) = formed() else { return };
    let boot = "cat /proc/sys/kernel/random/boot_id";
    let before = rig.nodes.ok("node2", boot);
    rig.desk.input("node1\n");
    let (code, out, err) = rig.run(&["fence", "node2"]);
    assert_eq!(code, 2, "{out}{err}");
    assert_eq!(rig.nodes.power_events(), Vec::<String>::new());

    rig.desk.input("node2\n");
    let (code, out, err) = rig.run(&["fence", "node2"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("node2 was fenced after"), "{out}");
    assert_eq!(rig.nodes.power_events(), switched("node2"));
    rig.up("node2");
    assert_ne!(rig.nodes.ok("node2.lab", boot), before);
    // The one that is left is not fenced: nobody would take over.
    rig.desk.input("node1\n");
    let (code, out, err) = rig.run(&["fence", "node1"]);
    assert_eq!(code, 3, "{out}{err}");
    assert_eq!(rig.nodes.power_events(), switched("node2"));
}

/// How often the wire is cut: `NODEWRIGHT_TEST_CUTS`, else thrice.
fn cuts() -> usize {
    let said = std::env::var("NODEWRIGHT_TEST_CUTS").ok();
    said.map_or(3, |n| n.parse().expect("a number of cuts"))
}

#[test]
fn of_two_that_lose_each_other_the_preferred_one_survives() {
    let Some(rig) = formed() else { return };
    for cut in 0..cuts() {
        rig.nodes.reset("formed");
        let boot = "cat /proc/sys/kernel/random/boot_id";
        let before = on_both(&rig, boot);
        rig.nodes.link(["node1", "node2"][cut % 2], "yellow", false);
        rig.until(
            "node1",
            "[ \"$(crm_mon -1 | grep -c OFFLINE.*node2)\" = 1 ]",
        );
        assert_eq!(rig.nodes.power_events(), switched("node2"), "cut {cut}");
        assert_eq!(rig.nodes.ok("node1", boot), before[0], "cut {cut}");
        rig.up("node2");
        assert_ne!(rig.nodes.ok("node2.lab", boot), before[1], "cut {cut}");
        // The one that was shot waits for an operator, and shoots nobody.
        rig.nodes.ok(
            "node2.lab",
            "! systemctl is-active --quiet corosync && ! systemctl is-active --quiet pacemaker",
        );
        assert_eq!(
            rig.nodes
                .ok("node1", "corosync-quorumtool -s | grep -c 'Quorate: *Yes'"),
            "1\n"
        );
    }
}

#[test]
fn running_members_take_up_a_timer_and_a_key_and_a_transport_only_by_an_outage() {
    let Some(rig) = formed() else { return };
    let instance = "systemctl show -p MainPID -p ActiveEnterTimestampMonotonic corosync";
    let instances = on_both(&rig, instance);
    change(&rig, "token     = \"10s\"", "token     = \"12s\"");
    went_well(&rig.apply());
    let token = "corosync-cmapctl -g runtime.config.totem.token";
    let twelve = "runtime.config.totem.token (u32) = 12000\n";
    assert_eq!(on_both(&rig, token), [twelve, twelve]);

    // The lab's made-up key gives way to the site's own.
    let key = "sha256sum </etc/corosync/authkey";
    let before = on_both(&rig, key);
    let rig = prepared(rig, "ed25519");
    went_well(&rig.apply());
    let after = on_both(&rig, key);
    assert!(after[0] == after[1] && after[0] != before[0], "{after:?}");
    assert_eq!(on_both(&rig, instance), instances);
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    rig.nothing_to_do();

    another_transport_is_refused(&rig);
    assert_eq!(on_both(&rig, instance), instances);
    went_well(&rig.say(&["apply", "--yes", "--outage"]));
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    assert_eq!(
        on_both(&rig, "corosync-cmapctl -g totem.transport"),
        ["totem.transport (str) = udpu\n"; 2]
    );
    rig.until("node1", ONLINE);
    rig.nothing_to_do();
    // Nobody was shot for any of it.
    assert_eq!(rig.nodes.power_events(), Vec::<String>::new());
}
