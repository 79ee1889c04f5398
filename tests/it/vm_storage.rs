//! Storage on two virtual machines: mirrors made of bare disks by one run, and what a run never touches.

use std::time::{Duration, Instant};

use nodewright::lab::{self, Power};

use crate::machines;
use crate::membership::{KEY, on_both, short_base, site};
use crate::nodes::Nodes;
use crate::rig::Rig;

/// The wires of the mirrors, of the ring and to the other one's controller, at every boot.
const WIRED: &str = "\
[Unit]
Before=network.target
[Service]
Type=oneshot
ExecStart=/bin/sh -ec \"n=$$(uname -n); n=$${n#node}; for l in eth1 eth2 eth4; do ip link set $$l up; done; \
ip addr add 10.0.1.$$n/24 dev eth1; ip addr add 10.0.2.$$n/24 dev eth2; ip addr add 10.0.3.$$((n * 4 - 3))/30 dev eth4\"
[Install]
WantedBy=multi-user.target";

/// The mirrors alone.
const MIRRORS: &str = r#"roles = ["base", "network", "mirrors"]"#;

/// The cluster with all that stands on them.
const WHOLE: &str =
    r#"roles = ["base", "network", "fencing", "membership", "resources", "mirrors", "storage"]"#;

/// The example with small disks, which are to have three partitions, each under a mirror, and with one guest. Emulated
/// machines stall at times: the token is patient, and monitors are rare.
pub fn inventory(roles: &str) -> String {
    let text = site(KEY);
    let from = r#"roles = ["base", "membership"]"#;
    assert!(text.contains(from));
    let text = text.replace(from, roles);
    let first = text.find("[partition]").expect("the partitions");
    let last = text.find("[cluster]").expect("the cluster");
    let table = r#"[partition]
1 = { size = "64M", use = "mirror" }
2 = { size = "48M", use = "mirror" }
3 = { size = "48M", use = "mirror" }

[mirror]
r0 = { minor = 0, partition = 1, port = 7788, source = "node1", gfs2 = "/shared" }
r1 = { minor = 1, partition = 2, port = 7789, source = "node1", group = "vg_node1" }
r2 = { minor = 2, partition = 3, port = 7790, source = "node2", group = "vg_node2" }

"#;
    let guests = text.find("\n[guest]").expect("the guests");
    let text = format!("{}{table}{}\n", &text[..first], &text[last..guests]);
    let text = text.replacen("token     = \"3s\"", "token     = \"10s\"", 1);
    text.replace("size = \"2T\"", "size = \"1G\"")
        + r#"
[guest]
web   = { node = "node1", failover = true, memory = "64M", disk = "16M", zones = ["green"] }
watch = { node = "node2", failover = true, memory = "64M", disk = "16M", zones = ["green"] }

[vars.fencing]
timeout = 120

[vars.resources]
monitor = "300s"
timeout = "180s"

[vars.storage]
journal_size = 8
monitor      = 290
"#
}

/// Two bare machines, and the desk for these roles.
fn bare(roles: &str) -> Option<Rig> {
    let text = inventory(roles);
    let lab = machines::shared("storage", || {
        machines::with(machines::site(&text), &machines::STACK)
    })?;
    let rig = Rig::with(lab, &text);
    short_base(&rig);
    rig.write("roles/network.toml", "description = \"nothing of it\"\n");
    Some(rig)
}

fn wire(lab: &Nodes) {
    for node in ["node1", "node2"] {
        lab.ok(
            node,
            &format!("echo '{WIRED}' >/etc/systemd/system/wired.service; systemctl enable --now wired && ip -o addr show dev eth1 | grep -c 10.0.1."),
        );
    }
}

/// What was not written yet would be lost with the power.
pub fn written(lab: &Nodes) {
    for node in ["node1", "node2"] {
        lab.ok(node, "sync");
    }
}

/// Two machines with their wires, and nothing else.
fn wired() -> Option<Rig> {
    let rig = bare(MIRRORS)?;
    rig.nodes.stage("wired", |lab| {
        wire(lab);
        written(lab);
    });
    Some(rig)
}

