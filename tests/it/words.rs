//! Names that a site or a role gives must not stand in the program.

use std::path::{Path, PathBuf};

/// The program's Rust files, each without its tests.
fn program() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let tests = name == "tests"
                || name == "samples.rs"
                || name.contains("tests.rs")
                || name.ends_with("_tests");
            if tests {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
                files.push((path, text[..end].to_owned()));
            }
        }
    }
    assert!(files.len() > 200, "{}", files.len());
    files
}

/// The words of a text: runs of letters.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_ascii_alphabetic())
        .map(str::to_lowercase)
}

#[test]
fn no_zone_is_known_by_its_name() {
    const COLOURS: [&str; 7] = ["red", "green", "blue", "grey", "gray", "yellow", "orange"];
    let colour = |text: &str| words(text).find(|w| COLOURS.contains(&w.as_str()));
    // The terminal's own colours, and whose name is Red Hat.
    let other = |line: &str| {
        line.contains("AnsiColor::")
            || line.contains("paint.")
            || line.contains("fn ")
            || line.contains("Red Hat")
    };
    for (path, text) in program() {
        for line in text.lines().filter(|line| !other(line)) {
            assert_eq!(colour(line), None, "{}: {line}", path.display());
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for below in ["roles", "templates"] {
        let mut folders = vec![root.join(below)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                assert_eq!(colour(&text), None, "{}", path.display());
            }
        }
    }
}

/// The names of the shipped roles.
fn roles() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("roles");
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|f| f.unwrap().path().file_stem().unwrap().to_owned());
    names.map(|n| n.into_string().unwrap()).collect()
}

#[test]
fn no_role_is_known_by_its_name() {
    let roles = roles();
    assert!(roles.len() > 5);
    // A role's name beside a word for roles or for their variables; a kind or a table of the inventory may be called so.
    let about = |text: &str| words(text).any(|w| matches!(w.as_str(), "role" | "roles" | "vars"));
    // What templates see is called so too.
    let seen = |line: &str| line.contains(".set(\"") || line.contains("\"members\", \"peers\"");
    for (path, text) in program() {
        let lines: Vec<&str> = text.lines().filter(|line| !seen(line)).collect();
        for (i, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let near = lines[i.saturating_sub(2)..=i].join(" ");
            for role in &roles {
                let named = code.contains(&format!("\"{role}\""));
                assert!(!(named && about(&near)), "{}: {line}", path.display());
            }
        }
    }
}
