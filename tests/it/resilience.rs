//! What breaks in the middle of a run: connections, controllers, batches, nodes, disks. Moments are drawn at random;
//! a failure names its seed, and `NODEWRIGHT_SEED` repeats it.

use crate::moments::Moments;
use crate::node::kill;
use crate::nodes::{self, Nodes};
use crate::support::Desk;
use nodewright::lab::{self, Power};
use serde_json::Value as Json;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A desk with a site of one lab node, whose role is `trace`.
struct Bench {
    desk: Desk,
    nodes: Nodes,
}

/// A command under way, with the events it said so far.
struct Run {
    child: Child,
    out: std::io::Lines<BufReader<ChildStdout>>,
    err: ChildStderr,
    events: Vec<Json>,
}

/// What a command said, to its end.
struct Said {
    code: i32,
    events: Vec<Json>,
    err: String,
}

/// Twelve steps, by turns a file and a command that leaves a line in /root/trace each time it runs.
fn trace() -> String {
    let step = |n: usize| {
        if n % 2 == 1 {
            format!("[[step]]\nfile = \"/srv/f{n}\"\ncontent = \"{n}\\n\"\n")
        } else {
            leaves_line(&n.to_string(), "sleep 0.05")
        }
    };
    (1..=12).map(step).collect()
}

/// The same with a step in the middle that lasts until /root/gate is there.
fn slow_trace() -> String {
    let slow = leaves_line("slow", "while [ ! -e /root/gate ]; do sleep 0.05; done");
    let steps = trace();
    let at = steps.find("[[step]]\nfile = \"/srv/f5\"").unwrap();
    format!("{}{slow}{}", &steps[..at], &steps[at..])
}

fn leaves_line(line: &str, before: &str) -> String {
    format!(
        "[[step]]\ncommand = [\"sh\", \"-c\", \"{before}; echo {line} >>/root/trace\"]\n\
         unless = [\"grep\", \"-qx\", \"{line}\", \"/root/trace\"]\n"
    )
}

impl Bench {
    fn new(steps: &str) -> Self {
        let nodes = nodes::debian(1);
        let address = nodes.state().nodes[0].address();
        let mut desk = Desk::new().file(
            "inventory.toml",
            &format!(
                "[site]\nname = \"trial\"\ndomain = \"example.net\"\nplatform = \"{}\"\n\
                 [zone]\nred = {{ nic = \"eth0\", network = \"10.77.0.0/16\" }}\n\
                 [node.node1]\naddress = {{ red = \"{address}\" }}\n\
                 [group.all]\nnodes = [\"node1\"]\nroles = [\"trace\"]\n",
                nodes::release()
            ),
        );
        let home = desk.home().to_str().unwrap().to_owned();
        desk.env("XDG_RUNTIME_DIR", &home);
        desk.env("NODEWRIGHT_LAB_NAME", &nodes.state().name);
        let bench = Self { desk, nodes };
        bench.role(steps);
        bench
    }

