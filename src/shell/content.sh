# nw_differing WANTED SUMS: the lines "DIGEST  PATH" that are in SUMS alone. In WANTED a dash stands for any digest.
nw_differing() {
  printf '%s\n\n%s\n' "$1" "$2" | awk '!now { if ($0 == "") now = 1; else want[$0]; next }
    { path = $0; sub(/^[^ ]*/, "-", path) } $0 != "" && !($0 in want) && !(path in want)'
}

# nw_content PATH LIMIT: the content of a file, framed; none of one larger than LIMIT, or than the room (nw_room) that is left.
nw_content() {
  nw_size=$(timeout 10 wc -c -- "$1") || return
  nw_size=${nw_size%% *}
  if [ "$nw_size" -gt "$2" ] || [ "$nw_size" -gt "$nw_room" ]; then return 0; fi
  nw_room=$((nw_room - nw_size))
  printf '\n%s content %s\n' "$NW_SENTINEL" "$1"
  timeout 10 head -c "$nw_size" -- "$1"
}
