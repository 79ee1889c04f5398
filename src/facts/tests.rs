use super::*;

fn platform(text: &str) -> Option<Platform> {
    release(text).1
}

#[test]
fn releases_are_known_by_their_own_words() {
    // EL6's and EL7's from documentation (docs/facts/releases.md#how-a-release-is-recognised); EL8's and Debian's captured
    // from os-release of the images.
    assert_eq!(
        platform("---\nCentOS release 6.10 (Final)\n---\n"),
        Platform::from_word("el6.10")
    );
    assert_eq!(
        platform("---\nRed Hat Enterprise Linux Server release 6.9 (Santiago)\n---\n"),
        Platform::from_word("el6.9")
    );
    assert_eq!(
        platform("ID=\"centos\"\n---\nCentOS Linux release 7.9.2009 (Core)\n---\n"),
        Platform::from_word("el7.9")
    );
    assert_eq!(
        platform("ID=\"almalinux\"\nVERSION_ID=\"9.4\"\n---\nAlmaLinux release 9.4\n---\n"),
        Platform::from_word("el9.4")
    );
    assert_eq!(
        platform("ID=debian\nVERSION_ID=\"12\"\n---\n---\n12.11\n"),
        Some(Platform::Debian12)
    );
    assert_eq!(platform("---\n---\n7.8\n---\n3.4-1"), Some(Platform::Pve3));
    assert_eq!(
        platform("ID=debian\nVERSION_ID=\"7\"\n---\n---\n7.8\n---\n"),
        None
    );
    assert_eq!(
        platform("ID=ubuntu\nVERSION_ID=\"24.04\"\n---\n---\n"),
        None
    );
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
fn interfaces_get_their_addresses() {
    // Constructed after `ip -o addr` of iproute2 6.1.
    let all = interfaces(
        "eth0 00:16:76:d6:c9:40 1500 up physical\neth3.1 00:16:76:d6:c9:43 1500 up virtual\n",
        "2: eth0    inet 192.0.2.5/24 brd 192.0.2.255 scope global eth0\\  valid_lft forever\n\
         3: eth3.1@eth3    inet6 fe80::1/64 scope link \n",
    );
    assert_eq!(all["eth0"].addresses, ["192.0.2.5/24"]);
    assert!(all["eth0"].physical);
    assert_eq!(all["eth3.1"].addresses, ["fe80::1/64"]);
}

#[test]
fn disks_get_their_names_by_id() {
    let all = disks(
        "sda 41943040 VBOX HARDDISK\n",
        "/dev/disk/by-id/ata-X -> ../../sda\n`/dev/disk/by-id/wwn-1' -> `../../sda'\n/dev/disk/by-id/ata-X-part1 -> ../../sda1\n",
    );
    assert_eq!(all["sda"].bytes, 21_474_836_480);
    assert_eq!(all["sda"].model, "VBOX HARDDISK");
    assert_eq!(all["sda"].ids, ["ata-X", "wwn-1"]);
}
