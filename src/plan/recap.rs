//! The outcome of a node in a run, counted in resources as its plan was.

use super::{Decided, Remark, Undone, Waiting};
use crate::kind::Address;
use std::collections::BTreeSet;

/// The outcome of a node in a run. All counts are of resources, as in its plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Recap {
    /// The node.
    pub node: String,
    /// Resources that were as wanted before.
    pub same: usize,
    /// Resources that were changed and seen to be as wanted since.
    pub changed: usize,
    /// Orphans that were removed.
    pub removed: usize,
    /// Resources that were to change and did not, or not wholly.
    pub undone: usize,
    /// The step that failed, and why.
    pub failed: Option<String>,
    /// The steps that were not done because of it.
    pub not_run: Vec<String>,
    /// Long steps whose work goes on by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// Findings that a run does not mend.
    pub findings: usize,
    /// Findings that came up in this run, after its plan.
    pub found: Vec<Remark>,
}

/// The end of a node.
#[derive(Clone, Debug, Default)]
pub struct RunEnd<'a> {
    /// The node.
    pub node: &'a str,
    /// The addresses of its resources.
    pub wanted: BTreeSet<&'a Address>,
    /// The last observed state, if there is one.
    pub decided: Option<&'a Decided>,
    /// The resources that were changed and seen to be as wanted since.
    pub changed: Option<&'a BTreeSet<Address>>,
    /// Items that were held back.
    pub held: Option<&'a Undone>,
    /// The reason why it takes no further part, if it does not.
    pub failed: Option<String>,
    /// The title of the step that failed, if it was one: it was run.
    pub step: Option<&'a str>,
    /// The findings of its plan.
    pub shown: &'a [Remark],
}

impl Recap {
    /// Counts.
    pub fn of(ended: RunEnd<'_>) -> Self {
        let RunEnd { decided, .. } = ended;
        let undone = match (decided, ended.held) {
            (Some(decided), _) if ended.failed.is_some() => {
                Undone::of(&decided.items, "").and_later(decided)
            }
            (Some(decided), Some(held)) => held.clone().and_later(decided),
            _ => Undone::default(),
        };
        // An item that is done in part is not done.
        let changed = ended.changed.into_iter().flatten();
        let changed = changed.filter(|a| !undone.addresses.contains(*a));
        let (changed, removed): (BTreeSet<&Address>, BTreeSet<&Address>) =
            changed.partition(|a| ended.wanted.contains(*a));
        let same = decided.map(|d| d.same.iter().filter(|a| !changed.contains(a)).count());
        let findings = decided.map_or(&[][..], |d| &d.findings);
        let not_run = undone.titles.into_iter();
        let not_run = not_run.filter(|title| ended.step != Some(title.as_str()));
        Self {
            node: ended.node.to_owned(),
            same: same.unwrap_or(0),
            changed: changed.len(),
            removed: removed.len(),
            undone: undone.addresses.len(),
            failed: ended.failed,
            not_run: not_run.collect(),
            waiting: decided.map_or_else(Vec::new, |d| d.waiting.clone()),
            findings: findings.len(),
            found: findings
                .iter()
                .filter(|f| !ended.shown.contains(f))
                .cloned()
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Item;
    use super::super::for_tests::{address, item};
    use super::*;

    fn of(name: &str) -> Item {
        let mut item = item(0, 0, |_| ());
        item.change.addresses = vec![address(name)];
        item.change.title = format!("do {name}");
        item
    }

    fn set(names: &[&str]) -> BTreeSet<Address> {
        names.iter().map(|n| address(n)).collect()
    }

    #[test]
    fn what_was_changed_is_not_the_same_and_what_nobody_wants_is_removed() {
        let changed = set(&["r/file:/a", "r/file:/old"]);
        let decided = Decided {
            same: set(&["r/file:/a", "r/file:/b"]),
            ..Decided::default()
        };
        let wanted = set(&["r/file:/a", "r/file:/b"]);
        let recap = Recap::of(RunEnd {
            node: "node1",
            wanted: wanted.iter().collect(),
            decided: Some(&decided),
            changed: Some(&changed),
            ..RunEnd::default()
        });
        assert_eq!((recap.same, recap.changed, recap.removed), (1, 1, 1));
        assert_eq!((recap.undone, recap.failed), (0, None));
    }

    #[test]
    fn what_is_done_in_part_is_not_done() {
        let changed = set(&["r/service:s", "r/file:/a"]);
        let decided = Decided {
            items: vec![of("r/service:s")],
            ..Decided::default()
        };
        let recap = Recap::of(RunEnd {
            wanted: changed.iter().collect(),
            decided: Some(&decided),
            changed: Some(&changed),
            failed: Some("it broke".to_owned()),
            ..RunEnd::default()
        });
        assert_eq!((recap.changed, recap.undone), (1, 1));
        assert_eq!(recap.not_run, ["do r/service:s"]);
    }

    #[test]
    fn the_step_that_failed_was_run() {
        let decided = Decided {
            items: vec![of("r/service:s"), of("r/file:/a")],
            ..Decided::default()
        };
        let recap = Recap::of(RunEnd {
            decided: Some(&decided),
            failed: Some("do r/service:s: failed with status 1".to_owned()),
            step: Some("do r/service:s"),
            ..RunEnd::default()
        });
        assert_eq!(
            (recap.undone, recap.not_run),
            (2, vec!["do r/file:/a".to_owned()])
        );
    }

    #[test]
    fn what_was_held_back_counts_unless_the_node_failed() {
        let held = Undone::of(&[of("r/file:/a")], " (waits for node2)");
        let decided = Decided {
            items: vec![of("r/file:/a"), of("r/file:/b")],
            ..Decided::default()
        };
        let ended = RunEnd {
            decided: Some(&decided),
            held: Some(&held),
            ..RunEnd::default()
        };
        let recap = Recap::of(ended.clone());
        assert_eq!(recap.not_run, ["do r/file:/a (waits for node2)"]);
        let failed = Some("it broke".to_owned());
        let recap = Recap::of(RunEnd { failed, ..ended });
        assert_eq!(recap.not_run, ["do r/file:/a", "do r/file:/b"]);
    }

    #[test]
    fn of_a_node_that_was_never_seen_nothing_is_counted() {
        let recap = Recap::of(RunEnd {
            node: "node1",
            failed: Some("no route".to_owned()),
            ..RunEnd::default()
        });
        let nothing = Recap {
            node: "node1".to_owned(),
            failed: Some("no route".to_owned()),
            ..Recap::default()
        };
        assert_eq!(recap, nothing);
    }

    #[test]
    fn a_finding_that_came_up_in_the_run_is_reported() {
        let finding = |what: &str| Remark {
            address: address("r/service:s"),
            what: what.to_owned(),
            remedy: String::new(),
            device: None,
        };
        let decided = Decided {
            findings: vec![finding("old"), finding("new")],
            ..Decided::default()
        };
        let recap = Recap::of(RunEnd {
            decided: Some(&decided),
            shown: &[finding("old")],
            ..RunEnd::default()
        });
        assert_eq!((recap.findings, recap.found), (2, vec![finding("new")]));
    }
}
