//! Receiver and batches in local processes under the shells that nodes have: no ssh, a state folder of their own.

mod files;
mod output;
mod stage;

use super::batch::{Batch, BatchStep, Blob};
use super::journal::Header;
use super::privilege::LOGIN;
use super::runs::{CONTROL, RECEIVE};
use super::stage::STAGE;
use super::{Outcome, RunId, Secret, SpoolEvent};
use crate::sh::Call;
use crate::shell::{self, Shell};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Shells by what they are called with. `bash` as `sh` is what EL6 to EL9 have.
const SHELLS: [&[&str]; 4] = [&["dash"], &["bash"], &["BASH_AS_SH"], &["busybox", "sh"]];

fn shell(words: &[&str], dir: &Path) -> Vec<String> {
    if words == ["BASH_AS_SH"] {
        let sh = dir.join("sh");
        let _ = std::os::unix::fs::symlink("/bin/bash", &sh);
        return vec![sh.display().to_string()];
    }
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// A node's state in a temporary folder, and a shell.
struct Local {
    dir: tempfile::TempDir,
    shell: Vec<String>,
}

impl Local {
    fn new(words: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shell = shell(words, dir.path());
        Self { dir, shell }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn state(&self) -> PathBuf {
        self.path("state")
    }

    fn spool(&self, batch: &Batch) -> String {
        let stage = batch.stage.to_string();
        let dir = self
            .state()
            .join("runs")
            .join(batch.run.as_str())
            .join(stage);
        fs::read_to_string(dir.join("spool")).unwrap_or_default()
    }

    /// Starts the receiver with these bytes as its whole input.
    fn receive(&self, batch: &Batch, bytes: &[u8]) -> Child {
        let bundle = batch.bundle();
        // The batch runs under the same shell as the receiver.
        let text = RECEIVE.text().replace("/bin/sh", &self.shell.join(" "));
        let mut child = Command::new(&self.shell[0])
            .args(&self.shell[1..])
            .args(["-c", &text, "nw", "SENTINEL", batch.run.as_str()])
            .args([
                batch.stage.to_string(),
                bundle.sha256,
                bundle.script.to_string(),
            ])
            .env("NW_STATE", self.state())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A receiver that refuses at once closes its input.
        let _ = child.stdin.take().unwrap().write_all(bytes);
        child
    }

    /// Runs a batch to its end: lets it begin as soon as it is ready. Gives its events.
    fn run(&self, batch: &Batch) -> Vec<SpoolEvent> {
        let mut child = self.receive(batch, &batch.bundle().bytes);
        let dir = self.run_dir(batch);
        let mut stdout = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line == "ready" {
                fs::rename(dir.join("armed"), dir.join("go")).unwrap();
            }
            stdout.push_str(&line);
            stdout.push('\n');
        }
        child.wait().unwrap();
        let spool = stdout
            .strip_prefix("SENTINEL spool\n")
            .and_then(|s| s.strip_suffix("SENTINEL end\n"));
        let spool = spool.unwrap_or_else(|| panic!("{:?}: {stdout}", self.shell));
        assert_eq!(spool, self.spool(batch), "{:?}", self.shell);
        spool.lines().map(SpoolEvent::parse).collect()
    }

    fn run_dir(&self, batch: &Batch) -> PathBuf {
        self.state()
            .join(format!("runs/{}/{}", batch.run, batch.stage))
    }
}

fn batch(steps: Vec<BatchStep>, blobs: &[&[u8]]) -> Batch {
    Batch {
        run: RunId::now().unwrap(),
        stage: 0,
        functions: Vec::new(),
        header: Header {
            site: "crosslink".into(),
            commit: "abc".into(),
            who: "anna@desk".into(),
            tool: "0".into(),
            intent: "apply".into(),
        },
        blobs: blobs
            .iter()
            .map(|bytes| Blob::Bytes(bytes.to_vec()))
            .collect(),
        secrets: Vec::new(),
        preflight: Vec::new(),
        steps,
        undo_first: Vec::new(),
        undo: Vec::new(),
    }
}

fn step(title: &str, calls: Vec<Call>) -> BatchStep {
    BatchStep {
        title: title.into(),
        calls,
        long: true,
    }
}

#[test]
fn a_batch_that_was_cut_off_anywhere_runs_nothing() {
    // A small linear congruential generator, seeded, so that a failure can be repeated.
    let mut seed: u64 = 20_261_120;
    for words in SHELLS {
        let local = Local::new(words);
        let marker = local.path("marker");
        let batch = batch(
            vec![step(
                "mark",
                vec![Call::new("touch").arg(marker.to_str().unwrap())],
            )],
            &[b"content \0\xff of some length", &[7; 5000]],
        );
        let whole = batch.bundle();
        for n in 0..200 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let cut = match n {
                0 => 0,
                1 => whole.bytes.len() - 1,
                2 => whole.script,
                _ => usize::try_from(seed >> 33).unwrap() % whole.bytes.len(),
            };
            let out = local
                .receive(&batch, &whole.bytes[..cut])
                .wait_with_output()
                .unwrap();
            let stdout = String::from_utf8_lossy(&out.stdout);
            assert_eq!(stdout, "SENTINEL refused cut\n", "{words:?} cut at {cut}");
            assert!(!local.run_dir(&batch).exists(), "{words:?} cut at {cut}");
        }
        assert!(!marker.exists());
        // And whole it runs, so the above proves something.
        let events = local.run(&batch);
        assert_eq!(
            events.last(),
            Some(&SpoolEvent::Done(Outcome::Finished)),
            "{words:?}"
        );
        assert!(marker.exists());
    }
}

