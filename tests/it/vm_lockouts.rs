//! Ways to lock everybody out by the network, on a virtual machine with the real kernel: each is rolled back by the node
//! itself within its window, which is reached by its own way in afterwards, with its network as it was before.

use crate::rig::{Rig, Said};
use crate::wired;
use nodewright::lab::Power;

const ROLE: &str = include_str!("../../roles/network.toml");
const TEMPLATE: &str = include_str!("../../templates/network/interfaces");
const RED: &str = "red = { nic = \"eth0\", bridge = \"brred\"";
const GREY: &str = "bond = { name = \"bond0\", nics = [\"eth1\", \"eth5\"] }";

/// What is wrong: words of the site, of the role and of its template, each with what stands there instead.
#[derive(Default)]
struct Wrong<'a> {
    /// The guard's window, where it is not one that ends soon.
    window: Option<&'a str>,
    site: &'a [(&'a str, &'a str)],
    role: &'a [(&'a str, &'a str)],
    template: &'a [(&'a str, &'a str)],
}

impl Wrong<'_> {
    /// Writes it into the site, with a window that ends soon.
    #[track_caller]
    fn write(&self, rig: &Rig) {
        let window = format!("window = \"{}\"", self.window.unwrap_or("15s"));
        rig.site_with(&[&[("window = \"60s\"", window.as_str())], self.site].concat());
        for (path, shipped, edits) in [
            ("roles/network.toml", ROLE, self.role),
            ("templates/network/interfaces", TEMPLATE, self.template),
        ] {
            if !edits.is_empty() {
                rig.write(path, &wired::replaced(shipped, edits));
            }
        }
    }
}

/// What the network is made of, by its files and by the kernel, and what is left of a guard.
fn print(rig: &Rig) -> String {
    rig.nodes.ok(
        "node1",
        "cd /etc; find network systemd/network systemd/system ppp -exec stat -c '%f %u:%g %N' {} + | sort; \
         find network systemd/network systemd/system ppp resolv.conf -type f -exec sha256sum {} + | sort; \
         ip -o -4 addr | awk '{ print $2, $4 }' | sort; ip -4 route | sed 's/ linkdown//'; \
         for i in /sys/class/net/*/; do n=${i%/}; echo ${n##*/} $(cat $n/mtu $n/flags) $(ls $n/brif 2>/dev/null); done; \
         cd /sys/class/net/bond0/bonding; for f in mode miimon primary slaves; do echo $f $(cat $f); done; \
         cat /proc/net/vlan/config; cat /var/lib/nodewright/manifest; \
         find /var/lib/nodewright/runs -path '*/guard/kept*'; find /etc -name '.nw-*'; pgrep -f 'undo[.]sh' || :",
    )
}

/// It was rolled back, nobody having come in; all is as before, and still to be done.
#[track_caller]
fn is_put_back(rig: &Rig, before: &str, said: &Said) {
    assert_eq!(said.code, 6, "{:?}{}", said.failed(), said.err);
    let failed = said.failed().concat();
    assert!(
        failed.ends_with("Everything is as it was before this window, and was compared"),
        "{failed}"
    );
    assert!(!said.guard().contains(&"confirmed"), "{:?}", said.guard());
    assert_eq!(print(rig), before);
    let again = rig.say(&["plan", "node1"]);
    assert_eq!(again.code, 2, "{}", again.err);
}

#[track_caller]
fn locks_out(wrong: &Wrong<'_>) {
    let Some(rig) = wired::up() else { return };
    let before = print(&rig);
    wrong.write(&rig);
    let said = rig.say(&["apply", "--yes", "node1"]);
    let failed = said.failed().concat();
    // In a short window the run may not have given up its former connection.
    let unheard = failed.contains("nobody confirmed it in time. No new connection came about");
    assert!(
        failed.contains("nobody confirmed it in time. The new connection failed: node1: ")
            || unheard && wrong.window.is_none(),
        "{failed}{}",
        said.err
    );
    is_put_back(&rig, &before, &said);
}

#[test]
fn a_wrong_address() {
    locks_out(&Wrong {
        window: Some("50s"),
        site: &[("red = \"192.0.2.5\"", "red = \"192.0.2.55\"")],
        ..Wrong::default()
    });
}

/// The operator is behind the right one.
#[test]
fn a_wrong_gateway() {
    locks_out(&Wrong {
        site: &[("gateway = \"192.0.2.1\"", "gateway = \"192.0.2.9\"")],
        ..Wrong::default()
    });
}

#[test]
fn a_wrong_vlan() {
    locks_out(&Wrong {
        site: &[(RED, "red = { nic = \"eth0\", vlan = 7, bridge = \"brred\"")],
        ..Wrong::default()
    });
}

