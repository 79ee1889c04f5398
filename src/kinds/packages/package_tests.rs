//! Fixtures of the package kind.

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

/// The observed state, the verdict's differences as `what: from → to`, and the calls.
fn judged(
    platform: Platform,
    json: serde_json::Value,
    answer: &Answer,
) -> (Seen, String, Vec<String>) {
    let (want, target) = (want(json), on(platform));
    PackageKind::validate(&want, &target).unwrap();
    let seen = PackageKind::parse(&want, &target, answer).unwrap();
    let (points, calls) = match PackageKind::compare(&want, &seen, &circumstances(&target)) {
        Verdict::Same => (String::new(), Vec::new()),
        Verdict::Change(deltas) => {
            let points: Vec<_> = deltas
                .iter()
                .map(|d| format!("{}: {} → {}", d.what, d.from, d.to))
                .collect();
            let calls = PackageKind::actions(&[(&want, &seen)], &circumstances(&target));
            (
                points.join("; "),
                calls.iter().map(Call::to_shell).collect(),
            )
        }
        other => panic!("{other:?}"),
    };
    (seen, points, calls)
}

// Captured: rpm 4.18 with two packages made for it (one with an epoch and two provided names).
const RPM: &str = "\
nw-test 1:1.2-3.el7 noarch nw-other nw-test nw-virtual
nw-test 1:1.2-3.el7 noarch nw-other nw-test nw-virtual
nw-plain 0:1.2-3.el7 noarch nw-plain
no package provides nosuch
";

fn rpm(locks: &str) -> Answer {
    Answer::from_sections([(PACKAGES, RPM, 1), (LOCKS, locks, 0)])
}

// Captured: dpkg-query 1.21 on Debian 12 (first line); the others constructed from deb.list states (dpkg-query(1)).
const DPKG: &str = "\
install ok-not-a-line
install installed dash 0.5.12-2
hold installed drbd-utils 9.22.0-1
deinstall config-files exim4 4.96-15
install half-configured chrony 4.3-2
install triggers-pending man-db 2.11.2-2
unknown not-installed mail-transport-agent 
";

fn dpkg() -> Answer {
    Answer::from_sections([(PACKAGES, DPKG, 1)])
}

#[test]
fn rpm_present_absent_provided_and_missing() {
    let (seen, points, _) = judged(
        Platform::El7,
        serde_json::json!({"package": "nw-test"}),
        &rpm(""),
    );
    assert_eq!(
        (
            seen.version.as_deref(),
            seen.versions.len(),
            points.as_str()
        ),
        (Some("1:1.2-3.el7"), 1, "")
    );
    let (seen, points, _) = judged(
        Platform::El9,
        serde_json::json!({"package": "nw-virtual"}),
        &rpm(""),
    );
    assert_eq!(
        (seen.provided_by.as_deref(), points.as_str()),
        (Some("nw-test"), "")
    );
    let (_, points, calls) = judged(
        Platform::El9,
        serde_json::json!({"package": "nosuch"}),
        &rpm(""),
    );
    assert_eq!(
        (points.as_str(), calls),
        (
            "installed: no → yes",
            vec!["nw_package_quiet nw_package_fresh dnf -y install nosuch".into()]
        )
    );
    let (_, points, calls) = judged(
        Platform::El6,
        serde_json::json!({"package": "nw-plain", "state": "absent"}),
        &rpm(""),
    );
    assert_eq!(
        (points.as_str(), calls),
        (
            "installed: 1.2-3.el7 → no",
            vec!["nw_package_quiet rpm -e -- nw-plain".into()]
        )
    );
    // A provided name is no package to remove.
    let (_, points, _) = judged(
        Platform::El6,
        serde_json::json!({"package": "nw-virtual", "state": "absent"}),
        &rpm(""),
    );
    assert_eq!(points, "");
}

#[test]
fn rpm_versions_go_both_ways() {
    for (platform, version, verb) in [
        (Platform::El7, "1.3", "install"),
        (Platform::El7, "1.1-9.el7", "downgrade"),
        (Platform::El7, "1:1.1-9.el7", "downgrade"),
        (Platform::El8, "1.1-9.el7", "install"),
    ] {
        let (_, points, calls) = judged(
            platform,
            serde_json::json!({"package": "nw-test", "version": version}),
            &rpm(""),
        );
        assert_eq!(points, format!("version: 1:1.2-3.el7 → {version}"));
        let tool = platform.package_tool().word();
        assert_eq!(
            calls,
            [format!(
                "nw_package_quiet nw_package_fresh {tool} -y {verb} nw-test-{version}"
            )]
        );
    }
    let (_, points, _) = judged(
        Platform::El7,
        serde_json::json!({"package": "nw-test", "version": "1.2"}),
        &rpm(""),
    );
    assert_eq!(points, "");
}

