use super::super::for_tests::{resources, target};
use super::super::{Diff, FileDiff};
use super::*;
use crate::kind::{Adapter, Erased as _, Kind, Overwritten, Running, Runs, Verdict};
use crate::text::mark;
use serde_json::json;

/// The plan for these steps where a node answers so.
fn plan(steps: &[Json], sections: &[(&str, &str, i32)], manifest: &str) -> NodePlan {
    plan_with(&Permits::default(), steps, sections, manifest)
}

/// The same, where the operator permitted something.
fn plan_with(
    permits: &Permits,
    steps: &[Json],
    sections: &[(&str, &str, i32)],
    manifest: &str,
) -> NodePlan {
    let (resources, target) = (resources(steps), target());
    let vault = Vault::from([("pw".to_owned(), "hunter2".to_owned())]);
    let wanted = Desired {
        target: &target,
        resources: &resources,
        partial: false,
        watched: &[],
        vault: &vault,
        permits,
    };
    let answer = Answer::from_sections(sections.iter().copied());
    let decided = wanted.decide(&answer, &Manifest::parse(manifest));
    assert_eq!(decided.errors, [] as [String; 0]);
    decided.plan()
}

/// The diffs that a plan shows for a folder with the files `a` (plain) and `k` (with a secret), where the node has `a`
/// and `old`.
fn tree_diffs(content_of_a: &str, manifest: &str) -> Vec<(String, Diff)> {
    let step = json!({ "tree": "/etc/t", "files": [
        { "name": "a", "content": "new\n" },
        { "name": "k", "content": format!("key={}\n", mark("pw")) },
    ] });
    let stat = "41c0 60 700 root root /etc/t\n8180 4 600 root root /etc/t/a\n8180 4 600 root root /etc/t/k\n8180 9 600 root root /etc/t/old\n";
    let sums = format!(
        "{0}  /etc/t/a\n{0}  /etc/t/k\n{0}  /etc/t/old\n\nzz content /etc/t/a\n{content_of_a}",
        "0".repeat(64)
    );
    let sections = [("tree.stat", stat, 0), ("tree.sum", sums.as_str(), 0)];
    let plan = plan(&[step], &sections, manifest);
    let [change] = plan.changes.as_slice() else {
        panic!("one change: {plan:?}");
    };
    let diffs = change.diffs.iter().cloned();
    diffs.map(|FileDiff { path, diff }| (path, diff)).collect()
}

#[test]
fn a_folder_shows_each_file_that_changes_and_no_secret() {
    let shown = tree_diffs("old\n", "");
    let text = "--- /etc/t/a\n+++ /etc/t/a\n@@ -1 +1 @@\n-old\n+new\n".to_owned();
    let gone = Diff::Whole {
        why: super::super::Unshown::Long,
        before: Some(super::super::Weight {
            bytes: 9,
            sha256: "0".repeat(64),
        }),
        after: None,
    };
    assert_eq!(
        shown,
        [
            ("/etc/t/a".to_owned(), Diff::Text(text)),
            ("/etc/t/k".to_owned(), Diff::Secret),
            ("/etc/t/old".to_owned(), gone),
        ]
    );
}

#[test]
fn what_held_a_secret_in_a_folder_is_shown_on_neither_side() {
    for (content, manifest) in [
        ("key=hunter2\n", ""),
        ("old\n", "r/file:/etc/t/a\t/etc/t/a\tx\tr0\tsecret\n"),
    ] {
        let shown = tree_diffs(content, manifest);
        assert_eq!(
            shown[0],
            ("/etc/t/a".to_owned(), Diff::Secret),
            "{manifest}"
        );
    }
}

/// The output of `path.stat` where none of the paths exists.
const ROOT: &str = "41ed 755 root root 4096 /\n";

