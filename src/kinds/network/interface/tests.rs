//! Reading and comparing interfaces. The answers are of Debian 12 in a virtual machine (iproute2 6.1, Linux 6.1),
//! shortened to what is asked about, with changes that each test names.

use super::super::super::testing::{
    actions_on, edits_on, error, queries, read, resources_on, shown, verdict_on,
};
use super::devices;
use crate::kind::{CutsOff, EditChange, Kind as _, Verdict};
use crate::kinds::testing;
use crate::platform::Platform;
use serde_json::{Value as Json, json};

mod in_use;

/// A bond of two cards with a VLAN and a bridge on it, and a card with an address.
const DEVICES: &str = "\
/sys/class/net/bond0/type:1
/sys/class/net/bond0/flags:0x1403
/sys/class/net/bond0/mtu:9000
/sys/class/net/bond0/address:52:54:00:00:01:01
/sys/class/net/bond0/operstate:up
/sys/class/net/bond0/bonding/slaves:eth1 eth2
/sys/class/net/bond0/bonding/mode:active-backup 1
/sys/class/net/bond0/bonding/miimon:100
/sys/class/net/bond0/bonding/updelay:0
/sys/class/net/bond0/bonding/downdelay:0
/sys/class/net/bond0/bonding/arp_interval:0
/sys/class/net/bond0/bonding/arp_ip_target:
/sys/class/net/bond0/bonding/primary:eth1
/sys/class/net/bond0/bonding/primary_reselect:always 0
/sys/class/net/bond0/bonding/lacp_rate:slow 0
/sys/class/net/bond0/bonding/xmit_hash_policy:layer2 0
/sys/class/net/bond0/bonding/active_slave:eth1
/proc/net/bonding/bond0:Bonding Mode: fault-tolerance (active-backup)
/proc/net/bonding/bond0:MII Status: up
/proc/net/bonding/bond0:Slave Interface: eth1
/proc/net/bonding/bond0:MII Status: up
/proc/net/bonding/bond0:Permanent HW addr: 52:54:00:00:01:01
/proc/net/bonding/bond0:Slave Interface: eth2
/proc/net/bonding/bond0:MII Status: up
/proc/net/bonding/bond0:Permanent HW addr: 52:54:00:00:01:02
/sys/class/net/bond0.10/type:1
/sys/class/net/bond0.10/flags:0x1003
/sys/class/net/bond0.10/mtu:1500
/sys/class/net/bond0.10/address:52:54:00:00:01:01
/sys/class/net/bond0.10/operstate:up
/sys/class/net/vbr10/type:1
/sys/class/net/vbr10/flags:0x1003
/sys/class/net/vbr10/mtu:1500
/sys/class/net/vbr10/address:52:54:00:00:01:01
/sys/class/net/vbr10/operstate:up
/sys/class/net/vbr10/bridge/stp_state:0
/sys/class/net/vbr10/brif/bond0.10/port_no:0x1
/sys/class/net/vbr10/brif/vnet3/port_no:0x1
/sys/class/net/eth0.7/type:1
/sys/class/net/eth0/type:1
/sys/class/net/eth0/flags:0x1003
/sys/class/net/eth0/mtu:1500
/sys/class/net/eth0/address:52:54:00:00:01:00
/sys/class/net/eth0/operstate:up
/sys/class/net/eth1/type:1
/sys/class/net/eth1/flags:0x1803
/sys/class/net/eth1/mtu:9000
/sys/class/net/eth1/address:52:54:00:00:01:01
/sys/class/net/eth1/operstate:up
/sys/class/net/eth2/type:1
/sys/class/net/eth2/flags:0x1803
/sys/class/net/eth2/mtu:9000
/sys/class/net/eth2/address:52:54:00:00:01:01
/sys/class/net/eth2/operstate:up
/sys/class/net/lo/type:772
/sys/class/net/lo/flags:0x9
/proc/net/vlan/config:bond0.10       | 10  | bond0
";

