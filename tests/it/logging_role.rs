//! The roles `logging` and `log-server` on real nodes: what is logged while the log server is away reaches it, each line
//! once; who may read it there; and the forms of other releases as their own programs read them.

use crate::nodes::{self, package};
use crate::rig::Rig;
use nodewright::platform::Platform;
use std::fmt::Write as _;
use std::path::Path;

/// Two nodes that log to `node2`, which takes the logs of both.
fn rig() -> Rig {
    let nodes = nodes::debian(2);
    let release = nodes::release();
    let mut inventory = format!(
        "\
[site]
name = \"rig\"
domain = \"example.net\"
platform = \"{release}\"
[zone]
red = {{ nic = \"eth0\", network = \"10.77.0.0/16\" }}
[services]
log = {{ server = \"{}\", port = 5140, keep = \"3d\", queue = \"64M\" }}
[group.all]
nodes = [\"node1\", \"node2\"]
roles = [\"base\", \"logging\", \"privilege\"]
[group.logs]
nodes = [\"node2\"]
roles = [\"log-server\"]
[vars.log-server]
group = \"readers\"
",
        nodes.state().nodes[1].address()
    );
    for node in &nodes.state().nodes {
        let (name, address) = (&node.name, node.address());
        writeln!(
            inventory,
            "[node.{name}]\naddress = {{ red = \"{address}\" }}"
        )
        .unwrap();
    }
    let rig = Rig::with(nodes, &inventory);
    rig.write("roles/base.toml", "description = \"nothing\"\n");
    rig
}

/// Waits until this shell succeeds on a node.
#[track_caller]
fn until(rig: &Rig, node: &str, shell: &str) {
    rig.nodes.ok(
        node,
        &format!("n=0; until {shell}; do n=$((n + 1)); [ $n -lt 900 ] || exit 1; sleep 0.1; done"),
    );
}

/// Logs numbered lines on `node1`, past journald, which would drop what comes too fast.
fn flood(rig: &Rig, from: u32, to: u32) {
    rig.nodes.ok(
        "node1",
        &format!(
            "seq -f 'line %06.0f' {from} {to} | logger --tag flood --socket /run/systemd/journal/syslog"
        ),
    );
    until(
        rig,
        "node1",
        &format!("grep -q 'flood: line {to:06}$' /var/log/syslog"),
    );
}

#[test]
fn nothing_is_lost_or_doubled_while_the_log_server_is_away() {
    let rig = rig();
    let address = rig.nodes.state().nodes[0].address();
    let kept = format!("/var/log/hosts/{address}.log");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");

    flood(&rig, 1, 100);
    until(
        &rig,
        "node2",
        &format!("grep -q 'flood: line 000100$' {kept}"),
    );
    // The server goes away; here logging goes on, over a start of rsyslog too.
    rig.nodes
        .ok("node2", "systemctl stop syslog.socket rsyslog");
    flood(&rig, 101, 10_000);
    rig.nodes.ok("node1", "systemctl restart rsyslog");
    rig.nodes.ok(
        "node1",
        "ls /var/spool/rsyslog | grep -q '^forward\\.[0-9]'",
    );
    flood(&rig, 10_001, 10_100);
    rig.nodes
        .ok("node2", "systemctl start syslog.socket rsyslog");
    until(
        &rig,
        "node2",
        &format!("grep -q 'flood: line 010100$' {kept}"),
    );
    // What was queued may come after what was logged last.
    until(
        &rig,
        "node2",
        &format!("[ \"$(grep -c ' flood: line ' {kept})\" -ge 10100 ]"),
    );
    let lines = rig
        .nodes
        .ok("node2", &format!("sed -n 's/.* flood: line //p' {kept}"));
    let mut lines: Vec<u32> = lines.lines().map(|l| l.parse().unwrap()).collect();
    lines.sort_unstable();
    assert_eq!(lines, (1..=10_100).collect::<Vec<_>>());
}

#[test]
fn logs_are_read_by_one_group_and_rotated() {
    let rig = rig();
    assert_eq!(rig.apply().code, 0);
    rig.nodes.ok("node1", "logger here-it-is");
    until(&rig, "node2", "grep -qs here-it-is /var/log/hosts/*.log");
    // What is done by sudo is read on the log server too.
    rig.nodes.ok(
        "node1",
        "useradd -m anna && echo 'anna ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/anna && chmod 440 /etc/sudoers.d/anna && \
         runuser -u anna -- sudo /bin/true && grep -q ' anna : .*COMMAND=/bin/true' /var/log/sudo.log",
    );
    until(
        &rig,
        "node2",
        "grep -qs ' anna : .*COMMAND=/bin/true' /var/log/hosts/*.log",
    );
    // An account of the group reads them, another one does not.
    rig.nodes.ok(
        "node2",
        "useradd -M -G readers in && useradd -M out && \
         setpriv --reuid in --regid in --init-groups grep -qs here-it-is -r /var/log/hosts && \
         ! setpriv --reuid out --regid out --init-groups ls /var/log/hosts",
    );
    let modes = rig.nodes.ok(
        "node2",
        "stat -c '%a %U:%G' /var/log/hosts; stat -c '%a %U:%G' /var/log/hosts/*.log | sort -u",
    );
    assert_eq!(modes, "2750 root:readers\n640 root:readers\n");
    // Both sides rotate, and write on into new files.
    let all = rig
        .nodes
        .ok("node2", "logrotate -d /etc/logrotate.conf 2>&1");
    assert!(!all.contains("error"), "{all}");
    for (node, log) in [
        ("node1", "/var/log/syslog"),
        ("node2", "/var/log/hosts/*.log"),
    ] {
        let file = if node == "node1" {
            "rsyslog"
        } else {
            "log-server"
        };
        rig.nodes
            .ok(node, &format!("logrotate -f /etc/logrotate.d/{file}"));
        rig.nodes.ok("node1", "logger after-rotation");
        until(&rig, node, &format!("grep -qs after-rotation {log}"));
    }
    let old = rig
        .nodes
        .ok("node2", "stat -c '%a %U:%G' /var/log/hosts/*.log-*");
    assert!(
        old.lines().all(|line| line == "640 root:readers") && !old.is_empty(),
        "{old}"
    );
    // The journal is bounded as its own daemon reads it.
    let journal = rig
        .nodes
        .ok("node1", "journalctl --no-pager -t systemd-journald | cat");
    assert!(journal.contains("max 512.0M"), "{journal}");
}

/// What is rendered for other releases, read by the programs of Debian: `rsyslogd -N1` knows both languages.
#[test]
fn forms_of_other_releases_are_accepted_by_real_programs() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(&format!(
        "[[step]]\npackage = [\"{}\", \"{}\"]\n",
        package("rsyslog"),
        package("logrotate")
    ));
    assert_eq!(rig.apply().code, 0);
    rig.nodes.ok("node1", "mkdir -p /var/lib/rsyslog /srv/x");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for platform in Platform::all() {
        let dir = golden.join(platform.word());
        let rotate = ["syslog", "rsyslog"]
            .map(|name| dir.join("node1/etc/logrotate.d").join(name))
            .into_iter()
            .find(|path| path.exists())
            .expect("what rotates");
        for (program, path) in [
            (
                "rsyslogd -N1 -f",
                dir.join("node1/etc/rsyslog.d/60-forward.conf"),
            ),
            (
                "rsyslogd -N1 -f",
                dir.join("logserver/log1/etc/rsyslog.d/50-log-server.conf"),
            ),
            ("logrotate -d", rotate),
            (
                "logrotate -d",
                dir.join("logserver/log1/etc/logrotate.d/log-server"),
            ),
        ] {
            let content = std::fs::read_to_string(&path).unwrap();
            let said = rig.nodes.ok(
                "node1",
                &format!("cat >/srv/x/f <<'EOF'\n{content}EOF\n{program} /srv/x/f 2>&1"),
            );
            let said = said.replace("warning: logrotate in debug mode", "");
            let bad = said.contains("error") || said.contains("warning");
            assert!(!bad, "{platform} {}: {said}", path.display());
        }
    }
}
