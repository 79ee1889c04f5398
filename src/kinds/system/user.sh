# nw_user_shadow NAME...: "NAME locked|none|empty|set DIGEST", the kind of password and the digest of its hash, which stays here.
nw_user_shadow() {
  getent shadow "$@" | while IFS=: read -r nw_user_name nw_user_hash _; do
    nw_user_kind='set'
    case $nw_user_hash in '') nw_user_kind=empty ;; '!'*) nw_user_kind=locked ;; '*'*) nw_user_kind=none ;; esac
    nw_user_sum=$(printf %s "$nw_user_hash" | sha256sum)
    printf '%s %s %s\n' "$nw_user_name" "$nw_user_kind" "${nw_user_sum%% *}"
  done
}

# nw_user_password NAME CONTENT: the hash goes from the file to standard input, never through an argument list.
nw_user_password() {
  nw_user_hash=$(cat -- "$2") || return 1
  printf '%s:%s\n' "$1" "$nw_user_hash" | chpasswd -e
}