const ADDR: &str = "\
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 192.0.2.5/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever preferred_lft forever
2: eth0    inet6 2001:db8::5/64 scope global \\       valid_lft forever preferred_lft forever
2: eth0    inet6 fe80::5054:ff:fe00:100/64 scope link \\       valid_lft forever preferred_lft forever
5: bond0    inet 10.0.1.1/24 brd 10.0.1.255 scope global bond0\\       valid_lft forever preferred_lft forever
";

const ROUTE: &str = "\
default via 192.0.2.1 dev eth0 onlink\x20
10.0.1.0/24 dev bond0 proto kernel scope link src 10.0.1.1\x20
10.8.0.0/16 via 192.0.2.254 dev eth0\x20
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.5\x20
";

/// The sections of an answer, with some of them another text.
fn answer<'a>(changes: &[(&'a str, &'a str, i32)]) -> Vec<(&'a str, &'a str, i32)> {
    let mut sections = vec![
        ("interface", DEVICES, 0),
        ("interface-addr", ADDR, 0),
        ("interface-route", ROUTE, 0),
        ("interface-route6", "", 0),
        ("interface-files", "", 1),
        ("interface-dhcp", "", 1),
        ("interface-cluster", "", 1),
    ];
    for change in changes {
        sections.retain(|s| s.0 != change.0);
        sections.push(*change);
    }
    sections
}

fn on(step: &Json, platform: Platform, changes: &[(&str, &str, i32)]) -> Verdict {
    verdict_on(step, platform, &answer(changes)).expect("the answer can be read")
}

/// The differences on Debian.
fn differs(step: &Json, changes: &[(&str, &str, i32)]) -> Vec<String> {
    match on(step, Platform::Debian12, changes) {
        Verdict::Same => Vec::new(),
        Verdict::Change(deltas) => deltas.iter().map(shown).collect(),
        other => panic!("{other:?}"),
    }
}

fn calls(step: &Json, platform: Platform, changes: &[(&str, &str, i32)]) -> Vec<String> {
    actions_on(step, platform, &answer(changes))
}

fn with(mut step: Json, more: Json) -> Json {
    let Json::Object(more) = more else {
        panic!("no table")
    };
    for (key, value) in more {
        step[key] = value;
    }
    step
}

fn eth0() -> Json {
    json!({ "interface": "eth0", "type": "ethernet", "files": [], "mac": "52:54:00:00:01:00", "mtu": 1500,
        "addresses": ["192.0.2.5/24", "2001:db8::5/64"], "gateway": "192.0.2.1", "zone": "red",
        "routes": [{ "to": "10.8.0.0/16", "via": "192.0.2.254" }],
        "above": [{ "name": "eth0.7", "zone": "green" }] })
}

fn bond0() -> Json {
    json!({ "interface": "bond0", "type": "bond", "files": [], "mtu": 9000, "ports": ["eth1", "eth2"],
        "addresses": ["10.0.1.1/24"], "zone": "grey", "carries": ["mirrors"],
        "bond": { "mode": "active-backup", "number": 1, "miimon": 100, "primary": "eth1" },
        "above": [{ "name": "bond0.10", "zone": "blue" }, { "name": "vbr10", "zone": "blue" }] })
}

fn vlan() -> Json {
    json!({ "interface": "bond0.10", "type": "vlan", "files": [], "mtu": 1500, "vlan": 10, "parent": "bond0",
        "master": "vbr10" })
}

fn bridge() -> Json {
    json!({ "interface": "vbr10", "type": "bridge", "files": [], "mtu": 1500, "ports": ["bond0.10"] })
}

fn slave() -> Json {
    json!({ "interface": "eth2", "type": "ethernet", "files": [], "mac": "52:54:00:00:01:02", "mtu": 9000,
        "master": "bond0" })
}

#[test]
fn what_is_as_wanted_is_left_alone() {
    for step in [eth0(), bond0(), vlan(), bridge(), slave()] {
        assert_eq!(differs(&step, &[]), [""; 0], "{step}");
    }
}

