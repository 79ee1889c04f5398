//! The role membership on two virtual machines, each with a kernel and a clock of its own.

use nodewright::lab::Power;

use crate::machines;
use crate::membership::{HEARD, KEY, STATE, WHOLE, change, on_both, prepared, site, went_well};
use crate::rig::Rig;

/// The machines with their crosslink up, and nothing of a cluster but its packages.
fn rig() -> Option<Rig> {
    let lab = machines::shared("cluster", || {
        machines::with(machines::site(&site(KEY)), &machines::STACK)
    })?;
    lab.stage("linked", |lab| {
        for (node, address) in [("node1", "10.0.2.1"), ("node2", "10.0.2.2")] {
            lab.ok(
                node,
                &format!("ip link set eth2 up; ip addr add {address}/24 dev eth2"),
            );
        }
    });
    let rig = prepared(Rig::with(lab, &site(KEY)), "ed25519");
    // Emulated machines stall at times.
    change(&rig, "token     = \"3s\"", "token     = \"10s\"");
    Some(rig)
}

#[test]
fn two_machines_are_quorate_after_one_apply_and_one_that_lost_its_power_stays_out() {
    let Some(rig) = rig() else { return };
    went_well(&rig.apply());
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    rig.nothing_to_do();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");

    rig.nodes.power("node2", Power::Cut);
    rig.nodes.power("node2", Power::On);
    rig.nodes.ok(
        "node2",
        "ip link set eth2 up; ip addr add 10.0.2.2/24 dev eth2",
    );
    for _ in 0..3 {
        let said = rig.apply();
        assert_eq!((said.code, said.failed()), (3, Vec::new()), "{}", said.err);
        assert!(
            said.page()
                .contains("node2 is not in the cluster; node1 is in it"),
            "{}",
            said.page()
        );
        rig.nodes
            .ok("node2", "! systemctl is-active --quiet corosync");
    }
    let (code, out, err) = rig.run(&["run", "node2", "--", "systemctl", "start", "corosync"]);
    assert_eq!(code, 0, "{out}{err}");
    rig.nodes.ok("node2", HEARD);
    assert_eq!(on_both(&rig, STATE), [WHOLE, WHOLE]);
    rig.nothing_to_do();
}
