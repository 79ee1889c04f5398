//! Fixtures of the repository kind.

use super::*;
use crate::kinds::testing::circumstances;
use crate::platform::Platform;

fn on(platform: Platform) -> Target {
    Target {
        node: "node1".into(),
        platform,
    }
}

fn want(json: serde_json::Value) -> Want {
    serde_json::from_value(json).unwrap()
}

/// Path and content of whole files; section, key and value of keys.
fn written(platform: Platform, json: serde_json::Value) -> Vec<(String, String)> {
    let want = want(json);
    RepositoryKind::validate(&want, &on(platform)).unwrap();
    RepositoryKind::edits(&want, &on(platform))
        .into_iter()
        .map(|edit| match edit.change {
            EditChange::Whole { content, .. } => (edit.path, content.masked()),
            EditChange::Ini {
                section,
                key,
                value,
                separator,
            } => {
                let value = value.map_or("(none)".to_owned(), |v| v.masked());
                (edit.path, format!("[{section}] {key}{separator}{value}"))
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

const KEY: &str =
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENBF\n-----END PGP PUBLIC KEY BLOCK-----\n";

#[test]
fn a_repo_file_and_its_key() {
    let files = written(
        Platform::El7,
        serde_json::json!({"repository": "site", "url": ["http://192.0.2.10/el7", "http://192.0.2.11/el7"],
            "description": "Packages of the site", "gpgkey": KEY, "priority": 10}),
    );
    assert_eq!(files[0].0, "/etc/pki/rpm-gpg/RPM-GPG-KEY-site");
    assert_eq!(files[0].1, KEY);
    assert_eq!(files[1].0, "/etc/yum.repos.d/site.repo");
    assert_eq!(
        files[1].1,
        "[site]\nname=Packages of the site\nbaseurl=http://192.0.2.10/el7\n        http://192.0.2.11/el7\nenabled=1\n\
         gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-site\npriority=10\n"
    );
}

#[test]
fn a_disabled_unsigned_folder() {
    let files = written(
        Platform::El9,
        serde_json::json!({"repository": "local", "url": "file:///srv/repo", "enabled": false, "unsigned": true}),
    );
    assert_eq!(
        files,
        [(
            "/etc/yum.repos.d/local.repo".to_owned(),
            "[local]\nname=local\nbaseurl=file:///srv/repo\nenabled=0\ngpgcheck=0\n".to_owned()
        )]
    );
}

#[test]
fn a_sources_file_with_its_key_and_pin() {
    let files = written(
        Platform::Debian12,
        serde_json::json!({"repository": "site", "url": "http://u:p@192.0.2.10:8080/debian", "suite": "bookworm",
            "components": ["main", "contrib"], "gpgkey": KEY, "priority": 900, "expired": true}),
    );
    assert_eq!(files[0].0, "/etc/apt/sources.list.d/site.sources");
    assert_eq!(
        files[0].1,
        "Types: deb\nURIs: http://u:p@192.0.2.10:8080/debian\nSuites: bookworm\nComponents: main contrib\n\
         Check-Valid-Until: no\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQENBF\n \
         -----END PGP PUBLIC KEY BLOCK-----\n"
    );
    assert_eq!(
        files[1],
        (
            "/etc/apt/preferences.d/site.pref".to_owned(),
            "Package: *\nPin: origin \"192.0.2.10\"\nPin-Priority: 900\n".to_owned()
        )
    );
}

#[test]
fn what_is_excluded_is_pinned_away_on_debian() {
    let pin = |priority: Option<u16>| {
        let files = written(
            Platform::Debian12,
            serde_json::json!({"repository": "site", "url": "http://192.0.2.10/", "suite": "./",
                "exclude": ["linux-image*", "x"], "priority": priority}),
        );
        files[1].1.clone()
    };
    let away = "Package: linux-image* x\nPin: origin \"192.0.2.10\"\nPin-Priority: -1\n";
    assert_eq!(pin(None), away);
    let rest = "Package: *\nPin: origin \"192.0.2.10\"\nPin-Priority: 900\n";
    assert_eq!(pin(Some(900)), format!("{away}\n{rest}"));
}

#[test]
fn an_archive_takes_the_place_of_dead_mirrors() {
    let keys = written(
        Platform::El6,
        serde_json::json!({"repository": "vault", "vault": true, "url": "http://192.0.2.10/6.10/"}),
    );
    assert!(
        keys.iter()
            .all(|(path, _)| path == "/etc/yum.repos.d/CentOS-Base.repo")
    );
    let keys: Vec<_> = keys.iter().map(|(_, key)| key.as_str()).collect();
    assert_eq!(
        keys[..4],
        [
            "[base] mirrorlist=(none)",
            "[base] baseurl=http://192.0.2.10/6.10/os/$basearch/",
            "[base] enabled=1",
            "[updates] mirrorlist=(none)"
        ]
    );
    assert_eq!(keys.len(), 9);
}

#[test]
fn lists_are_fetched_when_a_repository_changed() {
    let target = on(Platform::Debian12);
    let want =
        want(serde_json::json!({"repository": "flat", "url": "file:///srv/deb", "suite": "./"}));
    let judge = |text| {
        RepositoryKind::parse(&want, &target, &Answer::from_sections([(SECTION, text, 0)])).map(
            |seen| {
                (
                    RepositoryKind::compare(&want, &seen, &circumstances(&target)),
                    RepositoryKind::compare_written(&want, &seen, &circumstances(&target)),
                )
            },
        )
    };
    let stale = Verdict::Change(vec![Delta::new(
        "lists",
        "of other repositories",
        "fetched",
    )]);
    assert_eq!(judge("fresh\n"), Ok((Verdict::Same, stale.clone())));
    assert_eq!(judge("stale\n"), Ok((stale.clone(), stale)));
    assert!(judge("").is_err());
    assert_eq!(
        RepositoryKind::paths(&want, &target),
        ["/etc/apt/sources.list.d/flat.sources"]
    );
    let seen = Seen {
        fresh: false,
        pushed: Pushed::default(),
    };
    let calls = RepositoryKind::actions(&[(&want, &seen), (&want, &seen)], &circumstances(&target));
    assert_eq!(
        calls.iter().map(Call::to_shell).collect::<Vec<_>>(),
        ["nw_repository apt"]
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (platform, json) in [
        (
            Platform::El7,
            serde_json::json!({"repository": "../x", "url": "http://a/"}),
        ),
        (
            Platform::El7,
            serde_json::json!({"repository": "x", "url": []}),
        ),
        (
            Platform::El7,
            serde_json::json!({"repository": "x", "url": "http://a/ b"}),
        ),
        (
            Platform::El7,
            serde_json::json!({"repository": "x", "url": "a\nenabled=0"}),
        ),
        (
            Platform::El7,
            serde_json::json!({"repository": "x", "url": "http://a/", "description": "a\n[b]"}),
        ),
        (
            Platform::El7,
            serde_json::json!({"repository": "x", "url": "http://a/", "gpgkey": "key", "unsigned": false}),
        ),
        (
            Platform::El7,
            serde_json::json!({"repository": "x", "url": "http://a/", "gpgkey": "/k", "unsigned": true}),
        ),
        (
            Platform::El9,
            serde_json::json!({"repository": "x", "url": "http://a/", "vault": true}),
        ),
        (
            Platform::Debian12,
            serde_json::json!({"repository": "x", "url": "http://a/", "vault": true}),
        ),
        (
            Platform::Debian12,
            serde_json::json!({"repository": "x", "url": "http://a/"}),
        ),
        (
            Platform::Debian12,
            serde_json::json!({"repository": "x", "url": "http://a/", "suite": "bookworm"}),
        ),
        (
            Platform::Debian12,
            serde_json::json!({"repository": "x", "url": "http://a/", "suite": "./", "components": ["main"]}),
        ),
    ] {
        assert!(
            RepositoryKind::validate(&want(json.clone()), &on(platform)).is_err(),
            "{json}"
        );
    }
}
