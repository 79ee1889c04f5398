//! `nodewright kickstart`: the file of each release, read by that release's own reader; what its script does to a disk.
//!
//! `NODEWRIGHT_BLESS=1` writes the files of now into `tests/kickstart`, to be read in the diff.

use crate::support::Desk;
use insta::assert_snapshot;
use nodewright::platform::Platform;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A site of one node with mirrors; the disk of half a gibibyte, so that one can be made.
const SITE: &str = r#"
[site]
name = "one"
domain = "example.net"
platform = "RELEASE"
timezone = "Europe/Zurich"

[services]
dns = ["192.0.2.53", "192.0.2.54"]

[zone]
red = { nic = "eth0", vlan = 7, bridge = "brred", network = "192.0.2.0/24", gateway = "192.0.2.1" }

[operator]
anna = { key = "KEY" }

[partition]
1 = { size = "64M", use = "/", filesystem = "ext4" }
2 = { size = "32M", use = "swap" }
4 = { size = "32M", use = "/var", filesystem = "ext4" }
5 = { size = "48M", use = "/local", filesystem = "xfs" }
6 = { size = "64M", use = "mirror" }
7 = { size = "96M", use = "mirror" }

[node.node1]
address = { red = "192.0.2.5" }
disk = { id = "ata-one", size = "512M" }
mac.eth0 = "00:16:76:d6:c9:40"
"#;

/// The site on a release.
fn site(release: &str) -> Desk {
    Desk::new().file("inventory.toml", &text(release))
}

/// Its inventory.
fn text(release: &str) -> String {
    let key = include_str!("../kickstart/anna.pub").trim();
    SITE.replace("RELEASE", release).replace("KEY", key)
}

