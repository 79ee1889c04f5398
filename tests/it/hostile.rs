//! Hostile text in every free field of a step: refused by `check`, or carried to a node as the same bytes. Never run.

use crate::yard::Yard;
use nodewright::role::{Library, expand};
use nodewright::site::{Site, Sources, load_str};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use toml::{Table, Value};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxBVwfaf5JbeQTPlFLwdBQpCJrQ6FVOE8dTlYUSgGfT";

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "$(touch /tmp/pwned)",
        "`touch /tmp/pwned`",
        "'; touch /tmp/pwned; '",
        "\"; touch /tmp/pwned; \"",
        "a\ntouch /tmp/pwned",
        "x; touch /tmp/pwned #",
        "|touch /tmp/pwned",
        "& touch /tmp/pwned &",
        "-rf",
        "--help",
        "%n%s%x",
        "* ?[a-z]",
        "it's \"quoted\" $HOME ${IFS} \\ \\n !!",
        "~root",
        "ümläut 名 \u{1f600}",
        "a -> 'b'",
        "tab\tand  blanks",
        "...",
    ]
    .map(String::from)
    .into();
    texts.push("$(touch /tmp/pwned)".repeat(3450)); // 64 KiB
    texts
}

/// One field of a step that takes text: the step that carries it, and shell that prints what became of it.
struct Field {
    name: &'static str,
    step: fn(usize, &str) -> String,
    shell: fn(usize, &str) -> String,
    carried: fn(&str) -> Vec<u8>,
}

