//! Broken roles and templates: what is said of each, word for word.
//!
//! A case is a folder in `tests/bad/role` with what is wrong and `message.txt`. Where it brings no inventory of its own,
//! the one beside the cases is its site. `NODEWRIGHT_BLESS=1` writes the messages of now.

use nodewright::role::{Library, expand};
use nodewright::site::{Overrides, Sources, load};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn message(all: &Path, case: &Path) -> String {
    let own = case.join("inventory.toml").exists();
    let mut loaded = load(if own { case } else { all }, &Overrides::default());
    let mut findings = std::mem::take(&mut loaded.findings);
    let library = Library::load(case, &mut loaded.sources, &mut findings);
    findings.extend(library.moved(&loaded.sources));
    if let Some(site) = &loaded.site {
        for node in site.node_names() {
            for finding in expand(site, &library, node, &loaded.sources).findings {
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
    }
    let shown: Vec<_> = findings
        .iter()
        .map(|f| f.render(&loaded.sources, false))
        .collect();
    let place = |path: &Path| format!("{}/", path.display());
    shown
        .join("\n")
        .replace(&place(case), "")
        .replace(&place(all), "")
}

#[test]
fn a_role_that_is_no_text_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roles/mine.toml");
    std::fs::create_dir(dir.path().join("roles")).unwrap();
    std::fs::write(&path, b"description = \"\xff\"").unwrap();
    let mut findings = Vec::new();
    Library::load(dir.path(), &mut Sources::default(), &mut findings);
    let told: Vec<_> = findings
        .iter()
        .map(|f| (f.code, f.message.as_str()))
        .collect();
    let message = format!("{} is not text in UTF-8", path.display());
    assert_eq!(told, [("FILE", message.as_str())]);
}

#[test]
fn bad_roles_are_errors_with_their_place() {
    let all = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bad/role");
    let mut cases: Vec<_> = std::fs::read_dir(&all)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 50, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let now = message(&all, &case);
        assert!(
            now.contains("-->"),
            "{name}: nothing was found, or it has no place:\n{now}"
        );
        let golden = case.join("message.txt");
        if std::env::var_os("NODEWRIGHT_BLESS").is_some() {
            std::fs::write(&golden, &now).unwrap();
        }
        let then = std::fs::read_to_string(&golden).unwrap_or_default();
        if then != now {
            let _ = writeln!(wrong, "{name}: was\n{then}\n{name}: is\n{now}");
        }
    }
    assert_eq!(wrong, "");
}
