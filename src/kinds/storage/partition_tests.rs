use super::super::super::testing;
use super::*;
use crate::platform::Platform;
use serde_json::json;

// parted 3.5 of a disk of 1 GiB with two partitions, the second one made anew behind a gap.
const TWO: &str = "\
BYT;
/dev/vdb:2097152s:virtblk:512:512:gpt:Virtio Block Device:;
1:34s:2047s:2014s:free;
1:2048s:133119s:131072s::part1:;
1:133120s:231423s:98304s:free;
2:231424s:329727s:98304s::part2:;
1:329728s:2097118s:1767391s:free;
";
const NONE: &str = "BYT;\n/dev/vdb:2097152s:virtblk:512:512:unknown:Virtio Block Device:;\n";
const DOS: &str = "BYT;\n/dev/vdb:2097152s:virtblk:512:512:msdos:Virtio Block Device:;\n1:2048s:2097151s:2095104s:free;\n";

fn step(number: u16, mib: u64) -> serde_json::Value {
    json!({ "partition": number, "disk": "/dev/vdb", "sectors": mib * 2048 })
}

fn answer(table: &str, status: i32, device: &str) -> Answer {
    let asks = testing::queries(&step(1, 1), Platform::El7);
    let names: Vec<&str> = asks
        .iter()
        .filter_map(|a| Some(a.split_once(':')?.0))
        .collect();
    let (tables, devices): (Vec<&&str>, Vec<&&str>) =
        names.iter().partition(|n| n.starts_with("partition."));
    Answer::from_sections([(*tables[0], table, status), (*devices[0], device, 0)])
}

fn compared(step: &serde_json::Value, table: &str, device: &str) -> crate::kind::Compared {
    let resource = testing::resources_on(step, Platform::El7).remove(0);
    let status = i32::from(table == NONE);
    let node = testing::target(Platform::El7);
    testing::compare(&resource, &node, &answer(table, status, device), false).unwrap()
}

fn finding(step: &serde_json::Value, table: &str) -> String {
    match compared(step, table, &blank()).verdict {
        Verdict::Finding { what, .. } => what,
        other => panic!("{other:?}"),
    }
}

/// A disk without anything, of 1 GiB.
fn blank() -> String {
    device::tests::said(&[("sectors", 0, "2097152")])
}

fn actions(steps: &[serde_json::Value], table: &str) -> Vec<String> {
    let resources: Vec<_> = steps
        .iter()
        .map(|s| testing::resources_on(s, Platform::El7).remove(0))
        .collect();
    let status = i32::from(table == NONE);
    let answer = answer(table, status, &blank());
    let node = testing::target(Platform::El7);
    let work = testing::mend(&resources.iter().collect::<Vec<_>>(), &node, &answer);
    work.calls.iter().map(Call::to_shell).collect()
}

#[test]
fn what_is_there_is_compared_by_its_number_and_never_resized() {
    assert_eq!(compared(&step(1, 64), TWO, &blank()).verdict, Verdict::Same);
    assert_eq!(
        finding(&step(2, 64), TWO),
        "/dev/vdb-part2 has 98304 sectors (48.0 MiB), not 131072 (64.0 MiB); it is never resized"
    );
}

#[test]
fn it_is_made_in_free_space_that_is_aligned() {
    let change = compared(&step(3, 64), TWO, &blank());
    assert_eq!(
        change.verdict,
        Verdict::Change(vec![Delta::new("size", "", "64.0 MiB")])
    );
    // A disk with a table is not overwritten.
    assert_eq!(change.destroys, []);
    // 48 MiB fit between the two, 64 do not.
    assert_eq!(
        actions(&[step(3, 64)], TWO),
        ["nw_partition /dev/vdb 3 329728 460799"]
    );
    assert_eq!(
        actions(&[step(3, 48)], TWO),
        ["nw_partition /dev/vdb 3 133120 231423"]
    );
    // Two of one run, in the order of their numbers.
    assert_eq!(
        actions(&[step(4, 16), step(3, 64)], TWO),
        [
            "nw_partition /dev/vdb 3 329728 460799",
            "nw_partition /dev/vdb 4 133120 165887"
        ]
    );
    assert_eq!(
        finding(&step(3, 2000), TWO),
        "/dev/vdb-part3 is not there and is not made: the largest free space there is 862.9 MiB"
    );
    assert_eq!(
        actions(&[step(4, 16)], TWO),
        ["nw_partition_not '/dev/vdb-part4: the next free number there is 3'"]
    );
    assert!(finding(&step(1, 64), DOS).contains("its table is of the form msdos"));
}

#[test]
fn a_table_is_made_on_a_blank_disk_alone() {
    let made = compared(&step(1, 64), NONE, &blank());
    assert!(matches!(made.verdict, Verdict::Change(_)));
    assert_eq!(made.destroys[0].carries, "");
    assert_eq!(
        actions(&[step(1, 64), step(2, 48)], NONE),
        [
            "nw_partition_label /dev/vdb",
            "nw_partition /dev/vdb 1 2048 133119",
            "nw_partition /dev/vdb 2 133120 231423"
        ]
    );
    // A filesystem on the whole disk: the engine refuses by this.
    let whole = device::tests::said(&[("blkid", 0, "TYPE=ext4"), ("sectors", 0, "2097152")]);
    let carries = compared(&step(1, 64), NONE, &whole);
    assert_eq!(carries.destroys[0].carries, "ext4");
    assert!(matches!(
        compared(&step(1, 64), NONE, "other\n").verdict,
        Verdict::Refuse(_)
    ));
    let Verdict::Finding { what, .. } = compared(&step(1, 64), "", "absent\n").verdict else {
        panic!("nothing is said of a disk that is not there");
    };
    assert_eq!(what, "/dev/vdb is not there");
}

#[test]
fn what_parted_did_not_say_is_no_free_space() {
    let resource = testing::resources_on(&step(1, 64), Platform::El7).remove(0);
    let node = testing::target(Platform::El7);
    let before = testing::compare(&resource, &node, &answer("", 127, &blank()), false).unwrap();
    assert!(matches!(before.verdict, Verdict::After { .. }));
    assert_eq!(before.destroys, []);
    for (text, status) in [
        ("", 0),
        ("BYT;\n", 0),
        ("BYT;\nx\n", 0),
        (
            "BYT;\n/dev/vdb:2097152s:virtblk:512:512:gpt:x:;\n1:2048:x:y;\n",
            0,
        ),
        (
            "BYT;\n/dev/vdb:2097152s:virtblk:512:512:gpt:x:;\n1:9s:2s:1s::;\n",
            0,
        ),
        (TWO, 124),
        (TWO, 2),
    ] {
        let answer = answer(text, status, &blank());
        assert!(
            testing::compare(&resource, &node, &answer, false).is_err(),
            "{status} {text:?}"
        );
    }
}

#[test]
fn numbers_and_sizes_are_right() {
    for (number, sectors) in [(0, 2048), (129, 2048), (1, 0), (1, 2047)] {
        let step = json!({ "partition": number, "disk": "/dev/vdb", "sectors": sectors });
        assert!(
            testing::read(&step, Platform::El7).is_err(),
            "{number} {sectors}"
        );
    }
}
