# nw_lvm_seen: "locking" where a daemon locks for LVM, then a line for each device of each group, then one for each volume.
nw_lvm_seen() {
  [ -z "$(ps -C lvmlockd,clvmd -o pid=)" ] || echo locking
  vgs --noheadings --separator : -o vg_name,vg_attr,pv_name | sed 's/^ */group /' &&
    lvs --noheadings --separator : --units s --nosuffix -o vg_name,lv_name,lv_size | sed 's/^ */volume /'
}

# nw_volume_group NAME DEVICE local|shared|clustered [wipe]: that the device is blank was proven just now, or the operator
# gave up what it carries, by name in this very command.
nw_volume_group() {
  [ -z "${4:-}" ] || nw_device_wipe "$2" || return
  case $3 in
  shared) set -- --shared "$1" "$2" ;;
  clustered) set -- -cy "$1" "$2" ;;
  *) set -- "$1" "$2" ;;
  esac
  vgcreate "$@" </dev/null
}

# nw_logical_volume NAME GROUP SECTORS: what its place held before does not shine through. It stays inactive.
nw_logical_volume() {
  lvcreate -q -a ey -W n -Z y -L "${3}s" -n "$1" "$2" </dev/null &&
    dd if=/dev/zero of="/dev/$2/$1" bs=1048576 count=1 conv=fsync &&
    lvchange -q -a n "$2/$1" </dev/null
}