/// One `apply` on the machines as they are, to the end of its long steps.
#[track_caller]
pub fn applied(rig: &Rig) {
    let said = rig.say(&["apply", "--yes", "--wait"]);
    let ended = (said.code, said.failed(), said.found());
    assert_eq!(ended, (0, Vec::new(), Vec::new()), "{}", said.err);
}

/// Two machines with their mirrors, as one `apply` made and synced them.
fn mirrored() -> Option<Rig> {
    let rig = bare(MIRRORS)?;
    rig.nodes.stage("mirrored", |lab| {
        wire(lab);
        applied(&rig);
        written(lab);
    });
    Some(rig)
}

/// Two machines with all that stands on the mirrors, as one `apply` made it of bare ones.
fn whole() -> Option<Rig> {
    let rig = bare(WHOLE)?;
    rig.nodes.stage("whole", |lab| {
        wire(lab);
        applied(&rig);
        written(lab);
    });
    Some(rig)
}

/// What tells one state of the mirrors from another.
const STATE: &str = "grep -o 'cs:.* C ' /proc/drbd";
const GENERATIONS: &str = "for r in r0 r1 r2; do drbdadm get-gi $r; done";

#[test]
fn mirrors_are_made_and_synced_by_one_run_and_left_alone_by_the_next() {
    let Some(rig) = mirrored() else { return };
    let synced = |roles: [&str; 3]| {
        let line = |roles| format!("cs:Connected ro:{roles} ds:UpToDate/UpToDate C \n");
        roles.map(line).concat()
    };
    assert_eq!(
        on_both(&rig, STATE),
        [
            synced([
                "Primary/Secondary",
                "Primary/Secondary",
                "Secondary/Primary"
            ]),
            synced([
                "Secondary/Primary",
                "Secondary/Primary",
                "Primary/Secondary"
            ]),
        ]
    );
    let before = on_both(&rig, GENERATIONS);
    rig.nothing_to_do();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(on_both(&rig, GENERATIONS), before);

    // What one writes the other one has.
    rig.nodes.ok(
        "node1",
        "echo hello | dd of=/dev/drbd0 bs=512 count=1 conv=sync oflag=direct; drbdadm secondary r0",
    );
    assert_eq!(
        rig.nodes
            .ok("node2", "drbdadm primary r0; head -c 6 /dev/drbd0"),
        "hello\n"
    );
    rig.nothing_to_do();
}

#[test]
fn both_members_write_to_shared_after_one_apply_of_bare_machines() {
    let Some(rig) = whole() else { return };
    let mounted = "grep -c '^/dev/drbd0 /shared gfs2 ' /proc/mounts";
    assert_eq!(on_both(&rig, mounted), ["1\n", "1\n"]);
    let groups = "vgs --noheadings -o vg_name,vg_lock_type,lv_count | sed 's/  */ /g'";
    let all = " vg_node1 dlm 1\n vg_node2 dlm 1\n";
    assert_eq!(on_both(&rig, groups), [all, all]);

    // What one writes the other one reads, and a lock of one holds on the other.
    rig.nodes.ok("node1", "echo hello >/shared/greeting");
    assert_eq!(rig.nodes.ok("node2", "cat /shared/greeting"), "hello\n");
    rig.nodes.ok(
        "node1",
        "setsid flock /shared/greeting sleep 600 </dev/null >/dev/null 2>&1 & until ! flock -n /shared/greeting true; do sleep 0.1; done",
    );
    rig.nodes.ok("node2", "! flock -n /shared/greeting true");

    // Appends of both at a time lose no line.
    let append = |node: &str| {
        format!("for i in $(seq 50); do echo {node} $i >>/shared/lines; done; sync /shared/lines")
    };
    std::thread::scope(|scope| {
        for node in ["node1", "node2"] {
            let (nodes, script) = (&rig.nodes, append(node));
            scope.spawn(move || nodes.ok(node, &script));
        }
    });
    for node in ["node1", "node2"] {
        let count = format!("grep -c '^{node} ' /shared/lines");
        assert_eq!(on_both(&rig, &count), ["50\n", "50\n"], "{node}");
    }

    rig.nothing_to_do();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");
}

