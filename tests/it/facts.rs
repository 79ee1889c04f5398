//! What is said to be known of other software stands in `docs/facts`, and nothing cites a paper that is not here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every text of the repository that people read: path within it, content.
fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut left: Vec<PathBuf> = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Makefile",
        "node-tools.toml",
        "benches",
        "docs",
        "fuzz/corpus",
        "fuzz/src",
        "inventory",
        "roles",
        "scripts",
        "src",
        "templates",
        "tests",
    ]
    .map(|name| root.join(name))
    .into();
    let mut found = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder that can be read");
            left.extend(entries.map(|e| e.expect("an entry").path()));
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).expect("a path within it");
            found.push((path.to_owned(), text));
        }
    }
    found
}

/// The anchor that Markdown makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Every section of `docs/facts`: `membership#two-nodes`.
fn sections(texts: &[(PathBuf, String)]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (path, text) in texts {
        let Ok(file) = path.strip_prefix("docs/facts") else {
            continue;
        };
        let file = file.file_stem().expect("a name").to_string_lossy();
        for heading in text.lines().filter_map(|l| l.strip_prefix("## ")) {
            let section = format!("{file}#{}", anchor(heading));
            assert!(all.insert(section.clone()), "{section} stands twice");
        }
    }
    all
}

/// The sections that rules and texts cite, each with where it is cited.
fn cited(texts: &[(PathBuf, String)]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for rule in nodewright::rules::all() {
        let facts = rule.facts.iter();
        all.extend(facts.map(|fact| (format!("rule {}", rule.code), (*fact).to_owned())));
    }
    for (path, text) in texts.iter().filter(|(path, _)| !is_this(path)) {
        for rest in text.split("docs/facts/").skip(1) {
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_#".contains(c);
            let Some((file, rest)) = rest.split_once(".md") else {
                continue;
            };
            if file.chars().all(|c| c.is_ascii_lowercase()) {
                let section = &rest[..rest.find(|c| !word(c)).unwrap_or(rest.len())];
                all.push((path.display().to_string(), format!("{file}{section}")));
            }
        }
    }
    all
}

fn is_this(path: &Path) -> bool {
    path == Path::new("tests/it/facts.rs") || path == Path::new("src/report/rules.rs")
}

#[test]
fn every_fact_that_is_cited_is_there() {
    let texts = texts();
    let known = sections(&texts);
    let lost: Vec<_> = cited(&texts)
        .into_iter()
        .filter(|(_, section)| !known.contains(section))
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn every_fact_that_is_there_is_cited() {
    let texts = texts();
    let cited: BTreeSet<_> = cited(&texts).into_iter().map(|(_, s)| s).collect();
    let idle: Vec<_> = sections(&texts)
        .into_iter()
        .filter(|section| !cited.contains(section))
        .collect();
    assert!(idle.is_empty(), "nothing leans on {idle:#?}");
}

#[test]
fn every_fact_says_how_it_is_known() {
    let known = [
        "ran",
        "source:",
        "documentation:",
        "not confirmed",
        "reasoned",
        "calculated",
    ];
    for (path, text) in texts().iter().filter(|(p, _)| p.starts_with("docs/facts")) {
        for section in text.split("\n## ").skip(1) {
            for item in section.split("\n- ").skip(1) {
                let item = item.split("\n\n").next().expect("a part").trim_end();
                assert!(
                    item.ends_with(')') && known.iter().any(|k| item.contains(&format!("({k}"))),
                    "{}: {item}",
                    path.display()
                );
            }
        }
    }
}

/// Words that cite a paper, and whether a digit has to follow.
const PAPERS: [(&str, bool); 17] = [
    ("reference.md", false),
    ("features.md", false),
    ("house.md", false),
    ("design.md", false),
    ("further issue", false),
    ("document 0", true),
    ("nvariant ", true),
    ("nvariants ", true),
    ("ssue ", true),
    ("ssues ", true),
    ("ssue #", true),
    ("romise ", true),
    ("S0-", true),
    ("S1-", true),
    ("S2-", true),
    ("S3-", true),
    ("S4-", true),
];

#[test]
fn no_text_cites_a_paper_that_is_not_here() {
    let cites = |text: &str| {
        PAPERS.iter().any(|(word, number)| {
            let mut behind = text
                .match_indices(word)
                .map(|(at, _)| &text[at + word.len()..]);
            behind.any(|rest| !number || rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    let mut found = Vec::new();
    for (path, text) in texts().iter().filter(|(path, _)| !is_this(path)) {
        let lines = text.lines().enumerate().filter(|(_, line)| cites(line));
        found.extend(lines.map(|(i, line)| format!("{}:{}: {line}", path.display(), i + 1)));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_rule_is_explained_in_sentences_without_numbers_of_a_paper() {
    let number = |text: &str| {
        let mut behind = text.split('(').skip(1);
        behind.any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    for rule in nodewright::rules::all() {
        for text in [rule.title, rule.why] {
            assert!(!number(text), "{}: {text}", rule.code);
            assert!(
                text.ends_with('.') && text.contains(' '),
                "{}: {text}",
                rule.code
            );
        }
    }
}
