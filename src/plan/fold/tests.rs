use super::*;
use proptest::prelude::*;

const PATH: &str = "/etc/x";

fn address(name: &str) -> Address {
    Address::parse(&format!("base/line:{name}")).unwrap()
}

fn edit(change: EditChange) -> Edit {
    Edit {
        path: PATH.into(),
        change,
        attributes: Attributes::default(),
    }
}

fn with_mode(mut edit: Edit, mode: &str) -> Edit {
    edit.attributes.mode = Some(mode.into());
    edit
}

fn whole(content: &str) -> Edit {
    edit(EditChange::Whole {
        content: Text::plain(content),
        check: None,
        once: false,
    })
}

fn once(content: &str) -> Edit {
    edit(EditChange::Whole {
        content: Text::plain(content),
        check: None,
        once: true,
    })
}

fn line(line: &str, matches: Option<&str>) -> Edit {
    edit(EditChange::Line {
        line: Text::plain(line),
        matches: matches.map(Into::into),
        absent: false,
    })
}

fn no_line(line: &str, matches: Option<&str>) -> Edit {
    edit(EditChange::Line {
        line: Text::plain(line),
        matches: matches.map(Into::into),
        absent: true,
    })
}

fn only(line: Option<&str>, matches: &str) -> Edit {
    edit(EditChange::Only {
        line: line.map(Text::plain),
        matches: matches.into(),
    })
}

fn block(name: &str, content: Option<&str>) -> Edit {
    edit(EditChange::Block {
        name: name.into(),
        content: content.map(Text::plain),
        comment: "#".into(),
    })
}

fn ini(section: &str, key: &str, value: Option<&str>) -> Edit {
    edit(EditChange::Ini {
        section: section.into(),
        key: key.into(),
        value: value.map(Text::plain),
        separator: "=".into(),
    })
}

fn keyed(key: &str, rest: Option<&str>) -> Edit {
    edit(EditChange::Keyed {
        key: key.into(),
        rest: rest.map(Text::plain),
    })
}

fn file(content: impl AsRef<[u8]>) -> PathSeen {
    PathSeen {
        kind: SeenKind::File {
            sha256: sha256(content.as_ref()),
            content: Some(content.as_ref().to_vec()),
        },
        mode: "644".into(),
        owner: "root".into(),
        group: "root".into(),
    }
}

fn other(kind: SeenKind) -> PathSeen {
    PathSeen {
        kind,
        mode: "755".into(),
        owner: "root".into(),
        group: "root".into(),
    }
}

fn fold_with(edits: &[Edit], seen: &PathSeen, vault: &Vault) -> Result<Folded, FoldError> {
    let addresses: Vec<_> = (0..edits.len())
        .map(|i| address(&format!("w{i}")))
        .collect();
    let wishes: Vec<_> = edits
        .iter()
        .zip(&addresses)
        .map(|(edit, address)| Wish { address, edit })
        .collect();
    fold(PATH, &wishes, seen, vault)
}

fn folded(edits: &[Edit], seen: &PathSeen) -> Folded {
    fold_with(edits, seen, &Vault::new()).unwrap()
}

fn refused(edits: &[Edit], seen: &PathSeen) -> String {
    fold_with(edits, seen, &Vault::new())
        .unwrap_err()
        .to_string()
}

#[track_caller]
fn becomes(old: impl AsRef<[u8]>, edits: &[Edit], new: impl AsRef<[u8]>) {
    let out = folded(edits, &file(&old));
    let content = out.content.clone().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&content),
        String::from_utf8_lossy(new.as_ref())
    );
    assert_eq!(content, new.as_ref());
    assert_eq!(out.same, old.as_ref() == new.as_ref());
    assert!(
        folded(edits, &file(&content)).same,
        "a second run changes it"
    );
}