/// Writes numbered records to /shared, each on both disks before the next one, with the time at which it was.
const WRITER: &str = "setsid sh -c 'i=0; while :; do i=$((i + 1)); echo \"$i $(date +%s.%N)\" >>/shared/records; \
                      sync /shared/records; done' </dev/null >/dev/null 2>&1 & until [ -s /shared/records ]; do sleep 0.1; done";

/// Waits until ten more records were written.
const GOES_ON: &str = "n=$(wc -l </shared/records); until [ $(wc -l </shared/records) -ge $((n + 10)) ]; do sleep 0.5; done";

/// The longest time without a record: its seconds, and the time at which the writer went on. Every record must be there,
/// once and in its order.
#[track_caller]
fn longest_gap(records: &str) -> (f64, f64) {
    let mut longest = (0.0_f64, 0.0);
    let mut before = None;
    // The last line of one that was cut off may be there in part.
    let whole = records.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for (line, i) in whole.lines().zip(1..) {
        let (number, time) = line.split_once(' ').expect("a number and a time");
        assert_eq!(number, i.to_string(), "{records}");
        let time: f64 = time.parse().expect("seconds");
        if let Some(before) = before
            && time - before > longest.0
        {
            longest = (time - before, time);
        }
        before = Some(time);
    }
    assert!(before.is_some(), "no record was written");
    longest
}

/// A member of which nothing is heard any more, by the survivor's word.
const NODE2_IS_LOST: &str = "crm_mon -1 | grep -q 'OFFLINE: . node2 .'";

