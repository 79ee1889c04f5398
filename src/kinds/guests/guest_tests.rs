use super::super::super::testing;
use super::*;
use crate::kind::{Resource, Verdict};
use crate::platform::Platform;
use serde_json::json;

/// As the role renders it.
const WANTED: &str = r#"<domain type="qemu">
  <name>web</name>
  <uuid>9d8945ad-77f1-8fc5-896c-14f2fa1ce3e6</uuid>
  <memory unit="KiB">65536</memory>
  <currentMemory unit="KiB">65536</currentMemory>
  <vcpu>1</vcpu>
  <os>
    <type arch="x86_64" machine="pc">hvm</type>
    <boot dev="hd"/>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <clock offset="utc"/>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="raw" cache="none" io="native"/>
      <source file="/tmp/web.img"/>
      <target dev="vda" bus="virtio"/>
    </disk>
    <interface type="bridge">
      <mac address="52:54:00:52:E8:53"/>
      <source bridge="brred"/>
      <model type="virtio"/>
    </interface>
    <serial type="pty"/>
    <graphics type="vnc" autoport="yes" listen="127.0.0.1"/>
    <video>
      <model type="vga"/>
    </video>
  </devices>
</domain>
"#;

/// The definition as libvirt 9.0 on Debian 12 returns it (`virsh dumpxml --inactive`).
const DUMPED: &str = include_str!("dumped.xml");

fn resource(more: &serde_json::Value) -> Resource {
    let mut step = json!({ "guest": "web", "content": WANTED });
    for (key, value) in more.as_object().unwrap() {
        step[key] = value.clone();
    }
    testing::resources_on(&step, Platform::Debian12).remove(0)
}

fn answer(state: &str, definition: &str) -> Answer {
    let guests = match state {
        "" => String::new(),
        "running" => " 1   web   running\n".to_owned(),
        other => format!(" -   web   {other}\n"),
    };
    let lists =
        format!("@nodewright:qemu:///system\n@nodewright:{guests}@nodewright:\n@nodewright:\n");
    let definition = format!("@nodewright:web:{definition}");
    Answer::from_sections([
        (libvirt::LISTS, lists.as_str(), 0),
        (DEFINITIONS, &definition, 0),
    ])
}

fn compared(state: &str, definition: &str) -> crate::kind::Compared {
    let target = testing::target(Platform::Debian12);
    testing::compare(
        &resource(&json!({})),
        &target,
        &answer(state, definition),
        false,
    )
    .unwrap()
}

fn changes(state: &str, definition: &str) -> Vec<String> {
    match compared(state, definition).verdict {
        Verdict::Change(deltas) => deltas.iter().map(testing::shown).collect(),
        Verdict::Same => Vec::new(),
        other => panic!("{other:?}"),
    }
}

/// The definition that is sent to the node.
fn new(state: &str, definition: &str) -> Element {
    let target = testing::target(Platform::Debian12);
    let work = testing::mend(
        &[&resource(&json!({}))],
        &target,
        &answer(state, definition),
    );
    let [Payload::Text(text)] = work.contents.as_slice() else {
        panic!("one content")
    };
    Element::with_text(text.as_marked()).unwrap()
}

#[test]
fn what_libvirt_adds_is_no_difference() {
    assert_eq!(changes("", ""), ["definition:  -> as the site has it"]);
    assert_eq!(changes("shut off", DUMPED), [""; 0]);
    assert_eq!(changes("running", DUMPED), [""; 0]);
}

/// Drift is reported point by point, and mending it leaves the rest of the definition as it is.
#[test]
fn drift_is_told_and_mended() {
    let drifted = DUMPED
        .replace(">65536<", ">131072<")
        .replace("bridge='brred'", "bridge='br9'")
        .replace("<boot dev='hd'/>", "<boot dev='network'/>\n    <boot dev='hd'/>")
        .replace(
            "    <controller type='usb'",
            "    <disk type='file' device='disk'>\n      <source file='/tmp/x.img'/>\n      <target dev='vdb' bus='virtio'/>\n    </disk>\n    <controller type='usb'",
        );
    assert_eq!(
        changes("shut off", &drifted),
        [
            "memory: 131072 -> 65536",
            "currentMemory: 131072 -> 65536",
            "os boot dev: network -> hd",
            "os boot: hd -> ",
            "interface 52:54:00:52:e8:53 source bridge: br9 -> brred",
            "disk vdb: /tmp/x.img -> ",
        ]
    );
    let mended = new("shut off", &drifted);
    let wanted = Element::with_text(WANTED).unwrap();
    assert_eq!(definition::differences(&wanted, &mended), []);
    // Addresses of unchanged elements stay, and so do elements that the site does not name.
    let text = mended.text();
    assert!(text.contains("<memballoon model=\"virtio\">"), "{text}");
    assert!(text.contains("slot=\"0x04\""), "{text}");
    assert!(!text.contains("vdb"), "{text}");
}

