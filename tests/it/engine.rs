//! The engine's promises on real nodes: one change a path, what is decided later, what moved meanwhile, debts of
//! restarts, steps that wait for other nodes, selections, failures that stay where they are.

use crate::lifecycle::EXTRA_REPOSITORY;
use crate::nodes;
use crate::rig::Rig;
use insta::assert_snapshot;
use nodewright::lab::{self, Power};

/// Has apt ask the repository that [`EXTRA_REPOSITORY`] makes.
const EXTRA_SOURCE: &str =
    "echo 'deb [trusted=yes] file:/srv/extra ./' >/etc/apt/sources.list.d/extra.list
apt-get -qq update";

#[test]
fn edits_of_one_file_meet_in_one_change() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes
        .ok("node1", "printf '# kept\\n[a]\\nkey = 1\\n' >/etc/both");
    rig.role(
        "[[step]]\nini = \"key\"\nfile = \"/etc/both\"\nsection = \"a\"\nvalue = \"2\"\nseparator = \" = \"\n\
         [[step]]\nfile = \"/etc/between\"\ncontent = \"x\\n\"\n\
         [[step]]\nline = \"# said\"\nfile = \"/etc/both\"\nmode = \"0600\"",
    );
    assert_snapshot!(rig.apply_as_planned(), @r"
    replace /etc/both [ini:/etc/both [a] key, line:/etc/both # said]; mode: 0644 -> 0600
      -key = 1
      +key = 2
      +# said
    create /etc/between [file:/etc/between]; state: absent -> file
      +x
    ");
    assert_eq!(
        rig.nodes.ok("node1", "cat /etc/both; stat -c %a /etc/both"),
        "# kept\n[a]\nkey = 2\n# said\n600\n"
    );
}

#[test]
fn plan_and_recap_count_the_same() {
    let rig = Rig::new(nodes::debian(1));
    // Two lines of one file are one step and two resources; packages go in one transaction; a sysctl is one resource
    // that takes two steps. A line is there already.
    let lines = "[[step]]\nline = \"one\"\nfile = \"/etc/counts\"\n\
         [[step]]\nline = \"two\"\nfile = \"/etc/counts\"\n\
         [[step]]\nsysctl = \"net.ipv4.ip_forward\"\nvalue = 1\n\
         [[step]]\nline = \"root:x:0:0:root:/root:/bin/bash\"\nfile = \"/etc/passwd\"\n";
    let gone = "[[step]]\nfile = \"/etc/gone\"\ncontent = \"x\\n\"\n";
    let more = "[[step]]\npackage = [\"labextra\", \"hello\"]\n";
    rig.nodes.ok("node1", EXTRA_REPOSITORY);
    rig.nodes.ok("node1", EXTRA_SOURCE);
    let last = |words: &[&str]| {
        let (_, out, err) = rig.run(words);
        let line = out.lines().next_back().unwrap_or_default().to_owned();
        (line, format!("{out}{err}"))
    };

    rig.role(&[lines, gone].concat());
    let (line, page) = last(&["plan"]);
    assert_eq!(line, "1 node: 4 to change, 1 as wanted.", "{page}");
    let (line, page) = last(&["apply", "--yes"]);
    assert_eq!(
        line, "node1          1        4        0         0  done",
        "{page}"
    );

    rig.nodes.ok(
        "node1",
        "sed -i /one/d /etc/counts; sed -i /two/d /etc/counts",
    );
    rig.role(&[lines, more].concat());
    let (line, page) = last(&["plan"]);
    assert_eq!(
        line, "1 node: 4 to change, 1 to remove, 2 as wanted.",
        "{page}"
    );
    let (line, page) = last(&["apply", "--yes"]);
    assert_eq!(
        line, "node1          2        4        1        0         0  done",
        "{page}"
    );
    let (line, page) = last(&["apply", "--yes"]);
    assert_eq!(
        line, "Nothing to do: 1 node, 6 resources as wanted.",
        "{page}"
    );

    // What is refused is not as wanted.
    rig.role(&[lines, more, "[[step]]\nfile = \"/srv\"\ncontent = \"x\\n\""].concat());
    let (line, page) = last(&["plan"]);
    assert_eq!(line, "1 node: 1 refused, 6 as wanted.", "{page}");
}

#[test]
fn a_resource_is_done_when_both_its_sides_are_and_a_package_stands_between() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", EXTRA_REPOSITORY);
    rig.nodes.ok("node1", EXTRA_SOURCE);
    // What is wanted of /etc/fstab is written at the first step; the mount itself comes after the package.
    rig.role(
        "[[step]]\nline = \"# ours\"\nfile = \"/etc/fstab\"\n\
         [[step]]\npackage = \"labextra\"\n\
         [[step]]\nmount = \"/srv/store\"\ndevice = \"tmpfs\"\nfstype = \"tmpfs\"",
    );
    rig.apply_as_planned();
    rig.nodes
        .ok("node1", "grep -q '^tmpfs /srv/store' /proc/mounts");
}

