//! Installing: what `make install` puts where and takes away again, the packages, the version, and what shells complete.

use crate::nodes::{self, Nodes};
use crate::support::{Desk, without_secrets};
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn make(target: &str, into: &Path) {
    let done = Command::new("make")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-s", target, "PREFIX=/usr"])
        .arg(format!("DESTDIR={}", into.display()))
        .arg(format!("BIN={}", env!("CARGO_BIN_EXE_nodewright")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}

fn files(folder: &Path, below: &Path, all: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, below, all);
        } else {
            assert!(
                path.metadata().unwrap().len() > 40,
                "{} is empty",
                path.display()
            );
            all.insert(path.strip_prefix(below).unwrap().display().to_string());
        }
    }
}

#[test]
fn it_installs_program_pages_and_completions_and_takes_them_away() {
    let into = tempfile::tempdir().unwrap();
    make("install", into.path());
    let mut found = BTreeSet::new();
    files(into.path(), into.path(), &mut found);
    for wanted in [
        "usr/bin/nodewright",
        "usr/share/man/man1/nodewright.1",
        "usr/share/man/man1/nodewright-plan.1",
        "usr/share/man/man1/nodewright-lab-up.1",
        "usr/share/bash-completion/completions/nodewright",
        "usr/share/zsh/site-functions/_nodewright",
        "usr/share/fish/vendor_completions.d/nodewright.fish",
    ] {
        assert!(found.contains(wanted), "{wanted}: {found:?}");
    }
    assert!(!found.iter().any(|f| f.contains("lab-pipe")), "{found:?}");
    let program = into.path().join("usr/bin/nodewright");
    let output = Command::new(program).arg("--version").output().unwrap();
    assert!(output.stdout.starts_with(b"nodewright "));
    let script = into
        .path()
        .join("usr/share/bash-completion/completions/nodewright");
    assert!(
        Command::new("bash")
            .arg("-n")
            .arg(script)
            .status()
            .unwrap()
            .success()
    );
    make("uninstall", into.path());
    let mut left = BTreeSet::new();
    files(into.path(), into.path(), &mut left);
    assert_eq!(left, BTreeSet::new());
}

/// The program of `build.rs` itself, in a folder that stands for the sources: what it has `--version` say.
fn built_in(folder: &Path, script: &Path, profile: &str) -> String {
    let output = Command::new(script)
        .env("CARGO_MANIFEST_DIR", folder)
        .env("OUT_DIR", folder)
        .env("PROFILE", profile)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let mut lines = said.lines();
    let word = lines.find_map(|l| l.strip_prefix("cargo:rustc-env=NODEWRIGHT_BUILT="));
    word.unwrap().to_owned()
}

