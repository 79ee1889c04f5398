//! Prints the findings about a site, for display and as JSON.

use super::style::count;
use super::{OutputStyle, Tone};
use crate::site::{Finding, Sources};
use crate::survey::Survey;
use serde_json::json;
use std::fmt::Write as _;

/// Every finding as it renders itself, with an empty line between two.
pub fn findings<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
    sources: &Sources,
    style: &OutputStyle,
) -> String {
    let texts = findings
        .into_iter()
        .map(|f| f.render(sources, style.colour));
    texts.collect::<Vec<_>>().join("\n")
}

/// The warnings that a site accepts, a line each: code, message, reason.
pub fn accepted(accepted: &[(Finding, String)], style: &OutputStyle) -> String {
    let line = |(finding, why): &(Finding, String)| {
        let text = format!("accepted[{}]: {} ({why})", finding.code, finding.message);
        style.wrap(0, Tone::Dim, &text)
    };
    accepted.iter().map(line).collect()
}

/// One line that sums a survey up.
pub fn verdict(survey: &Survey, style: &OutputStyle) -> String {
    let (errors, warnings) = survey.count();
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(count(errors, "error", "errors"));
    }
    if warnings > 0 {
        parts.push(count(warnings, "warning", "warnings"));
    }
    if !survey.accepted.is_empty() {
        parts.push(format!("{} accepted", survey.accepted.len()));
    }
    let found = parts.iter().fold(String::new(), |s, p| s + ", " + p);
    let (tone, line) = match &survey.site {
        Some(site) if errors == 0 => {
            let nodes = count(survey.nodes.len(), "node", "nodes");
            let resources = survey.nodes.values().map(|e| e.resources.len()).sum();
            let nodes = format!("{nodes}, {}", count(resources, "resource", "resources"));
            if warnings == 0 {
                (
                    Tone::Good,
                    format!("The site {} is sound: {nodes}{found}.", site.name()),
                )
            } else {
                (
                    Tone::Change,
                    format!("The site {}: {nodes}{found}.", site.name()),
                )
            }
        }
        _ => (Tone::Bad, format!("{}.", parts.join(", "))),
    };
    style.paint(tone, line) + "\n"
}

/// The same for programs: one object a finding, then one that sums up.
pub fn json_lines(survey: &Survey) -> String {
    let mut text = String::new();
    for finding in &survey.findings {
        let place = finding.location(&survey.sources);
        let line = json!({
            "event": "finding",
            "code": finding.code,
            "severity": finding.severity,
            "message": finding.message,
            "help": finding.help,
            "file": place.as_ref().map(|p| p.file.clone()),
            "line": place.as_ref().map(|p| p.line),
            "column": place.as_ref().map(|p| p.column),
        });
        let _ = writeln!(text, "{line}");
    }
    let (errors, warnings) = survey.count();
    let nodes: Vec<_> = survey.nodes.keys().collect();
    let line = json!({ "event": "checked", "nodes": nodes, "errors": errors, "warnings": warnings, "accepted": survey.accepted.len() });
    text + &format!("{line}\n")
}
