//! Debts of restarts on a machine whose clock can really be set.

use crate::rig::Rig;
use crate::vm_lab::example;

/// A service that counts its starts, with its file; `between` stands between the two.
fn role(content: &str, between: &str) -> String {
    format!(
        "[[step]]\nfile = \"/etc/counted.conf\"\ncontent = \"{content}\\n\"\n{between}\n\
         [[step]]\nservice = \"counted\"\nrunning = true\nconfig = [\"/etc/counted.conf\"]\n"
    )
}

#[test]
fn a_restart_stays_owed_when_the_clock_is_set_back_a_year() {
    let Some(lab) = example() else { return };
    let rig = Rig::cluster(lab);
    rig.nodes.ok(
        "node1",
        "printf \"[Service]\\nExecStartPre=/bin/sh -c 'echo >>/var/lib/starts'\\nExecStart=/bin/sleep infinity\\n\" \
         >/etc/systemd/system/counted.service; echo a >/etc/counted.conf; systemctl start counted",
    );
    let starts = || rig.nodes.ok("node1", "wc -l </var/lib/starts");
    rig.role(&role(
        "b",
        "[[step]]\ncommand = \"false\"\ncreates = \"/nowhere\"",
    ));
    let said = rig.say(&["apply", "--yes", "node1"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert_eq!(starts(), "1\n");

    let year = rig
        .nodes
        .ok("node1", "date -s '1 year ago' >/dev/null && date +%Y");
    let now = nodewright::run::today();
    assert!(year.trim() < &now[..4], "{year} {now}");
    rig.role(&role("b", ""));
    let said = rig.say(&["apply", "--yes", "node1"]);
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    assert_eq!(starts(), "2\n");
    assert_eq!(rig.say(&["plan", "node1"]).code, 0);
}
