use super::super::super::testing;
use super::*;
use crate::platform::Platform;
use serde_json::json;

const NAT: &str = "@nodewright:default:<network>\n  <name>default</name>\n  <forward mode='nat'/>\n  <bridge name='virbr0' stp='on' delay='0'/>\n</network>\n";
const BRIDGED: &str = "@nodewright:brred:<network>\n  <name>brred</name>\n  <forward mode='bridge'/>\n  <bridge name='brred'/>\n</network>\n";

fn calls(step: &serde_json::Value, networks: &str, definition: &str) -> Vec<String> {
    let resource = testing::resources_on(step, Platform::Debian12).remove(0);
    let lists =
        format!("@nodewright:qemu:///system\n@nodewright:\n@nodewright:{networks}@nodewright:\n");
    let answer = Answer::from_sections([
        (libvirt::LISTS, lists.as_str(), 0),
        (DEFINITIONS, definition, 0),
    ]);
    let target = testing::target(Platform::Debian12);
    match testing::compare(&resource, &target, &answer, false)
        .unwrap()
        .verdict
    {
        Verdict::Same => Vec::new(),
        Verdict::Change(_) => {
            let work = testing::mend(&[&resource], &target, &answer);
            let calls = work.calls.iter().map(Call::to_shell);
            calls
                .map(|c| c.replace("virsh -q -c qemu:///system ", ""))
                .collect()
        }
        other => vec![format!("{other:?}")],
    }
}

#[test]
fn the_network_of_the_package_goes() {
    let absent = json!({ "virtual_network": "default", "state": "absent" });
    assert_eq!(
        calls(&absent, " default   active   yes   yes\n", NAT),
        ["net-destroy default", "net-undefine default"]
    );
    assert_eq!(
        calls(&absent, " default   inactive   no   yes\n", NAT),
        ["net-undefine default"]
    );
    assert_eq!(calls(&absent, "", ""), [""; 0]);
}

#[test]
fn a_bridge_has_a_name_in_libvirt() {
    let wanted = json!({ "virtual_network": "brred", "bridge": "brred" });
    let new = [
        "net-define \"$NW_DIR\"/0",
        "net-autostart brred",
        "net-start brred",
    ];
    let made = calls(&wanted, "", "");
    assert_eq!(made.len(), 3, "{made:?}");
    assert!(made[0].starts_with("net-define "), "{made:?}");
    assert_eq!(made[1..], new[1..]);
    assert_eq!(
        calls(&wanted, " brred   active   yes   yes\n", BRIDGED),
        [""; 0]
    );
    assert_eq!(
        calls(&wanted, " brred   inactive   yes   yes\n", BRIDGED),
        ["net-autostart brred", "net-start brred"]
    );
    // One of this name that is another bridge makes way.
    let other = BRIDGED.replace("<bridge name='brred'", "<bridge name='br9'");
    let changed = calls(&wanted, " brred   active   yes   yes\n", &other);
    assert_eq!(changed[..2], ["net-destroy brred", "net-undefine brred"]);
    assert_eq!(changed.len(), 5);
}

#[test]
fn a_network_needs_its_bridge() {
    assert!(testing::error(&json!({ "virtual_network": "x" })).contains("needs the `bridge`"));
    assert!(
        testing::error(&json!({ "virtual_network": "x y", "bridge": "b" })).contains("is no name")
    );
}
