//! Long steps: begun by a run that ends, seen by every later one, waited for on request.

use crate::nodes;
use crate::rig::Rig;

/// A step whose work the test does by hand, and one that comes after it.
const ROLE: &str = r##"
[[step]]
file    = "/usr/local/sbin/begin-sync"
content = "#!/bin/sh\nmkdir -p /var/lib/sync && echo 12 >/var/lib/sync/percent\n"
mode    = "0755"

[[step]]
command  = ["/usr/local/sbin/begin-sync"]
unless   = ["test", "-e", "/var/lib/sync/done"]
progress = ["cat", "/var/lib/sync/percent"]
long     = true

[[step]]
file    = "/etc/after.conf"
content = "after\n"
"##;

const DONE: &str = "touch /var/lib/sync/done; rm /var/lib/sync/percent";

#[test]
fn a_long_step_is_begun_seen_by_later_runs_and_what_follows_comes_after_it() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(ROLE);
    let waiting = "node1: waiting for demo/command:/usr/local/sbin/begin-sync, 12 %";

    let (code, out, err) = rig.run(&["apply", "--yes"]);
    assert_eq!(code, 8, "{out}{err}");
    assert!(out.contains(waiting), "{out}");
    assert_eq!(
        rig.nodes
            .ok("node1", "test -e /etc/after.conf || echo absent"),
        "absent\n"
    );
    // Nobody holds a lock while the work goes on.
    let (code, out, err) = rig.run(&["unlock", "node1"]);
    assert!(
        code == 0 && err.contains("it is not locked"),
        "{code} {out}{err}"
    );

    rig.nodes.ok("node1", "echo 57 >/var/lib/sync/percent");
    let (code, out, err) = rig.run(&["plan"]);
    assert_eq!(code, 8, "{out}{err}");
    assert!(out.contains("57 %"), "{out}");
    let (code, out, err) = rig.run(&["apply", "--yes"]);
    assert_eq!(code, 8, "{out}{err}");
    assert!(out.contains("57 %"), "{out}");

    rig.nodes.ok("node1", DONE);
    let (code, out, err) = rig.run(&["apply", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(rig.nodes.ok("node1", "cat /etc/after.conf"), "after\n");
    rig.nothing_to_do();
}

#[test]
fn a_run_that_waits_tells_how_far_it_is_and_goes_on_by_itself() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(ROLE);
    let mut run = rig.start(&["apply", "--yes", "--wait"]);
    run.until(|event| event["event"] == "waiting" && event["waiting"]["progress"]["percent"] == 12);
    rig.nodes.ok("node1", DONE);
    let said = run.end();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    assert_eq!(rig.nodes.ok("node1", "cat /etc/after.conf"), "after\n");
    rig.nothing_to_do();
}

#[test]
fn work_that_goes_on_by_itself_needs_the_step_to_say_so() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(&ROLE.replace("long     = true\n", ""));
    let said = rig.apply();
    assert_eq!(said.code, 1, "{}", said.err);
    let failed = said.failed().join("\n");
    assert!(failed.contains("its step needs `long = true`"), "{failed}");
}
