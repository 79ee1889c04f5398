# nw_mount mount|unmount PATH: as fstab says. Never over something, and nothing that is busy goes.
nw_mount() {
  # systemd makes units of fstab, and would act by those of the old one.
  ! nw_systemd || systemctl daemon-reload </dev/null || return
  if [ "$1" = unmount ]; then umount -- "$2" </dev/null; return; fi
  case $(nw_mount_folders "$2") in
  none\ *) mkdir -p -- "$2" || return ;;
  empty\ * | immutable\ *) ;;
  *) echo "nodewright: $2 is not empty: nothing is mounted over it" >&2; return 1 ;;
  esac
  mount -- "$2" </dev/null
}
