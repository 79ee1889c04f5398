//! Zones are known by what the site says of them, not by their names: a site that calls them otherwise gets the same.

use nodewright::role::files;
use nodewright::site::Overrides;
use nodewright::site::words::types::{Date, Word as _};
use nodewright::survey::Survey;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

const CROSSLINK: &str = include_str!("../../inventory/crosslink/inventory.toml");
const BONDED: &str = include_str!("../../inventory/bonded/inventory.toml");

/// The examples' names and others, which fit every release.
const NAMES: [(&str, &str); 6] = [
    ("red", "mgmt"),
    ("grey", "storage"),
    ("yellow", "ring"),
    ("green", "lan"),
    ("blue", "project"),
    ("orange", "oob"),
];

/// A text with the examples' names replaced where they are words of their own, in small or capital letters. Columns may
/// be wider, so runs of blanks are one.
pub fn renamed(text: &str) -> String {
    let text = text.replace("\\n", "\n").replace("\\t", "\t");
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let small = word.to_ascii_lowercase();
        match NAMES.iter().find(|(old, _)| *old == small) {
            Some((_, new)) if small == word => out.push_str(new),
            Some((_, new)) => out.push_str(&new.to_ascii_uppercase()),
            None => out.push_str(&word),
        }
        word.clear();
        if !(c == ' ' && out.ends_with(' ')) {
            out.push(c);
        }
    }
    out
}

/// Everything that follows from a site: its findings, the files, resources, checks and ports of each node.
fn everything(text: &str) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("inventory.toml"), text).unwrap();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let overrides = Overrides {
        known_hosts: Some(root.join("tests/site-keys/known_hosts")),
        root_keys: Some(root.join("tests/site-keys")),
        ..Overrides::default()
    };
    let today = Date::parse("2026-12-01").unwrap();
    let survey = Survey::of(dir.path(), &overrides, &today);
    let site = survey.site.as_ref().expect("it is a site");
    let mut out = BTreeMap::new();
    for (node, expansion) in &survey.nodes {
        for (path, content) in files(&expansion.resources) {
            out.insert(format!("{node}{path}"), renamed(&content.masked()));
        }
        let mut asked = String::new();
        for resource in &expansion.resources {
            let _ = writeln!(asked, "{} {}", resource.address, resource.value);
        }
        for check in &expansion.checks {
            let _ = writeln!(asked, "{} {:?} {:?}", check.code, check.of, check.expect);
        }
        for open in &expansion.opens {
            let _ = writeln!(asked, "{}", serde_json::to_string(open).unwrap());
        }
        let login = site.login(node);
        let _ = writeln!(asked, "{login:?} {:?}", site.node_model(node)["fencing"]);
        out.insert(format!("{node}/asked"), renamed(&asked));
    }
    let findings = survey.findings.iter();
    let shown = findings.map(|f| f.render(&survey.sources, false));
    out.insert("findings".into(), renamed(&shown.collect::<String>()));
    out
}

#[test]
fn a_site_with_other_zone_names_is_as_good_as_the_example() {
    for example in [CROSSLINK, BONDED] {
        let other = renamed(example);
        for (old, new) in NAMES {
            let word = |text: &str, name: &str| {
                let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
                words.any(|word| word == name)
            };
            assert!(!word(&other, old) && word(&other, new), "{old}");
        }
        let (colours, names) = (everything(example), everything(&other));
        assert_eq!(colours["findings"].trim(), "");
        assert_eq!(
            colours.keys().collect::<Vec<_>>(),
            names.keys().collect::<Vec<_>>()
        );
        for (what, text) in &colours {
            same_lines(what, text, &names[what]);
        }
    }
}

/// Says the first line that differs.
fn same_lines(what: &str, one: &str, other: &str) {
    for (a, b) in one.lines().zip(other.lines()) {
        assert_eq!(a, b, "{what}");
    }
    assert_eq!(one.lines().count(), other.lines().count(), "{what}");
}

#[test]
fn mirrors_and_management_must_name_a_zone_with_an_interface() {
    let site = CROSSLINK
        .replace("mirrors   = \"grey\"", "mirrors   = \"gray\"")
        .replace(
            "domain   = \"example.net\"",
            "domain   = \"example.net\"\nmanagement = \"serial\"",
        );
    let loaded = nodewright::site::load_str(&site);
    let messages: Vec<&str> = loaded.findings.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(
        messages,
        ["no zone is called `serial`", "no zone is called `gray`"]
    );
}
