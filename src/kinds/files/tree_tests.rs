use super::super::super::testing::{
    actions, changes, contents, error, queries, resources_on, shown, target, verdict,
};
use super::*;
use crate::kinds::testing;
use crate::platform::Platform;
use serde_json::{Value, json};

/// `stat` and `sha256sum` of coreutils 9.1, run on a folder made with these files.
const STAT: &str = "41e8 80 750 root root /etc/drbd.d\n81a0 2 640 root root /etc/drbd.d/a.res\n81a0 2 640 root root /etc/drbd.d/g.conf\n";
/// The first is that of printf 'a\n'; the second is of some other content.
const SUM: &str = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7  /etc/drbd.d/a.res\n0000000000000000000000000000000000000000000000000000000000000000  /etc/drbd.d/g.conf\n";

fn step() -> Value {
    json!({
        "tree": "/etc/drbd.d", "mode": "0640", "check": "drbdadm -c {joined} dump",
        "files": [{ "name": "g.conf", "content": "g\n" }, { "name": "a.res", "content": "a\n" }],
    })
}

fn good_sums() -> String {
    format!(
        "{}  /etc/drbd.d/a.res\n{}  /etc/drbd.d/g.conf\n",
        "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7",
        "768c71d785bf6bbbf8c4d6af6582041f2659027140a962cd0c55b11eddfd5e3d"
    )
}

#[test]
fn two_processes_look_at_all_folders() {
    assert_eq!(
        queries(&step(), Platform::El6),
        [
            "tree.stat: nw_tree_seen stat /etc/drbd.d",
            "tree.sum: nw_tree_read '768c71d785bf6bbbf8c4d6af6582041f2659027140a962cd0c55b11eddfd5e3d  /etc/drbd.d/g.conf"
        ]
    );
}

#[test]
fn a_folder_as_wanted_is_the_same() {
    let sections = [("tree.stat", STAT, 0), ("tree.sum", &good_sums(), 0)];
    assert_eq!(verdict(&step(), &sections), Verdict::Same);
}

#[test]
fn a_folder_that_is_not_there_is_made() {
    assert_eq!(
        changes(&step(), &[("tree.stat", "", 1), ("tree.sum", "", 0)]),
        [
            "folder: absent -> 0750 root:root",
            "g.conf: absent -> file",
            "a.res: absent -> file"
        ]
    );
}

#[test]
fn every_difference_is_named() {
    let stat = "41ed 80 755 root root /etc/drbd.d\n81a4 2 644 root root /etc/drbd.d/g.conf\n41ed 40 755 root root /etc/drbd.d/a.res\n81a4 7 644 root root /etc/drbd.d/old.res\n";
    assert_eq!(
        changes(
            &step(),
            &[
                ("tree.stat", stat, 0),
                ("tree.sum", SUM.lines().last().unwrap(), 0)
            ]
        ),
        [
            "folder: 0755 root:root -> 0750 root:root",
            "g.conf: other content -> as rendered",
            "g.conf: 0644 root:root -> 0640 root:root",
            "a.res: no file -> file",
            "old.res: there -> absent",
        ]
    );
}

#[test]
fn what_is_no_folder_is_refused() {
    let link = "a1ff 7 777 root root /etc/drbd.d\n";
    assert_eq!(
        verdict(&step(), &[("tree.stat", link, 0), ("tree.sum", "", 0)]),
        Verdict::refuse("/etc/drbd.d is a symbolic link, not a folder", "node1")
    );
}

#[test]
fn what_becomes_of_each_file_is_reported() {
    let stat = "41e8 80 750 root root /etc/drbd.d\n81a0 9 640 root root /etc/drbd.d/g.conf\n81a0 7 640 root root /etc/drbd.d/old.res\n41ed 40 755 root root /etc/drbd.d/sub\n";
    let sum = format!(
        "{0}  /etc/drbd.d/g.conf\n{0}  /etc/drbd.d/old.res\n{0}  /etc/other/g.conf\n\nzz content /etc/drbd.d/old.res\nold\n",
        "0".repeat(64)
    );
    let resource = resources_on(&step(), Platform::El7).remove(0);
    let answer = Answer::from_sections([("tree.stat", stat, 0), ("tree.sum", &sum, 0)]);
    let work = testing::mend(&[&resource], &target(Platform::El7), &answer);
    let files: Vec<FileChange> = work.changes.into_iter().map(|(_, f)| f).collect();
    let file = |name: &str, old: Found, new: Option<&str>| FileChange {
        path: format!("/etc/drbd.d/{name}"),
        old,
        new: new.map(Text::plain),
    };
    let unread = Found::Unread {
        bytes: 9,
        sha256: "0".repeat(64),
    };
    assert_eq!(
        files,
        [
            file("g.conf", unread, Some("g\n")),
            file("a.res", Found::Absent, Some("a\n")),
            file("old.res", Found::Content(b"old\n".to_vec()), None),
        ]
    );
}