/// The time at which the cluster had the confirmation that node2 is off, as seconds of node1's clock.
const FENCED_AT: &str = "crm_mon -1 --fence-history=2 --include=none,fencing --output-as=xml >/run/history
    at=$(sed -n '/target=\"node2\".* status=\"success\"/s/.* completed=\"\\([^\"]*\\)\".*/\\1/p' /run/history | sort | head -n 1)
    [ -n \"$at\" ] || { cat /run/history >&2; exit 1; }
    date -d \"$at\" +%s";

/// Both have everything again.
const BOTH_AGAIN: &str = "[ \"$(crm_mon -1 | grep -c 'Started: . node1 node2 .')\" = 5 ] && \
                          [ \"$(grep -c 'ds:UpToDate/UpToDate' /proc/drbd)\" = 3 ]";

/// How node2 is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Loss {
    Power,
    Hang,
    Wire(&'static str),
}

/// node2 is lost; node1 writes on, after node2 was fenced and not before. What node2 did then is over: it was switched off.
fn lose(how: Loss) {
    let Some(rig) = whole() else { return };
    rig.nodes.ok("node1", WRITER);
    rig.nodes.ok("node2", &WRITER.replace("records", "others"));
    let boot = "cat /proc/sys/kernel/random/boot_id";
    let before = rig.nodes.ok("node2", boot);
    match how {
        Loss::Power => rig.nodes.power("node2", Power::Cut),
        Loss::Hang => rig.nodes.power("node2", Power::Hang),
        Loss::Wire(zone) => rig.nodes.link("node2", zone, false),
    }
    rig.until("node1", NODE2_IS_LOST);
    rig.nodes.ok("node1", GOES_ON);
    // Pacemaker, DLM and the handler of each mirror all have it fenced; the last one leaves it on (reboot) or off.
    rig.until(
        "node1",
        "[ \"$(grep -c 'ds:UpToDate/Outdated' /proc/drbd)\" = 3 ] && ! crm_mon -1 | grep -q 'Pending Fencing'",
    );
    let events = rig.nodes.power_events();
    assert!(
        events.iter().all(|event| event.starts_with("node2 ")),
        "{events:?}"
    );
    assert!(
        how == Loss::Power || events.contains(&"node2 bmc cut".to_owned()),
        "{events:?}"
    );
    let fenced: f64 = rig.nodes.ok("node1", FENCED_AT).trim().parse().unwrap();
    let (gap, went_on) = longest_gap(&rig.nodes.ok("node1", "cat /shared/records"));
    println!(
        "{how:?}: {gap:.1} s without a record, {:.1} s after node2 was fenced",
        went_on - fenced
    );
    assert!(
        went_on >= fenced,
        "written at {went_on}, fenced at {fenced}"
    );
    assert!(gap < 180.0, "{gap} s");

    // It comes back when the operator starts it, takes what it missed, and reads what was written.
    if let Loss::Wire(zone) = how {
        rig.nodes.link("node2", zone, true);
    }
    if !lab::is_on(&rig.nodes.state().name, "node2").unwrap() {
        rig.nodes.power("node2", Power::On);
    }
    rig.up("node2");
    rig.nodes
        .ok("node2.lab", "! systemctl is-active --quiet pacemaker");
    assert_ne!(rig.nodes.ok("node2.lab", boot), before);
    let others = longest_gap(&rig.nodes.ok("node1", "cat /shared/others"));
    let (code, out, err) = rig.run(&["run", "node2", "--", "systemctl", "start", "pacemaker"]);
    assert_eq!(code, 0, "{out}{err}");
    rig.until("node1", BOTH_AGAIN);
    rig.nodes.ok("node1", GOES_ON);
    longest_gap(&rig.nodes.ok("node2", "cat /shared/records"));
    assert_eq!(
        longest_gap(&rig.nodes.ok("node2", "cat /shared/others")),
        others
    );
    rig.nothing_to_do();
}

#[test]
fn a_member_without_power_is_fenced_before_the_other_one_writes_on() {
    lose(Loss::Power);
}

#[test]
fn a_member_that_hangs_is_fenced_before_the_other_one_writes_on() {
    lose(Loss::Hang);
}

#[test]
fn a_member_that_the_ring_lost_is_fenced_before_the_other_one_writes_on() {
    lose(Loss::Wire("yellow"));
}

#[test]
fn a_member_that_the_mirrors_lost_is_fenced_before_the_other_one_writes_on() {
    lose(Loss::Wire("grey"));
}

#[test]
fn a_cluster_that_cannot_fence_waits_until_the_operator_confirms() {
    let Some(mut rig) = whole() else { return };
    rig.nodes.ok("node1", WRITER);
    // The wire to its controller, then its power: nobody can say any more whether it runs.
    rig.nodes.link("node1", "orange", false);
    rig.nodes.power("node2", Power::Cut);
    rig.until(
        "node1",
        "crm_mon -1 | grep -q 'node2: UNCLEAN' && grep -q ' C s' /proc/drbd",
    );
    // Whoever reads /shared now waits, too, and cannot be ended: the mirrors' counters are asked instead.
    let written = || rig.nodes.ok("node1", "grep -o 'dw:[0-9]*' /proc/drbd");
    let stands = written();
    let locks = "timeout 20 dlm_tool ls";
    let frozen = rig.nodes.ok("node1", locks);
    println!("{frozen}");
    assert!(frozen.contains("wait fencing"), "{frozen}");

    // What it waits for is said within a time, and nothing of it is touched.
    let (code, out, err) = rig.run(&["status", "--timeout", "120"]);
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("frozen"), "{out}");
    assert!(out.contains("confirm-fenced node2"), "{out}");
    // A run plans nothing for a node whose storage does not answer, and ends within a time.
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let since = Instant::now();
        let (code, out, err) = rig.run(command);
        println!("{command:?}: {:.0} s", since.elapsed().as_secs_f64());
        assert_eq!(code, 1, "{command:?}: {out}{err}");
        let said = "node1: storage/gfs2:/dev/drbd0: /dev/drbd0 did not answer in time";
        assert!(err.contains(said), "{command:?}: {out}{err}");
        assert!(since.elapsed() < Duration::from_secs(180), "{command:?}");
    }
    assert_eq!(written(), stands);

    rig.desk.input("node2\n");
    let (code, out, err) = rig.run(&["confirm-fenced", "node2"]);
    assert_eq!(code, 0, "{out}{err}");
    rig.nodes
        .ok("node1", &format!("timeout 120 sh -c '{GOES_ON}'"));
    let freed = rig.nodes.ok("node1", locks);
    println!("{freed}");
    assert!(
        !freed.contains("wait fencing") && freed.contains("name"),
        "{freed}"
    );
    longest_gap(&rig.nodes.ok("node1", "cat /shared/records"));
}

