//! Explains a code in a few lines.

use super::OutputStyle;
use super::style::Tone;
use crate::exit::Exit;
use crate::role::Role;
use crate::rules::Rule;
use crate::verify::FILE_CHANGED;

/// A rule: its requirement, the consequence of breaking it, and where the facts are.
pub fn explain_rule(rule: &Rule, style: &OutputStyle) -> String {
    let facts: Vec<_> = rule
        .facts
        .iter()
        .map(|fact| super::rules::place(fact))
        .collect();
    let mut text = head(
        rule.code,
        &format!("a rule of sites, {}", rule.severity),
        style,
    );
    text.push_str(&style.wrap(2, Tone::Plain, rule.title));
    text.push_str(&style.wrap(2, Tone::Plain, rule.why));
    if !facts.is_empty() {
        text.push_str(&style.wrap(2, Tone::Dim, &format!("Facts: {}", facts.join(", "))));
    }
    text
}

/// A finding of a site's text, roles or files.
pub fn explain_finding(code: &str, meaning: &str, style: &OutputStyle) -> String {
    head(code, "a finding of `nodewright check`", style) + &style.wrap(2, Tone::Plain, meaning)
}

/// The check of files that were changed by hand, which no role asks for.
pub fn explain_changed_files(style: &OutputStyle) -> String {
    let meaning = "A file that an earlier run wrote is no longer as it was written: somebody or something else changed \
                   it since.";
    let remedy =
        "Remedy: `nodewright plan` shows what was changed, `nodewright apply` puts it back.";
    head(
        FILE_CHANGED,
        "a check of `nodewright verify` itself, warning, asked of node",
        style,
    ) + &style.wrap(2, Tone::Plain, meaning)
        + &style.wrap(2, Tone::Plain, remedy)
}

/// An exit code.
pub fn explain_exit(exit: Exit, short: &str, style: &OutputStyle) -> String {
    let code = (exit as u8).to_string();
    head(&code, &format!("an exit code: {short}"), style)
        + &style.wrap(2, Tone::Plain, exit.meaning())
}

/// The checks of a role with this code: their questions, and the remedies where they fail.
pub fn explain_check(code: &str, role: &Role, style: &OutputStyle) -> String {
    let mut text = String::new();
    for check in role.checks.iter().filter(|c| c.code.value == code) {
        let what = format!(
            "a check of role {}, {}, asked of {}",
            role.name, check.severity, check.scope
        );
        text.push_str(&head(code, &what, style));
        for (key, what) in [("of", "Reads: "), ("remedy", "Remedy: ")] {
            let value = check.own.get(key).and_then(|(_, tree)| tree.as_str());
            if let Some(value) = value {
                text.push_str(&style.wrap(2, Tone::Plain, &format!("{what}{value}")));
            }
        }
    }
    text
}

fn head(code: &str, what: &str, style: &OutputStyle) -> String {
    format!(
        "{}  {}\n",
        style.paint(Tone::Strong, code),
        style.paint(Tone::Dim, what)
    )
}
