//! Fixtures of the mount kind, and its shell on real folders.

use super::super::super::testing;
use super::*;
use serde_json::json;
use std::process::Command;

// Constructed in the form of proc(5); the third line lies on the second.
const MOUNTINFO: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
80 22 8:5 / /local rw,relatime shared:40 - ext3 /dev/sda5 rw
81 80 253:3 / /local rw,relatime shared:41 - ext4 /dev/mapper/vg-local rw
82 22 0:44 / /srv/my\\040images rw - nfs4 10.0.1.2:/images rw
";
const FOLDER_LIST: &str =
    "mounted /local\nempty /srv/empty\nfull /srv/full\nother /srv/file\nnone /srv/new\n";
const DEVICE_LIST: &str = "fd:3 /dev/disk/by-id/dm-name-vg-local\n8:5 /dev/disk/by-uuid/aa-bb\n";
const SECTIONS: &[(&str, &str, i32)] = &[
    (MOUNTS, MOUNTINFO, 0),
    (FOLDERS, FOLDER_LIST, 0),
    (DEVICES, DEVICE_LIST, 1),
];

fn step(point: &str, device: &str, state: &str) -> serde_json::Value {
    json!({"mount": point, "device": device, "fstype": "ext4", "state": state})
}

#[test]
fn mounted_by_any_name_of_its_device() {
    let verdict = |device| testing::verdict(&step("/local", device, "mounted"), SECTIONS);
    assert_eq!(verdict("/dev/disk/by-id/dm-name-vg-local"), Verdict::Same);
    let Verdict::Finding { what, .. } = verdict("UUID=aa-bb") else {
        panic!("another device lies on top");
    };
    assert_eq!(
        what,
        "/dev/mapper/vg-local (ext4) is mounted on /local, not UUID=aa-bb (ext4)"
    );
    // A device that is not there cannot be distinguished.
    assert_eq!(verdict("UUID=gone"), Verdict::Same);
}

#[test]
fn what_is_mounted_goes_and_comes() {
    for (point, state, changes, calls) in [
        (
            "/srv/empty",
            "mounted",
            vec!["mounted: no -> UUID=aa-bb"],
            vec!["nw_mount mount /srv/empty"],
        ),
        (
            "/srv/new",
            "mounted",
            vec!["mounted: no -> UUID=aa-bb"],
            vec!["nw_mount mount /srv/new"],
        ),
        (
            "/local",
            "unmounted",
            vec!["mounted: /dev/mapper/vg-local -> no"],
            vec!["nw_mount unmount /local"],
        ),
        (
            "/local",
            "absent",
            vec!["mounted: /dev/mapper/vg-local -> no"],
            vec!["nw_mount unmount /local"],
        ),
        ("/local", "fstab", vec![], vec![]),
        ("/srv/new", "unmounted", vec![], vec![]),
        ("/srv/full", "absent", vec![], vec![]),
    ] {
        let step = step(point, "UUID=aa-bb", state);
        assert_eq!(
            testing::changes(&step, SECTIONS),
            changes,
            "{point} {state}"
        );
        assert_eq!(testing::actions(&step, SECTIONS), calls, "{point} {state}");
    }
}

#[test]
fn nothing_is_hidden_under_a_mount() {
    for point in ["/srv/full", "/srv/file"] {
        let verdict = testing::verdict(&step(point, "UUID=aa-bb", "mounted"), SECTIONS);
        assert!(
            matches!(verdict, Verdict::Refuse(_)),
            "{point}: {verdict:?}"
        );
    }
}

