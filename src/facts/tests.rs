use super::*;

fn platform(os: &str, redhat: &str) -> Option<Platform> {
    release(os, redhat, "").1
}

#[test]
fn releases_are_known_by_their_own_words() {
    // EL6's and EL7's from documentation (docs/facts/releases.md#how-a-release-is-recognised); EL8's and Debian's captured
    // from os-release of the images.
    assert_eq!(
        platform("", "CentOS release 6.10 (Final)\n"),
        Platform::from_word("el6.10")
    );
    assert_eq!(
        platform(
            "",
            "Red Hat Enterprise Linux Server release 6.9 (Santiago)\n"
        ),
        Platform::from_word("el6.9")
    );
    assert_eq!(
        platform("ID=\"centos\"\n", "CentOS Linux release 7.9.2009 (Core)\n"),
        Platform::from_word("el7.9")
    );
    assert_eq!(
        platform(
            "ID=\"almalinux\"\nVERSION_ID=\"9.4\"\n",
            "AlmaLinux release 9.4\n"
        ),
        Platform::from_word("el9.4")
    );
    assert_eq!(
        platform("ID=debian\nVERSION_ID=\"12\"\n", ""),
        Some(Platform::Debian12)
    );
    assert_eq!(release("", "", "3.4-1").1, Some(Platform::Pve3));
    assert_eq!(platform("ID=debian\nVERSION_ID=\"7\"\n", ""), None);
    assert_eq!(platform("ID=ubuntu\nVERSION_ID=\"24.04\"\n", ""), None);
}

#[test]
fn a_node_that_does_not_run_what_is_declared_is_left_alone() {
    let runs = |platform| Facts {
        release: "CentOS release 6.10 (Final)".to_owned(),
        platform,
        ..Facts::default()
    };
    assert_eq!(
        runs(Some(Platform::El6)).contradict(Platform::El6, "node1"),
        None
    );
    let minor = Platform::from_word("el6.9").unwrap();
    let seen = Platform::from_word("el6.10");
    assert_eq!(runs(seen).contradict(Platform::El6, "node1"), None);
    assert!(runs(seen).contradict(minor, "node1").is_some());
    for platform in [Some(Platform::El6), None] {
        let why = runs(platform).contradict(Platform::El7, "node1").unwrap();
        assert!(
            why.starts_with("the site declares el7 for node1, and it runs CentOS release 6.10 (Final): nothing is done."),
            "{why}"
        );
    }
}

#[test]
fn interfaces_are_read_from_sysfs_and_get_their_addresses() {
    // Captured on Debian 12, addresses after `ip -o addr` of iproute2 6.1; the card of a bond and the tunnel without an
    // address constructed after the kernel's Documentation/ABI/testing/sysfs-class-net.
    let all = interfaces(
        "/sys/class/net/eth0/address:00:16:76:d6:c9:40\n\
         /sys/class/net/eth1/address:00:16:76:d6:c9:41\n\
         /sys/class/net/eth3.1/address:00:16:76:d6:c9:43\n\
         /sys/class/net/tun0/address:\n\
         /sys/class/net/eth0/mtu:1500\n\
         /sys/class/net/eth1/mtu:9000\n\
         /sys/class/net/eth3.1/mtu:1500\n\
         /sys/class/net/eth0/operstate:up\n\
         /sys/class/net/eth1/operstate:down\n\
         /sys/class/net/eth1/bonding_slave/perm_hwaddr:00:16:76:d6:c9:42\n",
        "/sys/class/net/eth0/device\n/sys/class/net/eth1/device\n",
        "2: eth0    inet 192.0.2.5/24 brd 192.0.2.255 scope global eth0\\  valid_lft forever\n\
         3: eth3.1@eth3    inet6 fe80::1/64 scope link \n",
    );
    assert_eq!(all["eth0"].addresses, ["192.0.2.5/24"]);
    assert_eq!(all["eth0"].mac, "00:16:76:d6:c9:40");
    assert!(all["eth0"].physical);
    assert_eq!((all["eth0"].mtu, all["eth0"].state.as_str()), (1500, "up"));
    assert_eq!(all["eth1"].mac, "00:16:76:d6:c9:42");
    assert_eq!(
        (all["eth1"].mtu, all["eth1"].state.as_str()),
        (9000, "down")
    );
    assert_eq!(all["eth3.1"].addresses, ["fe80::1/64"]);
    assert!(!all["eth3.1"].physical);
    assert_eq!(all["tun0"].mac, "");
    assert_eq!(all.len(), 4);
}

#[test]
fn disks_are_read_from_sysfs_and_get_their_names_by_id() {
    let all = disks(
        "/sys/block/dm-0/size:2048\n/sys/block/loop0/size:0\n/sys/block/sda/size:41943040\n\
         /sys/block/sr0/size:2\n/sys/block/vda/size:8\n\
         /sys/block/sda/device/model:VBOX HARDDISK   \n/sys/block/sr0/device/model:CD-ROM\n",
        "/dev/disk/by-id/wwn-1 -> ../../sda\n/dev/disk/by-id/ata-X -> ../../sda\n\
         /dev/disk/by-id/ata-X-part1 -> ../../sda1\n",
    );
    assert_eq!(all.keys().collect::<Vec<_>>(), ["sda", "vda"]);
    assert_eq!(all["sda"].bytes, 21_474_836_480);
    assert_eq!(all["sda"].model, "VBOX HARDDISK");
    assert_eq!(all["sda"].ids, ["ata-X", "wwn-1"]);
    assert_eq!((all["vda"].bytes, all["vda"].model.as_str()), (4096, ""));
}

#[test]
fn selinux_is_what_the_kernels_file_says() {
    assert_eq!(selinux("/sys/fs/selinux/enforce:1\n"), "enforcing");
    assert_eq!(selinux("/selinux/enforce:0\n"), "permissive");
    assert_eq!(selinux(""), "none");
}

#[test]
fn programs_say_their_versions() {
    let program_version = |program: &str, text: &str| version(program, text).unwrap_or_default();
    // Corosync's and Pacemaker's captured on Debian 12; the others after their sources.
    let corosync =
        "Corosync Cluster Engine, version '3.1.7'\nCopyright (c) 2006-2021 Red Hat, Inc.\n";
    assert_eq!(program_version("corosync", corosync), "3.1.7");
    let pacemaker = "Pacemaker 2.1.5-a3f44794f94\nWritten by Andrew Beekhof and the Pacemaker project contributors\n";
    assert_eq!(program_version("pacemaker", pacemaker), "2.1.5-a3f44794f94");
    let drbd = "DRBDADM_BUILDTAG=GIT-hash\nDRBDADM_API_VERSION=2\nDRBD_KERNEL_VERSION=9.2.0\nDRBDADM_VERSION_CODE=0x091600\nDRBDADM_VERSION=9.22.0\n";
    assert_eq!(program_version("drbd", drbd), "9.22.0");
    assert_eq!(program_version("shorewall", "5.2.8\n"), "5.2.8");
    for (program, ..) in PROGRAMS {
        assert_eq!(version(program, ""), None);
    }
}
