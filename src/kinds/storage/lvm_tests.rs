use super::*;

// LVM 2.03.16 of a group that lvmlockd shares and one of this node alone; its line of locking is nw_lvm_seen's own.
const TEXT: &str = "\
locking
group vg_node1:wz--ns:/dev/drbd1
group system:wz--n-:/dev/vda2
group system:wz--n-:/dev/vda3
volume system:root:8388608
volume vg_node1:web:131072
";

#[test]
fn groups_have_their_devices_and_volumes_their_sizes() {
    let lvm = read(TEXT).unwrap();
    assert!(lvm.locking);
    assert_eq!(
        lvm.groups["vg_node1"],
        (true, vec!["/dev/drbd1".to_owned()])
    );
    let system = ["/dev/vda2", "/dev/vda3"].map(ToOwned::to_owned).to_vec();
    assert_eq!(lvm.groups["system"], (false, system));
    assert_eq!(
        lvm.volumes[&("vg_node1".to_owned(), "web".to_owned())],
        131_072
    );
    // clvmd's attribute is another letter.
    assert!(read("group a:wz--nc:/dev/drbd1\n").unwrap().groups["a"].0);
    assert_eq!(read("").unwrap(), Lvm::default());
}

#[test]
fn what_is_no_answer_of_lvm_is_an_error() {
    for text in [
        "nonsense\n",
        "group a:b\n",
        "volume a:b:many\n",
        "\u{1b}[2J\n",
    ] {
        let error = read(text).unwrap_err();
        assert!(
            error.starts_with("LVM said `") && !error.contains('\u{1b}'),
            "{error}"
        );
    }
}

#[test]
fn a_name_is_neither_an_option_nor_a_path() {
    for name in ["vg_node1", "a", "A.b+c-d"] {
        assert_eq!(name_is_right("volume group", name), Ok(()));
    }
    for name in ["", "-f", "a/b", "..", "a b", "a;b"] {
        assert!(name_is_right("volume group", name).is_err(), "{name}");
    }
}
