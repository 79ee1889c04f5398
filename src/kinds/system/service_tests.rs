//! Fixtures of the service kind, and its shell run against a `systemctl` and a `service` made for the test.

use super::super::super::kind_named;
use super::*;
use crate::kinds::testing::circumstances;
use crate::platform::Platform;
use std::fs;
use std::process::Command;

const BOOT_ID: &str = "0f0e6a3c-7c1d-4d6f-9a55-2f6a1d0b9c77\n";

// Captured: systemctl 252 on Debian 12 (ssh, nosuch: names and order of keys); the others constructed after them.
const UNITS_SEEN: &str = "\
MainPID=412
Id=ssh.service
Names=ssh.service sshd.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
ActiveEnterTimestampMonotonic=2741337

Id=chrony.service
Names=chrony.service
LoadState=loaded
ActiveState=failed
SubState=failed
UnitFileState=disabled
MainPID=0
ActiveEnterTimestampMonotonic=0

Id=nftables.service
Names=nftables.service
LoadState=loaded
ActiveState=active
SubState=exited
UnitFileState=enabled
MainPID=0
ActiveEnterTimestampMonotonic=1890021

Id=corosync.service
Names=corosync.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
MainPID=500
ActiveEnterTimestampMonotonic=3000000

MainPID=0
Id=nosuch.service
Names=nosuch.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
ActiveEnterTimestampMonotonic=0

Tick=412 273
Tick=500 301
";

const RECORDS_SEEN: &str = "\
0f0e6a3c-7c1d-4d6f-9a55-2f6a1d0b9c77 412 273 sshd.service
aaa  /etc/ssh/sshd_config
missing  /etc/ssh/extra
0f0e6a3c-7c1d-4d6f-9a55-2f6a1d0b9c77 0 1890021 nftables.service
bbb  /etc/nftables.conf
0f0e6a3c-7c1d-4d6f-9a55-2f6a1d0b9c77 500 301 corosync.service
ccc  /etc/corosync/corosync.conf
";

fn on(platform: Platform) -> Target {
    Target {
        node: "node1".into(),
        platform,
    }
}

fn want(json: serde_json::Value) -> Want {
    serde_json::from_value(json).unwrap()
}

fn debian(config: &str) -> Answer {
    Answer::from_sections([
        (UNITS, UNITS_SEEN, 0),
        (BOOT, BOOT_ID, 0),
        (RECORDS, RECORDS_SEEN, 0),
        (CONFIG, config, 1),
    ])
}

fn verdict(want: &Want, answer: &Answer) -> Verdict {
    let target = on(Platform::Debian12);
    ServiceKind::compare(
        want,
        &ServiceKind::parse(want, &target, answer).unwrap(),
        &circumstances(&target),
    )
}

#[test]
fn a_name_is_found_by_its_alias_and_is_as_wanted() {
    let sshd = want(
        serde_json::json!({"service": "sshd", "enabled": true, "running": true,
        "config": ["/etc/ssh/sshd_config", "/etc/ssh/extra"]}),
    );
    let answer = debian("aaa  /etc/ssh/sshd_config\n");
    assert_eq!(verdict(&sshd, &answer), Verdict::Same);
    let seen = ServiceKind::parse(&sshd, &on(Platform::Debian12), &answer).unwrap();
    assert_eq!((seen.main_pid, seen.start_tick), (412, Some(273)));
}

#[test]
fn a_restart_is_owed_by_the_instance_that_was_kept_only() {
    let sshd = want(serde_json::json!({"service": "sshd", "config": ["/etc/ssh/sshd_config"]}));
    let changed = debian("fff  /etc/ssh/sshd_config\n");
    assert_eq!(
        verdict(&sshd, &changed),
        Verdict::Change(vec![Delta::new(
            "restart",
            "started before /etc/ssh/sshd_config changed",
            "restarted"
        )])
    );
    for (section, from, to) in [
        (UNITS, "Tick=412 273", "Tick=412 99273"),
        (BOOT, "0f0e6a3c", "11111111"),
        (RECORDS, " sshd.service", " other.service"),
    ] {
        let texts = [UNITS, BOOT, RECORDS, CONFIG].map(|name| {
            let text = changed.text(name).into_owned();
            (
                name,
                if name == section {
                    text.replace(from, to)
                } else {
                    text
                },
            )
        });
        let other = Answer::from_sections(texts.iter().map(|(n, t)| (*n, t.as_str(), 0)));
        assert_eq!(verdict(&sshd, &other), Verdict::Same, "{section}");
    }
}

