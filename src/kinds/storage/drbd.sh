# nw_drbd_seen: of each resource in the configuration its device, how many sectors that has, and its generation identifiers.
# All in one question: of two at a time one finds the device locked.
nw_drbd_seen() {
  for nw_dr_name in $(drbdadm sh-resources); do
    echo "resource $nw_dr_name"
    nw_dr_output=$(drbdadm sh-ll-dev "$nw_dr_name")
    echo "disk $? $nw_dr_output"
    echo "sectors $(blockdev --getsz "$nw_dr_output")"
    nw_until 3 1 nw_drbd_gi
    echo "gi $nw_dr_status $nw_dr_output"
  done
}

# nw_drbd_gi: 20 says that the device could not be opened, since somebody else looks at it too just now.
nw_drbd_gi() {
  nw_dr_output=$(drbdadm get-gi "$nw_dr_name")
  nw_dr_status=$?
  [ "$nw_dr_status" != 20 ]
}

# nw_drbd_state: of version 8 /proc/drbd has all, of version 9 no more than the version.
nw_drbd_state() {
  [ -e /proc/drbd ] || return 0
  cat /proc/drbd && { grep -q '^version: [0-8]\.' /proc/drbd || drbdsetup status --json; }
}

# nw_drbd_connected NAME
nw_drbd_connected() {
  case $(drbdadm cstate "$1") in Connected* | Established* | Sync* | WFBitMap* | StartingSync*) ;; *) return 1 ;; esac
}

# nw_drbd_up NAME: both ends do this at the same time.
nw_drbd_up() {
  modprobe drbd && drbdadm up "$1" </dev/null || return
  nw_until 60 1 nw_drbd_connected "$1" || { echo "$1 is up and does not reach its peer ($(drbdadm cstate "$1")): \`dmesg\` says why"; return 1; }
}

# nw_drbd_syncs NAME: it began, or is done already.
nw_drbd_syncs() {
  case "$(drbdadm cstate "$1") $(drbdadm dstate "$1")" in Sync* | *UpToDate/UpToDate*) ;; *) return 1 ;; esac
}

# nw_drbd_first NAME 8.3|8.4|9: this node's content is taken, where no end ever had any.
nw_drbd_first() {
  case $(drbdadm get-gi "$1") in
  0000000000000004:*) ;;
  *) echo "$1 has a generation of data already"; return 1 ;;
  esac
  case $2 in
  8.3) drbdadm -- --overwrite-data-of-peer primary "$1" </dev/null ;;
  *) drbdadm primary --force "$1" </dev/null ;;
  esac && nw_await 60 "the sync of $1" nw_drbd_syncs "$1"
}