#[test]
fn rpm_holds_by_versionlock() {
    for (platform, line) in [
        (Platform::El6, "1:nw-test-1.2-3.el7.*"),
        (Platform::El9, "nw-test-1:1.2-3.el7.*"),
    ] {
        let (seen, points, _) = judged(
            platform,
            serde_json::json!({"package": "nw-test", "held": true}),
            &rpm(line),
        );
        assert!(seen.held, "{line}");
        assert_eq!(points, "");
    }
    for line in [
        "# 1:nw-test-1.2-3.el7.*",
        "!nw-test-1:1.2-3.el7.*",
        "0:nw-test-debug-1-2.*",
    ] {
        let (_, points, calls) = judged(
            Platform::El7,
            serde_json::json!({"package": "nw-test", "held": true}),
            &rpm(line),
        );
        assert_eq!(points, "held: no → yes", "{line}");
        assert_eq!(
            calls,
            [
                "nw_package_quiet nw_package_unless yum-plugin-versionlock nw_package_fresh yum -y install yum-plugin-versionlock",
                "nw_package_quiet nw_package_fresh yum -y -q versionlock add nw-test"
            ]
        );
    }
    // Another version of what is held: the lock goes, and comes back.
    let (_, _, calls) = judged(
        Platform::El9,
        serde_json::json!({"package": "nw-test", "held": true, "version": "1.3"}),
        &rpm("nw-test-1:1.2-3.el7.*"),
    );
    assert_eq!(
        calls,
        [
            "nw_package_quiet nw_package_fresh dnf -y -q versionlock delete nw-test",
            "nw_package_quiet nw_package_fresh dnf -y install nw-test-1.3",
            "nw_package_quiet nw_package_unless python3-dnf-plugin-versionlock nw_package_fresh dnf -y install python3-dnf-plugin-versionlock",
            "nw_package_quiet nw_package_fresh dnf -y -q versionlock add nw-test"
        ]
    );
}

#[test]
fn several_kernels_are_one_package() {
    // Constructed: two kernels as rpm lists them.
    let text =
        "kernel 0:2.6.32-754.el6 x86_64 kernel\nkernel 0:2.6.32-754.35.1.el6 x86_64 kernel\n";
    let answer = Answer::from_sections([(PACKAGES, text, 0)]);
    let (seen, points, _) = judged(
        Platform::El6,
        serde_json::json!({"package": "kernel", "version": "2.6.32-754.el6"}),
        &answer,
    );
    assert_eq!(
        (
            seen.version.as_deref(),
            seen.versions.len(),
            points.as_str()
        ),
        (Some("2.6.32-754.35.1.el6"), 2, "")
    );
}

