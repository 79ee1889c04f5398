nw_in=$NW_STATE/incoming
nw_refuse() { printf '%s refused %s\n' "$nw_sentinel" "$*"; exit 1; }

# nw_read_bytes BYTES: so many of what comes in, and not one more. What goes wrong it says where an answer's errors go: the disk
# may be full.
nw_read_bytes() {
  dd bs=65536 count="$(($1 / 65536))" iflag=fullblock &&
    { [ "$(($1 % 65536))" -eq 0 ] || dd bs="$(($1 % 65536))" count=1 iflag=fullblock; }
}

nw_receive_files() {
  nw_sentinel=$1; shift
  { mkdir -p "$nw_in" && chmod 700 "$NW_STATE"; } || nw_refuse state "$NW_STATE"
  nw_part=$(mktemp "$nw_in/.nw-part.XXXXXX") || nw_refuse state "$nw_in"
  trap 'rm -f "$nw_part"' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  while [ "$#" -ge 2 ]; do
    nw_read_bytes "$2" >"$nw_part" || nw_refuse state "$nw_in"
    nw_got=$(sha256sum <"$nw_part") || nw_refuse tool sha256sum
    [ "${nw_got%% *}" = "$1" ] || nw_refuse cut "$1"
    mv -f "$nw_part" "$nw_in/$1" || nw_refuse state "$nw_in"
    shift 2
  done
  printf '%s staged\n' "$nw_sentinel"
}
nw_receive_files "$@"
