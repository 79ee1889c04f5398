HOME=/root
export HOME
unset TMPDIR SUDO_USER SUDO_COMMAND SUDO_UID SUDO_GID
NW_DIR=${0%/*}
NW_STATE=${NW_DIR%/runs/*}
NW_BLOB=$NW_DIR/blob
export NW_DIR NW_STATE NW_BLOB NW_RUN
nw_locked=no nw_ended=no

nw_say() { printf '%s\n' "$*" >>"$NW_DIR/spool"; }

nw_start() {
  exec </dev/null >/dev/null 2>&1
  cd /
  trap '' HUP
  trap 'exit 143' TERM INT
  trap '[ "$nw_ended" = yes ] || nw_finish broken "it was ended from outside"' EXIT
  nw_me
  NW_HOLDER="$NW_RUN $nw_me $(date -u +%Y-%m-%dT%H:%M:%SZ) $NW_BY"
  echo "$nw_me" | nw_atomic "$NW_DIR/pid"
}

# nw_unpack OFFSET [SHA256 LENGTH|-]...: the contents behind the text, or brought before (-); the last are the secrets' values.
nw_unpack() {
  mkdir "$NW_BLOB" || nw_finish broken 'its folder could not be made'
  nw_at=$(($1 + 1)) nw_i=0
  shift
  : >"$NW_DIR/sums"
  while [ "$#" -ge 2 ]; do
    if [ "$2" = - ]; then
      ln -s "$NW_STATE/incoming/$1" "$NW_BLOB/$nw_i" || nw_finish broken 'no room for its contents'
    else
      tail -c "+$nw_at" "$NW_DIR/bundle" | head -c "$2" >"$NW_BLOB/$nw_i" || nw_finish broken 'no room for its contents'
      nw_at=$((nw_at + $2))
    fi
    printf '%s  %s\n' "$1" "$NW_BLOB/$nw_i" >>"$NW_DIR/sums"
    nw_i=$((nw_i + 1))
    shift 2
  done
  if [ "$nw_i" -gt 0 ]; then
    sha256sum -c "$NW_DIR/sums" >/dev/null 2>&1 || { nw_used; nw_finish broken 'a content did not arrive whole'; }
    mv "$NW_BLOB/$((nw_i - 1))" "$NW_DIR/secrets"
  fi
  nw_destroy "$NW_DIR/bundle"
}

# nw_destroy FILE...: overwritten and removed. (On a copy-on-write or journalled disk old blocks may stay.)
nw_destroy() { shred -n 1 -u -- "$@" 2>/dev/null || rm -f -- "$@"; }

# Files that were sent before are no longer needed: they are in their places, or have to be sent again.
nw_used() {
  for nw_f in "$NW_BLOB"/*; do [ ! -L "$nw_f" ] || rm -f -- "$(readlink -- "$nw_f")"; done
}

# nw_wipe DIR: nothing that may hold a secret stays of a batch.
nw_wipe() {
  for nw_f in "$1"/bundle "$1"/batch.sh "$1"/secrets "$1"/out "$1"/apt.out "$1"/blob/*; do
    if [ -L "$nw_f" ]; then rm -f -- "$nw_f"; elif [ -f "$nw_f" ]; then nw_destroy "$nw_f"; fi
  done
  rm -rf "$1/blob" "$1/sums" "$1/armed" "$1/live" "$1/emitted" "$1/apt.rc"
}

# Batches that died (power, kill -9) leave their contents; the next one wipes them.
nw_leftovers() {
  for nw_d in "$NW_STATE"/runs/*/*/; do
    nw_d=${nw_d%/}
    [ -e "$nw_d/bundle" ] || [ -e "$nw_d/batch.sh" ] || [ -e "$nw_d/blob" ] || continue
    if [ -s "$nw_d/pid" ]; then nw_lives "$nw_d/pid"; else [ -z "$(find "$nw_d" -maxdepth 0 -mmin +60)" ]; fi && continue
    nw_wipe "$nw_d"
  done
}

