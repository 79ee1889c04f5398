//! What commands say, whole, and with which code they end.

use crate::support::Desk;
use insta::assert_snapshot;
use nodewright::exit::Exit;
use std::process::Stdio;

#[test]
fn the_exit_codes_are_what_the_manual_says() {
    let codes: Vec<_> = Exit::ALL.iter().map(|(e, _)| *e as u8).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 64]);
    let (code, out, _) = Desk::new().output(&["--help"]);
    assert_eq!(code, 0);
    let listed = out.split("Exit codes:\n").nth(1).unwrap();
    assert_snapshot!(listed, @r"
     0  nothing to do, or all done
     1  failed
     2  changes are pending (plan, drift)
     3  findings, or checks that do not hold
     4  a node could not be reached
     5  refused, because data could be destroyed
     6  put back by the guard
     7  locked by another run
     8  a long step is still under way
    64  wrong usage, site or role
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
fn the_version_is_one_line() {
    let page = Desk::new().run(&["--version"]);
    assert_eq!(
        page,
        format!(
            "exit 0\n--- stdout\nnodewright {}\n",
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
    for kind in nodewright::resource::KINDS {
        let name = kind.name();
        assert!(out.contains(&format!("## {name}\n")), "{name}");
        assert!(out.contains(&format!("- `{name}`: ")), "{name}: {out}");
    }
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
    assert!(main.contains("refused, because data could be destroyed"));
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
            "templates/motd/motd"
        ]
    );
    let inventory = desk.read("rack/inventory.toml");
    assert!(inventory.contains("name     = \"rack\""), "{inventory}");
    assert_snapshot!(desk.run(&["init", "rack"]), @r"
    exit 64
    --- stderr
    error: rack is not empty: README.md is in it
      a starter is written into a new or empty folder only
    ");
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
