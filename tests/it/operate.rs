//! Operating a cluster of two containers with Debian's own corosync and Pacemaker. Stand-ins, and called so: Dummy resources
//! for guests (one that migrates, one that does not, one that may run on node1 alone), a clone of Dummy for the storage
//! that a drain has to leave alone, and an agent that says yes for the fence devices.

use std::time::{Duration, Instant};

use crate::membership::{self, HEARD, KEY, on_both, prepared, went_well};
use crate::nodes;
use crate::rig::{Live, Rig};
use crate::support::Desk;
use nodewright::lab::LabSpec;

/// The example's cluster without mirrors and guests.
fn site() -> String {
    let text = membership::site(KEY);
    let guests = text.find("[guest] ").expect("its guests");
    let text = text[..guests].replacen(
        r#"roles = ["base", "membership"]"#,
        r#"roles = ["base", "fencing", "membership", "resources"]"#,
        1,
    );
    let text = text
        .replacen("SANLOCK-ON-MIRROR = ", "#", 1)
        .replacen("mirrors   = \"grey\"\n", "", 1)
        .replacen("lock      = \"sanlock\"", "lock      = \"exclusive\"", 1);
    let of_mirrors = |line: &&str| {
        let head = line.split(' ').next().unwrap_or_default();
        ["r0", "r1", "r2", "[mirror]"].contains(&head) || line.contains("use = \"mirror\"")
    };
    let lines = text.lines().filter(|line| !of_mirrors(line));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The stand-in of a fence agent: it knows its words, and says that all is well, unless it is to fail.
const AGENT: &str = r#"#!/bin/sh
said=$(cat)
case "$said $*" in
*metadata*) echo '<resource-agent name="fence_ipmilan"><parameters/><actions><action name="on"/><action name="off"/><action name="reboot"/><action name="status"/><action name="monitor"/><action name="metadata"/></actions></resource-agent>' ;;
*action=reboot* | *action=off*) [ ! -e /run/agent-fails ] && echo fenced >>/run/agent-said ;;
esac
"#;

/// Guests and storage that are none.
const STAND_INS: &str = r#"cibadmin --modify --allow-create --scope resources --xml-text '<resources>
<primitive id="web" class="ocf" provider="pacemaker" type="Dummy">
 <meta_attributes id="web-m"><nvpair id="web-m-a" name="allow-migrate" value="true"/></meta_attributes></primitive>
<primitive id="files" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="dns1" class="ocf" provider="pacemaker" type="Dummy"/>
<clone id="storage-clone"><primitive id="storage" class="ocf" provider="pacemaker" type="Dummy"/></clone>
</resources>' && cibadmin --modify --allow-create --scope constraints --xml-text '<constraints>
<rsc_location id="web-prefers-node1" rsc="web" node="node1" score="50"/>
<rsc_location id="files-prefers-node1" rsc="files" node="node1" score="50"/>
<rsc_location id="dns1-not-on-node2" rsc="dns1" node="node2" score="-INFINITY"/>
</constraints>' && crm_resource --wait --timeout=120s"#;

/// Where everything is, as Pacemaker says.
const PLACES: &str = "for r in web files dns1 storage; do echo \"$r:$(crm_resource --locate --resource $r 2>/dev/null | sed -n 's/.*running on: *\\([^ ]*\\).*/ \\1/p' | sort | tr -d '\\n')\"; done";

const AT_HOME: &str = "web: node1\nfiles: node1\ndns1: node1\nstorage: node1 node2\n";

fn formed() -> Rig {
    formed_with("")
}

/// The cluster, with more at the end of its inventory.
pub fn formed_with(more: &str) -> Rig {
    let text = site() + more;
    let loaded = nodewright::site::load_str(&text);
    let findings = loaded.findings;
    let model = loaded.site.unwrap_or_else(|| panic!("{findings:#?}"));
    let spec = LabSpec::of_site(nodes::fresh_name(), &model);
    let rig = prepared(Rig::with(nodes::up(spec), &text), "ed25519");
    rig.write(
        "roles/fencing.toml",
        "description = \"stand-ins are there already\"\n",
    );
    let agent = nodewright::sh::quote(AGENT);
    on_both(
        &rig,
        &format!("printf %s {agent} >/usr/sbin/fence_ipmilan; chmod 755 /usr/sbin/fence_ipmilan"),
    );
    went_well(&rig.apply());
    rig.nodes.ok("node1", HEARD);
    rig.nodes.ok("node1", STAND_INS);
    assert_eq!(rig.nodes.ok("node2", PLACES), AT_HOME);
    let (_, out, _) = rig.run(&["verify"]);
    assert!(!out.contains("CONTROLLERS-GROUP"), "{out}");
    rig
}