/// A package that is to come, then this step about a path that is not there.
fn after_a_package(step: Json) -> NodePlan {
    let steps = [json!({ "package": "chrony" }), step];
    let nothing = ["package", "tree.stat", "tree.sum"].map(|name| (name, "", 1));
    plan(
        &steps,
        &[&nothing[..], &[("path.stat", ROOT, 0)]].concat(),
        "",
    )
}

#[test]
fn what_a_package_may_bring_is_planned_in_words_that_hold_either_way() {
    let title = |step: Json| {
        let plan = after_a_package(step);
        assert_eq!(plan.later, []);
        let [package, change] = plan.changes.as_slice() else {
            panic!("{plan:?}");
        };
        assert_eq!((package.stage, change.stage), (0, 1));
        change.title.clone()
    };
    assert_eq!(
        title(json!({ "file": "/etc/x", "content": "a\n" })),
        "create or replace /etc/x"
    );
    assert_eq!(
        title(json!({ "file": "/etc/x", "content": "a\n", "keep": true })),
        "create or keep /etc/x"
    );
    assert_eq!(
        title(json!({ "directory": "/etc/x" })),
        "create or set /etc/x/"
    );
    assert_eq!(
        title(json!({ "tree": "/etc/x", "files": [{ "name": "a", "content": "a\n" }] })),
        "create or replace tree /etc/x"
    );
    assert_eq!(
        title(json!({ "symlink": "/etc/x", "to": "y" })),
        "link /etc/x → y"
    );
}

#[test]
fn nothing_is_reported_of_packages_where_none_comes_before() {
    let steps = [
        json!({ "file": "/etc/x", "content": "a\n" }),
        json!({ "line": "a", "file": "/etc/y" }),
        json!({ "file": "/etc/z", "state": "absent" }),
        json!({ "package": "chrony" }),
    ];
    let plan = plan(&steps, &[("package", "", 1), ("path.stat", ROOT, 0)], "");
    let titles: Vec<_> = plan.changes.iter().map(|c| c.title.as_str()).collect();
    assert_eq!(titles, ["create /etc/x", "create /etc/y", "install chrony"]);
    assert_eq!((plan.later, plan.same), (Vec::new(), 1));
}

#[test]
fn lines_of_a_file_that_a_package_may_bring_are_shown_as_things_are() {
    let line = |line: &str| json!({ "line": line, "file": "/etc/x" });
    let steps = [json!({ "package": "chrony" }), line("a"), line("b")];
    let plan = plan(&steps, &[("package", "", 1), ("path.stat", ROOT, 0)], "");
    let [later] = plan.later.as_slice() else {
        panic!("{plan:?}");
    };
    let by: Vec<_> = later.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(by, ["r/line:/etc/x a", "r/line:/etc/x b"]);
    assert_eq!(later.after.to_string(), "r/package:chrony");
    assert_eq!(
        later.table,
        "/etc/x there: edited; not there: made with these lines alone"
    );
    let text = "--- /dev/null\n+++ /etc/x\n@@ -0,0 +1,2 @@\n+a\n+b\n".to_owned();
    let path = "/etc/x".to_owned();
    let diff = Diff::Text(text);
    assert_eq!(later.diffs, [FileDiff { path, diff }]);
}

#[test]
fn what_a_package_may_bring_and_nobody_wants_is_decided_later() {
    for (step, table) in [
        (
            json!({ "file": "/etc/x", "state": "absent" }),
            "/etc/x there: removed; not there: nothing to do",
        ),
        (
            json!({ "line": "a", "file": "/etc/x", "state": "absent" }),
            "/etc/x there: edited; not there: nothing to do",
        ),
    ] {
        let plan = after_a_package(step);
        assert_eq!(plan.changes.len(), 1, "the package");
        let tables: Vec<_> = plan.later.iter().map(|l| l.table.as_str()).collect();
        assert_eq!((tables, plan.same), (vec![table], 0));
    }
}

