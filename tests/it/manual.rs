//! The manual: every command that it prints is one of the program, and the first hour is run as it stands.

use crate::support::Desk;
use clap::Parser as _;
use nodewright::cli::Cli;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and the pages of the manual, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let mut paths = vec![
        root().join("README.md"),
        root().join("src/cli/starter/README.md"),
    ];
    for entry in root().join("docs").read_dir().unwrap() {
        paths.push(entry.unwrap().path());
    }
    paths.retain(|p| p.extension().is_some_and(|e| e == "md"));
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// The blocks of a page that are fenced without a language.
fn blocks(text: &str) -> Vec<&str> {
    let parts = text.split("```").skip(1).step_by(2);
    parts.filter_map(|block| block.strip_prefix('\n')).collect()
}

/// The words of a command line of a block, up to a remark or what a shell would do with it; none where it is no command of
/// ours.
fn words(line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    let line = line.strip_prefix("$ ").unwrap_or(line);
    // Settings of the environment come before the program.
    let at = line.find("nodewright ")?;
    let set = line[..at].split_whitespace().all(|w| w.contains('='));
    if !set || line[..at].contains('"') {
        return None;
    }
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut blanks = 0;
    for c in line[at..].chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '#' || c == '&' || c == '|' || c == '<' || c == '>' || c == ';' => break,
            None if c == ' ' => {
                blanks += 1;
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                // Text in a column of its own explains the command.
                if blanks > 2 {
                    break;
                }
                continue;
            }
            _ => word.push(c),
        }
        blanks = 0;
    }
    words.extend((!word.is_empty()).then_some(word));
    Some(words)
}

#[test]
fn every_command_that_a_page_prints_is_one() {
    let mut seen = 0;
    for (path, text) in pages() {
        for line in blocks(&text).into_iter().flat_map(str::lines) {
            let Some(words) = words(line) else { continue };
            seen += 1;
            let parsed = Cli::try_parse_from(&words);
            // The help of a command is no command that is carried out.
            let asks = words.iter().any(|w| w == "--help" || w == "--version");
            if let Err(error) = parsed.as_ref().map(|_| ()) {
                assert!(asks, "{}: {line}\n{words:?}\n{error}", path.display());
            }
        }
    }
    assert!(seen > 90, "{seen}");
}

#[test]
fn every_page_that_a_page_names_is_there() {
    for (path, text) in pages() {
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().unwrap();
            if target.starts_with("http") || target.starts_with('#') {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let named = path.parent().unwrap().join(file);
            assert!(named.exists(), "{}: {target}", path.display());
            if !anchor.is_empty() {
                let there = std::fs::read_to_string(&named).unwrap();
                let heads = there.lines().filter(|l| l.starts_with('#'));
                let mut heads = heads.map(|l| l.trim_start_matches(['#', ' ']).to_lowercase());
                let has = heads.any(|h| h.replace(' ', "-") == anchor);
                assert!(has, "{}: {target}", path.display());
            }
        }
    }
}

/// The lab is taken down also where a command before that fails.
struct Down<'a>(&'a str);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        let _ = Command::new(env!("CARGO_BIN_EXE_nodewright"))
            .args(["lab", "--name", self.0, "down"])
            .output();
    }
}

#[test]
fn the_first_hour_is_run_as_it_stands() {
    let page = std::fs::read_to_string(root().join("docs/first-hour.md")).unwrap();
    let script = blocks(&page).concat();
    let desk = Desk::new();
    let name = format!("hour{}", std::process::id());
    let _down = Down(&name);
    let folder = Path::new(env!("CARGO_BIN_EXE_nodewright"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let done = Command::new("bash")
        .args(["-euxc", &script])
        .current_dir(desk.site())
        .env("PATH", path)
        .env("HOME", desk.home())
        .env("XDG_RUNTIME_DIR", desk.home())
        .env("NODEWRIGHT_LAB_NAME", &name)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&done.stdout);
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{out}{err}");
    // What the page says of the commands: the second run has nothing to do, the plan names the file that is gone.
    assert_eq!(out.matches("Nothing to do: 2 nodes").count(), 2, "{out}");
    assert!(
        out.contains("motd/file:/etc/motd  create /etc/motd"),
        "{out}"
    );
    assert!(out.contains("+Questions: night@example.net"), "{out}");
}
