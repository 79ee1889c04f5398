//! Stanzas of ifupdown's `interfaces`.

use super::*;

fn without(interface: &str) -> Edit {
    edit(EditChange::NoStanza {
        interface: interface.to_owned(),
    })
}

const INSTALLED: &str = "# made by the installer\nsource /etc/network/interfaces.d/*\n\n# The loopback\nauto lo\n\
     iface lo inet loopback\n\n# The primary network interface\nallow-hotplug eth0\niface eth0 inet dhcp\n\
     \tmtu 1500\n# This is an autoconfigured IPv6 interface\niface eth0 inet6 auto\n\n# mine\nauto eth7\niface eth7 inet manual\n";

#[test]
fn a_stanza_goes_with_what_belongs_to_it() {
    becomes(
        INSTALLED,
        &[without("eth0")],
        "# made by the installer\nsource /etc/network/interfaces.d/*\n\n# The loopback\nauto lo\n\
         iface lo inet loopback\n\n# The primary network interface\n# This is an autoconfigured IPv6 interface\n\n\
         # mine\nauto eth7\niface eth7 inet manual\n",
    );
}

#[test]
fn other_interfaces_keep_their_lines() {
    becomes(
        "auto lo eth0 eth1\nallow-hotplug eth0\niface eth01 inet manual\niface eth0 inet static\n address 192.0.2.5/24\n up echo \\\n   more\n",
        &[without("eth0")],
        "auto lo eth1\niface eth01 inet manual\n",
    );
    becomes(INSTALLED, &[without("eth1")], INSTALLED);
    becomes(
        "#iface eth0 inet dhcp\n",
        &[without("eth0")],
        "#iface eth0 inet dhcp\n",
    );
}

#[test]
fn a_line_that_brings_it_is_at_odds_with_it() {
    let line = edit(EditChange::Line {
        line: Text::plain("auto eth0"),
        matches: None,
        absent: false,
    });
    let (a, b) = (address("r/line:a"), address("r/interface:eth0"));
    let gone = without("eth0");
    let found = conflicts(
        "/etc/network/interfaces",
        &[
            EditRequest {
                address: &a,
                edit: &line,
            },
            EditRequest {
                address: &b,
                edit: &gone,
            },
        ],
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].what, "the line `auto eth0`, and no stanza of eth0");
}