# The lock is a link whose text is its holder. The guard file's own lock is the kernel's, so nobody leaves it behind.
nw_lock() {
  exec 9>"$NW_STATE/.guard"
  flock -w 10 9 || nw_finish broken 'the lock is held up'
  if nw_holder=$(readlink "$NW_STATE/lock"); then
    if nw_holds "$nw_holder"; then exec 9>&-; nw_finish locked "$nw_holder"; fi
    rm -f "$NW_STATE/lock"
    nw_say "note the lock was left behind by a run that is gone: $nw_holder"
  fi
  ln -s -n "$NW_HOLDER" "$NW_STATE/lock" || nw_finish broken 'the lock could not be taken'
  exec 9>&-
  nw_locked=yes
  nw_guard_leftovers
  nw_leftovers
  # shellcheck disable=SC2153
  echo "running $NW_RUN $NW_STAGE $nw_me" | nw_atomic "$NW_STATE/last"
}

# How many lines of the output of a step are sent while it runs.
NW_SHOWN=1000

# nw_emit WORD NUMBER SKIP [all [LONG]]: each line of standard input but the first SKIP goes to the spool, without secrets and not too
# long, the last one without its end only with "all". How many there were stands in $NW_DIR/emitted. The shell itself reads:
# a tool would wait for more.
nw_emit() {
  nw_emit_as="$1 $2" nw_skip=$3 nw_all=${4:-} nw_long=${5:-500} nw_count=0
  set --
  while IFS= read -r nw_line; do
    if [ "${#nw_line}" -ge 4 ]; then set -- ${1+"$@"} "$nw_line"; fi
  done <"$NW_DIR/secrets"
  while [ "$nw_count" -lt "$NW_SHOWN" ] && { IFS= read -r nw_line || { [ "$nw_all" = all ] && [ -n "$nw_line" ]; }; }; do
    nw_count=$((nw_count + 1))
    [ "$nw_count" -gt "$nw_skip" ] || continue
    for nw_value in ${1+"$@"}; do
      while nw_before=${nw_line%%"$nw_value"*} && [ "$nw_before" != "$nw_line" ]; do
        nw_line=$nw_before'***'${nw_line#*"$nw_value"}
      done
    done
    printf "%s %.${nw_long}s\n" "$nw_emit_as" "$nw_line"
    [ "$nw_count" -lt "$NW_SHOWN" ] || printf '%s %s\n' "$nw_emit_as" '(it says more, which is shown if it fails)'
  done >>"$NW_DIR/spool"
  echo "$nw_count" >"$NW_DIR/emitted"
}

# nw_live NUMBER: reports output to $NW_DIR/out from now on while it comes in. `tail` is woken by the kernel.
# Descriptor 8 keeps the pipe open at both ends until the step is over, whoever is slow to open it. All others close it
# by `exec`, for dash keeps a copy of what a single command closes.
nw_live() {
  # GNU's alone follows a process.
  tail --version >/dev/null 2>&1 || return 0
  [ -p "$NW_DIR/live" ] || mkfifo "$NW_DIR/live" || return 0
  exec 8<>"$NW_DIR/live"
  # A line without end must not eat up the node: no more than a thousand readings, 8 MB at the most.
  ( exec <"$NW_DIR/live" 8>&-; dd bs=8192 count=1000 2>/dev/null | nw_emit say "$1" 0 ) &
  nw_emitter=$!
  ( exec >"$NW_DIR/live" 8>&-; exec tail -c +1 -f -s 1 --pid="$$" "$NW_DIR/out" ) &
  nw_tail=$!
}

# nw_rest WORD NUMBER: tells what was not told yet, once nothing more comes.
nw_rest() {
  if [ -n "$nw_tail" ]; then
    # A signal that can be caught gets lost while the new process is on its way.
    kill -s KILL "$nw_tail"
    exec 8>&-
    wait "$nw_tail" "$nw_emitter"
  fi
  nw_emitted=0
  [ ! -s "$NW_DIR/emitted" ] || read -r nw_emitted <"$NW_DIR/emitted"
  if [ -s "$NW_DIR/out" ] && [ "$nw_emitted" -lt "$NW_SHOWN" ]; then
    head -c 1000000 "$NW_DIR/out" | nw_emit "$1" "$2" "$nw_emitted" all
  fi
}

# nw_do PREFIX NUMBER FUNCTION [live|short|answer]: in a shell of its own. Its output is reported (while it runs, with "live"); if it
# fails, its last lines go to the spool once more.
nw_do() {
  : >"$NW_DIR/out"
  rm -f "$NW_DIR/emitted"
  nw_tail=''
  [ "${4:-}" != live ] || nw_live "$2"
  ( exec 8>&-; umask 022; cd /; "$3" ) </dev/null >>"$NW_DIR/out" 2>&1
  nw_rc=$?
  case ${4:-},$nw_rc in live,* | short,0) nw_rest say "$2" ;; answer,0) nw_rest answer "$2" ;; esac
  [ "$nw_rc" = 0 ] || tail -n 200 "$NW_DIR/out" | nw_emit "$1" "$2" 0 all 2000
  rm -f "$NW_DIR/out"
  return "$nw_rc"
}