#[test]
fn all_interfaces_are_asked_with_the_same_few_processes() {
    let words = queries(&bond0(), Platform::Debian12);
    assert_eq!(
        words,
        [
            format!("interface: {}", devices::query().to_shell()).as_str(),
            "interface-addr: ip -o addr",
            "interface-route: ip -4 route",
            "interface-route6: ip -6 route",
            "interface-files: nw_lines '^[[:space:]]*(iface|address|gateway|up ip (-6 )?route replace)[[:space:]]' \
             /etc/network/interfaces '/etc/network/interfaces.d/*'",
            "interface-dhcp: ps -C dhclient -o args=",
            "interface-cluster: pgrep -x 'corosync|aisexec'",
            "interface-mirrors: nw_interface_mirrors",
        ]
    );
    assert!(
        queries(&bond0(), Platform::El9)
            .iter()
            .any(|a| a.starts_with("interface-profiles: nmcli "))
    );
}

#[test]
fn an_address_is_added_without_taking_anything_down() {
    let step = with(
        eth0(),
        json!({ "addresses": ["192.0.2.5/24", "192.0.2.9/24", "2001:db8::5/64"] }),
    );
    assert_eq!(differs(&step, &[]), ["address:  -> 192.0.2.9/24"]);
    assert_eq!(
        calls(&step, Platform::Debian12, &[]),
        [
            "nw_interface_address eth0 192.0.2.5/24",
            "nw_interface_address eth0 192.0.2.9/24",
            "nw_interface_address eth0 2001:db8::5/64",
            "ip -4 route replace default via 192.0.2.1 dev eth0",
            "ip -4 route replace 10.8.0.0/16 via 192.0.2.254 dev eth0",
            "nw_interface_end",
        ]
    );
}

/// An address that somebody else added (a cluster's) stays; one of our own file that the site changed goes.
#[test]
fn only_addresses_of_ours_go() {
    let files = "/etc/network/interfaces.d/1-eth0:iface eth0 inet static\n\
                 /etc/network/interfaces.d/1-eth0:    address 192.0.2.5/24\n\
                 /etc/network/interfaces.d/1-eth1:    address 192.0.2.99/24\n";
    let step = with(
        eth0(),
        json!({ "addresses": ["192.0.2.7/24", "2001:db8::5/64"],
            "files": [{ "path": "/etc/network/interfaces.d/1-eth0", "content": "x" }] }),
    );
    let addr = format!(
        "{ADDR}2: eth0    inet 192.0.2.99/24 scope global secondary eth0\\       valid_lft forever\n"
    );
    let changes = [
        ("interface-files", files, 0),
        ("interface-addr", addr.as_str(), 0),
    ];
    assert_eq!(
        differs(&step, &changes),
        [
            "address: 192.0.2.5/24 -> ",
            "address:  -> 192.0.2.7/24",
            "interrupts:  -> eth0 (red), eth0.7 (green)"
        ]
    );
    assert_eq!(
        calls(&step, Platform::Debian12, &changes)[0..2],
        [
            "nw_interface_no_address eth0 192.0.2.5/24",
            "nw_interface_address eth0 192.0.2.7/24"
        ]
    );
    // Without the file its owner is unknown.
    assert_eq!(differs(&step, &[]), ["address:  -> 192.0.2.7/24"]);
    let resource = resources_on(&step, Platform::Debian12).remove(0);
    let seen = crate::kind::Answer::from_sections(answer(&changes));
    let target = super::super::super::testing::target(Platform::Debian12);
    let compared = testing::compare(&resource, &target, &seen, false);
    let seen = compared.unwrap().seen;
    assert_eq!(seen["foreign"], json!(["192.0.2.99/24"]));
}

#[test]
fn a_wrong_prefix_is_mended() {
    let step = with(
        eth0(),
        json!({ "addresses": ["192.0.2.5/25", "2001:db8::5/64"] }),
    );
    assert_eq!(
        differs(&step, &[]),
        [
            "address: 192.0.2.5/24 -> ",
            "address:  -> 192.0.2.5/25",
            "interrupts:  -> eth0 (red), eth0.7 (green)"
        ]
    );
}

