# nw_preflight COMMAND...: runs a validator, or says that it is not there yet (a package of this run may bring it).
nw_preflight() {
  command -v "$1" >/dev/null 2>&1 || { echo "$1 is not there yet; checked again before the file is put in place"; return 0; }
  "$@"
}

# /etc is under etckeeper: what others left is committed before a run, and a run is one commit that names it.
nw_etckeeper_ready() { [ -d /etc/.git ] && command -v etckeeper >/dev/null 2>&1 && command -v git >/dev/null 2>&1; }

nw_etckeeper_git() { ( cd /etc && git -c user.name="$NW_WHO" -c user.email="$NW_WHO" "$@" ); }

# Also for who first records /etc in the middle of a run (a package does): git reads what is to be passed over there.
GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.excludesFile GIT_CONFIG_VALUE_0=${NW_STATE:-}/unrecorded
export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0

# nw_etckeeper_hide [PATTERN...]: files of /etc that hold secrets, and staged ones of ours, are in no commit from now on,
# whoever makes it. What was hidden once stays so.
nw_etckeeper_hide() {
  [ -e "$NW_STATE/unrecorded" ] || : >"$NW_STATE/unrecorded"
  for nw_pattern in '.nw-*' "$@"; do
    grep -qxF -- "$nw_pattern" "$NW_STATE/unrecorded" || printf '%s\n' "$nw_pattern" >>"$NW_STATE/unrecorded" || return 1
  done
  [ -d /etc/.git ] && command -v git >/dev/null 2>&1 || return 0
  mkdir -p /etc/.git/info || return 1
  while IFS= read -r nw_pattern; do
    grep -qsxF -- "$nw_pattern" /etc/.git/info/exclude || printf '%s\n' "$nw_pattern" >>/etc/.git/info/exclude || return 1
    ( cd /etc && git rm -r -q --cached --ignore-unmatch -- "${nw_pattern#/}" ) || return 1
  done <"$NW_STATE/unrecorded"
}

# nw_etckeeper_before RUN WHO: etckeeper's "unclean" is true when there is something to commit.
nw_etckeeper_before() {
  nw_etckeeper_ready || return 0
  NW_WHO=$2
  nw_etckeeper_mine "$1" && return 0
  etckeeper unclean || return 0
  nw_etckeeper_git add -A && nw_etckeeper_git commit -q -m "Changes found before run $1"
}

nw_etckeeper_mine() {
  case $(nw_etckeeper_git log -1 --format=%s 2>/dev/null) in *"(run $1)") return 0 ;; *) return 1 ;; esac
}

# nw_etckeeper_after RUN WHO SUBJECT
nw_etckeeper_after() {
  nw_etckeeper_ready || return 0
  NW_WHO=$2
  nw_etckeeper_hide || return 1
  etckeeper unclean || return 0
  nw_etckeeper_git add -A || return 1
  if nw_etckeeper_mine "$1"; then
    nw_etckeeper_git commit -q --amend --no-edit
  else
    nw_etckeeper_git commit -q -m "$3 (run $1)"
  fi
}
