//! Fixtures of the service kind, and its shell run against a `systemctl` and a `service` made for the test.

use super::super::super::kind_named;
use super::*;
use crate::kinds::testing::circumstances;
use crate::kinds::testing::queries;
use crate::platform::Platform;
use serde_json::json;
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

/// In a stage that writes these paths.
fn writing<'a>(target: &'a Target, written: &'a Written) -> Circumstances<'a> {
    Circumstances {
        written,
        ..circumstances(target)
    }
}

fn writes(paths: &[(&str, Rewrite<'_>)]) -> Written {
    let mut written = Written::nothing();
    for (path, becomes) in paths {
        written.add(0, *path, *becomes);
    }
    written
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
    let answer = debian("aaa  /etc/ssh/sshd_config\nmissing  /etc/ssh/extra\n");
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
    let went =
        debian("missing  /etc/ssh/sshd_config\nmissing  /etc/ssh/extra\nmissing  /etc/new\n");
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
    let written = writes(&[("/etc/corosync/corosync.conf", Rewrite::To("eee"))]);
    assert!(matches!(
        ServiceKind::compare(&corosync, &seen, &writing(&target, &written)),
        Verdict::Finding { .. }
    ));
    assert_eq!(
        ServiceKind::actions(&[(&corosync, &seen)], &circumstances(&target))[0].to_shell(),
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
            "nw_service chrony.service enable start none",
        ),
        (
            serde_json::json!({"service": "nftables", "enabled": false, "running": false}),
            vec![
                Delta::new("enabled", "yes", "no"),
                Delta::new("running", "yes", "no"),
            ],
            "nw_service nftables.service disable stop none",
        ),
        (
            serde_json::json!({"service": "nosuch", "enabled": true}),
            vec![Delta::new("enabled", "no", "yes")],
            "nw_service nosuch.service enable keep none",
        ),
    ] {
        let want = want(json);
        let seen = ServiceKind::parse(&want, &target, &debian("")).unwrap();
        assert_eq!(
            ServiceKind::compare(&want, &seen, &circumstances(&target)),
            Verdict::Change(deltas)
        );
        assert_eq!(
            ServiceKind::actions(&[(&want, &seen)], &circumstances(&target))[0].to_shell(),
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
fn a_oneshot_that_is_over_at_once_is_not_started_again_and_again() {
    let over = "\nType=oneshot\nRemainAfterExit=no\n";
    let judged = |properties: &str, step: serde_json::Value| {
        let text = UNITS_SEEN.replacen(
            "ActiveState=failed\n",
            &format!("ActiveState=inactive{properties}"),
            1,
        );
        assert_ne!(text, UNITS_SEEN);
        let answer = Answer::from_sections([(UNITS, text.as_str(), 0), (BOOT, BOOT_ID, 0)]);
        verdict(&want(step), &answer)
    };
    let running = || serde_json::json!({"service": "chrony", "running": true});
    let Verdict::Finding { what, .. } = judged(over, running()) else {
        panic!("no finding");
    };
    assert!(
        what.starts_with("chrony is a oneshot that is over"),
        "{what}"
    );
    let enabled = serde_json::json!({"service": "chrony", "enabled": true});
    assert!(matches!(judged(over, enabled), Verdict::Change(_)));
    for stays in [
        "\nType=oneshot\nRemainAfterExit=yes\n",
        "\nType=simple\nRemainAfterExit=no\n",
    ] {
        assert!(
            matches!(judged(stays, running()), Verdict::Change(_)),
            "{stays}"
        );
    }
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

// EL7 says `bad` of the unit that it makes of the script `network`: as written from systemd 219's source.
#[test]
fn a_unit_made_of_a_script_is_enabled_by_the_links_of_its_run_level() {
    let step = json!({ "service": "network", "enabled": true });
    for state in ["bad", "generated", ""] {
        for (links, wanted) in [
            ("S10network\nK50netconsole\n", Verdict::Same),
            (
                "K90network\nS10networks\n",
                Verdict::Change(vec![Delta::new("enabled", "no", "yes")]),
            ),
        ] {
            let units = format!(
                "Id=network.service\nNames=network.service\nLoadState=loaded\nActiveState=active\nSubState=exited\n\
                 UnitFileState={state}\nSourcePath=/etc/rc.d/init.d/network\nMainPID=0\nActiveEnterTimestampMonotonic=5\n\n"
            );
            let sections = [
                (UNITS, units.as_str(), 0),
                (RC3, links, 0),
                (BOOT, "b\n", 0),
                (RECORDS, "", 1),
            ];
            let verdict = crate::kinds::testing::verdict_on(&step, Platform::El7, &sections);
            assert_eq!(verdict, Ok(wanted), "{state} {links}");
        }
    }
}

// EL6's `iptables status` ends with 0 as soon as the kernel has a table, which Shorewall or a mere look makes it have, and
// `iptables stop` flushes everything and accepts everything.
#[test]
fn scripts_of_the_kernels_rules_are_judged_by_what_they_left_and_never_stopped() {
    let step = json!({ "service": ["iptables", "ip6tables"], "enabled": false });
    let asked = queries(&step, Platform::El6);
    assert!(
        asked
            .iter()
            .all(|call| !call.contains("nw_service_scripts")),
        "{asked:?}"
    );
    let node = on(Platform::El6);
    let levels = "iptables        0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off\n\
                  ip6tables       0:off\t1:off\t2:off\t3:off\t4:off\t5:off\t6:off\n";
    let answer = Answer::from_sections([
        (LEVELS, levels, 0),
        (LOCKS, "crond\niptables\n", 0),
        (BOOT, "b\n", 0),
        (RECORDS, "", 1),
    ]);
    let resources = crate::kinds::testing::resources_on(&step, Platform::El6);
    let judged: Vec<_> = resources
        .iter()
        .map(|r| {
            let compared = crate::kinds::testing::compare(r, &node, &answer, false).unwrap();
            (compared.verdict, compared.seen["running"].clone())
        })
        .collect();
    let undo: Vec<_> = resources.iter().flat_map(|r| &r.guard.undo).collect();
    assert!(
        undo.iter().all(|call| call
            .to_shell()
            .starts_with("nw_service_by_lock nw_service_undo ip")),
        "{undo:?}"
    );
    let off = Verdict::Change(vec![Delta::new("enabled", "yes", "no")]);
    assert_eq!(judged, [(off, json!(true)), (Verdict::Same, json!(false))]);
    let stop = json!({ "service": "iptables", "enabled": false, "running": false });
    let said = crate::kinds::testing::read(&stop, Platform::El6).unwrap_err();
    assert!(said.contains("empties the kernel"), "{said}");
    // A unit of systemd is active only where it was started itself.
    crate::kinds::testing::read(&stop, Platform::El7).unwrap();
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
fn debian_without_systemd_reads_the_links_of_level_2() {
    let target = on(Platform::Pve3);
    // Constructed: `ls /etc/rc2.d` with links of insserv.
    let links = "K01rsync\nREADME\nS02ntp\nS03ntpd-x\n";
    let answer = Answer::from_sections([
        (LEVELS, links, 0),
        (SCRIPTS, "ntp 0 1234 5521\nrsync 3 0 0\nntpd 3 0 0\n", 0),
        (BOOT, BOOT_ID, 0),
        (RECORDS, "", 0),
    ]);
    for (name, enabled, loaded) in [
        ("ntp", "enabled", true),
        ("rsync", "disabled", true),
        ("ntpd", "", false),
    ] {
        let want = want(serde_json::json!({ "service": name }));
        let seen = ServiceKind::parse(&want, &target, &answer).unwrap();
        assert_eq!(
            (seen.enabled.as_str(), seen.loaded),
            (enabled, loaded),
            "{name}"
        );
    }
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

#[test]
fn a_stage_owes_what_it_writes_unless_the_instance_has_read_just_that() {
    let target = on(Platform::Debian12);
    let sshd = want(serde_json::json!({"service": "sshd", "config": ["/etc/ssh/sshd_config"]}));
    let reads = want(
        serde_json::json!({"service": "sshd", "config": ["/etc/ssh/sshd_config"], "reload": true}),
    );
    let file = "/etc/ssh/sshd_config";
    let (as_kept, drifted) = (
        debian("aaa  /etc/ssh/sshd_config\n"),
        debian("fff  /etc/ssh/sshd_config\n"),
    );
    for (want, answer, becomes, verb) in [
        (&sshd, &as_kept, Rewrite::To("bbb"), "restart"),
        (&sshd, &as_kept, Rewrite::Somehow, "restart"),
        (&sshd, &as_kept, Rewrite::Gone, "restart"),
        (&sshd, &as_kept, Rewrite::To("aaa"), "none"),
        // A file that was edited by hand is restored to the content that the service was started with.
        (&sshd, &drifted, Rewrite::To("aaa"), "none"),
        (&sshd, &drifted, Rewrite::To("bbb"), "restart"),
        (&sshd, &drifted, Rewrite::No, "restart"),
        // A reload may have read the edit meanwhile.
        (&reads, &drifted, Rewrite::To("aaa"), "reload"),
        (&reads, &as_kept, Rewrite::To("aaa"), "none"),
    ] {
        let written = writes(&[(file, becomes)]);
        let circumstances = writing(&target, &written);
        let seen = ServiceKind::parse(want, &target, answer).unwrap();
        let same = ServiceKind::compare(want, &seen, &circumstances) == Verdict::Same;
        assert_eq!(same, verb == "none", "{becomes:?}");
        assert_eq!(
            ServiceKind::actions(&[(want, &seen)], &circumstances)[0].to_shell(),
            format!("nw_service sshd.service keep keep {verb} {file}"),
            "{becomes:?}"
        );
    }
}

#[test]
fn what_the_instance_has_read_is_kept_before_the_first_write() {
    let target = on(Platform::Debian12);
    let note = |json, config: &str| {
        let want = want(json);
        let seen = ServiceKind::parse(&want, &target, &debian(config)).unwrap();
        ServiceKind::before_write(&want, &seen, &target)[0].to_shell()
    };
    let instance = format!("'{} 412 273'", BOOT_ID.trim());
    let config = ["/etc/ssh/sshd_config", "/etc/new"];
    let drifted = "fff  /etc/ssh/sshd_config\nddd  /etc/new\n";
    for (reload, read) in [(false, "aaa"), (true, "unknown")] {
        assert_eq!(
            note(
                serde_json::json!({"service": "sshd", "config": config, "reload": reload}),
                drifted
            ),
            format!(
                "nw_service_note sshd.service {instance} '{read}  /etc/ssh/sshd_config\nddd  /etc/new' \
                 /etc/ssh/sshd_config /etc/new"
            )
        );
    }
    assert_eq!(
        note(
            serde_json::json!({"service": "chrony", "config": ["/etc/c"]}),
            "missing  /etc/c\n"
        ),
        "nw_service_note chrony.service '' 'missing  /etc/c' /etc/c"
    );
}

#[test]
fn a_file_that_could_not_be_read_is_no_missing_one() {
    let sshd = want(serde_json::json!({"service": "sshd", "config": ["/etc/ssh/sshd_config"]}));
    let error = ServiceKind::parse(&sshd, &on(Platform::Debian12), &debian("")).unwrap_err();
    assert_eq!(
        error,
        "/etc/ssh/sshd_config of its `config` could not be read"
    );
}

// Constructed: the behaviour of a script with EL6's functions and of systemctl, with a pid file for the daemon.
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
  printf 'Id=x.service\nLoadState=loaded\nActiveState=%s\nMainPID=%s\nActiveEnterTimestampMonotonic=77\n' "$s" "$p" ;;
start | restart) echo "$last $1" >>"$d/calls"; echo "$NW_PID" >"$d/pid" ;;
reload) echo "$last $1" >>"$d/calls" ;;
stop) echo "$last $1" >>"$d/calls"; rm -f "$d/pid" ;;
esac
"#;

/// A folder in the place of a node's state, with a service `x` whose daemon is this test's own process.
struct FakeNode {
    root: tempfile::TempDir,
    shell: &'static [&'static str],
    target: Target,
}

impl FakeNode {
    /// One for each shell, by systemd and by SysV.
    fn each(test: impl Fn(&Self)) {
        let shells: [&'static [&'static str]; 4] = [
            &["dash"],
            &["bash"],
            &["bash", "--posix"],
            &["busybox", "ash"],
        ];
        let here = |shell: &&[&str]| Command::new(shell[0]).arg("--help").output().is_ok();
        for shell in shells.into_iter().filter(here) {
            for platform in [Platform::El6, Platform::Debian12] {
                test(&Self::new(shell, platform));
            }
        }
    }

    fn new(shell: &'static [&'static str], platform: Platform) -> Self {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::create_dir(root.path().join("guard")).unwrap();
        for (name, script) in [
            ("service", SERVICE),
            ("systemctl", SYSTEMCTL),
            ("chkconfig", "#!/bin/sh\n"),
        ] {
            let path = bin.join(name);
            fs::write(&path, script).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&path, mode).unwrap();
        }
        let target = on(platform);
        Self {
            root,
            shell,
            target,
        }
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).display().to_string()
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is given a literal")]
    fn want(&self, keys: serde_json::Value, config: &[&str]) -> Want {
        let mut step = serde_json::json!({"service": "x"});
        step["config"] = config.iter().map(|name| self.path(name)).collect();
        let step = step.as_object_mut().unwrap();
        step.extend(keys.as_object().unwrap().clone());
        want(serde_json::Value::Object(step.clone()))
    }

    fn unit(&self) -> &'static str {
        if self.target.platform.has_systemd() {
            "x.service"
        } else {
            "x"
        }
    }

    /// Runs functions, with the daemon being this process.
    fn run(&self, line: &str) -> String {
        let path = self.root.path();
        let text = format!(
            "set -u\n{}\nnw_systemd() {{ {}; }}\n{line}\n",
            ServiceKind::SHELL.text(),
            self.target.platform.has_systemd()
        );
        let output = Command::new(self.shell[0])
            .args(&self.shell[1..])
            .args(["-c", &text])
            .env("NW_STATE", path)
            .env("NW_GUARD", path.join("guard"))
            .env("NW_PID", std::process::id().to_string())
            .env("PATH", format!("{}/bin:/usr/bin:/bin", path.display()))
            .current_dir(path)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{:?}: {line}: {output:?}",
            self.shell
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// The kind's observation of the service.
    fn seen(&self, want: &Want) -> Seen {
        let records = self.run("nw_service_records 2>/dev/null || :");
        let lines = Call::new("nw_service_lines").args(want.config.iter().cloned());
        let lines = self.run(&lines.to_shell());
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let (units, scripts) = if self.target.platform.has_systemd() {
            (self.run("nw_service_units x.service"), String::new())
        } else {
            (String::new(), self.run("nw_service_scripts x"))
        };
        let answer = Answer::from_sections([
            (UNITS, units.as_str(), 0),
            (LEVELS, "x 3:off\n", 0),
            (SCRIPTS, &scripts, 0),
            (BOOT, &boot, 0),
            (RECORDS, &records, 0),
            (CONFIG, &lines, 0),
        ]);
        ServiceKind::parse(want, &self.target, &answer).unwrap()
    }

    fn note(&self, want: &Want) {
        let calls = ServiceKind::before_write(want, &self.seen(want), &self.target);
        self.run(&calls[0].to_shell());
    }

    /// Carries out the calls that converge it.
    fn mend(&self, want: &Want) {
        let calls = ServiceKind::actions(&[(want, &self.seen(want))], &circumstances(&self.target));
        self.run(&calls[0].to_shell());
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn record(&self) -> String {
        fs::read_to_string(self.root.path().join("services").join(self.unit())).unwrap_or_default()
    }

    fn calls(&self, verb: &str) -> usize {
        let calls = fs::read_to_string(self.root.path().join("calls")).unwrap_or_default();
        let verb = format!(" {verb}");
        calls.lines().filter(|line| line.ends_with(&verb)).count()
    }
}

#[test]
fn debts_are_kept_and_paid_by_instance() {
    FakeNode::each(|node| {
        let conf = node.path("x.conf");
        let runs = node.want(serde_json::json!({"running": true}), &["x.conf"]);
        // It does not run, so there is no start to record. Then it starts without its file.
        node.note(&runs);
        assert_eq!(node.record(), "");
        node.mend(&runs);
        let record = node.record();
        assert!(
            record.ends_with(&format!("\nmissing  {conf}\n")),
            "{record:?}"
        );
        assert!(
            record.contains(&format!(" {} ", std::process::id())),
            "{record:?}"
        );
        // A second run does nothing.
        node.mend(&runs);
        assert_eq!((node.calls("start"), node.calls("restart")), (1, 0));
        // Written: a restart is owed and paid once.
        node.write("x.conf", "a\n");
        node.mend(&runs);
        node.mend(&runs);
        assert_eq!(node.calls("restart"), 1);
        // An instance that someone started by hand is unknown; it is noted before the write, and then owes.
        fs::remove_file(node.path(&format!("services/{}", node.unit()))).unwrap();
        node.mend(&runs);
        assert_eq!(node.calls("restart"), 1);
        node.note(&runs);
        let noted = node.record();
        node.write("x.conf", "b\n");
        node.note(&runs);
        assert_eq!(node.record(), noted, "the first note stands");
        node.mend(&node.want(serde_json::json!({}), &["x.conf"]));
        assert_eq!(node.calls("restart"), 2);
        // Another file joins later: noted beside the first.
        node.note(&node.want(serde_json::json!({}), &["x.conf", "nowhere"]));
        let record = node.record();
        assert!(
            record.contains(&format!("missing  {}\n", node.path("nowhere"))),
            "{record:?}"
        );
        // A reload may have read an edit by hand meanwhile: restoring the recorded content needs a reload.
        let reloads = node.want(serde_json::json!({"reload": true}), &["x.conf"]);
        node.note(&reloads);
        node.mend(&reloads);
        assert_eq!(node.calls("reload"), 0, "nothing was changed");
        node.write("x.conf", "by hand\n");
        node.note(&reloads);
        assert!(node.record().contains(&format!("unknown  {conf}\n")));
        node.write("x.conf", "b\n");
        node.mend(&reloads);
        node.mend(&reloads);
        assert_eq!(node.calls("reload"), 1);
        node.mend(&node.want(serde_json::json!({"running": false}), &[]));
        assert_eq!((node.calls("stop"), node.record().as_str()), (1, ""));
    });
}

#[test]
fn a_folder_and_a_pattern_owe_for_what_they_stand_for() {
    FakeNode::each(|node| {
        node.write("x.d/a.conf", "a\n");
        node.run(&format!("nw_service_do start {}", node.unit()));
        let mut paid = 0;
        for config in ["x.d", "x.d/*.conf"] {
            let want = node.want(serde_json::json!({}), &[config]);
            node.note(&want);
            node.mend(&want);
            assert_eq!(node.calls("restart"), paid, "{config}: nothing was written");
            let remove = |name: &str| fs::remove_file(node.root.path().join(name)).unwrap();
            let steps: [&dyn Fn(); 4] = [
                &|| node.write("x.d/a.conf", "b\n"),
                &|| node.write("x.d/b.conf", "b\n"),
                &|| remove("x.d/b.conf"),
                &|| remove("x.d/a.conf"),
            ];
            for step in steps {
                step();
                assert_eq!(node.seen(&want).changed, [node.path(config)]);
                node.mend(&want);
                node.mend(&want);
                paid += 1;
                assert_eq!(node.calls("restart"), paid, "{config}");
            }
            node.write("x.d/a.conf", "a\n");
        }
        // No file matches the pattern.
        let want = node.want(serde_json::json!({}), &["x.d/*.conf"]);
        node.mend(&want);
        node.write("x.d/README", "r\n");
        assert_eq!(node.seen(&want).changed, [""; 0]);
    });
}

#[test]
fn another_instance_than_the_one_that_was_seen_is_noted_as_it_is_and_owes_nothing() {
    FakeNode::each(|node| {
        node.write("x.conf", "a\n");
        let want = node.want(serde_json::json!({}), &["x.conf"]);
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        node.write("pid", &format!("{}\n", other.id()));
        node.note(&want);
        node.write("x.conf", "b\n");
        let seen = node.seen(&want);
        assert_eq!(seen.changed, [node.path("x.conf")]);
        // Restarted by hand, before the batch begins.
        node.write("pid", &format!("{}\n", std::process::id()));
        let circumstances = circumstances(&node.target);
        let call = &ServiceKind::actions(&[(&want, &seen)], &circumstances)[0];
        node.run(&call.to_shell());
        assert_eq!(node.calls("restart"), 0);
        let call = &ServiceKind::before_write(&want, &seen, &node.target)[0];
        node.run(&call.to_shell());
        let mine = node.seen(&want);
        assert_eq!((mine.changed.len(), mine.kept), (0, mine.now));
        other.kill().unwrap();
        other.wait().unwrap();
    });
}

#[test]
fn what_another_step_names_of_a_service_stays_kept() {
    FakeNode::each(|node| {
        let one = node.want(serde_json::json!({"running": true}), &["one.conf"]);
        let two = node.want(serde_json::json!({}), &["two.conf"]);
        node.mend(&one);
        node.note(&one);
        node.note(&two);
        node.write("one.conf", "1\n");
        node.mend(&one);
        node.write("two.conf", "2\n");
        assert_eq!(node.seen(&two).changed, [node.path("two.conf")]);
        node.mend(&two);
        assert_eq!(node.calls("restart"), 2);
        assert_eq!(node.seen(&one).kept.len(), 2);
    });
}

#[test]
fn what_the_guard_brings_back_is_started_anew_unless_it_is_as_it_was() {
    FakeNode::each(|node| {
        let want = |keys| node.want(keys, &["x.conf"]);
        let runs = want(serde_json::json!({"running": true}));
        let undo = |want: &Want| node.run(&ServiceKind::undo(want, &node.target).to_shell());
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        node.write("pid", &format!("{}\n", other.id()));
        node.run(&format!("nw_service_guard {}", node.unit()));
        node.note(&runs);
        node.write("x.conf", "a\n");
        // It owes, and did so before the window.
        undo(&runs);
        assert_eq!(
            node.calls("restart"),
            0,
            "the instance is the one that was there"
        );
        // A reload leaves no trace of itself.
        undo(&want(serde_json::json!({"reload": true})));
        assert_eq!(node.calls("reload"), 1);
        node.write("pid", &format!("{}\n", std::process::id()));
        undo(&runs);
        assert_eq!(node.calls("restart"), 1);
        assert_eq!(node.seen(&runs).changed, [""; 0]);
        fs::remove_file(node.path("pid")).unwrap();
        undo(&runs);
        assert_eq!(node.calls("start"), 1);
        other.kill().unwrap();
        other.wait().unwrap();
    });
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
