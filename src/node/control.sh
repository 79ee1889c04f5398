# What is asked about batches: /bin/sh -c THIS nw SENTINEL VERB ARGUMENTS. Answers start with the sentinel.
nw_answer() { printf '%s %s\n' "$nw_sentinel" "$*"; }

# RUN STAGE: lets a batch that is ready begin. One rename decides between this and its giving up.
nw_release() {
  if mv "$nw_d/armed" "$nw_d/go" 2>/dev/null || [ -e "$nw_d/go" ]; then nw_answer ok; else nw_answer late; fi
}

# RUN STAGE: sends a batch that is ready home.
nw_abandon() {
  if mv "$nw_d/armed" "$nw_d/abandoned" 2>/dev/null || [ ! -e "$nw_d/go" ]; then nw_answer ok; else nw_answer late; fi
}

# RUN: asks its batches to end before their next step.
nw_stop() {
  nw_found=none
  for nw_d in "$NW_STATE/runs/$1"/*/; do
    [ -d "$nw_d" ] && : >"${nw_d}stop" && nw_found=ok
  done
  nw_answer "$nw_found"
}

# RUN: asks its batches to go on after all.
nw_go_on() {
  rm -f "$NW_STATE/runs/$1"/*/stop
  nw_answer ok
}

# RUN, or nothing for the last one: where its newest stage is.
nw_find() {
  nw_run=$1
  if [ -z "$nw_run" ] && [ -s "$NW_STATE/last" ]; then read -r _ nw_run _ <"$NW_STATE/last"; fi
  nw_best=
  [ -z "$nw_run" ] || nw_best=$(find "$NW_STATE/runs/$nw_run" -mindepth 2 -maxdepth 2 -name spool 2>/dev/null |
    sed -e 's,/spool$,,' -e 's,.*/,,' | sort -n | tail -n 1)
  if [ -n "$nw_best" ]; then nw_answer found "$nw_run" "$nw_best"; else nw_answer none; fi
}

# RUN STAGE: how the guard of a batch stands.
nw_guard() {
  for nw_word in confirmed reverted reverting armed; do
    if [ -e "$nw_d/guard/$nw_word" ]; then
      nw_answer "$nw_word" "$(cat "$nw_d/guard/result" 2>/dev/null)" "$(cat "$nw_d/guard/why" 2>/dev/null)"
      return
    fi
  done
  nw_answer none
}

# RUN STAGE: lets a change stay. One rename decides between this and its being rolled back.
nw_confirm() {
  nw_d=$nw_d/guard
  if [ -e "$nw_d/waiting" ] && mv "$nw_d/armed" "$nw_d/confirmed" 2>/dev/null || [ -e "$nw_d/confirmed" ]; then nw_answer ok; else nw_answer late; fi
}

# SHA256...: which of these files were brought whole for a batch to come.
nw_staged() {
  nw_have=ok
  for nw_f; do
    [ ! -f "$NW_STATE/incoming/$nw_f" ] || nw_have="$nw_have $nw_f"
  done
  nw_answer "$nw_have"
}

# HOLDER: takes the lock away from it, if it is still the one that holds it.
nw_unlock() {
  exec 9>"$NW_STATE/.guard"
  flock -w 10 9 || { nw_answer busy; return; }
  nw_held=$(readlink "$NW_STATE/lock")
  if [ -z "$nw_held" ]; then nw_answer free
  elif [ "$nw_held" = "$1" ]; then rm -f "$NW_STATE/lock" && nw_answer ok
  else nw_answer other "$nw_held"
  fi
}

# RUN STAGE OFFSET
nw_watch() {
  [ -e "$nw_d/spool" ] || { nw_answer none; return; }
  nw_answer spool
  nw_follow "$nw_d" "$3"
  nw_answer end
}

nw_sentinel=$1 nw_verb=nw_$2
shift 2
# Where the verbs begin with RUN STAGE.
nw_d=$NW_STATE/runs/${1:-}/${2:-}
"$nw_verb" "$@"
