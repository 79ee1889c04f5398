//! The guard on real nodes: what could lock everybody out stays only where a new connection confirms it, and is put
//! back by itself otherwise, whatever dies in between.

use crate::node::kill;
use crate::nodes;
use crate::rig::{Live, Rig};
use nodewright::lab::{self, Power};
use std::fs;

/// Settings of sshd and the service that reads them.
const SSHD: &str = "\
[[step]]
file = \"/etc/ssh/sshd_config.d/10-site.conf\"
content = \"@\\n\"
[[step]]
service = \"ssh\"
config = [\"/etc/ssh/sshd_config.d/10-site.conf\"]
";

/// A node with a window of this length.
fn rig(window: &str) -> Rig {
    let rig = Rig::new(nodes::debian(1));
    let path = rig.desk.site().join("inventory.toml");
    let text = fs::read_to_string(&path).unwrap();
    let guard = format!("[site.guard]\nwindow = \"{window}\"\n[zone]\n");
    fs::write(path, text.replace("[zone]\n", &guard)).unwrap();
    rig
}

fn sshd(setting: &str) -> String {
    SSHD.replace('@', setting)
}

/// What decides who gets in, with owners and modes, but not times: what is rolled back has to equal it.
pub fn print(nodes: &nodes::Nodes) -> String {
    nodes.ok(
        "node1",
        "cd /etc; find ssh sudoers sudoers.d hosts hosts.deny hosts.allow passwd shadow group pam.d nftables.conf /root/.ssh /home /etc/systemd/system \
         -exec stat -c '%f %u:%g %N' {} + 2>/dev/null | sort; \
         find ssh sudoers sudoers.d hosts hosts.deny hosts.allow passwd shadow group pam.d nftables.conf /root/.ssh /home /etc/systemd/system -type f \
         -exec sha256sum {} + 2>/dev/null | sort; cat /var/lib/nodewright/manifest 2>/dev/null || :",
    )
}

/// Nothing of the guard is left: no hook, no kept file, no process.
#[track_caller]
pub fn is_clean(nodes: &nodes::Nodes) {
    let left = nodes.ok(
        "node1",
        "find /etc/systemd/system -name '*nodewright*'; find /var/lib/nodewright/runs -path '*/guard/kept*'; \
         find /etc /root -name '.nw-*'; pgrep -f 'undo[.]sh' || :",
    );
    assert_eq!(left, "");
}

fn waiting(live: &mut Live) {
    live.until(|e| e["event"] == "guard" && e["says"]["guard"] == "waiting");
}

#[test]
fn what_a_new_connection_confirms_stays() {
    let rig = rig("60s");
    rig.role(&sshd("MaxAuthTries 4"));
    let plan = rig.plan();
    let changes = plan.nodes()[0]["changes"].as_array().unwrap();
    assert!(changes.iter().all(|c| c["guarded"] == true), "{changes:#?}");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    assert_eq!(said.guard(), ["armed", "waiting", "confirmed"]);
    rig.nothing_to_do();
    let tries = rig.nodes.ok("node1", "sshd -T | grep -i maxauthtries");
    assert_eq!(tries, "maxauthtries 4\n");
    is_clean(&rig.nodes);
}

#[test]
fn what_locks_everybody_out_is_rolled_back() {
    let rig = rig("10s");
    let before = print(&rig.nodes);
    rig.role(&sshd("Port 2222"));
    let said = rig.apply();
    assert_eq!(said.code, 6, "{:?}{}", said.events, said.err);
    assert_eq!(said.guard(), ["armed", "waiting", "reverting", "reverted"]);
    let why = said.failed().concat();
    assert!(
        why.contains(
            "rolled back by the guard: nobody confirmed it in time. The new connection failed: node1: "
        ) && why.ends_with("Everything is as it was before this window, and was compared"),
        "{why}"
    );
    assert_eq!(said.recap("node1")["changed"], 0);
    assert_eq!(print(&rig.nodes), before);
    is_clean(&rig.nodes);
    let (code, out, _) = rig.run(&["log"]);
    assert!(code == 0 && out.contains("rolled back"), "{out}");
}

#[test]
fn a_folder_that_nobody_wants_any_more_is_rolled_back_whole() {
    let rig = rig("10s");
    rig.role(
        "[[step]]\ntree = \"/etc/shorewall\"\nfiles = [{ name = \"zones\", content = \"z\\n\" }]",
    );
    assert_eq!(rig.apply().code, 0);
    let look =
        "cd /etc/shorewall && stat -c '%f %u:%g' . zones && cat zones /var/lib/nodewright/manifest";
    let before = rig.nodes.ok("node1", look);
    rig.role(&sshd("Port 2222"));
    let said = rig.apply();
    assert_eq!(said.code, 6, "{:?}{}", said.events, said.err);
    assert!(said.done("node1").contains(&"remove /etc/shorewall"));
    assert_eq!(rig.nodes.ok("node1", look), before);
    is_clean(&rig.nodes);
}

#[test]
fn a_step_that_fails_in_a_window_undoes_it_at_once() {
    let rig = rig("300s");
    let before = print(&rig.nodes);
    // The validator passes, and the start fails.
    rig.role(&format!(
        "{}[[step]]\nfile = \"/etc/systemd/system/ssh.service.d/x.conf\"\ncontent = \"[Service]\\nExecStartPre=/bin/false\\n\"\n{}",
        "[[step]]\ndirectory = \"/etc/systemd/system/ssh.service.d\"\n",
        sshd("MaxAuthTries 5").replace("config = [", "config = [\"/etc/systemd/system/ssh.service.d/x.conf\", ")
    ));
    let begun = std::time::Instant::now();
    let said = rig.apply();
    assert_eq!(said.code, 6, "{:?}{}", said.events, said.err);
    assert!(
        begun.elapsed().as_secs() < 200,
        "it did not wait for the window"
    );
    assert_eq!(said.guard(), ["armed", "reverting", "reverted"]);
    assert!(
        said.failed().concat().contains("ssh"),
        "{:?}",
        said.failed()
    );
    assert_eq!(print(&rig.nodes), before);
    is_clean(&rig.nodes);
}

#[test]
fn a_window_outlives_its_batch_its_controller_and_its_connection() {
    let rig = rig("30s");
    let before = print(&rig.nodes);
    // A port that nobody can reach, so that nobody confirms.
    rig.role(&sshd("Port 2222"));
    for dies in ["batch", "controller"] {
        let mut live = rig.start(&["apply", "--yes"]);
        waiting(&mut live);
        if dies == "batch" {
            rig_exec(&rig, "systemctl kill -s KILL 'nodewright-2*'");
        } else {
            kill("KILL", &live.child.id().to_string());
        }
        let said = live.end();
        if dies == "batch" {
            assert_eq!(said.code, 6, "{:?}{}", said.events, said.err);
            assert!(
                said.failed().concat().contains("its batch was killed"),
                "{:?}",
                said.failed()
            );
        }
        wait_until(
            &rig,
            "! find /var/lib/nodewright/runs -path '*/guard/armed' -o -name reverting | grep -q .",
        );
        assert_eq!(print(&rig.nodes), before, "{dies}");
        is_clean(&rig.nodes);
    }
}

#[test]
fn a_node_that_goes_down_in_the_window_comes_up_as_it_was() {
    let rig = rig("300s");
    let before = print(&rig.nodes);
    rig.role(&sshd("Port 2222"));
    let mut live = rig.start(&["apply", "--yes"]);
    waiting(&mut live);
    let name = rig.nodes.state().name.clone();
    lab::power(&name, "node1", Power::Cut).unwrap();
    lab::power(&name, "node1", Power::On).unwrap();
    let said = live.end();
    assert_eq!(said.code, 6, "{:?}{}", said.events, said.err);
    assert!(
        said.failed()
            .concat()
            .contains("the node went down before anybody confirmed it"),
        "{:?}",
        said.failed()
    );
    assert_eq!(print(&rig.nodes), before);
    is_clean(&rig.nodes);
}

#[test]
fn what_a_killed_run_and_its_killed_guard_left_is_rolled_back_by_the_next_run() {
    let rig = rig("300s");
    let before = print(&rig.nodes);
    rig.role(&sshd("Port 2222"));
    let mut live = rig.start(&["apply", "--yes"]);
    waiting(&mut live);
    rig_exec(&rig, "systemctl kill -s KILL 'nodewright-*'");
    kill("KILL", &live.child.id().to_string());
    let _ = live.end();
    rig_exec(&rig, "test -e /var/lib/nodewright/runs/*/*/guard/armed");
    // The way in is closed: by hand it is opened again, as at the console.
    rig_exec(
        &rig,
        "rm /etc/ssh/sshd_config.d/10-site.conf; systemctl restart ssh",
    );
    let said = rig.apply();
    assert_eq!(said.code, 1, "{:?}{}", said.events, said.err);
    assert!(
        said.failed()
            .concat()
            .contains("a change that nobody had confirmed was rolled back just now; plan again"),
        "{:?}",
        said.failed()
    );
    assert_eq!(print(&rig.nodes), before);
    is_clean(&rig.nodes);
}

#[test]
fn one_member_of_a_cluster_is_armed_at_a_time_and_none_after_one_that_was_rolled_back() {
    let rig = Rig::cluster(nodes::debian(2));
    let path = rig.desk.site().join("inventory.toml");
    let text = fs::read_to_string(&path).unwrap();
    let at = text
        .find("\n[site.ssh]")
        .or_else(|| text.find("\n[versions]"))
        .unwrap_or_else(|| text.find("\n[").unwrap());
    let (head, rest) = text.split_at(at);
    fs::write(
        &path,
        format!("{head}\n[site.guard]\nwindow = \"10s\"\n{rest}"),
    )
    .unwrap();
    rig.role(&sshd("MaxAuthTries 4"));
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let order: Vec<String> = said
        .of("guard")
        .iter()
        .filter(|e| e["says"]["guard"] != "waiting")
        .map(|e| {
            format!(
                "{} {}",
                e["node"].as_str().unwrap(),
                e["says"]["guard"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        order,
        [
            "node1 armed",
            "node1 confirmed",
            "node2 armed",
            "node2 confirmed"
        ]
    );
    rig.role(&sshd("Port 2222"));
    let said = rig.apply();
    assert_eq!(said.code, 6, "{:?}{}", said.events, said.err);
    assert!(said.of("guard").iter().all(|e| e["node"] == "node1"));
    assert_eq!(said.recap("node2")["changed"], 0);
}

/// Runs something on the node where its sshd cannot be reached: in its namespaces, as at its console.
fn rig_exec(rig: &Rig, script: &str) {
    let node = &rig.nodes.state().nodes[0];
    nodes::console(node, script);
}

fn wait_until(rig: &Rig, script: &str) {
    rig_exec(
        rig,
        &format!("n=0; until {script}; do n=$((n + 1)); [ $n -lt 600 ] || exit 1; sleep 0.1; done"),
    );
}

/// The shell of the guard on a node that has only what EL 6 has, started by `setsid`, hung into the boot as a start
/// script.
#[test]
fn a_window_on_el6_is_rolled_back_at_once_when_a_step_fails() {
    let rig = Rig::new(nodes::el6(1));
    let print = || {
        rig.nodes.ok(
            "node1",
            "stat -c '%f %u %g' /etc/hosts /root/.ssh /root/.ssh/authorized_keys; cat /etc/hosts /root/.ssh/authorized_keys; \
             find /etc/ -name '*nodewright*'; cat /var/lib/nodewright/manifest 2>/dev/null || :",
        )
    };
    let before = print();
    rig.role(
        "[[step]]\nhosts = \"192.0.2.99\"\nnames = [\"nowhere\"]\n\
         [[step]]\ncommand = [\"ls\", \"/etc/init.d/nodewright-guard\"]\ncreates = \"/root/never\"\n\
         [[step]]\ncommand = \"false\"\ncreates = \"/root/never-either\"\n\
         [[step]]\nfile = \"/root/.ssh/environment\"\ncontent = \"A=b\\n\"\n",
    );
    let said = rig.apply();
    assert_eq!(said.code, 6, "{:?}{}", said.events, said.err);
    assert_eq!(said.guard(), ["armed", "reverting", "reverted"]);
    // The hook was there while the window was open: the step that looks for it went well.
    let ended: Vec<_> = said
        .of("step-end")
        .iter()
        .map(|e| e["status"].as_i64().unwrap())
        .collect();
    assert_eq!(ended, [0, 0, 0, 1], "{:?}", said.events);
    assert_eq!(print(), before);
    rig.role("[[step]]\nhosts = \"192.0.2.99\"\nnames = [\"nowhere\"]\n");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    assert_eq!(said.guard(), ["armed", "waiting", "confirmed"]);
}
