//! Sample data for the screens of the tests.

use super::CheckResult;
use crate::kind::{Address, Delta};
use crate::plan::{
    Change, Diff, FileDiff, Held, Later, NodePlan, Orphan, Plan, Recap, Remark, Unshown, Weight,
};
use crate::run::{Event, GuardEvent};

fn address(text: &str) -> Address {
    Address::parse(text).expect("a test's address")
}

fn change(addresses: &[&str], title: &str, deltas: Vec<Delta>, diff: Option<Diff>) -> Change {
    let path = title.rsplit(' ').next().unwrap_or_default();
    let diffs = diff.map(|diff| file(path, diff)).into_iter().collect();
    Change {
        addresses: addresses.iter().map(|a| address(a)).collect(),
        title: title.into(),
        deltas,
        diffs,
        stage: 0,
        guarded: title.contains("/etc/hosts"),
        held: None,
        digest: "0".repeat(64),
        interrupts: false,
        either: None,
    }
}

fn file(path: &str, diff: Diff) -> FileDiff {
    FileDiff {
        path: path.into(),
        diff,
    }
}

fn weight(bytes: u64, digit: &str) -> Weight {
    Weight {
        bytes,
        sha256: digit.repeat(64),
    }
}

/// A folder of which one file changes and one goes.
fn tree() -> Change {
    let deltas = vec![
        Delta::new("r0.res", "other content", "as rendered"),
        Delta::new("old.res", "there", "absent"),
    ];
    let res = "--- /etc/drbd.d/r0.res\n+++ /etc/drbd.d/r0.res\n@@ -1 +1 @@\n-a\n+b\n";
    let old = Diff::Whole {
        why: Unshown::Long,
        before: Some(weight(2_000_000, "c")),
        after: None,
    };
    Change {
        diffs: vec![
            file("/etc/drbd.d/r0.res", Diff::Text(res.into())),
            file("/etc/drbd.d/old.res", old),
        ],
        ..change(
            &["base/tree:/etc/drbd.d"],
            "replace tree /etc/drbd.d",
            deltas,
            None,
        )
    }
}

fn guard(says: GuardEvent) -> Event {
    Event::Guard {
        node: "node1".into(),
        says,
    }
}

/// Lines of a file that a package may bring.
fn edited() -> Later {
    let conf = "--- /dev/null\n+++ /etc/drbd.conf\n@@ -0,0 +1,2 @@\n+one\n+two\n";
    Later {
        addresses: vec![address("drbd/line:one"), address("drbd/line:two")],
        after: address("drbd/package:drbd-utils"),
        table: "/etc/drbd.conf there: edited; not there: made with these lines alone".into(),
        held: None,
        diffs: vec![file("/etc/drbd.conf", Diff::Text(conf.into()))],
    }
}

fn remark(at: &str, what: &str, remedy: &str) -> Remark {
    Remark {
        address: address(at),
        what: what.into(),
        remedy: remedy.into(),
        device: None,
    }
}

