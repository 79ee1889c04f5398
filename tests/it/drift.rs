//! `nodewright drift`, and the metrics that it and `verify` write.

use crate::nodes;
use crate::rig::Rig;
use crate::support::{Desk, without_secrets};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// What a file of metrics holds: series as they are written, with their values.
type Series = BTreeMap<String, f64>;

/// Reads the text format of Prometheus as its description says, and accepts nothing else: each metric's HELP, then its
/// TYPE, then its samples together; no series twice; labels in quotes with nothing but the three escapes.
fn metrics(text: &str) -> Result<Series, String> {
    let mut all = Series::new();
    let mut told = BTreeSet::new();
    let mut help = None;
    let mut metric = None;
    if !text.ends_with('\n') {
        return Err("no line end at the end".to_owned());
    }
    for line in text.lines() {
        let wrong = |why: &str| Err(format!("{why}: {line}"));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let Some((name, words)) = rest.split_once(' ') else {
                return wrong("no help");
            };
            if !is_name(name, true) || !told.insert(name.to_owned()) {
                return wrong("a name that is none, or was there");
            }
            unescaped(words, "\\n")?;
            help = Some(name.to_owned());
            metric = None;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            match rest.split_once(' ') {
                Some((name, "gauge")) if help.as_deref() == Some(name) => metric = help.take(),
                _ => return wrong("a type of nothing, or none that there is"),
            }
        } else {
            let end = line.find(['{', ' ']).unwrap_or(line.len());
            let (name, rest) = line.split_at(end);
            if metric.as_deref() != Some(name) {
                return wrong("a sample of another metric");
            }
            let (labels, value) = match rest.strip_prefix('{') {
                Some(rest) => labels(rest).map_err(|why| format!("{why}: {line}"))?,
                None => (BTreeMap::new(), rest),
            };
            let value = value.strip_prefix(' ').unwrap_or_default();
            let Ok(number) = value.parse::<f64>() else {
                return wrong("no number");
            };
            let labels = labels.iter().map(|(k, v)| format!("{k}={v}"));
            let series = format!("{name} {}", labels.collect::<Vec<_>>().join(" "));
            if all.insert(series, number).is_some() {
                return wrong("twice");
            }
        }
    }
    Ok(all)
}

fn is_name(text: &str, metric: bool) -> bool {
    let good = |c: char| c.is_ascii_alphabetic() || c == '_' || metric && c == ':';
    text.starts_with(good) && text.chars().all(|c| good(c) || c.is_ascii_digit())
}

/// The labels, and what comes after the brace that ends them.
fn labels(mut rest: &str) -> Result<(BTreeMap<&str, String>, &str), &'static str> {
    let mut all = BTreeMap::new();
    loop {
        let (name, value) = rest.split_once("=\"").ok_or("no label")?;
        if !is_name(name, false) {
            return Err("no name of a label");
        }
        let mut escaped = false;
        let end = value.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (value, after) = value.split_at(end.ok_or("no end of a value")?);
        if all.insert(name, unescaped(value, "\\n\"")?).is_some() {
            return Err("a label twice");
        }
        rest = &after[1..];
        match rest.strip_prefix('}') {
            Some(after) => return Ok((all, after)),
            None => rest = rest.strip_prefix(',').ok_or("no comma")?,
        }
    }
}

/// Text without its escapes, which are a backslash before one of these.
fn unescaped(text: &str, known: &str) -> Result<String, &'static str> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c) if known.contains(c) => out.push(c),
                _ => return Err("an escape that there is not"),
            },
            c => out.push(c),
        }
    }
    Ok(out)
}