#[test]
fn what_works_together_comes_when_the_files_of_all_of_it_are_there() {
    let repository = |id: &str| json!({ "repository": id, "url": "file:///srv", "suite": "./", "unsigned": true });
    let plan = plan(
        &[repository("one"), repository("two")],
        &[("repository", "stale\n", 0)],
        "",
    );
    let titles: Vec<&str> = plan.changes.iter().map(|c| c.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "create /etc/apt/sources.list.d/one.sources",
            "create /etc/apt/sources.list.d/two.sources",
            "repository one two"
        ]
    );
    assert!(plan.changes.iter().all(|c| c.stage == 0));
}

/// A folder with one file, and a firewall that reads it.
fn firewall_steps(content: &str) -> [Json; 2] {
    let tree = json!({
        "tree": "/etc/shorewall", "mode": "0600", "files": [{ "name": "rules", "content": content }],
    });
    let service = json!({
        "service": "shorewall", "enabled": true, "running": true, "reload": true,
        "config": ["/etc/shorewall/rules"],
    });
    [tree, service]
}

fn firewall_decided(unit: &str) -> Decided {
    decided_of(&firewall_steps("new\n"), unit)
}

fn decided_of(steps: &[Json], unit: &str) -> Decided {
    let (resources, target) = (resources(steps), target());
    let vault = Vault::new();
    let wanted = Desired {
        target: &target,
        resources: &resources,
        partial: false,
        watched: &[],
        vault: &vault,
        permits: &Permits::default(),
    };
    let stat = "41c0 60 700 root root /etc/shorewall\n8180 4 600 root root /etc/shorewall/rules\n";
    let sums = format!("{}  /etc/shorewall/rules\n", "0".repeat(64));
    let unit = format!("Id=shorewall.service\nLoadState=loaded\n{unit}\n");
    let sections = [
        ("tree.stat", stat, 0),
        ("tree.sum", sums.as_str(), 0),
        ("service", unit.as_str(), 0),
        ("service-config", sums.as_str(), 0),
    ];
    let answer = Answer::from_sections(sections);
    wanted.decide(&answer, &Manifest::parse(""))
}

fn words(calls: &[Call]) -> Vec<String> {
    calls.iter().map(Call::to_shell).collect()
}

#[test]
fn a_service_reloads_in_the_stage_that_changes_its_folder() {
    let decided = firewall_decided(
        "ActiveState=active\nUnitFileState=enabled\nMainPID=0\nActiveEnterTimestampMonotonic=7",
    );
    let titles: Vec<_> = decided
        .items
        .iter()
        .map(|i| i.change.title.as_str())
        .collect();
    assert_eq!(titles, ["replace tree /etc/shorewall", "service shorewall"]);
    assert_eq!(decided.items[1].change.deltas[0].what, "reload");
    assert_eq!(
        words(&decided.items[1].work.calls),
        ["nw_service shorewall.service keep start reload /etc/shorewall/rules"]
    );
    assert!(decided.items[1].work.confirmed.is_empty());
}

#[test]
fn a_service_takes_up_once_what_later_steps_write_too() {
    let [tree, service] = firewall_steps("new\n");
    let steps = [service, tree];
    let order = |unit: &str| {
        let decided = decided_of(&steps, unit);
        let titles = decided.items.iter().map(|i| i.change.title.clone());
        titles.collect::<Vec<_>>()
    };
    let running =
        "ActiveState=active\nUnitFileState=enabled\nMainPID=0\nActiveEnterTimestampMonotonic=7";
    assert_eq!(
        order(running),
        ["replace tree /etc/shorewall", "service shorewall"]
    );
    // A start is not put off: later steps may need it.
    let stopped = "ActiveState=inactive\nUnitFileState=disabled\nMainPID=0";
    assert_eq!(
        order(stopped),
        ["service shorewall", "replace tree /etc/shorewall"]
    );
}

