//! The role `network` on Debian's own kernel: a bond, a trunk with VLANs, bridges and the serial line between two
//! virtual machines, brought up, drifted, mended, changed and pulled.

use crate::wired::up;
use nodewright::lab::Power;
use std::collections::BTreeMap;

#[test]
fn what_the_site_says_is_there_and_nothing_is_left_to_do() {
    let Some(rig) = up() else { return };
    rig.nothing_to_do();
    let told = rig.nodes.ok(
        "node1",
        "export LC_ALL=C; cd /sys/class/net; cat bond0/bonding/mode bond0/bonding/slaves bond0/bonding/primary; \
         cat bond0/mtu eth1/mtu eth5/mtu brred/mtu eth3.101/mtu; ls brred/brif vbr1/brif vbr101/brif; \
         cat /proc/net/vlan/config | tail -n 2; cat brred/address; ip -4 route show default",
    );
    assert_eq!(
        told,
        "active-backup 1\neth1 eth5\neth1\n9000\n9000\n9000\n1500\n1500\n\
         brred/brif:\neth0\n\nvbr1/brif:\neth3.1\n\nvbr101/brif:\neth3.101\n\
         eth3.1         | 1  | eth3\neth3.101       | 101  | eth3\n\
         00:16:76:d6:c9:40\ndefault via 192.0.2.1 dev brred onlink \n"
    );
    // Jumbo frames over the bond, tagged frames over the trunk, packets over the serial line.
    for ping in [
        "-M do -s 8972 10.0.1.2",
        "-M do -s 1472 10.1.0.6",
        "10.0.2.2",
        "-W 20 10.0.9.2",
    ] {
        rig.until("node1", &format!("ping -c 1 -W 10 {ping}"));
    }
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");
    // Whoever starts it at boot makes the same of its files.
    rig.nodes.power("node1", Power::Cut);
    rig.nodes.power("node1", Power::On);
    rig.until("node1.lab", "systemctl is-active networking");
    assert_eq!(rig.nodes.ok("node1", "systemctl --failed --no-legend"), "");
    rig.nothing_to_do();
}

#[test]
fn drift_is_mended_and_the_rest_goes_on() {
    let Some(rig) = up() else { return };
    rig.nodes.ok(
        "node1",
        "ip link set bond0 mtu 1500; ip addr del 10.0.2.1/24 dev eth2; ip link set eth3.1 nomaster; \
         ip link del eth3.101; echo 50 >/sys/class/net/bond0/bonding/miimon; \
         ip addr add 10.0.2.77/24 dev eth2",
    );
    let before = rig.links("node1");
    let planned = rig.planned();
    assert_eq!(
        planned,
        [
            "set up eth1 eth5 eth2 bond0 eth3.1 eth3.101; interrupts eth1 (grey), bond0 (grey), eth5 (grey), eth3.1 (green), vbr1 (green)"
        ]
    );
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();
    for ping in ["-M do -s 8972 10.0.1.2", "10.0.2.2", "10.1.0.6"] {
        rig.until("node1", &format!("ping -c 1 -W 10 {ping}"));
    }
    // What somebody else put there (a cluster moves its addresses) is left.
    rig.nodes
        .ok("node1", "ip addr show dev eth2 | grep -q 10.0.2.77");
    let after = rig.links("node1");
    for same in ["eth0", "eth2", "eth3", "bond0", "brred", "vbr1", "vbr101"] {
        let index =
            |links: &BTreeMap<String, String>| links[same].split(' ').next().map(str::to_owned);
        assert_eq!(index(&before), index(&after), "{same} is the same device");
    }
    // Not its flags: a port of a bridge has its card listen to everything.
    let link = |links: &BTreeMap<String, String>, card: &str| {
        links[card]
            .rsplit_once(' ')
            .map(|(link, _)| link.to_owned())
    };
    for card in ["eth0", "eth3"] {
        assert_eq!(link(&before, card), link(&after, card), "{card}");
    }
}

