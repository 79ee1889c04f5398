//! Names of sites and roles do not occur in the program, and its comments name their subjects.

use std::path::{Path, PathBuf};

/// All Rust files under src, each with its path from there.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(files.len() > 200, "{}", files.len());
    files
}

/// The program's Rust files, each without its tests.
fn program() -> Vec<(PathBuf, String)> {
    let of_tests = |part: &str| {
        part == "tests"
            || part == "samples.rs"
            || part.contains("tests.rs")
            || part.ends_with("_tests")
    };
    let mut files = sources();
    files.retain(|(path, _)| !path.iter().any(|part| of_tests(part.to_str().unwrap())));
    for (_, text) in &mut files {
        let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
        text.truncate(end);
    }
    assert!(files.len() > 200, "{}", files.len());
    files
}

/// Whether a line of a comment begins with a clause or a negation in the place of a noun.
fn hides_its_subject(line: &str) -> bool {
    const CLAUSES: [&str; 7] = [
        "What", "Whatever", "Who", "Whoever", "Whose", "Nobody", "Nothing",
    ];
    let line = line.trim_start();
    let marks = ["/// ", "//! ", "// "];
    let text = marks.iter().find_map(|mark| line.strip_prefix(mark));
    let first = text.and_then(|text| text.split(' ').next());
    first.is_some_and(|word| CLAUSES.contains(&word))
}

#[test]
fn comments_name_their_subject() {
    for hidden in [
        "    /// What a step asks for.",
        "//! Who holds a node's lock.",
        "// Nobody listens there.",
    ] {
        assert!(hides_its_subject(hidden), "{hidden}");
    }
    for plain in [
        "/// The keys of the step.",
        "/// Whether it runs.",
        "let text = \"What\";",
    ] {
        assert!(!hides_its_subject(plain), "{plain}");
    }
    let mut found = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().enumerate();
        let hidden = lines.filter(|(_, line)| hides_its_subject(line));
        found.extend(hidden.map(|(i, line)| format!("src/{}:{}: {line}", path.display(), i + 1)));
    }
    assert!(
        found.is_empty(),
        "say what the item is with a noun (\"The keys of a step\", not \"What a step asks for\"):\n{}",
        found.join("\n")
    );
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
