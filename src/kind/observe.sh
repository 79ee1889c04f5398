# What every observation starts with. Output: "SENTINEL begin NAME", the bytes, "SENTINEL end NAME STATUS", at the end
# "SENTINEL done". The sentinel is random, so nothing a node says can be taken for a frame.
nw_observe_begin() { exec </dev/null 2>/dev/null; cd /; }

nw_section() {
  nw_name=$1; shift
  printf '%s begin %s\n' "$NW_SENTINEL" "$nw_name"
  ( "$@" )
  printf '\n%s end %s %s\n' "$NW_SENTINEL" "$nw_name" "$?"
}

# In the background with its own output; 124 as its status says that it was given up.
nw_slow() {
  nw_name=$1; shift
  nw_tmp=$(mktemp -d "${TMPDIR:-/tmp}/.nw-slow.XXXXXX") || { printf '%s begin %s\n\n%s end %s 125\n' "$NW_SENTINEL" "$nw_name" "$NW_SENTINEL" "$nw_name"; return; }
  ( ( "$@" ) >"$nw_tmp/out"; echo "$?" >"$nw_tmp/rc.new"; mv "$nw_tmp/rc.new" "$nw_tmp/rc" ) >/dev/null &
  nw_i=0
  while [ ! -e "$nw_tmp/rc" ] && [ "$nw_i" -lt 50 ]; do sleep 0.1; nw_i=$((nw_i + 1)); done
  printf '%s begin %s\n' "$NW_SENTINEL" "$nw_name"
  if [ -e "$nw_tmp/rc" ]; then
    cat "$nw_tmp/out"; read -r nw_rc <"$nw_tmp/rc"
  else
    nw_rc=124
  fi
  printf '\n%s end %s %s\n' "$NW_SENTINEL" "$nw_name" "$nw_rc"
  rm -rf "$nw_tmp"
}

nw_observe_end() { printf '%s done\n' "$NW_SENTINEL"; }