#[test]
fn steps_that_want_different_things_of_a_place_are_both_named() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(
        "[[step]]\nfile = \"/etc/both\"\ncontent = \"a\\n\"\n\
         [[step]]\nsymlink = \"/etc/both\"\nto = \"b\"",
    );
    let (code, out, err) = rig.run(&["plan"]);
    assert_eq!((code, out.as_str()), (64, ""));
    assert_snapshot!(err, @r"
    error[CONFLICT]: /etc/both: demo/file:/etc/both and demo/symlink:/etc/both want different things: a whole file, and a symbolic link to b
     help: the steps are in ./roles/demo.toml:3 and ./roles/demo.toml:6

    error: the site has errors; `nodewright check` lists them
    ");
    let (code, _, err) = rig.run(&["apply", "--yes"]);
    assert_eq!(code, 64);
    assert!(
        err.contains("demo/file:/etc/both") && err.contains("demo/symlink:/etc/both"),
        "{err}"
    );
    assert!(
        !rig.nodes
            .sh("node1", "test -e /etc/both || test -e /var/lib/nodewright")
            .status
            .success()
    );
}

#[test]
fn a_file_that_a_package_brings_is_edited_after_it_came() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", EXTRA_REPOSITORY);
    rig.nodes.ok("node1", EXTRA_SOURCE);
    rig.role(
        "[[step]]\npackage = \"labextra\"\n\
         [[step]]\nline = \"key = 2\"\nfile = \"/etc/labextra.conf\"\nmatches = \"^key\"",
    );
    assert_snapshot!(rig.apply_as_planned(), @r"
    install labextra [package:labextra]; installed: no -> yes
    later: line:/etc/labextra.conf ^key: package:labextra; /etc/labextra.conf there: edited; not there: made with these lines alone
      /etc/labextra.conf
      +key = 2
    ");
    assert_eq!(
        rig.nodes.ok("node1", "cat /etc/labextra.conf"),
        "# as the package brought it\nkey = 2\n"
    );
}

#[test]
fn a_file_that_a_package_brings_is_replaced_or_removed_as_planned() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", EXTRA_REPOSITORY);
    rig.nodes.ok("node1", "echo 'deb [trusted=yes] file:/srv/extra ./' >/etc/apt/sources.list.d/extra.list; apt-get -qq update");
    rig.role(
        "[[step]]\npackage = \"labextra\"\n\
         [[step]]\nfile = \"/etc/labextra.conf\"\ncontent = \"ours\\n\"",
    );
    assert_snapshot!(rig.apply_as_planned(), @r"
    install labextra [package:labextra]; installed: no -> yes
    create or replace /etc/labextra.conf [file:/etc/labextra.conf]; state: absent -> file
      +ours
    ");
    assert_eq!(rig.nodes.ok("node1", "cat /etc/labextra.conf"), "ours\n");

    rig.nodes.ok("node1", "dpkg -P labextra");
    rig.role(
        "[[step]]\npackage = \"labextra\"\n\
         [[step]]\nfile = \"/etc/labextra.conf\"\nstate = \"absent\"",
    );
    assert_snapshot!(rig.apply_as_planned(), @r"
    install labextra [package:labextra]; installed: no -> yes
    later: file:/etc/labextra.conf: package:labextra; /etc/labextra.conf there: removed; not there: nothing to do
    ");
    rig.nodes.ok("node1", "test ! -e /etc/labextra.conf");
}

#[test]
fn a_saved_plan_is_carried_out_as_reviewed_or_refused() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", "echo old >/etc/a; echo old >/etc/b");
    rig.role(
        "[[step]]\nfile = \"/etc/a\"\ncontent = \"new\\n\"\n\
         [[step]]\nfile = \"/etc/b\"\ncontent = \"new\\n\"",
    );
    assert_eq!(rig.say(&["plan", "--out", "saved.plan"]).code, 2);
    rig.nodes.ok("node1", "echo theirs >/etc/b");
    let refused = rig.say(&["apply", "./saved.plan"]);
    assert_eq!(refused.code, 1);
    assert_eq!(
        refused.notes(),
        [
            "The saved plan is not carried out: node1: demo/file:/etc/b is not as it was when the plan was saved."
        ]
    );
    assert_eq!(rig.nodes.ok("node1", "cat /etc/a /etc/b"), "old\ntheirs\n");

    rig.nodes.ok("node1", "echo old >/etc/b");
    let applied = rig.say(&["apply", "./saved.plan"]);
    assert_eq!(
        (applied.code, applied.done("node1")),
        (0, vec!["replace /etc/a", "replace /etc/b"])
    );
    assert_eq!(rig.nodes.ok("node1", "cat /etc/a /etc/b"), "new\nnew\n");

    rig.role("[[step]]\nfile = \"/etc/a\"\ncontent = \"newer\\n\"");
    let refused = rig.say(&["apply", "./saved.plan"]);
    assert_eq!(refused.code, 1);
    assert_eq!(rig.nodes.ok("node1", "cat /etc/a"), "new\n");
}

