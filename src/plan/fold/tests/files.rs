//! Whole files, directories, links.

use super::*;

#[test]
fn a_new_file_is_root_root_0644() {
    let out = folded(&[whole("a\n")], &PathSeen::absent());
    assert_eq!(out.content.as_deref(), Some(b"a\n".as_slice()));
    assert_eq!(
        out.attributes,
        Resolved {
            owner: "root".into(),
            group: "root".into(),
            mode: "0644".into()
        }
    );
    assert_eq!(out.deltas, [Delta::new("state", "absent", "file")]);
    assert!(!out.same && out.content_differs && !out.from_nothing);
    assert_eq!(
        out.sha256,
        "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    );
}

#[test]
fn the_same_file_is_the_same_without_its_content_read() {
    let mut seen = file("a\n");
    let SeenKind::File { content, .. } = &mut seen.kind else {
        unreachable!()
    };
    *content = None;
    assert!(folded(&[whole("a\n")], &seen).same);
    let out = folded(&[whole("b\n")], &seen);
    assert!(!out.same);
    assert_eq!(out.changed_by, [0]);
}

#[test]
fn an_existing_file_keeps_its_owner_and_mode_where_nobody_says_them() {
    let mut seen = file("a\n");
    seen.mode = "640".into();
    seen.group = "named".into();
    let out = folded(&[whole("b\n")], &seen);
    assert_eq!(
        (out.attributes.mode.as_str(), out.attributes.group.as_str()),
        ("0640", "named")
    );
    assert!(out.deltas.is_empty());
}

#[test]
fn a_mode_alone_is_a_difference() {
    let out = folded(&[with_mode(whole("a\n"), "0600")], &file("a\n"));
    assert_eq!(out.deltas, [Delta::new("mode", "0644", "0600")]);
    assert!(!out.same && !out.content_differs);
    assert_eq!(out.changed_by, [0]);
    assert!(folded(&[with_mode(whole("a\n"), "0644")], &file("a\n")).same);
}

#[test]
fn a_file_made_once_is_kept_as_it_is() {
    assert_eq!(
        folded(&[once("new\n")], &PathSeen::absent())
            .content
            .as_deref(),
        Some(b"new\n".as_slice())
    );
    let out = folded(&[once("new\n")], &file("old\n"));
    assert!(out.same);
    assert_eq!(out.content, None);
    assert!(
        folded(
            &[once("new\n")],
            &other(SeenKind::Symlink { target: "y".into() })
        )
        .same
    );
}

#[test]
fn lines_go_on_top_of_a_whole_file_and_of_one_made_once() {
    becomes("junk\n", &[line("b", None), whole("a\n")], "a\nb\n");
    becomes("junk\n", &[once("a\n"), line("b", None)], "junk\nb\n");
}

#[test]
fn a_whole_file_takes_the_place_of_a_link_but_lines_do_not() {
    let link = other(SeenKind::Symlink {
        target: "../selinux/config".into(),
    });
    let out = folded(&[whole("a\n")], &link);
    assert_eq!(
        out.deltas,
        [Delta::new("state", "link to ../selinux/config", "file")]
    );
    assert_eq!(
        refused(&[line("a", None)], &link),
        "/etc/x is a symbolic link to ../selinux/config; base/line:w0 wants a file: it is left as it is, move it away by hand"
    );
}

#[test]
fn a_directory_or_a_device_is_never_replaced() {
    for kind in [
        SeenKind::Directory { entries: None },
        SeenKind::Other("fifo".into()),
    ] {
        let seen = other(kind);
        for request in [
            whole("a"),
            line("a", None),
            edit(EditChange::Symlink("y".into())),
        ] {
            let error = fold_with(&[request], &seen, &Vault::new()).unwrap_err();
            assert!(matches!(error, FoldError::OtherKind { .. }), "{error}");
        }
    }
}

#[test]
fn the_check_comes_along() {
    let words = vec!["visudo".to_owned(), "-cf".into(), "{staged}".into()];
    let checked = edit(EditChange::Whole {
        content: Text::plain("a"),
        check: Some(words.clone()),
        once: false,
    });
    assert_eq!(folded(&[checked], &file("a")).check, Some(words));
}

// Directories, links, nothing.

#[test]
fn a_directory_is_made_0755_or_mended() {
    let dir = edit(EditChange::Directory);
    assert_eq!(
        folded(std::slice::from_ref(&dir), &PathSeen::absent())
            .attributes
            .mode,
        "0755"
    );
    let out = folded(
        &[with_mode(dir, "0700")],
        &other(SeenKind::Directory { entries: None }),
    );
    assert_eq!(out.deltas, [Delta::new("mode", "0755", "0700")]);
    assert_eq!(out.content, None);
}

#[test]
fn a_link_is_made_turned_or_left() {
    let link = [edit(EditChange::Symlink("a".into()))];
    let seen = |target: &str| {
        other(SeenKind::Symlink {
            target: target.into(),
        })
    };
    assert!(folded(&link, &seen("a")).same);
    assert_eq!(
        folded(&link, &seen("b")).deltas,
        [Delta::new("state", "link to b", "link to a")]
    );
    assert_eq!(
        folded(&link, &file("x")).deltas,
        [Delta::new("state", "file", "link to a")]
    );
    assert_eq!(
        folded(&link, &PathSeen::absent()).attributes,
        Resolved::default()
    );
}

#[test]
fn what_is_to_go_goes_unless_it_holds_something() {
    let gone = [edit(EditChange::Absent)];
    assert!(folded(&gone, &PathSeen::absent()).same);
    assert_eq!(
        folded(&gone, &file("x")).deltas,
        [Delta::new("state", "file", "absent")]
    );
    let full = other(SeenKind::Directory {
        entries: Some(vec!["a".into(), "b".into()]),
    });
    assert_eq!(
        refused(&gone, &full),
        "/etc/x is to be removed by base/line:w0, and is not empty: a, b"
    );
    let empty = other(SeenKind::Directory {
        entries: Some(vec![]),
    });
    assert_eq!(folded(&gone, &empty).after, PathState::Absent);
}
