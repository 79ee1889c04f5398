//! The verbs for files, under every shell.

use super::super::{Batch, Outcome, SpoolEvent};
use super::{Local, SHELLS, batch, step};
use crate::sh::Call;
use std::fs;
use std::path::Path;
use std::process::Command;

fn me() -> [String; 2] {
    let id = |flag| {
        let out = Command::new("id").arg(flag).output().unwrap();
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    };
    [id("-un"), id("-gn")]
}

/// A digest that no file here has.
const OLD: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn sum(path: &Path) -> String {
    let out = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(out.stdout).unwrap()[..64].to_owned()
}

fn replace(path: &Path, expected: &str, blob: usize, keep: &str) -> Call {
    let [user, group] = me();
    Call::new("nw_replace")
        .arg(path.to_str().unwrap())
        .arg(expected)
        .blob(blob)
        .args([user.as_str(), &group, "0640", keep])
}

/// A batch that uses every verb on files in this folder.
fn one_of_each(etc: &Path) -> Batch {
    let [file, new, gone, link, sub] = ["file", "new", "gone", "link", "a/b"].map(|n| etc.join(n));
    let text = |p: &Path| p.to_str().unwrap().to_owned();
    let [user, group] = me();
    batch(
        vec![
            step("replace", vec![replace(&file, &sum(&file), 0, "yes")]),
            step("create", vec![replace(&new, "absent", 1, "yes")]),
            step(
                "link",
                vec![
                    Call::new("nw_symlink").args([
                        text(&link),
                        "it's a target".into(),
                        "absent".into(),
                    ]),
                    Call::new("nw_symlink").args([
                        text(&link),
                        "other".into(),
                        "link:it's a target".into(),
                    ]),
                ],
            ),
            step(
                "directory",
                vec![Call::new("nw_directory").args([
                    text(&sub),
                    user.clone(),
                    group.clone(),
                    "0750".into(),
                ])],
            ),
            step(
                "remove",
                vec![Call::new("nw_remove").args([text(&gone), sum(&gone)])],
            ),
            step(
                "attributes",
                vec![Call::new("nw_attributes").args([text(&new), user, group, "4755".into()])],
            ),
            step(
                "own",
                vec![
                    Call::new("nw_own").args(["base/file:a", "/a", "11", "plain"]),
                    Call::new("nw_own").args(["base/file:a", "/a", "22", "secret"]),
                    Call::new("nw_own").args(["base/file:b", "/b", "33", "plain"]),
                    Call::new("nw_own").args(["base/file:b", "/b", "-", "plain"]),
                ],
            ),
        ],
        &[b"new\n\0\xff", b""],
    )
}

#[test]
fn files_are_replaced_kept_linked_and_removed_under_every_shell() {
    for words in SHELLS {
        let local = Local::new(words);
        let etc = local.path("etc dir $(x)");
        fs::create_dir(&etc).unwrap();
        let (file, new, gone, link) = (
            etc.join("file"),
            etc.join("new"),
            etc.join("gone"),
            etc.join("link"),
        );
        fs::write(&file, "old\n").unwrap();
        fs::write(&gone, "bye\n").unwrap();
        fs::write(etc.join(".nw-20200101T000000-aaaa-file"), "left behind").unwrap();
        let sub = etc.join("a/b");
        let batch = one_of_each(&etc);
        let events = local.run(&batch);
        assert_eq!(
            events.last(),
            Some(&SpoolEvent::Done(Outcome::Finished)),
            "{words:?} {events:?}"
        );
        assert_eq!(fs::read(&file).unwrap(), b"new\n\0\xff");
        assert_eq!(fs::read(&new).unwrap(), b"");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("other"));
        assert!(sub.is_dir() && !gone.exists());
        let mode = |p: &Path| {
            use std::os::unix::fs::PermissionsExt as _;
            fs::symlink_metadata(p).unwrap().permissions().mode() & 0o7777
        };
        assert_eq!(
            (mode(&file), mode(&new), mode(&sub), mode(&etc.join("a"))),
            (0o640, 0o4755, 0o750, 0o755)
        );
        let kept = |p: &Path| {
            local
                .run_dir(&batch)
                .join("kept")
                .join(p.strip_prefix("/").unwrap())
        };
        assert_eq!(fs::read(kept(&file)).unwrap(), b"old\n");
        assert_eq!(fs::read(kept(&gone)).unwrap(), b"bye\n");
        let left: Vec<_> = fs::read_dir(&etc)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert!(
            !left.iter().any(|n| n.to_string_lossy().starts_with(".nw-")),
            "{left:?}"
        );
        let manifest = fs::read_to_string(local.state().join("manifest")).unwrap();
        assert_eq!(
            manifest,
            format!("base/file:a\t/a\t22\t{}\tsecret\n", batch.run)
        );
        // No file that could hold a secret is left, and the lock is free.
        let mut left: Vec<_> = fs::read_dir(local.run_dir(&batch))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["go", "kept", "pid", "spool"]);
        assert!(fs::symlink_metadata(local.state().join("lock")).is_err());
        let journal = fs::read_to_string(local.state().join("journal")).unwrap();
        let events: Vec<_> = journal
            .lines()
            .map(|l| l.split('\t').skip(3).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            events[0],
            "begin anna@desk site crosslink commit abc tool 0 for apply"
        );
        assert_eq!(
            (events[1].as_str(), events.len(), events[8].as_str()),
            ("did replace", 9, "end ok")
        );
    }
}

#[test]
fn a_file_that_changed_since_the_plan_is_refused_and_named() {
    for words in SHELLS {
        let local = Local::new(words);
        let (file, later) = (local.path("file"), local.path("later"));
        fs::write(&file, "by hand\n").unwrap();
        let batch = batch(
            vec![
                step("replace", vec![replace(&file, OLD, 0, "yes")]),
                step(
                    "later",
                    vec![Call::new("touch").arg(later.to_str().unwrap())],
                ),
            ],
            &[b"new"],
        );
        let events = local.run(&batch);
        let lines = format!(
            "{} was changed since the plan was made: it was {OLD}, it is {}",
            file.display(),
            sum(&file)
        );
        assert_eq!(
            events[2..],
            [
                SpoolEvent::Begin(0, "replace".into()),
                SpoolEvent::Progress(0, lines.clone()),
                SpoolEvent::Output(0, lines),
                SpoolEvent::End(0, 3),
                SpoolEvent::Done(Outcome::Failed { step: 0, status: 3 }),
            ],
            "{words:?}"
        );
        assert_eq!(fs::read(&file).unwrap(), b"by hand\n");
        assert!(!later.exists());
    }
}
