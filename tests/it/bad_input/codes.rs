//! Every code of a finding has an example that leads to it: of a rule in the rules' own tests, of anything else under
//! `tests/bad`, or in a test that is named here.

use crate::architecture::{code, rust_files};
use nodewright::rules;
use regex_lite::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What needs more than an inventory and a role, and the test that shows it.
const ELSEWHERE: [(&str, &str); 8] = [
    ("CONFLICT", "tests/it/engine.rs"),
    ("FILE", "tests/it/bad_role.rs"),
    ("INSTALL", "tests/it/kickstart.rs"),
    ("KNOCK-SEQUENCE", "tests/it/cli_secret.rs"),
    ("ROLE-OWN-ONLY", "src/role/library.rs"),
    ("SECRET-ABSENT", "tests/it/cli_secret.rs"),
    ("SITE-FILE", "tests/it/cli.rs"),
    ("VARS-IDLE", "src/survey/mod.rs"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The codes of findings that the program makes, without those of rules.
fn codes() -> BTreeSet<String> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let code: String = files.iter().map(|file| code(file)).collect();
    let constant = Regex::new(r#"const ([A-Z_]+): &str = "([A-Z0-9.-]+)";"#).unwrap();
    let made = Regex::new(r"Finding::(?:error|warning)\(\s*([^,]*),").unwrap();
    let of_rules: BTreeSet<&str> = rules::all().map(|rule| rule.code).collect();
    let words = made.captures_iter(&code).map(|found| found[1].to_owned());
    let codes = words.map(|word| {
        if let Some(literal) = word.strip_prefix('"').and_then(|w| w.strip_suffix('"')) {
            return literal.to_owned();
        }
        let of_name = constant.captures_iter(&code).find(|c| c[1] == word);
        of_name.map_or_else(
            || panic!("`{word}` is no code that can be read here"),
            |c| c[2].to_owned(),
        )
    });
    // A rule's finding gets its code from the rule.
    codes
        .filter(|code| !code.is_empty() && !of_rules.contains(code.as_str()))
        .collect()
}

fn messages(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            messages(&path, text);
        } else if path.extension().is_some_and(|end| end == "txt") {
            *text += &std::fs::read_to_string(path).unwrap();
        }
    }
}

#[test]
fn every_code_has_an_example() {
    let codes = codes();
    assert!(codes.len() > 25, "{codes:?}");
    let mut text = String::new();
    messages(&root().join("tests/bad"), &mut text);
    let missing: Vec<&String> = codes
        .iter()
        .filter(|code| !text.contains(&format!("[{code}]: ")))
        .filter(|code| !ELSEWHERE.iter().any(|(known, _)| known == code))
        .collect();
    assert_eq!(missing, [""; 0]);
    for (code, file) in ELSEWHERE {
        assert!(codes.contains(code), "{code} is made nowhere");
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let shown = [format!("[{code}]: "), format!("\"{code}\"")];
        assert!(
            shown.iter().any(|word| text.contains(word)),
            "{file} does not show {code}"
        );
    }
}

/// Every code that a command prints is explained, and nothing is explained that no command prints.
#[test]
fn every_code_is_explained() {
    let explained: BTreeSet<String> = nodewright::survey::CODES
        .iter()
        .map(|(code, _)| (*code).to_owned())
        .collect();
    assert_eq!(explained, codes());
    let long = |(_, meaning): &&(&str, &str)| meaning.len() < 20 || !meaning.ends_with(['.', 's']);
    assert_eq!(nodewright::survey::CODES.iter().find(long), None);
    let words: Vec<&str> = ["explain"]
        .into_iter()
        .chain(rules::all().map(|r| r.code))
        .chain(nodewright::survey::CODES.iter().map(|(code, _)| *code))
        .collect();
    let (code, out, err) = crate::support::Desk::new().output(&words);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for word in &words[1..] {
        assert!(out.contains(&format!("{word}  a ")), "{word}");
    }
    assert!(out.lines().all(|l| l.chars().count() <= 80), "{out}");
    let (code, _, err) = crate::support::Desk::new().output(&["explain", "RING-DML"]);
    assert_eq!(code, 64);
    assert!(
        err.contains("nothing has the code RING-DML; did you mean RING-DLM?"),
        "{err}"
    );
}

/// Every code of a check in the text of the shipped roles, the one that `verify` makes itself, and every exit code that the
/// readme lists have a page, without a site.
#[test]
fn every_check_and_exit_code_is_explained() {
    let code = Regex::new(r#"(?m)^\s*code\s*=\s*"([A-Z0-9-]+)""#).unwrap();
    let mut checks = BTreeSet::from(["FILE-CHANGED".to_owned()]);
    for entry in std::fs::read_dir(root().join("roles")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") {
            let text = std::fs::read_to_string(path).unwrap();
            checks.extend(code.captures_iter(&text).map(|c| c[1].to_owned()));
        }
    }
    assert!(checks.len() > 50, "{checks:?}");
    let row = Regex::new(r"(?m)^\| (\d+) \| (.+) \|$").unwrap();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let exits: Vec<String> = row
        .captures_iter(&readme)
        .map(|c| c[1].to_owned())
        .collect();
    assert!(exits.len() > 10, "{exits:?}");
    let desk = crate::support::Desk::new();
    for (word, kind) in checks
        .iter()
        .map(|c| (c, "a check of "))
        .chain(exits.iter().map(|c| (c, "an exit code: ")))
    {
        let (code, out, err) = desk.output(&["explain", word]);
        assert_eq!((code, err.as_str()), (0, ""), "{word}");
        assert!(out.starts_with(&format!("{word}  {kind}")), "{out}");
        assert!(out.lines().count() > 1, "{word} has no page: {out}");
        assert!(out.lines().all(|l| l.chars().count() <= 80), "{out}");
    }
    let (code, _, err) = desk.output(&["explain", "9"]);
    assert_eq!(code, 64);
    assert!(err.contains("nothing has the code 9"), "{err}");
}
