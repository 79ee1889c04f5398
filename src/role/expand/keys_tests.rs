//! Every key of steps and checks has an effect: one row a key, of the lists that the schema and the reader use.

use super::tests::subject;
use super::*;
use crate::digest::sha256;
use crate::kind::{Answer, Permits};
use crate::plan::{Decided, Desired, Manifest, Situation, next_wave};
use crate::platform::Platform;
use crate::role::{CHECK_KEYS, STEP_KEYS};
use crate::text::Vault;
use serde_json::json;
use std::collections::BTreeSet;

/// The expansion of a role on a member of a cluster (or on a node without one), and the codes of its findings.
fn expanded(role: &str, alone: bool) -> (Expansion, Vec<&'static str>) {
    let text = format!("description = 'x'\n{role}");
    let mut sources = Sources::default();
    let mut findings = Vec::new();
    let library = Library::bare([("roles/mine.toml", &*text)], &mut sources, &mut findings);
    let subject = Subject {
        alone,
        ..subject(&["mine"], &json!({}))
    };
    let mut out = expand_subject(&subject, &library, &sources);
    findings.append(&mut out.findings);
    (out, findings.iter().map(|f| f.code).collect())
}

/// The resources of a step with these further keys.
fn step(keys: &str) -> Vec<Resource> {
    let name = if keys.contains("for_each") {
        "/x{{ m }}"
    } else {
        "/x"
    };
    let role = format!("[[step]]\n{keys}\nfile = '{name}'\ncontent = 'x'\n");
    let (out, codes) = expanded(&role, false);
    assert_eq!(codes, [""; 0], "{keys}");
    out.resources
}

/// The decision for these resources with these answers of the node.
fn decided(resources: &[Resource], sections: &[(&str, &str, i32)]) -> Decided {
    let target = Target {
        node: "node1".into(),
        platform: Platform::Debian12,
    };
    let wanted = Desired {
        target: &target,
        resources,
        partial: false,
        watched: &[],
        vault: &Vault::new(),
        permits: &Permits::default(),
    };
    let answer = Answer::from_sections(sections.iter().copied());
    wanted.decide(&answer, &Manifest::parse(""))
}

/// Of a command with these keys, whose work goes on by itself: how much is waited for, and how many errors there are.
fn at_work(keys: &str) -> (usize, usize) {
    let role = format!("[[step]]\ncommand = ['a']\nunless = ['b']\nprogress = ['c']\n{keys}\n");
    let section = |word: &str| format!("command.{}", &sha256(word.as_bytes())[..16]);
    let (unless, progress) = (section("b"), section("c"));
    let sections = [(unless.as_str(), "", 1), (progress.as_str(), "7\n", 0)];
    let decided = decided(&expanded(&role, false).0.resources, &sections);
    (decided.waiting.len(), decided.errors.len())
}

/// Whether a step with these keys is done on a member while the other one is not healthy.
fn goes_on(keys: &str) -> bool {
    let both: BTreeSet<String> = ["node1", "node2"].map(str::to_owned).into();
    let items = decided(
        &step(keys),
        &[("path.stat", "41ed 755 root root 4096 /\n", 0)],
    )
    .items;
    assert_eq!(items.len(), 1);
    let items = [("node1".to_owned(), items)].into();
    let situation = Situation {
        cluster: &both,
        part: &both,
        failed: &BTreeSet::new(),
        waits_at: &BTreeMap::new(),
        unhealthy: &[("node2".to_owned(), "not quorate".to_owned())].into(),
    };
    !next_wave(&items, &situation).todo().is_empty()
}

/// The check with these keys, over or beside those that each needs.
fn check(keys: &str) -> (Vec<Check>, Vec<&'static str>) {
    let base = [
        "code = 'X'",
        "severity = 'error'",
        "of = 'service:x'",
        "expect = { active = 'active' }",
        "remedy = 'r'",
    ];
    let own = |line: &&&str| {
        let key = line.split(' ').next().unwrap_or_default();
        let replaced = keys.lines().any(|l| l.starts_with(&format!("{key} =")));
        let source = key == "of" && (keys.contains("see =") || keys.contains("tcp ="));
        let seen = key == "expect" && keys.contains("tcp =");
        !(replaced || source || seen)
    };
    let rest: Vec<&str> = base.iter().filter(own).copied().collect();
    let role = format!(
        "[[step]]\nservice = 'x'\nrunning = true\n[[check]]\n{keys}\n{}\n",
        rest.join("\n")
    );
    let (out, codes) = expanded(&role, false);
    (out.checks, codes)
}

fn one(keys: &str) -> Check {
    let (mut checks, codes) = check(keys);
    assert_eq!(
        (checks.len(), codes.as_slice()),
        (1, [].as_slice()),
        "{keys}"
    );
    checks.remove(0)
}

