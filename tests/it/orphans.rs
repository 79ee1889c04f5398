//! Orphans: removed, left because others need them, forgotten.

use crate::lifecycle::EXTRA_REPOSITORY;
use crate::nodes;
use crate::rig::Rig;
use insta::assert_snapshot;

/// The lines of the last plan about orphans.
fn orphans(page: &str) -> Vec<&str> {
    let lines = page.lines().filter_map(|l| l.strip_prefix("orphans: "));
    lines.collect()
}

#[test]
fn what_others_need_stays_while_its_address_is_gone() {
    let rig = Rig::new(nodes::debian(1));
    rig.role(
        "[[step]]\ntree = \"/etc/grove\"\nfiles = [{ name = \"a\", content = \"a\\n\" }]\n\
         [[step]]\ntree = \"/etc/wood\"\nfiles = [{ name = \"b\", content = \"b\\n\" }]\n\
         [[step]]\nfile = \"/etc/served.conf\"\ncontent = \"c\\n\"\n\
         [[step]]\nfile = \"/etc/field\"\ncontent = \"d\\n\"\n\
         [[step]]\nfile = \"/etc/orchard/e\"\ncontent = \"e\\n\"",
    );
    rig.nodes.ok("node1", "mkdir /etc/orchard");
    rig.apply_as_planned();
    // The files of one folder become steps of their own; a folder takes a file in; a service names a file; another
    // role asks for the same path; one folder is nobody's.
    rig.role(
        "[[step]]\nfile = \"/etc/grove/a\"\ncontent = \"a\\n\"\n\
         [[step]]\ntree = \"/etc/orchard\"\nfiles = [{ name = \"e\", content = \"e\\n\" }]\n\
         [[step]]\nservice = \"cron\"\nconfig = [\"/etc/served.conf\"]\n\
         [[step]]\nline = \"d\"\nfile = \"/etc/field\"",
    );
    let page = rig.plan().page();
    assert_eq!(
        orphans(&page),
        [
            "file:/etc/served.conf: service:cron names /etc/served.conf",
            "tree:/etc/wood: removed, still as it was written",
        ]
    );
    rig.apply_as_planned();
    let left = "cat /etc/grove/a /etc/orchard/e /etc/served.conf /etc/field; ! test -e /etc/wood";
    assert_eq!(rig.nodes.ok("node1", left), "a\ne\nc\nd\n");
    // What was removed is kept outside /etc.
    let kept = "cat /var/lib/nodewright/runs/*/*/kept/etc/wood/b";
    assert_eq!(rig.nodes.ok("node1", kept), "b\n");
}

#[test]
fn a_repository_that_goes_leaves_the_lists_of_the_others_fresh() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", EXTRA_REPOSITORY);
    rig.nodes.ok("node1", "cp -r /srv/extra /srv/other");
    let repository = |name: &str| {
        format!(
            "[[step]]\nrepository = \"{name}\"\nurl = \"file:///srv/{name}\"\nsuite = \"./\"\nunsigned = true\npriority = 700\n"
        )
    };
    rig.role(&[repository("extra"), repository("other")].concat());
    rig.apply_as_planned();
    rig.role(&repository("extra"));
    // Ends with a run that has nothing to do: the lists were fetched anew.
    assert_snapshot!(rig.apply_as_planned(), @r"
    remove /etc/apt/sources.list.d/other.sources [repository:other]; orphan: ours ->
    remove /etc/apt/preferences.d/other.pref [repository:other]; orphan: ours ->
    orphans: repository:other: removed, still as it was written
    ");
    let lists = "ls /var/lib/apt/lists | grep -c srv_extra; ls /var/lib/apt/lists | grep srv_other; \
                 ls /etc/apt/sources.list.d /etc/apt/preferences.d | grep other; true";
    assert_eq!(rig.nodes.ok("node1", lists), "1\n");
}

