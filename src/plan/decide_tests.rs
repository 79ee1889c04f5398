use super::super::{Diff, FileDiff};
use super::*;
use crate::resource::{Platform, kind_named};
use crate::text::mark;
use serde_json::json;

fn target() -> Target {
    Target {
        node: "node1".into(),
        platform: Platform::Debian12,
    }
}

/// The resources of these steps, in order.
fn resources(steps: &[Json]) -> Vec<Resource> {
    let read = |(index, step): (usize, &Json)| {
        let step = step.as_object().unwrap().clone();
        let kind = step.keys().find_map(|key| kind_named(key)).unwrap();
        let meta = StepMeta {
            index,
            ..StepMeta::default()
        };
        kind.read("r", step, &Arc::new(meta), &target()).unwrap()
    };
    steps.iter().enumerate().flat_map(read).collect()
}

/// The plan for these steps where a node answers so.
fn plan(steps: &[Json], sections: &[(&str, &str, i32)], manifest: &str) -> NodePlan {
    let (resources, target) = (resources(steps), target());
    let vault = Vault::from([("pw".to_owned(), "hunter2".to_owned())]);
    let wanted = Wanted {
        target: &target,
        resources: &resources,
        watched: &[],
        vault: &vault,
    };
    let answer = Answer::from_sections(sections.iter().copied());
    let decided = wanted.decide(&answer, &Manifest::parse(manifest));
    assert_eq!(decided.errors, [] as [String; 0]);
    decided.plan
}

/// What a plan shows of a folder with the files `a` (plain) and `k` (with a secret), where `a` and `old` lie there.
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
        before: Some(Weight {
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
        ("old\n", "r/tree:/etc/t\t\tx\tr0\tsecret\n"),
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
