# nw_safe: whether nobody but root can put anything into the folder that nw_enter went into.
nw_safe() { case $nw_here in 0d????-??-?) ;; *) return 1 ;; esac; }

# nw_enter FOLDER ACCOUNT|* [make]: each part is root's or the account's ("*": whoever's), or a link that nobody but root
# can have put there. Parts that are missing are made with "make", as root's, 0755. 3 where it is refused.
nw_enter() {
  nw_folder=$1 nw_for=$2 nw_make=${3:-no} nw_hops=0
  case $nw_for in '*' | '' | *[!0-9]*) nw_for=$(id -u -- "$nw_for" 2>/dev/null) || nw_for=$2 ;; esac
  cd / || return 1
  nw_rest=${nw_folder#/}/
  nw_entered || return
  while [ -n "$nw_rest" ]; do
    nw_part=${nw_rest%%/*} nw_rest=${nw_rest#*/}
    [ -n "$nw_part" ] || continue
    if [ -L "./$nw_part" ] && nw_safe && [ "$nw_hops" -lt 20 ]; then
      nw_rest=$(cd -P -- "./$nw_part" && pwd -P)/$nw_rest && cd / && nw_entered || return
      nw_hops=$((nw_hops + 1))
      continue
    fi
    if [ "$nw_make" = make ] && [ ! -e "./$nw_part" ]; then ( umask 022; mkdir -- "./$nw_part" ) || return 1; fi
    [ -d "./$nw_part" ] || { printf 'the folder %s is not there\n' "$nw_folder"; return 1; }
    nw_down "$nw_part" && nw_entered || return
  done
}

# nw_down NAME: into a folder of this one that is no link.
nw_down() {
  nw_was=$(pwd -P) || return 1
  cd -P -- "./$1" || return 1
  [ "$(pwd -P)" = "${nw_was%/}${1:+/}$1" ] || { printf '%s is a link that others than root can change: it is not followed\n' "${nw_was%/}/$1"; return 3; }
}

nw_entered() {
  nw_here=$(stat -c '%u%A' .) || return 1
  case $nw_for in '*' | "${nw_here%%d*}") return 0 ;; esac
  [ "${nw_here%%d*}" != 0 ] || return 0
  printf '%s belongs neither to root nor to whom the step names: nothing is written there\n' "$(pwd -P)"
  return 3
}

# nw_inside PATH ACCOUNT|* make|no COMMAND...: in the folder of the path, whose last part is nw_name.
nw_inside() {
  nw_name=${1##*/}
  ( nw_enter "${1%/*}" "$2" "$3" && shift 3 && "$@" )
}

# nw_private: into a new folder of root's alone in this one, from where `..` is this one, whatever becomes of its name:
# a folder that is root's cannot be moved elsewhere. What earlier runs left here goes.
nw_private() {
  rm -rf -- ./.nw-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T*
  nw_tmp=$(mktemp -d "./.nw-${NW_RUN:-run}-XXXXXXXX") && nw_down "${nw_tmp#./}" || return
  # A folder that hands its group on hands that on too.
  case $(stat -c '%u%A' .) in "$(id -u)drwx------" | "$(id -u)drwx--S---") ;; *) return 1 ;; esac
}

# nw_public: back, and what is left in there goes; with the status of what was done in there.
nw_public() { nw_rc=$?; cd .. && rm -rf -- "$nw_tmp"; return "$nw_rc"; }

# nw_changed PATH WAS IS
nw_changed() { printf '%s was changed since the plan was made: it was %s, it is %s\n' "$1" "$2" "$3"; return 3; }

# nw_keep PATH HERE: a copy of what lies here under the run's own folder, outside /etc.
nw_keep() {
  nw_kept=$NW_DIR/kept$1
  ( umask 077; mkdir -p -- "${nw_kept%/*}" && rm -rf -- "$nw_kept" && cp -a -- "$2" "$nw_kept" )
}

# nw_relabel [-R --] PATH: the SELinux label that its path should have, for what was not there before.
nw_relabel() { ! nw_selinux || ! command -v restorecon >/dev/null 2>&1 || restorecon "$@" || :; }
nw_selinux() { [ -e /sys/fs/selinux/enforce ] || [ -e /selinux/enforce ]; }
