nw_partition_table() { parted -s -m -- "$1" unit s print free; }

# nw_partition_label DISK: only where parted finds no table.
nw_partition_label() {
  case $(nw_partition_table "$1") in *:unknown:*) parted -s -- "$1" mklabel gpt ;; *) echo "$1 has a partition table by now"; return 1 ;; esac
}

# nw_partition_linked LINK: udev reads the table once more when parted has closed the disk, and the links go and come.
nw_partition_linked() { udevadm settle && sleep 1 && udevadm settle && [ -b "$1" ]; }

# nw_partition DISK NUMBER FIRST LAST: parted takes the next free number; another one than the wanted is not made.
nw_partition() {
  ! parted -s -m -- "$1" unit s print | grep -q "^$2:" || { echo "$1 has a partition $2 by now"; return 1; }
  parted -s -- "$1" unit s mkpart "part$2" "$3" "$4" && nw_await 60 "the link of partition $2" nw_partition_linked "$1-part$2"
}

nw_partition_not() { echo "$1"; return 1; }
