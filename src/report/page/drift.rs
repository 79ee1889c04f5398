//! The plan on the page: its differences are folded where there are many.

use crate::plan::{Change, Diff, FileDiff, Later, NodePlan, Orphan, Plan, Remark, Unshown, Weight};
use crate::report::OutputStyle;
use crate::report::Tone;
use crate::report::html::Html;
use crate::report::plan::{alike, changes, first_role, roles, sign, summary};

/// The number of changes that are shown with their differences unfolded.
const SHORT: usize = 8;

/// The section.
pub(super) fn section(html: &mut Html, plan: &Plan) {
    html.begin_section("drift", "Drift");
    html.paragraph("", summary(plan, &OutputStyle::default()).trim_end());
    for older in &plan.older {
        html.paragraph("bad", older);
    }
    let all: usize = plan.nodes.iter().map(|n| changes(n).count()).sum();
    let mut shown: Vec<(&str, &Change)> = Vec::new();
    for of in &plan.nodes {
        node(html, of, &shown, all <= SHORT);
        shown.extend(of.changes.iter().map(|c| (of.node.as_str(), c)));
    }
    html.end();
}

fn node(html: &mut Html, plan: &NodePlan, shown: &[(&str, &Change)], open: bool) {
    let quiet = plan.is_empty() && plan.waiting.is_empty() && plan.orphans.is_empty();
    if quiet && plan.findings.is_empty() && plan.refusals.is_empty() {
        return;
    }
    html.put("h3", "", &plan.node);
    remarks(html, "Refused", "bad", &plan.refusals);
    for role in roles(plan) {
        html.begin("h4", "").text("role ").text(role).end();
        for one in changes(plan).filter(|c| first_role(&c.addresses) == role) {
            change(html, one, shown, open);
        }
        for later in plan
            .later
            .iter()
            .filter(|l| first_role(&l.addresses) == role)
        {
            decided_later(html, later, open);
        }
    }
    if !plan.waiting.is_empty() {
        html.put("h4", "", "In progress").begin("ul", "points");
        for waiting in &plan.waiting {
            html.put("li", "later", &waiting.to_string());
        }
        html.end();
    }
    remarks(
        html,
        "Findings, which a run does not mend",
        "warn",
        &plan.findings,
    );
    if !plan.orphans.is_empty() {
        html.put("h4", "", "Orphans").begin("ul", "points");
        for orphan in &plan.orphans {
            left(html, orphan);
        }
        html.end();
    }
}

fn remarks(html: &mut Html, heading: &str, tone: &'static str, all: &[Remark]) {
    if all.is_empty() {
        return;
    }
    html.put("h4", "", heading).begin("ul", "points");
    for remark in all {
        html.begin("li", tone);
        html.begin("p", "")
            .put("strong", "", &remark.address.to_string())
            .end();
        html.paragraph("", &remark.what);
        html.paragraph("dim", &remark.remedy).end();
    }
    html.end();
}

fn left(html: &mut Html, orphan: &Orphan) {
    let (tone, word) = if orphan.removed {
        ("bad", "is removed: ")
    } else {
        ("", "is left: ")
    };
    html.begin("li", tone)
        .put("strong", "", &orphan.address.to_string());
    html.text(" ").text(word).text(&orphan.why).end();
}

/// The class of a tone of the terminal.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Change => "warn",
        Tone::Later => "later",
        Tone::Dim => "dim",
        Tone::Plain | Tone::Strong => "",
    }
}

fn heading(html: &mut Html, sign: (char, Tone), addresses: &[crate::kind::Address], title: &str) {
    html.begin("summary", "");
    html.put("code", class(sign.1), &sign.0.to_string())
        .text(" ");
    let mut addresses = addresses.iter().map(ToString::to_string);
    html.put("strong", "", &addresses.next().unwrap_or_default());
    html.text(" ").text(title);
    let others: Vec<String> = addresses.collect();
    if !others.is_empty() {
        html.put("span", "dim", &format!(", also for {}", others.join(", ")));
    }
    html.end();
}

fn change(html: &mut Html, change: &Change, shown: &[(&str, &Change)], open: bool) {
    let guarded = if change.guarded { ", guarded" } else { "" };
    html.begin_details(open);
    heading(
        html,
        sign(change),
        &change.addresses,
        &format!("{}{guarded}", change.title),
    );
    if let Some(held) = &change.held {
        html.paragraph("later", &held.to_string());
    }
    if let Some((node, _)) = shown.iter().find(|(_, c)| alike(c, change)) {
        html.paragraph("dim", &format!("the same as on {node}"))
            .end();
        return;
    }
    for delta in &change.deltas {
        let words = match (delta.from.as_str(), delta.to.as_str()) {
            ("", to) => format!("{}: {to}", delta.what),
            (from, "") => format!("{}: {from} → nothing", delta.what),
            (from, to) => format!("{}: {from} → {to}", delta.what),
        };
        html.begin("p", "").text(&words).end();
    }
    diffs(html, &change.diffs);
    html.end();
}

fn decided_later(html: &mut Html, later: &Later, open: bool) {
    html.begin_details(open);
    let title = format!("decided after {}", later.after);
    heading(html, ('?', Tone::Later), &later.addresses, &title);
    if let Some(held) = &later.held {
        html.paragraph("later", &held.to_string());
    }
    for row in later.table.split(['\n', ';']).map(str::trim) {
        html.begin("p", "").text(row).end();
    }
    if !later.diffs.is_empty() {
        html.paragraph("dim", "as things are now:");
        diffs(html, &later.diffs);
    }
    html.end();
}

fn diffs(html: &mut Html, diffs: &[FileDiff]) {
    for FileDiff { path, diff } in diffs {
        html.begin("p", "dim").text(path).end();
        match diff {
            Diff::Secret => {
                html.paragraph("dim", "It holds a secret: not shown.");
            }
            Diff::Text(text) => {
                html.begin("pre", "");
                for line in text.lines().skip_while(|l| !l.starts_with("@@")) {
                    let tone = match line.as_bytes().first() {
                        Some(b'+') => "good",
                        Some(b'-') => "bad",
                        Some(b'@') => "later",
                        Some(b'\\') => "dim",
                        _ => "",
                    };
                    html.put("span", tone, line);
                }
                html.end();
            }
            Diff::Whole { why, before, after } => {
                let why = match why {
                    Unshown::Binary => "not text",
                    Unshown::Long => "too long to be shown by lines",
                };
                html.begin("pre", "").put("span", "dim", why);
                for (sign, tone, weight) in [('-', "bad", before), ('+', "good", after)] {
                    if let Some(Weight { bytes, sha256 }) = weight {
                        html.put(
                            "span",
                            tone,
                            &format!("{sign}{bytes} bytes, sha256 {sha256}"),
                        );
                    }
                }
                html.end();
            }
        }
    }
}
