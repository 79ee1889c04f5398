# Where pushed packages lie: readable by all, because apt reads as a user of its own.
: "${NW_PACKAGES:=/var/lib/nodewright-packages}"

# Sets nw_rp_digest for tool $1.
nw_repository_digest() {
  case $1 in
  apt) nw_rp_globs="/etc/apt/sources.list /etc/apt/sources.list.d/* $NW_PACKAGES/*/Packages" ;;
  yum) nw_rp_globs="/etc/yum.conf /etc/yum.repos.d/*.repo $NW_PACKAGES/*/repodata/repomd.xml" ;;
  *) nw_rp_globs="/etc/dnf/dnf.conf /etc/yum.repos.d/*.repo $NW_PACKAGES/*/repodata/repomd.xml" ;;
  esac
  # shellcheck disable=SC2086 # The words are split and expanded on purpose; they are constants.
  nw_rp_digest=$(cat $nw_rp_globs 2>/dev/null | sha256sum) || return
  nw_rp_digest=${nw_rp_digest%% *}
}

# nw_repository_state TOOL: prints "fresh" or "stale".
nw_repository_state() {
  nw_repository_digest "$1" || return
  nw_rp_state=stale
  [ "$(cat "$NW_STATE/repositories" 2>/dev/null)" != "$nw_rp_digest" ] || nw_rp_state=fresh
  [ "$1" != apt ] || [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_*' 2>/dev/null)" ] || nw_rp_state=stale
  echo "$nw_rp_state"
}

# apt-get, waiting for another's lock on lists too (its own wait covers dpkg's). Not for what starts daemons: they keep the pipe.
nw_repository_apt() {
  for nw_rp_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
    { LC_ALL=C apt-get -q -o Dpkg::Use-Pty=0 -o APT::Color=0 -o DPkg::Lock::Timeout=60 "$@" </dev/null 2>&1
      echo "$?" >"$NW_DIR/apt.rc"; } | tee "$NW_DIR/apt.out"
    read -r nw_rp_rc <"$NW_DIR/apt.rc" || nw_rp_rc=1
    if [ "$nw_rp_rc" = 0 ] || ! grep -q -e 'Could not get lock' -e 'Unable to lock directory' "$NW_DIR/apt.out"; then break; fi
    echo 'nodewright: another apt holds the lock'
    sleep 5
  done
  rm -f "$NW_DIR/apt.out" "$NW_DIR/apt.rc"
  return "$nw_rp_rc"
}

# nw_repository TOOL: fetches (apt) or forgets (yum, dnf) the lists. Fails when a repository cannot be read.
nw_repository() {
  case $1 in apt) nw_repository_apt -o APT::Update::Error-Mode=any update ;; *) "$1" -q clean metadata </dev/null ;; esac || return
  nw_repository_digest "$1" || return
  mkdir -p "$NW_STATE" && printf '%s\n' "$nw_rp_digest" | nw_atomic "$NW_STATE/repositories"
}

# nw_repository_files ID...: the digests of what was pushed, and "odd  PATH" for what is not root's or not open to all.
nw_repository_files() {
  for nw_rp_id; do
    shift
    nw_rp_dir=$NW_PACKAGES/$nw_rp_id
    if [ -d "$nw_rp_dir" ] && [ ! -L "$nw_rp_dir" ]; then set -- "$@" "$nw_rp_dir"; fi
  done
  [ "$#" -gt 0 ] || return 0
  find "$@" -type f -exec sha256sum -- {} + || return
  find "$@" \( ! -user root -o -type f ! -perm 0644 -o -type d ! -perm 0755 -o ! -type f ! -type d \) \
    -exec printf 'odd  %s\n' {} +
}

# nw_repository_folder ID [NAME CONTENT|-]...: the folder as it is to be. Files of it with a dash are there and stay, the others
# were brought. It is made beside the one that is there and takes its place whole.
nw_repository_folder() {
  nw_rp_dir=$NW_PACKAGES/$1 nw_rp_new=$NW_PACKAGES/.nw-$1; shift
  rm -rf -- "$nw_rp_new" "$nw_rp_new.old" && ( umask 022; mkdir -p -- "$nw_rp_new" ) || return
  while [ "$#" -gt 0 ]; do
    nw_rp_from=$nw_rp_dir/$1 nw_rp_to=$nw_rp_new/$1
    [ "$2" = - ] || nw_rp_from=$(readlink -- "$2") || return
    ( umask 022; mkdir -p -- "${nw_rp_to%/*}" ) || return
    # Not copied where one filesystem holds both.
    ln -- "$nw_rp_from" "$nw_rp_to" 2>/dev/null || cp -- "$nw_rp_from" "$nw_rp_to" || return
    chown -- root:root "$nw_rp_to" && chmod -- 0644 "$nw_rp_to" || return
    shift 2
  done
  if [ -e "$nw_rp_dir" ] || [ -L "$nw_rp_dir" ]; then mv -T -- "$nw_rp_dir" "$nw_rp_new.old" || return; fi
  mv -T -- "$nw_rp_new" "$nw_rp_dir" || { mv -T -- "$nw_rp_new.old" "$nw_rp_dir" 2>/dev/null; return 1; }
  rm -rf -- "$nw_rp_new.old"
}

# Folders that no repository names any more go.
nw_repository_sweep() {
  for nw_rp_dir in "$NW_PACKAGES"/*/; do
    [ -d "$nw_rp_dir" ] || continue
    nw_rp_dir=${nw_rp_dir%/}
    grep -rqs -- "file://$nw_rp_dir\([ /]\|\$\)" /etc/yum.repos.d /etc/apt/sources.list /etc/apt/sources.list.d ||
      rm -rf -- "$nw_rp_dir" || return
  done
}
