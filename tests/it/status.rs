//! `nodewright status` while a node is dead.

use crate::nodes;
use crate::rig::Rig;
use crate::support::{Desk, SMALL};
use serde_json::Value as Json;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// A look, by whether each node answered, what its point says where it did not, and how long the look took.
fn look(rig: &Rig) -> (i32, Vec<(String, bool)>, Vec<String>, Duration) {
    let began = Instant::now();
    let said = rig.say(&["status"]);
    let took = began.elapsed();
    let [status] = &*said.events else {
        panic!("one object a look: {:?} {}", said.events, said.err);
    };
    let nodes = status["nodes"].as_array().unwrap().iter();
    let nodes = nodes.map(|n| {
        let name = n["name"].as_str().unwrap().to_owned();
        (name, n["answered"] == Json::Bool(true))
    });
    let points = status["points"].as_array().unwrap().iter();
    let silent = points.filter_map(|p| p["what"].as_str());
    let silent = silent.filter(|what| what.contains("does not answer"));
    (
        said.code,
        nodes.collect(),
        silent.map(ToOwned::to_owned).collect(),
        took,
    )
}

/// A node whose packets lead nowhere is shown as unreachable within 5 s, and the other with all it says: first where no
/// connection was ever made, then where one was open when the node died.
#[test]
fn a_black_hole_keeps_nobody_waiting() {
    let rig = Rig::cluster(nodes::debian(2));
    let states = &rig.nodes.state().nodes;
    let node2 = states.iter().find(|n| n.name == "node2").unwrap();
    let dead = |rig: &Rig, when: &str| {
        let (code, answered, silent, took) = look(rig);
        println!("{when}: {took:?}");
        assert_eq!(
            (code, answered),
            (3, vec![("node1".into(), true), ("node2".into(), false)]),
            "{when}"
        );
        assert_eq!(
            silent,
            ["node2 does not answer: unreachable: no answer within 4 s"],
            "{when}"
        );
        assert!(took < Duration::from_secs(5), "{when}: {took:?}");
    };
    nodes::console(node2, "ip rule add pref 1 blackhole");
    dead(&rig, "never connected");
    nodes::console(node2, "ip rule del pref 1");
    let (_, answered, silent, _) = look(&rig);
    let both = vec![("node1".to_owned(), true), ("node2".to_owned(), true)];
    assert_eq!((answered, silent), (both, Vec::new()));
    nodes::console(node2, "ip rule add pref 1 blackhole");
    dead(&rig, "with an open connection");
}

/// Sites whose nodes take a connection and never say a word, each named after its folder; one is not sound.
fn several() -> (Desk, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ssh = format!("ssh = {{ host = \"127.0.0.1\", port = {port} }}\naddress");
    let inventory = SMALL.replace("address", &ssh);
    let mut desk = Desk::new();
    for site in ["north", "east", "south"] {
        let inventory = inventory.replace("\"small\"", &format!("\"{site}\""));
        desk = desk
            .file(&format!("{site}/inventory.toml"), &inventory)
            .file(&format!("{site}/roles/own.toml"), "description = \"own\"\n");
    }
    desk = desk.file("broken/inventory.toml", "[site]\nname = 1\n");
    let home = desk.home().to_str().unwrap().to_owned();
    desk.env("XDG_RUNTIME_DIR", &home);
    (desk, listener)
}

/// Three sites that take their whole time are asked at once, and one that is not sound hides none of them.
#[test]
fn several_sites_are_asked_at_once_and_the_gravest_is_the_end() {
    let (desk, _silent) = several();
    let named = |dirs: &[&'static str]| {
        let sites = dirs.iter().flat_map(|dir| ["--site", dir]);
        sites.collect::<Vec<_>>()
    };
    let words = |dirs: &[&'static str]| [&["status", "--json"][..], &named(dirs)].concat();
    let began = Instant::now();
    let (code, out, err) = desk.output(&words(&["north", "broken", "east", "nowhere", "south"]));
    let took = began.elapsed();
    println!("{took:?}");
    assert_eq!(code, 64, "{out}{err}");
    // One after the other they would take 12 s.
    assert!(took < Duration::from_secs(9), "{took:?}");
    let all: Json = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"));
    let told: Vec<String> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            let silent = s["status"]["points"].as_array().map(Vec::len);
            let silent = silent.map_or_else(String::new, |n| format!(", {n} points"));
            let name = s["status"]["site"].as_str().unwrap_or("none");
            format!(
                "{} {} {name}{silent}",
                s["dir"].as_str().unwrap(),
                s["exit"]
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "north 4 north, 2 points",
            "broken 64 none",
            "east 4 east, 2 points",
            "nowhere 64 none",
            "south 4 south, 2 points",
        ]
    );
    let why = |at: usize| all[at]["error"].as_str().unwrap_or_default();
    assert!(why(3).starts_with("nowhere is no site: "), "{}", why(3));
    assert!(all[0]["error"].is_null() && !why(1).is_empty(), "{all}");
    // What is wrong with the unsound one is said where errors are said.
    assert!(err.contains("broken/inventory.toml:2:"), "{err}");

    let (code, out, _) = desk.output(&[&["status"][..], &named(&["north", "nowhere"])].concat());
    assert_eq!(code, 64, "{out}");
    assert!(out.starts_with("north: degraded\n"), "{out}");
    assert!(
        out.contains("\nnowhere: not asked: nowhere is no site: "),
        "{out}"
    );

    // A single site is told as ever.
    let (code, out, _) = desk.output(&words(&["south"]));
    let one: Json = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"));
    assert_eq!((code, &one["site"]), (4, &"south".into()));
}

#[test]
fn only_status_takes_several_sites() {
    let (desk, _silent) = several();
    let page = desk.run(&["check", "--site", "north", "--site", "south"]);
    insta::assert_snapshot!(page, @r"
    exit 64
    --- stderr
    error: this command is about one site, and --site names north, south; only `status` takes several
    ");
}
