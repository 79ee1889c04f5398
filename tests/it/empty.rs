//! What commands say where there is nothing: no run yet, no check, a node of the lab that is off.

use crate::nodes;
use crate::rig::Rig;
use nodewright::lab::{Power, power};

#[test]
fn a_state_that_is_empty_is_said_in_words() {
    let rig = Rig::new(nodes::debian(2));
    rig.role("[[step]]\nfile = \"/etc/x\"\ncontent = \"x\\n\"\n");
    let run = |words: &[&str]| {
        let (code, out, err) = rig.run(words);
        (code, format!("{out}{err}"))
    };
    let (code, said) = run(&["log"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.starts_with("node1  no run yet\nnode2  no run yet\n"),
        "{said}"
    );
    let (code, said) = run(&["attach", "node1"]);
    assert_eq!(code, 1, "{said}");
    let told = "node1: failed: no run was carried out there yet. there is nothing to follow; `nodewright apply` begins a run\n";
    assert!(said.contains(told), "{said}");
    let (code, said) = run(&["attach", "node1", "20260101T000000-abcd"]);
    assert_eq!(code, 1, "{said}");
    let told =
        "it knows no run 20260101T000000-abcd. `nodewright log node1` shows the runs it knows\n";
    assert!(said.contains(told), "{said}");
    let (code, said) = run(&["verify"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("No checks: no role of the selected nodes has any"),
        "{said}"
    );
    let (code, said) = run(&["log", "--run", "NOSUCH"]);
    assert_eq!(code, 64, "{said}");
    assert!(
        said.contains("error: no run NOSUCH in the journal of node1, node2; "),
        "{said}"
    );
    assert_eq!(rig.apply().code, 0);
    let (_, said) = run(&["log", "node1"]);
    assert!(said.contains("  ok, 1 step\n"), "{said}");

    power(&rig.nodes.state().name, "node2", Power::Off).unwrap();
    for words in [&["facts"][..], &["log"], &["verify"], &["plan"]] {
        let (code, said) = run(words);
        assert_eq!(code, 4, "{words:?}: {said}");
        let told = "It is off in the lab: `nodewright lab power node2 on` starts it\n";
        assert!(said.contains(told), "{words:?}: {said}");
        assert!(!said.contains("ssh -J"), "{words:?}: {said}");
    }
    power(&rig.nodes.state().name, "node2", Power::On).unwrap();
    let (code, said) = run(&["facts", "node2"]);
    assert!(code != 4, "{said}");
}
