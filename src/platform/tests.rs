use super::*;

#[test]
fn a_release_is_named_with_or_without_its_minor() {
    let el7 = Platform::from_word("el7").unwrap();
    let el73 = Platform::from_word("el7.3").unwrap();
    assert_eq!(
        (el7.to_string(), el73.to_string()),
        ("el7".into(), "el7.3".into())
    );
    assert_eq!((el7.word(), el73.word()), ("el7", "el7"));
    for wrong in [
        "el5",
        "el7.",
        "el7.03",
        "el7.123",
        "el7.x",
        "debian12.5",
        "pve3.4",
        "",
        ".",
    ] {
        assert_eq!(Platform::from_word(wrong), None, "{wrong}");
    }
    assert!(el7.covers(el73) && el73.covers(el73));
    assert!(!el73.covers(el7), "what is declared has to be seen");
    assert!(!el7.covers(Platform::El8));
}

#[test]
fn an_earlier_minor_release_brings_what_it_brings() {
    let of = |word: &str| Platform::from_word(word).unwrap();
    let words_of = |word: &str| {
        let platform = of(word);
        let words = platform.versions();
        (
            words.openssh,
            platform.knows_ed25519(),
            platform.has_old_algorithms(),
            platform.has_delay_base(),
        )
    };
    assert_eq!(words_of("el7.0"), ("6.4", false, true, false));
    assert_eq!(words_of("el7.3"), ("6.6", true, true, false));
    assert_eq!(words_of("el7.4"), ("7.4", true, false, false));
    assert_eq!(words_of("el7.5"), ("7.4", true, false, true));
    assert_eq!(words_of("el7"), ("7.4", true, false, true));
    assert_eq!(words_of("el6"), ("5.3", false, true, false));
    assert_eq!(words_of("debian13"), ("10.0", true, false, true));
    assert_eq!(words_of("pve3"), ("6.0", false, true, false));
}

#[test]
fn the_most_exact_key_means_a_release() {
    let best = |platform: Platform, keys: &[&'static str]| {
        let fitting = keys
            .iter()
            .filter_map(|key| Some((platform.fits(key)?, *key)));
        fitting.max().map(|(_, key)| key)
    };
    let keys = ["el", "el7+", "el8+", "el9", "debian", "debian13+", "pve"];
    assert_eq!(best(Platform::El6, &keys), Some("el"));
    assert_eq!(best(Platform::El7, &keys), Some("el7+"));
    assert_eq!(best(Platform::El8, &keys), Some("el8+"));
    assert_eq!(best(Platform::El9, &keys), Some("el9"));
    assert_eq!(best(Platform::El10, &keys), Some("el8+"));
    assert_eq!(best(Platform::Debian12, &keys), Some("debian"));
    assert_eq!(best(Platform::Debian13, &keys), Some("debian13+"));
    assert_eq!(best(Platform::Pve3, &keys), Some("pve"));
    assert_eq!(
        best(Platform::Pve3, &["debian", "debian8+"]),
        Some("debian")
    );
    assert_eq!(
        best(
            Platform::Debian12,
            &["el", "debian13+", "debian12+x", "+", "12+"]
        ),
        None
    );
    let keys = Platform::keys();
    for word in [
        "el9",
        "el",
        "el8+",
        "debian",
        "debian13+",
        "pve",
        "debian7+",
    ] {
        assert!(keys.iter().any(|k| k == word), "{word} in {keys:?}");
    }
    assert!(
        keys.iter()
            .all(|key| Platform::all().any(|p| p.fits(key).is_some()))
    );
}

#[test]
fn rows_are_of_one_piece() {
    let words: std::collections::BTreeSet<_> = Platform::all().map(Platform::word).collect();
    assert_eq!(words.len(), Platform::all().count(), "a word stands twice");
    for platform in Platform::all() {
        assert_eq!(Platform::from_word(platform.word()), Some(platform));
        let cman = platform.stack() == Stack::Cman;
        assert_eq!(cman, platform.manager() == Manager::Rgmanager, "{platform}");
        let earlier = platform.release().earlier.iter().map(|e| e.before);
        assert!(earlier.is_sorted(), "{platform}");
        let versions = crate::site::tables::inventory::Versions::of(platform);
        assert!(versions.drbd.is_some(), "{platform}");
    }
}

/// Only the table names a release.
#[test]
fn nothing_else_names_a_release() {
    fn sources(dir: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension() == Some("rs".as_ref())
                && !name.contains("test")
                && name != "platform.rs"
            {
                found.push(path);
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 150, "{} files", files.len());
    let names: Vec<String> = Platform::all().map(|p| p.word().to_owned()).collect();
    let mut wrong = Vec::new();
    for file in files {
        let short = file.strip_prefix(&root).unwrap().display().to_string();
        if short.contains("tests/") || short.starts_with("lab/") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            let variant = ["Platform::El", "Platform::Debian", "Platform::Pve"]
                .iter()
                .any(|v| line.contains(v));
            let word = names.iter().any(|n| {
                line.contains(&format!("== \"{n}\"")) || line.contains(&format!("\"{n}\" =>"))
            });
            if variant || word {
                wrong.push(format!("{short}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// The made-up release of the table's last row: a site on it loads, and all shipped roles render on it.
#[test]
fn a_release_is_one_row() {
    use crate::role::{Library, expand, files};
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory/crosslink");
    let text = std::fs::read_to_string(dir.join("inventory.toml")).unwrap();
    let text = text.replacen("\"el7\"", "\"el99\"", 1);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("inventory.toml"), text).unwrap();
    let mut loaded = crate::site::load(folder.path(), &crate::site::Overrides::default());
    let mut findings = std::mem::take(&mut loaded.findings);
    let site = loaded.site.take().expect("a site");
    assert_eq!(site.platform().word(), "el99");
    let library = Library::load(folder.path(), &mut loaded.sources, &mut findings);
    let expansion = expand(&site, &library, "node1", &loaded.sources);
    findings.extend(expansion.findings);
    let shown: String = findings
        .iter()
        .map(|f| f.render(&loaded.sources, false))
        .collect();
    assert_eq!(shown, "");
    let files = files(&expansion.resources);
    assert!(
        files.contains_key("/etc/corosync/corosync.conf"),
        "{:?}",
        files.keys()
    );
    assert!(files.len() > 30, "{}", files.len());
}

#[test]
fn keys_are_known_by_the_openssh_of_a_release() {
    for (word, ed25519, security) in [
        ("el6", false, false),
        ("el7.0", false, false),
        ("el7", true, false),
        ("el8", true, false),
        ("el9", true, true),
        ("debian12", true, true),
    ] {
        let platform = Platform::from_word(word).unwrap();
        let known =
            ["ssh-rsa", "ssh-ed25519", "sk-ssh-ed25519@openssh.com"].map(|k| platform.knows_key(k));
        assert_eq!(known, [true, ed25519, security], "{word}");
    }
}
