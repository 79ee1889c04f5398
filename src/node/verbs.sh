# The verbs for files. All of them look first: what is no longer as the plan saw it is refused with status 3.

# Sets nw_now: "absent", "link:TARGET", "directory", "other", or the sha256 of a file.
nw_see() {
  if [ -L "$1" ]; then nw_now=link:$(readlink -- "$1")
  elif [ -d "$1" ]; then nw_now=directory
  elif [ -f "$1" ]; then nw_now=$(sha256sum <"$1") || return 1; nw_now=${nw_now%% *}
  elif [ -e "$1" ]; then nw_now=other
  else nw_now=absent
  fi
}

# nw_expect PATH EXPECTED
nw_expect() {
  nw_see "$1" || return 1
  [ "$nw_now" = "$2" ] && return 0
  printf '%s was changed since the plan was made: it was %s, it is %s\n' "$1" "$2" "$nw_now"
  return 3
}

# nw_temporary PATH: sets nw_tmp to a name in the same folder, and sweeps what earlier runs left there.
nw_temporary() {
  nw_folder=${1%/*} nw_name=${1##*/}
  if [ ! -d "${nw_folder:-/}" ]; then
    printf 'the folder %s is not there\n' "${nw_folder:-/}"
    return 1
  fi
  for nw_f in "$nw_folder"/.nw-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T*; do
    if [ -f "$nw_f" ] || [ -L "$nw_f" ]; then rm -f -- "$nw_f"; fi
  done
  if [ "${#nw_name}" -gt 200 ]; then nw_name=long; fi
  nw_tmp=$nw_folder/.nw-$NW_RUN-$nw_name
}

# nw_keep PATH: a copy under the run's own folder, outside /etc.
nw_keep() {
  nw_kept=$NW_DIR/kept$1
  ( umask 077; mkdir -p "${nw_kept%/*}" && cp -pP -- "$1" "$nw_kept" )
}

# nw_label OLD NEW: the SELinux label of the old file for the new one.
nw_label() {
  [ -e /sys/fs/selinux/enforce ] || [ -e /selinux/enforce ] || return 0
  chcon --reference="$1" -- "$2" 2>/dev/null || :
}

# nw_relabel PATH: the label that its path should have, for what was not there before.
nw_relabel() {
  [ -e /sys/fs/selinux/enforce ] || [ -e /selinux/enforce ] || return 0
  ! command -v restorecon >/dev/null 2>&1 || restorecon "$1" || :
}

# nw_replace PATH EXPECTED CONTENT OWNER GROUP MODE KEEP(yes|no)
nw_replace() {
  nw_expect "$1" "$2" || return
  case $nw_now in
  directory | other) printf '%s is no file\n' "$1"; return 3 ;;
  esac
  nw_temporary "$1" || return
  if [ "$7" = yes ] && [ "$nw_now" != absent ]; then nw_keep "$1" || return; fi
  if ( umask 077; dd if="$3" of="$nw_tmp" bs=65536 conv=fsync 2>"$NW_DIR/dd" ); then rm -f "$NW_DIR/dd"
  else
    cat "$NW_DIR/dd"
    rm -f -- "$nw_tmp" "$NW_DIR/dd"
    return 1
  fi
  if [ "$nw_now" != absent ]; then nw_label "$1" "$nw_tmp"; fi
  # Owner before mode: a change of owner takes the set-user-id bits away.
  if chown -- "$4:$5" "$nw_tmp" && chmod -- "$6" "$nw_tmp" && mv -fT -- "$nw_tmp" "$1"; then
    if [ "$nw_now" = absent ]; then nw_relabel "$1"; fi
    return 0
  fi
  rm -f -- "$nw_tmp"
  return 1
}

# nw_attributes PATH OWNER GROUP MODE
nw_attributes() {
  if [ -L "$1" ] || [ ! -e "$1" ]; then
    printf '%s is a link or not there\n' "$1"
    return 3
  fi
  chown -- "$2:$3" "$1" && chmod -- "$4" "$1"
}

# nw_directory PATH OWNER GROUP MODE: made where nothing is. Parents that are missing are made as root's, 0755.
nw_directory() {
  if [ -L "$1" ] || { [ -e "$1" ] && [ ! -d "$1" ]; }; then
    printf '%s is there and is no directory\n' "$1"
    return 3
  fi
  if [ ! -d "$1" ]; then
    nw_folder=${1%/*}
    ( umask 022; [ -z "$nw_folder" ] || mkdir -p -- "$nw_folder" ) && ( umask 077; mkdir -- "$1" ) || return
    nw_relabel "$1"
  fi
  chown -- "$2:$3" "$1" && chmod -- "$4" "$1"
}

# nw_symlink PATH TARGET EXPECTED KEEP(yes|no)
nw_symlink() {
  nw_expect "$1" "$3" || return
  case $nw_now in
  directory | other) printf '%s is no link or file\n' "$1"; return 3 ;;
  esac
  nw_temporary "$1" || return
  if [ "${4:-yes}" = yes ] && [ "$nw_now" != absent ]; then nw_keep "$1" || return; fi
  rm -f -- "$nw_tmp"
  ln -s -- "$2" "$nw_tmp" && mv -fT -- "$nw_tmp" "$1"
}

# nw_remove PATH EXPECTED KEEP(yes|no): a directory only when it is empty. What is gone already (with its package, a
# step before) is as wanted.
nw_remove() {
  nw_see "$1" || return 1
  [ "$nw_now" != absent ] || return 0
  nw_expect "$1" "$2" || return
  case $nw_now in
  directory) rmdir -- "$1" ;;
  *) if [ "${3:-yes}" = yes ]; then nw_keep "$1" || return; fi; rm -f -- "$1" ;;
  esac
}
