# nw_etckeeper_look [PATTERN...]: how the record of /etc stands, a line a fact; nothing at all where there is none.
nw_etckeeper_look() {
  [ -d /etc/.git ] || return 0
  cd /etc || return
  printf 'mode %s\n' "$(stat -c %a .git)"
  printf 'name %s\n' "$(git config user.name)"
  printf 'email %s\n' "$(git config user.email)"
  printf 'changed %s\n' "$(GIT_OPTIONAL_LOCKS=0 git status --porcelain | wc -l)"
  [ $# = 0 ] || git ls-files -- "$@" | sed 's/^/tracked /'
}
# nw_etckeeper_make NAME EMAIL [PATTERN...]: begins the record, keeps it private, and takes these files out of it.
nw_etckeeper_make() {
  nw_git_name=$1 nw_git_email=$2; shift 2
  [ -d /etc/.git ] || ( umask 077 && etckeeper init ) || return
  chmod 0700 /etc/.git || return
  (
    cd /etc || exit
    git config user.name "$nw_git_name" && git config user.email "$nw_git_email" || exit
    [ $# = 0 ] || git rm -r -q --cached --ignore-unmatch -- "$@"
  )
}
