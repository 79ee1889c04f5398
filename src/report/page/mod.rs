//! A site on one page of HTML that needs nothing else: no script, no request, no other file.
//!
//! It is read on a phone, in the dark and on paper. All of it comes from one observation of each node.

mod drift;
mod sections;

use super::{CheckResult, Picture};
use crate::operate::guest::places::GuestPlace;
use crate::operate::status::{State, Status};
use crate::plan::{NodePlan, Plan};
use crate::report::html::Html;

/// A site as it was observed.
#[derive(Clone, Debug)]
pub struct SiteReport {
    /// When, in UTC: `2026-11-29 13:05`.
    pub at: String,
    /// The drawing, with states.
    pub picture: Picture,
    /// The cluster.
    pub status: Status,
    /// The nodes that failed, with why.
    pub failed: Vec<(String, String)>,
    /// The plan.
    pub plan: Plan,
    /// The checks.
    pub checks: Vec<CheckResult>,
    /// The guests.
    pub guests: Vec<GuestPlace>,
    /// The last runs, the latest first.
    pub runs: Vec<RunRow>,
}

/// A run on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// The node.
    pub node: String,
    /// When it began, by the node's clock.
    pub at: String,
    /// The run.
    pub run: String,
    /// The operator.
    pub who: String,
    /// The command.
    pub intent: String,
    /// The commit of the site, where it has one.
    pub commit: String,
    /// Its end.
    pub ended: String,
}

/// The amount of something, and whether that is well.
pub(super) struct Figures {
    failing: usize,
    skipped: usize,
    pending: usize,
    refused: usize,
    findings: usize,
}

impl SiteReport {
    fn figures(&self) -> Figures {
        let sum = |f: fn(&NodePlan) -> usize| self.plan.nodes.iter().map(f).sum::<usize>();
        Figures {
            failing: self.checks.iter().filter(|c| c.counts()).count(),
            skipped: self.checks.iter().filter(|c| c.skipped).count(),
            pending: sum(|n| n.to_change().len() + n.decided_later().len() + n.to_remove().len()),
            refused: sum(|n| n.refusals.len()),
            findings: sum(|n| n.findings.len()),
        }
    }

    /// The same in one line.
    pub fn line(&self) -> String {
        let figures = self.figures();
        let mut parts = vec![self.status.state.word().to_owned()];
        let mut part = |number: usize, one: &str, many: &str| {
            if number > 0 {
                parts.push(super::style::count(number, one, many));
            }
        };
        part(
            self.failed.len(),
            "node did not answer",
            "nodes did not answer",
        );
        part(figures.failing, "check does not hold", "checks do not hold");
        part(figures.skipped, "check was skipped", "checks were skipped");
        part(figures.pending, "change pending", "changes pending");
        part(figures.refused, "refused", "refused");
        part(figures.findings, "finding", "findings");
        parts.join(", ")
    }
}

/// The page.
pub fn page(report: &SiteReport) -> String {
    let mut html = Html::default();
    sections::head(&mut html, report);
    sections::points(&mut html, report);
    html.begin_section("picture", "Network")
        .picture(&report.picture);
    html.end();
    sections::cluster(&mut html, report);
    sections::guests(&mut html, report);
    sections::checks(&mut html, report);
    drift::section(&mut html, &report.plan);
    sections::last_runs(&mut html, report);
    html.begin("footer", "").prose(
        "Made by `nodewright report`: one observation of each node, which changed nothing. Values of secrets are not in it.",
    );
    html.end();
    html.document(&format!(
        "{}: {}",
        report.status.site,
        report.status.state.word()
    ))
}

/// The class of a state's colour.
fn class(state: State) -> &'static str {
    match state {
        State::Healthy => "good",
        State::Degraded => "warn",
        State::Frozen => "bad",
    }
}

/// The same on a badge.
fn badge(state: State) -> &'static str {
    match state {
        State::Healthy => "badge good",
        State::Degraded => "badge warn",
        State::Frozen => "badge bad",
    }
}

#[cfg(test)]
mod tests;
