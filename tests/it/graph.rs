//! `nodewright graph`: the examples as they were looked at (`tests/graph`), and what a drawing must not get wrong.
//!
//! `NODEWRIGHT_BLESS=1` writes the drawings of now; look at them before they are kept.

use crate::support::Desk;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const CROSSLINK: &str = include_str!("../../inventory/crosslink/inventory.toml");
const BONDED: &str = include_str!("../../inventory/bonded/inventory.toml");

/// Three nodes, one with a sentence that no format may take for its own.
const THREE: &str = r#"
[site]
name = "three"
domain = "example.net"
platform = "debian12"
[zone]
red = { nic = "eth0", network = "192.0.2.0/24", gateway = "192.0.2.1" }
yellow = { nic = "eth1", network = "10.0.2.0/24" }
[node.a]
doc = '<b> & "quoted" \n --> ${x}'
address = { red = "192.0.2.5", yellow = "10.0.2.1" }
[node.b]
address = { red = "192.0.2.6", yellow = "10.0.2.2" }
[node.c]
address = { red = "192.0.2.7" }
[group.all]
nodes = ["a", "b", "c"]
roles = []
"#;

fn drawn(site: &str, args: &[&str]) -> String {
    let desk = Desk::new().file("inventory.toml", site);
    let (code, out, err) = desk.output(&[&["graph"], args].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    out
}

/// The texts of an SVG as a parser of XML reads them, with the elements it met.
fn parsed(svg: &str) -> (Vec<String>, Vec<String>) {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(svg);
    let (mut elements, mut texts, mut text) = (Vec::new(), Vec::new(), String::new());
    loop {
        match reader.read_event().expect("it is XML") {
            Event::Start(tag) | Event::Empty(tag) => {
                text.clear();
                elements.push(tag.name().as_ref().to_owned());
            }
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(part) => {
                let known = quick_xml::escape::resolve_predefined_entity(&part);
                text.push_str(known.expect("one of the five"));
            }
            Event::End(_) => {
                if !text.trim().is_empty() {
                    texts.push(std::mem::take(&mut text));
                }
                text.clear();
            }
            Event::Eof => return (elements, texts),
            _ => {}
        }
    }
}

/// What Graphviz itself reads out of a graph.
fn graphviz(dot: &str) -> String {
    let mut child = Command::new("dot")
        .arg("-Tplain")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Graphviz is installed");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), dot.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn the_examples_are_drawn_as_they_were_observed() {
    for (name, site) in [("crosslink", CROSSLINK), ("bonded", BONDED)] {
        for (format, ending) in [("svg", "svg"), ("dot", "dot"), ("tree", "txt")] {
            let now = drawn(site, &["--format", format]);
            let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join(format!("tests/graph/{name}.{ending}"));
            if std::env::var_os("NODEWRIGHT_BLESS").is_some() {
                std::fs::write(&golden, &now).unwrap();
            }
            assert!(
                std::fs::read_to_string(&golden).unwrap_or_default() == now,
                "{} is another now",
                golden.display()
            );
        }
    }
}

/// Members, devices and guests stand where the tools of cluster.conf show them.
#[test]
fn the_tree_tells_who_is_fenced_by_what_and_which_guest_runs_where() {
    let tree = drawn(CROSSLINK, &["--format", "tree"]);
    let under = |heading: &str| {
        let mut lines = tree.lines().skip_while(|line| !line.ends_with(heading));
        let depth = lines
            .next()
            .map_or(0, |line| line.find(heading).unwrap_or(0));
        let deeper = |line: &&str| line.find(|c: char| c.is_ascii_alphanumeric()) > Some(depth);
        lines.take_while(deeper).collect::<Vec<_>>().join("\n")
    };
    assert!(
        under("cluster nodes").contains("1. ipmilan: fence_node2_ipmilan"),
        "{tree}"
    );
    assert!(
        under("fence devices").contains("fence_node2_ipmilan (fence_ipmilan) switches node2"),
        "{tree}"
    );
    assert!(
        under("mirrors").contains("r0 (/dev/drbd0): GFS2 on /shared"),
        "{tree}"
    );
    assert!(under("node1, else node2").contains(" web"), "{tree}");
    assert!(
        under("node2 only").contains(" knox") && !under("node2 only").contains(" web"),
        "{tree}"
    );
}

#[test]
fn both_formats_name_every_device_once_a_node() {
    let svg = drawn(CROSSLINK, &[]);
    let (_, texts) = parsed(&svg);
    let plain = graphviz(&drawn(CROSSLINK, &["--format", "dot"]));
    for device in [
        "eth0", "eth1", "eth2", "eth3", "eth4", "ttyS0", "brred", "eth3.1", "eth3.101", "eth3.102",
        "vbr1", "vbr101", "vbr102",
    ] {
        let times = texts.iter().filter(|t| *t == device).count();
        assert_eq!(times, 2, "{device} in the SVG");
        for node in ["node1", "node2"] {
            let line = format!("\nnode \"{node}/{device}\" ");
            assert_eq!(plain.matches(&line).count(), 1, "{device} of {node}");
        }
    }
    // What switches a node off hangs on the other's wire.
    for (card, bmc) in [("node1", "node2"), ("node2", "node1")] {
        let wire = format!("\"wire/eth4.{card}\"");
        let edge = |end: &str| {
            let lines = plain.lines().filter(|l| l.starts_with("edge "));
            lines
                .filter(|l| l.contains(&wire) && l.contains(end))
                .count()
        };
        assert_eq!(edge(&format!("{card}/eth4")), 1);
        assert_eq!(edge(&format!("{bmc}/BMC fence_ipmilan")), 1);
    }
}

#[test]
fn what_a_site_says_is_shown_and_never_markup() {
    let said = r#"<b> & "quoted" \n --> ${x}"#;
    let (elements, texts) = parsed(&drawn(THREE, &[]));
    assert!(texts.iter().any(|t| t == said), "{texts:?}");
    assert!(!elements.iter().any(|e| e == "b"), "{elements:?}");
    // Two wires, one of three ends and one of two: the last node has no address on yellow, and its card a wire.
    let paths = elements.iter().filter(|e| *e == "path").count();
    assert_eq!(paths, 2 * 6);
    let plain = graphviz(&drawn(THREE, &["--format", "dot"]));
    assert_eq!(plain.lines().filter(|l| l.starts_with("node ")).count(), 8);
}

#[test]
fn the_name_of_the_file_says_the_format() {
    let desk = Desk::new().file("inventory.toml", THREE);
    for (name, first) in [
        ("a.svg", "<svg "),
        ("a.dot", "graph "),
        ("a.gv", "graph "),
        ("a.txt", "three\n"),
    ] {
        let (code, out, err) = desk.output(&["graph", "-o", name]);
        assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
        assert!(desk.read(name).starts_with(first), "{name}");
    }
    let (code, _, err) = desk.output(&["graph", "-o", "nowhere/a.svg"]);
    assert_eq!(code, 1);
    assert!(err.contains("cannot write nowhere/a.svg"), "{err}");
}

#[test]
fn colours_follow_what_zones_are_for_and_not_their_names() {
    use crate::zones::renamed;
    for site in [CROSSLINK, BONDED] {
        let names = drawn(&renamed(site), &["--format", "dot"]);
        assert_eq!(renamed(&names), renamed(&drawn(site, &["--format", "dot"])));
    }
}
