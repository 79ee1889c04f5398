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