#[test]
fn a_file_that_changes_under_a_run_is_left_as_it_is() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", "echo old >/etc/raced");
    // The command stands for someone who edits the file between the observation and the batch's own look at it.
    rig.role(
        "[[step]]\ncommand = [\"sh\", \"-c\", \"echo theirs >/etc/raced; touch /run/edited\"]\ncreates = \"/run/edited\"\n\
         [[step]]\nfile = \"/etc/raced\"\ncontent = \"ours\\n\"\n\
         [[step]]\nfile = \"/etc/after\"\ncontent = \"ours\\n\"",
    );
    let applied = rig.apply();
    assert_eq!(applied.code, 1);
    assert_eq!(
        applied.failed(),
        ["node1: replace /etc/raced: failed with status 3"]
    );
    let step = *applied.of("step-end").last().unwrap();
    assert_eq!(step["status"], 3);
    let said = step["output"].as_str().unwrap();
    assert!(
        said.starts_with("/etc/raced was changed since the plan was made: it was "),
        "{said}"
    );
    assert_eq!(rig.nodes.ok("node1", "cat /etc/raced"), "theirs\n");
    assert!(!rig.nodes.sh("node1", "test -e /etc/after").status.success());
    let recap = applied.recap("node1");
    assert_eq!(recap["changed"], 1, "the command was done");
    assert_eq!(
        recap["not_run"],
        serde_json::json!(["create /etc/after"]),
        "what failed was run"
    );
    // Seen anew, it is a change like any other.
    rig.apply_as_planned();
    assert_eq!(rig.nodes.ok("node1", "cat /etc/raced"), "ours\n");
}

/// A service that writes a line each time it starts; its configuration; and what stands between the two.
fn counted(content: &str, between: &str) -> String {
    format!(
        "[[step]]\nfile = \"/etc/systemd/system/counted.service\"\n\
         content = \"[Service]\\nExecStartPre=/bin/sh -c 'echo >>/var/lib/starts'\\nExecStart=/bin/sleep infinity\\n\"\n\
         [[step]]\nfile = \"/etc/counted.conf\"\ncontent = \"{content}\\n\"\n{between}\n\
         [[step]]\nservice = \"counted\"\nrunning = true\nconfig = [\"/etc/counted.conf\"]"
    )
}

