nw_dir=$NW_STATE/runs/$2/$3
nw_refuse() { printf '%s refused %s\n' "$nw_sentinel" "$*"; exit 1; }

nw_receive() {
  nw_sentinel=$1
  { mkdir -p "$NW_STATE/runs/$2" && chmod 700 "$NW_STATE"; } || nw_refuse state "$NW_STATE"
  mkdir "$nw_dir" || nw_refuse exists "$nw_dir"
  cat >"$nw_dir/bundle" || { rm -rf "$nw_dir"; nw_refuse state "$nw_dir"; }
  nw_got=$(sha256sum <"$nw_dir/bundle") || nw_refuse tool sha256sum
  [ "${nw_got%% *}" = "$4" ] || { rm -rf "$nw_dir"; nw_refuse cut; }
  { head -c "$5" "$nw_dir/bundle" >"$nw_dir/batch.sh" && : >"$nw_dir/spool"; } || { rm -rf "$nw_dir"; nw_refuse state "$nw_dir"; }
  nw_spawn "nodewright-$2-$3" "$nw_dir/batch.sh"
  printf '%s spool\n' "$nw_sentinel"
  nw_follow "$nw_dir" 0
  printf '%s end\n' "$nw_sentinel"
}
nw_receive "$@"