#[test]
fn a_validator_that_refuses_keeps_everything_from_beginning() {
    let local = Local::new(SHELLS[0]);
    let marker = local.path("marker");
    let mut batch = batch(
        vec![step(
            "mark",
            vec![Call::new("touch").arg(marker.to_str().unwrap())],
        )],
        &[],
    );
    batch.preflight = vec![step("sshd -t", vec![Call::new("ls").arg("/nowhere")])];
    let events = local.run(&batch);
    assert_eq!(events[0], SpoolEvent::Check(0, "sshd -t".into()));
    assert!(matches!(&events[1], SpoolEvent::Output(0, line) if line.contains("/nowhere")));
    assert_eq!(
        events[2],
        SpoolEvent::Done(Outcome::Refused {
            check: 0,
            status: 2
        })
    );
    assert!(!marker.exists() && !local.state().join("journal").exists());
}

#[test]
fn secrets_are_put_out_of_what_steps_say_and_wiped() {
    for words in SHELLS {
        let local = Local::new(words);
        let mut batch = batch(
            vec![step(
                "leak",
                vec![Call::new("cat").blob(0), Call::new("false")],
            )],
            &[b"password=s3cr.t*[x\\ and s3cr.t*[x\\s3cr.t*[x\\\n"],
        );
        batch.secrets = vec![Secret::new("s3cr.t*[x\\"), Secret::new("abc")];
        let events = local.run(&batch);
        assert!(
            events.contains(&SpoolEvent::Output(0, "password=*** and ******".into())),
            "{words:?} {events:?}"
        );
        let found = Command::new("grep")
            .args(["-rF", "s3cr.t"])
            .arg(local.state())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout), "", "{words:?}");
    }
}

#[test]
fn a_batch_that_nobody_lets_begin_gives_up() {
    let local = Local::new(SHELLS[0]);
    let marker = local.path("marker");
    let mut batch = batch(
        vec![step(
            "mark",
            vec![Call::new("touch").arg(marker.to_str().unwrap())],
        )],
        &[],
    );
    batch.functions = vec![Shell::new("NW_PATIENCE=1\n")];
    let out = local
        .receive(&batch, &batch.bundle().bytes)
        .wait_with_output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "SENTINEL spool\nready\ndone gave-up\nSENTINEL end\n"
    );
    assert!(!marker.exists() && !local.run_dir(&batch).join("armed").exists());
}

#[test]
fn a_batch_is_stopped_between_steps_and_never_within_one() {
    let local = Local::new(SHELLS[0]);
    let (half, later) = (local.path("half"), local.path("later"));
    let batch = batch(
        vec![
            step(
                "first",
                vec![
                    Call::new("nw_stop_now"),
                    Call::new("touch").arg(half.to_str().unwrap()),
                ],
            ),
            step(
                "second",
                vec![Call::new("touch").arg(later.to_str().unwrap())],
            ),
        ],
        &[],
    );
    let mut batch = batch;
    batch.functions = vec![Shell::new("nw_stop_now() { : >\"$NW_DIR/stop\"; }\n")];
    let events = local.run(&batch);
    assert_eq!(
        events.last(),
        Some(&SpoolEvent::Done(Outcome::Stopped { before: 1 }))
    );
    assert!(half.exists() && !later.exists());
}

