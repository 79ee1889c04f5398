//! More than one operator: two runs at once, an older checkout, what nobody wants any more.

use crate::nodes;
use crate::rig::Rig;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

#[test]
fn a_second_run_names_who_holds_the_node() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", "mkfifo /run/gate");
    rig.role("[[step]]\ncommand = [\"sh\", \"-c\", \"cat /run/gate; touch /run/passed\"]\ncreates = \"/run/passed\"");
    let mut first = rig
        .desk
        .command(&["--lab", "--json", "apply", "--yes"])
        .env("USER", "beat")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(first.stdout.take().unwrap()).lines();
    let begun = said
        .by_ref()
        .map(Result::unwrap)
        .find(|l| l.contains("\"step-begin\""));
    assert!(begun.is_some(), "the first run came to its step");

    let second = rig.apply();
    let failed = second.failed();
    assert_eq!((second.code, failed.len()), (7, 1), "{}", second.err);
    let lock = rig.nodes.ok("node1", "readlink /var/lib/nodewright/lock");
    let run = lock.split(' ').next().unwrap();
    assert!(
        failed[0].contains(run) && failed[0].contains("beat@"),
        "{failed:?}"
    );
    assert!(
        rig.plan().notes().iter().any(|n| n.contains(run)),
        "plan tells of it too"
    );

    rig.nodes.ok("node1", "echo >/run/gate");
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    assert!(first.wait().unwrap().success(), "{rest:?}");
    rig.nodes.ok(
        "node1",
        "test -e /run/passed && ! test -L /var/lib/nodewright/lock",
    );
    rig.nothing_to_do();
}

#[test]
fn an_older_checkout_stops_and_says_who_applied_what_when() {
    let rig = Rig::new(nodes::debian(1));
    let git = |words: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(rig.desk.site())
            .args(["-c", "user.name=t", "-c", "user.email=t@example.net"])
            .args(words)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let file = |content: &str| {
        rig.role(&format!(
            "[[step]]\nfile = \"/etc/demo\"\ncontent = \"{content}\\n\""
        ));
    };
    file("a");
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "a"]);
    assert_eq!(rig.apply().code, 0);
    file("b");
    git(&["commit", "-q", "-a", "-m", "b"]);
    let newer = git(&["rev-parse", "HEAD"]);
    assert_eq!(rig.apply().code, 0);

    git(&["checkout", "-q", "HEAD^"]);
    {
        let said = rig.say(&["plan"]);
        let older = said
            .events
            .iter()
            .find(|e| e["event"] == "planned")
            .unwrap();
        let older = older["plan"]["older"][0].as_str().unwrap().to_owned();
        assert_eq!(said.code, 2, "{older}");
        let (who, when) = ("anna@", rig.nodes.ok("node1", "date -u +%Y-%m-%dT"));
        for part in [who, &newer[..12], when.trim(), "does not contain it"] {
            assert!(older.contains(part), "{part}: {older}");
        }
        let said = rig.apply();
        assert_eq!(
            (said.code, said.failed()),
            (1, vec![format!("node1: {older}")])
        );
    }
    // Who looks is not held up, nor is a copy without git.
    assert_eq!(rig.say(&["verify"]).code, 0);
    let (dot_git, aside) = (rig.desk.site().join(".git"), rig.desk.home().join("git"));
    std::fs::rename(&dot_git, &aside).unwrap();
    let said = rig.apply();
    assert!(
        said.failed()[0].contains("in no git repository"),
        "{:?}",
        said.failed()
    );
    std::fs::rename(&aside, &dot_git).unwrap();
    assert_eq!(rig.nodes.ok("node1", "cat /etc/demo"), "b\n");

    // Once it is merged, all is well: this checkout holds both.
    file("c");
    git(&["checkout", "-q", "-b", "side"]);
    git(&["commit", "-q", "-a", "-m", "c"]);
    assert_eq!(rig.apply().code, 1);
    git(&["merge", "-q", "-s", "ours", "-m", "both", "main"]);
    rig.apply_as_planned();
    assert_eq!(rig.nodes.ok("node1", "cat /etc/demo"), "c\n");

    // Amended: the commit that was applied is nowhere any more. The run is named, and this goes on over it.
    file("d");
    git(&["commit", "-q", "-a", "--amend", "-m", "both, better"]);
    let said = rig.apply();
    let older = said.failed().concat();
    assert_eq!(said.code, 1, "{older}");
    let run = older.rsplit(' ').next().unwrap();
    assert_eq!(rig.say(&["apply", "--yes", "--over", "20200101-0"]).code, 1);
    assert_eq!(rig.say(&["apply", "--yes", "--over", run]).code, 0);
    assert_eq!(rig.nodes.ok("node1", "cat /etc/demo"), "d\n");
    rig.nothing_to_do();
}

#[test]
fn what_is_no_longer_wanted_goes_only_as_we_wrote_it() {
    let rig = Rig::new(nodes::debian(1));
    let file = |path: &str| format!("[[step]]\nfile = \"{path}\"\ncontent = \"ours\\n\"\n");
    let role = |paths: &[&str]| rig.role(&paths.iter().map(|p| file(p)).collect::<String>());
    role(&[
        "/etc/ours",
        "/etc/theirs",
        "/etc/deleted",
        "/etc/linked",
        "/etc/stays",
    ]);
    rig.apply_as_planned();
    rig.nodes.ok(
        "node1",
        "echo more >>/etc/theirs; rm /etc/deleted; mv /etc/linked /etc/target; ln -s target /etc/linked",
    );
    role(&["/etc/stays"]);
    insta::assert_snapshot!(rig.apply_as_planned(), @r"
    remove /etc/ours [file:/etc/ours]; orphan: ours ->
    orphans: file:/etc/linked: /etc/linked was changed since it was written
    orphans: file:/etc/ours: removed, still as it was written
    orphans: file:/etc/theirs: /etc/theirs was changed since it was written
    ");
    assert_eq!(
        rig.nodes.ok(
            "node1",
            "cd /etc; ls -d ours theirs deleted linked stays 2>/dev/null; cat theirs"
        ),
        "linked\nstays\ntheirs\nours\nmore\n"
    );
    // The old version is kept outside /etc.
    assert_eq!(
        rig.nodes
            .ok("node1", "cat /var/lib/nodewright/runs/*/*/kept/etc/ours"),
        "ours\n"
    );
    // Wanted again, it is ours again.
    role(&["/etc/stays", "/etc/ours"]);
    rig.apply_as_planned();
}
