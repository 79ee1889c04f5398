//! The outcome of each node, at the end of a run.

use super::{Align, OutputStyle, TextTable, Tone};
use crate::plan::Recap;
use std::fmt::Write as _;

/// A small table, and below it what failed and what did not run because of it. When nothing was changed and nothing
/// failed it is one line.
pub fn recap(nodes: &[Recap], style: &OutputStyle) -> String {
    let quiet = |r: &Recap| {
        let counts = [r.changed, r.removed, r.undone, r.findings];
        counts == [0; 4] && r.failed.is_none() && r.not_run.is_empty() && r.waiting.is_empty()
    };
    if nodes.iter().all(quiet) {
        let same: usize = nodes.iter().map(|r| r.same).sum();
        let nodes = super::style::count(nodes.len(), "node", "nodes");
        let same = super::style::count(same, "resource", "resources");
        let line = format!("Nothing to do: {nodes}, {same} as wanted.");
        return style.paint(Tone::Good, line) + "\n";
    }
    // Removals are rare: they have a column only where there are some.
    let removes = nodes.iter().any(|r| r.removed > 0);
    let mut columns = vec![
        ("node", Align::Left),
        ("as wanted", Align::Right),
        ("changed", Align::Right),
        ("removed", Align::Right),
        ("not run", Align::Right),
        ("findings", Align::Right),
        ("", Align::Left),
    ];
    columns.retain(|(heading, _)| removes || *heading != "removed");
    let mut table = TextTable::new(&columns);
    for r in nodes {
        let cell = |number: usize, tone| {
            let tone = if number == 0 { Tone::Dim } else { tone };
            (tone, number.to_string())
        };
        let mut row = vec![
            (Tone::Strong, r.node.clone()),
            cell(r.same, Tone::Plain),
            cell(r.changed, Tone::Change),
        ];
        row.extend(removes.then(|| cell(r.removed, Tone::Change)));
        row.extend([
            cell(r.undone, Tone::Bad),
            cell(r.findings, Tone::Change),
            match (&r.failed, r.not_run.is_empty()) {
                (Some(_), _) => (Tone::Bad, "failed".to_owned()),
                (None, false) => (Tone::Bad, "stopped".to_owned()),
                (None, true) if !r.waiting.is_empty() => (Tone::Change, "waiting".to_owned()),
                (None, true) => (Tone::Good, "done".to_owned()),
            },
        ]);
        table.toned_row(row);
    }
    let mut text = table.text(style);
    for r in nodes
        .iter()
        .filter(|r| r.failed.is_some() || !r.not_run.is_empty())
    {
        let why = r.failed.as_deref().unwrap_or("stopped before its end");
        let _ = write!(
            text,
            "\n{}",
            style.wrap(0, Tone::Bad, &format!("{}: {why}", r.node))
        );
        if !r.not_run.is_empty() {
            let _ = writeln!(text, "  not run:");
            for step in &r.not_run {
                let _ = writeln!(text, "    {}", style.paint(Tone::Plain, step));
            }
        }
    }
    for r in nodes.iter().filter(|r| !r.waiting.is_empty()) {
        for waiting in &r.waiting {
            let line = format!("{}: waiting for {waiting}", r.node);
            let _ = writeln!(text, "\n{}", style.paint(Tone::Change, line));
        }
        text.push_str("  It goes on by itself; `nodewright apply` goes on after it, `apply --wait` waits for it.\n");
    }
    for r in nodes.iter().filter(|r| !r.found.is_empty()) {
        let head = format!("{}, found and not mended by a run:", r.node);
        let _ = writeln!(text, "\n{}", style.paint(Tone::Strong, head));
        for found in &r.found {
            text.push_str(&super::plan::finding(found, style));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{Address, Progress};
    use crate::plan::Waiting;

    #[test]
    fn a_run_that_changed_nothing_is_one_line() {
        let node = |node: &str| Recap {
            node: node.into(),
            same: 115,
            ..Recap::default()
        };
        assert_eq!(
            recap(&[node("node1"), node("node2")], &OutputStyle::default()),
            "Nothing to do: 2 nodes, 230 resources as wanted.\n"
        );
    }

    #[test]
    fn a_long_step_is_reported_with_how_far_it_is_and_what_goes_on_after_it() {
        let node = Recap {
            node: "node1".into(),
            same: 7,
            waiting: vec![Waiting {
                address: Address::parse("disk/command:sync").unwrap(),
                progress: Progress {
                    percent: 12,
                    speed: Some(31_457_280),
                    left: Some(600),
                },
            }],
            ..Recap::default()
        };
        insta::assert_snapshot!(recap(&[node], &OutputStyle::default()), @r"
        node   as wanted  changed  not run  findings
        node1          7        0        0         0  waiting

        node1: waiting for disk/command:sync, 12 %, 30.0 MiB/s, 10 min left
          It goes on by itself; `nodewright apply` goes on after it, `apply --wait` waits for it.
        ");
    }

    #[test]
    fn what_is_removed_has_a_column_where_there_is_any() {
        let node = |node: &str, removed| Recap {
            node: node.into(),
            same: 7,
            removed,
            ..Recap::default()
        };
        insta::assert_snapshot!(recap(&[node("node1", 0), node("node2", 2)], &OutputStyle::default()), @r"
        node   as wanted  changed  removed  not run  findings
        node1          7        0        0        0         0  done
        node2          7        0        2        0         0  done
        ");
    }

    #[test]
    fn what_came_up_during_the_run_is_reported() {
        let node = Recap {
            node: "node1".into(),
            changed: 1,
            findings: 1,
            found: crate::report::samples::plan().nodes[0].findings.clone(),
            ..Recap::default()
        };
        insta::assert_snapshot!(recap(&[node], &OutputStyle::default()), @r"
        node   as wanted  changed  not run  findings
        node1          0        1        0         1  done

        node1, found and not mended by a run:
            * base/reboot:node1
                The running kernel is 3.10.0-1160, the installed one 3.10.0-1160.119.1:
                a reboot is pending since the packages were updated.
                Move its guests away, then reboot it.
        ");
    }

    #[test]
    fn a_node_that_was_stopped_says_what_it_owes() {
        let node = Recap {
            node: "node1".into(),
            changed: 2,
            undone: 1,
            not_run: vec!["base/service:chronyd".into()],
            ..Recap::default()
        };
        insta::assert_snapshot!(recap(&[node], &OutputStyle::default()), @r"
        node   as wanted  changed  not run  findings
        node1          0        2        1         0  stopped

        node1: stopped before its end
          not run:
            base/service:chronyd
        ");
    }
}
