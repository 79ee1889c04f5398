# Sets nw_now: "absent", "link:TARGET", "directory", "other", or the sha256 of a file.
nw_see() {
  if [ -L "$1" ]; then nw_now=link:$(readlink -- "$1")
  elif [ -d "$1" ]; then nw_now=directory
  elif [ -f "$1" ]; then nw_now=$(sha256sum <"$1") || return 1; nw_now=${nw_now%% *}
  elif [ -e "$1" ]; then nw_now=other
  else nw_now=absent
  fi
}

# nw_expect PATH EXPECTED: of nw_name here.
nw_expect() { nw_see "./$nw_name" || return 1; [ "$nw_now" = "$2" ] || nw_changed "$1" "$2" "$nw_now"; }

# nw_replace PATH EXPECTED CONTENT OWNER GROUP MODE KEEP(yes|no)
nw_replace() { nw_inside "$1" "$4" no nw_replace_here "$@"; }
nw_replace_here() {
  nw_expect "$1" "$2" || return
  case $nw_now in
  directory | other) printf '%s is no file\n' "$1"; return 3 ;;
  esac
  if [ "$7" = yes ] && [ "$nw_now" != absent ]; then nw_keep "$1" "./$nw_name" || return; fi
  nw_private || return
  nw_put_here "$@"
  nw_public || return
  [ "$nw_now" != absent ] || nw_relabel "$1"
}
nw_put_here() {
  nw_output=$( umask 077; dd if="$3" of=./new bs=65536 conv=fsync 2>&1 ) || { printf '%s\n' "$nw_output"; return 1; }
  # The SELinux label of the old file for the new one.
  [ "$nw_now" = absent ] || ! nw_selinux || chcon --reference="../$nw_name" -- ./new 2>/dev/null || :
  # Owner before mode: a change of owner takes the set-user-id bits away.
  chown -- "$4:$5" ./new && chmod -- "$6" ./new && mv -fT -- ./new "../$nw_name"
}

# nw_attributes PATH OWNER GROUP MODE: by a descriptor of the file that is meant, so no link is followed; nor is another
# name of a file of root's taken, where others can have made one.
nw_attributes() { nw_inside "$1" "$2" no nw_attributes_here "$@"; }
nw_attributes_here() {
  if [ -L "./$nw_name" ] || [ ! -f "./$nw_name" ]; then
    printf '%s is a link, no file or not there\n' "$1"
    return 3
  fi
  nw_was=$(pwd -P)
  {
    if [ "$(readlink /proc/self/fd/7)" != "${nw_was%/}/$nw_name" ] || { ! nw_safe && [ "$(stat -L -c %h /proc/self/fd/7)" != 1 ]; }; then
      printf '%s leads elsewhere\n' "$1"
      return 3
    fi
    chown -- "$2:$3" /proc/self/fd/7 && chmod -- "$4" /proc/self/fd/7
  } 7<"./$nw_name"
}

# nw_directory PATH OWNER GROUP MODE: made where nothing is. Parents that are missing are made as root's, 0755.
nw_directory() { nw_inside "$1" "$2" make nw_directory_here "$@"; }
nw_directory_here() {
  if [ -L "./$nw_name" ] || { [ -e "./$nw_name" ] && [ ! -d "./$nw_name" ]; }; then
    printf '%s is there and is no directory\n' "$1"
    return 3
  fi
  if [ ! -d "./$nw_name" ]; then
    ( umask 077; mkdir -- "./$nw_name" ) || return
    nw_relabel "$1"
  fi
  nw_down "$nw_name" && chown -- "$2:$3" . && chmod -- "$4" .
}

# nw_symlink PATH TARGET EXPECTED KEEP(yes|no)
nw_symlink() { nw_inside "$1" '*' no nw_symlink_here "$@"; }
nw_symlink_here() {
  nw_expect "$1" "$3" || return
  case $nw_now in
  directory | other) printf '%s is no link or file\n' "$1"; return 3 ;;
  esac
  if [ "${4:-yes}" = yes ] && [ "$nw_now" != absent ]; then nw_keep "$1" "./$nw_name" || return; fi
  nw_private || return
  ln -s -- "$2" ./new && mv -fT -- ./new "../$nw_name"
  nw_public
}

# nw_remove PATH EXPECTED KEEP(yes|no): a directory only when it is empty. What went already (with its package) is as wanted.
nw_remove() { [ ! -d "${1%/*}/" ] || nw_inside "$1" '*' no nw_remove_here "$@"; }
nw_remove_here() {
  nw_see "./$nw_name" || return 1
  [ "$nw_now" != absent ] || return 0
  nw_expect "$1" "$2" || return
  case $nw_now in
  directory) rmdir -- "./$nw_name" ;;
  *) if [ "${3:-yes}" = yes ]; then nw_keep "$1" "./$nw_name" || return; fi; rm -f -- "./$nw_name" ;;
  esac
}
