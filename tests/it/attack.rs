//! A node that is not ours any more: it reads what it is asked, knows the sentinel, and answers what it likes.

use crate::nodes;
use crate::rig::Rig;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// What every login of root gets on a hostile node: observations are answered as they should be, and then `/mode` has its
/// way with the answer in `$t.out`; `$s` is the sentinel. Other commands go to `/control` where there is one.
const EVIL: &str = r#"#!/bin/bash
cmd=$SSH_ORIGINAL_COMMAND
if [ "$cmd" != "exec /bin/sh -s" ]; then
  case $cmd in *nw_sentinel*) [ ! -e /control ] || . /control ;; esac
  exec /bin/sh -c "$cmd"
fi
t=$(mktemp); cat >"$t"
s=$(sed -n 's/^NW_SENTINEL=//p' "$t" | head -n 1)
[ -n "$s" ] || exec /bin/sh "$t"
/bin/sh "$t" >"$t.out"
if [ -e /mode ]; then . /mode; else cat "$t.out"; fi
"#;

/// Two nodes, of which `node1` is hostile.
fn hostile() -> Rig {
    let rig = Rig::new(nodes::debian(2));
    rig.nodes.ok(
        "node1",
        &format!(
            "cat >/evil <<'END'\n{EVIL}END\nchmod 755 /evil\n\
             sed -i 's|^|command=\"/evil\" |' /root/.ssh/authorized_keys"
        ),
    );
    rig
}

impl Rig {
    /// What the hostile node does with an answer.
    fn mode(&self, script: &str) {
        self.nodes
            .ok("node1", &format!("cat >/mode <<'END'\n{script}\nEND"));
    }
}

/// Adds a section of this name to the answer.
fn add(name: &str) -> String {
    format!(
        "sed '$d' \"$t.out\"; printf '%s begin {name}\\necho pwned\\n\\n%s end {name} 0\\n%s done\\n' \"$s\" \"$s\" \"$s\""
    )
}

#[test]
fn a_node_never_decides_where_this_machine_writes() {
    let rig = hostile();
    let home = rig.desk.home();
    let bashrc = home.join(".bashrc");
    fs::write(&bashrc, "mine\n").unwrap();
    let absolute = bashrc.to_str().unwrap();
    for name in [
        absolute,
        "../../../home/.bashrc",
        "..",
        "new/file",
        "nw.lock@node2",
    ] {
        rig.mode(&add(name));
        for words in [
            &["capture", "-o", "specimens"][..],
            &["facts"],
            &["plan"],
            &["log"],
        ] {
            let (code, out, err) = rig.run(words);
            assert_eq!(code, 1, "{name} {words:?}: {out}{err}");
            assert!(err.contains("was not asked"), "{name} {words:?}: {err}");
        }
        let wrote: Vec<_> = fs::read_dir(rig.desk.site().join("specimens"))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(
            wrote,
            ["node2"],
            "{name}: the other node is heard, this one is not"
        );
        assert_eq!(fs::read_to_string(&bashrc).unwrap(), "mine\n", "{name}");
    }
    // What it may say of what it was asked is written below the folder, as text.
    rig.mode("cat \"$t.out\"");
    let (code, out, err) = rig.run(&["capture", "-o", "specimens"]);
    assert_eq!(code, 0, "{out}{err}");
    for file in fs::read_dir(rig.desk.site().join("specimens/node1")).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644);
    }
}

/// What moves cursors, retitles windows, clears screens, turns text around.
const ESCAPES: &str = r"\033]0;PWNED\007\033[2J\033[8m\302\233\342\200\256";

#[test]
fn what_a_node_says_controls_no_terminal() {
    let rig = hostile();
    // A step that says something, so that spool and journal have words of the node.
    rig.role(&format!(
        "[[step]]\ncommand = [\"sh\", \"-c\", \"printf '{}\\\\n'; touch /srv/said\"]\ncreates = \"/srv/said\"",
        ESCAPES.replace('\\', "\\\\")
    ));
    rig.mode(&format!(
        "e=$(printf '{ESCAPES}')\n\
         sed -e \"s/^PRETTY_NAME=.*/PRETTY_NAME=\\\"x${{e}}\\\"/\" -e \"s/\tbegin\tanna/\tbegin\t${{e}}/\" \"$t.out\" |\n\
         awk -v s=\"$s\" -v e=\"$e\" '{{ print }} $0 == s \" begin nw.lock\" {{ print \"gone \" \"20261101T000000-abcd 1 2 3 2026 \" e }}'"
    ));
    let mut pages = Vec::new();
    for words in [
        &["facts", "node1"][..],
        &["facts", "node1", "--json"],
        &["plan", "node1"],
        &["apply", "node1", "--yes", "-v"],
        &["log", "node1"],
        &["log", "node1", "--json"],
        &["run", "node1", "--", "printf", ESCAPES],
        &["run", "node1", "--json", "--", "printf", ESCAPES],
        &["unlock", "node1"],
    ] {
        for colour in ["--color=always", "--color=never"] {
            let said = rig.run(&[&[colour], words].concat());
            pages.push((words, said));
        }
    }
    let mut spelled = 0;
    for (words, (code, out, err)) in pages {
        let page = format!("{out}{err}");
        // Styles of our own stand there in colour.
        let mut rest = page.clone();
        for style in ["0", "1", "2", "31", "32", "33", "36"] {
            rest = rest.replace(&format!("\u{1b}[{style}m"), "");
        }
        let bad = |c: char| c == '\u{202e}' || c.is_control() && c != '\n' && c != '\t';
        assert!(!rest.contains(bad), "{words:?} {code}: {page:?}");
        if words.contains(&"--json") {
            for line in out.lines() {
                serde_json::from_str::<serde_json::Value>(line).unwrap();
            }
        }
        spelled += usize::from(page.contains("PWNED"));
    }
    assert!(
        spelled >= 12,
        "{spelled} pages showed what the node said at all"
    );
}

#[test]
fn a_node_that_never_ends_takes_nobody_else_along() {
    let rig = hostile();
    rig.role("[[step]]\nfile = \"/srv/x\"\ncontent = \"x\\n\"");
    for mode in [
        "exec cat /dev/zero",
        "printf '%s begin facts.uname\\n' \"$s\"; exec cat /dev/zero",
        "exec yes \"$s begin nw.lock\"",
        "cat /dev/zero >&2",
    ] {
        rig.mode(mode);
        let (code, out, err) = rig.run(&["facts"]);
        assert_eq!(code, 1, "{mode}: {out}{err}");
        assert!(
            err.contains("node1: failed: it said more than"),
            "{mode}: {err}"
        );
        assert!(
            out.contains("node2\n"),
            "{mode}: node2 was heard: {out}{err}"
        );
    }
    // The same where a batch is brought and followed.
    rig.mode("cat \"$t.out\"");
    for control in [
        "exec cat /dev/zero",
        "exec yes 'note x'",
        "n=$(printf %s \"$cmd\" | tail -n 1 | sed \"s/.* nw '*\\([0-9a-f]*\\).*/\\1/\"); printf '%s spool\\n' \"$n\"; exec yes 'note x'",
    ] {
        rig.nodes.ok("node2", "rm -f /srv/x");
        rig.nodes
            .ok("node1", &format!("cat >/control <<'END'\n{control}\nEND"));
        let (code, out, err) = rig.run(&["apply", "--yes"]);
        assert_eq!(code, 1, "{control}: {out}{err}");
        assert!(err.contains("node1: failed: "), "{control}: {err}");
        rig.nodes.ok("node2", "test -e /srv/x");
    }
}
