//! Contradicting requests, files that do not exist yet, authors, secrets.

use super::*;

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "so that a test is one line")]
fn conflict(first: Edit, second: Edit) -> String {
    let (a, b) = (address("one"), address("two"));
    let requests = [
        EditRequest {
            address: &a,
            edit: &first,
        },
        EditRequest {
            address: &b,
            edit: &second,
        },
    ];
    let mut found = conflicts(PATH, &requests);
    assert_eq!(found.len(), 1, "{found:?}");
    let conflict = found.remove(0);
    assert_eq!(
        fold(PATH, &requests, &PathSeen::absent(), &Vault::new()),
        Err(FoldError::Conflict(conflict.clone()))
    );
    assert_eq!((conflict.first, conflict.second), (a, b));
    conflict.what
}

#[test]
fn contradicting_edits_name_both_steps() {
    let (a, b) = (address("one"), address("two"));
    let (first, second) = (whole("a"), whole("b"));
    let requests = [
        EditRequest {
            address: &a,
            edit: &first,
        },
        EditRequest {
            address: &b,
            edit: &second,
        },
    ];
    assert_eq!(
        conflicts(PATH, &requests)[0].to_string(),
        "/etc/x: base/line:one and base/line:two want different things: a whole file, and a whole file"
    );
}

#[test]
fn different_things_of_the_same_place_are_conflicts() {
    assert_eq!(
        conflict(line("a=1", Some("^a=")), line("a=2", Some("^a="))),
        "the line `a=1`, and the line `a=2`"
    );
    assert_eq!(
        conflict(line("a=1", Some("^a=")), line("a=2", None)),
        "the line `a=1`, and the line `a=2`"
    );
    assert_eq!(
        conflict(no_line("", Some("^a")), line("a", None)),
        "no line that matches `^a`, and the line `a`"
    );
    assert_eq!(
        conflict(ini("s", "k", Some("1")), ini("s", "k", Some("2"))),
        "`[s] k=1`, and `[s] k=2`"
    );
    assert_eq!(
        conflict(ini("s", "k", Some("1")), ini("s", "k", None)),
        "`[s] k=1`, and no key `k` in `[s]`"
    );
    assert_eq!(
        conflict(keyed("k", Some("1")), keyed("k", Some("2"))),
        "`k 1`, and `k 2`"
    );
    assert_eq!(
        conflict(block("b", Some("1")), block("b", Some("2"))),
        "the block `b`, and the block `b`"
    );
    assert_eq!(
        conflict(block("b", Some("a=2")), line("a=1", Some("^a="))),
        "the block `b`, and the line `a=1`"
    );
    assert_eq!(
        conflict(whole("a"), edit(EditChange::Directory)),
        "a whole file, and a directory"
    );
    assert_eq!(
        conflict(line("a", None), edit(EditChange::Absent)),
        "the line `a`, and nothing there"
    );
    assert_eq!(
        conflict(
            edit(EditChange::Symlink("a".into())),
            edit(EditChange::Symlink("b".into()))
        ),
        "a symbolic link to a, and a symbolic link to b"
    );
    assert_eq!(
        conflict(
            with_mode(line("a", None), "0640"),
            with_mode(line("b", None), "0600")
        ),
        "mode 0640, and mode 0600"
    );
}

#[test]
fn the_same_edit_twice_and_edits_of_other_places_do_not_contradict() {
    let edits = [
        line("a", None),
        line("a", None),
        ini("s", "k", Some("1")),
        ini("t", "k", Some("2")),
        keyed("k1", Some("x")),
        block("b", Some("y")),
        with_mode(line("c", Some("^c$")), "644"),
        with_mode(line("d", None), "0644"),
    ];
    let mine = address("one");
    let requests: Vec<_> = edits
        .iter()
        .map(|edit| EditRequest {
            address: &mine,
            edit,
        })
        .collect();
    assert_eq!(conflicts(PATH, &requests), []);
}

// Files that do not exist yet.

#[test]
fn lines_alone_make_a_file_from_nothing_and_say_so() {
    let out = folded(
        &[line("a", None), ini("s", "k", Some("v"))],
        &PathSeen::absent(),
    );
    assert!(out.from_nothing);
    assert_eq!(out.content.as_deref(), Some(b"a\n\n[s]\nk=v\n".as_slice()));
    assert_eq!(out.changed_by, [0, 1]);
    let out = folded(&[line("a", None), whole("w\n")], &PathSeen::absent());
    assert!(!out.from_nothing);
}

#[test]
fn a_file_that_was_not_read_is_not_taken_for_empty() {
    let mut seen = file("a\n");
    seen.kind = SeenKind::File {
        sha256: "00".into(),
        content: None,
        bytes: 2,
    };
    assert_eq!(
        refused(&[line("a", None)], &seen),
        "/etc/x: its content was not read; a file that is edited by lines may have 1 MiB, and all of them together 8 MiB"
    );
}

// Authors of a change.

#[test]
fn only_those_who_make_a_difference_are_named() {
    let edits = [line("a", None), line("b", None), line("c", None)];
    assert_eq!(folded(&edits, &file("a\nc\n")).changed_by, [1]);
    let edits = [whole("a\n"), line("b", None)];
    assert_eq!(folded(&edits, &file("a\n")).changed_by, [1]);
    assert_eq!(folded(&edits, &file("x\nb\n")).changed_by, [0]);
    assert_eq!(folded(&edits, &file("a\nb\n")).changed_by, [] as [usize; 0]);
}

// Secrets.

fn secret_line() -> Edit {
    edit(EditChange::Line {
        line: Text::new(format!("password {}", crate::text::mark("drbd"))).unwrap(),
        matches: Some("^password".into()),
        absent: false,
    })
}

#[test]
fn a_secret_taints_and_closes_the_file() {
    let vault = Vault::from([("drbd".to_owned(), "s3".to_owned())]);
    let out = fold_with(&[secret_line()], &PathSeen::absent(), &vault).unwrap();
    assert_eq!(out.content.as_deref(), Some(b"password s3\n".as_slice()));
    assert!(out.tainted);
    assert_eq!(out.secrets, BTreeSet::from(["drbd".to_owned()]));
    assert_eq!(out.attributes.mode, "0600");
    let out = fold_with(&[secret_line()], &file("password s3\n"), &vault).unwrap();
    assert_eq!(out.deltas, [Delta::new("mode", "0644", "0640")]);
    assert_eq!(out.changed_by, [0]);
}

#[test]
fn a_secret_in_a_file_for_everybody_is_refused() {
    let request = with_mode(secret_line(), "0644");
    assert_eq!(
        refused(&[request], &PathSeen::absent()),
        "/etc/x: base/line:w0 and base/line:w0 want different things: a secret in it, and mode 0644, with which others may reach it; 0600 or 0640 would be right"
    );
}

#[test]
fn a_secret_without_a_value_is_named() {
    assert_eq!(
        refused(&[secret_line()], &PathSeen::absent()),
        "base/line:w0: secret `drbd` has no value: `nodewright secret set drbd`"
    );
}

#[test]
fn a_secret_is_in_no_message() {
    let vault = Vault::from([("drbd".to_owned(), "s3\ncr3t".to_owned())]);
    let error = fold_with(&[secret_line()], &PathSeen::absent(), &vault).unwrap_err();
    assert_eq!(
        error.to_string(),
        "base/line:w0: `password ‹secret drbd›` is not one line"
    );
}
