//! What a help says to write is right when it is written so: each help of every broken inventory and role, taken
//! literally.

use nodewright::rules;
use nodewright::site::words::types::{Date, Word as _};
use nodewright::site::{Finding, Overrides, Severity, Sources, load};
use nodewright::survey::Survey;
use regex_lite::Regex;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Words of helps that name something and give nothing to write in the place that is pointed at.
const NOTHING_TO_WRITE: [&str; 26] = [
    "for example `expect = ",
    "leave it empty, ",
    "for example `managed = ",
    "write a role ",
    "write it on one line",
    "write one behind ",
    "write `[vars.",
    "give it a ",
    "for example `192.0.2.5`",
    "keep one of ",
    "put ",
    "name it in ",
    "name one, ",
    "name three or more in ",
    "a code is made of ",
    "a resource is named ",
    "a name begins with ",
    "a table's name ends with ",
    "compare the two: ",
    "it belongs at the top of the file",
    "leave it out",
    "set it there",
    "text begins and ends with ",
    "the serial line is described by ",
    "use a newer ",
    "every way that the guard confirms",
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/bad")
        .join(name)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

/// Every case as a site in a folder of its own, with its name.
fn sites() -> Vec<(String, tempfile::TempDir)> {
    let mut sites = Vec::new();
    let mut add = |path: &Path, fill: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path());
        sites.push((
            path.file_name().unwrap().to_string_lossy().into_owned(),
            dir,
        ));
    };
    for entry in std::fs::read_dir(folder("inventory")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            add(&path, &|dir| {
                std::fs::copy(&path, dir.join("inventory.toml")).unwrap();
            });
        }
    }
    for entry in std::fs::read_dir(folder("role")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(&path, &|dir| {
                std::fs::copy(
                    folder("role").join("inventory.toml"),
                    dir.join("inventory.toml"),
                )
                .unwrap();
                copy(&path, dir);
            });
        }
    }
    sites.sort_by(|a, b| a.0.cmp(&b.0));
    sites
}

/// What is told of a site. Of an inventory that is wrong no role is read.
fn told(dir: &Path) -> (Sources, Vec<Finding>) {
    let today = Date::parse("2026-12-01").unwrap();
    if dir.join("roles").exists() || dir.join("templates").exists() {
        let survey = Survey::of(dir, &Overrides::default(), &today);
        return (survey.sources, survey.findings);
    }
    let loaded = load(dir, &Overrides::default());
    let findings = match loaded.sound() {
        Some(site) => rules::run(site, &today).findings,
        None => loaded.findings.clone(),
    };
    (loaded.sources, findings)
}

/// What a help says to write, piece by piece; nothing where it says none, or leaves a part to the reader.
fn literal(help: &str) -> Vec<String> {
    if NOTHING_TO_WRITE.iter().any(|w| help.starts_with(w)) {
        return Vec::new();
    }
    let code = Regex::new("`([^`]+)`").unwrap();
    let said = help.split("; ").next().unwrap();
    let said = said.split(", or add ").next().unwrap();
    let all: Vec<String> = code.captures_iter(said).map(|c| c[1].to_owned()).collect();
    let open = |text: &String| {
        let capitals = Regex::new(r"\b[A-Z]{3,}\b").unwrap();
        text.contains('…')
            || text.contains("\\uXXXX")
            || text.starts_with("nodewright ")
            || text.contains("= {") && capitals.is_match(text)
    };
    // Several that belong together are no help each for itself.
    if said.contains("` and `") {
        return Vec::new();
    }
    all.into_iter().filter(|t| !open(t)).collect()
}

/// The text with the piece written where the finding points.
fn written(text: &str, at: &Range<usize>, help: &str, piece: &str) -> Option<String> {
    let old = &text[at.clone()];
    let put = |range: Range<usize>, new: &str| {
        Some(format!(
            "{}{new}{}",
            &text[..range.start],
            &text[range.end..]
        ))
    };
    let line = text[..at.start].rfind('\n').map_or(0, |n| n + 1);
    if help.starts_with("add ") {
        if !piece.contains('=') {
            return None;
        }
        // Into the table that is pointed at: behind its brace, also where only its name is pointed at, or below its name.
        let rest = text[at.start..].lines().next().unwrap_or_default();
        let named = rest[old.len().min(rest.len())..]
            .trim_start()
            .starts_with("= {");
        if let Some(brace) = rest.find('{').filter(|_| named || old.contains('{')) {
            let after = at.start + brace + 1;
            return put(after..after, &format!(" {piece}, "));
        }
        let end = text[at.start..]
            .find('\n')
            .map_or(text.len(), |n| at.start + n + 1);
        return put(end..end, &format!("{piece}\n"));
    }
    let pair = Regex::new("^[a-z_.]+ = ").unwrap();
    if pair.is_match(piece) {
        // The key is behind a comma, a brace or the line's beginning.
        let before = &text[line..at.start];
        let start = before.rfind([',', '{']).map_or(line, |n| line + n + 1);
        return put(start..at.end, &format!(" {piece}"));
    }
    let quoted = |q: char| old.starts_with(q) && old.ends_with(q) && old.len() > 1;
    if !piece.starts_with(['"', '\'', '[', '{']) && (quoted('"') || quoted('\'')) {
        return put(at.start + 1..at.end - 1, piece);
    }
    put(at.clone(), piece)
}

/// Cases whose finding points at a whole value, of which the help writes a part or the key before it.
const POINTS_ELSEWHERE: [&str; 2] = ["site-unknown", "variable-of-site-unknown"];

#[test]
fn each_help_taken_literally_passes_check() {
    let (mut tried, mut wrong) = (0, Vec::new());
    let mut known = BTreeSet::new();
    // A site in which much is wrong at once has more to say after each help.
    for (case, dir) in sites()
        .into_iter()
        .filter(|(case, _)| case != "all-at-once" && !POINTS_ELSEWHERE.contains(&case.as_str()))
    {
        let (sources, findings) = told(dir.path());
        for finding in &findings {
            let (Some(help), Some(place)) = (&finding.help, finding.place) else {
                continue;
            };
            let path = PathBuf::from(finding.location(&sources).unwrap().file);
            if !path.starts_with(dir.path()) || !known.insert((finding.code, help.clone())) {
                continue;
            }
            let text = sources.text(place.file).to_owned();
            for piece in literal(help) {
                let Some(better) = written(&text, &(place.start..place.end), help, &piece) else {
                    continue;
                };
                std::fs::write(&path, &better).unwrap();
                let (now, after) = told(dir.path());
                tried += 1;
                let line = |f: &Finding, s: &Sources| {
                    f.location(s).map(|l| (PathBuf::from(l.file), l.line))
                };
                let at = line(finding, &sources);
                let same = |f: &Finding| {
                    line(f, &now) == at && (f.code, &f.message) == (finding.code, &finding.message)
                };
                let new = |f: &Finding| {
                    line(f, &now) == at && !findings.iter().any(|b| b.message == f.message)
                };
                let still = |f: &&Finding| f.severity == Severity::Error && (same(f) || new(f));
                if let Some(f) = after.iter().find(still) {
                    let told = f.render(&now, false);
                    wrong.push(format!("{case}: `{piece}` of \"{help}\" leads to\n{told}"));
                }
            }
            std::fs::write(&path, &text).unwrap();
        }
    }
    let count = wrong.len();
    assert!(wrong.is_empty(), "{}\n{count} of {tried}", wrong.join("\n"));
    assert!(tried > 90, "{tried}");
}