    fn role(&self, steps: &str) {
        let path = self.desk.site().join("roles/trace.toml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("description = \"trace\"\n{steps}")).unwrap();
    }

    /// Starts a command as a terminal would: in a process group of its own.
    fn start(&self, words: &[&str]) -> Run {
        let mut child = self
            .desk
            .command(&[&["--lab", "--json"], words].concat())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = child.stderr.take().unwrap();
        Run {
            child,
            out,
            err,
            events: Vec::new(),
        }
    }

    fn apply(&self) -> Said {
        self.start(&["apply", "--yes"]).end()
    }

    /// Shell on the node.
    fn ok(&self, script: &str) -> String {
        self.nodes.ok("node1", script)
    }

    /// Ends whatever holds the node's connection open here, without a word to anybody.
    fn cut(&self) {
        let home = self.desk.home();
        let mut masters = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.starts_with("ssh") && line.contains(home.to_str().unwrap()) {
                masters.push(entry.file_name().into_string().unwrap());
            }
        }
        assert!(!masters.is_empty(), "a connection is open");
        for pid in masters {
            kill("KILL", &pid);
        }
    }

    /// Takes the node back to where it was before the first run.
    fn clean(&self) {
        self.ok("rm -rf /srv/f* /root/trace /root/gate /var/lib/nodewright");
    }

    /// Waits until no batch is at work there. One that waits for its word is sent home, as it would go by itself after
    /// a minute.
    fn settle(&self) {
        self.ok("n=0\n\
             while :; do\n\
               busy=no\n\
               [ ! -L /var/lib/nodewright/lock ] || busy=yes\n\
               for d in /var/lib/nodewright/runs/*/*/; do\n\
                 [ -d \"$d\" ] || continue\n\
                 [ ! -e \"${d}armed\" ] || : >\"${d}stop\"\n\
                 tail -n 1 \"${d}spool\" 2>/dev/null | grep -q '^done ' || busy=yes\n\
               done\n\
               [ $busy = yes ] || exit 0\n\
               n=$((n + 1))\n\
               [ $n -lt 600 ] || { ls -l /var/lib/nodewright/* >&2; exit 1; }\n\
               sleep 0.05\n\
             done");
    }

    /// What must be so once a run is through: every step ran exactly once, nothing is left lying, nothing is to do.
    fn is_done(&self, lines: &str) {
        assert_eq!(self.ok("cat /root/trace"), lines, "each ran exactly once");
        let steps = lines.lines().count() + 6;
        assert_eq!(self.did().len(), steps, "each was done: {:?}", self.did());
        self.is_clean();
        let plan = self.start(&["plan"]).end();
        assert_eq!(plan.code, 0, "{:?}{}", plan.events, plan.err);
        assert_eq!(plan.notes(), [""; 0]);
    }

    /// No lock, no temporary file, no content of a batch.
    fn is_clean(&self) {
        let left = self.ok(
            "find /srv /root /etc /var/lib/nodewright -name '.nw-*' -o -name '*.new' -path '*nodewright*' -o -name lock -path '*nodewright*' \
             -o -name bundle -o -name batch.sh -o -name blob",
        );
        assert_eq!(left, "", "left behind");
    }

    /// The titles of what the node's journal says was done, each once.
    fn did(&self) -> Vec<String> {
        let journal = self.ok("cat /var/lib/nodewright/journal");
        let did = journal.lines().filter_map(|l| l.split_once("\tdid\t"));
        let mut did: Vec<String> = did.map(|(_, title)| title.to_owned()).collect();
        did.sort();
        let all = did.len();
        did.dedup();
        assert_eq!(did.len(), all, "done twice: {journal}");
        did
    }
}

impl Run {
    fn next(&mut self) -> bool {
        let Some(line) = self.out.next() else {
            return false;
        };
        let line = line.unwrap();
        let event = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
        self.events.push(event);
        true
    }

    /// Reads until this many events came; fewer, when there are no more.
    fn until(&mut self, events: usize) {
        while self.events.len() < events && self.next() {}
    }

    /// Reads until the step that waits for the gate has begun.
    fn until_slow(&mut self) {
        while self.next() {
            let last = self.events.last().unwrap();
            if last["event"] == "step-begin" && last["title"].to_string().contains("gate") {
                return;
            }
        }
        panic!("the slow step did not begin: {:?}", self.events);
    }

    /// Ctrl-C: on a terminal the whole group gets it. Each process is named by its own number: what `kill` makes of a
    /// negative one differs, up to "everything".
    fn interrupt(&self) {
        let group = self.child.id().to_string();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            // Behind the name: state, parent, group.
            let behind = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
            if behind.split(' ').nth(2) == Some(&group) {
                let pid = entry.file_name().into_string().unwrap();
                // One of them may just have ended.
                let _ = Command::new("kill").args(["-s", "INT", &pid]).status();
            }
        }
    }

    fn end(mut self) -> Said {
        while self.next() {}
        let mut err = String::new();
        self.err.read_to_string(&mut err).unwrap();
        let status = self.child.wait().unwrap();
        Said {
            code: status.code().unwrap_or(-1),
            events: self.events,
            err,
        }
    }
}

