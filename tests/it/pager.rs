//! Long plans on a terminal.

use crate::support::Desk;
use nodewright::kind::{Address, Delta};
use nodewright::plan::{Change, NodePlan, Plan};
use std::process::{Command, Stdio};

/// A saved plan with so many changes.
fn saved(changes: usize) -> String {
    let change = |n: usize| Change {
        addresses: vec![Address::parse(&format!("base/file:/etc/{n}")).unwrap()],
        title: format!("replace /etc/{n}"),
        deltas: vec![Delta::new("mode", "0600", "0644")],
        diffs: Vec::new(),
        stage: 0,
        guarded: false,
        interrupts: false,
        held: None,
        digest: String::new(),
        either: None,
    };
    let node = NodePlan {
        node: "node1".to_owned(),
        changes: (0..changes).map(change).collect(),
        ..NodePlan::default()
    };
    let plan = Plan {
        nodes: vec![node],
        ..Plan::default()
    };
    serde_json::json!({ "nodewright-plan": 1, "plan": plan }).to_string()
}

/// A plan that is longer than the terminal goes through the pager, any other is printed, and so is all that no person reads.
#[test]
fn a_long_plan_goes_through_the_pager_where_a_person_reads_it() {
    const TERMINAL: &str =
        "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    const SIZED: &str = "stty rows 24 cols 80; exec \"$@\"";
    let desk = Desk::new()
        .file("long.plan", &saved(40))
        .file("short.plan", &saved(2));
    let show = |plan: &str, terminal: bool, pager: &str| {
        let program = env!("CARGO_BIN_EXE_nodewright");
        let mut command = if terminal {
            let mut command = Command::new("python3");
            command.args(["-c", TERMINAL, "sh", "-c", SIZED, "sh", program]);
            command
        } else {
            Command::new(program)
        };
        let output = command
            .args(["show", plan])
            .current_dir(desk.site())
            .env("NODEWRIGHT_PAGER", pager)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let paged = std::fs::read_to_string(desk.site().join("paged")).unwrap_or_default();
        let _ = std::fs::remove_file(desk.site().join("paged"));
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            paged,
        )
    };
    let sum = "1 node: 40 to change, 0 as wanted.";
    let (code, out, paged) = show("long.plan", true, "cat >paged");
    assert_eq!(code, Some(2), "{out}");
    assert!(
        paged.contains(sum) && paged.contains("Steps: 40 changed"),
        "{paged}"
    );
    assert!(!out.contains(sum), "{out}");
    // One that the operator does not have, and none.
    for pager in ["no-such-pager", ""] {
        let (_, out, paged) = show("long.plan", true, pager);
        assert!(out.contains(sum) && paged.is_empty(), "{out}{paged}");
    }
    let (_, out, paged) = show("short.plan", true, "cat >paged");
    assert!(
        out.contains("Steps: 2 changed.") && paged.is_empty(),
        "{out}{paged}"
    );
    let (_, out, paged) = show("long.plan", false, "cat >paged");
    assert!(out.contains(sum) && paged.is_empty(), "{out}{paged}");
}
