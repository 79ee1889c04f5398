//! The reference of roles, as Markdown.

use crate::role::Role;
use std::fmt::Write as _;

/// A section a role: its purpose, the roles before it, its variables, its checks.
pub fn roles<'a>(roles: impl IntoIterator<Item = &'a Role>) -> String {
    let mut text = String::from("# Roles\n");
    for role in roles {
        text.push_str(&section(role));
    }
    text
}

fn section(role: &Role) -> String {
    let mut text = format!("\n## {}\n\n{}.\n", role.name, role.description);
    if !role.after.is_empty() {
        let before: Vec<_> = role.after.iter().map(|r| r.value.as_str()).collect();
        let _ = writeln!(text, "\nAfter: {}.", before.join(", "));
    }
    if let Some(when) = &role.when {
        let _ = writeln!(text, "\nOnly where `{}`.", when.value);
    }
    if !role.vars.is_empty() {
        let _ = writeln!(
            text,
            "\nVariables, set under `[vars.{}]`:\n\n| name | type | default | |\n|---|---|---|---|",
            role.name
        );
    }
    for (name, var) in &role.vars {
        let default = match &var.default {
            Some(value) => format!("`{value}`"),
            None if var.required => "required".into(),
            None => String::new(),
        };
        // A line within a cell would end it.
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} |",
            var.kind.word(),
            cell(&default),
            cell(&var.doc)
        );
    }
    let mut codes: Vec<&str> = Vec::new();
    for check in &role.checks {
        if !codes.contains(&check.code.value.as_str()) {
            codes.push(&check.code.value);
        }
    }
    if !codes.is_empty() {
        let _ = writeln!(text, "\nChecks: {}.", codes.join(", "));
    }
    text
}