# nw_check NUMBER TITLE FUNCTION [answer]: a validator, before any change. Who waits for it judges its answer.
nw_check() {
  nw_say "check $1 $2"
  nw_do out "$1" "$3" "${4:-}" || nw_finish refused "$1 $nw_rc"
}

# Waits for the word to begin, a minute at most. One rename decides between "go" and giving up.
nw_ready() {
  : >"$NW_DIR/armed"
  nw_say ready
  nw_n=0
  while [ ! -e "$NW_DIR/go" ]; do
    if [ -e "$NW_DIR/stop" ] && mv "$NW_DIR/armed" "$NW_DIR/abandoned" 2>/dev/null; then nw_finish abandoned; fi
    if [ -e "$NW_DIR/abandoned" ]; then nw_finish abandoned; fi
    if [ "$nw_n" -ge "$((${NW_PATIENCE:-60} * 10))" ] && mv "$NW_DIR/armed" "$NW_DIR/gave-up" 2>/dev/null; then nw_finish gave-up; fi
    sleep 0.1
    nw_n=$((nw_n + 1))
  done
  nw_say go
  nw_journal begin "$NW_ABOUT"
}

# nw_step NUMBER TITLE FUNCTION live|short: the output of a short step is reported at its end.
nw_step() {
  if [ -e "$NW_GUARD/reverting" ] || [ -e "$NW_GUARD/reverted" ]; then nw_finish broken 'it was rolled back meanwhile'; fi
  if [ -e "$NW_DIR/stop" ]; then nw_journal stopped "before $2"; nw_finish stopped "$1"; fi
  nw_say "begin $1 $2"
  if nw_do out "$1" "$3" "$4"; then nw_journal did "$2"; else nw_journal failed "$2 (status $nw_rc)"; fi
  nw_say "end $1 $nw_rc"
  [ "$nw_rc" = 0 ] || nw_finish failed "$1 $nw_rc"
}

# Ends the batch; the spool's last line is the result, and stands there only when everything else is done.
nw_finish() {
  nw_ended=yes
  if [ -d "$NW_GUARD" ]; then nw_guard_settle "$*"; set -- "$nw_result"; fi
  [ "$1" != ok ] || nw_used
  nw_wipe "$NW_DIR"
  if [ "$nw_locked" = yes ]; then
    nw_manifest_compact
    nw_retire
    [ ! -e "$NW_DIR/go" ] || nw_journal end "$*"
    printf 'done %s %s %s\n' "$NW_RUN" "$NW_STAGE" "$*" | nw_atomic "$NW_STATE/last"
    ( flock -w 10 9; [ "$(readlink "$NW_STATE/lock")" != "$NW_HOLDER" ] || rm -f "$NW_STATE/lock" ) 9>"$NW_STATE/.guard"
  fi
  nw_say "done $*"
  exit 0
}

# The last 20 runs stay as they are, the kept versions of older ones 90 days, files that were brought and not used a week.
nw_retire() {
  [ ! -d "$NW_STATE/incoming" ] || find "$NW_STATE/incoming" -type f -mtime +6 -exec rm -f -- {} +
  for nw_r in "$NW_STATE"/runs/*/; do printf '%s\n' "${nw_r%/}"; done | sort -r | tail -n +21 |
    while IFS= read -r nw_r; do
      [ -n "$(find "$nw_r" -mindepth 2 -maxdepth 2 -type d -name kept ! -mtime +90)" ] || rm -rf "$nw_r"
    done
}