#[test]
fn routes_are_put_right_one_by_one() {
    let step = with(eth0(), json!({ "gateway": "192.0.2.2", "routes": [] }));
    assert_eq!(
        differs(&step, &[]),
        ["gateway: 192.0.2.1 -> ", "gateway:  -> 192.0.2.2"]
    );
    assert_eq!(
        calls(&step, Platform::Debian12, &[])[0..2],
        [
            "ip -4 route del default via 192.0.2.1 dev eth0",
            "ip -4 route replace default via 192.0.2.2 dev eth0"
        ]
    );
    // A route that is in our own file and is no longer wanted goes; others are somebody else's.
    let step = with(
        step,
        json!({ "gateway": "192.0.2.1", "files": [{ "path": "/etc/network/interfaces.d/1-eth0", "content": "" }] }),
    );
    assert_eq!(differs(&step, &[]), [""; 0]);
    let file = "/etc/network/interfaces.d/1-eth0:    up ip route replace 10.8.0.0/16 via 192.0.2.254 dev eth0\n";
    assert_eq!(
        differs(&step, &[("interface-files", file, 0)]),
        ["route: 10.8.0.0/16 via 192.0.2.254 -> "]
    );
}

#[test]
fn a_bond_takes_some_options_at_work_and_others_only_when_it_is_down() {
    let live = with(
        bond0(),
        json!({ "carries": [], "bond": { "mode": "active-backup", "number": 1, "miimon": 50, "updelay": 200,
            "primary": "eth2", "reselect": "better" } }),
    );
    assert_eq!(
        differs(&live, &[]),
        [
            "miimon: 100 -> 50",
            "updelay: 0 -> 200",
            "primary: eth1 -> eth2",
            "primary_reselect: always -> better"
        ]
    );
    assert_eq!(
        calls(&live, Platform::El6, &[])[0..4],
        [
            "nw_kernel_set /sys/class/net/bond0/bonding/miimon 50",
            "nw_kernel_set /sys/class/net/bond0/bonding/updelay 200",
            "nw_kernel_set /sys/class/net/bond0/bonding/primary eth2",
            "nw_kernel_set /sys/class/net/bond0/bonding/primary_reselect better"
        ]
    );
    let down = with(
        bond0(),
        json!({ "carries": [], "bond": { "mode": "802.3ad", "number": 4, "miimon": 100, "hash": "layer2+3", "lacp_rate": "fast" } }),
    );
    assert_eq!(
        differs(&down, &[]),
        [
            "mode: active-backup -> 802.3ad",
            "lacp_rate: slow -> fast",
            "xmit_hash_policy: layer2 -> layer2+3",
            "interrupts:  -> bond0 (grey), bond0.10 (blue), vbr10 (blue)"
        ]
    );
    assert_eq!(
        calls(&down, Platform::Debian12, &[]),
        [
            "nw_interface_keep bond0.10 vbr10",
            "nw_interface_drop bond bond0",
            "nw_interface_state bond0 no",
            "ifup bond0",
            "nw_interface_end",
        ]
    );
}

#[test]
fn a_vlan_is_made_beside_what_is_there() {
    let step = with(
        vlan(),
        json!({ "interface": "bond0.11", "vlan": 11, "master": "vbr11" }),
    );
    assert_eq!(differs(&step, &[]), ["device:  -> vlan"]);
    assert_eq!(
        calls(&step, Platform::El7, &[]),
        [
            "ifup bond0.11",
            "nw_interface_join bond0.11 vbr11",
            "nw_interface_end"
        ]
    );
    let other = with(vlan(), json!({ "vlan": 12 }));
    assert_eq!(
        differs(&other, &[]),
        [
            "vlan: 10 on bond0 -> 12 on bond0",
            "interrupts:  -> bond0.10"
        ]
    );
}

