# nw_device_probe WORD COMMAND...: "WORD = STATUS", then what it says, each line after "WORD ".
nw_device_probe() {
  nw_dv_word=$1; shift
  nw_dv_output=$("$@")
  echo "$nw_dv_word = $?"
  [ -z "$nw_dv_output" ] || printf '%s\n' "$nw_dv_output" | sed "s/^/$nw_dv_word /"
}

# nw_device_edge SECTOR: the digest of one mebibyte from there on.
nw_device_edge() { dd if="$nw_dv" bs=512 skip="$1" count=2048 | sha256sum; }

# nw_device PATH: every sign that a block device carries something. It only reads the device.
nw_device() {
  nw_dv=$(readlink -f -- "$1")
  if [ ! -b "$nw_dv" ]; then
    if [ -e "$1" ]; then echo other; else echo absent; fi
    return 0
  fi
  # DRBD lets nobody open a device of which this node is not the primary.
  case $nw_dv in /dev/drbd*) ( true <"$nw_dv" ) 2>/dev/null || { echo closed; return 0; } ;; esac
  nw_dv_sys=/sys/class/block/${nw_dv##*/} nw_dv_size=0
  echo "real $nw_dv"
  nw_device_probe number cat "$nw_dv_sys/dev"
  nw_device_probe sectors cat "$nw_dv_sys/size"
  nw_device_probe below ls "$nw_dv_sys"
  nw_device_probe holder ls "$nw_dv_sys/holders"
  nw_device_probe mount cat /proc/self/mountinfo
  nw_device_probe swap cat /proc/swaps
  nw_device_probe wipefs wipefs -p -- "$nw_dv"
  nw_device_probe blkid blkid -p -o export -- "$nw_dv"
  read -r nw_dv_size <"$nw_dv_sys/size"
  nw_device_probe first nw_device_edge 0
  [ "$nw_dv_size" -lt 2048 ] || nw_device_probe last nw_device_edge $((nw_dv_size - 2048))
}

# nw_device_wipe DEVICE: all signatures go, and both ends.
nw_device_wipe() {
  wipefs -a -- "$1" || return
  nw_dv_size=$(blockdev --getsz "$1") && [ "$nw_dv_size" -ge 4096 ] || return
  dd if=/dev/zero of="$1" bs=512 count=2048 conv=notrunc,fsync && \
    dd if=/dev/zero of="$1" bs=512 count=2048 seek=$((nw_dv_size - 2048)) conv=notrunc,fsync
}