#[test]
fn every_key_of_a_step_has_its_effect() {
    for (key, doc) in STEP_KEYS {
        assert!(doc.ends_with('.'), "{key}");
        match key {
            "for_each" => assert_eq!(step("for_each = 'm in [1, 2]'").len(), 2),
            "when" => assert_eq!(step("when = 'false'").len(), 0),
            "once" => {
                assert!(step("once = true")[0].step.once && !step("")[0].step.once);
                let alone = expanded("[[step]]\nonce = true\nfile = '/x'\ncontent = 'x'\n", true);
                assert_eq!(alone.1, ["CLUSTER-NONE"]);
                let unused = "[[step]]\nonce = true\nwhen = 'peers'\nfile = '/x'\ncontent = 'x'\n";
                assert_eq!(expanded(unused, true).1, [""; 0]);
            }
            "source" => {
                let made = step("once = true\nsource = '{{ node.name }}'");
                assert_eq!(made[0].step.source.as_deref(), Some("node1"));
                let (_, codes) = expanded(
                    "[[step]]\nsource = 'node1'\nfile = '/x'\ncontent = 'x'\n",
                    false,
                );
                assert_eq!(codes, ["STEP"]);
            }
            "wait" => assert!(step("wait = 'all'")[0].step.wait_all && !step("")[0].step.wait_all),
            "operate" => {
                assert!(step("operate = true")[0].step.operate && !step("")[0].step.operate);
            }
            "rolling" => assert!(goes_on("") && !goes_on("rolling = true")),
            "long" => {
                assert_eq!(at_work("long = true"), (1, 0));
                // Without it, work that goes on by itself is no state that a step may leave.
                assert_eq!(at_work(""), (0, 1));
            }
            other => panic!("`{other}` has no row here"),
        }
    }
}

#[test]
fn every_key_of_a_check_has_its_effect() {
    for (key, doc) in CHECK_KEYS {
        assert!(doc.ends_with('.'), "{key}");
        match key {
            "code" => assert_eq!(one("code = 'OTHER'").code, "OTHER"),
            "severity" => assert_eq!(one("severity = 'info'").severity, CheckSeverity::Info),
            "scope" => {
                assert_eq!(one("").scope, Scope::Node);
                assert_eq!(one("scope = 'cluster'").scope, Scope::Cluster);
                // Without a port there is nothing to try from outside, and no other check tries one.
                assert_eq!(check("scope = 'outside'").1, ["CHECK"]);
                let port = "tcp = { port = 22 }\nexpect = { open = true }";
                assert_eq!(check(port).1, ["CHECK"]);
                let role = "[[check]]\ncode = 'X'\nseverity = 'info'\nscope = 'cluster'\nsee = { package = 'p' }\nexpect = {}\nremedy = 'r'\n";
                assert_eq!(expanded(role, true).1, ["CLUSTER-NONE"]);
            }
            "of" => assert_eq!(one("of = 'service:x'").of.unwrap().name, "x"),
            "see" => assert_eq!(
                one("see = { package = 'p' }\nexpect = {}")
                    .see
                    .unwrap()
                    .address
                    .name,
                "p"
            ),
            "tcp" => {
                let tcp = |port: &str| {
                    one(&format!(
                        "scope = 'outside'\ntcp = {port}\nexpect = {{ open = true }}"
                    ))
                    .tcp
                };
                let at = |host: &str, port| {
                    Some(Tcp {
                        host: host.to_owned(),
                        port,
                    })
                };
                assert_eq!(tcp("{ port = 22 }"), at("192.0.2.5", 22));
                assert_eq!(
                    tcp("{ port = '{{ 20 + 2 }}', host = '10.0.1.1' }"),
                    at("10.0.1.1", 22)
                );
                for wrong in ["{ port = 0 }", "{ port = 65536 }", "{ port = 'x' }"] {
                    let keys =
                        format!("scope = 'outside'\ntcp = {wrong}\nexpect = {{ open = true }}");
                    assert_eq!(check(&keys).1, ["CHECK"], "{wrong}");
                }
                let unseen = "scope = 'outside'\ntcp = { port = 22 }\nexpect = { running = true }";
                assert_eq!(check(unseen).1, ["CHECK"]);
            }
            "expect" => assert_eq!(
                one("expect = { active = 'failed' }").expect["active"],
                "failed"
            ),
            "same" => {
                let same = one("scope = 'cluster'\nsame = ['active', 'enabled']").same;
                assert_eq!(same, ["active", "enabled"]);
                assert_eq!(check("same = ['active']").1, ["CHECK"]);
            }
            "remedy" => assert_eq!(one("remedy = 'mend'").remedy, "mend"),
            "for_each" => assert_eq!(check("for_each = 'm in [1, 2]'").0.len(), 2),
            "when" => assert_eq!(check("when = 'false'").0.len(), 0),
            other => panic!("`{other}` has no row here"),
        }
    }
}