#[test]
fn what_lets_in_is_enabled_at_boot_only_once_it_was_confirmed() {
    let decided = firewall_decided("ActiveState=inactive\nUnitFileState=disabled\nMainPID=0");
    let service = &decided.items[1].work;
    assert_eq!(
        words(&service.calls),
        ["nw_service shorewall.service keep start none /etc/shorewall/rules"]
    );
    assert_eq!(
        words(&service.confirmed),
        ["nw_service_boot enable shorewall.service"]
    );
}

#[test]
fn what_is_taken_down_with_the_members_is_decided_once_they_are_down() {
    let steps = [
        json!({
            "membership": "stopped", "stack": "corosync", "version": "3.1",
            "content": "totem {\n    transport: udpu\n}\n",
            "config": "/etc/corosync/corosync.conf", "key": "/etc/corosync/authkey", "above": ["pacemaker"],
            "members": [{ "name": "node1", "host_id": 1 }],
        }),
        json!({ "resource_manager": "pacemaker", "members": ["node1"] }),
    ];
    let sections = [
        ("membership", "name node1\nrunning\nquorate\nmember 1\n", 0),
        ("membership.map", "totem.transport (str) = knet\n", 0),
        ("membership.links", "", 0),
        ("resource_manager", "trace /t\nrunning\n", 0),
        ("resource_manager.nodes", "", 0),
    ];
    let permits = Permits {
        outage: true,
        ..Permits::default()
    };
    let plan = plan_with(&permits, &steps, &sections, "");
    let later: Vec<String> = plan
        .later
        .iter()
        .flat_map(|l| l.addresses.iter().map(ToString::to_string))
        .collect();
    assert_eq!(later, ["r/resource_manager:pacemaker"], "{plan:?}");
    // A plan without an outage does not mention one.
    let plan = plan_with(&Permits::default(), &steps, &sections, "");
    assert_eq!((plan.later.len(), plan.refusals.len()), (0, 1), "{plan:?}");
}

/// A kind that makes a filesystem, as far as deciding goes.
struct DiskKind;

#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
struct DiskWant {
    disk: String,
}

impl Kind for DiskKind {
    const NAME: &'static str = "disk";
    const DOC: &'static str = "A device of this test.";
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        destroys: |want, seen| {
            vec![Overwritten {
                device: want.disk.clone(),
                carries: seen.clone(),
            }]
        },
        ..Running::new(
            |_, _, _| {},
            |_, _, answer| Ok(answer.text("disk").into_owned()),
        )
    };
    type Want = DiskWant;

    fn name(want: &DiskWant) -> String {
        want.disk.clone()
    }
}

impl DiskKind {
    fn compare(want: &DiskWant, _seen: &String, circumstances: &Circumstances<'_>) -> Verdict {
        let (node, permits) = (&circumstances.target.node, circumstances.permits);
        let may = permits.destroys(node, &want.disk).to_string();
        Verdict::Change(vec![Delta::new("named", "", may)])
    }
}

/// The plan for a device on which this was found, where the operator named these devices.
fn disk_plan(found: &str, named: &[(&str, &str)]) -> NodePlan {
    static DISK: Adapter<DiskKind> = Adapter::new();
    let step = json!({ "disk": "/dev/sdb" });
    let step = step.as_object().unwrap().clone();
    let resources = DISK
        .read("r", step, &std::sync::Arc::default(), &target())
        .unwrap();
    let destroy = named.iter().map(|(n, d)| ((*n).into(), (*d).into()));
    let permits = Permits {
        destroy: destroy.collect(),
        ..Permits::default()
    };
    let wanted = Desired {
        target: &target(),
        resources: &resources,
        partial: false,
        watched: &[],
        vault: &Vault::new(),
        permits: &permits,
    };
    let answer = Answer::from_sections([("disk", found, 0)]);
    wanted.decide(&answer, &Manifest::parse("")).plan()
}

