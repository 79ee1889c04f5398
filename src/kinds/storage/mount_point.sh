# nw_mount_point PATH: where nothing is mounted on it, nothing is ever written into it.
nw_mount_point() {
  case $(nw_mount_folders "$1") in none\ *) mkdir -m 0755 -- "$1" || return ;; esac
  case $(nw_mount_folders "$1") in
  empty\ *) chattr +i -- "$1" ;;
  immutable\ * | mounted\ *) ;;
  *) echo "$1 is no empty folder by now"; return 1 ;;
  esac
}