#[test]
fn the_lock_names_its_holder_and_a_dead_holder_is_replaced() {
    for words in SHELLS {
        let local = Local::new(words);
        fs::create_dir(local.state()).unwrap();
        let lock = local.state().join("lock");
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let tick = stat
            .rsplit(") ")
            .next()
            .unwrap()
            .split(' ')
            .nth(19)
            .unwrap()
            .to_owned();
        let pid = std::process::id();
        let alive = format!(
            "20200101T000000-aaaa {pid} {tick} {} 2020-01-01T00:00:00Z bob@desk",
            boot.trim()
        );
        std::os::unix::fs::symlink(&alive, &lock).unwrap();
        let one = batch(vec![step("nothing", vec![])], &[]);
        let events = local.run(&one);
        let Some(SpoolEvent::Done(Outcome::Locked(holder))) = events.last() else {
            panic!("{words:?} {events:?}");
        };
        assert_eq!(
            (holder.who.as_str(), holder.pid.as_str()),
            ("bob@desk", pid.to_string().as_str())
        );
        assert_eq!(fs::read_link(&lock).unwrap(), Path::new(&alive));

        // The same process, but started at another tick, or in another boot: gone.
        for gone in [
            alive.replace(&format!(" {tick} "), " 1 "),
            alive.replace(boot.trim(), "another-boot"),
        ] {
            fs::remove_file(&lock).unwrap();
            std::os::unix::fs::symlink(&gone, &lock).unwrap();
            let mut next = batch(vec![step("nothing", vec![])], &[]);
            next.stage = 1;
            let events = local.run(&next);
            assert!(
                matches!(&events[0], SpoolEvent::Note(text) if text.contains("bob@desk")),
                "{words:?} {events:?}"
            );
            assert_eq!(events.last(), Some(&SpoolEvent::Done(Outcome::Finished)));
            std::os::unix::fs::symlink("x", &lock).unwrap();
        }
    }
}

#[test]
fn leftovers_of_dead_batches_are_wiped_and_old_runs_go() {
    let local = Local::new(SHELLS[0]);
    let runs = local.state().join("runs");
    let dead = runs.join("20200101T000000-dead/0");
    fs::create_dir_all(dead.join("blob")).unwrap();
    fs::write(dead.join("blob/0"), "secret").unwrap();
    fs::write(dead.join("batch.sh"), "secret").unwrap();
    fs::write(dead.join("pid"), "1 1 another-boot\n").unwrap();
    for n in 0..25 {
        fs::create_dir_all(runs.join(format!("20190101T0000{n:02}-aaaa/0"))).unwrap();
    }
    let kept = runs.join("20190101T000000-aaaa/0/kept");
    fs::create_dir_all(&kept).unwrap();
    let one = batch(vec![step("nothing", vec![])], &[]);
    local.run(&one);
    assert!(!dead.join("blob").exists() && !dead.join("batch.sh").exists());
    // This run, the dead one and the 18 newest of the others; and one whose kept version is younger than 90 days.
    let mut names: Vec<_> = fs::read_dir(&runs)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 21);
    assert_eq!(names[0], "20190101T000000-aaaa");
    assert_eq!(names[1], "20190101T000007-aaaa");
    let old = Command::new("touch")
        .args(["-d", "91 days ago"])
        .arg(&kept)
        .status()
        .unwrap();
    assert!(old.success());
    local.run(&batch(vec![step("nothing", vec![])], &[]));
    assert!(!kept.exists());
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let one = batch(vec![step("nothing", vec![])], &[]);
    let bundle = one.bundle();
    let batch = std::str::from_utf8(&bundle.bytes[..bundle.script]).unwrap();
    for script in [
        batch,
        &RECEIVE.text(),
        &CONTROL.text(),
        &STAGE.text(),
        &LOGIN.text(),
    ] {
        shell::check(script);
    }
}