/// A plan with every case.
pub fn plan() -> Plan {
    let hosts = "--- /etc/hosts\n+++ /etc/hosts\n@@ -1,2 +1,3 @@\n 127.0.0.1 localhost\n-10.0.2.9 node2\n+10.0.2.2 node2\n+10.0.2.1 node1\n";
    let shared = || {
        vec![
            change(
                &["base/package:chrony"],
                "install chrony",
                vec![Delta::new("installed", "no", "yes")],
                None,
            ),
            change(
                &["base/hosts:node2", "base/line:/etc/hosts"],
                "replace /etc/hosts",
                vec![],
                Some(Diff::Text(hosts.into())),
            ),
        ]
    };
    let mut first = shared();
    first.extend([
        change(
            &["sshd/file:/etc/motd"],
            "write /etc/motd",
            vec![Delta::new("mode", "", "0644")],
            Some(Diff::Text(
                "--- /dev/null\n+++ /etc/motd\n@@ -0,0 +1 @@\n+--- hello\n".into(),
            )),
        ),
        change(
            &["sshd/file:/etc/ssh/key"],
            "replace /etc/ssh/key",
            vec![Delta::new("mode", "0644", "0600")],
            Some(Diff::Secret),
        ),
        change(
            &["base/file:/etc/logo.png"],
            "replace /etc/logo.png",
            vec![],
            Some(Diff::Whole {
                why: Unshown::Binary,
                before: Some(weight(120, "a")),
                after: Some(weight(4096, "b")),
            }),
        ),
        tree(),
        change(
            &["base/package:telnet"],
            "remove telnet",
            vec![Delta::new("installed", "0.17-64", "")],
            None,
        ),
    ]);
    let node1 = NodePlan {
        node: "node1".into(),
        changes: first,
        later: vec![
            Later {
                addresses: vec![address("drbd/drbd_meta:r0")],
                after: address("drbd/package:drbd-utils"),
                table: "blank: create; ours: keep; anything else: refuse".into(),
                held: Some(Held::For(vec!["node2".into()])),
                diffs: Vec::new(),
            },
            edited(),
        ],
        waiting: Vec::new(),
        findings: vec![remark(
            "base/reboot:node1",
            "The running kernel is 3.10.0-1160, the installed one 3.10.0-1160.119.1: a reboot is pending since the packages were updated.",
            "Move its guests away, then reboot it.",
        )],
        refusals: vec![remark(
            "drbd/drbd_meta:r1",
            "/dev/sda7 carries an ext4 file system labelled `guests`.",
            "If that data is not needed: --destroy node1:/dev/sda7",
        )],
        orphans: vec![
            Orphan {
                address: address("base/file:/etc/cron.d/old"),
                paths: vec!["/etc/cron.d/old".into()],
                removed: true,
                why: "still as it was written".into(),
            },
            Orphan {
                address: address("base/file:/etc/profile.d/x.sh"),
                paths: vec!["/etc/profile.d/x.sh".into()],
                removed: false,
                why: "changed by hand".into(),
            },
        ],
        same: 50,
    };
    let node2 = NodePlan {
        node: "node2".into(),
        changes: shared(),
        same: 46,
        ..NodePlan::default()
    };
    Plan {
        nodes: vec![node1, node2],
        ..Plan::default()
    }
}

/// A plan that finds nothing to do.
pub fn nothing() -> Plan {
    let node = |node: &str| NodePlan {
        node: node.into(),
        same: 115,
        ..NodePlan::default()
    };
    Plan {
        nodes: vec![node("node1"), node("node2")],
        ..Plan::default()
    }
}