#[test]
fn a_vlan_comes_and_goes_and_nothing_else_is_touched() {
    let Some(rig) = up() else { return };
    let before = [rig.links("node1"), rig.links("node2")];
    rig.site_with(&[("wiki = 101", "wiki = 101, mesh = 102")]);
    let page = rig.apply_as_planned();
    assert!(!page.contains("interrupts"), "{page}");
    for (node, before) in ["node1", "node2"].into_iter().zip(&before) {
        let mut after = rig.links(node);
        assert!(after.remove("eth3.102").is_some() && after.remove("vbr102").is_some());
        assert_eq!(after, *before, "{node}");
    }
    for (node, last) in [("node1", 1), ("node2", 2)] {
        let address = format!("ip addr add 10.102.0.{last}/24 dev vbr102");
        rig.nodes.ok(node, &address);
    }
    rig.until("node1", "ping -c 1 -W 10 10.102.0.2");
    // A guest's port keeps its bridge.
    rig.nodes.ok(
        "node2",
        "ip tuntap add vnet7 mode tap && ip link set vnet7 master vbr102",
    );
    rig.site_with(&[]);
    let plan = rig.plan().page();
    assert!(
        plan.contains("interface:vbr102: guests are connected to it: vnet7"),
        "{plan}"
    );
    rig.nodes.ok("node2", "ip link del vnet7");
    let page = rig.apply_as_planned();
    assert!(
        page.contains(
            "interface:vbr102: removed, taken down; its files are still as they were written"
        ),
        "{page}"
    );
    for (node, before) in ["node1", "node2"].into_iter().zip(&before) {
        assert_eq!(rig.links(node), *before, "{node}");
        assert_eq!(
            rig.nodes.ok(
                node,
                "ls /etc/network/interfaces.d /run/network | grep -c 102 || :"
            ),
            "0\n"
        );
    }
}

#[test]
fn a_bond_goes_on_with_one_card() {
    let Some(rig) = up() else { return };
    let active = "cat /sys/class/net/bond0/bonding/active_slave";
    assert_eq!(rig.nodes.ok("node1", active), "eth1\n");
    rig.nodes.link("node1", "eth1", false);
    rig.until(
        "node1",
        &format!("[ $({active}) = eth5 ] && ping -c 1 -W 5 10.0.1.2"),
    );
    // Nothing is to be changed; the check tells.
    rig.nothing_to_do();
    let (code, out, _) = rig.run(&["verify", "node1"]);
    assert!(code == 3 && out.contains("BOND-WHOLE"), "{code} {out}");
    rig.nodes.link("node1", "eth1", true);
    rig.until("node1", &format!("[ $({active}) = eth1 ]"));
    let (code, out, err) = rig.run(&["verify", "node1"]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn what_a_bond_takes_only_when_it_is_down_is_planned_as_an_interruption() {
    let Some(rig) = up() else { return };
    let eth3 = rig.links("node1")["eth3"].clone();
    let balanced = (
        "nics = [\"eth1\", \"eth5\"] }",
        "nics = [\"eth1\", \"eth5\"], mode = \"balance-xor\", hash = \"layer3+4\" }",
    );
    rig.site_with(&[balanced]);
    assert_eq!(
        rig.planned(),
        ["set up bond0; interrupts bond0 (grey)"; 2],
        "on both nodes"
    );
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();
    rig.until("node1", "ping -c 1 -W 10 -M do -s 8972 10.0.1.2");
    assert_eq!(
        rig.nodes.ok(
            "node1",
            "cd /sys/class/net/bond0/bonding; cat mode xmit_hash_policy slaves"
        ),
        "balance-xor 2\nlayer3+4 1\neth1 eth5\n"
    );
    assert_eq!(rig.links("node1")["eth3"], eth3);
}

#[test]
fn the_ring_of_a_running_cluster_is_left_alone() {
    let Some(rig) = up() else { return };
    rig.nodes.ok(
        "node1",
        "cp /bin/sleep /run/corosync && { setsid /run/corosync 600 </dev/null >/dev/null 2>&1 & } && \
         until pgrep -x corosync; do sleep 0.1; done",
    );
    rig.site_with(&[(
        "yellow = { nic = \"eth2\"",
        "yellow = { nic = \"eth2\", mtu = 9000",
    )]);
    let (code, out, err) = rig.run(&["apply", "--yes", "node1"]);
    assert!(
        code == 5
            && err.contains("eth2 (yellow) carries the ring of a cluster that runs on this node, and differs in mtu"),
        "{code} {out}{err}"
    );
    assert_eq!(
        rig.nodes.ok("node1", "cat /sys/class/net/eth2/mtu"),
        "1500\n"
    );
    rig.nodes.ok("node1", "pkill -x corosync");
    let said = rig.say(&["apply", "--yes", "node1"]);
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    assert_eq!(
        rig.nodes.ok("node1", "cat /sys/class/net/eth2/mtu"),
        "9000\n"
    );
}
