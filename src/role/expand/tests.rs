use super::*;
use crate::platform::Platform;
use crate::role::subject::Level;
use indexmap::IndexMap;
use minijinja::value::{Serde, Value};
use serde_json::json;

/// A node with these roles, of a site with two mirrors.
pub(super) fn subject(roles: &[&str], vars: &Json) -> Subject {
    let site = json!({
        "name": "crosslink",
        "zone": { "grey": {}, "yellow": {} },
        "mirror": { "r0": { "minor": 0, "port": 7788 }, "r1": { "minor": 1, "port": 7789 } },
    });
    let node = json!({ "name": "node1", "address": { "grey": "10.0.1.1" } });
    let values: IndexMap<String, Json> = serde_json::from_value(vars.clone()).unwrap();
    Subject {
        host: "192.0.2.5".into(),
        in_container: false,
        node: "node1".into(),
        platform: Platform::El9,
        roles: roles.iter().map(|r| ((*r).to_owned(), None)).collect(),
        context: vec![
            ("site".into(), Value::from(Serde(site))),
            ("node".into(), Value::from(Serde(node.clone()))),
            ("members".into(), Value::from(Serde(json!([node])))),
            ("peers".into(), Value::from(Serde(json!([])))),
        ],
        vars: vec![Level {
            values,
            ..Level::default()
        }],
        firewall: crate::firewall::zones::NodeFirewall::default(),
        alone: true,
        zones: vec!["grey".into(), "yellow".into()],
    }
}

struct Done {
    out: Expansion,
    messages: Vec<String>,
}

fn expand_files(files: &[(&str, &str)], roles: &[&str], vars: &Json) -> Done {
    let mut sources = Sources::default();
    let mut findings = Vec::new();
    let library = Library::of(files.iter().copied(), &mut sources, &mut findings);
    let mut out = expand_subject(&subject(roles, vars), &library, &sources);
    findings.append(&mut out.findings);
    let messages = findings
        .iter()
        .map(|f| {
            let place = f.location(&sources).map(|l| l.to_string());
            format!("{}: {}", place.unwrap_or_default(), f.message)
        })
        .collect();
    Done { out, messages }
}

fn one(role: &str) -> Done {
    let text = format!("description = \"a role\"\n{role}");
    expand_files(&[("roles/mine.toml", &text)], &["mine"], &json!({}))
}

fn addresses(done: &Done) -> Vec<String> {
    assert_eq!(done.messages, [""; 0]);
    done.out
        .resources
        .iter()
        .map(|r| r.address.to_string())
        .collect()
}

