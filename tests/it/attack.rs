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

/// Waits for a batch, which stands in the list of processes, then keeps exchanging the folders of her home for links to a folder of root's, and whatever appears in them, as fast as she
/// can, until `/home/mallory/stop` is there.
const PLANT: &str = r#"use strict; use warnings; use POSIX ();
sub batch {
  for (glob "/proc/[0-9]*/cmdline") {
    open my $f, "<", $_ or next; local $/; return 1 if (<$f> // "") =~ m{/nodewright/runs/};
  }
}
1 until batch() or -e "/home/mallory/stop";
my @folders = map { "/home/mallory/$_" } qw(app .ssh conf.d new .); my $n = 0;
until (-e "/home/mallory/stop") {
  for my $d (@folders) {
    if ($d !~ m{/\.$}) {
      rename $d, "$d.real"; symlink "/etc/victim", $d;
      POSIX::ctime(0) if $n % 3; unlink $d; rename "$d.real", $d;
    }
    opendir my $h, $d or next;
    for my $e (grep { /^\.nw-/ } readdir $h) {
      # What root makes there for itself: exchanged for a folder and for a file of root's.
      rename "$d/$e", "$d/moved$n"; symlink(($n % 2 ? "/etc/victim" : "/etc/victim/key"), "$d/$e");
    }
    symlink "/etc/victim/key", "$d/late" if $n % 2; unlink "$d/late" unless $n % 2;
    $n++;
  }
}
print "$n\n";
"#;

/// A step of every kind that writes below a home.
const HOME_STEPS: &str = r#"
[[step]]
authorized_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxBVwfaf5JbeQTPlFLwdBQpCJrQ6FVOE8dTlYUSgGfT m@desk"
user = "mallory"
[[step]]
file = "/home/mallory/app/conf.sh"
content = "setting = 1\n"
owner = "mallory"
group = "mallory"
[[step]]
file = "/home/mallory/app/mode"
content = "old\n"
owner = "mallory"
group = "mallory"
mode = "0600"
[[step]]
line = "one more"
file = "/home/mallory/app/lines"
[[step]]
block = "b"
file = "/home/mallory/app/lines"
content = "in a block"
[[step]]
ini = "k"
file = "/home/mallory/app/ini"
section = "s"
value = "v"
[[step]]
directory = "/home/mallory/app/deep/er"
owner = "mallory"
group = "mallory"
mode = "0750"
[[step]]
symlink = "/home/mallory/app/link"
to = "/nowhere"
[[step]]
file = "/home/mallory/app/gone"
state = "absent"
[[step]]
tree = "/home/mallory/conf.d"
owner = "mallory"
group = "mallory"
files = [{ name = "key", content = "new\n" }, { name = "conf.sh", content = "new\n" }]
"#;

/// What mallory's home is before each run.
const HOME: &str = "rm -rf /home/mallory; mkdir -p /home/mallory/app /home/mallory/.ssh /home/mallory/conf.d\n\
     cd /home/mallory; echo old >app/mode; chmod 644 app/mode; echo old >app/lines; echo bye >app/gone; echo old >conf.d/key\n\
     echo '[s]' >app/ini; echo old >.ssh/authorized_keys; chown -R mallory: .; chmod 700 .ssh";

/// How root's own folder is: its files are named and filled as mallory's, so that only the way there tells them apart.
const VICTIM: &str = "cd /etc/victim && find . -exec stat -c '%n %F %a %U:%G %h' {} + | sort && find . -type f -exec sha256sum {} + | sort";

#[test]
fn an_account_leads_root_nowhere_from_its_own_home() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(HOME_STEPS);
    let ok = |script: &str| rig.nodes.ok("node1", script);
    ok(&format!(
        "useradd -M -d /home/mallory -s /bin/sh mallory; mkdir /etc/victim; cd /etc/victim\n\
         for f in key mode lines authorized_keys; do echo old >$f; done; echo bye >gone; echo '[s]' >ini; chmod 600 *\n\
         cat >/usr/local/bin/plant <<'END'\n{PLANT}END"
    ));
    let victim = ok(VICTIM);
    let mut begun = 0;
    for turn in 0..8 {
        ok(HOME);
        ok(
            "su mallory -c 'setsid perl /usr/local/bin/plant >/home/mallory/planted 2>&1 </dev/null &'",
        );
        let (code, out, err) = rig.run(&["apply", "--yes"]);
        // She may break the run (the guard then puts back what it can); she may not lead it.
        assert!([0, 1, 5, 6].contains(&code), "{turn}: {code}{out}{err}");
        begun += usize::from(err.contains("begins"));
        ok(
            "touch /home/mallory/stop; n=0; until [ -s /home/mallory/planted ] || [ $n = 100 ]; do sleep 0.1; n=$((n + 1)); done",
        );
        assert_eq!(ok(VICTIM), victim, "{turn}: {out}{err}");
        assert_eq!(
            ok(
                "find / -xdev -user mallory ! -path '/home/*' ! -path '/proc/*' ! -path '/var/lib/nodewright/*' ! -path '/var/spool/*' ! -path '/var/mail/*'"
            ),
            "",
            "{turn}"
        );
        let planted: u64 = ok("cat /home/mallory/planted").trim().parse().unwrap();
        assert!(planted > 100, "{turn}: she came to plant {planted} times");
    }
    assert!(begun > 4, "a batch began {begun} times");
    // Without her in the way everything is done, and nothing of root's is left in her home.
    ok(HOME);
    let (code, out, err) = rig.run(&["apply", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(rig.run(&["apply", "--yes"]).1.contains("Nothing to do"));
    assert_eq!(ok("find /home/mallory -name '.nw-*'"), "");
    assert_eq!(ok("stat -c %a:%U /home/mallory/app/mode"), "600:mallory\n");
    assert_eq!(ok("cat /home/mallory/conf.d/key"), "new\n");
    assert_eq!(ok(VICTIM), victim);
}

#[test]
fn a_way_that_somebody_else_can_change_is_refused_in_the_plan() {
    let rig = Rig::new(nodes::debian(1));
    let ok = |script: &str| rig.nodes.ok("node1", script);
    ok("useradd -m -s /bin/sh mallory; mkdir /etc/victim\n\
        su mallory -c 'ln -s /etc/victim ~/app; mkdir ~/own'; ln -s /srv /opt/srv");
    for (step, what) in [
        (
            "file = \"/home/mallory/app/conf.sh\"\ncontent = \"x\"\nowner = \"mallory\"",
            "/home/mallory/app is a link that others than root can change",
        ),
        (
            "directory = \"/home/mallory/app/deep\"\nowner = \"mallory\"",
            "/home/mallory/app is a link",
        ),
        (
            "line = \"x\"\nfile = \"/home/mallory/own/lines\"",
            "/home/mallory belongs to mallory",
        ),
        (
            "symlink = \"/home/mallory/app/link\"\nto = \"x\"",
            "/home/mallory/app is a link",
        ),
        (
            "tree = \"/home/mallory/app/t\"\nowner = \"mallory\"\nfiles = [{ name = \"a\", content = \"x\" }]",
            "/home/mallory/app is a link",
        ),
        (
            "file = \"/home/mallory/own/root\"\ncontent = \"x\"",
            "/home/mallory belongs to mallory",
        ),
        (
            "tree = \"/home/mallory/own/t\"\nfiles = [{ name = \"a\", content = \"x\" }]",
            "/home/mallory belongs to mallory",
        ),
    ] {
        rig.role(&format!("[[step]]\n{step}\n"));
        let (_, out, err) = rig.run(&["plan"]);
        let page = format!("{out}{err}")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(page.contains(what), "{step}: {page}");
        let (code, out, err) = rig.run(&["apply", "--yes"]);
        assert_ne!(code, 0, "{step}: {out}{err}");
        assert_eq!(
            ok("ls -A /etc/victim /home/mallory/own"),
            "/etc/victim:\n\n/home/mallory/own:\n"
        );
    }
    // A link of root's, where nobody else writes, is a way like any other.
    rig.role("[[step]]\nfile = \"/opt/srv/x\"\ncontent = \"x\\n\"\n");
    let (code, out, err) = rig.run(&["apply", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(ok("cat /srv/x"), "x\n");
}

#[test]
fn what_was_changed_while_an_earlier_stage_ran_is_not_overwritten() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(
        "[[step]]\ncommand = [\"sh\", \"-c\", \"touch /srv/in; while [ ! -e /srv/go ]; do sleep 0.1; done; touch /srv/made\"]\n\
         creates = \"/srv/made\"\n\
         [[step]]\nfile = \"/etc/hosts.allow\"\ncontent = \"ALL: ALL\\n\"\n\
         [[step]]\ntree = \"/srv/t\"\nfiles = [{ name = \"a\", content = \"new\\n\" }]",
    );
    let ok = |script: &str| rig.nodes.ok("node1", script);
    for (path, saved) in [
        ("/etc/hosts.allow", false),
        ("/etc/hosts.allow", true),
        ("/srv/t/a", true),
    ] {
        ok("rm -rf /srv/*; mkdir /srv/t; echo '# old' >/etc/hosts.allow; echo old >/srv/t/a");
        let mut words = vec!["--lab", "apply", "--yes"];
        if saved {
            let (code, out, err) = rig.run(&["plan", "-o", "saved.json"]);
            assert_eq!(code, 2, "{out}{err}");
            words = vec!["--lab", "apply", "saved.json"];
        }
        let child = rig.desk.command(&words).spawn().unwrap();
        ok("until [ -e /srv/in ]; do sleep 0.1; done");
        ok(&format!("echo mine >{path}; touch /srv/go"));
        let code = child.wait_with_output().unwrap().status.code();
        assert_eq!(code, Some(1), "{path} {saved}");
        assert_eq!(ok(&format!("cat {path}")), "mine\n", "{path} {saved}");
    }
}

#[test]
fn what_is_no_file_or_too_large_stops_nobody_else() {
    let rig = Rig::new(nodes::debian(2));
    let ok = |script: &str| rig.nodes.ok("node1", script);
    let role = "[[step]]\nfile = \"/srv/x\"\ncontent = \"x\\n\"";
    let line = "[[step]]\nline = \"x\"\nfile = \"/srv/x\"";
    // A pipe that is opened is given up after 50 s, which is an error (1) and no refusal (5). A content of 200 MB is more
    // than an answer may have.
    for (made, role, code) in [
        ("mkfifo /srv/x", role, 5),
        ("mkfifo /srv/x", line, 5),
        ("mkfifo /srv/p; ln -s /srv/p /srv/x", role, 0),
        ("ln -s /dev/zero /srv/x", role, 0),
        ("mknod /srv/x c 1 5", role, 5),
        ("truncate -s 200M /srv/x", role, 0),
        ("truncate -s 200M /srv/x", line, 1),
    ] {
        ok(&format!("rm -rf /srv/*; {made}"));
        rig.nodes.ok("node2", "rm -rf /srv/*");
        rig.role(role);
        let (ended, out, err) = rig.run(&["apply", "--yes"]);
        assert_eq!(ended, code, "{made} {role}: {out}{err}");
        assert_eq!(rig.nodes.ok("node2", "cat /srv/x"), "x\n", "{made}");
        assert_eq!(
            ok("ps -e -o args | grep -c '[s]ha256sum' || :"),
            "0\n",
            "{made}"
        );
    }
}

#[test]
fn a_tool_that_is_missing_or_killed_is_never_nothing_there() {
    let rig = Rig::new(nodes::debian(1));
    let ok = |script: &str| rig.nodes.ok("node1", script);
    rig.role(
        "[[step]]\nfile = \"/srv/gone\"\nstate = \"absent\"\n[[step]]\nfile = \"/srv/there\"\ncontent = \"right\\n\"\n\
         [[step]]\nline = \"right\"\nfile = \"/srv/lines\"\n[[step]]\nsymlink = \"/srv/link\"\nto = \"/x\"\n",
    );
    ok("echo x >/srv/gone; echo right >/srv/there; echo right >/srv/lines; ln -s /x /srv/link");
    let (code, out, err) = rig.run(&["plan"]);
    assert_eq!(code, 2, "{out}{err}");
    for tool in ["stat", "sha256sum", "find", "xargs", "head"] {
        for how in [
            "printf '#!/bin/sh\\nkill -9 $$\\n'",
            "printf '#!/bin/sh\\nexit 3\\n'",
            "",
        ] {
            let instead = if how.is_empty() {
                String::new()
            } else {
                format!("{how} >/usr/bin/{tool}; chmod 755 /usr/bin/{tool}")
            };
            ok(&format!(
                "mv /usr/bin/{tool} /usr/bin/{tool}.real; {instead}"
            ));
            let (code, out, err) = rig.run(&["plan"]);
            ok(&format!("mv -f /usr/bin/{tool}.real /usr/bin/{tool}"));
            assert_eq!(code, 1, "{tool} {how}: {out}{err}");
            assert!(err.contains("cannot be told"), "{tool} {how}: {err}");
        }
    }
    let (code, out, err) = rig.run(&["plan"]);
    assert_eq!(code, 2, "{out}{err}");
}

#[test]
fn twelve_thousand_paths_are_observed() {
    let rig = Rig::new(nodes::debian(1));
    // Longer than what one command takes by far.
    let folder = format!("/srv/{}", "long-".repeat(40));
    let list = (0..12_000)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    rig.role(&format!(
        "[[step]]\nfor_each = \"n in [{list}]\"\nfile = \"{folder}/{{{{ n }}}}\"\ncontent = \"{{{{ n }}}}\\n\"\n"
    ));
    rig.nodes.ok(
        "node1",
        &format!("mkdir {folder}; cd {folder}; n=0; while [ $n -lt 12000 ]; do echo $n >$n; n=$((n + 1)); done; echo other >7"),
    );
    let (code, out, err) = rig.run(&["plan"]);
    assert_eq!(code, 2, "{out}{err}");
    assert!(
        out.contains("1 to change"),
        "{}",
        &out[out.len().saturating_sub(400)..]
    );
}