/// A volume that one member has for itself is had by no other one.
#[test]
fn a_volume_that_one_member_holds_exclusively_is_refused_to_the_other_one() {
    let Some(rig) = whole() else { return };
    rig.nodes.ok(
        "node1",
        "lvcreate --yes -q -L 4M -n probe -an vg_node1 && lvchange -aey vg_node1/probe",
    );
    for how in ["-aey", "-asy"] {
        let said = rig.nodes.ok(
            "node2",
            &format!("! lvchange {how} vg_node1/probe 2>&1 && [ ! -e /dev/vg_node1/probe ]"),
        );
        assert!(said.contains("LV locked by other host"), "{said}");
    }
    rig.nodes.ok("node1", "lvchange -an vg_node1/probe");
    rig.nodes.ok(
        "node2",
        "lvchange -aey vg_node1/probe && [ -e /dev/vg_node1/probe ] && lvchange -an vg_node1/probe",
    );
}

/// What an operator, or a failure, did to a running cluster: on which node, by what, until what shows there, and the check
/// that tells it.
const STATES_OF_A_CLUSTER: [(&str, &str, &str, &str, &str); 7] = [
    (
        "/shared is unmounted on one member",
        "node2",
        "crm_resource --ban --resource gfs2_r0-clone --node node2",
        "! grep -q ' /shared ' /proc/mounts && ! touch /shared/lost",
        "SHARED-MOUNTED",
    ),
    (
        "a group is not active on one member",
        "node1",
        "crm_resource --ban --resource vg_node2-clone --node node1",
        "! lvs --noheadings -o lv_active vg_node2 | grep -q active",
        "",
    ),
    (
        "the lock daemon of volumes is stopped on one member",
        "node2",
        "crm_resource --ban --resource lvmlockd-clone --node node2",
        "! pidof lvmlockd",
        "",
    ),
    (
        "a mirror is secondary on one member, on purpose",
        "node2",
        "crm_resource --ban --resource drbd_r1-clone --node node2 --promoted",
        "grep -q '^ 1: cs:Connected ro:Secondary/Primary ' /proc/drbd",
        "",
    ),
    (
        "a member in standby",
        "node2",
        "crm_standby -N node2 -v on",
        "crm_mon -1 | grep -q 'node2: standby$'",
        "RESOURCES-STANDBY",
    ),
    (
        "a member kept out",
        "node2",
        "systemctl stop pacemaker",
        "! systemctl is-active pacemaker",
        "RESOURCES-RUN",
    ),
    (
        "a cluster in maintenance",
        "node1",
        "crm_attribute --name maintenance-mode --update true",
        "crm_attribute --name maintenance-mode --query | grep -q value=true",
        "",
    ),
];

/// All that a run could have changed: resources and where they run, mirrors, mounts, volumes.
const RUNNING: &str = "crm_mon -1r | sed -n '/^Node List/,$p'; grep -o 'cs:.* C ' /proc/drbd; grep -c ' /shared ' /proc/mounts; \
                       lvs --noheadings -o lv_name,lv_active 2>/dev/null; systemctl is-active pacemaker dlm lvmlockd || :";

#[test]
fn what_an_operator_did_to_a_running_cluster_stays_and_is_reported() {
    for (what, on, change, shows, code) in STATES_OF_A_CLUSTER {
        let Some(rig) = whole() else { return };
        let settled = "crm_resource --wait --timeout=300s; ";
        rig.nodes.ok(on, change);
        rig.nodes.ok("node1", settled);
        rig.nodes.ok(on, shows);
        let before = on_both(&rig, RUNNING);
        let said = rig.apply();
        assert_eq!(said.failed(), Vec::<String>::new(), "{what}: {}", said.err);
        assert!([0, 3].contains(&said.code), "{what}: exit {}", said.code);
        assert_eq!(on_both(&rig, RUNNING), before, "{what}");
        if !code.is_empty() {
            let (exit, out, _) = rig.run(&["verify"]);
            assert!(
                exit == 3 && out.contains(code),
                "{what}: exit {exit}: {out}"
            );
        }
    }
}