#[test]
fn a_file_that_came_or_went_is_a_change_and_an_unknown_file_is_none() {
    let sshd = want(
        serde_json::json!({"service": "sshd", "config": ["/etc/ssh/sshd_config", "/etc/ssh/extra", "/etc/new"]}),
    );
    let target = on(Platform::Debian12);
    let came = debian("aaa  /etc/ssh/sshd_config\nddd  /etc/ssh/extra\neee  /etc/new\n");
    assert_eq!(
        ServiceKind::parse(&sshd, &target, &came).unwrap().changed,
        ["/etc/ssh/extra"]
    );
    let went = debian("");
    assert_eq!(
        ServiceKind::parse(&sshd, &target, &went).unwrap().changed,
        ["/etc/ssh/sshd_config"]
    );
}

#[test]
fn a_service_without_a_process_owes_too() {
    let nftables = want(
        serde_json::json!({"service": "nftables", "config": ["/etc/nftables.conf"], "reload": true}),
    );
    let Verdict::Change(deltas) = verdict(&nftables, &debian("fff  /etc/nftables.conf\n")) else {
        panic!("a reload is owed");
    };
    assert_eq!(deltas[0].what, "reload");
}

#[test]
fn what_a_cluster_leans_on_is_a_finding() {
    let corosync = want(
        serde_json::json!({"service": "corosync", "running": true, "config": ["/etc/corosync/corosync.conf"]}),
    );
    let answer = debian("fff  /etc/corosync/corosync.conf\n");
    let Verdict::Finding { what, remedy } = verdict(&corosync, &answer) else {
        panic!("never a change");
    };
    assert_eq!(
        what,
        "corosync owes a restart: started before /etc/corosync/corosync.conf changed"
    );
    assert!(
        remedy.ends_with("then `nodewright run node1 -- systemctl restart corosync`"),
        "{remedy}"
    );
    let target = on(Platform::Debian12);
    let seen = ServiceKind::parse(&corosync, &target, &answer).unwrap();
    assert!(matches!(
        ServiceKind::compare_written(&corosync, &seen, &circumstances(&target)),
        Verdict::Finding { .. }
    ));
    assert_eq!(
        ServiceKind::actions(&[(&corosync, &seen)], &target)[0].to_shell(),
        "nw_service corosync.service keep start none /etc/corosync/corosync.conf"
    );
}

#[test]
fn what_differs_is_named_and_acted_on() {
    let target = on(Platform::Debian12);
    for (json, deltas, call) in [
        (
            serde_json::json!({"service": "chrony", "enabled": true, "running": true}),
            vec![
                Delta::new("enabled", "no", "yes"),
                Delta::new("running", "failed", "yes"),
            ],
            "nw_service chrony.service enable start restart",
        ),
        (
            serde_json::json!({"service": "nftables", "enabled": false, "running": false}),
            vec![
                Delta::new("enabled", "yes", "no"),
                Delta::new("running", "yes", "no"),
            ],
            "nw_service nftables.service disable stop restart",
        ),
        (
            serde_json::json!({"service": "nosuch", "enabled": true}),
            vec![Delta::new("enabled", "no", "yes")],
            "nw_service nosuch.service enable keep restart",
        ),
    ] {
        let want = want(json);
        let seen = ServiceKind::parse(&want, &target, &debian("")).unwrap();
        assert_eq!(
            ServiceKind::compare(&want, &seen, &circumstances(&target)),
            Verdict::Change(deltas)
        );
        assert_eq!(
            ServiceKind::actions(&[(&want, &seen)], &target)[0].to_shell(),
            call
        );
    }
    let gone = want(serde_json::json!({"service": "nosuch", "enabled": false, "running": false}));
    assert_eq!(verdict(&gone, &debian("")), Verdict::Same);
}

#[test]
fn a_masked_unit_is_left_to_people() {
    let text = UNITS_SEEN.replace("UnitFileState=disabled", "UnitFileState=masked");
    let answer = Answer::from_sections([(UNITS, text.as_str(), 0), (BOOT, BOOT_ID, 0)]);
    let chrony = want(serde_json::json!({"service": "chrony", "running": true}));
    assert!(matches!(verdict(&chrony, &answer), Verdict::Finding { .. }));
}

#[test]
fn no_answer_is_never_taken_for_stopped() {
    let chrony = want(serde_json::json!({"service": "chrony", "running": false}));
    let target = on(Platform::Debian12);
    for (text, status) in [
        ("", 127),
        ("\n\n", 1),
        ("System has not been booted with systemd\n", 1),
    ] {
        let answer = Answer::from_sections([(UNITS, text, status)]);
        assert!(
            ServiceKind::parse(&chrony, &target, &answer).is_err(),
            "{status}"
        );
    }
}

