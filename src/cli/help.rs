//! The help: commands in groups, options, examples, exit codes.

use super::GROUPS;
use crate::exit::Exit;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Command, CommandFactory as _};
use std::fmt::Write as _;

/// Examples of first commands.
const EXAMPLES: [(&str, &str); 4] = [
    ("nodewright init cluster", "create a starter site"),
    ("nodewright check", "check the site for errors"),
    ("nodewright plan", "show what would change on the nodes"),
    (
        "nodewright apply node1 --only 'base/*'",
        "apply one role to one node",
    ),
];

/// The whole command line.
pub fn command() -> Command {
    let command = super::Cli::command().styles(styles());
    let listing = listing(&command);
    let heading = styles().get_header().to_owned();
    command
        .help_template(format!(
            "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{listing}{heading}Options:{heading:#}\n{{options}}{{after-help}}"
        ))
        .after_help("Examples and exit codes: `nodewright --help`. One command: `nodewright COMMAND --help`.")
        .after_long_help(format!(
            "{heading}Examples:{heading:#}\n{}\n{heading}Exit codes:{heading:#}\n{}",
            examples(),
            exit_codes()
        ))
}

fn styles() -> Styles {
    Styles::styled()
        .header(AnsiColor::Yellow.on_default().bold())
        .usage(AnsiColor::Yellow.on_default().bold())
        .literal(AnsiColor::Green.on_default())
        .placeholder(AnsiColor::Cyan.on_default())
}

fn examples() -> String {
    EXAMPLES
        .iter()
        .fold(String::new(), |mut text, (line, what)| {
            let _ = writeln!(text, "  {line:<38}  {what}");
            text
        })
}

/// The exit codes, a line each.
pub fn exit_codes() -> String {
    Exit::ALL
        .iter()
        .fold(String::new(), |mut text, (exit, what)| {
            let _ = writeln!(text, "  {:>3}  {what}", *exit as u8);
            text
        })
}

fn listing(command: &Command) -> String {
    let (heading, literal) = (
        styles().get_header().to_owned(),
        styles().get_literal().to_owned(),
    );
    let mut text = String::new();
    for (group, names) in GROUPS {
        let _ = writeln!(text, "{heading}{group}:{heading:#}");
        for name in *names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let about = about.trim_end_matches('.');
            let _ = writeln!(text, "  {literal}{name:<14}{literal:#} {about}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    #[test]
    fn every_command_stands_in_one_group() {
        let command = command();
        let mut visible: Vec<_> = command
            .get_subcommands()
            .filter(|c| !c.is_hide_set())
            .map(Command::get_name)
            .collect();
        let mut grouped: Vec<_> = GROUPS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        visible.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(visible, grouped);
    }

    /// All files below a folder.
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(path);
            }
        }
    }

    /// Texts name only commands that exist; a remedy for one node names that node.
    #[test]
    fn every_command_that_a_text_names_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = vec![root.join("README.md")];
        for folder in ["src", "roles", "docs", "templates"] {
            files(&root.join(folder), &mut found);
        }
        let command = command();
        let mark = format!("{}nodewright ", '`');
        let mut named = 0;
        for file in found {
            let Ok(text) = std::fs::read_to_string(&file) else {
                continue;
            };
            for (at, _) in text.match_indices(&mark) {
                let line = text[at..].lines().next().unwrap();
                let mut words = line[mark.len()..]
                    .split([' ', '`'])
                    .skip_while(|w| w.starts_with('-'));
                let name = words.next().unwrap_or_default();
                if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
                    continue;
                }
                named += 1;
                let known = command.get_subcommands().any(|c| c.get_name() == name);
                assert!(known, "{}: {line}", file.display());
                let found_on_one = file.starts_with(root.join("src/kinds")) && name == "run";
                assert!(
                    !found_on_one || words.next() != Some("--"),
                    "{}: {line}",
                    file.display()
                );
            }
        }
        assert!(named > 50, "{named}");
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