impl Said {
    /// The recap of the node.
    #[track_caller]
    fn recap(&self) -> &Json {
        // The checks come behind it.
        let mut events = self.events.iter().rev();
        let recap = events.find(|e| e["event"] == "recap");
        let recap = recap.unwrap_or_else(|| panic!("no recap: {:?}{}", self.events, self.err));
        &recap["nodes"][0]
    }

    fn changed(&self) -> u64 {
        self.recap()["changed"].as_u64().unwrap()
    }

    fn not_run(&self) -> usize {
        self.recap()["not_run"].as_array().unwrap().len()
    }

    fn failed(&self) -> &str {
        self.recap()["failed"].as_str().unwrap_or_default()
    }

    fn notes(&self) -> Vec<&str> {
        let notes = self.events.iter().filter(|e| e["event"] == "note");
        notes.filter_map(|e| e["text"].as_str()).collect()
    }

    #[track_caller]
    fn is_whole(&self, changed: u64) {
        let all = (self.code, self.changed(), self.not_run(), self.failed());
        assert_eq!(all, (0, changed, 0, ""), "{:#?}\n{}", self.events, self.err);
    }
}

const LINES: &str = "2\n4\n6\n8\n10\n12\n";

/// The events of an apply of [`trace`]: six before the first step, two a step, observed, recap.
const EVENTS: usize = 32;

#[test]
fn a_connection_cut_at_any_moment_is_made_again_and_all_is_done_once() {
    let bench = Bench::new(&trace());
    let mut moments = Moments::new();
    for round in 1..=20 {
        // From the third event on there is a connection.
        let moment = moments.draw(3, EVENTS);
        eprintln!("round {round}: cut after event {moment}");
        let mut run = bench.start(&["apply", "--yes"]);
        run.until(moment);
        bench.cut();
        run.end().is_whole(12);
        bench.is_done(LINES);
        bench.clean();
    }
}

#[test]
fn a_controller_killed_at_any_moment_leaves_a_node_that_the_next_run_takes_on() {
    let bench = Bench::new(&trace());
    let mut moments = Moments::new();
    for round in 1..=20 {
        let moment = moments.draw(1, EVENTS - 1);
        eprintln!("round {round}: killed after event {moment}");
        let mut run = bench.start(&["apply", "--yes"]);
        run.until(moment);
        kill("KILL", &run.child.id().to_string());
        run.child.wait().unwrap();
        bench.settle();
        let before = bench.ok("cat /var/lib/nodewright/journal 2>/dev/null || :");
        let before = before.matches("\tdid\t").count();
        assert!(before == 0 || before == 12, "a batch is all or nothing");
        let next = bench.apply();
        if before == 12 {
            assert_eq!(next.code, 0, "{:?}{}", next.events, next.err);
        } else {
            next.is_whole(12);
        }
        bench.is_done(LINES);
        bench.clean();
    }
}

const SLOW: &str = "2\n4\nslow\n6\n8\n10\n12\n";

#[test]
fn one_interrupt_stops_after_the_step_and_two_let_go() {
    let bench = Bench::new(&slow_trace());
    let wait_for = |what: &str| {
        bench.ok(&format!(
            "n=0; until {what}; do n=$((n + 1)); [ $n -lt 600 ] || exit 1; sleep 0.05; done"
        ))
    };
    let stopping = "ls /var/lib/nodewright/runs/*/0/stop >/dev/null 2>&1";
    let mut run = bench.start(&["apply", "--yes"]);
    run.until_slow();
    run.interrupt();
    wait_for(stopping);
    bench.ok("touch /root/gate");
    let said = run.end();
    let counts = (said.code, said.changed(), said.not_run());
    assert_eq!(counts, (1, 5, 8), "{:?}{}", said.events, said.err);
    assert!(
        said.failed().contains("stopped between two steps"),
        "{}",
        said.failed()
    );
    assert_eq!(bench.ok("cat /root/trace"), "2\n4\nslow\n");
    bench.is_clean();
    bench.apply().is_whole(8);
    bench.is_done(SLOW);

    bench.clean();
    let mut run = bench.start(&["apply", "--yes"]);
    run.until_slow();
    run.interrupt();
    wait_for(stopping);
    run.interrupt();
    let said = run.end();
    let name = bench.ok("ls /var/lib/nodewright/runs").trim().to_owned();
    let advice = format!("`nodewright attach node1 {name}`");
    assert!(said.failed().contains(&advice), "{}", said.failed());
    let counts = (said.code, said.changed(), said.not_run());
    assert_eq!(counts, (1, 0, 0), "what goes on is not reported as left");
    let mut attached = bench.start(&["attach", "node1", &name]);
    attached.until_slow();
    bench.ok("touch /root/gate");
    let said = attached.end();
    assert_eq!(said.code, 0, "{:?}{}", said.events, said.err);
    bench.is_done(SLOW);
}

