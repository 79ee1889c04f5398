//! Secrets stay secret: every value is searched for in every place where something could have left it, after runs with
//! sudo's recording on, /etc in git, a changed secret, a step that fails and says it, a drift, an orphan. A canary in
//! each place shows first that the search finds what is there.

use crate::yard::{Said, Yard};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PASSWORD: &str = "sud0-Passw0rt $(touch /tmp/pwned)";
const CANARY: &str = "kanarienvogel-7Hq2-zwitschert";

/// The secrets and their values, before and after they are changed.
const SECRETS: &[(&str, &str, &str)] = &[
    ("whole", "wh0le-eins-Xq81 'a' \"b\"", "wh0le-zwei-Xq82 `c`"),
    ("line", "l1ne-eins-Kd71", "l1ne-zwei-Kd72 $(id)"),
    ("ini", "in1-eins-Pw61", "in1-zwei-Pw62"),
    ("one", "t3mplate-eins-Zb51", "t3mplate-zwei-Zb52"),
    ("two", "tw0-eins-Hm41", "tw0-zwei-Hm42"),
    (
        "block",
        "-----BEGIN KEY-----\nbl0ck-eins-Vr31\n-----END KEY-----",
        "-----BEGIN KEY-----\nbl0ck-zwei-Vr32\n-----END KEY-----",
    ),
    ("cron", "cr0n-eins-Lt21", "cr0n-zwei-Lt22"),
    ("tree", "tr3e-eins-Gs11", "tr3e-zwei-Gs12"),
    (
        "hash",
        "$6$einsEINS$8PHmM6nzCTLfIzHJQ1uJVgtJrCCVgO/7dFX2zJYYcEyqGTjXvNmOZq0ajrkdVKfbnnFyCWwRtWxwjD2ySSYJM0",
        "$6$zweiZWEI$9QHmM6nzCTLfIzHJQ1uJVgtJrCCVgO/7dFX2zJYYcEyqGTjXvNmOZq0ajrkdVKfbnnFyCWwRtWxwjD2ySSYJM1",
    ),
    ("judged", "judg3d-eins-Nf01", "judg3d-zwei-Nf02"),
];

const ROLE: &str = r#"
description = "secrets in every way"
[[step]]
directory = ["/etc/demo", "/etc/cron.d"]
[[step]]
file = "/etc/demo/whole.conf"
content = "token={{ secret('whole') }}\n"
[[step]]
file = "/etc/demo/plain.conf"
content = "nothing\n"
[[step]]
line = "password={{ secret('line') }}"
file = "/etc/demo/line.conf"
matches = "^password="
[[step]]
ini = "password"
section = "db"
file = "/etc/demo/app.ini"
value = "{{ secret('ini') }}"
[[step]]
file = "/etc/demo/several.conf"
template = "demo/several.conf"
[[step]]
block = "key"
file = "/etc/demo/block.conf"
content = "{{ secret('block') }}"
[[step]]
cron = "demo"
schedule = "@daily"
command = "true {{ secret('cron') }}"
[[step]]
tree = "/etc/demo/tree"
files = [{ name = "a.conf", content = "x={{ secret('tree') }}\n" }, { name = "b.conf", content = "plain\n" }]
check = ["grep", "-q", "x=", "{staged}/a.conf"]
[[step]]
user = "dora"
password = "{{ secret('hash') }}"
"#;

/// /etc is recorded from the moment the package is there: its installation does that by itself.
const RECORD: &str = r#"
description = "the record of /etc"
[[step]]
package = ["git", "etckeeper"]
[[step]]
etckeeper = "/etc"
name = "node1"
email = "root@node1.example.net"
"#;

/// A validator that is not there before the run, says everything it is given, and refuses it.
const JUDGE: &str = r##"
[[step]]
file = "/usr/local/bin/nw-judge"
mode = "0755"
content = "#!/bin/sh\ncat \"$1\"\ncat /etc/demo/whole.conf\nexit 1\n"
[[step]]
file = "/etc/demo/judged.conf"
content = "judged={{ secret('judged') }}\n"
check = "nw-judge {staged}"
"##;

/// The files that hold secrets in the end, and no others.
const TARGETS: &[&str] = &[
    "/etc/cron.d/demo",
    "/etc/demo/app.ini",
    "/etc/demo/block.conf",
    "/etc/demo/line.conf",
    "/etc/demo/several.conf",
    "/etc/demo/tree/a.conf",
    "/etc/shadow",
];

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let number =
            part.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b)) << (8 * (3 - part.len()));
        for i in 0..=part.len() {
            text.push(char::from(SIGNS[number >> (18 - 6 * i) & 63]));
        }
    }
    text
}