/// Devices are taken down from the top and started from the bottom; a port finds its bridge again.
#[test]
fn several_changes_go_in_the_order_of_their_dependencies() {
    let platform = Platform::Debian12;
    let vlan = with(vlan(), json!({ "vlan": 12 }));
    let bond = with(
        bond0(),
        json!({ "bond": { "mode": "balance-xor", "number": 2, "miimon": 100 } }),
    );
    let resources: Vec<_> = [bond, vlan]
        .iter()
        .map(|s| resources_on(s, platform).remove(0))
        .collect();
    let target = super::super::super::testing::target(platform);
    let seen = crate::kind::Answer::from_sections(answer(&[]));
    let all: Vec<_> = resources.iter().collect();
    let calls = testing::mend(&all, &target, &seen).calls;
    let words: Vec<String> = calls.iter().map(crate::sh::Call::to_shell).collect();
    assert_eq!(
        words,
        [
            "nw_interface_drop vlan bond0.10",
            "nw_interface_keep bond0.10 vbr10",
            "nw_interface_drop bond bond0",
            "nw_interface_state bond0 no",
            "ifup bond0",
            "nw_interface_there bond0 nw_interface_state bond0 yes",
            "nw_interface_state bond0.10 no",
            "ifup bond0.10",
            "nw_interface_join bond0.10 vbr10",
            "nw_interface_end",
        ]
    );
}

#[test]
fn a_port_that_left_comes_back_and_the_bridge_goes_on() {
    let devices = DEVICES.replace("/sys/class/net/vbr10/brif/bond0.10/port_no:0x1\n", "");
    let changes = [("interface", devices.as_str(), 0)];
    assert_eq!(differs(&bridge(), &changes), [""; 0]);
    assert_eq!(
        differs(&vlan(), &changes),
        ["master:  -> vbr10", "interrupts:  -> bond0.10"]
    );
    assert_eq!(
        calls(&vlan(), Platform::El6, &changes),
        ["nw_interface_join bond0.10 vbr10", "nw_interface_end"]
    );
    let devices = DEVICES.replace("bonding/slaves:eth1 eth2", "bonding/slaves:eth1");
    assert_eq!(
        differs(&slave(), &[("interface", &devices, 0)]),
        ["master:  -> bond0", "interrupts:  -> eth2"]
    );
    let devices = DEVICES.replace("bonding/slaves:eth1 eth2", "bonding/slaves:eth1 eth2 eth9");
    let changes = [("interface", devices.as_str(), 0)];
    assert_eq!(differs(&bond0(), &changes)[0], "port: eth9 -> ");
    assert_eq!(
        calls(&bond0(), Platform::El6, &changes)[0],
        "nw_interface_part eth9"
    );
}

#[test]
fn a_port_has_no_address() {
    let step = json!({ "interface": "eth0", "type": "ethernet", "files": [], "mtu": 1500, "master": "brred" });
    let all = differs(&step, &[]);
    assert_eq!(
        all[..3],
        [
            "master:  -> brred",
            "address: 192.0.2.5/24 -> ",
            "address: 2001:db8::5/64 -> "
        ]
    );
    assert_eq!(
        error(&with(step, json!({ "addresses": ["192.0.2.5/24"] }))),
        "`eth0` belongs to another device, which has the address"
    );
}

/// A bond's card shows the bond's MAC address; its own is known all the same.
#[test]
fn a_card_that_is_another_one_is_left_alone() {
    let other = with(eth0(), json!({ "mac": "52:54:00:00:01:02" }));
    let Verdict::Finding { what, remedy } = on(&other, Platform::Debian12, &[]) else {
        panic!("it is no finding")
    };
    assert_eq!(
        what,
        "eth0 has the MAC address 52:54:00:00:01:00, and 52:54:00:00:01:02 in the site; the card with 52:54:00:00:01:02 is called eth2"
    );
    assert_eq!(remedy, "a boot of node1 gives it its name");
    let gone = with(
        eth0(),
        json!({ "interface": "eth7", "mac": "52:54:00:00:01:77" }),
    );
    assert!(matches!(
        on(&gone, Platform::El6, &[]),
        Verdict::Finding { what, .. } if what == "there is no card eth7"
    ));
    assert_eq!(
        differs(&with(slave(), json!({ "mac": "52:54:00:00:01:02" })), &[]),
        [""; 0]
    );
}

