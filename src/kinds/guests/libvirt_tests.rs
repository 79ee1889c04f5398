use super::*;

/// As `virsh -q` of libvirt 9.0 printed it: a guest that runs, one that does not, the network that the package brings.
const SAID: &str = "@nodewright:qemu:///system\n@nodewright: 3   web   running\n -   mail   shut off\n@nodewright: default   inactive   no   yes\n brred   active   yes   yes\n@nodewright: iso   active   yes\n";

fn answer(text: &str, status: i32) -> Answer {
    Answer::from_sections([(LISTS, text, status)])
}

#[test]
fn the_lists_are_told_apart() {
    let lists = lists(&answer(SAID, 0), None).unwrap();
    assert!(lists.answers);
    assert_eq!(lists.guests["web"], "running");
    assert_eq!(lists.guests["mail"], "shut off");
    assert_eq!(
        (lists.networks["default"], lists.networks["brred"]),
        (false, true)
    );
    assert!(lists.pools["iso"]);
}

/// Without a daemon nothing is printed, or only the marks.
#[test]
fn silence_is_no_answer() {
    for (text, status) in [
        ("", 1),
        ("", 127),
        ("@nodewright:@nodewright:@nodewright:@nodewright:", 1),
    ] {
        assert_eq!(
            lists(&answer(text, status), None).unwrap(),
            Lists::default(),
            "{text}"
        );
    }
    assert!(lists(&answer("", 124), None).is_err());
}

#[test]
fn a_definition_is_taken_from_between_the_marks() {
    let text = "@nodewright:nope:@nodewright:web:<domain>\n</domain>\n\n@nodewright:webs:<other/>";
    let answer = Answer::from_sections([("x", text, 0)]);
    let told = |name: &str| definition(&answer, "x", name).unwrap();
    assert_eq!(told("nope"), "");
    assert_eq!(told("web"), "<domain>\n</domain>");
    assert_eq!(told("webs"), "<other/>");
}

#[test]
fn a_name_is_one_word_of_virsh() {
    for wrong in ["", "-x", "a b", "a;b", "a'b", "a\"b"] {
        assert!(name_is_right("guest", wrong).is_err(), "{wrong}");
    }
    assert!(name_is_right("guest", "web-1.x_y").is_ok());
}
