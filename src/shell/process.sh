nw_nl='
'

# nw_atomic FILE: standard input becomes the file, whole or not at all.
nw_atomic() { dd of="$1.new" conv=fsync 2>/dev/null && mv -fT "$1.new" "$1"; }

nw_systemd() { [ -d /run/systemd/system ]; }

# Sets nw_tick to the start of process $1, or to nothing.
nw_tick() {
  nw_tick=
  { IFS= read -r nw_stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  # Field 2, the name, may hold blanks and ")". The words are split on purpose.
  nw_stat=${nw_stat##*') '}
  # shellcheck disable=SC2086
  set -- $nw_stat
  [ "$#" -lt 20 ] || { shift 19; nw_tick=$1; }
}

# Sets nw_boot to the name of this boot.
nw_boot() { IFS= read -r nw_boot </proc/sys/kernel/random/boot_id || nw_boot=unknown; }
# Sets nw_me to the PID TICK BOOT of this process.
nw_me() { nw_boot; nw_tick "$$"; nw_me="$$ $nw_tick $nw_boot"; }

# Whether the process PID TICK BOOT still runs.
nw_alive() { nw_boot; [ "$3" = "$nw_boot" ] && nw_tick "$1" && [ -n "$nw_tick" ] && [ "$nw_tick" = "$2" ]; }
# Whether the process that a file names, as "PID TICK BOOT", still runs.
nw_lives() { { read -r nw_p nw_t nw_b <"$1"; } 2>/dev/null && nw_alive "$nw_p" "$nw_t" "$nw_b"; }

# nw_holds "RUN PID TICK BOOT ...": whether who holds the lock, in these words, still runs.
nw_holds() { printf '%s\n' "$1" | { read -r _ nw_hp nw_ht nw_hb _; nw_alive "$nw_hp" "$nw_ht" "$nw_hb"; }; }

# nw_until COUNT PAUSE COMMAND...: until it succeeds; tried again so often, with so many seconds between, before it fails.
nw_until() {
  nw_left=$1 nw_pause=$2; shift 2
  until "$@"; do
    [ "$nw_left" -gt 0 ] || return 1
    nw_left=$((nw_left - 1))
    sleep "$nw_pause"
  done
}

# nw_mark NAME: notes in a file under NW_STATE what holds in this boot alone.
nw_mark() { nw_boot; ( umask 077; mkdir -p "$NW_STATE/${1%/*}" && printf '%s\n' "$nw_boot" >"$NW_STATE/$1" ); }
nw_unmark() { rm -f "$NW_STATE/$1"; }
# nw_marked NAME: whether that was noted in this boot. Since an earlier one the node may have been fenced.
nw_marked() { nw_boot; { read -r nw_then <"$NW_STATE/$1"; } 2>/dev/null && [ "$nw_then" = "$nw_boot" ]; }

# nw_await SECONDS WHAT COMMAND...: waits until the command succeeds.
nw_await() {
  nw_seconds=$1 nw_what=$2; shift 2
  nw_until "$nw_seconds" 1 "$@" >/dev/null 2>&1 || { echo "$nw_what did not come about in time"; return 1; }
}

# nw_shows PATTERNS COMMAND...: whether a line of what the command prints matches each of these patterns, one a line.
nw_shows() {
  nw_patterns=$1; shift
  nw_shown=$("$@")
  printf '%s\n' "$nw_patterns" | while IFS= read -r nw_pattern; do printf '%s\n' "$nw_shown" | grep -q -E -e "$nw_pattern" || exit 1; done
}

# nw_spawn UNIT SCRIPT...: a process that this connection's end, and the end of what started it, does not touch.
nw_spawn() {
  nw_unit=$1; shift
  if ! { nw_systemd && systemd-run --unit="$nw_unit" -p KillMode=process /bin/sh "$@"; } </dev/null >/dev/null 2>&1; then
    setsid /bin/sh "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  fi
}
