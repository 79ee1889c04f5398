use super::*;

/// The probes' output for a blank loop device of 8 MiB (util-linux 2.38.1), with some answers replaced by `others`.
pub(in super::super) fn said(others: &[(&str, i32, &str)]) -> String {
    let zeros = format!("{ZEROS}  -");
    let blank = [
        ("number", 0, "7:0"),
        ("sectors", 0, "16384"),
        (
            "below",
            0,
            "alignment_offset\ndev\nholders\nqueue\nsize\nslaves",
        ),
        ("holder", 0, ""),
        ("mount", 0, "22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw"),
        ("swap", 0, "Filename\tType\tSize\tUsed\tPriority"),
        ("wipefs", 0, ""),
        ("blkid", 2, ""),
        ("first", 0, zeros.as_str()),
        ("last", 0, zeros.as_str()),
    ];
    let mut text = "real /dev/loop0\n".to_owned();
    for (word, status, lines) in blank {
        let other = others.iter().find(|(other, ..)| *other == word);
        let (_, status, lines) = other.copied().unwrap_or((word, status, lines));
        text.push_str(&format!("{word} = {status}\n"));
        for line in lines.lines() {
            text.push_str(&format!("{word} {line}\n"));
        }
    }
    text
}

fn carries(others: &[(&str, i32, &str)]) -> String {
    read("/dev/x", &said(others)).unwrap().carries()
}

#[test]
fn blank_is_what_every_probe_calls_blank() {
    let device = read("/dev/x", &said(&[])).unwrap();
    assert_eq!(device.content, DeviceContent::Blank);
    assert_eq!(
        (device.real.as_str(), device.sectors),
        ("/dev/loop0", 16384)
    );
    assert_eq!(device.overwritten()[0].carries, "");
    // A partition without anything has an entry all the same.
    let entry = "DEVNAME=/dev/loop0\nPART_ENTRY_SCHEME=gpt\nPART_ENTRY_NUMBER=1";
    assert_eq!(carries(&[("blkid", 0, entry)]), "");
    // Only swap files.
    assert_eq!(carries(&[("swap", 1, "")]), "");
}

#[test]
fn whatever_is_found_is_named() {
    let data = (
        "first",
        0,
        "e0231e12225fda2450cc1e9ea864c6f51e6a41fe1ece17f832a736017c91b7a5  -",
    );
    for (others, expected) in [
        (
            // util-linux 2.38.1 of an ext4 filesystem.
            vec![
                (
                    "wipefs",
                    0,
                    "0x438,d6ed632a-0728-4c81-989b-8a6dbae3c7a1,web,ext4",
                ),
                (
                    "blkid",
                    0,
                    "DEVNAME=/dev/loop0\nLABEL=web\nTYPE=ext4\nUSAGE=filesystem",
                ),
                data,
            ],
            "ext4 `web`",
        ),
        (
            vec![
                (
                    "wipefs",
                    0,
                    "# offset,uuid,label,type\n0x1fe,,,dos\n0x200,,,gpt",
                ),
                ("blkid", 0, "PTTYPE=gpt"),
            ],
            "a partition table (gpt), dos",
        ),
        (vec![("wipefs", 0, "0x10,,,")], "a signature"),
        (
            vec![("below", 0, "dev\nloop0p1\nloop0p2")],
            "the partitions loop0p1, loop0p2",
        ),
        (vec![("holder", 0, "dm-0")], "dm-0 (in use)"),
        (
            vec![(
                "mount",
                0,
                "30 22 7:0 / /srv/my\\040files rw - xfs /dev/loop0 rw",
            )],
            "what is mounted on /srv/my\\\\040files",
        ),
        (
            vec![("swap", 0, "Filename\n/dev/loop0 partition 8188 0 -2")],
            "swap that is in use",
        ),
        (vec![data], "data of no known form in its first MiB"),
        (
            vec![(
                "last",
                0,
                "e0231e12225fda2450cc1e9ea864c6f51e6a41fe1ece17f832a736017c91b7a5  -",
            )],
            "data of no known form in its last MiB",
        ),
        (vec![("sectors", 0, "100")], "no more than 100 sectors"),
    ] {
        assert_eq!(carries(&others), expected);
    }
}

#[test]
fn a_probe_that_did_not_answer_proves_nothing() {
    for (word, status) in [
        ("wipefs", 127),
        ("wipefs", 1),
        ("blkid", 127),
        ("blkid", 8),
        ("mount", 1),
        ("holder", 2),
        ("below", 2),
        ("number", 1),
        ("sectors", 1),
        ("first", 1),
    ] {
        assert!(
            carries(&[(word, status, "")]).contains(&format!("what `{word}` could not tell")),
            "{word} {status}"
        );
    }
    // Each question is needed: the answer without it proves nothing.
    for word in [
        "number", "sectors", "below", "holder", "mount", "swap", "wipefs", "blkid", "first", "last",
    ] {
        let all = said(&[]);
        let without: Vec<_> = all
            .lines()
            .filter(|l| !l.starts_with(&format!("{word} ")))
            .collect();
        let device = read("/dev/x", &without.join("\n")).unwrap();
        assert!(
            matches!(&device.content, DeviceContent::Carries(found) if found.iter().any(|f| f.contains("was not asked"))),
            "{word}: {:?}",
            device.content
        );
    }
    assert!(read("/dev/x", "").is_err());
    assert!(read("/dev/x", "real elsewhere\n").is_err());
}

#[test]
fn what_is_no_device_is_none() {
    assert_eq!(
        read("/dev/x", "absent\n").unwrap().content,
        DeviceContent::Absent
    );
    let file = read("/dev/x", "other\n").unwrap();
    assert_eq!(file.content, DeviceContent::Other);
    assert_eq!(file.carries(), "something that is no block device");
}

#[test]
fn what_a_node_says_is_shown_without_control_characters() {
    let long = format!("LABEL=\u{1b}[2J{}\nTYPE=ext4", "x".repeat(500));
    let said = carries(&[("blkid", 0, &long)]);
    assert!(
        said.starts_with("ext4 `\\u{1b}[2Jxxx") && said.len() < 90,
        "{said}"
    );
}