#[test]
fn dpkg_states() {
    for (json, points, calls) in [
        (serde_json::json!({"package": "dash"}), "", vec![]),
        (serde_json::json!({"package": "man-db"}), "", vec![]),
        (
            serde_json::json!({"package": "exim4", "state": "absent"}),
            "",
            vec![],
        ),
        (
            serde_json::json!({"package": "exim4"}),
            "installed: no → yes",
            vec!["nw_package_quiet nw_package_apt_install exim4"],
        ),
        (
            serde_json::json!({"package": "nosuch"}),
            "installed: no → yes",
            vec!["nw_package_quiet nw_package_apt_install nosuch"],
        ),
        (
            serde_json::json!({"package": "chrony"}),
            "installed: half-configured → yes",
            vec!["nw_package_quiet nw_package_apt_install chrony"],
        ),
        (
            serde_json::json!({"package": "chrony", "state": "absent"}),
            "installed: half-configured → no",
            vec!["nw_package_quiet nw_package_apt_remove chrony"],
        ),
        (
            serde_json::json!({"package": "dash", "state": "absent"}),
            "installed: 0.5.12-2 → no",
            vec!["nw_package_quiet nw_package_apt_remove dash"],
        ),
        (
            serde_json::json!({"package": "dash", "held": true}),
            "held: no → yes",
            vec!["nw_package_quiet apt-mark hold -- dash"],
        ),
        (
            serde_json::json!({"package": "drbd-utils", "held": true}),
            "",
            vec![],
        ),
        (
            serde_json::json!({"package": "drbd-utils", "state": "absent"}),
            "installed: 9.22.0-1 → no; held: yes → no",
            vec![
                "nw_package_quiet apt-mark unhold -- drbd-utils",
                "nw_package_quiet nw_package_apt_remove drbd-utils",
            ],
        ),
        (
            serde_json::json!({"package": "drbd-utils", "held": false}),
            "held: yes → no",
            vec!["nw_package_quiet apt-mark unhold -- drbd-utils"],
        ),
        (
            serde_json::json!({"package": "drbd-utils", "version": "9.15.0-1"}),
            "version: 9.22.0-1 → 9.15.0-1",
            vec![
                "nw_package_quiet apt-mark unhold -- drbd-utils",
                "nw_package_quiet nw_package_apt_install drbd-utils=9.15.0-1",
                "nw_package_quiet apt-mark hold -- drbd-utils",
            ],
        ),
    ] {
        let (_, seen_points, seen_calls) = judged(Platform::Debian12, json.clone(), &dpkg());
        assert_eq!(seen_points, points, "{json}");
        assert_eq!(seen_calls, calls, "{json}");
    }
}

#[test]
fn one_transaction_for_all() {
    let target = on(Platform::Debian12);
    let wants = [
        want(serde_json::json!({"package": "nosuch"})),
        want(serde_json::json!({"package": "dash", "state": "absent"})),
        want(serde_json::json!({"package": "exim4", "held": true})),
    ];
    let seen: Vec<_> = wants
        .iter()
        .map(|w| PackageKind::parse(w, &target, &dpkg()).unwrap())
        .collect();
    let both: Vec<_> = wants.iter().zip(&seen).collect();
    let calls: Vec<_> = PackageKind::actions(&both, &circumstances(&target))
        .iter()
        .map(Call::to_shell)
        .collect();
    assert_eq!(
        calls,
        [
            "nw_package_quiet nw_package_apt_remove dash",
            "nw_package_quiet nw_package_apt_install nosuch exim4",
            "nw_package_quiet apt-mark hold -- exim4"
        ]
    );
}

#[test]
fn no_answer_is_never_taken_for_absent() {
    let gone = want(serde_json::json!({"package": "x", "state": "absent"}));
    for (platform, text, status) in [
        (Platform::Debian12, "", 127),
        (Platform::Debian12, "", 2),
        (Platform::El7, "", 127),
        (Platform::El7, "", 1),
        (Platform::El7, "rpmdb: damaged header\n", 1),
    ] {
        let answer = Answer::from_sections([(PACKAGES, text, status)]);
        assert!(
            PackageKind::parse(&gone, &on(platform), &answer).is_err(),
            "{platform} {text:?} {status}"
        );
    }
}

#[test]
fn words_that_a_tool_could_misread_are_refused() {
    for (platform, json) in [
        (Platform::El7, serde_json::json!({"package": "--root=/x"})),
        (Platform::El7, serde_json::json!({"package": "@core"})),
        (Platform::El7, serde_json::json!({"package": "a*"})),
        (Platform::El7, serde_json::json!({"package": ""})),
        (Platform::Debian12, serde_json::json!({"package": "dash-"})),
        (
            Platform::Debian12,
            serde_json::json!({"package": "dash:i386"}),
        ),
        (Platform::Debian12, serde_json::json!({"package": "Dash"})),
        (
            Platform::Debian12,
            serde_json::json!({"package": "dash/sid"}),
        ),
        (
            Platform::El7,
            serde_json::json!({"package": "a", "version": "1;x"}),
        ),
        (
            Platform::El7,
            serde_json::json!({"package": "a", "state": "absent", "version": "1"}),
        ),
        (
            Platform::El7,
            serde_json::json!({"package": "a", "state": "absent", "held": true}),
        ),
    ] {
        assert!(
            PackageKind::validate(&want(json.clone()), &on(platform)).is_err(),
            "{json}"
        );
    }
    assert!(
        PackageKind::validate(
            &want(serde_json::json!({"package": "g++"})),
            &on(Platform::Debian12)
        )
        .is_ok()
    );
}
