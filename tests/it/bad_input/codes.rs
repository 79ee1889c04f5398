//! Every code of a finding has an example that leads to it: of a rule in the rules' own tests, of anything else under
//! `tests/bad`, or in a test that is named here.

use crate::architecture::{code, rust_files};
use nodewright::rules;
use regex_lite::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What needs more than an inventory and a role, and the test that shows it.
const ELSEWHERE: [(&str, &str); 7] = [
    ("CONFLICT", "tests/it/engine.rs"),
    ("FILE", "tests/it/bad_role.rs"),
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
        .chain(["TIME-SYNC", "FENCE-ANSWERS"])
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