#[test]
fn a_restart_that_is_owed_is_paid_once_whatever_broke_before() {
    let rig = Rig::new(nodes::debian(1));
    let starts = || {
        rig.nodes
            .ok("node1", "wc -l </var/lib/starts")
            .trim()
            .to_owned()
    };
    let broken = "[[step]]\ncommand = \"false\"\ncreates = \"/nowhere\"";
    // It runs since before the first run: what it started with is noted before its file is touched.
    rig.nodes.ok(
        "node1",
        "printf \"[Service]\\nExecStartPre=/bin/sh -c 'echo >>/var/lib/starts'\\nExecStart=/bin/sleep infinity\\n\" \\
         >/etc/systemd/system/counted.service; echo a >/etc/counted.conf; systemctl start counted",
    );
    assert_eq!(starts(), "1");

    rig.role(&counted("b", broken));
    let applied = rig.apply();
    assert_eq!(applied.code, 1);
    assert_eq!(
        applied.failed(),
        ["node1: command false: failed with status 1"]
    );
    assert_eq!(
        (
            starts().as_str(),
            rig.nodes.ok("node1", "cat /etc/counted.conf").as_str()
        ),
        ("1", "b\n")
    );

    // A container cannot set its clock. What a clock would decide by are times of files: they go a year back.
    rig.nodes.ok(
        "node1",
        "find /etc/counted.conf /var/lib/nodewright -exec touch -d '1 year ago' {} +",
    );
    rig.role(&counted("b", ""));
    assert_snapshot!(rig.apply_as_planned(), @r"service counted [service:counted]; restart: started before /etc/counted.conf changed -> restarted");
    assert_eq!(starts(), "2");

    // And forth, with nothing owed.
    rig.nodes.ok(
        "node1",
        "find /etc/counted.conf /var/lib/nodewright -exec touch -d '1 year' {} +",
    );
    rig.nothing_to_do();
    assert_eq!(starts(), "2");

    // A change that was taken back before it was paid is no debt; one by hand is.
    rig.role(&counted("c", broken));
    assert_eq!(rig.apply().code, 1);
    rig.role(&counted("b", ""));
    assert_eq!(rig.apply().code, 0);
    rig.nothing_to_do();
    rig.nodes.ok("node1", "systemctl restart counted");
    assert_eq!(starts(), "3");
    rig.nothing_to_do();
}

#[test]
fn a_step_that_says_it_did_and_did_not_is_a_failure() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(
        "[[step]]\ncommand = \"true\"\ncreates = \"/var/lib/never\"\n\
         [[step]]\nfile = \"/etc/beside\"\ncontent = \"x\\n\"",
    );
    let applied = rig.apply();
    assert_eq!(applied.code, 1);
    assert_eq!(
        applied.failed(),
        ["node1: demo/command:true was done and did not reach its state (run: , wanted true)"]
    );
    assert_eq!(applied.recap("node1")["changed"], 1);
    assert_eq!(
        rig.plan().page(),
        "command true [command:true]; run:  -> true\n"
    );
}

#[test]
fn a_validator_that_refuses_stops_its_node_before_the_first_change() {
    let rig = Rig::new(nodes::debian(2));
    rig.nodes.ok("node1", "echo old >/etc/checked");
    rig.role(
        "[[step]]\nfile = \"/etc/before\"\ncontent = \"x\\n\"\n\
         [[step]]\nfile = \"/etc/checked\"\ncontent = \"bad\\n\"\n\
         check = [\"sh\", \"-c\", \"test $(uname -n) = node2 || { echo line 1 is bad; false; }\", \"x\", \"{staged}\"]\n\
         [[step]]\ngroup = \"crew\"",
    );
    let applied = rig.apply();
    assert_eq!(applied.code, 1);
    let failed = applied.failed();
    assert_eq!(failed.len(), 1);
    assert!(
        failed[0].starts_with("node1: ")
            && failed[0].contains("/etc/checked")
            && failed[0].contains("line 1 is bad"),
        "{failed:?}"
    );
    assert_eq!(
        rig.nodes.ok(
            "node1",
            "cat /etc/checked; ls /etc/before; getent group crew; :"
        ),
        "old\n"
    );
    assert_eq!(applied.done("node1"), [""; 0]);
    assert_eq!(
        rig.nodes.ok("node2", "cat /etc/checked /etc/before"),
        "bad\nx\n"
    );
}

#[test]
fn a_node_that_fails_does_not_stop_the_others() {
    let rig = Rig::new(nodes::debian(3));
    rig.nodes.ok("node1", "mkdir /etc/one");
    lab::power(&rig.nodes.state().name, "node3", Power::Cut).unwrap();
    rig.role(
        "[[step]]\nfile = \"/etc/zero\"\ncontent = \"x\\n\"\n\
         [[step]]\nfile = \"/etc/one\"\ncontent = \"x\\n\"",
    );
    let plan = rig.plan();
    assert_eq!(plan.code, 5, "{}", plan.page());
    let applied = rig.apply();
    assert_eq!(applied.code, 5);
    assert_eq!(
        applied.done("node2"),
        ["create /etc/zero", "create /etc/one"]
    );
    assert_eq!(rig.nodes.ok("node2", "cat /etc/zero /etc/one"), "x\nx\n");
    // A folder where a file is wanted is refused, and nothing else is done there either.
    assert!(!rig.nodes.sh("node1", "test -e /etc/zero").status.success());
    assert!(applied.recap("node3")["failed"].is_string());

    rig.nodes.ok("node1", "rmdir /etc/one");
    assert_eq!(rig.apply().code, 4, "only node3 is missing now");
    assert_eq!(rig.nodes.ok("node1", "cat /etc/zero /etc/one"), "x\nx\n");
}