/// How a value may stand somewhere: as it is, in hexadecimal, in base64 wherever it begins. Lines by themselves.
fn disguises(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in value
        .lines()
        .filter(|l| l.len() >= 8 && !l.starts_with("-----"))
    {
        all.push(line.to_owned());
        all.push(line.bytes().fold(String::new(), |mut hex, b| {
            let _ = write!(hex, "{b:02x}");
            hex
        }));
        for shift in 0..3 {
            let shifted = [&vec![0; shift], line.as_bytes()].concat();
            let text = base64(&shifted);
            // What also depends on the neighbours is left out.
            all.push(text[[0, 2, 3][shift]..text.len() - 3].to_owned());
        }
    }
    all
}

fn needles() -> Vec<String> {
    let values = SECRETS.iter().flat_map(|(_, a, b)| [*a, *b]);
    values.chain([PASSWORD]).flat_map(disguises).collect()
}

/// What of it stands there.
fn found(needles: &[String], hay: &[u8]) -> Vec<String> {
    Finder::new(needles).found(hay)
}

/// Finds texts fast: by their first two bytes.
struct Finder {
    starts: Vec<bool>,
    needles: Vec<String>,
}

impl Finder {
    fn start(bytes: &[u8]) -> usize {
        usize::from(bytes[0]) << 8 | usize::from(bytes[1])
    }

    fn new(needles: &[String]) -> Self {
        let mut starts = vec![false; 1 << 16];
        for needle in needles {
            starts[Self::start(needle.as_bytes())] = true;
        }
        Self {
            starts,
            needles: needles.to_vec(),
        }
    }

    fn found(&self, hay: &[u8]) -> Vec<String> {
        let mut all = BTreeSet::new();
        for (at, two) in hay.windows(2).enumerate() {
            if self.starts[Self::start(two)] {
                let here = &hay[at..];
                all.extend(
                    self.needles
                        .iter()
                        .filter(|n| here.starts_with(n.as_bytes())),
                );
            }
        }
        all.into_iter().cloned().collect()
    }
}

/// Looks at the words and variables of every process of this machine, its nodes' among them, again and again.
struct Sampler {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<BTreeMap<String, String>>>,
    rounds: Arc<Mutex<u64>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Sampler {
    fn start(needles: &[String]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(BTreeMap::new()));
        let rounds = Arc::new(Mutex::new(0));
        let (halt, kept, count) = (Arc::clone(&stop), Arc::clone(&seen), Arc::clone(&rounds));
        let finder = Finder::new(needles);
        let thread = std::thread::spawn(move || {
            while !halt.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                    for what in ["cmdline", "environ"] {
                        let Ok(bytes) = std::fs::read(entry.path().join(what)) else {
                            continue;
                        };
                        for needle in finder.found(&bytes) {
                            let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
                            kept.lock()
                                .unwrap()
                                .insert(format!("{what} {needle}"), text);
                        }
                    }
                }
                *count.lock().unwrap() += 1;
                // Others work here, too.
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self {
            stop,
            seen,
            rounds,
            thread: Some(thread),
        }
    }

    /// A process that shows the canary is seen, by its words and by its variables.
    fn sees_the_canary(&self) {
        let mut child = Command::new("sh")
            .args(["-c", "read x", CANARY])
            .env("BIRD", CANARY)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let limit = Instant::now() + Duration::from_secs(30);
        let both = ["cmdline", "environ"].map(|what| format!("{what} {CANARY}"));
        while !both
            .iter()
            .all(|b| self.seen.lock().unwrap().contains_key(b))
        {
            assert!(
                Instant::now() < limit,
                "the sampler does not see the canary"
            );
            std::thread::yield_now();
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        self.seen.lock().unwrap().clear();
    }

    /// What was seen of secrets.
    fn end(mut self) -> BTreeMap<String, String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        assert!(*self.rounds.lock().unwrap() > 50);
        self.seen.lock().unwrap().clone()
    }
}

/// Searches a node: lines of place and file. Everything that changed since the marker was made is looked at as it is;
/// what is compressed is also opened.
const SEARCH: &str = r#"
cd /; umask 077
hit() { if grep -aqF -f /run/needles; then echo "$1 $2"; fi; }
each() { place=$1; shift; find "$@" -type f 2>/dev/null | while IFS= read -r f; do zcat -f "$f" 2>/dev/null | hit "$place" "$f"; done; }
each log /var/log -not -path '*/journal/*' -not -path '*/sudo-io/*'
each sudo-io /var/log/sudo-io
each state /var/lib/nodewright
each tmp /tmp /var/tmp /dev/shm
each home /home /root
each open / /run -xdev -not -path '/run/needles' -perm /o=r -cnewer /run/marker
journalctl --no-pager -a | hit journal -
( cd /etc && git cat-file --batch --batch-all-objects | hit git -; git log -p --all 2>/dev/null | hit git-log - )
find / /run /tmp /dev/shm -xdev 2>/dev/null | hit names -
find / /run /tmp /dev/shm -xdev -type f -cnewer /run/marker -not -path '/run/needles' -not -path '/var/log/journal/*' -not -path '/run/log/journal/*' -print0 2>/dev/null |
  xargs -0 grep -alF -f /run/needles -- | sort -u | sed 's/^/all /'
"#;

/// The places of a node that show any of these: place → files.
fn search(yard: &Yard, needles: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let list = base64((needles.join("\n") + "\n").as_bytes());
    let pad = ["", "===", "==", "="][list.len() % 4];
    let said = yard.nodes.ok(
        "node1",
        &format!("umask 077; echo '{list}{pad}' | base64 -d >/run/needles; {SEARCH}"),
    );
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in said.lines() {
        let (place, file) = line.split_once(' ').unwrap();
        places
            .entry(place.to_owned())
            .or_default()
            .insert(file.to_owned());
    }
    places
}

/// The files under a folder of the controller that show any of these.
fn search_here(dir: &Path, needles: &[String], hits: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        let name = path.display().to_string();
        if !found(needles, name.as_bytes()).is_empty() {
            hits.push(name.clone());
        }
        if path.is_dir() {
            search_here(&path, needles, hits);
        } else if let Ok(bytes) = std::fs::read(&path)
            && !found(needles, &bytes).is_empty()
        {
            hits.push(name);
        }
    }
}