#[test]
fn no_content_of_a_secret_is_asked_for() {
    let secret = json!({ "name": "k", "content": crate::text::mark("pw") });
    let step = json!({ "tree": "/etc/d", "files": [secret] });
    assert_eq!(
        queries(&step, Platform::El7)[1],
        "tree.sum: nw_tree_read '-  /etc/d/k' /etc/d"
    );
}

#[test]
fn an_answer_that_is_none_is_not_taken_for_nothing_there() {
    let resource = resources_on(&step(), Platform::El7).remove(0);
    for sections in [
        vec![],
        vec![("tree.stat", "", 127), ("tree.sum", "", 127)],
        vec![("tree.stat", "odd\n", 0), ("tree.sum", "", 0)],
    ] {
        let answer = Answer::from_sections(sections);
        assert!(testing::compare(&resource, &target(Platform::El7), &answer, false).is_err());
    }
}

#[test]
fn it_is_replaced_by_one_call() {
    let sections = [("tree.stat", "", 1), ("tree.sum", "", 0)];
    assert_eq!(
        actions(&step(), &sections),
        [
            "nw_tree_replace /etc/drbd.d 0750 root root 0640 '' '' 2 g.conf \"$NW_BLOB/0\" a.res \"$NW_BLOB/1\" drbdadm -c '{joined}' dump"
        ]
    );
    let resource = resources_on(&step(), Platform::El7).remove(0);
    let answer = Answer::from_sections(sections);
    let preflight = testing::mend(&[&resource], &target(Platform::El7), &answer).preflight;
    assert_eq!(
        preflight[0].to_shell(),
        "nw_tree_check 2 g.conf \"$NW_BLOB/0\" a.res \"$NW_BLOB/1\" drbdadm -c '{joined}' dump"
    );
    assert_eq!(
        contents(&step(), &sections),
        ["g\n", "a\n"].map(|text| Payload::Text(Text::plain(text)))
    );
}

#[test]
fn a_secret_in_a_file_is_compared_and_never_shown() {
    let step =
        json!({ "tree": "/etc/d", "files": [{ "name": "k", "content": crate::text::mark("pw") }] });
    let stat = "41c0 60 700 root root /etc/d\n8180 3 600 root root /etc/d/k\n";
    // printf abc | sha256sum
    let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  /etc/d/k\n";
    let sections = [("tree.stat", stat, 0), ("tree.sum", sum, 0)];
    assert_eq!(verdict(&step, &sections), Verdict::Same);
    let resource = resources_on(&step, Platform::El7).remove(0);
    let differs = |value: &str| {
        let vault = Vault::from([("pw".to_owned(), value.to_owned())]);
        let answer = Answer::from_sections(sections);
        let node = target(Platform::El7);
        let compared = testing::compare_with(&resource, &node, &answer, false, &vault);
        let deltas = compared.unwrap().secret;
        deltas.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(differs("abc"), [] as [&str; 0]);
    assert_eq!(differs("abd"), ["k: other content -> as rendered"]);
    // Its former files are not kept: they held one, too.
    assert_eq!(
        actions(&step, &sections),
        [
            "nw_tree_replace /etc/d 0700 root root 0600 /etc/d/k 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  /etc/d/k' 1 k \"$NW_BLOB/0\""
        ]
    );
    assert_eq!(resource.files.secrets, ["/etc/d/k"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let with = |key: &str, value: Value| {
        let mut step = step();
        step[key] = value;
        error(&step)
    };
    assert!(with("tree", json!("/etc")).contains("not replaced as a whole"));
    assert!(with("tree", json!("etc/x")).contains("absolute path"));
    for bad in ["", "a/b", "..", ".x", "-x", "a\nb", "a\\b"] {
        assert!(
            !with("files", json!([{ "name": bad, "content": "" }])).is_empty(),
            "{bad:?}"
        );
    }
    let long = json!([{ "name": "x".repeat(256), "content": "" }]);
    assert!(with("files", long).contains("too long"));
    let file = json!({ "name": "a", "content": "" });
    assert!(with("files", json!([file, file])).contains("`a` is listed twice"));
    assert!(with("check", json!("true")).contains("{staged} (the folder) or {joined}"));
    assert!(with("check", json!("corosnyc /k")).contains("did you mean `corosync`?"));
    assert!(with("check", json!("nw_tree_swap {staged}")).contains("no program"));
    let secret = json!([{ "name": "a", "content": crate::text::mark("pw") }]);
    let mut open = step();
    open["files"] = secret;
    open["mode"] = json!("0644");
    assert!(error(&open).contains("everybody may read it"));
}
