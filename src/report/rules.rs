//! The reference of rules, as Markdown.

use crate::rules::Rule;
use std::fmt::Write as _;

/// A section a rule: its code, how bad it is, what must hold and what happens otherwise.
pub fn rules<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> String {
    let mut text = String::from("# Rules\n");
    for rule in rules {
        let _ = writeln!(
            text,
            "\n## {}\n\n{} ({})\n\n{}",
            rule.code, rule.title, rule.severity, rule.why
        );
    }
    text
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
            check: |_, _| (),
        };
        assert_eq!(
            rules([&rule]),
            "# Rules\n\n## X-Y\n\nIt holds. (warning)\n\nOtherwise it breaks.\n"
        );
    }
}
