//! Results as a file for Prometheus, in the text format that the textfile collector of `node_exporter` reads.

use super::CheckResult;
use super::checks::Coverage;
use crate::plan::{NodePlan, Plan};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The measurements of one command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measurements<'a> {
    /// The site.
    pub(super) site: &'a str,
    /// The plan, where the command makes one.
    pub(super) plan: Option<&'a Plan>,
    /// The results of the checks.
    pub(super) checks: &'a [CheckResult],
    /// The nodes, and those of them that were not observed.
    pub(super) coverage: &'a Coverage,
    /// When it ended, in seconds since 1970.
    pub(super) at: u64,
}

/// A metric: its name, its labels and what a value means. All are gauges.
struct Metric<const LABELS: usize> {
    name: &'static str,
    labels: [&'static str; LABELS],
    help: &'static str,
}

const RESOURCES: Metric<3> = Metric {
    name: "nodewright_drift_resources",
    labels: ["site", "node", "state"],
    help: "Resources that are not as the site wants them, of each node that was observed.",
};
const FAILED: Metric<4> = Metric {
    name: "nodewright_check_failed",
    labels: ["site", "node", "code", "severity"],
    help: "Checks of this code that do not hold; 0 where all hold. The node is empty where the check is of the cluster.",
};
const SKIPPED: Metric<4> = Metric {
    name: "nodewright_check_skipped",
    labels: ["site", "node", "code", "severity"],
    help: "Checks of this code that could not be judged.",
};
const REACHABLE: Metric<2> = Metric {
    name: "nodewright_node_reachable",
    labels: ["site", "node"],
    help: "Whether the node could be reached.",
};
const OBSERVED: Metric<2> = Metric {
    name: "nodewright_node_observed",
    labels: ["site", "node"],
    help: "Whether the node was observed: 0 also where it was reached, and what it answered could not be used.",
};
const DRIFT_RUN: Metric<1> = Metric {
    name: "nodewright_drift_last_run_timestamp_seconds",
    labels: ["site"],
    help: "When `nodewright drift` last ended.",
};
const VERIFY_RUN: Metric<1> = Metric {
    name: "nodewright_verify_last_run_timestamp_seconds",
    labels: ["site"],
    help: "When `nodewright verify` last ended.",
};

/// A value of the label `state`, and how many resources of a node's plan are in it.
type CountedState = (&'static str, fn(&NodePlan) -> usize);

const STATES: [CountedState; 6] = [
    ("change", |n| n.to_change().len()),
    ("later", |n| n.decided_later().len()),
    ("remove", |n| n.to_remove().len()),
    ("waiting", |n| n.waiting.len()),
    ("refused", |n| n.refusals.len()),
    ("finding", |n| n.findings.len()),
];

/// The whole file.
pub(super) fn document(told: &Measurements<'_>) -> String {
    let site = told.site;
    let mut text = String::new();
    let nodes = told.plan.map_or(&[][..], |plan| &plan.nodes);
    let resources = nodes.iter().flat_map(|node| {
        let counts = STATES.iter().map(|(state, count)| (*state, count(node)));
        counts.map(|(state, count)| ([site, &node.node, state], as_value(count)))
    });
    RESOURCES.write(resources, &mut text);

    let mut failed: BTreeMap<[&str; 4], u64> = BTreeMap::new();
    let mut skipped = failed.clone();
    for check in told.checks {
        let node = check.node.as_deref().unwrap_or_default();
        let labels = [site, node, &check.code, &check.severity];
        // Several checks may have one code; a series may stand here only once.
        if check.skipped {
            *skipped.entry(labels).or_default() += 1;
        } else {
            *failed.entry(labels).or_default() += u64::from(check.fails());
        }
    }
    FAILED.write(failed.into_iter(), &mut text);
    SKIPPED.write(skipped.into_iter(), &mut text);

    let coverage = told.coverage;
    let without = |nodes: &[String]| {
        let missing = nodes.to_vec();
        let of = move |node: &str| u64::from(!missing.iter().any(|m| m == node));
        coverage.nodes.iter().map(move |n| ([site, n], of(n)))
    };
    REACHABLE.write(without(&coverage.unreachable), &mut text);
    OBSERVED.write(without(&coverage.unseen), &mut text);
    let run = if told.plan.is_some() {
        DRIFT_RUN
    } else {
        VERIFY_RUN
    };
    run.write([([site], told.at)].into_iter(), &mut text);
    text
}

fn as_value(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl<const LABELS: usize> Metric<LABELS> {
    /// The metric with its samples; nothing where there are none.
    fn write<'a>(
        &self,
        samples: impl Iterator<Item = ([&'a str; LABELS], u64)>,
        text: &mut String,
    ) {
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            return;
        }
        let name = self.name;
        let _ = writeln!(text, "# HELP {name} {}", escape(self.help, false));
        let _ = writeln!(text, "# TYPE {name} gauge");
        for (values, value) in samples {
            let labels = std::iter::zip(self.labels, values)
                .map(|(label, value)| format!("{label}=\"{}\"", escape(value, true)));
            let labels = labels.collect::<Vec<_>>().join(",");
            let _ = writeln!(text, "{name}{{{labels}}} {value}");
        }
    }
}

/// Text for a help line, or for the value of a label, where quotes count too.
fn escape(text: &str, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn coverage(unseen: &[&str], unreachable: &[&str]) -> Coverage {
        let owned = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect();
        Coverage {
            nodes: owned(&["node1", "node2"]),
            unseen: owned(unseen),
            unreachable: owned(unreachable),
            left_out: 0,
        }
    }

    #[test]
    fn a_look_at_drift_is_told_by_node_and_state() {
        let mut plan = samples::plan();
        plan.nodes.truncate(1);
        let mut checks = samples::checks();
        let mut again = checks[1].clone();
        again.node = None;
        checks.push(again.clone());
        checks.push(again.clone());
        again.skipped = true;
        checks.push(again);
        let text = document(&Measurements {
            site: "pair",
            plan: Some(&plan),
            checks: &checks,
            coverage: &coverage(&["node2"], &["node2"]),
            at: 1_800_000_000,
        });
        insta::assert_snapshot!(text, @r#"
        # HELP nodewright_drift_resources Resources that are not as the site wants them, of each node that was observed.
        # TYPE nodewright_drift_resources gauge
        nodewright_drift_resources{site="pair",node="node1",state="change"} 8
        nodewright_drift_resources{site="pair",node="node1",state="later"} 3
        nodewright_drift_resources{site="pair",node="node1",state="remove"} 1
        nodewright_drift_resources{site="pair",node="node1",state="waiting"} 0
        nodewright_drift_resources{site="pair",node="node1",state="refused"} 1
        nodewright_drift_resources{site="pair",node="node1",state="finding"} 1
        # HELP nodewright_check_failed Checks of this code that do not hold; 0 where all hold. The node is empty where the check is of the cluster.
        # TYPE nodewright_check_failed gauge
        nodewright_check_failed{site="pair",node="",code="TIME-SYNC",severity="warning"} 2
        nodewright_check_failed{site="pair",node="node1",code="DRBD-STATE",severity="critical"} 1
        nodewright_check_failed{site="pair",node="node1",code="TIME-SYNC",severity="warning"} 0
        nodewright_check_failed{site="pair",node="node2",code="SSH-ROOT",severity="critical"} 0
        nodewright_check_failed{site="pair",node="node2",code="TIME-SYNC",severity="warning"} 1
        # HELP nodewright_check_skipped Checks of this code that could not be judged.
        # TYPE nodewright_check_skipped gauge
        nodewright_check_skipped{site="pair",node="",code="TIME-SYNC",severity="warning"} 1
        # HELP nodewright_node_reachable Whether the node could be reached.
        # TYPE nodewright_node_reachable gauge
        nodewright_node_reachable{site="pair",node="node1"} 1
        nodewright_node_reachable{site="pair",node="node2"} 0
        # HELP nodewright_node_observed Whether the node was observed: 0 also where it was reached, and what it answered could not be used.
        # TYPE nodewright_node_observed gauge
        nodewright_node_observed{site="pair",node="node1"} 1
        nodewright_node_observed{site="pair",node="node2"} 0
        # HELP nodewright_drift_last_run_timestamp_seconds When `nodewright drift` last ended.
        # TYPE nodewright_drift_last_run_timestamp_seconds gauge
        nodewright_drift_last_run_timestamp_seconds{site="pair"} 1800000000
        "#);
    }

    #[test]
    fn checks_alone_have_no_drift() {
        let text = document(&Measurements {
            site: "pair",
            plan: None,
            checks: &[],
            coverage: &coverage(&["node1"], &[]),
            at: 7,
        });
        insta::assert_snapshot!(text, @r#"
        # HELP nodewright_node_reachable Whether the node could be reached.
        # TYPE nodewright_node_reachable gauge
        nodewright_node_reachable{site="pair",node="node1"} 1
        nodewright_node_reachable{site="pair",node="node2"} 1
        # HELP nodewright_node_observed Whether the node was observed: 0 also where it was reached, and what it answered could not be used.
        # TYPE nodewright_node_observed gauge
        nodewright_node_observed{site="pair",node="node1"} 0
        nodewright_node_observed{site="pair",node="node2"} 1
        # HELP nodewright_verify_last_run_timestamp_seconds When `nodewright verify` last ended.
        # TYPE nodewright_verify_last_run_timestamp_seconds gauge
        nodewright_verify_last_run_timestamp_seconds{site="pair"} 7
        "#);
    }

    #[test]
    fn labels_are_escaped_as_the_format_says() {
        let mut check = samples::checks().remove(0);
        check.node = Some("a\"b\\c\nd".to_owned());
        check.code = "ü{},=".to_owned();
        let text = document(&Measurements {
            site: "s",
            plan: None,
            checks: &[check],
            coverage: &Coverage::default(),
            at: 7,
        });
        let line = r#"nodewright_check_failed{site="s",node="a\"b\\c\nd",code="ü{},=",severity="warning"} 0"#;
        assert_eq!(text.lines().nth(2), Some(line), "{text}");
    }

    /// The page has every metric with its labels, and no other.
    #[test]
    fn the_page_of_the_metrics_is_true() {
        fn row<const LABELS: usize>(metric: &Metric<LABELS>) -> String {
            let labels = metric.labels.map(|l| format!("`{l}`")).join(", ");
            format!("| `{}` | {labels} | {} |", metric.name, metric.help)
        }
        let wanted = [
            row(&RESOURCES),
            row(&FAILED),
            row(&SKIPPED),
            row(&REACHABLE),
            row(&OBSERVED),
            row(&DRIFT_RUN),
            row(&VERIFY_RUN),
        ];
        let page = include_str!("../../docs/drift.md");
        let found: Vec<&str> = page.lines().filter(|l| l.starts_with("| `nodew")).collect();
        assert_eq!(found, wanted, "\n{}\n", wanted.join("\n"));
        let states = page.lines().filter(|l| l.starts_with("| `"));
        let states: Vec<_> = states
            .filter_map(|l| l.strip_prefix("| `")?.split('`').next())
            .filter(|word| !word.starts_with("nodewright_"))
            .collect();
        assert_eq!(states, STATES.map(|(state, _)| state));
    }
}
