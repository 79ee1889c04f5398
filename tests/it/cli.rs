//! What commands say, whole, and with which code they end.

use crate::support::{Desk, SMALL, small, without_secrets};
use insta::assert_snapshot;
use nodewright::exit::Exit;
use std::process::Stdio;

#[test]
fn the_exit_codes_are_what_the_manual_says() {
    let codes: Vec<_> = Exit::ALL.iter().map(|(e, _)| *e as u8).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 64, 130]);
    let (code, out, _) = Desk::new().output(&["--help"]);
    assert_eq!(code, 0);
    let listed = out.split("Exit codes:\n").nth(1).unwrap();
    assert_snapshot!(listed, @r"
      0  nothing to do, or all done
      1  failed
      2  changes pending (plan, drift)
      3  findings or failed checks
      4  a node could not be reached
      5  refused to destroy data
      6  rolled back by the guard
      7  locked by another run
      8  still waiting for a long step
     64  wrong usage, site or role
    130  interrupted (Ctrl-C) before anything began
    ");
}

#[test]
fn no_command_is_wrong_usage() {
    let (code, out, err) = Desk::new().output::<&str>(&[]);
    assert_eq!((code, out.as_str()), (64, ""));
    assert!(err.contains("Usage: nodewright"), "{err}");
}

