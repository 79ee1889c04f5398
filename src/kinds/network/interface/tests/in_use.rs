//! A device that carries a running cluster or connected mirrors is not changed.

use super::{bond0, differs, eth0, on, slave, with};
use crate::kind::Verdict;
use crate::platform::Platform;
use serde_json::json;

/// `/proc/drbd` of the module 8.4.11 (docs/facts/storage.md#state-of-mirrors), with states in place.
fn proc_drbd(states: [&str; 3]) -> String {
    let [first, second, third] = states;
    format!(
        "version: 8.4.11-1 (api:1/proto:86-101)\n\
         GIT-hash: 66145a308421e9c124ec391a7848ac20203bb03c build by mockbuild@, 2020-04-05 02:58:18\n \
         0: cs:{first} ro:Primary/Primary ds:UpToDate/UpToDate C r-----\n    \
            ns:0 nr:0 dw:0 dr:672 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0\n \
         1: cs:{second} ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----\n    \
            ns:0 nr:0 dw:0 dr:672 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:950272\n\
         \t[=>..................] sync'ed: 11.5% (928/1048)M\n\
         \tfinish: 0:01:34 speed: 10,000 (10,000) K/sec\n \
         2: cs:{third}\n"
    )
}

/// The reason why another MTU of the bond under the mirrors is refused, where it is.
fn refused(step: &serde_json::Value, drbd: &str, status: i32) -> Option<String> {
    let step = with(step.clone(), json!({ "mtu": 1500 }));
    match on(&step, Platform::El7, &[("interface-mirrors", drbd, status)]) {
        Verdict::Refuse(why) => Some(why.what),
        Verdict::Change(_) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn connected_mirrors_are_not_torn_apart() {
    let drbd = proc_drbd(["Connected", "SyncSource", "Unconfigured"]);
    assert_eq!(
        refused(&bond0(), &drbd, 0).as_deref(),
        Some(
            "bond0 (grey) carries the mirrors (connected: drbd0, drbd1), and differs in mtu: to change it \
             tears them from the peer. It is changed while they are not connected"
        )
    );
    // A card of the bond carries them too, as the model says.
    let card = with(slave(), json!({ "carries": ["mirrors"] }));
    assert!(refused(&card, &drbd, 0).is_some());
    // A change that a running bond can take is made.
    let live = with(
        bond0(),
        json!({ "bond": { "mode": "active-backup", "number": 1, "miimon": 50, "primary": "eth1" } }),
    );
    assert_eq!(
        differs(&live, &[("interface-mirrors", &drbd, 0)]),
        ["miimon: 100 -> 50"]
    );
    // The ring alone is another link.
    let ring = with(bond0(), json!({ "carries": ["ring"] }));
    assert_eq!(refused(&ring, &drbd, 0), None);
}

#[test]
fn mirrors_that_nothing_is_sent_for_are_no_reason() {
    for states in [
        ["WFConnection", "StandAlone", "Unconfigured"],
        ["Disconnecting", "Unconnected", "Timeout"],
    ] {
        assert_eq!(refused(&bond0(), &proc_drbd(states), 0), None, "{states:?}");
    }
    assert_eq!(refused(&bond0(), "", 0), None, "no DRBD");
}

/// The form of `events2` is that of drbd-utils 9's source (`drbdsetup.c`, `print_notifications`); constructed.
#[test]
fn version_9_tells_by_its_events() {
    let head = "version: 9.1.16 (api:2/proto:110-121)\n\
                Transports (api:18): tcp (9.1.16)\n\
                exists resource name:r0 role:Primary suspended:no\n";
    let connection = |name: &str, state: &str| {
        format!(
            "exists connection name:{name} peer-node-id:1 conn-name:node2 connection:{state} role:Secondary\n"
        )
    };
    let device = "exists device name:r0 volume:0 minor:0 disk:UpToDate\nexists -\n";
    let one = format!(
        "{head}{}{}{device}",
        connection("r0", "Connected"),
        connection("r1", "Connecting")
    );
    let why = refused(&bond0(), &one, 0).unwrap();
    assert!(why.contains("(connected: r0)"), "{why:?}");
    let none = format!("{head}{}{device}", connection("r0", "StandAlone"));
    assert_eq!(refused(&bond0(), &none, 0), None);
}

/// If the probe is late or its tool is missing, the state is not known, and no connection is torn.
#[test]
fn silence_is_no_leave() {
    for status in [124, 127] {
        let why = refused(&bond0(), "", status).unwrap();
        assert!(
            why.contains("DRBD does not show whether they are connected"),
            "{why:?}"
        );
    }
}

#[test]
fn what_a_running_cluster_sends_over_is_not_interrupted() {
    let running = [("interface-cluster", "812\n", 0)];
    let mode = with(
        bond0(),
        json!({ "bond": { "mode": "balance-xor", "number": 2, "miimon": 100 } }),
    );
    let Verdict::Refuse(why) = on(&mode, Platform::Debian12, &running) else {
        panic!("it is not refused")
    };
    assert!(
        why.what.starts_with("bond0 (grey) carries the mirrors of a cluster that runs on this node, and differs in mode:")
            && why.what.ends_with("It is changed while the node is out of the cluster"),
        "{why:?}"
    );
    // An address there is the cluster's own name.
    let address = with(
        bond0(),
        json!({ "addresses": ["10.0.1.1/24", "10.0.1.3/24"] }),
    );
    assert!(matches!(
        on(&address, Platform::El6, &running),
        Verdict::Refuse(_)
    ));
    // A change that a running bond can take is made, and so is one of a device that carries nothing of the cluster.
    let live = with(
        bond0(),
        json!({ "bond": { "mode": "active-backup", "number": 1, "miimon": 50, "primary": "eth1" } }),
    );
    assert_eq!(differs(&live, &running), ["miimon: 100 -> 50"]);
    assert_eq!(
        differs(&with(eth0(), json!({ "mtu": 9000 })), &running)[0],
        "mtu: 1500 -> 9000"
    );
    assert!(
        !differs(&mode, &[]).is_empty(),
        "without a cluster it is done"
    );
}