// Whole files.

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
        for wish in [
            whole("a"),
            line("a", None),
            edit(EditChange::Symlink("y".into())),
        ] {
            let error = fold_with(&[wish], &seen, &Vault::new()).unwrap_err();
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

// Lines.

#[test]
fn a_line_is_added_at_the_end_once() {
    becomes("a\n", &[line("b", None)], "a\nb\n");
    becomes("a\nb\nc\n", &[line("b", None)], "a\nb\nc\n");
    becomes("", &[line("b", None)], "b\n");
}

#[test]
fn the_last_line_that_matches_is_replaced() {
    let wish = line("PermitRootLogin no", Some("^#?PermitRootLogin"));
    becomes(
        "#PermitRootLogin yes\nPermitRootLogin yes\nX\n",
        std::slice::from_ref(&wish),
        "#PermitRootLogin yes\nPermitRootLogin no\nX\n",
    );
    becomes("X\n", &[wish], "X\nPermitRootLogin no\n");
}

#[test]
fn a_line_that_its_expression_does_not_match_is_refused() {
    let error = refused(&[line("a=1", Some("^#a="))], &file(""));
    assert_eq!(
        error,
        "base/line:w0: `^#a=` does not match the line it is to bring, `a=1`: every run would change another line; write an expression that matches both"
    );
}

#[test]
fn an_expression_that_is_none_is_refused() {
    let error = refused(&[line("a", Some("a("))], &file(""));
    assert!(
        error.starts_with("base/line:w0: `a(` is no regular expression that can be used: "),
        "{error}"
    );
}

#[test]
fn lines_go_by_text_or_by_expression() {
    becomes("a\nb\na\n", &[no_line("a", None)], "b\n");
    becomes("a1\nb\na2\n", &[no_line("", Some("^a"))], "b\n");
    assert!(folded(&[no_line("a", None)], &PathSeen::absent()).same);
}

#[test]
fn a_missing_newline_stays_missing_until_something_follows() {
    becomes("a\nb", &[line("a", None)], "a\nb");
    becomes("a\nb", &[line("b2", Some("^b"))], "a\nb2");
    becomes("a", &[line("b", None)], "a\nb\n");
}

#[test]
fn carriage_returns_are_kept_as_the_file_has_them() {
    becomes("a\r\nb\r\n", &[line("c", None)], "a\r\nb\r\nc\r\n");
    becomes("a\r\nb\r\n", &[line("a2", Some("^a"))], "a2\r\nb\r\n");
    becomes(
        "[s]\r\nk=1\r\n",
        &[ini("s", "k", Some("2")), ini("s", "n", Some("3"))],
        "[s]\r\nk=2\r\nn=3\r\n",
    );
    becomes(
        "a\r\n",
        &[block("x", Some("l\n"))],
        "a\r\n# BEGIN nodewright x\r\nl\r\n# END nodewright x\r\n",
    );
}

#[test]
fn bytes_that_are_no_text_stay() {
    becomes(
        b"\xff\xfe\na\n\xe4=1\n",
        &[line("b", Some("^[ab]$"))],
        b"\xff\xfe\nb\n\xe4=1\n",
    );
    becomes(b"\xe4=1", &[ini("", "k", Some("v"))], b"\xe4=1\nk=v\n");
}

#[test]
fn a_very_long_line_is_a_line() {
    let long = "x".repeat(3_000_000);
    becomes(
        format!("{long}\na\n"),
        &[line("b", Some("^[ab]$"))],
        format!("{long}\nb\n"),
    );
}

#[test]
fn an_expression_keeps_one_of_many() {
    let wish = only(Some("key A new"), r"\sA(\s|$)");
    becomes(
        "key A one\nx\ncommand=no key A two\n",
        std::slice::from_ref(&wish),
        "key A new\nx\n",
    );
    becomes("x\n", &[wish], "x\nkey A new\n");
    becomes("key A one\nx\n", &[only(None, r"\sA(\s|$)")], "x\n");
}

#[test]
fn two_lines_in_one_are_refused() {
    for wish in [
        line("a\nb", None),
        ini("s", "k", Some("a\nb")),
        keyed("k", Some("a\rb")),
    ] {
        let error = refused(&[wish], &file(""));
        assert!(error.contains("is not one line"), "{error}");
    }
}

// Blocks.

#[test]
fn a_block_is_added_replaced_in_place_and_removed() {
    let marked = "# BEGIN nodewright ssh\nA\nB\n# END nodewright ssh\n";
    becomes("x\n", &[block("ssh", Some("A\nB"))], format!("x\n{marked}"));
    becomes(
        format!("x\n{marked}y\n"),
        &[block("ssh", Some("C\n"))],
        "x\n# BEGIN nodewright ssh\nC\n# END nodewright ssh\ny\n",
    );
    becomes(format!("x\n{marked}y\n"), &[block("ssh", None)], "x\ny\n");
    becomes(
        format!("x\n{marked}"),
        &[block("ssh", Some(""))],
        "x\n# BEGIN nodewright ssh\n# END nodewright ssh\n",
    );
}

#[test]
fn half_a_block_is_an_error_that_names_the_line() {
    let wish = [block("b", Some("A"))];
    assert_eq!(
        refused(&wish, &file("x\n# BEGIN nodewright b\nA\n")),
        "/etc/x: line 2: `# BEGIN nodewright b` has no end; put the mark that ends it below, or remove this one (wanted by base/line:w0)"
    );
    let error = refused(&wish, &file("# END nodewright b\n"));
    assert!(
        error.contains("line 1: `# END nodewright b` has no beginning"),
        "{error}"
    );
    let error = refused(&wish, &file("# END nodewright b\n# BEGIN nodewright b\n"));
    assert!(
        error.contains("line 2: `# BEGIN nodewright b` stands below its end in line 1"),
        "{error}"
    );
    let twice = "# BEGIN nodewright b\n# END nodewright b\n".repeat(2);
    let error = refused(&wish, &file(twice));
    assert!(
        error.contains("line 3: a mark of `# BEGIN nodewright b` stands twice"),
        "{error}"
    );
}

#[test]
fn a_block_that_holds_its_own_mark_is_refused() {
    let error = refused(&[block("b", Some("# END nodewright b\n"))], &file(""));
    assert!(
        error.contains("the block holds its own mark `# END nodewright b`"),
        "{error}"
    );
}

// INI.

#[test]
fn a_key_is_set_where_it_stands() {
    becomes(
        "# c\n[a]\nk=1\n\n[b]\nk=1\n",
        &[ini("b", "k", Some("2"))],
        "# c\n[a]\nk=1\n\n[b]\nk=2\n",
    );
    becomes("[a]\n\tk=1\n", &[ini("a", "k", Some("2"))], "[a]\n\tk=2\n");
    becomes("[a]\nk = 1\n", &[ini("a", "k", Some("1"))], "[a]\nk=1\n");
}

#[test]
fn a_key_is_added_after_the_last_of_its_section() {
    becomes(
        "[a]\nx=1\n\n[b]\ny=1\n",
        &[ini("a", "k", Some("2"))],
        "[a]\nx=1\nk=2\n\n[b]\ny=1\n",
    );
    becomes("[a]\n[b]\n", &[ini("a", "k", Some("2"))], "[a]\nk=2\n[b]\n");
}

#[test]
fn a_missing_section_is_added_at_the_end() {
    becomes(
        "[a]\nx=1\n",
        &[ini("n", "k", Some("2"))],
        "[a]\nx=1\n\n[n]\nk=2\n",
    );
    becomes(
        "",
        &[ini("n", "k", Some("2")), ini("n", "l", Some("3"))],
        "[n]\nk=2\nl=3\n",
    );
    becomes("[a]\n", &[ini("n", "k", None)], "[a]\n");
}

#[test]
fn keys_before_the_first_section() {
    becomes(
        "HOSTNAME=a\nGATEWAY=b\n",
        &[ini("", "HOSTNAME", Some("n1"))],
        "HOSTNAME=n1\nGATEWAY=b\n",
    );
    becomes(
        "# top\n\n[s]\nk=1\n",
        &[ini("", "k", Some("2"))],
        "# top\nk=2\n\n[s]\nk=1\n",
    );
    becomes("[s]\nk=1\n", &[ini("", "k", Some("2"))], "k=2\n[s]\nk=1\n");
}

#[test]
fn case_counts_and_a_commented_key_is_none() {
    becomes(
        "[s]\n#k=1\nK=1\n",
        &[ini("s", "k", Some("2"))],
        "[s]\n#k=1\nK=1\nk=2\n",
    );
    becomes(
        "[S]\nk=1\n",
        &[ini("s", "k", Some("2"))],
        "[S]\nk=1\n\n[s]\nk=2\n",
    );
    becomes("[s]\n;k=2\n", &[ini("s", "k", None)], "[s]\n;k=2\n");
}

#[test]
fn a_key_that_stands_often_is_kept_at_its_last_place() {
    becomes(
        "[s]\nk=1\nx=1\n[t]\n[s]\nk=3\n",
        &[ini("s", "k", Some("2"))],
        "[s]\nx=1\n[t]\n[s]\nk=2\n",
    );
    becomes(
        "[s]\nk=1\n[t]\n[s]\nk=3\n",
        &[ini("s", "k", None)],
        "[s]\n[t]\n[s]\n",
    );
    becomes(
        "[s]\na=1\n[t]\n[s]\nb=1\n",
        &[ini("s", "k", Some("2"))],
        "[s]\na=1\n[t]\n[s]\nb=1\nk=2\n",
    );
}

#[test]
fn lines_that_carry_on_a_value_go_with_it() {
    becomes(
        "[r]\nbaseurl=http://a/\n   http://b/?x=1\nname=n\n",
        &[ini("r", "baseurl", Some("http://c/"))],
        "[r]\nbaseurl=http://c/\nname=n\n",
    );
    becomes(
        "[g]\na = 1\n  k = 2\n",
        &[ini("g", "a", Some("3"))],
        "[g]\na=3\n  k = 2\n",
    );
}

// Lines by their first word.

#[test]
fn a_keyed_line_is_one_per_key() {
    becomes(
        "127.0.0.1 localhost\n10.0.2.1\told\n10.0.2.1 older\n",
        &[keyed("10.0.2.1", Some("n1 n1.example"))],
        "127.0.0.1 localhost\n10.0.2.1 n1 n1.example\n",
    );
    becomes(
        "10.0.2.1\t n1   n1.example\n",
        &[keyed("10.0.2.1", Some("n1 n1.example"))],
        "10.0.2.1\t n1   n1.example\n",
    );
    becomes(
        "10.0.2.10 x\n",
        &[keyed("10.0.2.1", Some("n1"))],
        "10.0.2.10 x\n10.0.2.1 n1\n",
    );
    becomes("10.0.2.1 a\nb\n", &[keyed("10.0.2.1", None)], "b\n");
}

// Conflicts.

#[track_caller]
fn conflict(first: Edit, second: Edit) -> String {
    let (a, b) = (address("one"), address("two"));
    let wishes = [
        Wish {
            address: &a,
            edit: &first,
        },
        Wish {
            address: &b,
            edit: &second,
        },
    ];
    let mut found = conflicts(PATH, &wishes);
    assert_eq!(found.len(), 1, "{found:?}");
    let conflict = found.remove(0);
    assert_eq!(
        fold(PATH, &wishes, &PathSeen::absent(), &Vault::new()),
        Err(FoldError::Conflict(conflict.clone()))
    );
    assert_eq!((conflict.first, conflict.second), (a, b));
    conflict.what
}

#[test]
fn wishes_at_odds_name_both_steps() {
    let (a, b) = (address("one"), address("two"));
    let (first, second) = (whole("a"), whole("b"));
    let wishes = [
        Wish {
            address: &a,
            edit: &first,
        },
        Wish {
            address: &b,
            edit: &second,
        },
    ];
    assert_eq!(
        conflicts(PATH, &wishes)[0].to_string(),
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
fn the_same_wish_twice_and_wishes_about_other_places_are_none() {
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
    let wishes: Vec<_> = edits
        .iter()
        .map(|edit| Wish {
            address: &mine,
            edit,
        })
        .collect();
    assert_eq!(conflicts(PATH, &wishes), []);
}

// Nothing there.

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
    };
    assert_eq!(
        refused(&[line("a", None)], &seen),
        "/etc/x: its content was not read"
    );
}

// Who changed it.

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
    let wish = with_mode(secret_line(), "0644");
    assert_eq!(
        refused(&[wish], &PathSeen::absent()),
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

// Folding what was folded.

fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "a=1",
        "a=2",
        "b=1",
        " a=1",
        "#a=1",
        "[s]",
        "[t]",
        "k x",
        "k y",
        "",
        "w",
        "# BEGIN nodewright b",
        "# END nodewright b",
        "\r",
        "a",
        "\u{e4}",
        "  more",
    ]);
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", ""]);
    prop::collection::vec((piece, end), 0..12).prop_map(|lines| {
        let mut bytes: Vec<u8> = lines
            .into_iter()
            .flat_map(|(l, e)| [l, e])
            .collect::<String>()
            .into_bytes();
        for byte in &mut bytes {
            if *byte == 0xc3 {
                *byte = 0xff;
            }
        }
        bytes
    })
}