fn git(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-C", folder.to_str().unwrap()])
        .args(["-c", "user.name=a", "-c", "user.email=a@example.net"])
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_version_names_the_commit_that_it_is_built_from() {
    let scratch = tempfile::tempdir().unwrap();
    let script = scratch.path().join("build");
    let compiled = Command::new("rustc")
        .args(["--edition", "2024", "-o"])
        .arg(&script)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs"))
        .status()
        .unwrap();
    assert!(compiled.success());
    // The archive is unpacked in somebody else's repository.
    git(scratch.path(), &["init", "-q"]);
    git(
        scratch.path(),
        &["commit", "-q", "--allow-empty", "-m", "theirs"],
    );
    let folder = scratch.path().join("sources");
    for part in ["roles", "templates"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    let archive = "from a source archive, commit unknown";
    assert_eq!(built_in(&folder, &script, "release"), archive);
    git(&folder, &["init", "-q"]);
    let unborn = "commit unknown: git does not tell it";
    assert_eq!(built_in(&folder, &script, "release"), unborn);
    std::fs::write(folder.join("Cargo.lock"), "1").unwrap();
    git(&folder, &["add", "Cargo.lock"]);
    git(&folder, &["commit", "-q", "-m", "ours"]);
    let commit = git(&folder, &["rev-parse", "--short=12", "HEAD"]);
    let named = format!("commit {commit}");
    assert_eq!(built_in(&folder, &script, "release"), named);
    std::fs::write(folder.join("Cargo.lock"), "2").unwrap();
    let changed = format!("{named}, changed since");
    assert_eq!(built_in(&folder, &script, "release"), changed);
    assert_eq!(built_in(&folder, &script, "debug"), "debug build");
}

/// The packages that `scripts/packages.sh` makes of the program, without its symbols.
fn packages(into: &Path) -> (PathBuf, PathBuf) {
    let program = into.join("nodewright");
    let stripped = Command::new("strip")
        .arg("-o")
        .args([&program, &PathBuf::from(env!("CARGO_BIN_EXE_nodewright"))])
        .status()
        .unwrap();
    assert!(stripped.success());
    let made = Command::new("scripts/packages.sh")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([&program, &into.join("packages")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let said = String::from_utf8(made.stdout).unwrap();
    let of = |ending: &str| said.lines().find(|l| l.ends_with(ending)).unwrap().into();
    (of(".deb"), of(".rpm"))
}

/// Copies a file to a node.
fn send(nodes: &Nodes, from: &Path, to: &str) {
    let sent = Command::new("ssh")
        .arg("-F")
        .arg(nodes.ssh_config())
        .args(["node1", "--", &format!("cat >{to}")])
        .stdin(std::fs::File::open(from).unwrap())
        .status()
        .unwrap();
    assert!(sent.success());
}

const INSTALLED: &str = "nodewright --version; ls /usr/share/bash-completion/completions/nodewright \
                         /usr/share/zsh/site-functions/_nodewright \
                         /usr/share/fish/vendor_completions.d/nodewright.fish";

#[test]
fn both_packages_are_installed_by_the_real_tools_and_removed() {
    let scratch = tempfile::tempdir().unwrap();
    let (deb, rpm) = packages(scratch.path());
    let version = concat!("nodewright ", env!("CARGO_PKG_VERSION"), " (");

    let debian = nodes::debian(1);
    send(&debian, &deb, "/root/nodewright.deb");
    debian.ok("node1", "dpkg -i /root/nodewright.deb");
    assert!(debian.ok("node1", INSTALLED).starts_with(version));
    // The lab's nodes leave out documentation of any package.
    let changed = "dpkg --verify nodewright | grep -v -e /usr/share/man/ -e /usr/share/doc/ || :";
    assert_eq!(debian.ok("node1", changed), "");
    let listed = debian.ok("node1", "dpkg -L nodewright");
    assert!(
        listed.contains("/usr/share/man/man1/nodewright-plan.1.gz\n"),
        "{listed}"
    );
    debian.ok("node1", "dpkg -r nodewright && ! command -v nodewright");
    drop(debian);

    // What the node is underneath is no RPM, so its libraries are none either: that they are asked for is seen apart.
    let el9 = nodes::el9(1);
    send(&el9, &rpm, "/root/nodewright.rpm");
    let needs = el9.ok("node1", "rpm -qp --requires /root/nodewright.rpm");
    for need in ["openssh-clients\n", "libc.so.6(GLIBC_2."] {
        assert!(needs.contains(need), "{needs}");
    }
    el9.ok("node1", "rpm -i --nodeps /root/nodewright.rpm");
    assert!(el9.ok("node1", INSTALLED).starts_with(version));
    assert_eq!(el9.ok("node1", "rpm -V --nodeps nodewright"), "");
    el9.ok("node1", "rpm -e nodewright && ! command -v nodewright");
}

/// The C library and the Rust that docs/install.md names are those that the program asks for.
#[test]
fn the_oldest_library_and_compiler_are_named() {
    let symbols = Command::new("objdump")
        .args(["-T", env!("CARGO_BIN_EXE_nodewright")])
        .output()
        .unwrap();
    let symbols = String::from_utf8(symbols.stdout).unwrap();
    let wanted = symbols.split("GLIBC_2.").skip(1);
    let minor = wanted.filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    });
    let minor = minor.max().unwrap();
    let page = include_str!("../../docs/install.md");
    assert!(
        page.contains(&format!("glibc 2.{minor} or newer")),
        "2.{minor}"
    );
    let rust = env!("CARGO_PKG_RUST_VERSION");
    assert!(page.contains(&format!("Rust {rust} or newer")), "{rust}");
}

/// Types lines into a shell on a terminal of its own, each with TAB behind it.
const TYPING: &str = r#"
import os, pty, select, sys
shell, lines = sys.argv[1], sys.argv[2:]
words, setup = {
    "bash": (["bash", "--norc", "-i"], "source <(nodewright completions bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit && compinit -u -D && source <(nodewright completions zsh)"),
    "fish": (["fish", "--no-config", "-i"], "nodewright completions fish | source"),
}[shell]
child, terminal = pty.fork()
if child == 0:
    os.execvp(words[0], words)
seen = b""
def until(word):
    global seen
    while word not in seen:
        if not select.select([terminal], [], [], 60)[0]:
            sys.exit("%s says nothing more: %r" % (shell, seen))
        seen += os.read(terminal, 4096)
    seen = seen[seen.index(word) + len(word):]
os.write(terminal, (setup + "; echo re''ady\r").encode())
until(b"ready")
for line in lines:
    os.write(terminal, (line + "\t; echo en''ded\r").encode())
    until(b"ended")
os.write(terminal, b"exit\r")
"#;

/// The lines as a shell has completed them, when only the program is left that they would start.
fn typed(desk: &Desk, shell: &str, lines: &[&str]) -> Vec<String> {
    let scratch = tempfile::tempdir().unwrap();
    let (told, stand_in) = (
        scratch.path().join("told"),
        scratch.path().join("nodewright"),
    );
    let script = format!(
        "#!/bin/sh\n[ \"$COMPLETE$1\" = \"${{1#completions}}\" ] || exec {} \"$@\"\necho \"$*\" >>{}\n",
        env!("CARGO_BIN_EXE_nodewright"),
        told.display()
    );
    std::fs::write(&stand_in, script).unwrap();
    std::fs::set_permissions(&stand_in, Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        scratch.path().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("python3")
        .args(["-c", TYPING, shell])
        .args(lines)
        .env("PATH", path)
        .env("HOME", desk.home())
        .env("TERM", "xterm")
        .env_remove("XDG_CACHE_HOME")
        .current_dir(desk.site())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{output:?}; scripts/setup.sh brings {shell}"
    );
    let told = std::fs::read_to_string(told).unwrap();
    told.lines().map(|l| l.trim_end().to_owned()).collect()
}

#[test]
fn bash_zsh_and_fish_complete_what_the_site_has() {
    let desk = without_secrets();
    let runs = desk.home().join(".cache/nodewright/runs");
    std::fs::create_dir_all(runs.parent().unwrap()).unwrap();
    std::fs::write(runs, "20261121T090300-a1b2\n").unwrap();
    let plan = "{\"nodewright-plan\":1}";
    std::fs::write(desk.site().join("review-me"), plan).unwrap();
    std::fs::write(desk.site().join("review-notes"), "no plan\n").unwrap();
    let cases = [
        ("roles membe", "roles membership"),
        ("roles ow", "roles own"),
        ("kinds packet", "kinds packet_filter"),
        ("explain RING-D", "explain RING-DLM"),
        ("explain KEY-UNK", "explain KEY-UNKNOWN"),
        ("plan --only own/f", "plan --only own/file:/etc/motd"),
        // A colon ends a word of bash.
        (
            "plan --only own/file:/etc/m",
            "plan --only own/file:/etc/motd",
        ),
        (
            "plan --only=own/file:/etc/m",
            "plan --only=own/file:/etc/motd",
        ),
        ("lab link node1 r", "lab link node1 red"),
        ("log --run 2026", "log --run 20261121T090300-a1b2"),
        ("attach node1 2026", "attach node1 20261121T090300-a1b2"),
        ("apply rev", "apply review-me"),
        ("show rev", "show review-me"),
    ];
    let lines: Vec<String> = cases
        .iter()
        .map(|(line, _)| format!("nodewright {line}"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for shell in ["bash", "zsh", "fish"] {
        assert_eq!(
            typed(&desk, shell, &lines),
            cases.map(|(_, whole)| whole),
            "{shell}"
        );
    }
}
