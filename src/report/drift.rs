//! Plan and checks on one page, for a look that nobody waits for: one line where all is well.

use super::checks::{self, Coverage};
use super::style::count;
use super::{CheckResult, OutputStyle, Tone};
use crate::plan::{NodePlan, Plan};
use std::fmt::Write as _;

/// The results that the page about drift shows, collected until the command ends.
#[derive(Debug, Default)]
pub(super) struct DriftPage {
    /// The plan.
    pub(super) plan: Plan,
    /// The nodes that failed, with why.
    pub(super) failed: Vec<(String, String)>,
}

impl DriftPage {
    /// The page: one line where nothing drifted and nothing fails, else the nodes that failed, the plan and the checks.
    pub(super) fn text(
        &self,
        checks: &[CheckResult],
        coverage: &Coverage,
        style: &OutputStyle,
    ) -> String {
        if self.is_well(checks, coverage) {
            return self.line(checks, style);
        }
        let mut text = String::new();
        for (node, why) in &self.failed {
            let _ = writeln!(text, "{}", style.paint(Tone::Strong, node));
            text.push_str(&style.wrap(2, Tone::Bad, why));
            text.push('\n');
        }
        text.push_str(&super::plan(&self.plan, style));
        if !checks.is_empty() {
            text.push('\n');
            text.push_str(&checks::screen(checks, coverage, style));
        }
        text
    }

    fn is_well(&self, checks: &[CheckResult], coverage: &Coverage) -> bool {
        let quiet = |n: &NodePlan| {
            n.is_empty() && n.waiting.is_empty() && n.findings.is_empty() && n.refusals.is_empty()
        };
        self.failed.is_empty()
            && coverage.unseen.is_empty()
            && self.plan.older.is_empty()
            && self.plan.nodes.iter().all(quiet)
            && !checks.iter().any(CheckResult::counts)
    }

    fn line(&self, checks: &[CheckResult], style: &OutputStyle) -> String {
        let sum = |f: fn(&NodePlan) -> usize| self.plan.nodes.iter().map(f).sum::<usize>();
        let failed = checks.iter().filter(|c| c.fails()).count();
        let skipped = checks.iter().filter(|c| c.skipped).count();
        let held = checks.len() - failed - skipped;
        let mut line = format!(
            "No drift: {}, {} as wanted, {}",
            count(self.plan.nodes.len(), "node", "nodes"),
            count(sum(|n| n.same), "resource", "resources"),
            count(held, "check holds", "checks hold"),
        );
        let mut part = |number: usize, one: &str, several: &str| {
            if number > 0 {
                line.push_str(", ");
                line.push_str(&count(number, one, several));
            }
        };
        part(failed, "for information does not", "for information do not");
        part(skipped, "was skipped", "were skipped");
        part(sum(|n| n.left_behind().len()), "left behind", "left behind");
        style.paint(Tone::Good, line + ".") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn well() -> DriftPage {
        let mut plan = Plan::default();
        for (node, same) in [("node1", 12), ("node2", 11)] {
            plan.nodes.push(NodePlan {
                node: node.into(),
                same,
                ..NodePlan::default()
            });
        }
        DriftPage {
            plan,
            failed: Vec::new(),
        }
    }

    fn coverage() -> Coverage {
        Coverage {
            nodes: vec!["node1".into(), "node2".into()],
            ..Coverage::default()
        }
    }

    fn holding() -> Vec<CheckResult> {
        samples::checks().into_iter().filter(|c| c.ok).collect()
    }

    fn page(page: &DriftPage, checks: &[CheckResult], coverage: &Coverage) -> String {
        page.text(checks, coverage, &OutputStyle::default())
    }

    #[test]
    fn all_well_is_one_line() {
        let mut checks = holding();
        insta::assert_snapshot!(page(&well(), &checks, &coverage()), @"No drift: 2 nodes, 23 resources as wanted, 2 checks hold.");
        for (severity, skipped) in [("info", false), ("critical", true)] {
            checks.push(CheckResult {
                ok: false,
                skipped,
                severity: severity.into(),
                ..checks[0].clone()
            });
        }
        let mut drift = well();
        drift.plan.nodes[0].orphans = samples::plan().nodes[0].orphans.clone();
        drift.plan.nodes[0].orphans.retain(|o| !o.removed);
        insta::assert_snapshot!(page(&drift, &checks, &coverage()), @"No drift: 2 nodes, 23 resources as wanted, 2 checks hold, 1 for information does not, 1 was skipped, 1 left behind.");
    }

    /// Each thing that is not well ends the one line, and is on the page.
    #[test]
    fn whatever_is_not_well_is_on_the_page() {
        let sample = samples::plan().nodes;
        let first = |pick: fn(&NodePlan) -> NodePlan| {
            let of = sample.iter().map(pick).find(|n| *n != NodePlan::default());
            of.expect("the sample has one")
        };
        let parts = [
            first(|n| NodePlan {
                changes: n.changes.clone(),
                ..NodePlan::default()
            }),
            first(|n| NodePlan {
                later: n.later.clone(),
                ..NodePlan::default()
            }),
            first(|n| NodePlan {
                findings: n.findings.clone(),
                ..NodePlan::default()
            }),
            first(|n| NodePlan {
                refusals: n.refusals.clone(),
                ..NodePlan::default()
            }),
        ];
        let checks = holding();
        let mut pages = Vec::new();
        for part in parts {
            let mut drift = well();
            drift.plan.nodes[0] = NodePlan {
                node: "node1".into(),
                ..part
            };
            pages.push(page(&drift, &checks, &coverage()));
        }
        let failing = samples::checks();
        pages.push(page(&well(), &failing, &coverage()));
        for text in pages {
            assert!(!text.contains("No drift"), "{text}");
            assert!(text.lines().count() > 3, "{text}");
        }
        let mut drift = well();
        drift.plan.nodes.pop();
        drift.plan.unseen = vec!["node2".into()];
        drift.failed = vec![("node2".into(), "unreachable: no answer within 4 s".into())];
        let coverage = Coverage {
            unseen: vec!["node2".into()],
            ..coverage()
        };
        insta::assert_snapshot!(page(&drift, &checks, &coverage), @r#"
        node2
          unreachable: no answer within 4 s

        Nothing to do: 1 of 2 nodes, 12 resources as wanted; not observed: node2.

        All 2 checks on 1 of 2 nodes hold; not observed: node2.
        "#);
    }
}
