//! The traps of Shorewall versions that do not run here: what is rendered for them has the same shapes as files that their
//! compilers took, and none of what they refuse.
//!
//! Facts: docs/facts/firewall.md#versions-of-shorewall, docs/facts/firewall.md#zone-names.

use crate::shorewall::{crosslink, rendered, vault};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The files of the example's firewall for a version, with the ports of the knock.
fn files(version: &str) -> BTreeMap<String, String> {
    let name = |path: &str| path.rsplit_once('/').unwrap().1.to_owned();
    let files = rendered(&crosslink(version)).into_iter();
    files
        .map(|(path, text)| (name(&path), text.reveal(&vault(3)).unwrap()))
        .collect()
}

fn specimen(set: &str, name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shorewall/specimens");
    fs::read_to_string(dir.join(set).join(name)).unwrap()
}

/// Lines that say something, each without its remark.
fn lines(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .map(|l| {
            l.split('#')
                .next()
                .unwrap()
                .split_whitespace()
                .collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
        .collect()
}

/// What a word of a column is, without its value: so many shapes as those compilers tell apart.
fn shape(word: &str) -> String {
    let number = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit());
    let address =
        |w: &str| w.contains('.') && w.bytes().all(|b| b.is_ascii_digit() || b"./".contains(&b));
    if word.split([',', ':']).all(number) {
        return "PORTS".into();
    }
    match word.split_once(':') {
        Some((_, rest)) if rest.starts_with('$') || rest.split(',').all(address) => {
            "PLACE:HOSTS".into()
        }
        Some((_, device))
            if device
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.') =>
        {
            "PLACE:DEVICE".into()
        }
        _ if ["tcp", "udp", "icmp"].contains(&word) => "PROTO".into(),
        _ if word == "-" || word == "$FW" || word == "ACCEPT" || word == "Knock" => word.into(),
        _ => "NAME".into(),
    }
}

#[test]
fn directives_and_file_names_are_those_of_the_version() {
    for (version, mark, stopped, set) in [
        ("4.5", "", "routestopped", "4.5.4"),
        ("4.5.21", "", "routestopped", "4.5.4"),
        ("4.6", "?", "stoppedrules", "5.0"),
        ("5.0", "?", "stoppedrules", "5.0"),
        ("5.1", "?", "stoppedrules", "5.0"),
        ("5.2", "?", "stoppedrules", "5.0"),
    ] {
        let files = files(version);
        for (name, directive) in [("interfaces", "FORMAT 2"), ("rules", "SECTION NEW")] {
            let wanted = format!("{mark}{directive}");
            let ours = files[name].lines().filter(|l| l.contains(directive));
            assert_eq!(ours.collect::<Vec<_>>(), [wanted.as_str()], "{version}");
            let specimen = specimen(set, name);
            assert!(
                specimen.lines().any(|l| l == wanted),
                "{version}: the specimen's"
            );
        }
        let other = if stopped == "stoppedrules" {
            "routestopped"
        } else {
            "stoppedrules"
        };
        assert!(
            files.contains_key(stopped) && !files.contains_key(other),
            "{version}"
        );
        if mark.is_empty() {
            // Neither the directives of later versions nor keys that this one warns of.
            let marked = files
                .iter()
                .filter(|(name, _)| !name.starts_with("action."));
            for (name, text) in marked {
                assert!(
                    !text.lines().any(|l| l.starts_with('?')),
                    "{version} {name}"
                );
            }
            assert!(!files["shorewall.conf"].contains("AUTOHELPERS"));
        }
    }
}

#[test]
fn names_of_zones_fit_into_the_log_prefix() {
    for version in ["4.5", "4.6", "5.0"] {
        let files = files(version);
        let format = files["shorewall.conf"]
            .lines()
            .find_map(|l| l.strip_prefix("LOGFORMAT="));
        let fixed = format.unwrap().trim_matches('"').replace("%s", "").len();
        let zones = lines(&files["zones"]);
        let longest = zones.iter().map(|words| words[0].len()).max().unwrap();
        assert!(
            fixed + 6 + 2 * longest < 29,
            "{version}: {fixed} and twice {longest}"
        );
        assert!(zones.iter().any(|words| words[0] == "yellow"));
    }
    // The format that is theirs by default would not do.
    assert!("Shorewall:::".len() + 6 + 2 * "yellow".len() + 1 > 29);
}

#[test]
fn everything_that_is_named_is_there_and_the_rest_is_closed() {
    for version in ["4.5", "4.6", "5.0", "5.1", "5.2"] {
        let files = files(version);
        let zones: BTreeSet<&str> = lines(&files["zones"]).iter().map(|w| w[0]).collect();
        assert_eq!(zones.iter().filter(|z| **z == "fw").count(), 1);
        let interfaces = lines(&files["interfaces"]);
        let placed: BTreeSet<&str> = interfaces[1..].iter().map(|w| w[0]).collect();
        assert_eq!(
            placed.len(),
            zones.len() - 1,
            "{version}: each zone has a device"
        );
        let devices: Vec<&str> = interfaces[1..].iter().map(|w| w[1]).collect();
        let once: BTreeSet<&&str> = devices.iter().collect();
        assert_eq!(once.len(), devices.len(), "{version}: each device one zone");
        let named: BTreeSet<String> = files["params"]
            .lines()
            .filter_map(|l| Some(l.split_once('=')?.0.to_owned()))
            .collect();
        let known = |word: &str| ["$FW", "all"].contains(&word) || zones.contains(word);
        for words in &lines(&files["rules"])[1..] {
            for place in &words[1..3] {
                let (zone, hosts) = place.split_once(':').unwrap_or((place, ""));
                assert!(known(zone), "{version}: {place}");
                if let Some(param) = hosts.strip_prefix('$') {
                    assert!(named.contains(param), "{version}: {place}");
                }
            }
        }
        let policies = lines(&files["policy"]);
        assert!(
            policies.iter().all(|w| known(w[0]) && known(w[1])),
            "{version}"
        );
        assert_eq!(policies.last().unwrap()[..3], ["all", "all", "REJECT"]);
        // What the cluster sends over stays open while it is stopped (docs/facts/firewall.md#stopped-state).
        let stopped = files
            .get("stoppedrules")
            .or(files.get("routestopped"))
            .unwrap();
        for device in ["eth1", "eth2"] {
            let open = lines(stopped)
                .iter()
                .any(|w| w.contains(&device) && !w.contains(&"tcp"));
            assert!(open, "{version}: {device} in {stopped}");
        }
    }
}

#[test]
fn columns_have_the_shapes_of_files_that_were_compiled() {
    let shapes = |text: &str| -> BTreeSet<Vec<String>> {
        let whole = |words: Vec<&str>| {
            let mut shapes: Vec<String> = words.iter().map(|w| shape(w)).collect();
            // A dash at the end says what a missing column says.
            while shapes.last().is_some_and(|s| s == "-") {
                shapes.pop();
            }
            shapes
        };
        lines(text).into_iter().map(whole).collect()
    };
    // Besides what the specimens show, what the manuals of these versions say of the columns: a device with hosts, no
    // protocol, and an action of one's own.
    let manual = |lines: &[&[&str]]| -> BTreeSet<Vec<String>> {
        let owned = lines
            .iter()
            .map(|l| l.iter().map(|w| (*w).to_owned()).collect());
        owned.collect()
    };
    let rules = manual(&[
        &["ACCEPT", "PLACE:DEVICE", "PLACE:DEVICE"],
        &["ACCEPT", "PLACE:HOSTS", "$FW", "PORTS"],
        &["ACCEPT", "NAME", "$FW", "PROTO", "PORTS"],
        &["Knock", "NAME", "$FW", "PROTO"],
    ]);
    for (version, set, stopped) in [
        ("4.5", "4.5.4", "routestopped"),
        ("5.0", "5.0", "stoppedrules"),
    ] {
        let files = files(version);
        let more = if stopped == "routestopped" {
            manual(&[
                &["NAME", "-", "-", "PROTO", "PORTS"],
                &["NAME", "NAME", "-", "PROTO", "PORTS"],
            ])
        } else {
            manual(&[
                &["ACCEPT", "NAME", "$FW"],
                &["ACCEPT", "NAME", "NAME"],
                &["ACCEPT", "NAME", "$FW", "PROTO", "PORTS"],
                &["ACCEPT", "PLACE:HOSTS", "$FW", "PROTO", "PORTS"],
            ])
        };
        for (name, more) in [
            ("interfaces", BTreeSet::new()),
            ("rules", rules.clone()),
            (stopped, more),
        ] {
            let known: BTreeSet<_> = shapes(&specimen(set, name)).union(&more).cloned().collect();
            let ours = shapes(&files[name]);
            let strange: Vec<_> = ours.difference(&known).collect();
            assert!(strange.is_empty(), "{version} {name}: {strange:?}");
        }
    }
}

/// One rule of a knock by the recent match, as a file of 4.5's perl has it.
fn is_recent_rule(rule: &str) -> bool {
    let words: Vec<&str> = rule.split(' ').collect();
    let number = |w: &str| w.bytes().all(|b| b.is_ascii_digit());
    let mut rest = match words.as_slice() {
        ["-p", "tcp", "--dport", port, rest @ ..] if number(port) => rest,
        ["-p", "tcp", "!", "--dport", port, rest @ ..] if number(port) => rest,
        ["-p", "tcp", "-m", "multiport", "--dports", port, rest @ ..] if number(port) => rest,
        [
            "-p",
            "tcp",
            "-m",
            "multiport",
            "!",
            "--dports",
            port,
            rest @ ..,
        ] if number(port) => rest,
        _ => return false,
    };
    loop {
        rest = match rest {
            [
                "-m",
                "recent",
                "--rcheck",
                "--seconds",
                n,
                "--name",
                _,
                rest @ ..,
            ] if number(n) => rest,
            ["-m", "recent", "--name", _, "--set" | "--remove", rest @ ..] => rest,
            [] | ["-j", "ACCEPT" | "DROP"] => return true,
            _ => return false,
        };
    }
}

#[test]
fn knocking_has_the_shapes_of_what_was_compiled() {
    let older = ["4.5", "4.5.21", "4.6"].map(|version| files(version)["Knock"].clone());
    for text in [specimen("4.5.4", "Knock")].into_iter().chain(older) {
        let mut seen = 0;
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            match line
                .strip_prefix("add_rule( $chainref, '")
                .and_then(|l| l.strip_suffix("' );"))
            {
                Some(rule) => {
                    assert!(is_recent_rule(rule), "{rule}");
                    seen += 1;
                }
                None => assert!(["use Shorewall::Chains;", "1;"].contains(&line), "{line}"),
            }
        }
        assert!(seen >= 6 && text.ends_with("\n1;\n"), "{text}");
    }
    for version in ["5.0", "5.1"] {
        let files = files(version);
        assert!(!files.contains_key("Knock"), "{version}");
        let actions: BTreeSet<&str> = files["actions"].lines().collect();
        for text in [
            specimen("5.0", "action.Knock"),
            files["action.Knock"].clone(),
        ] {
            assert!(text.starts_with("?format 2\n"), "{version}");
            for words in &lines(&text)[1..] {
                let [call, "-", "-", "tcp", ports] = words[..] else {
                    panic!("{version}: {words:?}");
                };
                let ports = ports.trim_start_matches('!');
                assert!(
                    ports.split(',').all(|p| p.parse::<u16>().is_ok()),
                    "{words:?}"
                );
                let (name, arguments) = call.split_once('(').unwrap_or((call, ")"));
                let arguments: Vec<&str> = arguments.trim_end_matches(')').split(',').collect();
                let right = match (name, arguments.as_slice()) {
                    ("IfEvent", [_, action, time, "1", "src", "check" | "reset"]) => {
                        let known =
                            ["ACCEPT:info", "DROP"].contains(action) || actions.contains(action);
                        known && time.parse::<u32>().is_ok()
                    }
                    ("SetEvent", [_, "DROP"])
                    | ("ResetEvent", [_, "COUNT" | "DROP"])
                    | ("DROP", _) => true,
                    _ => false,
                };
                assert!(right, "{version}: {call}");
            }
        }
        // Every action of ours has its file, and is listed.
        let own = files.keys().filter_map(|name| name.strip_prefix("action."));
        assert_eq!(own.collect::<BTreeSet<_>>(), actions, "{version}");
    }
}
