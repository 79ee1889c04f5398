# nw_etckeeper_ready WHO: whether there is a record; commits carry this name.
nw_etckeeper_ready() { NW_WHO=$1; [ -d /etc/.git ] && command -v etckeeper >/dev/null 2>&1 && command -v git >/dev/null 2>&1; }

# Names of the environment: git 1.7.1 of EL6 has no -c (docs/facts/accounts.md#the-record-of-etc).
nw_etckeeper_git() {
  ( cd /etc && GIT_AUTHOR_NAME=$NW_WHO GIT_AUTHOR_EMAIL=$NW_WHO GIT_COMMITTER_NAME=$NW_WHO GIT_COMMITTER_EMAIL=$NW_WHO git "$@" )
}

# nw_etckeeper_hide [PATTERN...]: files of /etc that hold secrets, and staged ones of ours, are in no commit from now on,
# whoever makes it. What was hidden once stays so.
nw_etckeeper_hide() {
  [ -e "$NW_STATE/unrecorded" ] || : >"$NW_STATE/unrecorded"
  mkdir -p "$NW_STATE/git/info" "$NW_STATE/git/hooks" && ln -f "$NW_STATE/unrecorded" "$NW_STATE/git/info/exclude" || return
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

nw_etckeeper_of_run() { case $(nw_etckeeper_git log -1 --format=%s 2>/dev/null) in *"(run $1)") ;; *) return 1 ;; esac; }
# nw_etckeeper_commit OPTION...: etckeeper's "unclean" is true when there is something to commit.
nw_etckeeper_commit() { ! etckeeper unclean || { nw_etckeeper_git add -A && nw_etckeeper_git commit -q "$@"; }; }

# nw_etckeeper_before RUN WHO
nw_etckeeper_before() {
  nw_etckeeper_ready "$2" || return 0
  nw_etckeeper_of_run "$1" || nw_etckeeper_commit -m "Changes found before run $1"
}

# nw_etckeeper_after RUN WHO SUBJECT
nw_etckeeper_after() {
  nw_etckeeper_ready "$2" || return 0
  nw_etckeeper_hide || return 1
  if nw_etckeeper_of_run "$1"; then nw_etckeeper_commit --amend --reuse-message=HEAD; else nw_etckeeper_commit -m "$3 (run $1)"; fi
}