fn wish() -> impl Strategy<Value = Edit> {
    let value = || prop::option::of(prop::sample::select(vec!["1", "2", "x", ""]));
    prop_oneof![
        (
            prop::sample::select(vec!["a=1", "a=3", "w", "", "k z", "  more"]),
            prop::option::of(prop::sample::select(vec!["^a=", "a", "^w?$", ".", "k"])),
            any::<bool>()
        )
            .prop_map(|(l, m, absent)| if absent { no_line(l, m) } else { line(l, m) }),
        (
            prop::option::of(prop::sample::select(vec!["a=1", "k q", "w"])),
            prop::sample::select(vec!["^a", "^k ", "w"])
        )
            .prop_map(|(l, m)| only(l, m)),
        (
            prop::sample::select(vec!["b", "c"]),
            prop::option::of(prop::sample::select(vec!["", "a=1\n", "w\nv", "[s]\n"]))
        )
            .prop_map(|(n, c)| block(n, c)),
        (
            prop::sample::select(vec!["", "s", "u"]),
            prop::sample::select(vec!["a", "b", "k"]),
            value()
        )
            .prop_map(|(s, k, v)| ini(s, k, v)),
        (prop::sample::select(vec!["k", "a", "#"]), value()).prop_map(|(k, v)| keyed(k, v)),
        prop::sample::select(vec!["", "a=1\n[s]\nb=1", "w\r\n"]).prop_map(whole),
        prop::sample::select(vec!["", "a=1\n"]).prop_map(once),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn folding_again_changes_nothing(bytes in content(), edits in prop::collection::vec(wish(), 1..5)) {
        let seen = file(&bytes);
        let Ok(out) = fold_with(&edits, &seen, &Vault::new()) else { return Ok(()); };
        let Some(new) = out.content else { prop_assert!(out.same); return Ok(()); };
        prop_assert_eq!(out.same, new == bytes);
        let again = fold_with(&edits, &file(&new), &Vault::new()).unwrap();
        prop_assert!(again.same, "{:?} became {:?}", String::from_utf8_lossy(&new), again.content.map(|c| String::from_utf8_lossy(&c).into_owned()));
        prop_assert_eq!(out.same, out.changed_by.is_empty());
    }

    #[test]
    fn a_single_wish_always_settles(bytes in content(), edit in wish()) {
        match fold_with(std::slice::from_ref(&edit), &file(&bytes), &Vault::new()) {
            Err(FoldError::Unsettled { .. }) => prop_assert!(false, "{edit:?}"),
            Err(FoldError::Bad { .. } | FoldError::File { .. }) | Ok(_) => {}
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn taking_lines_apart_loses_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Lines::of(&bytes).bytes(), bytes);
    }
}