#[test]
fn a_network_filesystem_and_a_blank_in_a_path() {
    let step = json!({"mount": "/srv/my images", "device": "10.0.1.2:/images", "fstype": "nfs"});
    assert_eq!(testing::verdict(&step, SECTIONS), Verdict::Same);
    let edit = testing::edits(&step).remove(0);
    let EditChange::Line {
        line,
        matches,
        absent,
    } = edit.change
    else {
        panic!("a line");
    };
    assert_eq!(edit.path, "/etc/fstab");
    assert_eq!(
        line.masked(),
        "10.0.1.2:/images /srv/my\\040images nfs defaults 0 0"
    );
    assert!(!absent);
    let regex = regex_lite::Regex::new(&matches.unwrap()).unwrap();
    assert!(regex.is_match(&line.masked()));
    assert!(regex.is_match("/dev/sdb1\t/srv/my\\040images\text4 defaults 0 0"));
    for other in [
        "# /dev/sdb1 /srv/my\\040images ext4 defaults 0 0",
        "#/dev/sdb1 /srv/my\\040images ext4 defaults 0 0",
        "/dev/sdb1 /srv/my\\040images2 ext4 defaults 0 0",
        "/srv/my\\040images /mnt none bind 0 0",
    ] {
        assert!(!regex.is_match(other), "{other}");
    }
}

#[test]
fn odd_answers_are_errors() {
    let wanted = step("/srv/x", "UUID=aa-bb", "mounted");
    for sections in [
        [(MOUNTS, "", 1), (FOLDERS, "none /srv/x\n", 0)],
        [(MOUNTS, MOUNTINFO, 0), (FOLDERS, "", 124)],
        [(MOUNTS, MOUNTINFO, 0), (FOLDERS, "", 0)],
    ] {
        assert!(testing::verdict_on(&wanted, crate::platform::Platform::El6, &sections).is_err());
    }
}

#[test]
fn entries_that_fstab_would_misread_are_refused() {
    for step in [
        json!({"mount": "srv", "device": "UUID=1", "fstype": "ext4"}),
        json!({"mount": "/", "device": "UUID=1", "fstype": "ext4"}),
        json!({"mount": "/srv"}),
        json!({"mount": "/srv", "device": "UUID=1\n/dev/x / ext4", "fstype": "ext4"}),
        json!({"mount": "/srv", "device": "#x", "fstype": "ext4"}),
        json!({"mount": "/srv", "device": "UUID=1", "fstype": "ext4", "options": "a b"}),
        json!({"mount": "/srv", "device": "UUID=1", "fstype": "ext4", "pass": 3}),
    ] {
        assert!(
            testing::read(&step, crate::platform::Platform::El7).is_err(),
            "{step}"
        );
    }
    assert!(
        testing::read(
            &json!({"mount": "/srv", "state": "absent"}),
            crate::platform::Platform::El7
        )
        .is_ok()
    );
}

#[test]
fn a_path_over_a_link_is_refused_and_never_mounted_twice() {
    let behind = "link /var/run/x\n";
    for state in ["mounted", "unmounted", "fstab", "absent"] {
        let step = step("/var/run/x", "/dev/sdb1", state);
        let sections = [(MOUNTS, MOUNTINFO, 0), (FOLDERS, behind, 0)];
        let Verdict::Refuse(refusal) = testing::verdict(&step, &sections) else {
            panic!("{state}");
        };
        assert!(
            refusal.what.contains("`readlink -f /var/run/x`"),
            "{refusal:?}"
        );
    }
}

#[test]
fn the_shell_tells_folders_apart() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(at("empty")).unwrap();
    std::fs::create_dir_all(at("hidden/..x")).unwrap();
    std::fs::create_dir(at("link")).unwrap();
    std::os::unix::fs::symlink("/nonexistent", at("link/a")).unwrap();
    std::fs::write(at("file"), "").unwrap();
    std::os::unix::fs::symlink("hidden", at("way")).unwrap();
    for shell in ["dash", "bash", "busybox"] {
        let call = Call::new("nw_mount_folders")
            .args(["empty", "hidden", "link", "file", "none", "way/new"].map(at))
            .arg("/proc");
        let script = format!("set -u\n{}\n{}\n", MountKind::SHELL.text(), call.to_shell());
        let args: &[&str] = if shell == "busybox" {
            &["ash", "-c"]
        } else {
            &["-c"]
        };
        let Ok(output) = Command::new(shell).args(args).arg(&script).output() else {
            continue;
        };
        let output = String::from_utf8(output.stdout).unwrap();
        let states: Vec<_> = output
            .lines()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert_eq!(
            states,
            ["empty", "full", "full", "other", "none", "link", "mounted"],
            "{shell}"
        );
    }
}
