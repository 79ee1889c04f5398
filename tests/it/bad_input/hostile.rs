//! Hostile text in every place of an inventory where text stands: refused, or kept as the same bytes. Never a panic.

use nodewright::rules;
use nodewright::site::words::types::{Date, Word as _};
use nodewright::site::{Value, load_str};

const SITE: &str = include_str!("../../../inventory/crosslink/inventory.toml");

const HOSTILE: &[&str] = &[
    "$(reboot)",
    "`reboot`",
    "'; reboot; '",
    "\"; reboot; \"",
    "a\nreboot",
    "a\r\nreboot",
    "-rf",
    "--help",
    "../../../etc/shadow",
    "a\0b",
    "\u{1b}[2J",
    "\u{202e}gnp.exe",
    "\u{f0000}drbd\u{f0001}",
    "{{ secret('drbd') }}",
    "{% include '/etc/shadow' %}",
    "%s%n",
    "*",
    "~root",
    "${IFS}",
    " ",
    "",
    "ü",
    "\u{0}",
    "#",
    "node1.x",
];

/// The path of every text in a JSON value.
fn texts(json: &serde_json::Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    match json {
        serde_json::Value::String(text) => found.push((path.clone(), text.clone())),
        serde_json::Value::Array(list) => {
            for (i, value) in list.iter().enumerate() {
                path.push(i.to_string());
                texts(value, path, found);
                path.pop();
            }
        }
        serde_json::Value::Object(table) => {
            for (key, value) in table {
                path.push(key.clone());
                texts(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn set(json: &mut serde_json::Value, path: &[String], text: &str) {
    let mut here = json;
    for word in path {
        here = match here {
            serde_json::Value::Array(list) => &mut list[word.parse::<usize>().unwrap()],
            other => &mut other[word.as_str()],
        };
    }
    *here = serde_json::Value::String(text.to_owned());
}

fn whole() -> toml::Table {
    let mut site: toml::Table = SITE.parse().unwrap();
    // What the example leaves out and where text may stand.
    let more: toml::Table = r#"
        [vars]
        free = "text"
        [vars.motd]
        line = "text"
        [repository.own]
        url = "https://mirror.example.net/"
        description = "own packages"
        key = "https://mirror.example.net/key"
        suite = "bookworm"
        components = ["main"]
        exclude = ["kernel*"]
        platforms = ["el7"]
        [repository.local]
        folder = "packages"
        key_file = "keys/own"
    "#
    .parse()
    .unwrap();
    site.extend(more);
    let services = site["services"].as_table_mut().unwrap();
    services.insert(
        "mail".into(),
        toml::Value::Table(
            r#"relay = "mail.example.net"
root = ["ops@example.net"]"#
                .parse()
                .unwrap(),
        ),
    );
    services.insert("dns".into(), toml::Value::Array(vec!["192.0.2.53".into()]));
    let node = site["node"]["node1"].as_table_mut().unwrap();
    let more: toml::Table = r#"
        doc = "the first"
        platform = "el7"
        ssh = { host = "192.0.2.5", user = "root", sudo = "none" }
        fence = [{ agent = "fence_apc", address = "10.0.5.1", user = "fence", plug = "7", password = { secret = "apc" }, options = { cipher = "3" } }]
        disks = { spare = { id = "scsi-1", size = "1T" } }
        vars = { x = "y" }
    "#
    .parse()
    .unwrap();
    node.extend(more);
    site
}

#[test]
fn hostile_text_is_refused_or_kept_as_it_is() {
    let table = whole();
    let site = serde_json::to_value(&table).unwrap();
    let loaded = load_str(&table.to_string());
    let wrong: String = loaded
        .findings
        .iter()
        .map(|f| f.render(&loaded.sources, false))
        .collect();
    assert_eq!(wrong, "", "the example itself is sound");
    let mut places = Vec::new();
    texts(&site, &mut Vec::new(), &mut places);
    // Of things that are alike the first is enough.
    let alike = ["guest", "mirror", "partition"];
    let first = |table: &str| {
        site[table]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .clone()
    };
    places.retain(|(path, _)| !alike.contains(&path[0].as_str()) || path[1] == first(&path[0]));
    places.retain(|(path, _)| {
        !path.contains(&"node2".to_owned()) && !path.contains(&"beat".to_owned())
    });
    assert!(places.len() > 90, "{}", places.len());
    let today = Date::parse("2026-12-01").unwrap();
    let (mut refused, mut kept) = (0, Vec::new());
    for (path, _) in &places {
        for text in HOSTILE {
            let mut bad = site.clone();
            set(&mut bad, path, text);
            let written = toml::to_string(&bad).unwrap();
            let loaded = load_str(&written);
            for finding in &loaded.findings {
                let shown = finding.render(&loaded.sources, false);
                assert!(
                    !shown.contains(['\0', '\u{1b}', '\u{202e}', '\u{f0000}']),
                    "{shown:?}"
                );
            }
            let Some(site) = loaded.sound() else {
                refused += 1;
                continue;
            };
            let _ = rules::run(site, &today);
            let _ = site.members_model();
            let inventory = serde_json::to_value(&site.inventory).unwrap();
            let at = path.iter().fold(&inventory, |here, word| match here {
                serde_json::Value::Array(list) => &list[word.parse::<usize>().unwrap()],
                other => &other[word.as_str()],
            });
            assert_eq!(at, text, "{path:?}");
            kept.push((path.last().unwrap().clone(), path.join("."), *text));
        }
    }
    assert!(refused > 1500, "{refused}");
    // What keeps hostile text is text for people or for own roles, and nothing else.
    let free = [
        "why",
        "doc",
        "name",
        "description",
        "plug",
        "cipher",
        "free",
        "line",
        "x",
        "0",
    ];
    for (key, path, text) in &kept {
        let person =
            free.contains(&key.as_str()) && (key != "name" || path.starts_with("operator."));
        let list = key == "0" && (path.ends_with("exclude.0") || path.ends_with("root.0"));
        let dotted = *text == "node1.x";
        assert!(
            (person && key != "0") || list || dotted || *text == "ü" && person,
            "{path} kept {text:?}"
        );
    }
}

#[test]
fn hostile_names_are_refused_or_kept_as_they_are() {
    for text in HOSTILE {
        for table in [
            "node",
            "zone",
            "group",
            "guest",
            "mirror",
            "operator",
            "repository",
            "accept",
            "partition",
            "vars",
        ] {
            let mut site = whole();
            let mut inner = toml::Table::new();
            inner.insert((*text).to_owned(), toml::Value::Table(toml::Table::new()));
            site.insert(table.to_owned(), toml::Value::Table(inner));
            let loaded = load_str(&site.to_string());
            let kept = loaded.sound().is_some();
            assert!(!kept || table == "vars", "{table} took {text:?}");
        }
    }
}

#[test]
fn no_prefix_of_a_site_and_no_flipped_byte_makes_it_panic() {
    for end in (0..SITE.len())
        .step_by(29)
        .filter(|e| SITE.is_char_boundary(*e))
    {
        let loaded = load_str(&SITE[..end]);
        let _: String = loaded
            .findings
            .iter()
            .map(|f| f.render(&loaded.sources, true))
            .collect();
    }
    for at in (0..SITE.len())
        .step_by(97)
        .filter(|e| SITE.is_char_boundary(*e))
    {
        for with in ["\"", "{", "]", "\n", "=", "\u{e9}"] {
            let mut text = SITE.to_owned();
            text.insert_str(at, with);
            let loaded = load_str(&text);
            let shown: String = loaded
                .findings
                .iter()
                .map(|f| f.render(&loaded.sources, true))
                .collect();
            assert_eq!(shown.is_empty(), loaded.findings.is_empty());
        }
    }
}

#[test]
fn a_tree_knows_the_place_of_every_text() {
    let mut sources = nodewright::site::Sources::default();
    let file = sources.add("x", SITE);
    let tree = nodewright::site::parse(&sources, file, &mut Vec::new());
    let mut places = Vec::new();
    texts(&tree.to_json(), &mut Vec::new(), &mut places);
    assert!(places.len() > 100, "{}", places.len());
    for (path, text) in places {
        let (_, found) = tree.at(&path).unwrap();
        assert_eq!(found.value, Value::Str(text.clone()));
        assert_eq!(sources.slice(found.place), format!("\"{text}\""));
    }
}
