//! What the role `etckeeper` records on a real node: a run's own commit names who ran what, what somebody changed by hand is
//! a commit of its own before it, and nothing is left over.

use crate::nodes;
use crate::rig::Rig;

/// The commits of /etc, the latest first: subject, author, and the files of it that are none of the record's own.
fn commits(rig: &Rig) -> Vec<String> {
    let log = rig.nodes.ok(
        "node1",
        "cd /etc && for c in $(git log -n 2 --format=%H); do git log -1 --format='%s|%an' $c; \
         git show --format= --name-only $c | grep -v '^.etckeeper$' | tr '\\n' ' '; echo; done",
    );
    let lines: Vec<&str> = log.lines().collect();
    lines
        .chunks(2)
        .map(|pair| format!("{}|{}", pair[0], pair[1].trim()))
        .collect()
}

#[test]
fn a_run_has_a_commit_of_its_own_and_what_was_changed_by_hand_has_one_before_it() {
    let rig = Rig::new(nodes::debian(1));
    rig.write("roles/base.toml", "description = \"nothing\"\n");
    let path = rig.desk.site().join("inventory.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("\"demo\"]", "\"base\", \"demo\", \"etckeeper\"]"),
    )
    .unwrap();
    let file = |content: &str| {
        rig.role(&format!(
            "[[step]]\nfile = \"/etc/ours\"\ncontent = \"{content}\\n\"\n"
        ));
    };
    file("one");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();

    rig.nodes.ok("node1", "echo by-hand >/etc/theirs");
    let (code, out, _) = rig.run(&["verify"]);
    assert!(code != 0 && out.contains("ETC-RECORDED"), "{out}");
    file("two");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let commits = commits(&rig);
    let journal = rig
        .nodes
        .ok("node1", "tail -n 1 /var/lib/nodewright/journal | cut -f 2");
    let id = journal.trim();
    assert!(!id.is_empty());
    let who = rig.nodes.ok(
        "node1",
        "grep -P '\\tbegin\\t' /var/lib/nodewright/journal | tail -n 1 | cut -f 5",
    );
    let who = who.trim();
    assert!(!who.is_empty());
    assert_eq!(
        commits,
        [
            format!("nodewright rig: demo/file:/etc/ours (run {id})|{who}|ours"),
            format!("Changes found before run {id}|{who}|theirs"),
        ]
    );
    // `etckeeper unclean` ends with 1 where nothing is left to record.
    let clean = rig.nodes.sh("node1", "etckeeper unclean");
    assert_eq!(clean.status.code(), Some(1));
}