#[test]
fn a_selection_does_what_it_says() {
    let rig = Rig::new(nodes::debian(2));
    rig.role(
        "[[step]]\nfile = \"/etc/one\"\ncontent = \"x\\n\"\n\
         [[step]]\nfile = \"/etc/two\"\ncontent = \"x\\n\"\n\
         [[step]]\ngroup = \"crew\"",
    );
    for words in [
        ["plan", "--only", "nothing/*"],
        ["plan", "--only", "*/file:/etc/three"],
        ["plan", "--skip", "*/file:/etc/three"],
        ["plan", "--skip", "*"],
    ] {
        let (code, out, err) = rig.run(&words);
        assert_eq!((code, out.as_str()), (64, ""), "{words:?}");
        let named = err.contains(words[2]) || err.contains("leave no resource");
        assert!(named, "{words:?}: {err}");
    }
    let (code, _, err) = rig.run(&["plan", "node9"]);
    assert!(code == 64 && err.contains("node9"), "{err}");

    let applied = rig.say(&[
        "apply", "--yes", "node2", "--only", "*/file:*", "--skip", "*two",
    ]);
    assert_eq!(applied.code, 0);
    assert_eq!(
        (applied.done("node1").len(), applied.done("node2")),
        (0, vec!["create /etc/one"])
    );
    // What a selection leaves out is no orphan.
    let (code, out, _) = rig.run(&["plan", "node2", "--only", "*/group:*"]);
    assert!(code == 2 && !out.contains("/etc/one"), "{out}");
    assert!(!rig.nodes.sh("node1", "test -e /etc/one").status.success());
}

/// Where a line of the course stands.
#[track_caller]
fn at(course: &[String], line: &str) -> usize {
    let found = course.iter().position(|l| l == line);
    found.unwrap_or_else(|| panic!("no `{line}` in {course:#?}"))
}

#[test]
fn steps_wait_for_the_other_nodes_of_a_cluster() {
    let rig = Rig::cluster(nodes::debian(2));
    let mark = |name: &str, meta: &str| {
        format!(
            "[[step]]\ncommand = [\"touch\", \"/run/{name}\"]\ncreates = \"/run/{name}\"\n{meta}\n"
        )
    };
    rig.role(
        &[
            mark("first", ""),
            mark("all", "wait = \"all\""),
            mark("rolled", "rolling = true"),
            mark("single", "once = true\nsource = \"node2\""),
            mark("last", "wait = \"all\""),
        ]
        .concat(),
    );
    let (_, said, notes) = rig.run(&["plan"]);
    let unasked =
        "lab: containers have no fence devices; none is asked, and fencing does not start";
    assert_eq!(notes.matches(unasked).count(), 1, "{notes}");
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let of_first = lines.iter().filter(|l| **l == "waits for node2").count();
    let of_second = lines.iter().filter(|l| **l == "waits for node1").count();
    // The second one rolls after the first one, too.
    assert_eq!((of_first, of_second), (2, 3), "{said}");
    let applied = rig.apply();
    assert_eq!(
        (applied.code, applied.failed()),
        (0, vec![]),
        "{}",
        applied.err
    );
    let course = applied.course();
    for node in ["node1", "node2"] {
        for other in ["node1", "node2"].into_iter().filter(|o| *o != node) {
            for (before, after) in [("first", "all"), ("rolled", "last")] {
                let ended = at(&course, &format!("{other} end command touch /run/{before}"));
                let begun = at(&course, &format!("{node} begin command touch /run/{after}"));
                let waited = course[..begun]
                    .iter()
                    .rposition(|l| *l == format!("{node} batch"));
                assert!(
                    Some(ended) < waited,
                    "{before} of {other} before {after} of {node}: {course:#?}"
                );
            }
        }
    }
    let rolled = ["node1 end", "node2 begin"]
        .map(|w| at(&course, &format!("{w} command touch /run/rolled")));
    // Not by chance: the second node's batch is only made when the first is through.
    let made = course[..rolled[1]].iter().rposition(|l| l == "node2 batch");
    assert!(Some(rolled[0]) < made, "{course:#?}");
    let there = "ls /run/first /run/all /run/rolled /run/single /run/last 2>/dev/null | wc -l; ls /run/single 2>&1 | wc -c";
    assert_eq!(
        rig.nodes.ok("node1", there).split_whitespace().next(),
        Some("4")
    );
    assert!(
        !rig.nodes
            .sh("node1", "test -e /run/single")
            .status
            .success()
    );
    rig.nodes
        .ok("node2", "test -e /run/single && test -e /run/last");
    rig.nothing_to_do();

    // What one member has done is done, whoever it was.
    rig.nodes.ok("node2", "rm /run/single");
    rig.nodes.ok("node1", "touch /run/single");
    rig.nothing_to_do();
}