#[test]
fn an_orphan_is_forgotten_on_the_named_node_and_nowhere_else() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", "touch /etc/lined");
    rig.role(
        "[[step]]\nfile = \"/etc/gone\"\ncontent = \"x\\n\"\n\
         [[step]]\nfile = \"/etc/kept\"\ncontent = \"x\\n\"\n\
         [[step]]\nfile = \"/etc/spoilt\"\ncontent = \"x\\n\"\n\
         [[step]]\nline = \"a\"\nfile = \"/etc/lined\"\n\
         [[step]]\nsysctl = \"net.ipv4.ip_forward\"\nvalue = 1\n\
         [[step]]\nfile = \"/etc/wanted\"\ncontent = \"x\\n\"",
    );
    rig.apply_as_planned();
    let (code, _, err) = rig.run(&["log", "node1", "--run", "20000101-000000-aa"]);
    assert_eq!(code, 64);
    assert!(
        err.contains("no run 20000101-000000-aa in the journal of node1"),
        "{err}"
    );
    rig.nodes
        .ok("node1", "rm /etc/gone; echo mine >>/etc/spoilt");
    let wanted = "[[step]]\nfile = \"/etc/wanted\"\ncontent = \"x\\n\"";
    rig.role(wanted);

    let (code, out, err) = rig.run(&["forget", "node1", "demo/line:*"]);
    assert_eq!((code, out.as_str()), (64, ""));
    assert_snapshot!(err, @"error: forget asks before it forgets anything, and there is no terminal to ask on: use --yes");
    // What is wanted, or was never there, cannot be forgotten.
    let (code, _, err) = rig.run(&[
        "forget",
        "node1",
        "--yes",
        "demo/line:*",
        "demo/file:/etc/wanted",
    ]);
    assert_eq!(code, 64);
    assert_snapshot!(err, @"error: demo/file:/etc/wanted: no orphan of this address on the node; `nodewright plan` lists orphans");

    let manifest = || {
        let text = rig
            .nodes
            .ok("node1", "cut -f 1 /var/lib/nodewright/manifest");
        let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        lines.dedup();
        lines
    };
    let before = manifest();
    assert_eq!(before.len(), 6, "{before:?}");
    let words = [
        "forget",
        "node1",
        "--yes",
        "demo/line:*",
        "demo/sysctl:*",
        "demo/file:/etc/kept",
    ];
    let (code, out, err) = rig.run(&words);
    assert_eq!(code, 0, "{err}");
    assert_snapshot!(out, @r#"
    node1
          demo/file:/etc/kept  still as it was written
          demo/line:/etc/lined a
            the line stays, since the former line is unknown; `state = "absent"`
            removes it
          demo/sysctl:net.ipv4.ip_forward
            its line stays in the file, its value in the kernel

    3 resources to forget: only the node's manifest is changed.
    "#);
    // What is gone from the node is forgotten on the way.
    assert_eq!(
        manifest(),
        ["demo/file:/etc/spoilt", "demo/file:/etc/wanted"]
    );
    let there = "cat /etc/kept /etc/lined; grep -h ^net.ipv4.ip_forward /etc/sysctl.d/*.conf";
    assert_eq!(
        rig.nodes.ok("node1", there),
        "x\na\nnet.ipv4.ip_forward = 1\n"
    );
    let journal = rig.nodes.ok(
        "node1",
        "tail -n 6 /var/lib/nodewright/journal | cut -f 4,5 | sed 's/ site .*//'",
    );
    assert_snapshot!(journal, @r"
    did	note the state before
    did	forget demo/file:/etc/kept
    did	forget demo/line:/etc/lined a (/etc/lined)
    did	forget demo/sysctl:net.ipv4.ip_forward
    did	forget demo/sysctl:net.ipv4.ip_forward (/etc/sysctl.d/60-nodewright.conf)
    end	ok
    ");

    let page = rig.plan().page();
    assert_eq!(
        orphans(&page),
        ["file:/etc/spoilt: /etc/spoilt was changed since it was written"]
    );
    rig.nothing_to_do();
    // Asked for again, it is ours again.
    rig.role(
        &[
            wanted,
            "\n[[step]]\nfile = \"/etc/kept\"\ncontent = \"y\\n\"",
        ]
        .concat(),
    );
    rig.apply_as_planned();
    rig.role(wanted);
    rig.apply_as_planned();
    assert!(!rig.nodes.sh("node1", "test -e /etc/kept").status.success());
}
