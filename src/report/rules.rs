//! The reference of rules, as Markdown.

use crate::rules::Rule;
use std::fmt::Write as _;

/// A section a rule: its code, its severity, the requirement, the consequence of breaking it and where the facts are.
pub fn rules<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> String {
    let mut text = String::from("# Rules\n");
    for rule in rules {
        let _ = writeln!(
            text,
            "\n## {}\n\n{} ({})\n\n{}",
            rule.code, rule.title, rule.severity, rule.why
        );
        if !rule.facts.is_empty() {
            let facts: Vec<_> = rule.facts.iter().map(|f| place(f)).collect();
            let _ = writeln!(text, "\nFacts: {}", facts.join(", "));
        }
    }
    text
}

/// The place where a fact stands: `membership#two-nodes` is in `docs/facts/membership.md#two-nodes`.
pub(super) fn place(fact: &str) -> String {
    format!("docs/facts/{}", fact.replacen('#', ".md#", 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Severity;

    #[test]
    fn a_rule_says_what_must_hold_and_why() {
        let rule = Rule {
            code: "X-Y",
            severity: Severity::Warning,
            title: "It holds.",
            why: "Otherwise it breaks.",
            facts: &[],
            check: |_, _| (),
        };
        let expected = "# Rules\n\n## X-Y\n\nIt holds. (warning)\n\nOtherwise it breaks.\n";
        assert_eq!(rules([&rule]), expected);
        let rule = Rule {
            facts: &["network#bonds", "membership#two-nodes"],
            ..rule
        };
        let facts = "\nFacts: docs/facts/network.md#bonds, docs/facts/membership.md#two-nodes\n";
        assert_eq!(rules([&rule]), format!("{expected}{facts}"));
    }
}
