nw_observe_begin() { exec </dev/null 2>/dev/null; cd /; nw_apart=''; }

nw_section() {
  nw_name=$1; shift
  printf '%s begin %s\n' "$NW_SENTINEL" "$nw_name"
  ( "$@" )
  printf '\n%s end %s %s\n' "$NW_SENTINEL" "$nw_name" "$?"
}

# nw_begin NAME COMMAND...: in the background, with an output file of its own.
nw_begin() {
  nw_name=$1; shift
  [ -n "$nw_apart" ] || nw_apart=$(mktemp -d "${TMPDIR:-/tmp}/.nw-slow.XXXXXX") || return 0
  ( ( "$@" ) >"$nw_apart/out.$nw_name"; echo "$?" >"$nw_apart/new.$nw_name"; mv "$nw_apart/new.$nw_name" "$nw_apart/rc.$nw_name" ) >/dev/null &
}

# nw_end NAME TENTHS: its output; exit status 124 means that it was given up once nw_i counted that many tenths of a second.
nw_end() {
  while [ -n "$nw_apart" ] && [ ! -e "$nw_apart/rc.$1" ] && [ "$nw_i" -lt "$2" ]; do sleep 0.1; nw_i=$((nw_i + 1)); done
  printf '%s begin %s\n' "$NW_SENTINEL" "$1"
  if [ -z "$nw_apart" ]; then nw_rc=125
  elif [ -e "$nw_apart/rc.$1" ]; then cat "$nw_apart/out.$1"; read -r nw_rc <"$nw_apart/rc.$1"
  else nw_rc=124
  fi
  printf '\n%s end %s %s\n' "$NW_SENTINEL" "$1" "$nw_rc"
}

nw_observe_end() {
  [ -z "$nw_apart" ] || rm -rf "$nw_apart"
  printf '%s done\n' "$NW_SENTINEL"
}
