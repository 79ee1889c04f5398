//! Fixtures of the sysctl kind.

use super::super::super::testing;
use super::*;
use crate::kinds::testing::circumstances;
use serde_json::json;

// Captured: head of coreutils 9.1 on Debian 12, two keys and one that is not there.
const VALUES_SEEN: &str = "\
==> /proc/sys/vm/swappiness <==
60

==> /proc/sys/net/ipv4/tcp_rmem <==
4096\t131072\t6291456

==> /proc/sys/net/ipv4/conf/eth3.1/rp_filter <==
1
";

// Constructed: a hand-made setting in the file that is read last.
const FILES_SEEN: &str = "\
/etc/sysctl.conf:# kernel.printk = 3 4 1 3
/etc/sysctl.conf:-vm/swappiness=10
/etc/sysctl.d/10-early.conf:net.ipv4.tcp_rmem = 1 2 3
/etc/sysctl.d/60-nodewright.conf:vm.swappiness = 60
/etc/sysctl.d/99-sysctl.conf:-vm/swappiness=10
";

fn judge(platform: Platform, step: serde_json::Value) -> Verdict {
    let want: Want = serde_json::from_value(step).unwrap();
    let target = testing::target(platform);
    let answer = Answer::from_sections([(VALUES, VALUES_SEEN, 1), (FILES, FILES_SEEN, 0)]);
    let seen = SysctlKind::parse(&want, &target, &answer).unwrap();
    SysctlKind::compare(&want, &seen, &circumstances(&target))
}

#[test]
fn values_are_compared_word_by_word() {
    let same = [
        json!({"sysctl": "net.ipv4.tcp_rmem", "value": "4096 131072  6291456"}),
        json!({"sysctl": "net.ipv4.conf.eth3/1.rp_filter", "value": 1}),
        json!({"sysctl": "net/ipv4/conf/eth3.1/rp_filter", "value": "1"}),
        json!({"sysctl": "net.bridge.bridge-nf-call-iptables", "value": 0, "optional": true}),
    ];
    for step in same {
        assert_eq!(judge(Platform::El7, step.clone()), Verdict::Same, "{step}");
    }
    for (step, from, to) in [
        (json!({"sysctl": "vm.swappiness", "value": 1}), "60", "1"),
        (
            json!({"sysctl": "net.bridge.bridge-nf-call-iptables", "value": 0}),
            "",
            "0",
        ),
    ] {
        assert_eq!(
            judge(Platform::El7, step),
            Verdict::Change(vec![Delta::new("value", from, to)])
        );
    }
}

#[test]
fn a_file_that_is_read_later_is_named() {
    let step = json!({"sysctl": "vm.swappiness", "value": 60});
    let Verdict::Finding { what, .. } = judge(Platform::Debian12, step.clone()) else {
        panic!("it does not last");
    };
    assert_eq!(
        what,
        "/etc/sysctl.d/99-sysctl.conf sets vm.swappiness = 10 and is read after \
         /etc/sysctl.d/60-nodewright.conf: the next boot sets that value"
    );
    // EL6 reads /etc/sysctl.conf first and has no 99-sysctl.conf.
    assert!(!read_later("/etc/sysctl.conf", Platform::El6));
    assert!(read_later("/etc/sysctl.conf", Platform::El9));
    // Debian 13 reads it no more.
    assert!(!read_later("/etc/sysctl.conf", Platform::Debian13));
    for (platform, any_suffix) in [(Platform::El6, true), (Platform::Debian13, false)] {
        assert_eq!(read_later("/etc/sysctl.d/99-x", platform), any_suffix);
        assert!(read_later("/etc/sysctl.d/99-x.conf", platform));
    }
    assert!(read_later("/etc/sysctl.d/99-site", Platform::El6));
    assert!(!read_later("/etc/sysctl.d/99-site", Platform::El7));
}

#[test]
fn a_table_is_one_resource_a_key() {
    let step = json!({"sysctl": {"vm.swappiness": 1, "kernel.panic": "10"}, "optional": true});
    assert_eq!(
        testing::names(&step),
        ["r/sysctl:vm.swappiness", "r/sysctl:kernel.panic"]
    );
    let edits = testing::edits(&step);
    assert_eq!(edits[1].path, "/etc/sysctl.d/60-nodewright.conf");
    assert_eq!(
        edits[1].change,
        EditChange::Ini {
            section: String::new(),
            key: "kernel.panic".into(),
            value: Some(Text::plain("10")),
            separator: " = ".into()
        }
    );
}

#[test]
fn the_action_is_one_write() {
    let want: Want =
        serde_json::from_value(json!({"sysctl": "net.ipv4.tcp_rmem", "value": "1  2 3"})).unwrap();
    let seen = Seen {
        value: None,
        overruled: None,
    };
    let calls = SysctlKind::actions(
        &[(&want, &seen)],
        &testing::circumstances(&testing::target(Platform::El6)),
    );
    assert_eq!(
        calls[0].to_shell(),
        "nw_kernel_set /proc/sys/net/ipv4/tcp_rmem '1 2 3'"
    );
}

#[test]
fn keys_stay_below_proc_sys() {
    for key in [
        "",
        "swappiness",
        "a/../../b",
        "vm..x",
        "vm.a b",
        "vm.$(id)",
        "-vm.x/..",
        "/vm/x",
    ] {
        let step = json!({"sysctl": key, "value": 1});
        assert!(testing::read(&step, Platform::El7).is_err(), "{key}");
    }
    for value in ["", " ", "1\nvm.x = 2"] {
        let step = json!({"sysctl": "vm.swappiness", "value": value});
        assert!(testing::read(&step, Platform::El7).is_err(), "{value:?}");
    }
}

#[test]
fn this_kernel_answers() {
    let want: Want =
        serde_json::from_value(json!({"sysctl": "kernel.ostype", "value": "Linux"})).unwrap();
    let target = testing::target(Platform::Debian12);
    let mut observe = Observe::default();
    observe.functions(SysctlKind::SHELL);
    SysctlKind::observe(&[&want], &target, &mut observe);
    let output = std::process::Command::new("sh")
        .args(["-c", &observe.script("zz")])
        .output()
        .unwrap();
    let answer = Answer::parse(&output.stdout, "zz", &observe).unwrap();
    let seen = SysctlKind::parse(&want, &target, &answer).unwrap();
    assert_eq!(
        SysctlKind::compare(&want, &seen, &circumstances(&target)),
        Verdict::Same
    );
}

#[test]
fn a_setting_is_one_thing_in_both_spellings() {
    for (spelling, name) in [
        ("net.ipv4.ip_forward", "net.ipv4.ip_forward"),
        ("net/ipv4/ip_forward", "net.ipv4.ip_forward"),
        (
            "net/ipv4/conf/eth3.1/rp_filter",
            "net/ipv4/conf/eth3.1/rp_filter",
        ),
        (
            "net.ipv4.conf.eth3/1.rp_filter",
            "net/ipv4/conf/eth3.1/rp_filter",
        ),
    ] {
        let step = json!({ "sysctl": spelling, "value": 1 });
        assert_eq!(testing::names(&step), [format!("r/sysctl:{name}")]);
        let edit = testing::edits(&step).remove(0);
        assert!(
            matches!(edit.change, EditChange::Ini { key, .. } if key == name),
            "{spelling}"
        );
    }
    let said =
        testing::error(&json!({ "sysctl": "net.ipv4.conf.bond0.100.rp_filter", "value": 1 }));
    assert!(
        said.contains("`net/ipv4/conf/bond0.100/rp_filter`"),
        "{said}"
    );
}