#[test]
fn what_an_operator_or_a_failure_did_to_a_mirror_stays_and_is_reported() {
    for (what, on, change, said) in [
        (
            "disconnected by hand",
            "node1",
            "drbdadm disconnect r0",
            "r0 is alone on node1 (StandAlone)",
        ),
        (
            "down",
            "node2",
            "drbdadm down r1",
            "r1 is down on node2; node1 has data of it",
        ),
        (
            "a lost disk",
            "node2",
            "drbdadm down r1; dd if=/dev/zero of=/dev/disk/by-id/scsi-3600508e00000000aaaaaaaaaaaaaaaa2-part2 bs=1M count=48 conv=fsync",
            "r1 has no meta-data on node2, and node1 has its data",
        ),
    ] {
        let Some(rig) = mirrored() else { return };
        rig.nodes.ok(on, change);
        let before = on_both(
            &rig,
            &format!("cat /proc/drbd | grep cs:; {GENERATIONS} 2>&1"),
        );
        let plan = rig.plan();
        assert!(plan.page().contains(said), "{what}: {}", plan.page());
        let applied = rig.apply();
        assert_eq!(
            (applied.code, applied.failed()),
            (3, Vec::new()),
            "{what}: {}",
            applied.err
        );
        let after = on_both(
            &rig,
            &format!("cat /proc/drbd | grep cs:; {GENERATIONS} 2>&1"),
        );
        assert_eq!(after, before, "{what}");
        let (code, out, _) = rig.run(&["verify"]);
        assert!(
            code == 3 && out.contains("MIRROR-WHOLE"),
            "{what}: exit {code}: {out}"
        );
    }
}

#[test]
fn a_run_that_loses_a_node_while_mirrors_are_made_is_taken_up_again() {
    let Some(rig) = wired() else { return };
    // One end was made, then the power went.
    rig.nodes.ok("node2", "sync");
    let mut live = rig.start(&["apply", "--yes", "--wait"]);
    live.until(|event| event["event"] == "done" && event["text"].to_string().contains("meta-data"));
    rig.nodes.power("node2", Power::Cut);
    let _ = live.end();
    rig.nodes.power("node2", Power::On);
    rig.up("node2");
    let said = rig.say(&["apply", "--yes", "--wait"]);
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    assert_eq!(
        rig.nodes
            .ok("node1", "grep -c 'ds:UpToDate/UpToDate' /proc/drbd"),
        "3\n"
    );
    rig.nothing_to_do();
}

#[test]
fn each_releases_drbdadm_reads_what_is_written_for_it() {
    let Some(rig) = wired() else { return };
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    // Which of the parsers of drbd-utils 9.22 is that of the release's version.
    for (release, parser) in [
        ("pve3", "/lib/drbd/drbdadm-83"),
        ("el6", "/lib/drbd/drbdadm-84"),
        ("el7", "/lib/drbd/drbdadm-84"),
        ("debian12", "/lib/drbd/drbdadm-84"),
        ("debian13", "/lib/drbd/drbdadm-84"),
        ("el8", "DRBD_DRIVER_VERSION_OVERRIDE=9.1.0 drbdadm"),
        ("el9", "DRBD_DRIVER_VERSION_OVERRIDE=9.1.0 drbdadm"),
        ("el10", "DRBD_DRIVER_VERSION_OVERRIDE=9.1.0 drbdadm"),
    ] {
        let folder = golden.join(release).join("cluster/node1/etc/drbd.d");
        let mut text = String::new();
        for name in ["global_common.conf", "r0.res", "r1.res", "r2.res"] {
            let path = folder.join(name);
            text += &std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        }
        let dump = rig.nodes.ok(
            "node1",
            &format!(
                "cat >/tmp/{release}.conf <<'END'\n{text}END\n{parser} -c /tmp/{release}.conf dump"
            ),
        );
        for line in [
            "resource r0 {",
            "fencing",
            "resource-and-stonith;",
            "10.0.1.2:7790;",
        ] {
            assert!(dump.contains(line), "{release}: {line}\n{dump}");
        }
    }
}

