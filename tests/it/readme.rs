//! What the README shows is what there is.

use crate::support::Desk;
use nodewright::exit::Exit;

const README: &str = include_str!("../../README.md");

/// The first block of README.md that is fenced as this.
fn block(language: &str) -> &'static str {
    let fence = format!("```{language}\n");
    let at = README.find(&fence).expect("a block") + fence.len();
    &README[at..at + README[at..].find("```").expect("its end")]
}

#[test]
fn its_exit_codes_are_those_of_the_program() {
    let rows: Vec<_> = README
        .lines()
        .filter_map(|l| l.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(code, _)| code.parse::<u8>().is_ok())
        .map(|(code, what)| (code.to_owned(), what.replace('`', "")))
        .collect();
    let all = Exit::ALL.map(|(exit, what)| ((exit as u8).to_string(), what.to_owned()));
    assert_eq!(rows, all);
}

#[test]
fn the_commands_it_names_are_there() {
    let (_, help, _) = Desk::new().output(&["--help"]);
    let known: Vec<&str> = help
        .lines()
        .filter_map(|l| l.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    for text in [README, include_str!("../../src/cli/starter/README.md")] {
        for rest in text.split("nodewright ").skip(1) {
            let mut words = rest.split(|c: char| !c.is_ascii_lowercase() && c != '-');
            let word = words.next().unwrap_or_default();
            // Options and what follows in prose begin otherwise.
            if word.is_empty() || word.starts_with('-') {
                continue;
            }
            assert!(known.contains(&word), "nodewright {word}: {known:?}");
        }
    }
}

#[test]
fn its_role_is_whole() {
    let desk = Desk::new();
    assert_eq!(desk.output(&["init", "mysite"]).0, 0);
    let site = desk.site().join("mysite");
    let write = |path: &str, text: &str| std::fs::write(site.join(path), text).unwrap();
    write("roles/motd.toml", block("toml"));
    write("templates/motd/motd", "{{ node.name }}: {{ vars.text }}\n");
    let inventory = std::fs::read_to_string(site.join("inventory.toml")).unwrap();
    let inventory = inventory
        .replace("[vars.motd]\ncontact = \"ops@example.net\"\n", "")
        .replace("platform = \"el9\"", "platform = \"debian12\"");
    write("inventory.toml", &inventory);
    let (code, out, err) = desk.output(&["-C", "mysite", "check"]);
    // Its nodes have no MAC addresses yet: a warning.
    assert!([0, 3].contains(&code), "{out}{err}");
    let (code, _, err) = desk.output(&["-C", "mysite", "render", "-o", "out", "node1"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(desk.read("out/node1/etc/motd"), "node1: be careful\n");
}