#[test]
fn a_device_that_carries_anything_is_overwritten_only_where_this_command_names_it() {
    let other = [
        ("node2", "/dev/sdb"),
        ("node1", "/dev/sdb1"),
        ("node1", "/dev/sd"),
    ];
    for named in [&[] as &[_], &other] {
        let plan = disk_plan("ext4", named);
        assert_eq!(plan.changes, []);
        let [refusal] = plan.refusals.as_slice() else {
            panic!("{plan:?}");
        };
        assert_eq!(refusal.device.as_deref(), Some("/dev/sdb"));
        assert_eq!(
            refusal.what,
            "/dev/sdb carries ext4, which would be overwritten"
        );
    }
    // The comparison knows the operator's permits.
    let plan = disk_plan("ext4", &[("node1", "/dev/sdb")]);
    assert_eq!(plan.refusals, []);
    assert_eq!(plan.changes[0].deltas, [Delta::new("named", "", "true")]);
    assert_eq!(plan.changes[0].title, "disk /dev/sdb");
    let blank = disk_plan("", &[]);
    assert_eq!(blank.refusals, []);
    assert_eq!(blank.changes[0].deltas, [Delta::new("named", "", "false")]);
}

#[test]
fn what_follows_a_long_step_is_decided_once_its_work_is_done() {
    let steps = [
        json!({ "file": "/etc/before", "content": "x" }),
        json!({ "command": ["a"], "unless": ["b"], "progress": ["c"] }),
        json!({ "file": "/etc/after", "content": "x" }),
    ];
    let mut resources = resources(&steps);
    let long = crate::kind::StepMeta {
        long: true,
        ..(*resources[1].step).clone()
    };
    resources[1].step = std::sync::Arc::new(long);
    let section = |word: &str| format!("command.{}", &crate::digest::sha256(word.as_bytes())[..16]);
    let (unless, progress) = (section("b"), section("c"));
    let decided = |status| {
        let sections = [
            ("path.stat", ROOT, 0),
            (unless.as_str(), "", 1),
            (progress.as_str(), "7", status),
        ];
        let wanted = Desired {
            target: &target(),
            resources: &resources,
            partial: false,
            watched: &[],
            vault: &Vault::new(),
            permits: &Permits::default(),
        };
        let plan = wanted
            .decide(&Answer::from_sections(sections), &Manifest::parse(""))
            .plan();
        let stages = plan.changes.iter().map(|c| (c.title.clone(), c.stage));
        let later = plan.later.iter().map(|l| l.after.to_string());
        (stages.collect::<Vec<_>>(), later.collect::<Vec<_>>())
    };
    let before = ("create /etc/before".to_owned(), 0);
    // Its work goes on: earlier steps are done, later ones wait.
    let (changes, later) = decided(0);
    assert_eq!(changes, std::slice::from_ref(&before));
    assert_eq!(later, ["r/command:a"]);
    // It is not begun yet: it ends a stage.
    let (changes, later) = decided(1);
    let command = ("command a".to_owned(), 0);
    let after = ("create or replace /etc/after".to_owned(), 1);
    assert_eq!(changes, [before, command, after]);
    assert_eq!(later, [""; 0]);
}

#[test]
fn nothing_is_an_orphan_where_only_some_resources_take_part() {
    let manifest = format!(
        "r/file:/etc/old\t/etc/old\t{}\trun\tplain\n",
        "0".repeat(64)
    );
    let orphans = |partial| {
        let wanted = Desired {
            target: &target(),
            resources: &[],
            partial,
            watched: &[],
            vault: &Vault::new(),
            permits: &Permits::default(),
        };
        let answer = Answer::from_sections([("own", "", 0)]);
        let decided = wanted.decide(&answer, &Manifest::parse(&manifest));
        let all = decided.orphans.iter().map(|o| o.address.to_string());
        all.collect::<Vec<_>>()
    };
    assert_eq!(orphans(false), ["r/file:/etc/old"]);
    assert_eq!(orphans(true), [""; 0]);
}
