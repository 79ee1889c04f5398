//! INI files and lines by their first word.

use super::*;

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
    // An address in another spelling is the same key.
    becomes(
        "2001:DB8:0::5 old\n2001:db8::50 x\n",
        &[keyed("2001:db8::5", Some("n1"))],
        "2001:db8::5 n1\n2001:db8::50 x\n",
    );
}
