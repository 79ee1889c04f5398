# nw_etckeeper_seen [PATTERN...]: how the record of /etc stands, a line a fact; nothing at all where there is none.
nw_etckeeper_seen() {
  [ -d /etc/.git ] || return 0
  cd /etc || return
  printf 'mode %s\n' "$(stat -c %a .git)"
  printf 'name %s\n' "$(git config user.name)"
  printf 'email %s\n' "$(git config user.email)"
  printf 'changed %s\n' "$(GIT_OPTIONAL_LOCKS=0 git status --porcelain | wc -l)"
  [ $# = 0 ] || git ls-files -- "$@" | sed 's/^/tracked /'
}