/// A command whose exit code is known; gives both outputs, one after the other.
#[track_caller]
pub fn ends(rig: &Rig, code: i32, words: &[&str]) -> String {
    let (is, out, err) = rig.run(words);
    assert_eq!(is, code, "{words:?}: {out}{err}");
    out + &err
}

#[track_caller]
pub fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "{line} in {text}");
    }
}

/// What `status` points at.
pub fn points(rig: &Rig) -> Vec<String> {
    let said = rig.say(&["status", "--timeout", "60"]);
    // Events of the last look may be printed after it.
    let status = said.events.iter().find(|e| e["points"].is_array());
    let status = status.unwrap_or_else(|| panic!("exit {}: {}", said.code, said.err));
    let points = status["points"].as_array().unwrap().iter();
    points
        .map(|p| {
            format!(
                "{}: {}",
                p["what"].as_str().unwrap(),
                p["next"].as_str().unwrap()
            )
        })
        .collect()
}

/// How often an agent migrated `web`, and how often it stopped, on both members.
const MOVES: &str = "for a in migrate_to stop; do journalctl -o cat -u pacemaker | grep -c \"Result of $a operation for web on\" || :; done";

/// Waits until the batch of a run that nobody follows any more has let go of its lock.
const FREE: &str = "i=0; while [ -L /var/lib/nodewright/lock ]; do i=$((i + 1)); [ $i -lt 120 ] || exit 1; sleep 0.5; done";

#[test]
fn a_cluster_is_operated_and_nothing_is_interrupted_unsaid() {
    let mut rig = formed();
    assert_eq!(points(&rig), [""; 0]);
    maintenance(&mut rig);
    drain(&mut rig);
    standby(&mut rig);
    broken_off(&mut rig);
    stop_and_start(&mut rig);
    fence(&mut rig);
    refusals(&mut rig);
}

