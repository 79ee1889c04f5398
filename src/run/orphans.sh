# nw_orphans PATH...: of each that is there its path, a tab and how it is: the digest of a file, link:TARGET,
# folder:DIGEST where its kind brings what makes one, or other.
nw_orphans() {
  for nw_p; do
    if [ -L "$nw_p" ]; then printf '%s\tlink:%s\n' "$nw_p" "$(readlink "$nw_p")"
    elif [ -f "$nw_p" ]; then
      nw_orphan=$(sha256sum <"$nw_p") || nw_orphan=other
      printf '%s\t%s\n' "$nw_p" "${nw_orphan%% *}"
    elif [ -d "$nw_p" ] && command -v nw_tree_digest >/dev/null 2>&1; then
      nw_tree_digest "$nw_p"
      printf '%s\tfolder:%s\n' "$nw_p" "$nw_tree_sum"
    elif [ -e "$nw_p" ]; then printf '%s\tother\n' "$nw_p"
    fi
  done
  return 0
}