/// A guest of this name that was there before is taken over with the UUID that it has.
#[test]
fn a_guest_that_was_there_keeps_its_uuid() {
    let other = DUMPED.replace(
        "9d8945ad-77f1-8fc5-896c-14f2fa1ce3e6",
        "11111111-2222-3333-4444-555555555555",
    );
    assert_eq!(changes("shut off", &other), [""; 0]);
    let grown = other.replace(">65536<", ">1024<");
    let uuid = new("shut off", &grown).child("uuid").unwrap().text.clone();
    assert_eq!(uuid, "11111111-2222-3333-4444-555555555555");
}

#[test]
fn a_running_guest_has_a_change_from_its_next_start() {
    let drifted = DUMPED.replace("<vcpu placement='static'>1<", "<vcpu placement='static'>2<");
    assert_eq!(
        changes("running", &drifted),
        [
            "vcpu: 2 -> 1",
            "from:  -> its next start: it runs, and goes on as it is"
        ]
    );
    assert_eq!(changes("shut off", &drifted), ["vcpu: 2 -> 1"]);
}

#[test]
fn a_machine_type_is_the_same_with_the_version_it_was_defined_by() {
    for same in ["pc-i440fx-7.2", "pc", "pc-1.0", "rhel6.6.0"] {
        let other = DUMPED.replace("pc-i440fx-7.2", same);
        assert_eq!(changes("shut off", &other), [""; 0], "{same}");
    }
    let other = DUMPED.replace("pc-i440fx-7.2", "pc-q35-7.2");
    assert_eq!(
        changes("shut off", &other),
        ["os type machine: pc-q35-7.2 -> pc"]
    );
}

fn moving(mounts: &str, state: &str, file: &str, peer: &str) -> crate::kind::Compared {
    let more =
        json!({ "file": "/shared/definitions/web.xml", "mount": "/shared", "peers": ["node2"] });
    let lists = |guests: &str| {
        format!("@nodewright:qemu:///system\n@nodewright:{guests}@nodewright:\n@nodewright:\n")
    };
    let (own, other) = (lists(state), lists(peer));
    let answer = Answer::from_sections([
        (libvirt::LISTS, own.as_str(), 0),
        ("libvirt@node2", other.as_str(), 0),
        (MOUNTS, mounts, 0),
        ("guest.file.web", file, 0),
    ]);
    let target = testing::target(Platform::Debian12);
    testing::compare(&resource(&more), &target, &answer, false).unwrap()
}

const SHARED: &str = "30 22 147:0 / /shared rw,noatime - gfs2 /dev/drbd0 rw\n";

/// The definition of a guest that moves is never written beneath the filesystem that is to have it.
#[test]
fn a_guest_that_moves_is_defined_where_all_members_read_it() {
    assert!(matches!(
        moving("", "", WANTED, "").verdict,
        Verdict::After { .. }
    ));
    assert!(matches!(
        moving(SHARED, "", "", "").verdict,
        Verdict::Change(_)
    ));
    assert_eq!(moving(SHARED, "", WANTED, "").verdict, Verdict::Same);
    assert_eq!(
        moving(SHARED, " 2   web   running\n", WANTED, "").verdict,
        Verdict::Same
    );
    // A definition of libvirt's own beside it grows old.
    assert!(matches!(
        moving(SHARED, " -   web   shut off\n", WANTED, "").verdict,
        Verdict::Finding { .. }
    ));
}

#[test]
fn a_guest_with_two_owners_is_refused() {
    let runs = " 2   web   running\n";
    let twice = moving(SHARED, runs, WANTED, runs);
    assert!(
        matches!(twice.verdict, Verdict::Refuse(_)),
        "{:?}",
        twice.verdict
    );
    assert_eq!(twice.seen["twice"], json!(true));
    assert_eq!(
        moving(SHARED, runs, WANTED, " -   web   shut off\n").seen["twice"],
        json!(false)
    );
    assert_eq!(moving(SHARED, "", WANTED, runs).seen["twice"], json!(false));
}

#[test]
fn what_is_no_definition_is_refused() {
    let wrong = |content: &str| testing::error(&json!({ "guest": "web", "content": content }));
    assert!(wrong("<network/>").contains("its root is `network`"));
    assert!(wrong("<domain").contains("is no `domain`"));
    assert!(wrong("<domain><name>mail</name></domain>").contains("is not `web`"));
    let file = json!({ "guest": "web", "content": WANTED, "file": "/sharedx/web.xml", "mount": "/shared" });
    assert!(testing::error(&file).contains("is not below"));
}
