use super::super::super::testing::{
    actions, changes, contents, error, queries, resources_on, shown, target, verdict, verdict_on,
};
use super::*;
use crate::kinds::testing;
use crate::platform::Platform;
use serde_json::{Value, json};

/// `getent passwd anna` on Debian 12, after `useradd -m -c Anna anna`.
const PASSWD: &str = "anna:x:1000:1000:Anna:/home/anna:/bin/sh\n";
/// `getent group anna libvirt wheel` on Debian 12; there is no wheel.
const GROUP: &str = "anna:x:1000:\nlibvirt:x:108:bob,anna\n";
/// `nw_user_shadow anna` with the hash `$6$s$h`; printf '$6$s$h' | sha256sum.
const SET: &str = "anna set 294f84c0555df77619e857ee93f0a667a57424db2f889ea1ee61e65d37ce96a9\n";
const LOCKED: &str = "anna locked 2f1f1f\n";

fn sections<'a>(passwd: &'a str, group: &'a str, shadow: &'a str) -> [(&'a str, &'a str, i32); 3] {
    [
        ("user.passwd", passwd, if passwd.is_empty() { 2 } else { 0 }),
        ("user.group", group, 2),
        ("user.shadow", shadow, 0),
    ]
}

fn step(extra: &Value) -> Value {
    let mut step = json!({ "user": "anna" });
    step.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    step
}

#[test]
fn three_processes_ask_for_all() {
    let step = json!({ "user": ["anna", "bob"], "groups": ["wheel", "libvirt"] });
    assert_eq!(
        queries(&step, Platform::El6),
        [
            "user.passwd: getent passwd anna bob",
            "user.group: getent group anna bob libvirt wheel",
            "user.shadow: nw_user_shadow anna bob"
        ]
    );
}

#[test]
fn an_account_that_is_not_there_is_made() {
    let none = sections("", "", "");
    assert_eq!(
        changes(&step(&json!({})), &none),
        ["account: absent -> present"]
    );
    assert_eq!(
        actions(&step(&json!({})), &none),
        ["useradd -U -m -p '*' anna"]
    );
    let all = json!({
        "uid": 1500, "group": "ops", "groups": ["libvirt", "wheel"], "home": "/srv/anna", "shell": "/bin/bash",
        "comment": "Anna O'Neill", "password": "$6$s$h",
    });
    assert_eq!(
        actions(&step(&all), &none),
        [
            r"useradd -u 1500 -c 'Anna O'\''Neill' -d /srv/anna -s /bin/bash -G libvirt,wheel -g ops -m -p '*' anna",
            "nw_user_password anna \"$NW_BLOB/0\"",
        ]
    );
    let system = step(&json!({ "system": true, "locked": true }));
    assert_eq!(
        actions(&system, &none),
        ["useradd -U -r -M -p '*' anna", "usermod -L anna"]
    );
    let namesake = sections("", "anna:x:1000:\n", "");
    assert_eq!(
        actions(&step(&json!({})), &namesake),
        ["useradd -g anna -m -p '*' anna"]
    );
}

#[test]
fn an_account_as_wanted_is_the_same() {
    let there = sections(PASSWD, GROUP, SET);
    let all = json!({
        "uid": 1000, "group": "anna", "groups": ["libvirt", "anna"], "home": "/home/anna", "shell": "/bin/sh",
        "comment": "Anna", "password": "$6$s$h",
    });
    assert_eq!(verdict(&step(&all), &there), Verdict::Same);
    assert_eq!(verdict(&step(&json!({})), &there), Verdict::Same);
}

#[test]
fn what_drifted_is_mended() {
    let there = sections(PASSWD, GROUP, SET);
    let other = step(
        &json!({ "groups": ["libvirt", "wheel"], "home": "/h", "shell": "/bin/bash", "comment": "A" }),
    );
    assert_eq!(
        changes(&other, &there),
        [
            "comment: Anna -> A",
            "home: /home/anna -> /h",
            "shell: /bin/sh -> /bin/bash",
            "groups:  -> wheel"
        ]
    );
    assert_eq!(
        actions(&other, &there),
        ["usermod -c A -d /h -s /bin/bash -a -G wheel anna"]
    );
    let own = step(&json!({ "group": "libvirt" }));
    assert_eq!(changes(&own, &there), ["group: 1000 -> libvirt"]);
    assert_eq!(actions(&own, &there), ["usermod -g libvirt anna"]);
}

#[test]
fn groups_are_never_taken_away() {
    let there = sections(PASSWD, GROUP, SET);
    assert_eq!(
        verdict(&step(&json!({ "groups": [] })), &there),
        Verdict::Same
    );
}

#[test]
fn another_number_is_a_finding() {
    let there = sections(PASSWD, GROUP, SET);
    let Verdict::Finding { what, remedy } = verdict(&step(&json!({ "uid": 1500 })), &there) else {
        panic!("no finding");
    };
    assert_eq!(what, "account anna has the number 1000, wanted 1500");
    assert!(remedy.contains("`usermod -u 1500 anna`"), "{remedy}");
}

#[test]
fn a_number_that_another_account_has_is_a_finding() {
    let wanted = step(&json!({ "uid": 1001 }));
    let other = sections("bob:x:1001:1001::/home/bob:/bin/sh\n", "", "");
    let Verdict::Finding { what, .. } = verdict(&wanted, &other) else {
        panic!("no finding");
    };
    assert_eq!(what, "account anna cannot be made: bob has the number 1001");
}