#[test]
fn el6_reads_runlevel_3_and_the_status_of_scripts() {
    // chkconfig's from its manual page; the lines of statuses are this kind's own.
    let answer = Answer::from_sections([
        (
            LEVELS,
            "ntpd           \t0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off\nacpid          \t0:off\t1:off\t2:on\t3:off\t4:off\t5:off\t6:off\n",
            0,
        ),
        (SCRIPTS, "ntpd 0 1234 5521\nacpid 3 0 0\nclvmd 2 0 0\n", 0),
        (BOOT, BOOT_ID, 0),
        (
            RECORDS,
            "0f0e6a3c-7c1d-4d6f-9a55-2f6a1d0b9c77 1234 5521 ntpd\naaa  /etc/ntp.conf\n",
            0,
        ),
        (CONFIG, "aab  /etc/ntp.conf\n", 0),
    ]);
    let target = on(Platform::El6);
    let ntpd = want(
        serde_json::json!({"service": "ntpd", "enabled": true, "running": true, "config": ["/etc/ntp.conf"]}),
    );
    let seen = ServiceKind::parse(&ntpd, &target, &answer).unwrap();
    assert_eq!(
        (seen.enabled.as_str(), seen.running, seen.main_pid),
        ("enabled", true, 1234)
    );
    assert_eq!(seen.changed, ["/etc/ntp.conf"]);
    let acpid = want(serde_json::json!({"service": "acpid", "enabled": false, "running": false}));
    let seen = ServiceKind::parse(&acpid, &target, &answer).unwrap();
    assert_eq!(
        ServiceKind::compare(&acpid, &seen, &circumstances(&target)),
        Verdict::Same
    );
    let clvmd = want(serde_json::json!({"service": "clvmd", "running": true}));
    let seen = ServiceKind::parse(&clvmd, &target, &answer).unwrap();
    assert_eq!((seen.active.as_str(), seen.loaded), ("failed", false));
}

#[test]
fn names_and_paths_that_a_tool_could_misread_are_refused() {
    let target = on(Platform::El9);
    for json in [
        serde_json::json!({"service": "-f"}),
        serde_json::json!({"service": "a b"}),
        serde_json::json!({"service": "../x"}),
        serde_json::json!({"service": "x", "config": ["etc/x"]}),
        serde_json::json!({"service": "x", "config": ["/etc/x\ny"]}),
        serde_json::json!({"service": "x", "reload": true}),
    ] {
        assert!(
            ServiceKind::validate(&want(json.clone()), &target).is_err(),
            "{json}"
        );
    }
    assert!(kind_named("service").is_some());
}

// Constructed: what a script of EL6's functions and what systemctl do, with a pid file for the daemon.
const SERVICE: &str = r#"#!/bin/sh
d=$(dirname "$0")/..
echo "$1 $2" >>"$d/calls"
case $2 in
status)
  [ -e "$d/pid" ] || { echo "$1 is stopped"; exit 3; }
  read -r p <"$d/pid"; echo "$1 (pid  999999999 $p) is running..." ;;
start | restart) echo "$NW_PID" >"$d/pid" ;;
stop) rm -f "$d/pid" ;;
esac
"#;
const SYSTEMCTL: &str = r#"#!/bin/sh
d=$(dirname "$0")/..
for last; do :; done
case $1 in
show)
  if [ -e "$d/pid" ]; then read -r p <"$d/pid"; s=active; else p=0 s=inactive; fi
  printf 'ActiveState=%s\nMainPID=%s\nActiveEnterTimestampMonotonic=77\n' "$s" "$p" ;;
start | restart) echo "$last $1" >>"$d/calls"; echo "$NW_PID" >"$d/pid" ;;
reload) echo "$last $1" >>"$d/calls" ;;
stop) echo "$last $1" >>"$d/calls"; rm -f "$d/pid" ;;
esac
"#;

/// A folder that stands in for a node's state, with a `service` script whose daemon is this test's own process.
struct FakeNode {
    root: tempfile::TempDir,
    systemd: bool,
}

impl FakeNode {
    fn new(systemd: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for (name, script) in [("service", SERVICE), ("systemctl", SYSTEMCTL)] {
            let path = bin.join(name);
            fs::write(&path, script).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&path, mode).unwrap();
        }
        Self { root, systemd }
    }

    /// Runs functions in one of the shells, with the daemon being this process.
    fn run(&self, shell: &[&str], pid: u32, line: &str) {
        let path = self.root.path();
        let text = format!(
            "set -u\n{}\nnw_systemd() {{ {}; }}\n{line}\n",
            ServiceKind::SHELL.text(),
            self.systemd
        );
        let status = Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", &text])
            .env("NW_STATE", path)
            .env("NW_PID", pid.to_string())
            .env("PATH", format!("{}/bin:/usr/bin:/bin", path.display()))
            .current_dir(path)
            .status()
            .unwrap();
        assert!(status.success(), "{shell:?}: {line}: {status}");
    }

    fn record(&self) -> String {
        fs::read_to_string(self.root.path().join("services/x")).unwrap_or_default()
    }

    fn calls(&self, verb: &str) -> usize {
        let calls = fs::read_to_string(self.root.path().join("calls")).unwrap_or_default();
        calls.lines().filter(|line| line.ends_with(verb)).count()
    }
}