#[test]
fn a_device_of_another_sort_is_refused() {
    let step = json!({ "interface": "vbr10", "type": "ethernet", "files": [] });
    assert!(matches!(
        on(&step, Platform::Debian12, &[]),
        Verdict::Refuse(why) if why.what == "vbr10 is of type bridge on this node, and of type ethernet in the site"
    ));
}

#[test]
fn another_file_about_it_is_found() {
    let files = "/etc/network/interfaces:iface eth0 inet dhcp\n\
                 /etc/network/interfaces.d/50-cloud-init:iface eth0 inet dhcp\n";
    assert!(matches!(
        on(&eth0(), Platform::Debian12, &[("interface-files", files, 0)]),
        Verdict::Finding { what, .. } if what.starts_with("/etc/network/interfaces.d/50-cloud-init describes eth0 too")
    ));
    let files = "/etc/sysconfig/network-scripts/ifcfg-Wired:DEVICE=\"eth0\"\n";
    assert!(matches!(
        on(&eth0(), Platform::El7, &[("interface-files", files, 0)]),
        Verdict::Finding { .. }
    ));
}

#[test]
fn dhcp_is_begun_and_ended() {
    let queries = [(
        "interface-dhcp",
        "dhclient -4 -v -i -pf /run/dhclient.eth0.pid -lf /var/lib/dhcp/dhclient.eth0.leases eth0\n",
        0,
    )];
    assert_eq!(
        differs(&eth0(), &queries),
        [
            "dhcp: yes -> no",
            "interrupts:  -> eth0 (red), eth0.7 (green)"
        ]
    );
    let dhcp = json!({ "interface": "eth0", "type": "ethernet", "files": [], "dhcp": true });
    assert_eq!(differs(&dhcp, &queries), [""; 0]);
    // NetworkManager of EL7 starts one of its own, which ends with it: an address by it is not by ours.
    let theirs = [(
        "interface-dhcp",
        "/sbin/dhclient -d -q -sf /usr/libexec/nm-dhcp-helper -pf /var/run/dhclient-eth0.pid \
         -lf /var/lib/NetworkManager/dhclient-5fb0-eth0.lease -cf /var/lib/NetworkManager/dhclient-eth0.conf eth0\n",
        0,
    )];
    assert_eq!(differs(&dhcp, &theirs)[..1], ["dhcp: no -> yes"]);
    let bare = [("interface-addr", "", 0)];
    assert_eq!(
        differs(&dhcp, &bare)[..1],
        ["dhcp: no -> yes"],
        "nobody asks and there is no address"
    );
    // NetworkManager asks itself.
    assert_eq!(on(&dhcp, Platform::El9, &[]), Verdict::Same);
}

#[test]
fn network_manager_has_our_profile_active() {
    let step = with(
        eth0(),
        json!({ "uuid": "79e42e95-a098-85c1-89b6-83632dad4e4e" }),
    );
    let active = |uuid: &str| format!("eth0:{uuid}\nbond0:7f8f0d5e-0000-8000-8000-000000000000\n");
    let ours = active("79e42e95-a098-85c1-89b6-83632dad4e4e");
    let other = active("0d4c9e60-5df1-4b6c-9f55-1d3a1d1f6f0a");
    assert_eq!(
        on(&step, Platform::El9, &[("interface-profiles", &ours, 0)]),
        Verdict::Same
    );
    let changes = [("interface-profiles", other.as_str(), 0)];
    let Verdict::Change(deltas) = on(&step, Platform::El9, &changes) else {
        panic!("it is no change")
    };
    let words: Vec<String> = deltas.iter().map(shown).collect();
    assert_eq!(
        words,
        [
            "profile: 0d4c9e60-5df1-4b6c-9f55-1d3a1d1f6f0a -> ours",
            "interrupts:  -> eth0 (red), eth0.7 (green)"
        ]
    );
    let mtu = with(step, json!({ "mtu": 9000 }));
    assert_eq!(
        calls(&mtu, Platform::El8, &[("interface-profiles", &ours, 0)]),
        [
            "nmcli connection reload",
            "nw_interface_reapply eth0 79e42e95-a098-85c1-89b6-83632dad4e4e",
            "ip link set dev eth0 mtu 9000",
            "nw_interface_end"
        ]
    );
}