#[test]
fn what_only_observes_ends_at_once_when_interrupted() {
    let bench = Bench::new(
        "[[step]]\ncommand = [\"true\"]\nunless = [\"sh\", \"-c\", \": >/run/asked; sleep 20\"]\n",
    );
    for words in [&["plan"][..], &["apply", "--yes"]] {
        bench.ok("rm -f /run/asked");
        let run = bench.start(words);
        bench.ok("until [ -e /run/asked ]; do sleep 0.05; done");
        let since = Instant::now();
        run.interrupt();
        assert_eq!(run.end().code, 130);
        assert!(since.elapsed() < Duration::from_secs(10), "{words:?}");
    }
    bench.ok("! test -e /var/lib/nodewright");
}

#[test]
fn a_batch_that_was_killed_and_a_node_that_lost_power_are_reported_of_and_mended() {
    let bench = Bench::new(&slow_trace());
    let lab = bench.nodes.state().name.clone();
    for power in [false, true] {
        let mut run = bench.start(&["apply", "--yes"]);
        run.until_slow();
        if power {
            lab::power(&lab, "node1", Power::Cut).unwrap();
            lab::power(&lab, "node1", Power::On).unwrap();
        } else {
            // With the step that it is in.
            bench.ok("systemctl kill -s KILL 'nodewright-*'");
        }
        let said = run.end();
        let counts = (said.code, said.changed(), said.not_run());
        assert_eq!(
            counts,
            (1, 4, 9),
            "power {power}: {:?}{}",
            said.events,
            said.err
        );
        assert!(
            said.failed().contains("ended without a result"),
            "{}",
            said.failed()
        );

        bench.ok("touch /root/gate");
        let name = bench.ok("ls /var/lib/nodewright/runs").trim().to_owned();
        let next = bench.apply();
        let tells =
            format!("run {name} broke there: 4 steps were done, and ended in the middle of: ");
        assert!(
            next.notes().iter().any(|n| n.starts_with(&tells)),
            "{:?}",
            next.notes()
        );
        next.is_whole(9);
        bench.is_done(SLOW);
        bench.clean();
    }
}

