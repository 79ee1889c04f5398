//! Findings that a site lives with: why, and until when.

use super::{Rule, at, found, rule};
use crate::site::words::types::Date;
use crate::site::{Finding, Severity, Site, did_you_mean, shown};

/// The findings of the rules, sorted by whether the site accepts them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The findings that are not accepted.
    pub findings: Vec<Finding>,
    /// The accepted findings, each with the reason.
    pub accepted: Vec<(Finding, String)>,
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "ACCEPT-UNKNOWN",
        severity: Severity::Error,
        title: "Every `[accept]` names an existing rule.",
        why: "A misspelt code accepts nothing, and nobody notices.",
        facts: &[],
        check: unknown,
    },
    Rule {
        code: "ACCEPT-ERROR",
        severity: Severity::Error,
        title: "Only warnings are accepted.",
        why: "An error means lost data or a lock-out; no reason makes that sound.",
        facts: &[],
        check: error,
    },
    Rule {
        code: "ACCEPT-EXPIRED",
        severity: Severity::Warning,
        title: "An acceptance is renewed before its date has passed.",
        why: "Reasons grow old: from that date on the finding counts again.",
        facts: &[],
        check: by_date,
    },
    Rule {
        code: "ACCEPT-UNUSED",
        severity: Severity::Warning,
        title: "Every acceptance matches a finding.",
        why: "An acceptance that outlives its finding hides the finding when it returns.",
        facts: &[],
        check: by_date,
    },
];

fn unknown(site: &Site, findings: &mut Vec<Finding>) {
    let codes: Vec<&str> = super::all().map(|r| r.code).collect();
    for code in site.inventory.accept.keys() {
        if rule(code.as_str()).is_none() {
            let help = did_you_mean(code.as_str(), &codes).map_or_else(
                || "`nodewright rules` lists them".to_owned(),
                |near| match rule(&near) {
                    Some(rule) if rule.severity == Severity::Error => {
                        format!("{near} is an error, and cannot be accepted: fix what it finds")
                    }
                    _ => format!("did you mean {}?", shown(&near)),
                },
            );
            findings.push(
                found(format!("no rule has the code {}", shown(code.as_str())))
                    .at(at(site, &["accept", code.as_str()]))
                    .help(help),
            );
        }
    }
}

fn error(site: &Site, findings: &mut Vec<Finding>) {
    for code in site.inventory.accept.keys() {
        if rule(code.as_str()).is_some_and(|r| r.severity == Severity::Error) {
            findings.push(
                found(format!("{code} is an error and cannot be accepted"))
                    .at(at(site, &["accept", code.as_str()]))
                    .help("fix what it finds"),
            );
        }
    }
}

/// These need to know the day, or what the others found: [`apply`] says them.
fn by_date(_: &Site, _: &mut Vec<Finding>) {}

/// Sets apart what is accepted.
pub(super) fn apply(site: &Site, today: &Date, findings: Vec<Finding>) -> Judged {
    let mut judged = Judged::default();
    let accept = &site.inventory.accept;
    let mut used: Vec<&str> = Vec::new();
    for finding in findings {
        let accepted = accept
            .get(finding.code)
            .filter(|_| finding.severity == Severity::Warning);
        if accepted.is_some() {
            used.push(finding.code);
        }
        match accepted {
            Some(accepted) if accepted.until > *today => {
                judged.accepted.push((finding, accepted.why.to_string()));
            }
            _ => judged.findings.push(finding),
        }
    }
    for (code, accepted) in accept {
        let warning = rule(code.as_str()).is_some_and(|r| r.severity == Severity::Warning);
        let place = at(site, &["accept", code.as_str()]);
        if warning && !used.contains(&code.as_str()) {
            judged.findings.push(
                Finding::warning("ACCEPT-UNUSED", format!("{code} is accepted and not found"))
                    .at(place)
                    .help("take the line out"),
            );
        } else if warning && accepted.until <= *today {
            judged.findings.push(
                Finding::warning(
                    "ACCEPT-EXPIRED",
                    format!("{code} was accepted until {}", accepted.until),
                )
                .at(at(site, &["accept", code.as_str(), "until"]))
                .help("fix it, or review it and set a new day"),
            );
        }
    }
    judged
}
