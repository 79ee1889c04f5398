//! The schemas as the language servers taplo and tombi read them: they take every shipped file, and say of a mistake what
//! would be right. `scripts/setup.sh` brings both.

use crate::support::Desk;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The answer of a language server about a file: whether it takes it, and its messages.
fn lint(server: &str, file: &Path) -> (bool, String) {
    let program = root().join("target/editors/bin").join(server);
    assert!(program.exists(), "scripts/setup.sh brings {server}");
    let mut command = Command::new(program);
    match server {
        "taplo" => command.args(["lint", "--colors", "never"]),
        _ => command.args(["lint", "--offline"]).env("NO_COLOR", "1"),
    };
    let done = command.current_dir(root()).arg(file).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8(said).unwrap())
}

const SERVERS: [&str; 2] = ["taplo", "tombi"];

/// All role files and inventories of the repository, and those of a new site.
fn shipped(desk: &Desk) -> Vec<PathBuf> {
    assert_eq!(desk.output(&["init", "rack"]).0, 0);
    let rack = desk.site().join("rack");
    let mut files = vec![rack.join("inventory.toml"), rack.join("roles/motd.toml")];
    for entry in root().join("roles").read_dir().unwrap() {
        files.push(entry.unwrap().path());
    }
    for entry in root().join("inventory").read_dir().unwrap() {
        files.push(entry.unwrap().path().join("inventory.toml"));
    }
    files.retain(|f| f.extension().is_some_and(|e| e == "toml") && f.is_file());
    files
}

#[test]
fn every_shipped_file_is_taken_without_a_word() {
    let desk = Desk::new();
    let files = shipped(&desk);
    assert!(files.len() > 22, "{files:?}");
    for server in SERVERS {
        for file in &files {
            let (taken, said) = lint(server, file);
            let warned = ["error", "Warning"].iter().any(|w| said.contains(w));
            assert!(taken && !warned, "{server}: {}: {said}", file.display());
        }
    }
}

/// A mistake in a role or an inventory, and the words in which each server says it. No message lists alternatives.
#[test]
fn a_mistake_is_told_by_what_would_be_right() {
    let role = "description = \"A role\"\n";
    let site = "[site]\nname = \"s\"\ndomain = \"example.net\"\nplatform = \"el9\"\n";
    let cases = [
        (
            "role",
            "[[step]]\npackage = \"a\"\nstate = \"presnt\"\n",
            [r#""presnt" does not match "^(present|absent)$"#; 2],
        ),
        (
            "role",
            "[[step]]\nservice = \"a\"\nenabled = \"yes\"\n",
            [r#""yes" does not match "(?<boolean_or_template>"#; 2],
        ),
        (
            "role",
            "[[step]]\npackage = \"a\"\nmode = \"0644\"\n",
            ["'mode' was unexpected", "\"mode\" is not allowed"],
        ),
        (
            "role",
            "[[step]]\npakage = \"a\"\n",
            ["'pakage' was unexpected", "\"pakage\" is not allowed"],
        ),
        (
            "role",
            "[[step]]\nwhen = \"x\"\n",
            [r#""a kind, such as file or package" is"#; 2],
        ),
        (
            "role",
            "[[open]]\nzone = \"red\"\ntcp = true\n",
            ["true is not of types", "found Boolean"],
        ),
        (
            "site",
            "[node.n1]\nplatform = \"el5\"\n",
            [r#""el5" does not match "^(el6|"#; 2],
        ),
        (
            "site",
            "[serial]\nsped = 115200\n",
            ["'sped' was unexpected", "\"sped\" is not allowed"],
        ),
        (
            "site",
            "[accept]\nRING-DLM = { why = \"so\", until = \"soon\" }\n",
            [r#""soon" does not match "^[0-9]{4}"#; 2],
        ),
        (
            "site",
            "[cluster]\ntransport = \"udp\"\n",
            [
                r#""udp" is not one of ["multicast","udpu","knet"]"#,
                r#"one of ["multicast", "udpu", "knet"]"#,
            ],
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (which, text, wanted) in cases {
        let schema = root().join(format!("schema/{which}.json"));
        let head = if which == "role" { role } else { site };
        let file = folder.path().join("some.toml");
        let whole = format!("#:schema {}\n{head}{text}", schema.display());
        std::fs::write(&file, whole).unwrap();
        for (server, wanted) in SERVERS.iter().zip(wanted) {
            let (taken, said) = lint(server, &file);
            let plain = said.replace('`', "\"").replace("the pattern ", "");
            assert!(!taken && plain.contains(wanted), "{server}: {text}{said}");
            for alternatives in ["anyOf", "oneOf", "null"] {
                assert!(!said.contains(alternatives), "{server}: {text}{said}");
            }
        }
    }
}

/// A day without quotes is a date of TOML, which the program takes; so does each server.
#[test]
fn a_day_without_quotes_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.toml");
    let schema = root().join("schema/site.json");
    let text = "[site]\nname = \"s\"\ndomain = \"example.net\"\nplatform = \"el9\"\n[accept]\nRING-DLM = { why = \"so\", until = 2027-06-30 }\n";
    std::fs::write(&file, format!("#:schema {}\n{text}", schema.display())).unwrap();
    for server in SERVERS {
        let (taken, said) = lint(server, &file);
        assert!(taken, "{server}: {said}");
    }
}