#[test]
fn a_list_and_a_loop_make_several_resources() {
    let done = one(r#"
        [platform.tools]
        el9 = ["lsof", "strace"]
        [[step]]
        package = "{{ platform.tools }}"
        [[step]]
        for_each = "name, m in site.mirror"
        when = "m.minor > 0"
        package = "{{ name }}-{{ m.port }}"
        held = "{{ m.minor == 1 }}"
        operate = true
    "#);
    assert_eq!(
        addresses(&done),
        [
            "mine/package:lsof",
            "mine/package:strace",
            "mine/package:r1-7789"
        ]
    );
    let last = &done.out.resources[2];
    assert_eq!(last.value["held"], json!(true));
    assert_eq!(
        (last.step.index, last.step.place.as_str()),
        (2, "roles/mine.toml:10")
    );
    assert!(last.step.operate && !last.step.once);
}

#[test]
fn a_word_that_this_platform_lacks_is_an_error_where_it_is_used() {
    let role = "[platform.packages]\nel7 = ['x']\n[[step]]\npackage = '{{ platform.packages }}'\n";
    assert_eq!(
        one(role).messages,
        ["roles/mine.toml:5:15: role mine has no [platform.packages] for el9"]
    );
    assert_eq!(one("[platform.packages]\nel7 = ['x']\n").messages, [""; 0]);
}

#[test]
fn the_nearest_variable_wins_and_its_type_is_checked() {
    let role = "description = 'x'\n[vars]\nname = { type = 'string', default = 'a', doc = 'd' }\n\
                size = { type = 'size', required = true, doc = 'how much' }\n[[step]]\npackage = '{{ vars.name }}'\n";
    let files = [("roles/mine.toml", role)];
    let done = expand_files(
        &files,
        &["mine"],
        &json!({ "mine": { "name": "b", "size": "1G" } }),
    );
    assert_eq!(addresses(&done), ["mine/package:b"]);
    let done = expand_files(
        &files,
        &["mine"],
        &json!({ "mine": { "name": 3, "szie": "1G" } }),
    );
    assert_eq!(
        done.messages,
        [
            ": 3 does not fit: text in quotes",
            "roles/mine.toml:4:1: role `mine` needs variable `size`",
            ": role `mine` has no variable `szie`",
            "roles/mine.toml:6:11: package: `package`: invalid type: integer `3`, expected a string",
        ]
    );
}

#[test]
fn roles_keep_their_order() {
    let files = [
        ("roles/one.toml", "description = 'x'\nafter = ['two']\n"),
        ("roles/two.toml", "description = 'x'\n"),
    ];
    let messages = |roles: &[&str]| expand_files(&files, roles, &json!({})).messages;
    assert_eq!(messages(&["two", "one"]), [""; 0]);
    assert_eq!(
        messages(&["one", "two"]),
        [": role `one` comes before `two`"]
    );
    assert_eq!(messages(&["one"]), [": role `one` needs role `two`"]);
    assert_eq!(messages(&["tow"]), [": there is no role `tow`"]);
}

#[test]
fn the_same_thing_twice_is_an_error() {
    let done = one("[[step]]\npackage = 'x'\n[[step]]\npackage = ['y', 'x']\n");
    assert_eq!(
        done.messages,
        ["roles/mine.toml:5:1: `mine/package:x` is described twice"]
    );
}

#[test]
fn open_ports_are_collected() {
    let done = one("[[open]]\nzone = 'grey'\nfrom = 'peers'\n\
                    tcp = \"{{ site.mirror.values() | map(attribute='port') | list }}\"\nudp = 5405\n");
    assert_eq!(done.messages, [""; 0]);
    assert_eq!(
        done.out.opens,
        [OpenPorts {
            zone: "grey".into(),
            from: vec!["peers".into()],
            tcp: vec![7788, 7789],
            udp: vec![5405],
            proto: vec![],
            role: "mine".into(),
        }]
    );
    let done = one("[[open]]\nzone = 'grey'\ntcp = [70000]\n");
    assert_eq!(
        done.messages,
        ["roles/mine.toml:4:7: 70000 is no port; a port is a number from 1 to 65535"]
    );
}

#[test]
fn checks_read_what_steps_observe() {
    let check = "[[check]]\ncode = 'X-Y'\nseverity = 'warning'\nof = 'package:{{ node.name }}'\n\
                 expect = { version = '{{ site.name }}' }\nremedy = 'r'\n";
    let done = one(&format!("[[step]]\npackage = 'node1'\n{check}"));
    assert_eq!(done.messages, [""; 0]);
    let made = &done.out.checks[0];
    assert_eq!(made.expect["version"], "crosslink");
    assert!(
        made.of
            .as_ref()
            .unwrap()
            .matches(&done.out.resources[0].address)
    );
    let done = one(&format!("[[step]]\npackage = 'node2'\n{check}"));
    assert_eq!(
        done.messages,
        ["roles/mine.toml:7:6: no step describes `package:node1`"]
    );
    let done = one(
        "[[check]]\ncode = 'X'\nseverity = 'info'\nsee = { package = 'p' }\nexpect = {}\nremedy = 'r'\n",
    );
    assert_eq!(done.messages, [""; 0]);
    assert_eq!(done.out.checks[0].see.as_ref().unwrap().address.name, "p");
    assert!(done.out.resources.is_empty());
}

#[test]
fn selectors_are_read() {
    let of = |text: &str| Selector::parse(text);
    assert_eq!(of("service:sshd").unwrap().kind, "service");
    assert_eq!(of("base/file:/etc/a:b").unwrap().name, "/etc/a:b");
    assert_eq!(of("file:/etc/x").unwrap().role, None);
    for wrong in ["", "x", ":x", "x:", "/x:y"] {
        assert_eq!(of(wrong), None, "{wrong}");
    }
}

#[test]
fn a_role_that_does_not_concern_the_node_asks_for_nothing() {
    let done = one("when = 'peers'\n[[step]]\npackage = 'x'\n");
    assert_eq!(addresses(&done), [""; 0]);
}

#[test]
fn a_role_provides_what_it_says_and_a_variable_has_its_value_in_a_container() {
    let role = "description = 'x'\nprovides = ['etc-record', 'peer-login']\n\
        [vars]\nhost = { type = 'bool', default = true, in_container = false, doc = 'x' }\n\
        [[step]]\nwhen = 'vars.host'\nfile = '/x'\ncontent = 'x'\n";
    let mut sources = Sources::default();
    let mut findings = Vec::new();
    let library = Library::bare([("roles/mine.toml", role)], &mut sources, &mut findings);
    assert_eq!(findings, []);
    let vars = json!({ "mine": { "host": true } });
    let expanded = |in_container| {
        let subject = Subject {
            in_container,
            ..subject(&["mine"], &vars)
        };
        expand_subject(&subject, &library, &sources)
    };
    let (machine, container) = (expanded(false), expanded(true));
    assert_eq!((machine.resources.len(), container.resources.len()), (1, 0));
    let mine = |what| (what, "mine".to_owned());
    assert_eq!(
        container.provides,
        [mine(Provision::EtcRecord), mine(Provision::PeerLogin)]
    );
    let left_out = role.replace("provides", "when = 'false'\nprovides");
    let library = Library::bare(
        [("roles/mine.toml", &*left_out)],
        &mut sources,
        &mut findings,
    );
    let nothing = expand_subject(&subject(&["mine"], &vars), &library, &sources);
    assert_eq!(nothing.provides, []);
}