#[test]
fn a_card_in_the_wrong_zone() {
    locks_out(&Wrong {
        site: &[
            (RED, "red = { nic = \"eth2\", bridge = \"brred\""),
            ("yellow = { nic = \"eth2\"", "yellow = { nic = \"eth0\""),
        ],
        ..Wrong::default()
    });
}

/// Zones whose cards change places, under a bond each.
#[test]
fn a_bond_of_the_wrong_cards() {
    locks_out(&Wrong {
        site: &[
            (
                RED,
                "red = { bond = { name = \"bond1\", nics = [\"eth1\", \"eth5\"] }, bridge = \"brred\"",
            ),
            (GREY, "nic = \"eth0\""),
        ],
        ..Wrong::default()
    });
}

#[test]
fn a_bond_without_its_cards() {
    locks_out(&Wrong {
        site: &[
            (
                RED,
                "red = { bond = { name = \"bond1\", nics = [\"eth0\", \"eth5\"] }, bridge = \"brred\"",
            ),
            (GREY, "nic = \"eth1\""),
        ],
        role: &[
            (
                "\"{{ d.master }}\"",
                "\"{{ none if d.master == 'bond1' else d.master }}\"",
            ),
            ("\"{{ d.ports }}\"", "\"{{ [] if d.bond else d.ports }}\""),
        ],
        template: &[(
            "bond-slaves {{ d.ports | join(\" \") }}",
            "bond-slaves none",
        )],
        ..Wrong::default()
    });
}

#[test]
fn a_bridge_without_its_port() {
    locks_out(&Wrong {
        role: &[
            (
                "\"{{ d.master }}\"",
                "\"{{ none if d.master == 'brred' else d.master }}\"",
            ),
            (
                "\"{{ d.ports }}\"",
                "\"{{ [] if d.name == 'brred' else d.ports }}\"",
            ),
        ],
        template: &[(
            "bridge_ports {{ d.ports | join(\" \") }}",
            "bridge_ports none",
        )],
        ..Wrong::default()
    });
}

/// What the bridge still sends is too large for its card.
#[test]
fn a_wrong_mtu() {
    locks_out(&Wrong {
        role: &[(
            "\"{{ d.mtu if d.kind != 'ppp' else none }}\"",
            "\"{{ 128 if d.name == 'eth0' else 1400 if d.name == 'brred' else d.mtu if d.kind != 'ppp' else none }}\"",
        )],
        ..Wrong::default()
    });
}

/// The wrong address, until the node waits to be confirmed.
fn waiting(rig: &Rig) -> crate::rig::Live {
    let wrong = Wrong {
        site: &[("red = \"192.0.2.5\"", "red = \"192.0.2.55\"")],
        ..Wrong::default()
    };
    wrong.write(rig);
    let live = rig.start(&["apply", "--yes", "node1"]);
    // Over the way that nothing closes: the run itself hears no more of it.
    rig.until(
        "node1.lab",
        "for w in /var/lib/nodewright/runs/*/*/guard/waiting; do [ ! -e ${w%/*}/armed ] || exit 0; done; false",
    );
    live
}

#[test]
fn a_machine_that_loses_power_in_the_window_comes_up_with_its_network() {
    let Some(rig) = wired::up() else { return };
    let before = print(&rig);
    let live = waiting(&rig);
    rig.nodes.power("node1", Power::Cut);
    rig.nodes.power("node1", Power::On);
    let said = live.end();
    let failed = said.failed().concat();
    assert!(
        failed.contains("the node went down before anybody confirmed it"),
        "{failed}"
    );
    // Both ends of the serial line agree some time after the boot.
    rig.until("node1.lab", "ip -o addr show dev ppp0 | grep -q 10.0.9.1");
    is_put_back(&rig, &before, &said);
}

#[test]
fn a_node_whose_controller_died_gets_its_network_back_alone() {
    let Some(rig) = wired::up() else { return };
    let before = print(&rig);
    let mut live = waiting(&rig);
    live.child.kill().unwrap();
    live.child.wait().unwrap();
    let (mut there, mut anew) = (true, false);
    for _ in 0..120 {
        anew |= !there && rig.nodes.answers("node1");
        if anew {
            break;
        }
        there = rig.nodes.answers("node1");
    }
    assert!(anew, "it was away, and came back");
    rig.until("node1", "! pgrep -f 'undo[.]sh' >/dev/null");
    assert_eq!(print(&rig), before);
    let again = rig.say(&["plan", "node1"]);
    assert_eq!(again.code, 2, "{}", again.err);
}
