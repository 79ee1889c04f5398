# nw_package_quiet COMMAND...: questions are answered by their defaults, changed configuration files are kept, needrestart and
# etckeeper's hooks are silent: the run commits /etc by itself. For etckeeper a folder of settings with no hooks stands in (it
# must be able to set itself up when it is one of the packages); without a repository in /etc it wants VCS.
nw_package_quiet() (
  DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical UCF_FORCE_CONFFOLD=1
  APT_LISTCHANGES_FRONTEND=none APT_LISTBUGS_FRONTEND=none NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l
  LC_ALL=C VCS=git ETCKEEPER_CONF_DIR=$NW_STATE/etckeeper
  export DEBIAN_FRONTEND DEBIAN_PRIORITY UCF_FORCE_CONFFOLD APT_LISTCHANGES_FRONTEND APT_LISTBUGS_FRONTEND \
    NEEDRESTART_SUSPEND NEEDRESTART_MODE LC_ALL VCS ETCKEEPER_CONF_DIR
  mkdir -p "$ETCKEEPER_CONF_DIR/pre-install.d" "$ETCKEEPER_CONF_DIR/post-install.d" || return
  for nw_pk_link in etckeeper.conf commit.d init.d list-installed.d pre-commit.d unclean.d uninit.d update-ignore.d vcs.d; do
    [ -L "$ETCKEEPER_CONF_DIR/$nw_pk_link" ] ||
      ln -s "/etc/etckeeper/$nw_pk_link" "$ETCKEEPER_CONF_DIR/$nw_pk_link" || return
  done
  "$@" </dev/null
)

# Everything is fetched before anything is changed; lists that turn out to be too old are fetched once more.
nw_package_apt_install() {
  # A package that an interrupted dpkg left half configured would stop apt.
  dpkg --configure -a --force-confdef --force-confold </dev/null || :
  # One repository out of reach does not matter if the packages come from another.
  [ "$(nw_repository_state apt)" = fresh ] || nw_repository apt || echo 'nodewright: some package lists could not be fetched'
  set -- -y --no-install-recommends --allow-downgrades -o APT::Cmd::Pattern-Only=true \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install -- "$@"
  if ! nw_repository_apt --download-only "$@"; then
    nw_repository apt || :
    nw_repository_apt --download-only "$@" || return
  fi
  apt-get -q -o Dpkg::Use-Pty=0 -o APT::Color=0 -o DPkg::Lock::Timeout=60 "$@" </dev/null
}

# dpkg takes nothing else away with a package, as apt would; its status 2 may be a lock that another holds.
nw_package_apt_remove() {
  for nw_pk_try in 1 2 3 4 5 6 7 8 9 10 11 12; do
    dpkg --remove -- "$@" </dev/null
    nw_pk_rc=$?
    [ "$nw_pk_rc" = 2 ] || break
    echo 'nodewright: dpkg is in use'
    sleep 5
  done
  return "$nw_pk_rc"
}

# nw_package_fresh yum|dnf WORD...: the tool, by lists of the repositories that are set up now.
nw_package_fresh() { { [ "$(nw_repository_state "$1")" = fresh ] || nw_repository "$1"; } && "$@"; }

# nw_package_unless NAME COMMAND...: where rpm does not know that package.
nw_package_unless() { rpm -q -- "$1" >/dev/null || { shift; "$@"; }; }

# nw_package_unstarted COUNT UNIT... COMMAND...: with units masked that would start by themselves; no mask outlives a boot.
nw_package_unstarted() {
  nw_pk_count=$1 nw_pk_masked=''; shift
  while [ "$nw_pk_count" -gt 0 ]; do
    [ "$(systemctl is-enabled "$1" 2>/dev/null)" = masked-runtime ] || ! systemctl mask --runtime -- "$1" || nw_pk_masked="$nw_pk_masked $1"
    shift
    nw_pk_count=$((nw_pk_count - 1))
  done
  "$@"
  nw_pk_rc=$?
  # shellcheck disable=SC2086 # The names of units hold no blanks.
  [ -z "$nw_pk_masked" ] || systemctl unmask --runtime -- $nw_pk_masked
  return "$nw_pk_rc"
}

# nw_package_lifted FOLDER COMMAND...: while this folder, which its packages own, is not immutable.
nw_package_lifted() (
  nw_pk_lifted=$1; shift
  case $(lsattr -d -- "$nw_pk_lifted" 2>/dev/null) in
  [!\ ]*i*' '*) chattr -i -- "$nw_pk_lifted" && trap 'chattr +i -- "$nw_pk_lifted"' EXIT ;;
  esac
  "$@"
)
