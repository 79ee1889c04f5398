//! What a container cannot show, because its kernel is its host's: modules really loaded, unloaded and loaded at boot, and
//! the real `update-grub`.

use crate::machines;
use crate::rig::Rig;
use nodewright::lab::Power;

const SITE: &str = include_str!("../../inventory/crosslink/inventory.toml");

const MODULES: &str = "
[[step]]
kernel_module = \"nbd\"
options = \"nbds_max=3\"
[[step]]
kernel_module = \"macvlan\"
blacklist = true
";

const ARGUMENT: &str = "
[[step]]
kernel_args = \"nowatchdog\"
";

#[test]
fn modules_of_a_real_kernel() {
    let Some(lab) = machines::shared("vm", || machines::site(SITE)) else {
        return;
    };
    lab.fresh();
    let rig = Rig::cluster(lab);
    rig.role(MODULES);
    let proof = "cd /sys; [ -d module/nbd ] && cat module/nbd/parameters/nbds_max; [ -d module/macvlan ] && echo macvlan; :";
    for node in ["node1", "node2"] {
        rig.nodes.ok(node, "modprobe macvlan");
    }
    assert_eq!(rig.nodes.ok("node1", proof), "macvlan\n");
    rig.apply_as_planned();
    assert_eq!(rig.nodes.ok("node1", proof), "3\n");

    rig.nodes.ok("node1", "rmmod nbd; modprobe macvlan");
    rig.apply_as_planned();
    assert_eq!(rig.nodes.ok("node1", proof), "3\n");

    // At boot the one is loaded, the other stays out.
    rig.nodes.power("node1", Power::Cut);
    rig.nodes.power("node1", Power::On);
    let booted = "systemctl is-system-running --wait || :";
    rig.nodes.ok("node1.lab", booted);
    assert_eq!(rig.nodes.ok("node1.lab", proof), "3\n");
    rig.nothing_to_do();

    // The files go; what is loaded stays so.
    rig.role("");
    rig.apply_as_planned();
    let left = "cd /etc; ls modprobe.d modules-load.d | grep -cE 'nbd|macvlan' || :";
    assert_eq!(rig.nodes.ok("node1", left), "0\n");
}

#[test]
fn arguments_by_the_real_boot_loader() {
    let Some(lab) = machines::shared("vm", || machines::site(SITE)) else {
        return;
    };
    lab.fresh();
    let rig = Rig::cluster(lab);
    rig.role(ARGUMENT);
    // The machine is booted from outside, so a kernel's name has to do for the boot loader.
    rig.nodes.ok(
        "node1",
        "set -e; apt-get -q update; apt-get -q -y install grub2-common; mkdir -p /boot/grub; \
         : >/boot/vmlinuz-$(uname -r); update-grub",
    );
    let entries = "c=/boot/grub/grub.cfg; grep -cE '^[[:space:]]*linux[[:space:]]' $c; \
                   grep -cE '^[[:space:]]*linux[[:space:]].* nowatchdog' $c || :";
    let bare = rig.nodes.ok("node1", entries);
    let (all, none) = bare.split_once('\n').unwrap();
    assert!(all.parse::<u8>().unwrap() > 1 && none == "0\n", "{bare}");
    for _ in 0..2 {
        // What runs was booted without it: said, and never rebooted for.
        let (code, out, err) = rig.run(&["apply", "--yes", "node1"]);
        assert!(code == 3 && out.contains("reboot"), "{code} {out}{err}");
        assert_eq!(rig.nodes.ok("node1", entries), format!("{all}\n{all}\n"));
        rig.nodes
            .ok("node1", "sed -i 's/ nowatchdog//' /boot/grub/grub.cfg");
    }
}
