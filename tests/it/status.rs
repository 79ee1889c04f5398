//! `nodewright status` while a node is dead.

use crate::nodes;
use crate::rig::Rig;
use serde_json::Value as Json;
use std::time::{Duration, Instant};

/// A look, by whether each node answered, what its point says where it did not, and how long the look took.
fn look(rig: &Rig) -> (i32, Vec<(String, bool)>, Vec<String>, Duration) {
    let began = Instant::now();
    let said = rig.say(&["status"]);
    let took = began.elapsed();
    let status = said
        .events
        .iter()
        .find(|e| e["nodes"][0]["answered"].is_boolean())
        .unwrap_or_else(|| panic!("no status: {:?} {}", said.events, said.err));
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