#[test]
fn what_waits_for_a_member_that_is_left_out_is_not_done_and_named() {
    let rig = Rig::cluster(nodes::debian(2));
    rig.role(
        "[[step]]\nfile = \"/etc/own\"\ncontent = \"x\\n\"\n\
         [[step]]\ncommand = [\"touch\", \"/run/all\"]\ncreates = \"/run/all\"\nwait = \"all\"\n\
         [[step]]\ncommand = [\"touch\", \"/run/single\"]\ncreates = \"/run/single\"\nonce = true\nsource = \"node1\"",
    );
    let (code, said, _) = rig.run(&["plan", "node1"]);
    let without = "\n        not done without node2, which takes no part or does not answer\n";
    assert_eq!((code, said.matches(without).count()), (2, 2), "{said}");
    // Nothing of it is forgotten where its source is left out.
    let (code, said, _) = rig.run(&["plan", "node2", "--only", "demo/command:touch /run/single"]);
    let without = without.replace("node2", "node1");
    assert_eq!((code, said.matches(&without).count()), (2, 1), "{said}");
    let applied = rig.say(&["apply", "--yes", "node1"]);
    assert_eq!(applied.done("node1"), ["create /etc/own"]);
    assert_eq!(
        applied.recap("node1")["not_run"],
        serde_json::json!([
            "command touch /run/all (waits for node2)",
            "command touch /run/single (waits for node2)"
        ])
    );
    assert_ne!(applied.code, 0, "not everything was done");
    assert_eq!(rig.apply().code, 0);
    rig.nodes
        .ok("node1", "test -e /run/all && test -e /run/single");
    rig.nodes
        .ok("node2", "test -e /run/all && ! test -e /run/single");
}

/// As /etc/ppp/peers of Debian is: what is made in it gets its group, and folders the mark as well.
#[test]
fn a_folder_that_hands_its_group_on_takes_a_file_all_the_same() {
    let rig = Rig::new(nodes::debian(1));
    let make = "mkdir /etc/handed; chgrp mail /etc/handed; chmod 2750 /etc/handed";
    rig.nodes.ok("node1", make);
    rig.role("[[step]]\nfile = \"/etc/handed/on\"\ncontent = \"a\\n\"");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let seen = "cat /etc/handed/on; stat -c '%U %G %a' /etc/handed/on; ls -A /etc/handed";
    assert_eq!(rig.nodes.ok("node1", seen), "a\nroot root 644\non\n");
    rig.nothing_to_do();
}

#[test]
fn a_byte_that_somebody_changed_in_a_file_of_ours_is_reported_by_verify() {
    let rig = Rig::new(nodes::debian(2));
    let role = |content: &str| {
        rig.role(&format!(
            "[[step]]\nfile = \"/etc/ours\"\ncontent = \"{content}\\n\"\n\
             [[check]]\ncode = \"OURS\"\nseverity = \"info\"\nof = \"file:/etc/ours\"\nexpect = {{}}\nremedy = \"none\"\n"
        ));
    };
    role("a");
    assert_eq!(rig.apply().code, 0);
    let verify = || {
        let (code, out, err) = rig.run(&["verify"]);
        (code, format!("{out}{err}"))
    };
    let (_, said) = verify();
    assert!(!said.contains("FILE-CHANGED"), "{said}");
    rig.nodes.ok("node2", "printf b >/etc/ours");
    let (code, said) = verify();
    assert_eq!(code, 3, "{said}");
    assert_eq!(said.matches("FILE-CHANGED").count(), 1, "{said}");
    assert!(
        said.contains("/etc/ours is not as it was last written"),
        "{said}"
    );
    // What the site wants otherwise by now was changed by nobody.
    assert_eq!(rig.apply().code, 0);
    role("c");
    let (_, said) = verify();
    assert!(!said.contains("FILE-CHANGED"), "{said}");
}
