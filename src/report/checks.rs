//! The results of checks, by node.

use super::style::count;
use super::{OutputStyle, Tone};
use std::fmt::Write as _;

/// Under what stands what is of the cluster as a whole.
const CLUSTER: &str = "cluster";

/// The result of one check on one node, or on the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// The node; none where it is of the cluster.
    pub node: Option<String>,
    /// Its stable code.
    pub code: String,
    /// How much it matters.
    pub severity: String,
    /// Whether it holds.
    pub ok: bool,
    /// It could not be judged; `message` says why.
    pub skipped: bool,
    /// What was asked and what was seen.
    pub message: String,
    /// The remedy; empty when it holds.
    pub remedy: String,
}

impl CheckResult {
    /// The node, or the word for the cluster.
    pub(super) fn of_whom(&self) -> &str {
        self.node.as_deref().unwrap_or(CLUSTER)
    }

    /// Whether it was judged and does not hold.
    pub(super) fn fails(&self) -> bool {
        !self.ok && !self.skipped
    }
}

/// The checks that do not hold, by node (with `-v` all of them), and one line that sums them up.
pub(super) fn screen(checks: &[CheckResult], style: &OutputStyle) -> String {
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
    let named = checks.iter().filter_map(|c| c.node.as_ref());
    let on = named.collect::<std::collections::BTreeSet<_>>().len();
    let on = match on {
        0 if !checks.is_empty() => "the cluster".to_owned(),
        all => count(all, "node", "nodes"),
    };
    if skipped > 0 {
        let line = format!(
            "{on}: {} not hold, {}, {}.",
            count(failed, "check does", "checks do"),
            count(held, "holds", "hold"),
            count(skipped, "was skipped", "were skipped")
        );
        let tone = if failed == 0 { Tone::Change } else { Tone::Bad };
        text.push_str(&style.paint(tone, line));
    } else if failed == 0 {
        let line = match checks.len() {
            0 => "No checks: no role of the selected nodes has any.".to_owned(),
            1 => format!("The one check on {on} holds."),
            all => format!("All {all} checks on {on} hold."),
        };
        text.push_str(&style.paint(Tone::Good, line));
    } else {
        let line = format!(
            "{on}: {} not hold, {}.",
            count(failed, "check does", "checks do"),
            count(held, "holds", "hold")
        );
        text.push_str(&style.paint(Tone::Bad, line));
    }
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