#[test]
fn an_unknown_command_is_wrong_usage() {
    assert_snapshot!(Desk::new().run(&["kindz"]), @r"
    exit 64
    --- stderr
    error: unrecognized subcommand 'kindz'

      tip: a similar subcommand exists: 'kinds'

    Usage: nodewright [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn an_unknown_option_is_wrong_usage() {
    assert_snapshot!(Desk::new().run(&["kinds", "--colour", "never"]), @r"
    exit 64
    --- stderr
    error: unexpected argument '--colour' found

      tip: a similar argument exists: '--color'

    Usage: nodewright kinds --color <WHEN> [KIND]...

    For more information, try '--help'.
    ");
}

#[test]
fn options_that_exclude_each_other_are_wrong_usage() {
    assert_snapshot!(Desk::new().run(&["kinds", "-q", "-v"]), @r"
    exit 64
    --- stderr
    error: the argument '--quiet' cannot be used with '--verbose...'

    Usage: nodewright kinds --quiet [KIND]...

    For more information, try '--help'.
    ");
}

#[test]
fn packages_and_keys_that_cannot_be_pushed_are_reported_where_the_site_names_them() {
    let inventory = "[site]\nname = \"s\"\ndomain = \"example.net\"\nplatform = \"el7\"\n\
         [repository]\nown = { folder = \"packages\", key_file = \"keys/own\" }\n\
         debs = { folder = \"debs\", platforms = [\"debian12\"] }\n\
         [zone]\nred = { nic = \"eth0\", network = \"192.0.2.0/24\" }\n\
         [node]\none = { address.red = \"192.0.2.5\" }\ntwo = { address.red = \"192.0.2.6\" }\n\
         [group]\nall = { nodes = [\"one\", \"two\"], roles = [\"base\", \"mine\"] }\n";
    let desk = Desk::new()
        .file("inventory.toml", inventory)
        .file("packages/a.rpm", "a")
        .file(
            "roles/mine.toml",
            "description = \"d\"\n[[step]]\nrepository = \"mine\"\nfolder = \"none\"\n",
        );
    let (code, out, err) = desk.output(&["check"]);
    assert_eq!((code, err.as_str()), (64, ""));
    let at = out.find("error[").unwrap();
    assert_snapshot!(&out[at..], @r#"
    error[SITE-FILE]: `packages` has no metadata; `createrepo_c --general-compress-type=gz packages` makes it
     --> ./inventory.toml:6:18
      |
    6 | own = { folder = "packages", key_file = "keys/own" }
      |                  ^^^^^^^^^^

    error[SITE-FILE]: the site's file `keys/own` is not there
     --> ./inventory.toml:6:41
      |
    6 | own = { folder = "packages", key_file = "keys/own" }
      |                                         ^^^^^^^^^^

    error[SITE-FILE]: the site has no folder `none`
     --> ./roles/mine.toml:4:10
      |
    4 | folder = "none"
      |          ^^^^^^

    3 errors, 2 warnings.
    "#);
}

#[test]
fn a_folder_of_packages_goes_to_the_nodes_that_it_is_for() {
    let sum = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7";
    let inventory = "[site]\nname = \"s\"\ndomain = \"example.net\"\nplatform = \"debian12\"\n\
         [repository]\nown = { folder = \"packages/deb\", priority = 50 }\n\
         old = { folder = \"packages/el6\", platforms = [\"el6\"] }\n\
         far = { url = \"https://mirror.example.net/\", suite = \"bookworm\", components = [\"main\"], key_file = \"keys/far\", exclude = [\"linux*\"] }\n\
         [zone]\nred = { nic = \"eth0\", network = \"192.0.2.0/24\" }\n\
         [node]\none = { address.red = \"192.0.2.5\", mac.eth0 = \"00:16:76:d6:c9:40\" }\n\
         [group]\nall = { nodes = [\"one\"], roles = [\"base\"] }\n";
    // printf 'a\\n' | sha256sum
    let index = format!("Package: a\nFilename: ./a.deb\nSHA256: {sum}\n");
    let desk = Desk::new()
        .file("inventory.toml", inventory)
        .file("packages/deb/a.deb", "a\n")
        .file("packages/deb/Packages", &index)
        .file("keys/far", "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n");
    let (code, out, err) = desk.output(&["render", "-o", "rendered"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let of = |path: &str| {
        let file = desk.site().join("rendered/one").join(path);
        std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{path}: {e}; {out}"))
    };
    assert_eq!(
        of("etc/apt/sources.list.d/own.sources"),
        "Types: deb\nURIs: file:///var/lib/nodewright-packages/own\nSuites: ./\nTrusted: yes\n"
    );
    assert_eq!(
        of("etc/apt/sources.list.d/far.sources"),
        "Types: deb\nURIs: https://mirror.example.net/\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n x\n"
    );
    assert_eq!(
        of("etc/apt/preferences.d/far.pref"),
        "Package: linux*\nPin: origin \"mirror.example.net\"\nPin-Priority: -1\n"
    );
    assert!(!desk.site().join("rendered/one/etc/yum.repos.d").exists());
}

#[test]
fn the_version_is_one_line() {
    let page = Desk::new().run(&["--version"]);
    assert_eq!(
        page,
        format!(
            "exit 0\n--- stdout\nnodewright {} (debug build)\n",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn an_unknown_kind_is_wrong_usage() {
    let (code, out, err) = Desk::new().output(&["kinds", "pakcage"]);
    assert_eq!((code, out.as_str()), (64, ""));
    assert!(
        err.starts_with("error: no kind is called `pakcage`; there are "),
        "{err}"
    );
}

#[test]
fn every_kind_has_its_page() {
    let (code, out, err) = Desk::new().output(&["kinds"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for kind in nodewright::kinds::kinds() {
        let name = kind.name();
        assert!(out.contains(&format!("\n{name}\n")), "{name}");
        let (_, page, _) = Desk::new().output(&["kinds", name]);
        assert!(page.starts_with(&format!("{name}\n")), "{page}");
        assert!(page.contains(&format!("\n  {name} ")), "{page}");
        let too_wide = page
            .lines()
            .find(|l| l.chars().count() > 80 && l.contains("  "));
        assert_eq!(too_wide, None, "{name}");
    }
}

#[test]
fn roles_say_what_a_site_may_set() {
    let desk = Desk::new();
    let (code, out, err) = desk.output(&["roles"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let shipped = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/roles")).unwrap();
    for file in shipped {
        let name = file.unwrap().file_name().into_string().unwrap();
        let head = format!("\n## {}\n", name.strip_suffix(".toml").unwrap());
        assert_eq!(out.matches(&head).count(), 1, "{head}");
    }
    assert_snapshot!(desk.run(&["roles", "etckeper"]), @r"
    exit 64
    --- stderr
    error: no role is called `etckeper`; did you mean `etckeeper`?
    ");
    let own = r#"
        description = "Own"
        after = ["base"]
        when = "node.member"
        [vars]
        where = { type = "path", default = "/srv", doc = "one | or the other" }
        how = { type = "int", required = true, doc = "how often" }
        [[step]]
        file = "/etc/own"
        content = "{{ vars.where }}{{ vars.how }}"
        [[check]]
        code = "OWN-IS"
        severity = "error"
        of = "file:/etc/own"
        expect = {}
        remedy = "apply"
    "#;
    let desk = Desk::new()
        .file("inventory.toml", SMALL)
        .file("roles/own.toml", own);
    assert_snapshot!(desk.run(&["roles", "own"]), @r#"
    exit 0
    --- stdout
    # Roles

    ## own

    Own.

    After: base.

    Only where `node.member`.

    Variables, set under `[vars.own]`:

    | name | type | default | |
    |---|---|---|---|
    | where | path | `"/srv"` | one \| or the other |
    | how | int | required | how often |

    Checks: OWN-IS.
    "#);
}

#[test]
fn completions_come_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, err) = Desk::new().output(&["completions", shell]);
        assert_eq!((code, err.as_str()), (0, ""), "{shell}");
        assert!(out.contains("nodewright"), "{shell}: {out}");
    }
}

#[test]
fn commands_are_completed() {
    let mut desk = Desk::new();
    desk.env("COMPLETE", "fish");
    let (code, out, _) = desk.output(&["--", "nodewright", "completi"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("completions"), "{out}");
}

#[test]
fn manual_pages_are_written_whole() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["man", "pages"]), "exit 0\n");
    let main = desk.read("pages/nodewright.1");
    assert!(main.contains("refused to destroy data"));
    let page = desk.read("pages/nodewright-completions.1");
    assert!(page.contains(".TH nodewright-completions 1"), "{page}");
    assert!(
        !desk
            .site()
            .join("pages/nodewright-demo-progress.1")
            .exists()
    );
}

#[test]
fn a_reader_that_goes_is_no_failure() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["completions", "bash"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    // Should the write have been faster than the closing, it succeeded: both end with 0.
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn progress_and_results_take_different_ways() {
    let words = [
        "demo-progress",
        "--nodes",
        "2",
        "--steps",
        "2",
        "--pace",
        "0",
    ];
    assert_snapshot!(Desk::new().run(&words), @r"
    exit 0
    --- stdout
    node   as wanted  changed  not run  findings
    node1        103        2        0         0  done
    node2        103        2        0         0  failed

    node2: no space left on /etc
    --- stderr
    node1: begins 2 steps (run demo)
    node2: begins 2 steps (run demo)
    node1: 2 steps done
    node2: failed: no space left on /etc
    ");
    let (code, out, _) = Desk::new().output(&[&words[..], &["--json"]].concat());
    assert_eq!(code, 0);
    for line in out.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["event"].is_string(), "{line}");
    }
}

#[test]
fn a_starter_site_is_written_into_an_empty_folder_only() {
    let desk = Desk::new();
    assert_snapshot!(desk.run(&["init", "rack"]), @r"
    exit 0
    --- stderr
    A starter site is in rack. Put your own nodes into its inventory.toml, then: nodewright check
    ");
    let mut files: Vec<_> = walk(&desk.site().join("rack"));
    files.sort();
    assert_eq!(
        files,
        [
            ".gitignore",
            "README.md",
            "inventory.toml",
            "roles/motd.toml",
            "schema/role.json",
            "schema/site.json",
            "templates/motd/motd"
        ]
    );
    let inventory = desk.read("rack/inventory.toml");
    assert!(inventory.contains("name     = \"rack\""), "{inventory}");
    let (code, out, err) = desk.output(&["check", "-C", "rack"]);
    assert!([0, 3].contains(&code), "{out}{err}");
    assert_snapshot!(desk.run(&["init", "rack"]), @r"
    exit 64
    --- stderr
    error: rack is not empty: .gitignore is in it
      a starter is written into a new or empty folder only
    ");
}

#[test]
fn without_a_site_it_says_where_it_looked() {
    assert_snapshot!(Desk::new().run(&["check"]), @r"
    exit 64
    --- stderr
    error: no site in [site] or above it: no inventory.toml and no inventory/*.toml
      name one with -C DIR, or write a starter with `nodewright init DIR`
    ");
    assert_snapshot!(Desk::new().run(&["check", "-C", "nowhere"]), @r"
    exit 64
    --- stderr
    error: nowhere is no site: neither inventory.toml nor inventory/*.toml is in it
      `nodewright init DIR` writes a starter
    ");
}

#[test]
fn a_sound_site_is_one_line() {
    assert_snapshot!(without_secrets().run(&["check"]), @r"
    exit 0
    --- stdout
    The site small is sound: 2 nodes, 2 resources.
    ");
}

#[test]
fn a_site_is_found_from_below() {
    let desk = without_secrets().file("templates/x/y", "");
    let output = desk
        .command(&["check"])
        .current_dir(desk.site().join("templates/x"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_is_wrong_is_reported_with_its_place() {
    let wrong = SMALL.replace(
        "platform = \"debian12\"",
        "platform = \"debian14\"\ncolor = 1",
    );
    let desk = small().file("inventory.toml", &wrong);
    assert_snapshot!(desk.run(&["check"]), @r#"
    exit 64
    --- stdout
    error[WORD]: `site.platform` cannot be `debian14`
     --> ./inventory.toml:5:12
      |
    5 | platform = "debian14"
      |            ^^^^^^^^^^ not one of the words
     help: did you mean `debian12`? It can be `el6`, `el7`, `el8`, `el9`, `el10`, `debian12`, `debian13` or `pve3`

    error[KEY-UNKNOWN]: unknown key `color` in `site`
     --> ./inventory.toml:6:1
      |
    6 | color = 1
      | ^^^^^ not known here
     help: known here: name, domain, platform, requires, review, reach, management, timezone, ssh, guard

    2 errors.
    "#);
    let (code, out, err) = desk.output(&["check", "--json"]);
    assert_eq!((code, err.as_str()), (64, ""));
    assert_snapshot!(out, @r#"
    {"event":"finding","code":"WORD","severity":"error","message":"`site.platform` cannot be `debian14`","help":"did you mean `debian12`? It can be `el6`, `el7`, `el8`, `el9`, `el10`, `debian12`, `debian13` or `pve3`","file":"./inventory.toml","line":5,"column":12}
    {"event":"finding","code":"KEY-UNKNOWN","severity":"error","message":"unknown key `color` in `site`","help":"known here: name, domain, platform, requires, review, reach, management, timezone, ssh, guard","file":"./inventory.toml","line":6,"column":1}
    {"event":"checked","nodes":[],"errors":2,"warnings":0,"accepted":0}
    "#);
}

#[test]
fn a_warning_can_be_accepted() {
    let without = SMALL.replace("mac.eth0 = \"00:00:5e:00:53:02\"\n", "");
    let desk = without_secrets().file("inventory.toml", &without);
    assert_snapshot!(desk.run(&["check"]), @r#"
    exit 3
    --- stdout
    warning[MAC-MISSING]: `node2` has no MAC address for eth0
      --> ./inventory.toml:14:7
       |
    14 | [node.node2]
       |       ^^^^^
     help: add `mac.eth0 = "…"`; `nodewright facts node2` lists them

    The site small: 2 nodes, 2 resources, 1 warning.
    "#);
    let render = desk.output(&["render", "node1", "--only", "*motd"]);
    assert_eq!(
        (render.0, render.2.as_str()),
        (0, ""),
        "other commands say nothing of warnings"
    );
    let accept = "[accept]\nMAC-MISSING = { why = \"a loan\", until = \"2999-01-01\" }\n";
    let desk = desk.file("inventory.toml", &(without + accept));
    assert_snapshot!(desk.run(&["check", "-v"]), @r"
    exit 0
    --- stdout
    accepted[MAC-MISSING]: `node2` has no MAC address for eth0 (a loan)

    The site small is sound: 2 nodes, 2 resources, 1 accepted.
    ");
}

#[test]
fn every_rule_has_its_section() {
    let desk = Desk::new();
    let (code, out, _) = desk.output(&["rules"]);
    assert_eq!(code, 0);
    assert_eq!(
        out.matches("\n## ").count(),
        nodewright::rules::all().count()
    );
    let (code, out, _) = desk.output(&["rules", "RING-DLM"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("# Rules\n\n## RING-DLM\n"), "{out}");
    assert_snapshot!(desk.run(&["rules", "RING-DML"]), @r"
    exit 64
    --- stderr
    error: no rule has the code RING-DML; did you mean RING-DLM?
    ");
}

#[test]
fn who_may_reach_what_is_a_table() {
    assert_snapshot!(without_secrets().run(&["check", "--ports"]), @r"
    exit 0
    --- stdout
    zone  from   protocol  port        role
    red   peers  tcp       7788, 7789  own

    The site small is sound: 2 nodes, 2 resources.
    ");
}

#[test]
fn steps_that_are_at_odds_are_an_error_that_names_both() {
    let other = "description = \"x\"\n[[step]]\nfile = \"/etc/motd\"\ncontent = \"other\\n\"\n";
    let both = SMALL.replace("[\"own\"]", "[\"own\", \"other\"]");
    let desk = without_secrets()
        .file("roles/other.toml", other)
        .file("inventory.toml", &both);
    assert_snapshot!(desk.run(&["check"]), @r"
    exit 64
    --- stdout
    error[CONFLICT]: /etc/motd: own/file:/etc/motd and other/file:/etc/motd want different things: a whole file, and a whole file
     help: the steps are in ./roles/own.toml:10 and ./roles/other.toml:3

    1 error.
    ");
}

#[test]
fn files_are_rendered_with_secrets_masked() {
    let desk = small();
    assert_snapshot!(desk.run(&["render", "node2"]), @r"
    exit 0
    --- stdout
    ==> node2:/etc/motd 0644 <==
    this is node2

    ==> node2:/etc/own.key 0600 <==
    key=‹secret own›
    ");
    assert_eq!(desk.run(&["render", "-o", "out"]), "exit 0\n");
    assert_eq!(desk.read("out/node1/etc/motd"), "this is node1\n");
    assert_eq!(desk.read("out/node2/etc/own.key"), "key=‹secret own›\n");
    let (_, json, _) = desk.output(&["render", "node1", "--json", "--only", "*:/etc/motd"]);
    assert_eq!(
        json,
        "{\"event\":\"file\",\"node\":\"node1\",\"path\":\"/etc/motd\",\"mode\":\"0644\",\"content\":\"this is node1\\n\",\"edit\":false}\n"
    );
}

#[test]
fn a_selection_that_matches_nothing_is_wrong_usage() {
    assert_snapshot!(small().run(&["render", "--skip", "owm/*"]), @r"
    exit 64
    --- stderr
    error: `owm/*` matches no resource of the selected nodes; an address is ROLE/KIND:NAME, and `*` matches any text
    ");
    assert_snapshot!(small().run(&["render", "node3"]), @r"
    exit 64
    --- stderr
    error: no node or group is called `node3`; did you mean `node1`?
    ");
}

#[test]
fn a_site_that_is_not_sound_is_not_rendered() {
    let desk = small().file("roles/own.toml", "description = 1\n");
    assert_snapshot!(desk.run(&["render"]), @r"
    exit 64
    --- stderr
    error[TYPE]: `description` of a role is a whole number
     --> ./roles/own.toml:1:15
      |
    1 | description = 1
      |               ^ text in quotes is wanted

    error: the site has errors; `nodewright check` lists them
    ");
}

#[test]
fn a_shipped_role_is_copied_once() {
    let desk = without_secrets();
    let (code, out, err) = desk.output(&["eject", "etckeeper"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.starts_with("roles/etckeeper.toml\n"), "{err}");
    let copy = desk.read("roles/etckeeper.toml");
    assert!(
        copy.starts_with("# ejected from the shipped roles/etckeeper.toml, sha256 "),
        "{copy}"
    );
    assert_snapshot!(desk.run(&["eject", "etckeeper"]), @r"
    exit 64
    --- stderr
    error: roles/etckeeper.toml is in the site already; nothing was written
    ");
    assert_eq!(desk.output(&["eject", "nothing"]).0, 64);
    assert_eq!(desk.output(&["check"]).0, 0);
}

#[test]
fn nodes_and_groups_are_completed() {
    let mut desk = small();
    desk.env("COMPLETE", "fish");
    let (code, out, _) = desk.output(&["--", "nodewright", "lab", "ssh", "no"]);
    assert_eq!((code, out.as_str()), (0, "node1\nnode2\n"));
}

#[test]
fn addresses_codes_kinds_and_roles_are_completed() {
    let mut desk = small();
    desk.env("COMPLETE", "fish");
    for (words, all) in [
        (
            &["plan", "--only", "own/file:/etc/m"][..],
            "own/file:/etc/motd\n",
        ),
        (&["apply", "--skip", "own/*"], "own/*\n"),
        (&["explain", "RING-D"], "RING-DLM\n"),
        (&["explain", "TIME-SY"], "TIME-SYNC\n"),
        (&["rules", "RING-D"], "RING-DLM\n"),
        (&["kinds", "fence"], "fence_device\n"),
        (&["roles", "etc"], "etckeeper\n"),
        (&["eject", "etc"], "etckeeper\n"),
    ] {
        let line = [&["--", "nodewright"], words].concat();
        let (code, out, _) = desk.output(&line);
        assert_eq!((code, out.as_str()), (0, all), "{words:?}");
    }
}

#[test]
fn the_schema_is_json_and_names_every_table() {
    let desk = Desk::new();
    let (code, out, _) = desk.output(&["schema"]);
    assert_eq!(code, 0);
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    let starter = include_str!("../../src/cli/starter/inventory.toml");
    assert_eq!(desk.run(&["schema", "-o", "schemas"]), "exit 0\n");
    let role: serde_json::Value = serde_json::from_str(&desk.read("schemas/role.json")).unwrap();
    assert!(role["properties"]["step"].is_object());
    for table in schema["properties"].as_object().unwrap().keys() {
        let named = [format!("[{table}]"), format!("[{table}.")];
        assert!(
            named.iter().any(|n| starter.contains(n)),
            "the starter says nothing of [{table}]"
        );
    }
}

/// Every `#:schema` line leads to a schema: in a new site, in one with a copied role, and in this repository.
#[test]
fn a_schema_that_a_file_names_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let resolves = |file: &std::path::Path, needed: bool| {
        let text = std::fs::read_to_string(file).unwrap();
        let named = text.lines().find_map(|l| l.strip_prefix("#:schema "));
        assert!(named.is_some() || !needed, "{}", file.display());
        if let Some(named) = named {
            let path = file.parent().unwrap().join(named);
            let schema = std::fs::read_to_string(&path);
            let schema = schema.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            serde_json::from_str::<serde_json::Value>(&schema).unwrap();
        }
    };
    let desk = Desk::new();
    assert_eq!(desk.output(&["init", "rack"]).0, 0);
    for file in ["rack/inventory.toml", "rack/roles/motd.toml"] {
        resolves(&desk.site().join(file), true);
    }
    let desk = without_secrets();
    assert_eq!(desk.output(&["eject", "base"]).0, 0);
    resolves(&desk.site().join("roles/base.toml"), true);
    for folder in ["roles", "inventory"].map(|f| root.join(f)) {
        for file in walk(&folder)
            .iter()
            .filter(|f| f.rsplit('.').next() == Some("toml"))
        {
            resolves(&folder.join(file), false);
        }
    }
    // Those of the repository are those of now.
    let now = Desk::new();
    assert_eq!(now.output(&["schema", "-o", "schema"]).0, 0);
    for name in ["schema/site.json", "schema/role.json"] {
        let (path, text) = (root.join(name), now.read(name));
        if std::env::var_os("NODEWRIGHT_BLESS").is_some() {
            std::fs::create_dir_all(root.join("schema")).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "{name} is not current: NODEWRIGHT_BLESS=1 writes it"
        );
    }
}

/// The files under a folder, by their path in it.
fn walk(dir: &std::path::Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files
}

#[test]
fn the_addresses_of_a_selection_are_listed_without_a_node() {
    let desk = crate::support::without_secrets();
    let (code, out, err) = desk.output(&["plan", "--list"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "node1  own/file:/etc/motd\nnode2  own/file:/etc/motd\n"
    );
    let (_, out, _) = desk.output(&["plan", "node2", "--list", "--json"]);
    assert_eq!(
        out,
        "{\"event\":\"resource\",\"node\":\"node2\",\"address\":\"own/file:/etc/motd\"}\n"
    );
    let (code, _, err) = desk.output(&["plan", "--list", "--only", "none/*"]);
    assert!(code == 64 && err.contains("none/*"), "{err}");
}

#[test]
fn a_saved_plan_is_shown_again() {
    let plan = r#"{"nodewright-plan":1,"site":"small","digest":"x","plan":{"nodes":[{"node":"node1",
        "changes":[],"later":[],"findings":[],"refusals":[],"orphans":[],"same":3}],"unseen":[]}}"#;
    let desk = Desk::new()
        .file("a.plan", plan)
        .file("b.plan", "{\"nodewright-plan\":1,\"plan\":{\"nodes\":[7]}}");
    let (code, out, err) = desk.output(&["show", "a.plan"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "Nothing to do: 1 node, 3 resources as wanted.\n");
    let (code, _, err) = desk.output(&["show", "b.plan"]);
    assert!(
        code == 64 && err.contains("this is no saved plan of this version"),
        "{err}"
    );
}

/// A guest is shown with the table and the place of each of its values.
#[test]
fn a_guest_is_shown_with_the_places_of_its_values() {
    let site = include_str!("../../inventory/crosslink/inventory.toml");
    let site = format!("{site}\n[guest_defaults]\nos = \"debian12\"\n");
    let desk = Desk::new().file("inventory.toml", &site);
    let (code, out, err) = desk.output(&["show", "web"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let line = |key: &str| {
        let mut lines = out.lines();
        let found = lines.find(|l| l.starts_with(key)).expect(key);
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let at = site.lines().position(|l| l.starts_with("web ")).unwrap() + 1;
    assert!(
        line("memory").starts_with(&format!("memory 4G [guest.web] ./inventory.toml:{at}:")),
        "{out}"
    );
    assert!(
        line("os ").starts_with("os debian12 [guest_defaults] "),
        "{out}"
    );
    assert_eq!(line("cpus"), "cpus 1 default");
    assert_eq!(line("migrate"), "migrate live follows from the others");
    assert!(
        line("card green").ends_with("on vbr1 made of names"),
        "{out}"
    );
    assert_eq!(
        line("disk web"),
        "disk web /dev/vg_node1/web, 40G follows from the others"
    );
    let (_, out, _) = desk.output(&["show", "web", "--json"]);
    assert!(
        out.starts_with("{\"event\":\"guest\",\"guest\":\"web\",\"values\":["),
        "{out}"
    );
    let (code, _, err) = desk.output(&["show", "wed"]);
    assert!(
        code == 64
            && err.contains("`wed` is neither a file nor a guest of the site; did you mean web?"),
        "{err}"
    );
}

/// A help that says what to write is right when it is written so.
#[test]
fn a_help_taken_literally_is_right() {
    let said = |desk: &Desk| {
        let (_, out, err) = desk.output(&["check"]);
        format!("{out}{err}")
    };
    let written = |text: &str| {
        let (_, rest) = text.split_once("help: ").expect(text);
        let rest = rest.lines().next().unwrap();
        let (_, rest) = rest.split_once('`').expect(rest);
        rest.split_once('`').expect(rest).0.to_owned()
    };
    let site = include_str!("../../inventory/crosslink/inventory.toml");
    for (right, wrong, key) in [
        ("delay     = \"15s\"", "delay     = 15", true),
        ("token     = \"10s\"", "token     = 10", true),
        (
            "name     = \"crosslink\"",
            "name     = \u{201c}crosslink\u{201d}",
            false,
        ),
        (
            "ring      = \"yellow\"",
            "ring      = \u{201e}yellow\u{201c}",
            false,
        ),
        ("port = 514", "port = \"514\"", true),
        ("failback  = false", "failback  = \"false\"", true),
    ] {
        let text = site.replacen(right, wrong, 1);
        assert_ne!(text, site, "{right}");
        let told = said(&Desk::new().file("inventory.toml", &text));
        assert!(told.contains("error["), "{wrong}: {told}");
        let help = written(&told);
        let value = wrong.split_once("= ").unwrap().1;
        let better = if key {
            help.clone()
        } else {
            wrong.replace(value, &help)
        };
        let told = said(&Desk::new().file("inventory.toml", &site.replacen(right, &better, 1)));
        assert!(!told.contains("error["), "{better}: {told}");
    }
    let small = "[site]\nname = \"s\"\ndomain = \"example.net\"\nplatform = \"el9\"\n[zone]\nred = { nic = \"eth0\", network = \"192.0.2.0/24\" }\n\
                 [node.n]\naddress = { red = \"192.0.2.5\" }\nmac.eth0 = \"00:00:5e:00:53:01\"\n[group.all]\nnodes = [\"n\"]\nroles = [\"demo\"]\n";
    let role = |mode: &str| {
        let step =
            format!("description = \"d\"\n[[step]]\nfile = \"/etc/x\"\ncontent = \"x\"\n{mode}\n");
        said(
            &Desk::new()
                .file("inventory.toml", small)
                .file("roles/demo.toml", &step),
        )
    };
    let told = role("mode = 0o644");
    assert_eq!(written(&told), "mode = \"0644\"", "{told}");
    assert!(!role("mode = \"0644\"").contains("error["));
}

/// The pages under docs/reference are those that the program writes.
#[test]
fn the_reference_is_current() {
    let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let desk = Desk::new();
    assert_eq!(desk.output(&["reference", "-o", "reference"]).0, 0);
    let now = desk.site().join("reference");
    let mut pages = walk(&now);
    pages.sort();
    if std::env::var_os("NODEWRIGHT_BLESS").is_some() {
        std::fs::create_dir_all(&kept).unwrap();
        for page in &pages {
            std::fs::copy(now.join(page), kept.join(page)).unwrap();
        }
    }
    let mut there = walk(&kept);
    there.sort();
    assert_eq!(there, pages);
    for page in pages {
        let text = |dir: &std::path::Path| std::fs::read_to_string(dir.join(&page)).unwrap();
        assert!(
            text(&kept) == text(&now),
            "docs/reference/{page} is not current: NODEWRIGHT_BLESS=1 writes it"
        );
    }
}

/// Each page is read at 80 columns, and is JSON where that is asked for.
#[test]
fn the_reference_is_read_on_a_terminal_and_by_programs() {
    let desk = Desk::new();
    for page in ["inventory", "role", "templates", "checks", "kinds"] {
        let (code, out, err) = desk.output(&["reference", page]);
        assert_eq!((code, err.as_str()), (0, ""), "{page}");
        let wide = out
            .lines()
            .find(|l| l.chars().count() > 80 && l.trim().contains(' '));
        assert_eq!(wide, None, "{page}");
        let (_, out, _) = desk.output(&["reference", page, "--json"]);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["page"], page);
        assert!(
            !json["sections"][0]["rows"].as_array().unwrap().is_empty(),
            "{page}"
        );
    }
    let (code, _, err) = desk.output(&["reference", "template"]);
    assert_eq!(code, 64);
    assert!(err.contains("did you mean `templates`?"), "{err}");
}
