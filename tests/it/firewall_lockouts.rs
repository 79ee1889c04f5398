//! Ways in which a firewall that runs well is made one that nobody gets through, each put back by itself: what is open
//! lives on all the while, so that only a new connection notices.

use crate::firewall_role::{PORTS, Stranger, change, rig, set_knock};
use crate::guard::is_clean;
use crate::nodes::{self, PROGRAM};
use crate::rig::Rig;
use std::fs;

/// What decides who gets in: Shorewall's files and the rules that the kernel has, without counters, times
/// and the empty chains by which Shorewall names a compilation.
fn print(rig: &Rig) -> String {
    rig.nodes.ok(
        "node1",
        "cd /etc && find shorewall default/shorewall systemd/system -exec stat -c '%f %u:%g %N' {} + | sort && \
         find shorewall default/shorewall -type f -exec sha256sum {} + | sort && cat /var/lib/nodewright/manifest && \
         systemctl is-enabled shorewall && systemctl is-active shorewall && \
         for t in iptables-save ip6tables-save; do $t | sed -e '/^#/d' -e '/^:sha-[lr]h-/d' -e 's/\\[[0-9]*:[0-9]*\\]//' || exit; done",
    )
}

/// A shipped template with a change, as an operator ejects it.
fn eject(rig: &Rig, template: &str, change: impl Fn(&str) -> String) {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/firewall");
    let text = fs::read_to_string(shipped.join(template)).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed, "{template}");
    rig.write(&format!("templates/firewall/{template}"), &changed);
}

#[track_caller]
fn assert_same(before: &str, after: &str, name: &str) {
    let lacks = |a: &str, b: &str| -> Vec<String> {
        let lines = a.lines().filter(|l| !b.lines().any(|o| o == *l));
        lines.map(ToOwned::to_owned).collect()
    };
    let differ = (lacks(before, after), lacks(after, before));
    assert!(before == after, "{name}: {differ:#?}");
}

/// What the run has to say when nobody came in.
const UNCONFIRMED: &str = "nobody confirmed it in time";

/// Applies what locks out; the site is as before afterwards.
#[track_caller]
fn is_put_back(rig: &Rig, before: &str, name: &str, why: &str, break_it: impl Fn(&Rig)) {
    let inventory = rig.desk.site().join("inventory.toml");
    let good = fs::read_to_string(&inventory).unwrap();
    break_it(rig);
    let said = rig.apply();
    let failed = said.failed().concat();
    assert_eq!(said.code, 6, "{name}: {failed}\n{}", said.err);
    assert!(
        failed.contains(why) && failed.contains("Everything is as it was before this window"),
        "{name}: {failed}"
    );
    assert_same(before, &print(rig), name);
    is_clean(&rig.nodes);
    fs::write(inventory, good).unwrap();
    let _ = fs::remove_dir_all(rig.desk.site().join("templates"));
    rig.nothing_to_do();
}

#[test]
fn a_firewall_that_locks_out_is_rolled_back() {
    let rig = rig();
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let before = print(&rig);
    assert!(before.contains(":INPUT DROP"), "{before}");
    is_put_back(
        &rig,
        &before,
        "new connections dropped",
        UNCONFIRMED,
        |rig| {
            eject(rig, "rules", |text| {
                let section = "{{ firewall.form.section }} NEW\n";
                let drop = format!("{section}DROP\tall\t$FW\ttcp\t22\n");
                text.replace(section, &drop)
            });
        },
    );
    is_put_back(
        &rig,
        &before,
        "the interface in another zone",
        UNCONFIRMED,
        |rig| {
            change(
                rig,
                "red    = { nic = \"eth0\"",
                "red    = { nic = \"eth4\"",
            );
            change(
                rig,
                "orange = { nic = \"eth4\"",
                "orange = { nic = \"eth0\"",
            );
        },
    );
    // The compiler takes it, the kernel does not: the whole table is refused.
    is_put_back(
        &rig,
        &before,
        "a start that fails",
        "service shorewall: failed",
        |rig| {
            eject(rig, "rules", |text| {
                format!("{text}INLINE(ACCEPT)\tred\t$FW\ttcp\t8080\t;;\t-m string --algo bm\n")
            });
        },
    );
}

