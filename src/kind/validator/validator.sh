# nw_preflight COMMAND...: runs a validator, or says that it is not there yet (a package of this run may bring it).
nw_preflight() {
  command -v "$1" >/dev/null 2>&1 || { echo "$1 is not there yet; checked again before it is put in place"; return 0; }
  "$@"
}

# nw_validator_sshd FILE PORT ACCOUNT ADDRESS: sshd itself reads it and says what it would do with this account from there.
nw_validator_sshd() {
  nw_sshd=$(command -v sshd) || nw_sshd=/usr/sbin/sshd
  [ ! -d /run ] || mkdir -p /run/sshd 2>/dev/null # Debian's; EL6 has no /run
  "$nw_sshd" -t -f "$1" && "$nw_sshd" -T -f "$1" -C "user=$3,host=$4,addr=$4"
}

# nw_validator_corosync FILE KEY: corosync itself reads it, which it does not do without its key.
nw_validator_corosync() {
  [ -s "$2" ] || { echo "$2 is not there yet; checked again before it is put in place"; return 0; }
  # Version 3 has an option for the path, version 2 reads it from its environment.
  case $(corosync -h 2>&1) in
  *' -c '*) corosync -t -c "$1" </dev/null ;;
  *) COROSYNC_MAIN_CONFIG_FILE=$1 corosync -t </dev/null ;;
  esac
}

# nw_validator_lvm FILE: a filter that hides the groups in use would keep the node from its own disks at the next boot.
nw_validator_lvm() {
  command -v vgs >/dev/null 2>&1 || return 0
  nw_lvm_now=$(vgs --noheadings -o vg_name </dev/null) && nw_lvm_then=$(vgs --config "$(cat "$1")" --noheadings -o vg_name </dev/null) || return
  for nw_lvm_group in $nw_lvm_now; do
    for nw_lvm_found in $nw_lvm_then; do [ "$nw_lvm_found" != "$nw_lvm_group" ] || continue 2; done
    echo "with these settings LVM would no longer find the volume group $nw_lvm_group"
    return 1
  done
}