struct Run<'a> {
    yard: &'a Yard,
    said: Vec<(String, Said)>,
}

impl Run<'_> {
    #[track_caller]
    fn run(&mut self, words: &[&str], code: i32) -> &Said {
        let said = self.yard.run(words);
        assert_eq!(said.code, code, "{words:?}: {}{}", said.out, said.err);
        self.said.push((words.join(" "), said));
        &self.said.last().unwrap().1
    }

    #[track_caller]
    fn set(&mut self, second: bool) {
        for (name, one, two) in SECRETS {
            let value = if second { two } else { one };
            let said = self.yard.run_with(&["secret", "set", name], value);
            assert_eq!(said.code, 0, "{name}: {}", said.err);
            self.said.push((format!("secret set {name}"), said));
        }
    }
}

#[test]
fn no_secret_is_left_anywhere() {
    let yard = Yard::new(
        "anna",
        "password",
        "[group.all]\nnodes = [\"node1\"]\nroles = [\"demo\", \"etckeeper\"]\n",
    );
    std::fs::write(yard.apart.path().join("password"), PASSWORD).unwrap();
    yard.write("roles/demo.toml", ROLE);
    yard.write("roles/etckeeper.toml", RECORD);
    yard.write(
        "templates/demo/several.conf",
        "a={{ secret('one') }}\nb={{ secret('two') }}\n",
    );
    yard.nodes.ok(
        "node1",
        &format!(
            "mkdir -p /etc/demo /var/log/sudo-io; echo 'user=x' >/etc/demo/line.conf; printf '[db]\\nuser=x\\n' >/etc/demo/app.ini
             printf '%s\\n' 'Defaults log_output, log_input, iolog_dir=/var/log/sudo-io/%{{user}}, logfile=/var/log/sudo.log' \
               'anna ALL=(ALL:ALL) ALL' >/etc/sudoers.d/anna; chmod 440 /etc/sudoers.d/anna
             echo 'anna:{PASSWORD}' | chpasswd; : >/run/marker"
        ),
    );
    let all = [needles(), disguises(CANARY)].concat();
    let sampler = Sampler::start(&all);
    sampler.sees_the_canary();
    let mut run = Run {
        yard: &yard,
        said: Vec::new(),
    };
    run.set(false);
    run.run(&["check"], 3);
    run.run(&["render", "-o", "rendered"], 0);
    run.run(&["plan", "-vv"], 2);
    run.run(&["plan", "--json", "--out", "first.plan"], 2);
    let closed = yard.desk.read("first.plan");
    assert!(closed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
    run.run(&["apply", "./first.plan"], 0);
    let again = run.run(&["apply", "--yes"], 0);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
    assert_eq!(
        yard.nodes.ok("node1", "cat /etc/demo/whole.conf"),
        format!("token={}\n", SECRETS[0].1)
    );
    assert_ne!(
        yard.nodes.ok("node1", "git -C /etc log --oneline | wc -l"),
        "0\n"
    );

    run.set(true);
    run.run(&["plan"], 2);
    run.run(&["apply", "--yes", "--json", "-v"], 0);

    yard.write("roles/demo.toml", &(ROLE.to_owned() + JUDGE));
    let failed = run.run(&["apply", "--yes"], 1);
    assert!(
        failed.err.contains("judged=***") || failed.out.contains("judged=***"),
        "{failed:?}"
    );
    yard.write("roles/demo.toml", ROLE);

    yard.nodes.ok(
        "node1",
        "for f in whole.conf line.conf tree/a.conf; do echo '# by hand' >>/etc/demo/$f; done; chmod 644 /etc/demo/app.ini",
    );
    run.run(&["plan", "--json"], 2);
    run.run(&["apply", "--yes"], 0);

    // What held a secret holds none any more: the old side of the diff still would.
    let without = ROLE
        .replace("token={{ secret('whole') }}", "token=none")
        .replace(
            "file = \"/etc/demo/whole.conf\"",
            "file = \"/etc/demo/whole.conf\"\nmode = \"0600\"",
        );
    yard.write("roles/demo.toml", &without);
    run.run(&["plan", "-v"], 2);
    run.run(&["plan", "--json", "--out", "second.plan"], 2);
    run.run(&["apply", "./second.plan"], 0);
    yard.write("roles/demo.toml", ROLE);
    run.run(&["apply", "--yes"], 0);
    let orphan = ROLE.replace(
        "[[step]]\nfile = \"/etc/demo/whole.conf\"\ncontent = \"token={{ secret('whole') }}\\n\"\n",
        "",
    );
    assert_ne!(orphan, ROLE);
    yard.write("roles/demo.toml", &orphan);
    run.run(&["plan"], 2);
    run.run(&["apply", "--yes"], 0);
    assert_eq!(
        yard.nodes
            .ok("node1", "ls /etc/demo/whole.conf 2>/dev/null; :"),
        ""
    );
    run.run(&["verify", "--json", "--junit", "checks.xml"], 0);
    run.run(&["log"], 0);
    run.run(&["facts", "--json"], 0);
    run.run(&["capture", "node1"], 0);
    let seen = sampler.end();
    assert_eq!(seen, BTreeMap::new(), "in a list of processes");

    let needles = needles();
    for (words, said) in &run.said {
        for text in [&said.out, &said.err] {
            let there = found(&needles, text.as_bytes());
            assert_eq!(there, [""; 0], "{words} said it: {text}");
        }
    }
    // Each place shows a canary, plainly, packed or in disguise, and the search says so.
    let bird = disguises(CANARY);
    let hidden = &bird[3];
    yard.nodes.ok(
        "node1",
        &format!(
            "umask 022; echo {CANARY} | gzip >/var/log/canary.gz; logger {CANARY}; printf {CANARY} >/var/lib/nodewright/runs/canary
             echo {hidden} >/tmp/canary; echo {CANARY} >/home/anna/canary; chmod 600 /home/anna/canary; cd /etc; echo {CANARY} | git hash-object -w --stdin
             : >/srv/{CANARY}; echo {CANARY} >/etc/canary
             git -c user.name=x -c user.email=x commit -q --allow-empty -m {CANARY}
             sudo printf {CANARY} >/dev/null; journalctl --sync 2>/dev/null || :"
        ),
    );
    let canaries = search(&yard, &bird);
    let places: Vec<&str> = canaries.keys().map(String::as_str).collect();
    assert_eq!(
        places,
        [
            "all", "git", "git-log", "home", "journal", "log", "names", "open", "state", "sudo-io",
            "tmp"
        ],
        "{canaries:#?}"
    );
    yard.write("canary", CANARY);
    std::fs::write(yard.desk.home().join("canary"), hidden).unwrap();
    let mut hits = Vec::new();
    for dir in [yard.desk.site(), yard.desk.home()] {
        search_here(&dir, &bird, &mut hits);
    }
    assert_eq!(hits.len(), 2, "{hits:?}");

    let mut hits = Vec::new();
    for dir in [yard.desk.site(), yard.desk.home()] {
        search_here(&dir, &needles, &mut hits);
    }
    assert_eq!(hits, [""; 0], "on the controller");
    let mut places = search(&yard, &needles);
    let all = places.remove("all").unwrap();
    // The database of accounts keeps its last version beside it.
    let all: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|f| *f != "/etc/shadow-")
        .collect();
    assert_eq!(all, TARGETS);
    assert_eq!(places, BTreeMap::new(), "{places:#?}");
    let modes = yard
        .nodes
        .ok("node1", &format!("stat -c '%a %n' {}", TARGETS.join(" ")));
    for line in modes.lines() {
        assert!(line.split(' ').next().unwrap().ends_with('0'), "{line}");
    }
    assert_eq!(yard.nodes.ok("node1", "ls /tmp/pwned 2>/dev/null; :"), "");
}
