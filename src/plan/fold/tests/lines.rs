//! Lines and blocks.

use super::*;

#[test]
fn a_line_is_added_at_the_end_once() {
    becomes("a\n", &[line("b", None)], "a\nb\n");
    becomes("a\nb\nc\n", &[line("b", None)], "a\nb\nc\n");
    becomes("", &[line("b", None)], "b\n");
}

#[test]
fn the_last_line_that_matches_is_replaced() {
    let request = line("PermitRootLogin no", Some("^#?PermitRootLogin"));
    becomes(
        "#PermitRootLogin yes\nPermitRootLogin yes\nX\n",
        std::slice::from_ref(&request),
        "#PermitRootLogin yes\nPermitRootLogin no\nX\n",
    );
    becomes("X\n", &[request], "X\nPermitRootLogin no\n");
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
    let request = only(Some("key A new"), r"\sA(\s|$)");
    becomes(
        "key A one\nx\ncommand=no key A two\n",
        std::slice::from_ref(&request),
        "key A new\nx\n",
    );
    becomes("x\n", &[request], "x\nkey A new\n");
    becomes("key A one\nx\n", &[only(None, r"\sA(\s|$)")], "x\n");
}

#[test]
fn two_lines_in_one_are_refused() {
    for request in [
        line("a\nb", None),
        ini("s", "k", Some("a\nb")),
        keyed("k", Some("a\rb")),
    ] {
        let error = refused(&[request], &file(""));
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
    let request = [block("b", Some("A"))];
    assert_eq!(
        refused(&request, &file("x\n# BEGIN nodewright b\nA\n")),
        "/etc/x: line 2: `# BEGIN nodewright b` has no end; put the mark that ends it below, or remove this one (wanted by base/line:w0)"
    );
    let error = refused(&request, &file("# END nodewright b\n"));
    assert!(
        error.contains("line 1: `# END nodewright b` has no beginning"),
        "{error}"
    );
    let error = refused(
        &request,
        &file("# END nodewright b\n# BEGIN nodewright b\n"),
    );
    assert!(
        error.contains("line 2: `# BEGIN nodewright b` begins below its end in line 1"),
        "{error}"
    );
    let twice = "# BEGIN nodewright b\n# END nodewright b\n".repeat(2);
    let error = refused(&request, &file(twice));
    assert!(
        error.contains("line 3: a mark of `# BEGIN nodewright b` is there twice"),
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