/// The file that a command writes.
fn written(desk: &Desk, words: &[&str]) -> String {
    let words = [&["kickstart", "node1", "-o", "answers"], words].concat();
    let (code, out, err) = desk.output(&words);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    desk.read("answers")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether the release's own reader takes a file.
fn read_by(release: &str, path: &Path) {
    let mut command = if let Some(number) = release.strip_prefix("el") {
        let validator = root().join("target/pykickstart/bin/ksvalidator");
        assert!(validator.exists(), "scripts/setup.sh brings ksvalidator");
        let mut command = Command::new(validator);
        command.arg("-v").arg(format!("RHEL{number}"));
        command
    } else {
        let mut command = Command::new("debconf-set-selections");
        command.arg("--checkonly");
        command
    };
    let done = command.arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let said = said + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{release}: {said}");
    assert!(!said.contains("deprecated"), "{release}: {said}");
}

#[test]
fn each_release_reads_its_file() {
    let mut releases = Vec::new();
    for release in Platform::all().filter(|p| p.installer().is_some()) {
        let release = release.word();
        let desk = site(release);
        for (mode, words) in [
            ("kept", &[][..]),
            ("new", &["--new-disk", "ata-one"]),
            (
                "fetched",
                &[
                    "--source",
                    "https://mirror.example.net/os/x/",
                    "--format",
                    "/local",
                ],
            ),
        ] {
            let text = written(&desk, words);
            let path = root().join(format!("tests/kickstart/{release}.{mode}"));
            if std::env::var_os("NODEWRIGHT_BLESS").is_some() {
                std::fs::write(&path, &text).unwrap();
            }
            assert!(
                std::fs::read_to_string(&path).is_ok_and(|kept| kept == text),
                "{} is not current: NODEWRIGHT_BLESS=1 writes it",
                path.display()
            );
            read_by(release, &path);
        }
        releases.push(release);
    }
    assert_eq!(
        releases,
        ["el6", "el7", "el8", "el9", "el10", "debian12", "debian13"]
    );
}

#[test]
fn nothing_in_a_file_reaches_for_what_a_mirror_is_on() {
    for release in ["el6", "el10", "debian13"] {
        for words in [&[][..], &["--new-disk", "ata-one"], &["--format", "/local"]] {
            let text = written(&site(release), words);
            for line in text
                .lines()
                .map(str::trim)
                .filter(|l| l.starts_with("part /") || l.starts_with("part swap"))
            {
                assert!(
                    !line.contains("-part6") && !line.contains("-part7"),
                    "{line}"
                );
            }
            assert!(
                !text.contains("zerombr") && !text.contains("clearpart --all"),
                "{text}"
            );
            // partman is told of the partitions of the system alone.
            assert!(
                !text.contains("'      6)'") && !text.contains("'      7)'"),
                "{text}"
            );
            assert_eq!(text.contains("mklabel"), words.contains(&"--new-disk"));
        }
    }
}

#[test]
fn the_file_is_the_operators_alone_and_says_what_it_does() {
    let desk = site("el9");
    assert_snapshot!(desk.run(&["kickstart", "node1", "-o", "answers"]), @r"
    exit 0
    --- stderr
    Formatted: / (1), swap (2), /var (4). Kept: /local (5), mirror (6), mirror (7).
    The node gets new host keys: `nodewright enroll` pins them.
    ");
    let mode = std::fs::metadata(desk.site().join("answers")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    assert_snapshot!(desk.run(&["kickstart", "node1", "-o", "answers", "--new-disk", "ata-one"]), @r"
    exit 0
    --- stderr
    New table (msdos) on /dev/disk/by-id/ata-one, if it is blank. Made: / (1), swap (2), /var (4), /local (5), mirror (6), mirror (7).
    The node gets new host keys: `nodewright enroll` pins them.
    ");
}

#[test]
fn what_cannot_be_installed_is_said_at_its_place() {
    let desk = site("pve3");
    assert_snapshot!(desk.run(&["kickstart", "node1"]), @r#"
    exit 64
    --- stderr
    error[INSTALL]: for pve3 no installer's file is known
     --> ./inventory.toml:5:12
      |
    5 | platform = "pve3"
      |            ^^^^^^
     help: install it by hand, with sshd and your key, and its partitions by number as in the site
    "#);
    let desk = site("el9");
    assert_snapshot!(desk.run(&["kickstart", "node2"]), @r"
    exit 64
    --- stderr
    error: no node or group is called `node2`; did you mean `node1`?
    ");
    assert_snapshot!(desk.run(&["kickstart", "node1", "--new-disk", "ata-two"]), @r#"
    exit 64
    --- stderr
    error[INSTALL]: --new-disk names `ata-two`, the disk of `node1` is ata-one
      --> ./inventory.toml:27:15
       |
    27 | disk = { id = "ata-one", size = "512M" }
       |               ^^^^^^^^^
     help: where the disk was replaced, write the new one's id into the site first
    "#);
    assert_snapshot!(desk.run(&["kickstart", "node1", "--format", "/shared"]), @r"
    exit 64
    --- stderr
    error[INSTALL]: no partition is for `/shared`
      --> ./inventory.toml:17:2
       |
    17 | [partition]
       |  ^^^^^^^^^
     help: name a mount point of `[partition]`; a partition of a mirror is never formatted
    ");
    assert_snapshot!(desk.run(&["kickstart", "node1", "--source", "mirror"]), @r"
    exit 64
    --- stderr
    error: invalid value 'mirror' for '--source <URL>': a URL begins with `http://`, `https://`, `ftp://` or `file:///` and has no spaces or quotes

    For more information, try '--help'.
    ");
    let gap = text("el9").replace("6 = { size", "8 = { size");
    let desk = Desk::new().file("inventory.toml", &gap);
    assert_snapshot!(desk.run(&["kickstart", "node1", "--new-disk", "ata-one"]), @r#"
    exit 64
    --- stderr
    error[INSTALL]: the partitions cannot be made on a new disk: number 6 is left out, and logical partitions are numbered from 5 without a gap
      --> ./inventory.toml:17:2
       |
    17 | [partition]
       |  ^^^^^^^^^
     also: the disk
      --> ./inventory.toml:27:1
       |
    27 | disk = { id = "ata-one", size = "512M" }
       | ----
    "#);
}

/// A loop device, given back in the end.
struct Loop(String);

impl Loop {
    fn of(file: &Path) -> Self {
        let done = Command::new("losetup")
            .args(["--find", "--show", "--partscan"])
            .arg(file)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        Self(String::from_utf8(done.stdout).unwrap().trim().to_owned())
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup")
            .arg("--detach")
            .arg(&self.0)
            .status();
    }
}

/// What the script before an installation says of the disk; nothing where it goes on.
fn before_installation(desk: &Desk, words: &[&str], links: &Path, disk: &Loop) -> String {
    before_installation_with("", desk, words, links, disk)
}

/// The same with shell functions in the place of commands.
fn before_installation_with(
    fakes: &str,
    desk: &Desk,
    words: &[&str],
    links: &Path,
    disk: &Loop,
) -> String {
    let text = written(desk, words);
    let (_, script) = text.split_once("%pre --erroronfail\n").unwrap();
    let (script, _) = script.split_once("\n%end").unwrap();
    let script = script.replace("/dev/disk/by-id", links.to_str().unwrap());
    // In the place of udev, which no container has.
    let linked = format!(
        "udevadm() {{ for p in {0}p*; do ln -sf \"$p\" {1}/ata-one-part\"${{p##*p}}\"; done; }}\n",
        disk.0,
        links.display()
    );
    let _ = std::fs::remove_file(links.join("ata-one"));
    std::os::unix::fs::symlink(&disk.0, links.join("ata-one")).unwrap();
    let done = Command::new("dash")
        .arg("-c")
        .arg(format!("{fakes}\n{linked}{script}"))
        .output()
        .unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    // Parted looks for udev too.
    let said = said.replace("sh: 1: udevadm: not found\n", "");
    assert_eq!(done.status.success(), said.is_empty(), "{said}");
    said.replace(links.to_str().unwrap(), "[by-id]")
}

#[test]
fn a_blank_disk_gets_its_partitions_by_number_and_any_other_is_left_alone() {
    let desk = site("el7");
    let folder = tempfile::tempdir().unwrap();
    let links = folder.path().join("by-id");
    std::fs::create_dir(&links).unwrap();
    let image = folder.path().join("disk");
    let file = std::fs::File::create(&image).unwrap();
    file.set_len(512 << 20).unwrap();
    let new = ["--new-disk", "ata-one"];
    let disk = Loop::of(&image);
    let kept = |desk: &Desk| before_installation(desk, &[], &links, &disk);
    assert_eq!(
        kept(&desk),
        "nothing was written: [by-id]/ata-one has no partition 1\n"
    );
    assert_eq!(before_installation(&desk, &new, &links, &disk), "");
    let table = || {
        let done = Command::new("parted")
            .args(["-s", "-m", &disk.0, "unit", "s", "print"])
            .output()
            .unwrap();
        let text = String::from_utf8(done.stdout).unwrap();
        let parts = text.lines().skip(2).map(|line| {
            let words: Vec<&str> = line.split(':').collect();
            format!("{} {}", words[0], words[3])
        });
        parts.collect::<Vec<_>>()
    };
    let sizes = [
        "1 131072s",
        "2 65536s",
        "4 65536s",
        "3 432128s",
        "5 98304s",
        "6 131072s",
        "7 196608s",
    ];
    assert_eq!(table(), sizes);
    assert_eq!(kept(&desk), "");
    // A fake of blkid: it found two things at once, and says so by its exit status alone.
    assert_eq!(
        before_installation_with("blkid() { return 8; }", &desk, &[], &links, &disk),
        "nothing was written: blkid cannot tell what partition 1 of [by-id]/ata-one carries (exit status 8)\n"
    );
    let bytes = std::fs::read(&image).unwrap();
    assert_eq!(
        before_installation(&desk, &new, &links, &disk),
        "nothing was written: [by-id]/ata-one is not blank at sector 0\n"
    );
    let other = desk
        .read("inventory.toml")
        .replace("size = \"96M\"", "size = \"95M\"");
    let desk = desk.file("inventory.toml", &other);
    assert_eq!(
        kept(&desk),
        "nothing was written: partition 7 of [by-id]/ata-one has 196608 sectors, not 194560\n"
    );
    assert!(
        bytes == std::fs::read(&image).unwrap(),
        "a refused disk was written to"
    );
    let desk = site("el7");
    std::fs::write(format!("{}p4", disk.0), b"LUKS\xba\xbe\x00\x01").unwrap();
    assert_eq!(
        kept(&desk),
        "nothing was written: partition 4 of [by-id]/ata-one carries more than a filesystem of this system\n"
    );
}

#[test]
fn what_stands_at_the_end_of_a_disk_keeps_it_from_being_new() {
    use std::os::unix::fs::FileExt as _;
    let desk = site("el10");
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk");
    let file = std::fs::File::create(&image).unwrap();
    file.set_len(512 << 20).unwrap();
    file.write_all_at(b"x", (512 << 20) - 700).unwrap();
    let disk = Loop::of(&image);
    let said = before_installation(&desk, &["--new-disk", "ata-one"], folder.path(), &disk);
    assert_eq!(
        said,
        "nothing was written: [by-id]/ata-one is not blank at sector 1046528\n"
    );
}