#[test]
fn a_run_that_finds_nothing_to_do_is_one_connection_one_channel_one_trip() {
    let many = |count: &str| {
        format!(
            "[[step]]\nfor_each = \"n in range({count})\"\nfile = \"/srv/many/{{{{ n }}}}\"\ncontent = \"\"\n\
             [[check]]\ncode = \"MANY\"\nseverity = \"error\"\nof = \"file:/srv/many/0\"\nexpect = {{}}\nremedy = \"look\"\n"
        )
    };
    let bench = Bench::new("");
    bench.ok(
        "mkdir /srv/many; cd /srv/many; i=0; while [ $i -lt 1000 ]; do : >$i; i=$((i + 1)); done\n\
         printf '#!/bin/sh\\necho \"$SSH_CONNECTION\" >>/root/channels\\nexec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\\n' >/root/count\n\
         chmod 755 /root/count",
    );
    bench.ok(
        "printf 'ForceCommand /root/count\\nLogLevel VERBOSE\\n' >/etc/ssh/sshd_config.d/00-count.conf\n\
         systemctl restart ssh",
    );
    // Read without ssh, which would count.
    let state = bench.nodes.state();
    let file = state
        .root_of(&state.nodes[0])
        .unwrap()
        .join("root/channels");
    let channels = || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(&file);
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    // Each look is a login itself. Since OpenSSH 9.8 it is sshd-session that accepts.
    let logins = || {
        let text = bench.ok("journalctl -q -o cat -t sshd -t sshd-session");
        text.matches("Accepted publickey").count()
    };
    let mut open: Option<String> = None;
    for resources in ["100", "1000"] {
        bench.role(&many(resources));
        if open.is_some() {
            bench.cut();
        }
        for (words, warm) in [
            (&["plan"][..], false),
            (&["plan"], true),
            (&["apply", "--yes"], true),
        ] {
            let before = logins();
            channels();
            let said = bench.start(words).end();
            assert_eq!(said.code, 0, "{:?}{}", said.events, said.err);
            let seen = channels();
            assert_eq!(
                seen.len(),
                1,
                "{resources}, {words:?}: channels of {seen:?}"
            );
            let same = open.as_ref() == seen.first();
            open = seen.into_iter().next();
            let judged = said.events.iter().filter(|e| e["event"] == "check").count();
            assert_eq!(judged, usize::from(words[0] == "apply"));
            let event = |name: &str| said.events.iter().find(|e| e["event"] == name).unwrap();
            assert_eq!(event("observed")["resources"].to_string(), resources);
            assert_eq!((same, &event("connected")["warm"]), (warm, &warm.into()));
            assert_eq!(
                logins() - before - 1,
                usize::from(!warm),
                "{resources}: logins"
            );
        }
    }
}

#[test]
fn a_full_or_read_only_disk_is_one_clear_message_and_nothing_half_done() {
    let bench = Bench::new("");
    let file = |path: &str, content: &str| {
        format!("[[step]]\nfile = \"{path}\"\ncontent = \"{content}\\n\"\n")
    };
    let steps = file("/srv/disk/first", "a")
        + &file("/srv/disk/small/it", &"x".repeat(64 * 1024))
        + &file("/srv/disk/last", "c");
    bench.role(&steps);
    bench.ok("mkdir /srv/disk");
    for (options, says) in [
        ("size=16k", "No space left on device"),
        ("ro", "Read-only file system"),
    ] {
        // Where the target lies.
        bench.ok(&format!(
            "mkdir -p /srv/disk/small && mount -t tmpfs -o {} none /srv/disk/small && echo old >/srv/disk/small/it && mount -o remount,{options} /srv/disk/small",
            options.replace("ro", "rw")
        ));
        let said = bench.apply();
        let counts = (said.code, said.changed(), said.not_run());
        assert_eq!(
            counts,
            (1, 1, 1),
            "{options}: {:?}{}",
            said.events,
            said.err
        );
        assert!(
            said.failed().contains("/srv/disk/small/it"),
            "{}",
            said.failed()
        );
        let told = format!("{:?}", said.events);
        assert!(told.contains(says), "{told}");
        assert_eq!(told.matches(says).count(), 1, "once: {told}");
        assert_eq!(
            bench.ok("cat /srv/disk/small/it; ls -A /srv/disk/small; ls /srv/disk; umount /srv/disk/small"),
            "old\nit\nfirst\nsmall\n"
        );
        bench.is_clean();
        bench.ok("rm -rf /srv/disk/* /var/lib/nodewright");

        // Where batches lie.
        bench.ok(&format!(
            "mkdir -p /var/lib/nodewright && mount -t tmpfs -o {options} none /var/lib/nodewright"
        ));
        let said = bench.apply();
        let counts = (said.code, said.changed(), said.not_run());
        assert_eq!(
            counts,
            (1, 0, 3),
            "{options}: {:?}{}",
            said.events,
            said.err
        );
        let disk = if options == "ro" {
            "a filesystem is read-only: "
        } else {
            "a disk is full: "
        };
        assert!(said.failed().starts_with(disk), "{}", said.failed());
        assert!(
            said.failed().contains("/var/lib/nodewright"),
            "{}",
            said.failed()
        );
        assert_eq!(bench.ok("ls -A /srv/disk; ls -A /var/lib/nodewright/runs/* 2>/dev/null; umount /var/lib/nodewright"), "");
        bench.ok("rm -rf /var/lib/nodewright");
    }
}
