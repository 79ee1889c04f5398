use super::super::super::testing;
use super::*;
use crate::platform::Platform;
use serde_json::json;

const POOL: &str = "@nodewright:iso:<pool type='dir'>\n  <name>iso</name>\n  <target>\n    <path>/srv/iso</path>\n  </target>\n</pool>\n";

fn verdict_and_calls(
    step: &serde_json::Value,
    pools: &str,
    definition: &str,
    folders: &str,
    mounts: &str,
) -> (Verdict, Vec<String>) {
    let resource = testing::resources_on(step, Platform::Debian12).remove(0);
    let lists =
        format!("@nodewright:qemu:///system\n@nodewright:\n@nodewright:\n@nodewright:{pools}");
    let answer = Answer::from_sections([
        (libvirt::LISTS, lists.as_str(), 0),
        (DEFINITIONS, definition, 0),
        (FOLDERS, folders, 0),
        (MOUNTS, mounts, 0),
    ]);
    let target = testing::target(Platform::Debian12);
    let verdict = testing::compare(&resource, &target, &answer, false)
        .unwrap()
        .verdict;
    let work = testing::mend(&[&resource], &target, &answer);
    let calls = work.calls.iter().map(Call::to_shell);
    let calls = calls
        .map(|c| c.replace("virsh -q -c qemu:///system ", ""))
        .collect();
    (verdict, calls)
}

#[test]
fn a_pool_is_defined_once_and_started() {
    let step = json!({ "storage_pool": "iso", "path": "/srv/iso" });
    let (verdict, calls) = verdict_and_calls(&step, "", "", "/srv/iso\n", "");
    assert!(matches!(verdict, Verdict::Change(_)));
    assert_eq!(
        calls,
        [
            "pool-define-as iso dir --target /srv/iso",
            "pool-autostart iso",
            "pool-start iso"
        ]
    );
    let (verdict, calls) =
        verdict_and_calls(&step, " iso   inactive   yes\n", POOL, "/srv/iso\n", "");
    assert!(matches!(verdict, Verdict::Change(_)));
    assert_eq!(calls, ["pool-start iso"]);
    assert_eq!(
        verdict_and_calls(&step, " iso   active   yes\n", POOL, "/srv/iso\n", "").0,
        Verdict::Same
    );
    let other = POOL.replace("/srv/iso", "/srv/other");
    assert!(matches!(
        verdict_and_calls(&step, " iso   active   yes\n", &other, "/srv/iso\n", "").0,
        Verdict::Finding { .. }
    ));
    // A step before this one makes the folder.
    let (verdict, calls) = verdict_and_calls(&step, "", "", "", "");
    assert!(matches!(verdict, Verdict::Change(_)));
    assert_eq!(calls.len(), 3, "{calls:?}");
}

/// On a shared filesystem the folder is made once that is mounted, never beneath it, and the pool does not start at boot.
#[test]
fn a_pool_on_a_shared_filesystem_waits_for_it() {
    let step = json!({ "storage_pool": "iso", "path": "/shared/iso", "mount": "/shared" });
    assert!(matches!(
        verdict_and_calls(&step, "", "", "/shared/iso\n", "").0,
        Verdict::After { .. }
    ));
    let mounted = "30 22 147:0 / /shared rw,noatime - gfs2 /dev/drbd0 rw\n";
    let (verdict, calls) = verdict_and_calls(&step, "", "", "", mounted);
    assert!(matches!(verdict, Verdict::Change(_)));
    assert_eq!(
        calls,
        [
            "pool-define-as iso dir --target /shared/iso",
            "pool-build iso",
            "pool-start iso"
        ]
    );
}
