//! `make install`: what it puts where, and that it takes all of it away again.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn make(target: &str, into: &Path) {
    let done = Command::new("make")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-s", target, "PREFIX=/usr"])
        .arg(format!("DESTDIR={}", into.display()))
        .arg(format!("BIN={}", env!("CARGO_BIN_EXE_nodewright")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}

fn files(folder: &Path, below: &Path, all: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, below, all);
        } else {
            assert!(
                path.metadata().unwrap().len() > 40,
                "{} is empty",
                path.display()
            );
            all.insert(path.strip_prefix(below).unwrap().display().to_string());
        }
    }
}

#[test]
fn it_installs_program_pages_and_completions_and_takes_them_away() {
    let into = tempfile::tempdir().unwrap();
    make("install", into.path());
    let mut found = BTreeSet::new();
    files(into.path(), into.path(), &mut found);
    for wanted in [
        "usr/bin/nodewright",
        "usr/share/man/man1/nodewright.1",
        "usr/share/man/man1/nodewright-plan.1",
        "usr/share/man/man1/nodewright-lab-up.1",
        "usr/share/bash-completion/completions/nodewright",
        "usr/share/zsh/site-functions/_nodewright",
        "usr/share/fish/vendor_completions.d/nodewright.fish",
    ] {
        assert!(found.contains(wanted), "{wanted}: {found:?}");
    }
    assert!(!found.iter().any(|f| f.contains("lab-pipe")), "{found:?}");
    let program = into.path().join("usr/bin/nodewright");
    let output = Command::new(program).arg("--version").output().unwrap();
    assert!(output.stdout.starts_with(b"nodewright "));
    let script = into
        .path()
        .join("usr/share/bash-completion/completions/nodewright");
    assert!(
        Command::new("bash")
            .arg("-n")
            .arg(script)
            .status()
            .unwrap()
            .success()
    );
    make("uninstall", into.path());
    let mut left = BTreeSet::new();
    files(into.path(), into.path(), &mut left);
    assert_eq!(left, BTreeSet::new());
}