/// Written in this run: NetworkManager reads it again; ifupdown and the start scripts read it at the next boot.
#[test]
fn a_file_that_says_what_holds_interrupts_nothing() {
    let answer = crate::kind::Answer::from_sections(answer(&[(
        "interface-profiles",
        "eth0:79e42e95-a098-85c1-89b6-83632dad4e4e\n",
        0,
    )]));
    let step = with(
        eth0(),
        json!({ "uuid": "79e42e95-a098-85c1-89b6-83632dad4e4e", "files": [{ "path": "/etc/eth0", "content": "x\n" }] }),
    );
    for (platform, expected) in [
        (Platform::El6, Verdict::Same),
        (Platform::Debian12, Verdict::Same),
        (
            Platform::El9,
            Verdict::Change(vec![super::Delta::new(
                "profile",
                "as it was",
                "as it is written",
            )]),
        ),
    ] {
        let resource = resources_on(&step, platform).remove(0);
        let target = super::super::super::testing::target(platform);
        let compared = testing::compare(&resource, &target, &answer, true).unwrap();
        assert_eq!(compared.verdict, expected, "{platform}");
    }
}

fn serial() -> Json {
    json!({ "interface": "ppp0", "type": "ppp", "files": [], "addresses": ["10.0.9.1"], "zone": "serial",
        "serial": { "tty": "ttyS0", "speed": 115_200, "peer": "node2", "remote": "10.0.9.2", "mark": "aabb" } })
}

#[test]
fn a_serial_line_runs_with_the_words_of_the_site() {
    let boot = ("interface-boot", "/etc/init/ppp-serial.conf\n", 0);
    let running = "/usr/sbin/pppd call serial nodetach ipparam aabb\n";
    assert_eq!(
        differs(&serial(), &[("interface-ppp", running, 0), boot]),
        [""; 0]
    );
    assert_eq!(
        differs(&serial(), &[("interface-ppp", "", 1)]),
        ["enabled: no -> yes", "running: no -> yes"]
    );
    let other = "/usr/sbin/pppd call dsl\n/usr/sbin/pppd call serial nodetach ipparam ccdd\n";
    assert_eq!(
        differs(&serial(), &[("interface-ppp", other, 0), boot]),
        [
            "pppd: started with other words -> as rendered",
            "interrupts:  -> ppp0 (serial)"
        ]
    );
    assert_eq!(
        calls(&serial(), Platform::El6, &[("interface-ppp", "", 1)]),
        ["nw_interface_serial"]
    );
}

