use super::super::super::testing::{
    actions_on, contents, edits_on, queries, read, shown, verdict_on,
};
use super::*;
use crate::kind::{EditChange, Verdict};
use crate::platform::Platform;
use serde_json::{Value as Json, json};

/// A step as the role layer makes it: the folder is read.
fn step(files: &[&str]) -> Json {
    let files = files.iter().map(|name| {
        let sha256 = crate::digest::sha256(name.as_bytes());
        json!({ "path": format!("packages/el7/{name}"), "bytes": 2048, "sha256": sha256 })
    });
    let files: Vec<Json> = files.collect();
    json!({ "repository": "own", "folder": { "folder": "packages/el7", "files": files } })
}

const FILES: [&str; 3] = ["a.rpm", "repodata/repomd.xml", "repodata/primary.xml.gz"];

/// The line of `sha256sum` for a file whose content is its name.
fn line(name: &str) -> String {
    let sha256 = crate::digest::sha256(name.as_bytes());
    format!("{sha256}  {PLACE}/own/{name}\n")
}

fn deltas(step: &Json, platform: Platform, files: &str) -> Vec<String> {
    let sections = [("repository", "fresh\n", 0), ("repository.files", files, 0)];
    match verdict_on(step, platform, &sections).unwrap() {
        Verdict::Change(deltas) => deltas.iter().map(shown).collect(),
        Verdict::Same => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn text_of(step: &Json, platform: Platform, path: &str) -> String {
    let edits = edits_on(step, platform);
    let edit = edits.iter().find(|e| e.path == path).expect(path);
    match &edit.change {
        EditChange::Whole { content, .. } => content.masked(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_served_from_the_node_itself() {
    assert_eq!(
        text_of(&step(&FILES), Platform::El6, "/etc/yum.repos.d/own.repo"),
        "[own]\nname=own\nbaseurl=file:///var/lib/nodewright-packages/own\nenabled=1\ngpgcheck=0\n"
    );
    assert_eq!(
        text_of(
            &step(&["a.deb", "Packages"]),
            Platform::Debian12,
            "/etc/apt/sources.list.d/own.sources"
        ),
        "Types: deb\nURIs: file:///var/lib/nodewright-packages/own\nSuites: ./\nTrusted: yes\n"
    );
}

#[test]
fn a_key_of_the_site_has_signatures_checked() {
    let mut signed = step(&FILES);
    signed["key_file"] = json!("-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n");
    signed["exclude"] = json!(["kernel*", "x"]);
    let repo = text_of(&signed, Platform::El7, "/etc/yum.repos.d/own.repo");
    assert!(repo.contains("gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-own\n"));
    assert!(repo.ends_with("exclude=kernel* x\n"), "{repo}");
    let key = text_of(&signed, Platform::El7, "/etc/pki/rpm-gpg/RPM-GPG-KEY-own");
    assert_eq!(key, "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n");

    let mut signed = step(&["a.deb", "Packages", "InRelease"]);
    signed["key_file"] = json!("-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n");
    let path = "/etc/apt/sources.list.d/own.sources";
    let sources = text_of(&signed, Platform::Debian12, path);
    assert!(
        sources.ends_with("Suites: ./\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n x\n"),
        "{sources}"
    );
}

#[test]
fn one_call_observes_the_folders_of_all() {
    let asked = queries(&step(&FILES), Platform::El9);
    assert_eq!(
        asked,
        [
            "repository: nw_repository_state dnf",
            "repository.files: nw_repository_files own"
        ]
    );
    let plain = json!({ "repository": "x", "url": "http://a/" });
    assert_eq!(queries(&plain, Platform::El9).len(), 1);
}

#[test]
fn what_differs_is_reported_by_package() {
    let step = step(&FILES);
    let all: String = FILES.iter().map(|name| line(name)).collect();
    assert_eq!(deltas(&step, Platform::El7, &all), [] as [&str; 0]);
    assert_eq!(
        deltas(&step, Platform::El7, ""),
        [
            "a.rpm: absent -> 2.0 KiB, sha256 c7db4ffe241b",
            "metadata: absent -> sha256 99e029c37170",
            "lists: of other repositories -> fetched"
        ]
    );
    let other = all.replace(
        &line("a.rpm"),
        &line("a.rpm").replace("c7db4ffe241b", "000000000000"),
    ) + &line("old.rpm")
        + &line("repodata/old.xml")
        + &format!("odd  {PLACE}/own\nodd  {PLACE}/own2\nodd  {PLACE}/own/a.rpm\n")
        + &line("b.rpm").replace("/own/", "/own2/");
    assert_eq!(
        deltas(&step, Platform::El7, &other),
        [
            "a.rpm: sha256 000000000000 -> 2.0 KiB, sha256 c7db4ffe241b",
            "old.rpm: there -> absent",
            "metadata: other files -> those of the site",
            "/var/lib/nodewright-packages/own: changed rights -> root's, readable by all",
            "/var/lib/nodewright-packages/own/a.rpm: changed rights -> root's, readable by all",
            "lists: of other repositories -> fetched"
        ]
    );
}

#[test]
fn no_answer_is_never_taken_for_an_empty_folder() {
    for sections in [
        vec![("repository", "fresh\n", 0)],
        vec![("repository", "fresh\n", 0), ("repository.files", "", 1)],
        vec![
            ("repository", "fresh\n", 0),
            ("repository.files", "odd\n", 0),
        ],
    ] {
        assert!(verdict_on(&step(&FILES), Platform::El7, &sections).is_err());
    }
}

#[test]
fn only_what_differs_is_brought() {
    let step = step(&["a.deb", "b.deb", "Packages"]);
    let files = line("a.deb") + &line("old.deb");
    let sections = [
        ("repository", "stale\n", 0),
        ("repository.files", files.as_str(), 0),
    ];
    let brought: Vec<String> = contents(&step, &sections)
        .into_iter()
        .map(|payload| match payload {
            Payload::File(file) => file.path,
            Payload::Text(_) => panic!("a file"),
        })
        .collect();
    assert_eq!(brought, ["packages/el7/b.deb", "packages/el7/Packages"]);
    assert_eq!(
        actions_on(&step, Platform::Debian12, &sections),
        [
            "nw_repository_folder own a.deb - b.deb \"$NW_BLOB/0\" Packages \"$NW_BLOB/1\"",
            "nw_repository apt"
        ]
    );
    let same: String = ["a.deb", "b.deb", "Packages"].map(line).concat();
    let sections = [
        ("repository", "stale\n", 0),
        ("repository.files", same.as_str(), 0),
    ];
    let actions = actions_on(&step, Platform::Debian12, &sections);
    assert_eq!(actions, ["nw_repository apt"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let why = |step: &Json, platform| read(step, platform).unwrap_err();
    let with = |files: &[&str], key: &str, value: Json| {
        let mut step = step(files);
        step[key] = value;
        step
    };
    let debs = ["a.deb", "Packages"];
    let key = json!("-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n");
    for (step, platform, says) in [
        (
            with(&FILES, "url", json!("http://a/")),
            Platform::El7,
            "name a `url`, or a `folder`",
        ),
        (
            with(&FILES, "vault", json!(true)),
            Platform::El7,
            "`vault` takes a `url`",
        ),
        (
            with(&debs, "suite", json!("x")),
            Platform::Debian12,
            "no `suite`",
        ),
        (
            with(&debs, "exclude", json!(["x"])),
            Platform::Debian12,
            "leave them out of it",
        ),
        (
            with(&debs, "key_file", key.clone()),
            Platform::Debian12,
            "no `InRelease` or `Release.gpg`",
        ),
        (
            with(&FILES, "key_file", json!("\u{1}binary")),
            Platform::El7,
            "gpg --armor --export",
        ),
        (
            with(&FILES, "exclude", json!(["a\nb"])),
            Platform::El7,
            "is no package that could be excluded",
        ),
    ] {
        let why = why(&step, platform);
        assert!(why.contains(says), "{why}");
    }
    let mut both = with(&FILES, "key_file", key);
    both["unsigned"] = json!(true);
    assert!(why(&both, Platform::El7).contains("contradict each other"));
}