/// States of a device of 64 MiB: what makes it, and a word of what is refused.
const STATES: [(&str, &str); 22] = [
    ("mke2fs -q -t ext4 -L web $D", "ext4 `web`"),
    ("mke2fs -q -t ext3 $D", "ext3"),
    ("mkswap -q $D", "swap"),
    ("mkswap -q $D; swapon $D", "swap that is in use"),
    ("pvcreate -qq $D", "LVM2_member"),
    ("pvcreate -qq $D; vgcreate -qq foreign $D", "LVM2_member"),
    (
        "pvcreate -qq $D; vgcreate -qq active $D; lvcreate -qq -Wn -L 8M -n v active",
        "dm-",
    ),
    (
        "mkfs.gfs2 -O -q -p lock_dlm -j 1 -J 8 -t other:shared $D",
        "gfs2 `other:shared`",
    ),
    ("parted -s $D mklabel gpt", "a partition table (gpt)"),
    ("parted -s $D mklabel msdos", "a partition table (dos)"),
    (
        "parted -s $D mklabel gpt mkpart a 1MiB 9MiB; udevadm settle",
        "the partitions loop",
    ),
    (
        "mke2fs -q -t ext4 $D; mkdir -p /mnt/busy; mount $D /mnt/busy",
        "what is mounted on /mnt/busy",
    ),
    ("drbdmeta --force 9 v08 $D internal create-md", "drbd"),
    (
        "printf 'LUKS\\272\\276\\000\\001' | dd of=$D conv=notrunc",
        "crypto_LUKS",
    ),
    (
        "printf 'XFSB\\000\\000\\020\\000' | dd of=$D conv=notrunc",
        "first MiB",
    ),
    (
        "printf '_BHRfS_M' | dd of=$D bs=1 seek=65600 conv=notrunc",
        "first MiB",
    ),
    (
        "printf '\\374\\116\\053\\251' | dd of=$D bs=1 seek=4096 conv=notrunc",
        "first MiB",
    ),
    ("printf x | dd of=$D bs=1 seek=0 conv=notrunc", "first MiB"),
    (
        "printf x | dd of=$D bs=1 seek=1048575 conv=notrunc",
        "first MiB",
    ),
    (
        "printf x | dd of=$D bs=1 seek=66060288 conv=notrunc",
        "last MiB",
    ),
    (
        "printf x | dd of=$D bs=1 seek=67108863 conv=notrunc",
        "last MiB",
    ),
    (
        "truncate -s 512K $F; losetup -c $D",
        "no more than 1024 sectors",
    ),
];

#[test]
fn no_device_is_overwritten_that_carries_anything_unless_it_is_named() {
    let Some(rig) = wired() else { return };
    rig.nodes.reset("wired");
    let (mut steps, mut script) = (String::new(), "set -e\n".to_owned());
    for (i, (make, _)) in STATES.iter().enumerate() {
        script.push_str(&format!(
            "F=/root/d{i}; truncate -s 64M $F; D=/dev/loop{i}; losetup $D $F\n({make}) </dev/null >&2\n"
        ));
        steps.push_str(&format!(
            "[[step]]\ndrbd_metadata = \"d{i}\"\ndevice = \"/dev/loop{i}\"\nmembers = [\"node1\"]\n\
             [[step]]\nvolume_group = \"g{i}\"\ndevice = \"/dev/loop{i}\"\n\
             [[step]]\ngfs2 = \"/dev/loop{i}\"\ntable = \"crosslink:d{i}\"\njournals = 1\njournal_size = 8\n"
        ));
    }
    rig.nodes.ok("node1", &script);
    let digests = || rig.nodes.ok("node1", "sync; sha256sum /root/d*");
    let before = digests();
    rig.write(
        "roles/devices.toml",
        &format!("description = \"devices\"\n{steps}"),
    );
    rig.write("inventory.toml", &inventory(r#"roles = ["devices"]"#));
    let said = rig.say(&["apply", "--yes", "node1"]);
    assert_eq!(said.code, 5, "{}", said.err);
    let page = said.page();
    for (i, (make, word)) in STATES.iter().enumerate() {
        let carries = format!("/dev/loop{i} carries ");
        let lines: Vec<_> = page.lines().filter(|l| l.contains(&carries)).collect();
        // A GFS2 of another cluster is reported by the kind that would make one, and refused by the others.
        let kinds = if word.starts_with("gfs2") { 2 } else { 3 };
        assert_eq!(lines.len(), kinds, "{make}:\n{page}");
        assert!(lines.iter().all(|l| l.contains(word)), "{make}: {lines:?}");
    }
    assert_eq!(digests(), before);
}
