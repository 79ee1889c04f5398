//! The sections of the page but for the plan.

use super::{SiteReport, badge, class};
use crate::operate::status::State;
use crate::report::CheckResult;
use crate::report::html::Html;
use crate::report::style::count;

/// The severities of checks, the gravest first, each with its colour.
const SEVERITIES: [(&str, &str); 4] = [
    ("critical", "bad"),
    ("error", "bad"),
    ("warning", "warn"),
    ("info", "later"),
];

/// The heading, the figures and the list of contents.
pub(super) fn head(html: &mut Html, report: &SiteReport) {
    let status = &report.status;
    html.begin("header", "").begin("h1", "");
    html.text(&status.site).text(" ");
    html.put("span", badge(status.state), status.state.word())
        .end();
    html.paragraph("dim", &format!("as observed at {} UTC", report.at));
    let figures = report.figures();
    let answered = status.nodes.iter().filter(|n| n.answered).count();
    let running = |on: &[(String, String)]| on.iter().any(|(_, state)| runs(state));
    let running = report.guests.iter().filter(|g| running(&g.on)).count();
    let changes = figures.pending + figures.refused;
    html.begin("div", "tiles");
    let mut tile = |tone: &'static str, number: String, words: &str| {
        html.begin("div", "tile");
        html.put("strong", tone, &number)
            .put("span", "", words)
            .end();
    };
    let tone = |is_well: bool, other: &'static str| if is_well { "good" } else { other };
    let word = |n: usize, one: &'static str, many: &'static str| if n == 1 { one } else { many };
    let (all, failing) = (status.nodes.len(), figures.failing);
    let (held, checks) = (report.checks.iter().filter(|c| c.ok), report.checks.len());
    let held = held.count();
    tile(
        tone(answered == all, "bad"),
        format!("{answered} of {all}"),
        "nodes answer",
    );
    tile(
        tone(failing == 0, "bad"),
        failing.to_string(),
        word(failing, "check does not hold", "checks do not hold"),
    );
    tile("", format!("{held} of {checks}"), "checks hold");
    tile(
        tone(changes == 0, "warn"),
        changes.to_string(),
        word(changes, "change pending", "changes pending"),
    );
    tile(
        tone(figures.findings == 0, "warn"),
        figures.findings.to_string(),
        word(figures.findings, "finding", "findings"),
    );
    if !report.guests.is_empty() {
        let guests = report.guests.len();
        tile("", format!("{running} of {guests}"), "guests run");
    }
    html.end();
    html.begin("nav", "");
    html.link("points", "To do")
        .link("picture", "Network")
        .link("cluster", "Cluster");
    if !report.guests.is_empty() {
        html.link("guests", "Guests");
    }
    html.link("checks", "Checks")
        .link("drift", "Drift")
        .link("runs", "Last runs");
    html.end().end();
}

/// Nodes without an answer, and the deviations with the command that leads on.
pub(super) fn points(html: &mut Html, report: &SiteReport) {
    html.begin_section("points", "To do");
    let points = &report.status.points;
    html.begin("ul", "points");
    for (node, why) in &report.failed {
        html.begin("li", "bad").begin("p", "");
        html.put("strong", "", node)
            .text(": it could not be observed. ")
            .prose(why);
        html.end();
        html.paragraph(
            "dim",
            "All below is of the other nodes, and of this one as they see it.",
        );
        html.end();
    }
    let told = |node: &str, what: &str| what.starts_with(&format!("{node} does not answer: "));
    for point in points {
        if report
            .failed
            .iter()
            .any(|(node, _)| told(node, &point.what))
        {
            continue;
        }
        html.begin("li", class(point.state)).begin("p", "");
        html.put("strong", class(point.state), point.state.word())
            .text(" ");
        html.prose(&point.what).end();
        html.begin("p", "").put("code", "", &point.next).end().end();
    }
    if points.is_empty() && report.failed.is_empty() {
        html.begin("li", "good")
            .text("Nothing: the cluster is healthy.")
            .end();
    }
    html.end().end();
}

/// Nodes, mirrors, shared filesystems and resources.
pub(super) fn cluster(html: &mut Html, report: &SiteReport) {
    let status = &report.status;
    html.begin_section("cluster", "Cluster");
    html.begin("table", "cards")
        .columns(&["node", "answers", "cluster", "quorum"]);
    html.begin("tbody", "");
    for node in &status.nodes {
        html.begin("tr", "").put("td", "", &node.name);
        let (tone, word) = if node.answered {
            ("good", "answers")
        } else {
            ("bad", "no answer")
        };
        html.put("td", tone, word);
        let fine = ["online", ""].contains(&node.cluster.as_str());
        html.put("td", if fine { "" } else { "bad" }, &node.cluster);
        let (tone, word) = match node.quorate {
            None => ("", ""),
            Some(true) => ("", "quorate"),
            Some(false) => ("bad", "no quorum"),
        };
        html.put("td", tone, word).end();
    }
    html.end().end();
    if !status.mirrors.is_empty() {
        html.put("h3", "", "Mirrors");
        html.begin("table", "cards")
            .columns(&["mirror", "node", "state"])
            .begin("tbody", "");
        for (name, ends) in &status.mirrors {
            let state = status
                .traffic
                .mirrors
                .get(name)
                .copied()
                .unwrap_or_default();
            let tone = if state == State::Healthy {
                ""
            } else {
                class(state)
            };
            for (node, words) in ends {
                html.begin("tr", "").put("td", "", name).put("td", "", node);
                html.put("td", tone, words).end();
            }
        }
        html.end().end();
    }
    if !status.mounts.is_empty() {
        html.put("h3", "", "Shared filesystems");
        html.begin("table", "cards")
            .columns(&["path", "mounted on"])
            .begin("tbody", "");
        for (path, on) in &status.mounts {
            html.begin("tr", "").put("td", "", path);
            let (tone, on) = match on.as_slice() {
                [] => ("bad", "nowhere".to_owned()),
                on => ("", on.join(", ")),
            };
            html.put("td", tone, &on).end();
        }
        html.end().end();
    }
    if !status.resources.is_empty() {
        html.put("h3", "", "Resources of the resource manager");
        html.begin("table", "cards")
            .columns(&["resource", "agent", "state", "on"]);
        html.begin("tbody", "");
        for resource in &status.resources {
            html.begin("tr", "").put("td", "", &resource.name);
            html.put("td", "dim", &resource.agent)
                .put("td", "", &resource.role);
            html.put("td", "", &resource.nodes.join(", ")).end();
        }
        html.end().end();
    }
    html.end();
}