#[test]
fn what_the_tools_refuse_while_an_account_is_in_use_is_a_finding() {
    let [passwd, group, shadow] = sections(PASSWD, GROUP, SET);
    let told = |extra: Value, running: &str| {
        let seen = [passwd, group, shadow, ("user.running", running, 0)];
        match verdict(&step(&extra), &seen) {
            Verdict::Finding { what, .. } => what,
            Verdict::Change(_) => "change".to_owned(),
            other => panic!("{other:?}"),
        }
    };
    let busy = "    0\n 1000\n";
    assert_eq!(
        told(json!({ "home": "/srv/anna" }), busy),
        "account anna is in use: usermod would not move its home while processes run as it"
    );
    assert_eq!(
        told(json!({ "state": "absent" }), busy),
        "account anna is in use: userdel would not remove it while processes run as it"
    );
    assert_eq!(
        told(
            json!({ "home": "/srv/anna", "shell": "/bin/zsh" }),
            "    0\n"
        ),
        "change"
    );
    assert_eq!(
        told(json!({ "home": "/home/anna", "shell": "/bin/zsh" }), busy),
        "change"
    );
}

#[test]
fn passwords_and_locks_are_distinguished() {
    let hash = step(&json!({ "password": "$6$s$other" }));
    assert_eq!(
        changes(&hash, &sections(PASSWD, GROUP, SET)),
        ["password: another one -> as given"]
    );
    assert_eq!(
        changes(&hash, &sections(PASSWD, GROUP, LOCKED)),
        ["password: locked -> set"]
    );
    assert_eq!(
        actions(&hash, &sections(PASSWD, GROUP, SET)),
        ["nw_user_password anna \"$NW_BLOB/0\""]
    );
    let lock = step(&json!({ "locked": true }));
    assert_eq!(
        changes(&lock, &sections(PASSWD, GROUP, SET)),
        ["password: set -> locked"]
    );
    assert_eq!(
        actions(&lock, &sections(PASSWD, GROUP, SET)),
        ["usermod -L anna"]
    );
    assert_eq!(
        verdict(&lock, &sections(PASSWD, GROUP, LOCKED)),
        Verdict::Same
    );
    let open = step(&json!({ "locked": false }));
    assert_eq!(
        changes(&open, &sections(PASSWD, GROUP, LOCKED)),
        ["password: locked -> none"]
    );
    assert_eq!(
        actions(&open, &sections(PASSWD, GROUP, LOCKED)),
        ["usermod -p '*' anna"]
    );
    assert_eq!(verdict(&open, &sections(PASSWD, GROUP, SET)), Verdict::Same);
}

#[test]
fn a_secret_hash_is_compared_by_digest_and_in_no_argument() {
    let step = step(&json!({ "password": crate::text::mark("anna") }));
    let there = sections(PASSWD, GROUP, SET);
    assert_eq!(verdict(&step, &there), Verdict::Same);
    let resource = resources_on(&step, Platform::Debian12).remove(0);
    let differs = |hash: &str| {
        let vault = Vault::from([("anna".to_owned(), hash.to_owned())]);
        let answer = Answer::from_sections(there);
        let node = target(Platform::Debian12);
        let compared = testing::compare_with(&resource, &node, &answer, false, &vault);
        let deltas = compared.unwrap().secret;
        deltas.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(differs("$6$s$h"), [] as [&str; 0]);
    assert_eq!(differs("$6$s$x"), ["password: another one -> as given"]);
    let secret = Text::new(crate::text::mark("anna")).unwrap();
    assert_eq!(contents(&step, &there), [Payload::Text(secret)]);
    assert!(
        actions(&step, &there)
            .iter()
            .all(|call| !call.contains('\u{F0000}'))
    );
}

#[test]
fn it_goes_only_where_the_step_demands_it_and_its_home_stays() {
    let gone = step(&json!({ "state": "absent" }));
    let there = sections(PASSWD, GROUP, SET);
    assert_eq!(
        changes(&gone, &there),
        ["account: present -> absent (its home stays)"]
    );
    assert_eq!(actions(&gone, &there), ["userdel anna"]);
    assert_eq!(verdict(&gone, &sections("", "", "")), Verdict::Same);
    assert_eq!(
        error(&json!({ "user": "root", "state": "absent" })),
        "the account root is not removed"
    );
}

#[test]
fn odd_answers_are_errors() {
    let hash = step(&json!({ "password": "$6$s$h" }));
    for (step, sections) in [
        (step(&json!({})), vec![]),
        (
            step(&json!({})),
            vec![("user.passwd", "", 127), ("user.group", "", 127)],
        ),
        (
            step(&json!({})),
            vec![
                ("user.passwd", "anna:x:no:1000:Anna:/h:/s\n", 0),
                ("user.group", "", 2),
            ],
        ),
        (
            step(&json!({})),
            vec![("user.passwd", "anna:x\n", 0), ("user.group", "", 2)],
        ),
        (hash, sections(PASSWD, GROUP, "").to_vec()),
    ] {
        assert!(
            verdict_on(&step, Platform::El7, &sections).is_err(),
            "{sections:?}"
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (extra, part) in [
        (json!({ "user": "-r" }), "must be a name"),
        (json!({ "groups": ["a,b"] }), "must be a name"),
        (json!({ "home": "home" }), "absolute path"),
        (json!({ "shell": "/bin/a:b" }), "must not hold a colon"),
        (json!({ "comment": "a:b" }), "must not hold a colon"),
        (json!({ "comment": "a\nb" }), "more than one line"),
        (json!({ "comment": "a\tb" }), "must be printable"),
        (json!({ "comment": "a".repeat(1025) }), "at most 1024 bytes"),
        (
            json!({ "password": "hunter2" }),
            "never the password itself",
        ),
        (json!({ "password": "$6$a:b" }), "which no hash does"),
        (
            json!({ "comment": crate::text::mark("pw") }),
            "holds a secret",
        ),
    ] {
        let error = error(&step(&extra));
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("hunter2"));
    }
}
