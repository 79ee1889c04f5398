//! Broken inventories under tests/bad/inventory, each with the whole of what is said about it.
//!
//! After a change of words run with `NODEWRIGHT_BLESS=1` and read every difference.

use nodewright::rules;
use nodewright::site::words::types::{Date, Word as _};
use nodewright::site::{Loaded, Overrides, Severity, load, load_str};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad/inventory")
}

fn cases() -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    paths
}

/// Everything that `check` would say of the inventory: what is wrong with it, else what the rules find.
fn said(loaded: &Loaded) -> String {
    let today = Date::parse("2026-12-01").unwrap();
    let findings = match loaded.sound() {
        Some(site) => rules::run(site, &today).findings,
        None => loaded.findings.clone(),
    };
    findings
        .iter()
        .map(|f| f.render(&loaded.sources, false))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn each_broken_inventory_is_explained() {
    let mut wrong = Vec::new();
    for path in cases() {
        let said = said(&load_str(&std::fs::read_to_string(&path).unwrap()));
        let golden = path.with_extension("txt");
        if std::env::var_os("NODEWRIGHT_BLESS").is_some() {
            std::fs::write(&golden, &said).unwrap();
        }
        let wanted = std::fs::read_to_string(&golden).unwrap_or_default();
        if said != wanted {
            wrong.push(format!(
                "{}\n--- wanted\n{wanted}--- said\n{said}",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_many_and_each_is_an_error_with_help() {
    let cases = cases();
    assert!(cases.len() >= 80, "{}", cases.len());
    for path in cases {
        let golden = std::fs::read_to_string(path.with_extension("txt")).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            golden.starts_with("error[") || name.starts_with("rule-"),
            "{name}"
        );
        assert!(golden.contains(" help: "), "{name}");
        assert!(!golden.contains("hunter2"), "{name}");
        assert!(golden.contains(" --> inventory.toml:"), "{name}");
    }
}

#[test]
fn several_files_are_one_site_and_a_name_stands_in_one() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    std::fs::create_dir(dir.path().join("inventory")).unwrap();
    write(
        "inventory/10-site.toml",
        "[site]\nname = \"s\"\ndomain = \"example.net\"\nplatform = \"el7\"\n[zone]\nred = { nic = \"eth0\", network = \"192.0.2.0/24\" }\n",
    );
    write(
        "inventory/20-nodes.toml",
        "[node.node1]\naddress.red = \"192.0.2.5\"\n",
    );
    write("inventory/.hidden.toml", "this is not read");
    let load = || load(dir.path(), &Overrides::default());
    let loaded = load();
    assert_eq!(said(&loaded), "warning[MAC-MISSING]: `node1` has no MAC address for eth0\n --> FOLDER/inventory/20-nodes.toml:1:7\n  |\n1 | [node.node1]\n  |       ^^^^^\n help: add `mac.eth0 = \"…\"`; `nodewright facts node1` lists them\n\nwarning[NODE-IDLE]: node `node1` is in no group\n --> FOLDER/inventory/20-nodes.toml:1:7\n  |\n1 | [node.node1]\n  |       ^^^^^\n help: name it in the `nodes` of a group\n".replace("FOLDER", &dir.path().display().to_string()));
    write(
        "inventory/30-more.toml",
        "[node.node1]\nhost_id = 1\n[zone]\ngrey = { nic = \"eth1\" }\n",
    );
    let loaded = load();
    let codes: Vec<_> = loaded.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, ["KEY-TWICE"]);
    let finding = &loaded.findings[0];
    let place = loaded.sources.locate(finding.place.unwrap());
    let first = loaded.sources.locate(finding.also[0].0);
    assert!(
        place.file.ends_with("30-more.toml") && place.line == 1,
        "{place}"
    );
    assert!(
        first.file.ends_with("20-nodes.toml") && first.line == 1,
        "{first}"
    );
}

#[test]
fn a_folder_without_a_site_is_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = load(dir.path(), &Overrides::default());
    assert!(loaded.site.is_none());
    assert_eq!(loaded.findings[0].code, "FILE");
    assert_eq!(loaded.findings[0].severity, Severity::Error);
    std::fs::write(dir.path().join("inventory.toml"), b"name = \"\xff\"").unwrap();
    let loaded = load(dir.path(), &Overrides::default());
    let text = loaded.findings[0].render(&loaded.sources, false);
    assert!(text.contains("is not text in UTF-8"), "{text}");
}
