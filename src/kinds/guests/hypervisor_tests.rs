use super::super::super::testing;
use super::*;
use crate::platform::Platform;
use serde_json::json;

const NONE: &str = "@nodewright:qemu:///system\n@nodewright:\n@nodewright:\n@nodewright:\n";

fn compared(
    step: &serde_json::Value,
    lists: &str,
    flags: &str,
    device: i32,
) -> crate::kind::Compared {
    let resource = testing::resources_on(step, Platform::El9).remove(0);
    let answer = Answer::from_sections([
        (libvirt::LISTS, lists, 0),
        (FLAGS, flags, 0),
        (DEVICE, "", device),
    ]);
    testing::compare(&resource, &testing::target(Platform::El9), &answer, false).unwrap()
}

/// A finding names the missing part and its remedy: the firmware's setting, or the module of this processor.
#[test]
fn a_node_that_cannot_run_guests_is_told_so() {
    let kvm = json!({ "hypervisor": "kvm" });
    let said = |flags: &str, device: i32| match compared(&kvm, NONE, flags, device).verdict {
        Verdict::Finding { what, remedy } => format!("{what}|{remedy}"),
        other => format!("{other:?}"),
    };
    assert_eq!(said("vmx\n", 0), "Same");
    assert!(said("", 1).contains("neither vmx nor svm") && said("", 1).contains("firmware"));
    assert!(
        said("svm\n", 1).contains("modprobe kvm_amd"),
        "{}",
        said("svm\n", 1)
    );
    assert!(said("vmx\n", 1).contains("modprobe kvm_intel"));
    let emulated = json!({ "hypervisor": "qemu" });
    assert_eq!(compared(&emulated, NONE, "", 1).verdict, Verdict::Same);
    // Before anything else libvirt is waited for.
    assert!(matches!(
        compared(&kvm, "", "", 1).verdict,
        Verdict::Change(_)
    ));
}

#[test]
fn guests_that_the_site_does_not_know_are_listed() {
    let lists = "@nodewright:qemu:///system\n@nodewright: 3   web   running\n -   old   shut off\n@nodewright:\n@nodewright:\n";
    let step = json!({ "hypervisor": "kvm", "guests": ["web"] });
    let seen = compared(&step, lists, "vmx\n", 0).seen;
    assert_eq!(
        seen,
        json!({ "flags": "vmx", "device": true, "answers": true, "unknown": ["old"] })
    );
}

/// The first three lines of EL6's kernel, and those of a newer one.
#[test]
fn memory_that_guests_may_take_is_read_of_old_kernels_too() {
    let old = "MemTotal:        3924512 kB\nMemFree:          100 kB\nBuffers:           20 kB\nCached:             4 kB\nSwapCached:            0 kB\n";
    assert_eq!(available(old), Some(124 * 1024));
    let new = "MemTotal:        3924512 kB\nMemFree:          100 kB\nMemAvailable:     150 kB\nBuffers:           20 kB\n";
    assert_eq!(available(new), Some(150 * 1024));
    assert_eq!(available("MemFree:          100 kB\n"), None);
    assert_eq!(available(""), None);
}
