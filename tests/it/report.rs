//! `nodewright report`: one page about a site, by one observation of its nodes.

use crate::drift::ROLE;
use crate::nodes;
use crate::rig::Rig;
use crate::support::without_secrets;
use std::os::unix::fs::PermissionsExt as _;

/// The text between two markers, without markup.
fn between(page: &str, from: &str, to: &str) -> String {
    let at = page.find(from).unwrap_or_else(|| panic!("{from}"));
    let part = &page[at..];
    let part = &part[..part.find(to).unwrap_or_else(|| panic!("{to}"))];
    let mut text = String::new();
    for piece in part.split('<') {
        text.push_str(piece.split_once('>').map_or(piece, |(_, rest)| rest));
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_is_written_where_no_node_answers() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Bound and let go again: nobody listens there.
    drop(listener);
    let desk = without_secrets();
    let inventory = desk.read("inventory.toml");
    let host = format!("ssh = {{ host = \"127.0.0.1\", port = {port} }}\naddress");
    let mut desk = desk.file("inventory.toml", &inventory.replace("address", &host));
    let home = desk.home().to_str().unwrap().to_owned();
    desk.env("XDG_RUNTIME_DIR", &home);
    let (code, out, err) = desk.output(&["report", "-o", "site.html"]);
    assert_eq!(code, 4, "{out}{err}");
    assert!(
        out.starts_with("site.html: degraded, 2 nodes did not answer"),
        "{out}"
    );
    let page = desk.read("site.html");
    let said = between(&page, "id=\"points\"", "</section>");
    for node in ["node1", "node2"] {
        assert!(
            said.contains(&format!("{node} : it could not be observed.")),
            "{said}"
        );
    }
    let drift = between(&page, "id=\"drift\"", "</section>");
    assert!(
        drift.contains("No node was observed: node1, node2."),
        "{drift}"
    );

    let (code, _, err) = desk.output(&["report", "-o", "no/such/folder.html"]);
    assert_eq!(code, 1);
    assert!(err.contains("cannot write no/such/folder.html"), "{err}");
    assert_eq!(desk.output(&["report"]).0, 64);
}

#[test]
fn the_page_has_what_plan_verify_and_log_show_and_names_a_silent_node() {
    let rig = Rig::new(nodes::debian(2));
    rig.role(ROLE);
    assert_eq!(rig.apply().code, 0);
    let (code, out, err) = rig.run(&["report", "-o", "site.html"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(out, "site.html: healthy\n");
    let path = rig.desk.site().join("site.html");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let page = rig.desk.read("site.html");
    let said = between(&page, "id=\"points\"", "</section>");
    assert!(said.ends_with("Nothing: the cluster is healthy."), "{said}");
    let checks = between(&page, "id=\"checks\"", "</section>");
    assert!(
        checks.contains("2 checks hold") && checks.contains("A-IS node2"),
        "{checks}"
    );
    let runs = between(&page, "id=\"runs\"", "</section>");
    assert_eq!(runs.matches(" apply ").count(), 2, "{runs}");
    let ended = runs.split(' ').filter(|word| *word == "ok");
    assert_eq!(ended.count(), 2, "{runs}");

    // A node whose file is markup, another one that is silent.
    rig.nodes
        .ok("node1", "echo '<script>alert(1)</script>' >/srv/a");
    let states = &rig.nodes.state().nodes;
    let node2 = states.iter().find(|n| n.name == "node2").unwrap();
    nodes::console(node2, "ip rule add pref 1 blackhole");
    let journal = rig.nodes.ok("node1", "cat /var/lib/nodewright/journal");
    let (code, out, err) = rig.run(&["report", "-o", "site.html", "--timeout", "4"]);
    assert_eq!(code, 4, "{out}{err}");
    assert_eq!(
        out,
        "site.html: degraded, 1 node did not answer, 2 checks do not hold, 1 change pending\n"
    );
    let page = rig.desk.read("site.html");
    assert!(!page.contains("<script"), "{page}");
    let drift = between(&page, "id=\"drift\"", "</section>");
    assert!(
        drift.contains("-&lt;script&gt;alert(1)&lt;/script&gt; +a"),
        "{drift}"
    );
    assert!(drift.contains("not observed: node2"), "{drift}");
    let said = between(&page, "id=\"points\"", "</section>");
    let silent = "node2 : it could not be observed. unreachable: no answer within 4 s";
    assert!(said.contains(silent), "{said}");
    let checks = between(&page, "id=\"checks\"", "</section>");
    assert!(checks.contains("error: 1 A-IS node1"), "{checks}");
    assert!(checks.contains("warning: 1 FILE-CHANGED node1"), "{checks}");
    let runs = between(&page, "id=\"runs\"", "</section>");
    assert_eq!(runs.matches(" apply ").count(), 1, "{runs}");
    assert_eq!(
        rig.nodes.ok("node1", "cat /var/lib/nodewright/journal"),
        journal
    );
}
