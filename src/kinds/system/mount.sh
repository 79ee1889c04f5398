# Sets nw_mn_state of folder $1: "none", "empty", "full", or "other" for what is no folder.
nw_mount_folder() {
  if [ ! -e "$1" ]; then nw_mn_state=none; return; fi
  if [ ! -d "$1" ]; then nw_mn_state=other; return; fi
  nw_mn_state=full
  [ -n "$(find "$1/" -mindepth 1 -maxdepth 1)" ] || nw_mn_state=empty
}

# nw_mount_folders PATH...: "STATE PATH" a line. What is mounted is not looked into: it may hang.
nw_mount_folders() {
  nw_mn_mounted=$(cat /proc/self/mountinfo) || return
  for nw_mn_path; do
    case $nw_mn_mounted in
    *" $nw_mn_path "*) nw_mn_state=mounted ;;
    *)
      nw_mn_real=$(readlink -f -- "$nw_mn_path")
      if [ "${nw_mn_real:-$nw_mn_path}" = "$nw_mn_path" ]; then nw_mount_folder "$nw_mn_path"; else nw_mn_state='link'; fi
      ;;
    esac
    printf '%s %s\n' "$nw_mn_state" "$nw_mn_path"
  done
}

# nw_mount mount|unmount PATH: as fstab says. Never over something, and nothing that is busy goes.
nw_mount() {
  # systemd makes units of fstab, and would act by those of the old one.
  ! nw_systemd || systemctl daemon-reload </dev/null || return
  if [ "$1" = unmount ]; then umount -- "$2" </dev/null; return; fi
  nw_mount_folder "$2"
  case $nw_mn_state in
  none) mkdir -p -- "$2" || return ;;
  empty) ;;
  *) echo "nodewright: $2 is not empty: nothing is mounted over it" >&2; return 1 ;;
  esac
  mount -- "$2" </dev/null
}