/// Whoever comes by red gets in by the policy alone, which is then what the site says of everybody else.
#[test]
fn a_policy_that_locks_out_is_rolled_back() {
    let rig = rig();
    eject(&rig, "rules", |text| {
        text.replace("in f.rules %}", "in f.rules if 'red' not in r.from %}")
    });
    eject(&rig, "policy", |text| {
        text.replace("{%- for p", "red\t$FW\tACCEPT\n{%- for p")
    });
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let before = print(&rig);
    eject(&rig, "policy", |text| {
        format!("{text}# Whoever knows no rule stays outside.\n")
    });
    let said = rig.apply();
    let failed = said.failed().concat();
    assert_eq!(said.code, 6, "{failed}\n{}", said.err);
    assert!(
        failed.contains(UNCONFIRMED)
            && failed.contains("Everything is as it was before this window"),
        "{failed}"
    );
    assert_same(&before, &print(&rig), "policy");
    is_clean(&rig.nodes);
}

/// The node takes other ports than those that the site's secret has: whoever knocks as the site says stays outside.
#[test]
fn ports_at_which_nobody_knocks_are_rolled_back() {
    let mut rig = rig();
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    // From here on it is no rehearsal.
    let release = format!("platform = \"{}\"", nodes::release());
    change(&rig, "platform = \"el7\"", &release);
    change(&rig, "shorewall = \"5.1\"\n", "");
    change(&rig, ", bridge = \"brred\", network", ", network");
    let inventory = rig.desk.site().join("inventory.toml");
    let text = fs::read_to_string(&inventory).unwrap();
    let (text, _guests) = text.split_once("\n[guest]").unwrap();
    fs::write(&inventory, text).unwrap();
    let stranger = Stranger::of(&rig);
    let (code, said) = stranger.run(PROGRAM, &["apply", "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    let knock = || assert_eq!(stranger.run(PROGRAM, &["knock", "node1"]).0, Some(0));
    knock();
    let before = print(&rig);
    eject(&rig, "action.Knock", |text| {
        text.replacen("{{ secret(k.steps[0].secret) }}", "7311", 9)
    });
    let (code, said) = stranger.run(PROGRAM, &["apply", "--yes", "node1"]);
    assert_eq!(code, Some(6), "{said}");
    assert!(
        said.contains(UNCONFIRMED) && said.contains("Everything is as it was before this window"),
        "{said}"
    );
    knock();
    assert_same(&before, &print(&rig), "ports");
    is_clean(&rig.nodes);
    assert!(PORTS.iter().all(|p| !said.contains(p)), "{said}");
    // The old sequence opens again.
    rig.nodes.ok("node1", "echo / >/proc/net/xt_recent/NW_OPEN");
    assert_eq!(stranger.door(), Some(124), "closed");
    let (code, said) = stranger.run(PROGRAM, &["run", "node1", "--", "hostname"]);
    assert_eq!(code, Some(0), "{said}");

    // New ports go over the connection that the old ones opened, and the guard knocks at the new ones.
    let _ = fs::remove_dir_all(rig.desk.site().join("templates"));
    let (code, said) = stranger.run(PROGRAM, &["plan"]);
    assert_eq!(code, Some(0), "{said}");
    set_knock(&mut rig, "7401,7211,7642");
    let stranger = Stranger::again(&rig);
    let (code, said) = stranger.run(PROGRAM, &["apply", "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    rig.nodes.ok("node1", "echo / >/proc/net/xt_recent/NW_OPEN");
    assert_eq!(stranger.door(), Some(124), "closed");
    assert_eq!(stranger.run(PROGRAM, &["knock", "node1"]).0, Some(0));
    assert_eq!(stranger.door(), Some(0), "open");
}