#[test]
fn the_reader_of_metrics_is_strict() {
    let head = "# HELP a b\n# TYPE a gauge\n";
    let read = |lines: &str| metrics(&format!("{head}{lines}"));
    let good = read("a{x=\"1\\\\ \\\" \\n,}\",y=\"\"} 1\na 2.5\n").unwrap();
    let series: Vec<_> = good.into_iter().collect();
    assert_eq!(
        series,
        [
            ("a ".to_owned(), 2.5),
            ("a x=1\\ \" \n,} y=".to_owned(), 1.0)
        ]
    );
    for bad in [
        "a 1",
        "b 1\n",
        "a 1\na 2\n",
        "a{x=\"1\"} 1\na{x=\"1\"} 1\n",
        "a{x=\"\\t\"} 1\n",
        "a{x=\"1} 1\n",
        "a{x=\"1\" y=\"2\"} 1\n",
        "a{x=\"1\",x=\"2\"} 1\n",
        "a{0=\"1\"} 1\n",
        "a{x=\"1\"}\n",
        "a one\n",
        "\n",
        "# HELP a b\n",
        "# TYPE c gauge\nc 1\n",
        "# HELP c d\n# TYPE c gauge\na 1\n",
        "# HELP c d\n# TYPE c curve\nc 1\n",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

/// The series of a file that a command just wrote, without the time of the run, which lies in this one.
#[track_caller]
fn written(path: &Path, began: SystemTime) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let text = std::fs::read_to_string(path).unwrap();
    let mut all = metrics(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let runs: Vec<String> = all
        .keys()
        .filter(|s| s.contains("last_run"))
        .cloned()
        .collect();
    assert_eq!(runs.len(), 1, "{text}");
    let since = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let at = all.remove(&runs[0]).unwrap();
    // The file has whole seconds.
    assert!(at >= since(began).as_secs_f64().floor(), "{text}");
    assert!(at <= since(SystemTime::now()).as_secs_f64(), "{text}");
    let shown = all
        .iter()
        .map(|(series, value)| format!("{series} {value}"));
    let shown = shown.map(|line| line.strip_prefix("nodewright_").unwrap().to_owned());
    shown
        .chain(runs.iter().map(|r| r.replace("nodewright_", "")))
        .collect()
}

/// A site whose nodes refuse every connection, and whose role has a check of each scope.
fn unreachable() -> Desk {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // Bound and let go again: nobody listens there.
    let port = listener.local_addr().unwrap().port();
    let mut desk = without_secrets();
    let inventory = desk.read("inventory.toml");
    let host = format!("ssh = {{ host = \"127.0.0.1\", port = {port} }}\naddress");
    let role = desk.read("roles/own.toml")
        + &format!(
            "[[check]]\ncode = \"DOOR\"\nseverity = \"warning\"\nscope = \"outside\"\n\
             tcp = {{ port = {port}, host = \"127.0.0.1\" }}\nexpect = {{ open = true }}\nremedy = \"open it\"\n"
        );
    desk = desk
        .file("inventory.toml", &inventory.replace("address", &host))
        .file("roles/own.toml", &role);
    let home = desk.home().to_str().unwrap().to_owned();
    desk.env("XDG_RUNTIME_DIR", &home);
    desk
}

#[test]
fn nodes_that_are_not_there_are_told_and_measured() {
    let desk = unreachable();
    let began = SystemTime::now();
    let (code, out, err) = desk.output(&["drift", "--prometheus", "site.prom"]);
    assert_eq!((code, err.as_str()), (4, ""), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "node1", "{out}");
    assert!(lines[1].starts_with("  "), "{out}");
    assert!(lines.contains(&"node2"), "{out}");
    assert!(
        lines.contains(&"No node was observed: node1, node2."),
        "{out}"
    );
    assert!(out.contains("! DOOR  warning"), "{out}");
    let series = [
        "check_failed code=DOOR node=node1 severity=warning site=small 1",
        "check_failed code=DOOR node=node2 severity=warning site=small 1",
        "node_observed node=node1 site=small 0",
        "node_observed node=node2 site=small 0",
        "node_reachable node=node1 site=small 0",
        "node_reachable node=node2 site=small 0",
    ];
    let path = desk.site().join("site.prom");
    let of = |command: &str| {
        let run = format!("{command}_last_run_timestamp_seconds site=small");
        series
            .map(str::to_owned)
            .into_iter()
            .chain([run])
            .collect::<Vec<_>>()
    };
    assert_eq!(written(&path, began), of("drift"));

    let began = SystemTime::now();
    let (code, out, _) = desk.output(&["verify", "--json", "--prometheus", "site.prom"]);
    assert_eq!(code, 4, "{out}");
    assert_eq!(written(&path, began), of("verify"));
    let last: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    let both = serde_json::json!(["node1", "node2"]);
    assert_eq!(
        (&last["event"], &last["unreachable"]),
        (&"verified".into(), &both)
    );
    // Nothing of the two files' making is left beside them.
    let names = std::fs::read_dir(desk.site()).unwrap();
    let names: Vec<_> = names.map(|e| e.unwrap().file_name()).collect();
    let left = |name: &&std::ffi::OsString| name.to_str().unwrap().starts_with(".nw-");
    assert_eq!(names.iter().find(left), None);

    let (code, _, err) = desk.output(&["drift", "--prometheus", "no/such/folder.prom"]);
    assert_eq!(code, 1);
    assert!(err.contains("cannot write no/such/folder.prom: "), "{err}");
}

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let desk = unreachable();
    let inventory = desk.read("inventory.toml");
    let desk = desk.file(
        "inventory.toml",
        &inventory.replace("port =", "user = \"anna\", sudo = \"password\", port ="),
    );
    let command = desk.command(&["drift"]);
    // A session of its own has no terminal, whoever runs this test.
    let output = Command::new("setsid")
        .arg("-w")
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(desk.site())
        .env("HOME", desk.home())
        .env("XDG_RUNTIME_DIR", desk.home())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{err}");
    assert!(err.contains("there is no terminal to ask on"), "{err}");
}

/// A file, and a check that asks whether it is as wanted.
pub const ROLE: &str = r#"
[[step]]
file = "/srv/a"
content = "a\n"
[[check]]
code = "A-IS"
severity = "error"
of = "file:/srv/a"
expect = {}
remedy = "apply"
"#;

/// Everything that a run could write on a node, with times.
fn traces(rig: &Rig, node: &str) -> String {
    let find = "find /etc /srv /root /var/lib/nodewright -printf '%p %s %T@ %C@\\n' | sort";
    rig.nodes.ok(node, find)
}

#[test]
fn all_well_is_one_line_a_change_by_hand_is_named_and_a_black_hole_keeps_nobody_waiting() {
    let rig = Rig::new(nodes::debian(2));
    rig.role(ROLE);
    rig.apply_as_planned();
    let path = rig.desk.site().join("site.prom");
    let drift = |more: &[&str]| {
        let began = SystemTime::now();
        let words = [&["drift", "--prometheus", "site.prom"], more].concat();
        let (code, out, err) = rig.run(&words);
        assert!(!format!("{out}{err}").contains('\u{1b}'), "{out}{err}");
        (code, out, err, written(&path, began))
    };
    let before = traces(&rig, "node1");
    let (code, out, err, series) = drift(&[]);
    assert_eq!(
        (code, out.as_str()),
        (
            0,
            "No drift: 2 nodes, 2 resources as wanted, 2 checks hold.\n"
        ),
        "{err}"
    );
    // What only a lab says stands on the other side, and nothing else.
    assert!(err.lines().all(|l| l.starts_with("lab: ")), "{err}");
    let well = |node: &str| {
        let states = ["change", "finding", "later", "refused", "remove", "waiting"];
        states.map(|s| format!("drift_resources node={node} site=rig state={s} 0"))
    };
    let around = |first: [String; 6], rest: &[&str]| {
        let rest = rest.iter().map(|s| (*s).to_owned());
        let mut all: Vec<String> = first.into_iter().chain(well("node2")).chain(rest).collect();
        all.sort();
        all.push("drift_last_run_timestamp_seconds site=rig".to_owned());
        all
    };
    let there = [
        "check_failed code=A-IS node=node1 severity=error site=rig 0",
        "check_failed code=A-IS node=node2 severity=error site=rig 0",
        "node_observed node=node1 site=rig 1",
        "node_observed node=node2 site=rig 1",
        "node_reachable node=node1 site=rig 1",
        "node_reachable node=node2 site=rig 1",
    ];
    assert_eq!(series, around(well("node1"), &there));
    assert_eq!(traces(&rig, "node1"), before, "nothing was written there");

    // Somebody changes a file by hand.
    rig.nodes.ok("node1", "echo b >/srv/a");
    let (code, out, err, series) = drift(&[]);
    assert_eq!(code, 2, "{out}{err}");
    for line in [
        "    ~ demo/file:/srv/a  replace /srv/a",
        "        -b",
        "        +a",
    ] {
        assert!(out.lines().any(|l| l == line), "{line}\n{out}");
    }
    assert!(
        out.contains("! FILE-CHANGED  warning\n      /srv/a is not as"),
        "{out}"
    );
    let mut first = well("node1");
    first[0] = "drift_resources node=node1 site=rig state=change 1".to_owned();
    let mut there_changed = there;
    there_changed[0] = "check_failed code=A-IS node=node1 severity=error site=rig 1";
    let changed = "check_failed code=FILE-CHANGED node=node1 severity=warning site=rig 1";
    assert_eq!(
        series,
        around(first, &[&there_changed[..], &[changed]].concat())
    );
    let said = rig.say(&["drift"]);
    assert_eq!((said.code, said.of("planned").len()), (2, 1));
    assert_eq!(said.of("check").len(), 3);
    assert_eq!(rig.apply().code, 0);

    let states = &rig.nodes.state().nodes;
    let node2 = states.iter().find(|n| n.name == "node2").unwrap();
    nodes::console(node2, "ip rule add pref 1 blackhole");
    let began = Instant::now();
    let (code, out, err, series) = drift(&["--timeout", "4"]);
    let took = began.elapsed();
    assert_eq!(code, 4, "{out}{err}");
    assert!(took < Duration::from_secs(6), "{took:?}");
    let page = "node2\n  unreachable: no answer within 4 s\n\n\
                Nothing to do: 1 of 2 nodes, 1 resource as wanted; not observed: node2.\n\n\
                The one check on 1 of 2 nodes holds; not observed: node2.\n";
    assert_eq!(out, page);
    let gone = |s: &&String| s.contains("node2");
    let gone: Vec<&String> = series.iter().filter(gone).collect();
    assert_eq!(
        gone,
        [
            "node_observed node=node2 site=rig 0",
            "node_reachable node=node2 site=rig 0"
        ]
    );
    assert_eq!(series.len(), 6 + 1 + 2 + 2 + 1, "{series:?}");
}