#[test]
fn the_shell_keeps_and_pays_debts_by_instance() {
    let shells = [
        &["dash"][..],
        &["bash"],
        &["bash", "--posix"],
        &["busybox", "ash"],
    ];
    for (shell, systemd) in shells.iter().flat_map(|s| [(*s, false), (*s, true)]) {
        if Command::new(shell[0]).arg("--help").output().is_err() {
            continue;
        }
        let node = FakeNode::new(systemd);
        let conf = node.root.path().join("x.conf");
        let conf = conf.to_str().unwrap();
        let pid = std::process::id();
        // Not running: nothing to keep. Then started with nothing there.
        node.run(shell, pid, &format!("nw_service_note x {conf}"));
        assert_eq!(node.record(), "");
        node.run(
            shell,
            pid,
            &format!("nw_service x keep start restart {conf}"),
        );
        assert!(
            node.record().ends_with(&format!("missing  {conf}\n")),
            "{:?}",
            node.record()
        );
        assert!(
            node.record().contains(&format!(" {pid} ")),
            "{:?}",
            node.record()
        );
        // A second run does nothing.
        node.run(
            shell,
            pid,
            &format!("nw_service x keep start restart {conf}"),
        );
        assert_eq!((node.calls("start"), node.calls("restart")), (1, 0));
        // Written: a restart is owed and paid once.
        fs::write(conf, "a\n").unwrap();
        node.run(shell, pid, &format!("nw_service x keep start none {conf}"));
        assert_eq!(node.calls("restart"), 0);
        node.run(
            shell,
            pid,
            &format!("nw_service x keep start restart {conf}"),
        );
        node.run(
            shell,
            pid,
            &format!("nw_service x keep start restart {conf}"),
        );
        assert_eq!(node.calls("restart"), 1);
        // An instance that someone started by hand is unknown; it is noted before the write, and then owes.
        fs::remove_file(node.root.path().join("services/x")).unwrap();
        node.run(
            shell,
            pid,
            &format!("nw_service x keep start restart {conf}"),
        );
        assert_eq!(node.calls("restart"), 1);
        node.run(shell, pid, &format!("nw_service_note x {conf}"));
        let noted = node.record();
        fs::write(conf, "b\n").unwrap();
        node.run(shell, pid, &format!("nw_service_note x {conf}"));
        assert_eq!(node.record(), noted, "the first note stands");
        node.run(
            shell,
            pid,
            &format!("nw_service x keep keep restart {conf}"),
        );
        assert_eq!(node.calls("restart"), 2);
        // Another file joins later: noted beside the first.
        node.run(
            shell,
            pid,
            &format!("nw_service_note x {conf} /nonexistent"),
        );
        assert!(
            node.record().ends_with("missing  /nonexistent\n"),
            "{:?}",
            node.record()
        );
        // What was changed by hand may have been read again meanwhile: going back to what was kept is a reload.
        let reload = format!("nw_service x keep keep reload {conf}");
        node.run(shell, pid, &format!("nw_service_doubt x {conf}"));
        node.run(shell, pid, &reload);
        assert_eq!(node.calls("reload"), 0, "nothing was changed");
        fs::write(conf, "by hand\n").unwrap();
        node.run(shell, pid, &format!("nw_service_doubt x {conf}"));
        assert!(node.record().contains(&format!("unknown  {conf}\n")));
        fs::write(conf, "b\n").unwrap();
        node.run(shell, pid, &reload);
        node.run(shell, pid, &reload);
        assert_eq!(node.calls("reload"), 1);
        node.run(shell, pid, "nw_service x keep stop none");
        assert_eq!((node.calls("stop"), node.record().as_str()), (1, ""));
    }
}

#[test]
fn the_start_tick_survives_odd_process_names() {
    let root = tempfile::tempdir().unwrap();
    let odd = root.path().join("a) S (b");
    fs::copy("/bin/sleep", &odd).unwrap();
    let mut child = Command::new(&odd).arg("30").spawn().unwrap();
    let text = format!(
        "{}\nnw_tick {}; echo \"$nw_tick\"",
        ServiceKind::SHELL.text(),
        child.id()
    );
    let told = Command::new("sh").args(["-c", &text]).output().unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let field = stat
        .rsplit_once(") ")
        .unwrap()
        .1
        .split(' ')
        .nth(19)
        .unwrap()
        .to_owned();
    assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), field);
}
