//! The results of checks, by node.

use super::style::{count, looked_at, not_looked_at};
use super::{OutputStyle, Tone};
use crate::verify::CheckRow;
use std::fmt::Write as _;

/// The heading of checks of the cluster as a whole.
const CLUSTER: &str = "cluster";

/// The result of one check on one node, or on the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// The node; none where it is of the cluster.
    pub node: Option<String>,
    /// Its stable code.
    pub code: String,
    /// Its severity.
    pub severity: String,
    /// Whether it holds.
    pub ok: bool,
    /// It could not be judged; `message` says why.
    pub skipped: bool,
    /// The question and the observation, in words.
    pub message: String,
    /// The remedy; empty when it holds.
    pub remedy: String,
}

impl From<CheckRow> for CheckResult {
    fn from(row: CheckRow) -> Self {
        let outcome = row.outcome;
        Self {
            node: row.node,
            code: outcome.code,
            severity: outcome.severity,
            ok: outcome.ok,
            skipped: outcome.skipped,
            message: outcome.message,
            remedy: outcome.remedy,
        }
    }
}

impl CheckResult {
    /// The node, or the word for the cluster.
    pub(super) fn of_whom(&self) -> &str {
        self.node.as_deref().unwrap_or(CLUSTER)
    }

    /// Whether it decides how a command ends.
    pub(super) fn counts(&self) -> bool {
        crate::verify::counts(self.ok, self.skipped, &self.severity)
    }

    /// Whether it was judged and does not hold.
    pub(super) fn fails(&self) -> bool {
        !self.ok && !self.skipped
    }
}

/// Whom and what the checks of a command did not reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coverage {
    /// The nodes that were asked for.
    pub(super) nodes: Vec<String>,
    /// Those of them that were not observed.
    pub(super) unseen: Vec<String>,
    /// Those of them that could not be reached.
    pub(super) unreachable: Vec<String>,
    /// The number of checks that the selection leaves out.
    pub(super) left_out: usize,
}

/// The checks that do not hold, by node (with `-v` all of them), and one line that sums them up.
pub(super) fn screen(checks: &[CheckResult], coverage: &Coverage, style: &OutputStyle) -> String {
    let mut nodes: Vec<&str> = Vec::new();
    for check in checks {
        if !nodes.contains(&check.of_whom()) {
            nodes.push(check.of_whom());
        }
    }
    let mut text = String::new();
    for node in &nodes {
        let listed: Vec<_> = checks
            .iter()
            .filter(|c| c.of_whom() == *node && (!c.ok || style.verbose > 0))
            .collect();
        if listed.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}", style.paint(Tone::Strong, node));
        for check in listed {
            text.push_str(&one(check, style));
        }
        text.push('\n');
    }
    let failed = checks.iter().filter(|c| c.fails()).count();
    let skipped = checks.iter().filter(|c| c.skipped).count();
    let held = checks.len() - failed - skipped;
    let mut rest = match coverage.left_out {
        0 => String::new(),
        some => format!("; {} left out", count(some, "check was", "checks were")),
    };
    rest.push_str(&not_looked_at(&coverage.unseen));
    let seen = coverage.nodes.len() - coverage.unseen.len();
    if checks.is_empty() && seen == 0 && !coverage.nodes.is_empty() {
        let line = format!("No node was observed: {}.", coverage.unseen.join(", "));
        text.push_str(&style.paint(Tone::Bad, line));
        text.push('\n');
        return text;
    }
    let on = looked_at(seen, &coverage.unseen);
    let unknown = skipped > 0 || !coverage.unseen.is_empty();
    let (tone, line) = if skipped > 0 {
        let line = format!(
            "{on}: {} not hold, {}, {}",
            count(failed, "check does", "checks do"),
            count(held, "holds", "hold"),
            count(skipped, "was skipped", "were skipped")
        );
        (Tone::Change, line)
    } else if failed == 0 {
        let line = match checks.len() {
            0 if coverage.left_out > 0 => "No checks".to_owned(),
            0 => "No checks: no role of the selected nodes has any".to_owned(),
            1 => format!("The one check on {on} holds"),
            all => format!("All {all} checks on {on} hold"),
        };
        (if unknown { Tone::Change } else { Tone::Good }, line)
    } else {
        let line = format!(
            "{on}: {} not hold, {}",
            count(failed, "check does", "checks do"),
            count(held, "holds", "hold")
        );
        (Tone::Bad, line)
    };
    let tone = if failed > 0 || !coverage.unseen.is_empty() {
        Tone::Bad
    } else {
        tone
    };
    text.push_str(&style.paint(tone, format!("{line}{rest}.")));
    text.push('\n');
    text
}

fn one(check: &CheckResult, style: &OutputStyle) -> String {
    if check.skipped {
        let mut text = format!("  - {}  skipped\n", style.paint(Tone::Strong, &check.code));
        text.push_str(&style.wrap(6, Tone::Dim, &check.message));
        return text;
    }
    let (sign, tone) = match (check.ok, check.severity.as_str()) {
        (true, _) => ('✓', Tone::Good),
        (false, "warning" | "info") => ('!', Tone::Change),
        (false, _) => ('✗', Tone::Bad),
    };
    let mut text = format!(
        "  {} {}",
        style.paint(tone, sign.to_string()),
        style.paint(Tone::Strong, &check.code)
    );
    if check.ok {
        let _ = writeln!(text, "  {}", style.paint(Tone::Dim, &check.message));
        return text;
    }
    let _ = writeln!(text, "  {}", style.paint(tone, &check.severity));
    text.push_str(&style.wrap(6, Tone::Plain, &check.message));
    text.push_str(&style.wrap(6, Tone::Dim, &check.remedy));
    text
}