/// A text as TOML.
fn t(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A text as one word of shell.
fn q(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A text as part of a name: it is no path.
fn n(text: &str) -> String {
    text.replace("/tmp/", "")
}

fn same(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn a_line(text: &str) -> Vec<u8> {
    format!("{text}\n").into_bytes()
}

fn here(_: &str) -> Vec<u8> {
    b"here".to_vec()
}

const FIELDS: &[Field] = &[
    Field {
        name: "content of a file",
        step: |i, x| format!("file = \"/srv/content{i}\"\ncontent = {}", t(x)),
        shell: |i, _| format!("cat /srv/content{i}"),
        carried: same,
    },
    Field {
        name: "name of a file",
        step: |i, x| {
            format!(
                "file = {}\ncontent = \"here\"",
                t(&format!("/srv/f{i}{}", n(x)))
            )
        },
        shell: |i, x| format!("cat {}", q(&format!("/srv/f{i}{}", n(x)))),
        carried: here,
    },
    Field {
        name: "whole name of a file",
        step: |_, x| {
            format!(
                "file = {}\ncontent = \"here\"",
                t(&format!("/opt/{}", n(x)))
            )
        },
        shell: |_, x| format!("cat {}", q(&format!("/opt/{}", n(x)))),
        carried: here,
    },
    Field {
        name: "name of a folder",
        step: |i, x| format!("directory = {}", t(&format!("/srv/d{i} {}", n(x)))),
        shell: |i, x| {
            format!(
                "test -d {} && printf here",
                q(&format!("/srv/d{i} {}", n(x)))
            )
        },
        carried: here,
    },
    Field {
        name: "target of a link",
        step: |i, x| format!("symlink = \"/srv/link{i}\"\nto = {}", t(x)),
        shell: |i, _| format!("readlink -n /srv/link{i}"),
        carried: same,
    },
    Field {
        name: "line",
        step: |i, x| format!("line = {}\nfile = \"/srv/line{i}\"", t(x)),
        shell: |i, _| format!("cat /srv/line{i}"),
        carried: a_line,
    },
    Field {
        name: "content of a block",
        step: |i, x| {
            format!(
                "block = \"b\"\nfile = \"/srv/block{i}\"\ncontent = {}",
                t(x)
            )
        },
        shell: |i, _| format!("sed '1d;$d' /srv/block{i}"),
        carried: a_line,
    },
    Field {
        name: "name of a block",
        step: |i, x| {
            format!(
                "block = {}\nfile = \"/srv/bname{i}\"\ncontent = \"x\"",
                t(x)
            )
        },
        shell: |i, _| format!("sed -n '1s/^# BEGIN nodewright //p' /srv/bname{i}"),
        carried: a_line,
    },
    Field {
        name: "value of an ini key",
        step: |i, x| {
            format!(
                "ini = \"k\"\nfile = \"/srv/ini{i}\"\nsection = \"s\"\nvalue = {}",
                t(x)
            )
        },
        shell: |i, _| format!("sed -n 's/^k=//p' /srv/ini{i}"),
        carried: a_line,
    },
    Field {
        name: "section of an ini file",
        step: |i, x| {
            format!(
                "ini = \"k\"\nfile = \"/srv/section{i}\"\nsection = {}\nvalue = \"v\"",
                t(x)
            )
        },
        shell: |i, _| format!("sed -n 's/^\\[\\(.*\\)]$/\\1/p' /srv/section{i}"),
        carried: a_line,
    },
    Field {
        name: "ini key",
        step: |i, x| format!("ini = {}\nfile = \"/srv/key{i}\"\nvalue = \"v\"", t(x)),
        shell: |i, _| format!("sed 's/=v$//' /srv/key{i}"),
        carried: a_line,
    },
    Field {
        name: "comment of a user",
        step: |i, x| format!("user = \"h{i}\"\nsystem = true\ncomment = {}", t(x)),
        shell: |i, _| format!("getent passwd h{i} | cut -d: -f5"),
        carried: a_line,
    },
    Field {
        name: "command of a job",
        step: |i, x| {
            format!(
                "cron = \"h{i}\"\nschedule = \"@reboot\"\ncommand = {}",
                t(x)
            )
        },
        shell: |i, _| format!("sed -n 's/^@reboot root //p' /etc/cron.d/h{i} | sed 's/\\\\%/%/g'"),
        carried: a_line,
    },
    Field {
        name: "comment of a key",
        step: |i, x| {
            format!(
                "authorized_key = {}\nuser = \"root\"\nhome = \"/srv/home{i}\"",
                t(&format!("{KEY} {x}"))
            )
        },
        shell: |i, _| format!("cut -d' ' -f3- /srv/home{i}/.ssh/authorized_keys"),
        carried: a_line,
    },
    Field {
        name: "name of a host",
        step: |i, x| format!("hosts = \"10.9.0.{i}\"\nnames = [{}]", t(x)),
        shell: |i, _| format!("sed -n 's/^10.9.0.{i} //p' /etc/hosts"),
        carried: a_line,
    },
    Field {
        name: "argument of a command",
        step: |i, x| {
            format!(
                "command = [\"/usr/local/bin/nw-args\", \"/srv/arg{i}\", {}]\ncreates = \"/srv/arg{i}\"",
                t(x)
            )
        },
        shell: |i, _| format!("cat /srv/arg{i}"),
        carried: same,
    },
    Field {
        name: "argument of a question",
        step: |i, x| {
            format!(
                "command = [\"/usr/local/bin/nw-args\", \"/srv/asked{i}\", {0}]\nunless = [\"/usr/local/bin/nw-asked\", \"/srv/asked{i}\", {0}]",
                t(x)
            )
        },
        shell: |i, _| format!("cat /srv/asked{i}"),
        carried: same,
    },
    Field {
        name: "path that a command creates",
        step: |_, x| {
            let path = t(&format!("/srv/made {}", n(x)));
            format!("command = [\"touch\", {path}]\ncreates = {path}")
        },
        shell: |_, x| {
            format!(
                "test -f {} && printf here",
                q(&format!("/srv/made {}", n(x)))
            )
        },
        carried: here,
    },
    Field {
        name: "name in a tree",
        step: |i, x| {
            format!(
                "tree = \"/srv/tree{i}\"\nfiles = [{{ name = {}, content = \"here\" }}]",
                t(&n(x))
            )
        },
        shell: |i, x| format!("cat {}", q(&format!("/srv/tree{i}/{}", n(x)))),
        carried: here,
    },
    Field {
        name: "argument of a validator",
        step: |i, x| {
            format!(
                "file = \"/srv/checked{i}\"\ncontent = \"here\"\ncheck = [\"test\", {}, \"!=\", \"{{staged}}\"]",
                t(x)
            )
        },
        shell: |i, _| format!("cat /srv/checked{i}"),
        carried: here,
    },
];

/// Fields that take a name of something, and no free text at all.
const NAMES: &[&str] = &[
    "package = X",
    "service = X\nrunning = true",
    "user = X",
    "group = X",
    "file = \"/etc/a\"\ncontent = \"\"\nowner = X",
    "file = \"/etc/a\"\ncontent = \"\"\nmode = X",
    "hostname = X",
    "timezone = X",
    "kernel_module = X",
    "selinux_boolean = X\nvalue = true",
    "sysctl = X\nvalue = 1",
    "cron = X\nschedule = \"@daily\"\ncommand = \"true\"",
    "cron = \"a\"\nschedule = X\ncommand = \"true\"",
    "authorized_key = X\nuser = \"root\"",
];

/// What `check` says of a role with these steps.
fn findings(site: &Site, steps: &str) -> String {
    let role = format!("description = \"hostile\"\n{steps}");
    let (mut sources, mut findings) = (Sources::default(), Vec::new());
    let library = Library::of(
        [("roles/hostile.toml", role.as_str())],
        &mut sources,
        &mut findings,
    );
    if findings.is_empty() {
        findings = expand(site, &library, "node1", &sources).findings;
    }
    let shown = findings.iter().map(|f| f.render(&sources, false));
    shown.collect::<Vec<_>>().join("\n")
}

#[test]
fn hostile_text_is_refused_or_arrives_as_the_same_bytes() {
    let yard = Yard::new(
        "root",
        "none",
        "[group.all]\nnodes = [\"node1\"]\nroles = [\"hostile\"]\n",
    );
    let loaded = load_str(&yard.desk.read("inventory.toml"));
    let site = loaded.sound().expect("the site is sound");
    for name in NAMES {
        for text in texts() {
            // There are three dots in no name but that of a job's command.
            let said = findings(
                site,
                &format!("[[step]]\n{}\n", name.replace('X', &t(&text))),
            );
            assert!(said.contains("error"), "{name} takes {:?}", text.get(..40));
        }
    }
    yard.nodes.ok(
        "node1",
        r#"printf '#!/bin/sh\nprintf %%s "$2" >"$1"\n' >/usr/local/bin/nw-args
        printf '#!/bin/sh\n[ -e "$1" ] && printf %%s "$2" | cmp -s - "$1"\n' >/usr/local/bin/nw-asked
        chmod 755 /usr/local/bin/nw-*"#,
    );
    let mut role =
        String::from("description = \"hostile\"\n[[step]]\ndirectory = \"/etc/cron.d\"\n");
    let mut carried: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut proofs = String::new();
    let mut expected = Vec::new();
    for (f, field) in FIELDS.iter().enumerate() {
        for (at, text) in texts().iter().enumerate() {
            let step = format!("[[step]]\n{}\n", (field.step)(at, text));
            step.parse::<Table>()
                .unwrap_or_else(|e| panic!("{}: {e}", field.name));
            if findings(site, &step).is_empty() {
                role += &step;
                carried.entry(field.name).or_default().insert(at);
                let long = text.len() > 1000;
                // A long name does not fit into this shell's own words either.
                let shell = (field.shell)(at, if long { "" } else { text });
                let _ = writeln!(proofs, "{{ {shell}; }} >/run/proof/{f}.{at} 2>/dev/null");
                expected.push((f, at, (field.carried)(text)));
            }
        }
    }
    // Fields of free text carry nearly everything; none refuses all but those that are names.
    for field in FIELDS {
        let many = carried.get(field.name).map_or(0, BTreeSet::len);
        let least = if field.name == "name of a host" { 0 } else { 4 };
        assert!(many >= least, "{} carries {many}", field.name);
    }
    assert!(expected.len() > 200, "{}", expected.len());
    yard.write("roles/hostile.toml", &role);
    // Warnings are about the site: one operator, no MAC.
    let said = yard.run(&["check"]);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    let said = yard.run(&["apply", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = yard.run(&["apply", "--yes"]);
    assert!(
        said.code == 0 && said.out.contains("Nothing to do"),
        "{}{}",
        said.out,
        said.err
    );

    yard.nodes.ok(
        "node1",
        &format!("mkdir -p /run/proof\n{proofs}\ntar -C /run/proof -cf /run/proof.tar .\n"),
    );
    let unpacked = tempfile::tempdir().unwrap();
    let packed = yard.nodes.sh("node1", "cat /run/proof.tar").stdout;
    let tar = unpacked.path().join("tar");
    std::fs::write(&tar, packed).unwrap();
    let status = std::process::Command::new("tar")
        .arg("-C")
        .arg(unpacked.path())
        .arg("-xf")
        .arg(&tar)
        .status();
    assert!(status.unwrap().success());
    let mut wrong = String::new();
    for (f, at, bytes) in expected {
        let found = std::fs::read(unpacked.path().join(format!("{f}.{at}"))).unwrap();
        if found != bytes {
            let shown = |b: &[u8]| String::from_utf8_lossy(&b[..b.len().min(80)]).into_owned();
            let _ = writeln!(
                wrong,
                "{} {at}: {:?} became {:?}",
                FIELDS[f].name,
                shown(&bytes),
                shown(&found)
            );
        }
    }
    assert_eq!(wrong, "");
    assert_eq!(
        yard.nodes.ok(
            "node1",
            "ls -d /tmp/pwned /pwned /root/pwned /srv/pwned /opt/pwned 2>/dev/null; :"
        ),
        ""
    );
    assert!(!std::path::Path::new("/tmp/pwned").exists());
}