/// On, on again, off, off again; what the status and the checks say meanwhile, and what Pacemaker really leaves alone.
fn maintenance(rig: &mut Rig) {
    let property = "crm_attribute --name maintenance-mode --query --quiet 2>/dev/null || :";
    rig.desk.input("n\n");
    let said = ends(rig, 2, &["maintenance", "on"]);
    has(&said, &["Do this? [y/N]", "Nothing was done."]);
    assert_eq!(rig.nodes.ok("node1", property), "");
    let said = ends(rig, 0, &["maintenance", "on", "--yes"]);
    has(
        &said,
        &[
            "node1: put the cluster in maintenance: property maintenance-mode\n",
            "Done: the cluster is in maintenance.\n",
        ],
    );
    assert_eq!(on_both(rig, property), ["true\n", "true\n"]);
    let said = ends(rig, 0, &["maintenance", "on", "--yes"]);
    has(&said, &["Nothing to do: the cluster is in maintenance.\n"]);
    // One that fails stays down.
    rig.nodes.ok(
        "node1",
        "crm_resource --resource files --force-stop >/dev/null; sleep 3; [ ! -e /run/Dummy-files.state ]",
    );
    let point = "the cluster is in maintenance: nothing is started, stopped, moved or watched: nodewright maintenance off";
    assert_eq!(points(rig), [point]);
    has(&ends(rig, 3, &["verify"]), &["RESOURCES-MAINTENANCE"]);
    has(
        &ends(rig, 3, &["drain", "node1", "--yes"]),
        &[
            "Refused: the cluster is in maintenance, and nothing moves: `nodewright maintenance off` first.\n",
        ],
    );
    let said = rig.say(&["maintenance", "off", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let end = said.of("operated").pop().unwrap();
    assert_eq!(
        (&end["end"], &end["command"]),
        (&"done".into(), &"maintenance off".into())
    );
    assert!(end["milliseconds"].as_u64().unwrap() > 0, "{end}");
    assert_eq!(said.recap("node1")["changed"], 1);
    assert_eq!(on_both(rig, property), ["", ""]);
    has(
        &ends(rig, 0, &["maintenance", "off", "--yes"]),
        &["Nothing to do: the cluster is not in maintenance.\n"],
    );
    assert_eq!(points(rig), [""; 0]);
    has(&ends(rig, 0, &["log", "node1"]), &[" for maintenance\n"]);
    // What was stopped meanwhile is found, at the latest when somebody looks anew.
    rig.nodes.ok(
        "node1",
        "crm_resource --refresh --resource files >/dev/null 2>&1; crm_resource --wait --timeout=60s; crm_resource --cleanup >/dev/null 2>&1; crm_resource --wait --timeout=60s",
    );
    assert_eq!(rig.nodes.ok("node2", PLACES), AT_HOME);
}

/// What may move does, live where it can; the storage of both members runs on, and nothing comes back by itself.
fn drain(rig: &mut Rig) {
    let storage =
        "journalctl -o cat -u pacemaker | grep -c 'Result of stop operation for storage' || :";
    let before = on_both(rig, storage);
    let moves = rig.nodes.ok("node1", MOVES);
    let configuration = "cibadmin --query --scope configuration | sha256sum";
    let as_it_was = rig.nodes.ok("node1", configuration);
    for typed in ["", "y\n", "node2\n"] {
        rig.desk.input(typed);
        let said = ends(rig, 2, &["drain", "node1", "--yes"]);
        has(&said, &["This interrupts service. Type node1 to do it: "]);
    }
    assert_eq!(rig.nodes.ok("node1", configuration), as_it_was);
    rig.desk.input("node1\n");
    let said = ends(rig, 0, &["drain", "node1"]);
    has(
        &said,
        &[
            "  web    moves live\n",
            "  files  is stopped here and started there: an outage\n",
            "  dns1   stays: it may run nowhere but on node1\n",
            "  node2: keep off node1: web, files\n",
            "what is kept off it stops where node2 fails",
            "Done: node1 is drained: web on node2, files on node2 after ",
        ],
    );
    let drained = "web: node2\nfiles: node2\ndns1: node1\nstorage: node1 node2\n";
    assert_eq!(rig.nodes.ok("node1", PLACES), drained);
    assert_eq!(on_both(rig, storage), before, "the storage went on");
    let [migrated, stopped] = counts(&moves);
    let [migrated_now, stopped_now] = counts(&rig.nodes.ok("node1", MOVES));
    // The source of a migration is stopped once it has ended.
    assert_eq!(migrated_now, migrated + 1, "live");
    assert!(stopped_now <= stopped + 1);
    assert_eq!(
        points(rig),
        [
            "node1 is drained: nothing moves to it, whatever becomes of the others: nodewright resume node1"
        ]
    );
    has(
        &ends(rig, 0, &["drain", "node1"]),
        &["Nothing to do: node1 is drained already.\n"],
    );
    has(
        &ends(rig, 3, &["drain", "node2"]),
        &["Refused: node1 is drained itself.\n"],
    );
    // A plan leaves it alone.
    rig.nothing_to_do();

    let said = ends(rig, 0, &["resume", "node1", "--yes"]);
    has(&said, &["Done: node1 carries again.\n"]);
    assert_eq!(rig.nodes.ok("node1", PLACES), drained);
    assert_eq!(
        rig.nodes
            .ok("node1", "cibadmin --query | grep -c nodewright- || :"),
        "0\n"
    );
    rig.desk.input("node1\n");
    let said = ends(rig, 0, &["resume", "node1", "--return"]);
    has(
        &said,
        &[
            "  node1: bring back to node1: web, files\n",
            "Done: node1 carries again: web on node1, files on node1 after ",
        ],
    );
    assert_eq!(rig.nodes.ok("node1", PLACES), AT_HOME);
    assert_eq!(rig.nodes.ok("node1", configuration), as_it_was);
    has(
        &ends(rig, 0, &["resume", "node1", "--return"]),
        &["Nothing to do: node1 is not drained, and nothing that prefers it runs elsewhere.\n"],
    );
    has(
        &ends(rig, 0, &["log", "node2"]),
        &[" for drain\n", " for resume\n"],
    );
}

fn counts(text: &str) -> [usize; 2] {
    let mut numbers = text.lines().map(|n| n.parse().unwrap());
    [(); 2].map(|()| numbers.next().unwrap())
}

/// With its storage: everything stops there, and comes up again.
fn standby(rig: &mut Rig) {
    rig.desk.input("node1\n");
    let said = ends(rig, 0, &["drain", "node1", "--storage"]);
    has(
        &said,
        &[
            "  dns1   is stopped: it may run nowhere but on node1\n",
            "  node2: put node1 in standby: its storage stops\n",
            ", and it is in standby.\n",
        ],
    );
    let standby = "web: node2\nfiles: node2\ndns1:\nstorage: node2\n";
    assert_eq!(rig.nodes.ok("node2", PLACES), standby);
    let points = points(rig);
    assert!(
        points.contains(
            &"node1 is in standby: it carries nothing: nodewright resume node1".to_owned()
        ),
        "{points:?}"
    );
    rig.desk.input("node1\n");
    ends(rig, 0, &["resume", "node1", "--return"]);
    assert_eq!(rig.nodes.ok("node2", PLACES), AT_HOME);
}

/// The operator's machine is lost in the middle: the node goes on, and the same command takes it up.
fn broken_off(rig: &mut Rig) {
    let command = rig.desk.command(&["--lab", "--json", "drain", "node1"]);
    let typed = rig.desk.home().join("typed");
    std::fs::write(&typed, "node1\n").unwrap();
    let mut live = Live::answered(command, std::fs::File::open(typed).unwrap().into());
    live.until(|e| e["event"] == "step-begin");
    live.child.kill().unwrap();
    live.child.wait().unwrap();
    // It waits for the batch's lock no longer than the batch takes.
    on_both(rig, FREE);
    let said = ends(rig, 0, &["drain", "node1"]);
    has(&said, &["Nothing to do: node1 is drained already.\n"]);
    rig.desk.input("node1\n");
    ends(rig, 0, &["resume", "node1", "--return"]);
    assert_eq!(rig.nodes.ok("node2", PLACES), AT_HOME);
}

/// The whole cluster goes down and comes up, layer by layer on both members; no member is fenced for it.
fn stop_and_start(rig: &mut Rig) {
    let active = "systemctl is-active pacemaker corosync || :";
    let property = "crm_attribute --name stop-all-resources --query --quiet 2>/dev/null || :";
    for typed in ["", "y\n", "node1\n"] {
        rig.desk.input(typed);
        let said = ends(rig, 2, &["stop"]);
        has(
            &said,
            &["This interrupts service. Type crosslink to do it: "],
        );
    }
    assert_eq!(rig.nodes.ok("node2", PLACES), AT_HOME);
    // Too little time: nothing beneath what has not stopped is touched.
    rig.desk.input("crosslink\n");
    let said = ends(rig, 1, &["stop", "--within", "1s"]);
    has(&said, &["Failed: after ", " this is not down: "]);
    on_both(rig, FREE);
    let running = on_both(rig, "systemctl is-active corosync || :");
    assert_eq!(running, ["active\n", "active\n"]);
    rig.desk.input("crosslink\n");
    let said = ends(rig, 0, &["stop", "--within", "5m"]);
    has(
        &said,
        &[
            "waiting until every member has left the cluster",
            "Done: the cluster is down on node1 and node2 after ",
        ],
    );
    assert_eq!(on_both(rig, active), ["inactive\ninactive\n"; 2]);
    // The clock of all containers is the kernel's.
    let last = |unit: &str, word: &str| {
        let log = format!(
            "journalctl -q -o short-unix -u {unit} | grep ' {word} ' | tail -n 1 | cut -d ' ' -f 1"
        );
        on_both(rig, &log).map(|seconds| seconds.trim().parse::<f64>().unwrap())
    };
    let (managers, memberships) = (last("pacemaker", "Stopped"), last("corosync", "Stopping"));
    let in_order = |manager: &f64| memberships.iter().all(|membership| manager < membership);
    assert!(
        managers.iter().all(in_order),
        "{managers:?} {memberships:?}"
    );
    has(
        &ends(rig, 0, &["stop"]),
        &["Nothing to do: the cluster is down.\n"],
    );
    alone(rig);
    let said = rig.say(&["start", "--yes"]);
    assert_eq!(said.code, 0, "{:?}{}", said.events, said.err);
    let notes = said.notes();
    for waits in [
        "waiting until the members see each other and have quorum",
        "waiting until the resource manager runs on every member",
        "waiting until mirrors are up to date, shared filesystems mounted and guests started",
    ] {
        assert!(notes.iter().any(|n| n.contains(waits)), "{notes:?}");
    }
    let end = said.of("operated").pop().unwrap();
    let what = end["what"].as_str().unwrap();
    assert!(
        what.starts_with("the cluster runs on node1 and node2 after "),
        "{what}"
    );
    assert_eq!(rig.nodes.ok("node2", PLACES), AT_HOME);
    assert_eq!(on_both(rig, property), ["", ""]);
    assert_eq!(
        on_both(rig, "ls /run/agent-said 2>/dev/null || :"),
        ["", ""]
    );
    has(
        &ends(rig, 0, &["start"]),
        &["Nothing to do: the cluster runs on every member.\n"],
    );
    has(
        &ends(rig, 0, &["log", "node2"]),
        &[" for stop\n", " for start\n"],
    );
}

/// One member without the other, which is cut off: no answer to a ping, nor to ssh.
fn alone(rig: &mut Rig) {
    rig.desk.input("node2\n");
    let said = ends(rig, 3, &["start", "--alone", "node1"]);
    has(
        &said,
        &["Refused: node2 answers: `nodewright start` starts both"],
    );
    let route = wires(rig, "down");
    let corosync = "systemctl is-active corosync || :";
    assert_eq!(rig.nodes.ok("node1", corosync), "inactive\n");
    // Both members are needed for this.
    let said = ends(rig, 4, &["start", "--yes"]);
    has(&said, &["no fence device reports that it is off"]);
    rig.desk.input("node2\n");
    let said = ends(rig, 0, &["start", "--alone", "node1"]);
    has(
        &said,
        &[
            "node1 has no quorum by itself",
            "Nothing proves that node2 is off (",
            "From here on node2 is taken for off: that destroys data unless it is. Type node2 to do it: ",
            "Done: node1 runs alone.\n",
        ],
    );
    let quorum = "corosync-quorumtool -s | grep -E '^(Quorate|Nodes):' | tr -s ' '";
    assert_eq!(rig.nodes.ok("node1", quorum), "Nodes: 1\nQuorate: Yes\n");
    let there = "web: node1\nfiles: node1\ndns1: node1\nstorage: node1\n";
    assert_eq!(rig.nodes.ok("node1", PLACES), there);
    let back = format!("up; ip route replace {route}");
    wires(rig, if route.is_empty() { "up" } else { &back });
    // Neighbours that were looked for in vain are not looked for again at once.
    let since = Instant::now();
    while !rig.nodes.sh("node2", "true").status.success() {
        assert!(since.elapsed() < Duration::from_secs(60));
    }
    rig.nodes.ok("node1", "rm -f /run/agent-said");
}

/// Takes node2 off all wires, or puts it on them again; gives its default route.
fn wires(rig: &Rig, way: &str) -> String {
    let state = rig.nodes.state();
    let space = format!("--net=/run/netns/{}", state.namespace_of("node2"));
    let links = "ip -o link | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/'";
    let (way, then) = way.split_once("; ").unwrap_or((way, ":"));
    let script = format!(
        "ip -4 route show default; for l in $({links}); do [ $l = lo ] || ip link set $l {way} || exit; done; {then}"
    );
    let done = std::process::Command::new("nsenter")
        .arg(&space)
        .args(["sh", "-c", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    said.trim().to_owned()
}

/// The cluster's own fencing, which is asked for it by name. The stand-in of an agent switches no machine off: the member's
/// Pacemaker ends by itself once it hears that it was fenced, which the other one takes for a node that is gone.
fn fence(rig: &mut Rig) {
    let fenced = "touch /run/agent-said; cat /run/agent-said";
    for typed in ["", "y\n", "node2\n"] {
        rig.desk.input(typed);
        let said = ends(rig, 2, &["fence", "node1"]);
        has(&said, &["This interrupts service. Type node1 to do it: "]);
    }
    assert_eq!(rig.nodes.ok("node2", fenced), "");
    // One that cannot be fenced is said to be so, and nothing is taken over.
    rig.nodes.ok("node2", "touch /run/agent-fails");
    rig.desk.input("node1\n");
    let said = ends(rig, 1, &["fence", "node1"]);
    has(&said, &["have node1 fenced: stonith_admin --reboot node1"]);
    assert!(!said.contains("Done: "), "{said}");
    assert_eq!(rig.nodes.ok("node2", PLACES), AT_HOME);
    rig.nodes.ok("node2", "rm /run/agent-fails");

    rig.desk.input("node1\n");
    let said = rig.say(&["fence", "node1"]);
    assert_eq!(said.code, 0, "{:?}{}", said.events, said.err);
    let plan = &said.of("operation").pop().unwrap()["operation"];
    let effects = plan["effects"].as_array().unwrap().iter();
    let effects = effects.map(|e| format!("{}: {}", e["name"], e["what"]));
    assert_eq!(
        effects.collect::<Vec<_>>(),
        [
            "\"web\": \"is interrupted until another member has started it\"",
            "\"files\": \"is interrupted until another member has started it\"",
            "\"dns1\": \"is down until node1 is back: it may run nowhere else\"",
        ]
    );
    let end = said.of("operated").pop().unwrap();
    let what = end["what"].as_str().unwrap();
    assert!(what.starts_with("node1 was fenced after "), "{what}");
    assert!(what.ends_with(" s: web, files"), "{what}");
    assert!(end["milliseconds"].as_u64().unwrap() > 0, "{end}");
    assert_eq!(rig.nodes.ok("node2", fenced), "fenced\n");
    let there = "web: node2\nfiles: node2\ndns1:\nstorage: node2\n";
    assert_eq!(rig.nodes.ok("node2", PLACES), there);
    has(&ends(rig, 0, &["log", "node2"]), &[" for fence\n"]);
    // The last one that carries anything is not fenced.
    let said = ends(rig, 3, &["fence", "node2"]);
    has(
        &said,
        &["Refused: node1 ", "node1 does not run the resource manager"],
    );
    // A reboot would have taken these with it.
    rig.nodes.ok("node1", "rm -f /run/Dummy-*.state");
    rig.nodes.ok("node1", "systemctl restart pacemaker; i=0; until crm_mon -1 2>/dev/null | grep -q 'Online:.*node1 node2'; do i=$((i + 1)); [ $i -lt 120 ] || exit 1; sleep 0.5; done; crm_resource --wait --timeout=60s");
    rig.desk.input("node1\n");
    ends(rig, 0, &["resume", "node1", "--return"]);
    assert_eq!(rig.nodes.ok("node2", PLACES), AT_HOME);
}

/// The other member is not whole, or there is no such member.
fn refusals(rig: &mut Rig) {
    let configuration = "cibadmin --query --scope configuration | sha256sum";
    let as_it_was = rig.nodes.ok("node1", configuration);
    rig.nodes.ok("node2", "systemctl stop pacemaker");
    let said = ends(rig, 3, &["drain", "node1", "--yes"]);
    has(&said, &["Refused: node2 does not run the resource manager"]);
    rig.nodes.ok("node2", "systemctl stop corosync");
    let said = ends(rig, 3, &["drain", "node1", "--yes"]);
    has(&said, &["node2 is not in the cluster"]);
    let said = ends(rig, 3, &["drain", "node2", "--yes"]);
    has(
        &said,
        &["Refused: node2 is not in the cluster: it carries nothing"],
    );
    assert_eq!(rig.nodes.ok("node1", configuration), as_it_was);
}

#[test]
fn wrong_words_are_refused_before_a_node_is_asked() {
    let site = include_str!("../../inventory/crosslink/inventory.toml");
    let desk = Desk::new().file("inventory.toml", site);
    for (words, told) in [
        (
            &["drain", "node3"][..],
            "`node3` is no member of the cluster: its members are node1, node2",
        ),
        (
            &["resume", "hypervisors"],
            "`hypervisors` is no member of the cluster: its members are node1, node2",
        ),
        (
            &["fence", "node3"],
            "`node3` is no member of the cluster: its members are node1, node2",
        ),
        (&["fence"], "<NODE>"),
        (
            &["stop", "--within", "5"],
            "a length of time is a whole number",
        ),
        (&["stop", "--within", "10ms"], "it is at least 1s"),
        (&["start", "node1"], "unexpected argument 'node1'"),
        (&["start", "--force", "r0"], "--alone <NODE>"),
        (
            &["start", "--alone", "node3"],
            "`node3` is no member of the cluster: its members are node1, node2",
        ),
        (
            &["start", "--alone", "node1", "--force", "r9"],
            "`r9` is no mirror of this site",
        ),
        (
            &["drain", "node1", "--within", "0"],
            "0 is not in 1..=86400",
        ),
        (
            &["drain", "node1", "--return"],
            "unexpected argument '--return'",
        ),
        (
            &["resume", "node1", "--within", "10m"],
            "invalid digit found",
        ),
        (&["maintenance", "perhaps"], "possible values: on, off"),
        (&["maintenance"], "<on|off>"),
    ] {
        let (code, out, err) = desk.output(words);
        assert_eq!((code, out.as_str()), (64, ""), "{words:?}: {err}");
        assert!(err.contains(told), "{words:?}: {err}");
    }
}