/// A run on two nodes of which the second fails.
pub fn run() -> Vec<Event> {
    let begin = |node: &str, step, title: &str| Event::StepBegin {
        node: node.into(),
        step,
        of: 3,
        title: title.into(),
    };
    let end = |node: &str, step, title: &str, status, output: &str| Event::StepEnd {
        node: node.into(),
        step,
        title: title.into(),
        status,
        output: output.into(),
    };
    let output = |node: &str, step, line: &str| Event::StepOutput {
        node: node.into(),
        step,
        line: line.into(),
    };
    let batch = |node: &str| Event::Batch {
        node: node.into(),
        run: "20261121-0903-a1".into(),
        steps: 3,
    };
    let connected = |node: &str, way: &str, warm| Event::Connected {
        node: node.into(),
        way: way.into(),
        warm,
    };
    let connecting = |node: &str| Event::Connecting { node: node.into() };
    let observed = |node: &str, resources| Event::Observed {
        node: node.into(),
        resources,
    };
    vec![
        Event::Nodes {
            nodes: vec!["node1".into(), "node2".into()],
        },
        connecting("node1"),
        connecting("node2"),
        connected("node1", "direct", true),
        connected("node2", "peer yellow", false),
        observed("node1", 115),
        observed("node2", 1),
        batch("node1"),
        batch("node2"),
        begin("node1", 0, "install chrony"),
        output("node1", 0, "Unpacking chrony (4.3-2+deb12u1) ..."),
        output("node1", 0, "\u{1b}[1mSetting up\u{1b}[0m chrony"),
        end("node1", 0, "install chrony", 0, ""),
        begin("node2", 0, "install chrony"),
        output("node2", 0, "E: Unable to locate package chrony"),
        output("node2", 0, "E: gave up"),
        Event::Lost {
            node: "node1".into(),
            why: "no answer for 30 s".into(),
        },
        end("node2", 0, "install chrony", 1, "E: Unable to locate package chrony\nE: gave up"),
        Event::Failed {
            node: "node2".into(),
            why: "install chrony ended with 1.\nIs the repository reachable from the node?".into(),
        },
        Event::Following {
            node: "node1".into(),
        },
        begin("node1", 1, "replace /etc/hosts"),
        end("node1", 1, "replace /etc/hosts", 0, ""),
        begin("node1", 2, "start chronyd"),
        end("node1", 2, "start chronyd", 0, ""),
        guard(GuardEvent::Armed { limit: 600 }),
        guard(GuardEvent::Waiting {
            left: 120,
            why: String::new(),
        }),
        guard(GuardEvent::Waiting {
            left: 90,
            why: "direct: connection refused".into(),
        }),
        guard(GuardEvent::Confirmed {
            ways: vec!["node1".into()],
        }),
        Event::Note {
            node: None,
            text: "The site's last commit is 3 days old.".into(),
        },
        Event::Recap {
            nodes: vec![
                Recap {
                    node: "node1".into(),
                    same: 103,
                    changed: 3,
                    findings: 1,
                    ..Recap::default()
                },
                Recap {
                    node: "node2".into(),
                    same: 90,
                    undone: 2,
                    failed: Some("base/package:chrony: install chrony ended with exit status 1; is the repository reachable from the node?".into()),
                    not_run: vec!["base/hosts:node1".into(), "base/service:chronyd".into()],
                    ..Recap::default()
                },
            ],
        },
    ]
}

/// Results of checks on two nodes.
pub fn checks() -> Vec<CheckResult> {
    let check =
        |node: &str, code: &str, severity: &str, ok, message: &str, remedy: &str| CheckResult {
            node: Some(node.into()),
            code: code.into(),
            severity: severity.into(),
            ok,
            skipped: false,
            message: message.into(),
            remedy: remedy.into(),
        };
    vec![
        check(
            "node1",
            "TIME-SYNC",
            "warning",
            true,
            "clock is synchronised",
            "",
        ),
        check(
            "node2",
            "TIME-SYNC",
            "warning",
            false,
            "offset: wanted below 1 s, seen 7.2 s",
            "chronyc makestep, then look at the servers with chronyc sources.",
        ),
        check(
            "node1",
            "DRBD-STATE",
            "critical",
            false,
            "r0: connection: wanted Connected, seen StandAlone; disk: wanted UpToDate, seen \"UpToDate\"/<DUnknown> & more",
            "StandAlone is a split brain: `nodewright log` shows who did what since.",
        ),
        check(
            "node2",
            "SSH-ROOT",
            "critical",
            true,
            "root logs in with keys only",
            "",
        ),
    ]
}

/// The same as events.
pub fn check_events() -> Vec<Event> {
    let event = |c: CheckResult| Event::Check {
        scope: if c.node.is_some() { "node" } else { "cluster" }.into(),
        node: c.node,
        code: c.code,
        severity: c.severity,
        ok: c.ok,
        skipped: c.skipped,
        message: c.message,
        remedy: c.remedy,
    };
    let end = Event::Verified {
        nodes: vec!["node1".into(), "node2".into()],
        unseen: Vec::new(),
        unreachable: Vec::new(),
        left_out: 0,
    };
    checks().into_iter().map(event).chain([end]).collect()
}