/// The guests, and the node that each of them runs on.
pub(super) fn guests(html: &mut Html, report: &SiteReport) {
    if report.guests.is_empty() {
        return;
    }
    html.begin_section("guests", "Guests");
    html.begin("table", "cards")
        .columns(&["guest", "runs on", "lives on", "purpose"]);
    html.begin("tbody", "");
    for guest in &report.guests {
        html.begin("tr", "").put("td", "", &guest.name);
        let on: Vec<String> = guest
            .on
            .iter()
            .map(|(node, state)| match state.as_str() {
                "running" => node.clone(),
                state => format!("{node} ({state})"),
            })
            .collect();
        let twice = guest.on.iter().filter(|(_, state)| runs(state)).count() > 1;
        let (tone, mut words) = match on.as_slice() {
            [] if !guest.untold.is_empty() => ("dim", "unknown".to_owned()),
            [] => ("dim", "not told: no node was asked by libvirt".to_owned()),
            on if twice => ("bad", format!("{}: twice at once", on.join(" and "))),
            on => ("", on.join(", ")),
        };
        if !guest.untold.is_empty() {
            words = format!("{words}; not told by {}", guest.untold.join(", "));
        }
        html.put("td", tone, &words);
        let home = if guest.failover {
            format!("{}, may move", guest.home)
        } else {
            guest.home.clone()
        };
        html.put("td", "", &home)
            .put("td", "dim", &guest.purpose)
            .end();
    }
    html.end().end().end();
}

/// Whether a guest in this state of libvirt has its disks open.
fn runs(state: &str) -> bool {
    !["shut off", "crashed"].contains(&state)
}

/// The checks: those that do not hold by severity, then those that were skipped, then the others.
pub(super) fn checks(html: &mut Html, report: &SiteReport) {
    html.begin_section("checks", "Checks");
    let all = &report.checks;
    for (severity, tone) in SEVERITIES {
        let failing: Vec<&CheckResult> = all
            .iter()
            .filter(|c| c.fails() && c.severity == severity)
            .collect();
        if failing.is_empty() {
            continue;
        }
        html.begin("h3", tone)
            .text(&format!("{severity}: {}", failing.len()))
            .end();
        html.begin("ul", "points");
        for check in failing {
            html.begin("li", tone).begin("p", "");
            html.put("strong", tone, &check.code).text(" ");
            html.put("span", "dim", check.of_whom()).end();
            html.paragraph("", &check.message);
            html.paragraph("dim", &check.remedy).end();
        }
        html.end();
    }
    let rest = [
        (
            "skipped",
            all.iter().filter(|c| c.skipped).collect::<Vec<_>>(),
        ),
        ("held", all.iter().filter(|c| c.ok).collect()),
    ];
    for (what, checks) in rest {
        if checks.is_empty() {
            continue;
        }
        let words = match what {
            "skipped" => count(checks.len(), "check was skipped", "checks were skipped"),
            _ => count(checks.len(), "check holds", "checks hold"),
        };
        html.begin_details(false).put("summary", "", &words);
        html.begin("table", "cards")
            .columns(&["code", "of", "observed"])
            .begin("tbody", "");
        for check in checks {
            html.begin("tr", "")
                .put("td", "", &check.code)
                .put("td", "", check.of_whom());
            html.begin("td", "dim").prose(&check.message).end().end();
        }
        html.end().end().end();
    }
    if all.is_empty() {
        html.paragraph("dim", "No check was judged.");
    }
    html.end();
}

/// The last runs of all nodes.
pub(super) fn last_runs(html: &mut Html, report: &SiteReport) {
    html.begin_section("runs", "Last runs");
    if report.runs.is_empty() {
        html.paragraph("dim", "No node that answered has a run in its journal.");
        html.end();
        return;
    }
    html.begin("table", "cards")
        .columns(&["when", "node", "who", "command", "ended", "commit"]);
    html.begin("tbody", "");
    for run in &report.runs {
        html.begin("tr", "")
            .put("td", "", &run.at)
            .put("td", "", &run.node);
        html.put("td", "", &run.who);
        html.begin("td", "")
            .text(&run.intent)
            .text(" ")
            .put("span", "dim", &run.run)
            .end();
        let tone = if run.ended == "ok" { "" } else { "warn" };
        html.put("td", tone, &run.ended);
        html.put("td", "dim", run.commit.get(..12).unwrap_or(&run.commit))
            .end();
    }
    html.end().end().end();
}
