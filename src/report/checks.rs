//! The results of checks, by node.

use super::look::count;
use super::{Look, Tone};
use std::fmt::Write as _;

/// The result of one check on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// The node.
    pub node: String,
    /// Its stable code.
    pub code: String,
    /// How much it matters.
    pub severity: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was asked and what was seen.
    pub message: String,
    /// What the operator can do; empty when it holds.
    pub remedy: String,
}

/// The checks that do not hold, by node (with `-v` all of them), and one line that sums them up.
pub(super) fn screen(checks: &[CheckResult], look: &Look) -> String {
    let mut nodes: Vec<&str> = Vec::new();
    for check in checks {
        if !nodes.contains(&check.node.as_str()) {
            nodes.push(&check.node);
        }
    }
    let mut text = String::new();
    for node in &nodes {
        let told: Vec<_> = checks
            .iter()
            .filter(|c| c.node == *node && (!c.ok || look.verbose > 0))
            .collect();
        if told.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}", look.paint(Tone::Strong, node));
        for check in told {
            text.push_str(&one(check, look));
        }
        text.push('\n');
    }
    let failed = checks.iter().filter(|c| !c.ok).count();
    let on = count(nodes.len(), "node", "nodes");
    if failed == 0 {
        let line = match checks.len() {
            0 => "No checks: no role of the selected nodes has any.".to_owned(),
            1 => format!("The one check on {on} holds."),
            all => format!("All {all} checks on {on} hold."),
        };
        text.push_str(&look.paint(Tone::Good, line));
    } else {
        let line = format!(
            "{on}: {} not hold, {}.",
            count(failed, "check does", "checks do"),
            count(checks.len() - failed, "holds", "hold")
        );
        text.push_str(&look.paint(Tone::Bad, line));
    }
    text.push('\n');
    text
}

fn one(check: &CheckResult, look: &Look) -> String {
    let (sign, tone) = match (check.ok, check.severity.as_str()) {
        (true, _) => ('✓', Tone::Good),
        (false, "warning" | "info") => ('!', Tone::Change),
        (false, _) => ('✗', Tone::Bad),
    };
    let mut text = format!(
        "  {} {}",
        look.paint(tone, sign.to_string()),
        look.paint(Tone::Strong, &check.code)
    );
    if check.ok {
        let _ = writeln!(text, "  {}", look.paint(Tone::Dim, &check.message));
        return text;
    }
    let _ = writeln!(text, "  {}", look.paint(tone, &check.severity));
    text.push_str(&look.wrap(6, Tone::Plain, &check.message));
    text.push_str(&look.wrap(6, Tone::Dim, &check.remedy));
    text
}
