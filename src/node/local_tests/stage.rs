//! Files that are sent before a batch, under every shell.

use super::super::batch::{Blob, LocalFile};
use super::super::stage::STAGE;
use super::super::{Outcome, SpoolEvent};
use super::{Local, SHELLS, batch, step};
use crate::sh::Call;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn sum(bytes: &[u8]) -> String {
    crate::digest::sha256(bytes)
}

/// Sends these bytes to a receiver that expects these files; gives what it said.
fn stage(local: &Local, files: &[&[u8]], sent: &[u8]) -> String {
    let args = files.iter().flat_map(|f| [sum(f), f.len().to_string()]);
    let mut child = Command::new(&local.shell[0])
        .args(&local.shell[1..])
        .args(["-c", &STAGE.text(), "nw", "SENTINEL"])
        .args(args)
        .env("NW_STATE", local.state())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(sent);
    let out = child.wait_with_output().unwrap();
    String::from_utf8(out.stdout).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn files_arrive_whole_or_not_at_all() {
    // Around the size of a block, which they are cut by.
    let files: Vec<Vec<u8>> = [0, 1, 65_535, 65_536, 65_537, 200_000]
        .iter()
        .map(|n| (0..*n).map(|i| u8::try_from(i % 251).unwrap()).collect())
        .collect();
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let all = files.concat();
    for words in SHELLS {
        let local = Local::new(words);
        let incoming = local.state().join("incoming");
        let answer = stage(&local, &files, &all);
        assert_eq!(answer, "SENTINEL staged\n", "{words:?}");
        for file in &files {
            assert_eq!(fs::read(incoming.join(sum(file))).unwrap(), *file);
        }
        assert_eq!(names(&incoming).len(), files.len(), "nothing else is left");

        fs::remove_dir_all(&incoming).unwrap();
        let cut = files[..4].concat().len() + 7;
        let answer = stage(&local, &files, &all[..cut]);
        assert_eq!(answer, format!("SENTINEL refused cut {}\n", sum(files[4])));
        let mut whole: Vec<_> = files[..4].iter().map(|f| sum(f)).collect();
        whole.sort();
        assert_eq!(names(&incoming), whole, "{words:?}");

        let answer = stage(&local, &[b"right"], b"wrong");
        assert_eq!(answer, format!("SENTINEL refused cut {}\n", sum(b"right")));
    }
}

fn file(bytes: &[u8]) -> Blob {
    Blob::File(LocalFile {
        path: "x".into(),
        bytes: bytes.len() as u64,
        sha256: sum(bytes),
    })
}

/// A batch that copies two contents, the first of which was sent before.
fn copies(local: &Local, ends: &'static str) -> super::Batch {
    let to = |name: &str| local.path(name).display().to_string();
    let mut batch = batch(
        vec![step(
            "copy",
            vec![
                Call::new("cp").blob(0).arg(to("brought")),
                Call::new("cp").blob(1).arg(to("along")),
                Call::new(ends),
            ],
        )],
        &[],
    );
    batch.blobs = vec![file(b"large"), Blob::Bytes(b"small".to_vec())];
    batch
}

#[test]
fn a_batch_uses_what_was_brought_and_removes_it_when_it_was_done() {
    for words in SHELLS {
        for (ends, left) in [("true", 0), ("false", 1)] {
            let local = Local::new(words);
            stage(&local, &[b"large"], b"large");
            let events = local.run(&copies(&local, ends));
            let failed = Outcome::Failed { step: 0, status: 1 };
            let outcome = if left == 0 { Outcome::Finished } else { failed };
            assert_eq!(events.last(), Some(&SpoolEvent::Done(outcome)), "{words:?}");
            assert_eq!(fs::read(local.path("brought")).unwrap(), b"large");
            assert_eq!(fs::read(local.path("along")).unwrap(), b"small");
            // A failed stage is tried again, and contents that arrived need not be sent again.
            let incoming = local.state().join("incoming");
            assert_eq!(names(&incoming).len(), left, "{words:?}");
            if left == 1 {
                assert_eq!(fs::read(incoming.join(sum(b"large"))).unwrap(), b"large");
            }
        }
    }
}

#[test]
fn nothing_begins_where_a_file_is_missing_or_another() {
    for words in SHELLS {
        for there in [None, Some("larger")] {
            let local = Local::new(words);
            let incoming = local.state().join("incoming");
            fs::create_dir_all(&incoming).unwrap();
            if let Some(content) = there {
                fs::write(incoming.join(sum(b"large")), content).unwrap();
            }
            let events = local.run(&copies(&local, "true"));
            let broken = Outcome::Broken("a content did not arrive whole".into());
            assert_eq!(events, [SpoolEvent::Done(broken)], "{words:?}");
            assert!(!local.path("brought").exists() && !local.path("along").exists());
            assert_eq!(names(&incoming), [] as [&str; 0], "it is brought anew");
        }
    }
}

#[test]
fn what_nobody_used_goes_after_a_week() {
    let local = Local::new(SHELLS[0]);
    let incoming = local.state().join("incoming");
    fs::create_dir_all(&incoming).unwrap();
    for (name, age) in [("young", "6 days ago"), ("old", "8 days ago")] {
        let made = Command::new("touch")
            .args(["-d", age])
            .arg(incoming.join(name))
            .status();
        assert!(made.unwrap().success());
    }
    local.run(&batch(vec![step("nothing", vec![])], &[]));
    assert_eq!(names(&incoming), ["young"]);
}