#[test]
fn files_of_other_forms_make_room() {
    let step = with(
        eth0(),
        json!({ "files": [{ "path": "/etc/network/interfaces.d/1-eth0", "content": "x\n" }] }),
    );
    let words = |platform| -> Vec<String> {
        let edits = edits_on(&step, platform).into_iter();
        edits
            .map(|e| match e.change {
                EditChange::Whole { .. } => {
                    format!("{} {}", e.path, e.attributes.mode.unwrap())
                }
                EditChange::Absent => format!("no {}", e.path),
                EditChange::NoStanza { interface } => format!("{} without {interface}", e.path),
                EditChange::Only { line, .. } => format!("{}: {}", e.path, line.unwrap().masked()),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(
        words(Platform::Debian12),
        [
            "/etc/network/interfaces.d/1-eth0 0644",
            "/etc/network/interfaces: source /etc/network/interfaces.d/*",
            "/etc/network/interfaces without eth0"
        ]
    );
    assert_eq!(
        words(Platform::El9)[1..],
        ["no /etc/sysconfig/network-scripts/ifcfg-eth0"]
    );
    assert_eq!(words(Platform::El7).len(), 1);
}

/// A rollback restores the device from the guard's notes; an orphaned device is taken down before its file is removed.
#[test]
fn the_guard_notes_a_device_with_what_stands_on_it() {
    let words = |calls: &[crate::sh::Call]| -> Vec<String> {
        calls.iter().map(crate::sh::Call::to_shell).collect()
    };
    let target = super::super::super::testing::target(Platform::El9);
    let resource = resources_on(&bond0(), Platform::El9).remove(0);
    let retire = resource.kind.orphans().retire;
    assert_eq!(resource.guard.cuts_off, CutsOff::Always);
    assert_eq!(
        words(&resource.guard.note),
        ["nw_interface_note keyfile bond0 bond0.10 vbr10"]
    );
    assert_eq!(words(&resource.guard.undo), ["nw_interface_undo keyfile"]);
    let line = resources_on(&serial(), Platform::El9).remove(0);
    assert_eq!(words(&line.guard.undo), ["nw_interface_serial_undo"]);
    assert_eq!(
        line.files.writes,
        ["/etc/systemd/system/multi-user.target.wants/ppp-serial.service"]
    );
    let retired = retire("vbr11", &target);
    assert_eq!(words(&retired.calls), ["nw_interface_away keyfile vbr11"]);
    assert_eq!(words(&retired.note), ["nw_interface_note keyfile vbr11"]);
    assert_eq!(
        words(&retire("ppp0", &target).calls),
        ["nw_interface_serial_off"]
    );
}

#[test]
fn an_orphan_that_guests_hang_on_stays() {
    let stays_because = super::InterfaceKind::ORPHANS.stays_because;
    let seen = crate::kind::Answer::from_sections(answer(&[]));
    assert_eq!(
        stays_because("vbr10", &seen).as_deref(),
        Some("guests are connected to it: vnet3")
    );
    let held = DEVICES.replace("vnet3", "guest3") + "/sys/class/net/guest3/tun_flags:0x1002\n";
    let seen = crate::kind::Answer::from_sections(answer(&[("interface", &held, 0)]));
    assert_eq!(
        stays_because("vbr10", &seen).as_deref(),
        Some("guests are connected to it: guest3")
    );
    assert_eq!(stays_because("bond0.10", &seen), None);
    let none = crate::kind::Answer::from_sections([]);
    assert!(
        stays_because("eth0", &none)
            .unwrap()
            .contains("stays as it is")
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bad = |more: Json| error(&with(eth0(), more));
    assert!(bad(json!({ "interface": "../x" })).contains("no name of an interface"));
    assert!(bad(json!({ "interface": "-x" })).contains("no name of an interface"));
    assert!(bad(json!({ "ports": ["eth0123456789abc"] })).contains("no name of an interface"));
    assert!(bad(json!({ "addresses": ["192.0.2.5"] })).contains("no address with a prefix"));
    assert!(bad(json!({ "dhcp": true })).contains("one of the two"));
    assert!(bad(json!({ "vlan": 4 })).contains("is of type ethernet and can have no `vlan`"));
    assert!(bad(json!({ "type": "bond" })).contains("is of type bond and needs `bond`"));
    assert!(
        bad(json!({ "routes": [{ "to": "10.0.0.0/8", "via": "2001:db8::1" }] }))
            .contains("no router for")
    );
    assert!(bad(json!({ "type": "token-ring" })).contains("unknown variant"));
}

#[test]
fn an_answer_without_addresses_is_none() {
    let gone = answer(&[("interface-addr", "", 127)]);
    let error = verdict_on(&eth0(), Platform::Debian12, &gone).unwrap_err();
    assert!(error.contains("`ip addr` is missing"), "{error}");
    assert!(read(&eth0(), Platform::El6).is_ok());
}

#[test]
fn the_plan_names_what_is_interrupted() {
    use super::{Delta, InterfaceKind};
    let deltas = [
        Delta::new("bond0 mode", "a", "b"),
        Delta::new("bond0 interrupts", "", "bond0 (red), brred (red)"),
        Delta::new("brred interrupts", "", "brred (red)"),
    ];
    assert_eq!(
        InterfaceKind::title("bond0 brred", &deltas),
        "set up bond0 brred; interrupts bond0 (red), brred (red)"
    );
    assert_eq!(InterfaceKind::title("vbr1", &[]), "set up vbr1");
}
