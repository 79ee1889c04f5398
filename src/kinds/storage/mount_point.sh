# nw_mount_points PATH...: of each "folder PATH", then `lsattr -d` of it where nothing is mounted on it, and what it holds.
# What is mounted is not looked into: it may hang.
nw_mount_points() {
  nw_mp_mounts=$(cat /proc/self/mountinfo) || return
  for nw_mp; do
    case $nw_mp_mounts in
    *" $nw_mp "*) echo "mounted $nw_mp"; continue ;;
    esac
    if [ -h "$nw_mp" ] || { [ -e "$nw_mp" ] && [ ! -d "$nw_mp" ]; }; then echo "other $nw_mp"
    elif [ ! -e "$nw_mp" ]; then echo "none $nw_mp"
    elif [ -n "$(find "$nw_mp/" -mindepth 1 -maxdepth 1)" ]; then echo "full $nw_mp"
    else
      case $(lsattr -d -- "$nw_mp") in
      [!\ ]*i*' '*) echo "immutable $nw_mp" ;;
      *) echo "open $nw_mp" ;;
      esac
    fi
  done
}

# nw_mount_point PATH: where nothing is mounted on it, nothing is ever written into it.
nw_mount_point() {
  case $(nw_mount_points "$1") in none\ *) mkdir -m 0755 -- "$1" || return ;; esac
  case $(nw_mount_points "$1") in
  open\ *) chattr +i -- "$1" ;;
  immutable\ * | mounted\ *) ;;
  *) echo "$1 is no empty folder by now"; return 1 ;;
  esac
}
