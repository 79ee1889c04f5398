# nw_lvm_seen: "locking" where a daemon locks for LVM, then a line for each device of each group, then one for each volume.
nw_lvm_seen() {
  [ -z "$(ps -C lvmlockd,clvmd -o pid=)" ] || echo locking
  vgs --noheadings --separator : -o vg_name,vg_attr,pv_name | sed 's/^ */group /' &&
    lvs --noheadings --separator : --units s --nosuffix -o vg_name,lv_name,lv_size | sed 's/^ */volume /'
}

# nw_lvm_fill DEVICE IMAGE: the device begins with the image.
nw_lvm_fill() { dd if="$2" of="$1" bs=1048576 conv=nocreat,fsync; }
