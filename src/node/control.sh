nw_answer() { printf '%s %s\n' "$nw_sentinel" "$*"; }

# nw_moved FROM TO: whether a batch is this way now. One rename decides between two ends of it.
nw_moved() {
  if mv "$nw_d/$1" "$nw_d/$2" 2>/dev/null || [ -e "$nw_d/$2" ]; then nw_answer ok; else nw_answer late; fi
}

# RUN STAGE: lets a batch that is ready begin; sends it home; lets a change stay.
nw_release() { nw_moved armed go; }
nw_abandon() { nw_moved armed abandoned; }
nw_confirm() { if [ -e "$nw_d/guard/waiting" ]; then nw_moved guard/armed guard/confirmed; else nw_answer late; fi; }

# RUN: asks its batches to end before their next step.
nw_stop() {
  nw_found=none
  for nw_d in "$NW_STATE/runs/$1"/*/; do [ -d "$nw_d" ] && : >"${nw_d}stop" && nw_found=ok; done
  nw_answer "$nw_found"
}

# RUN: asks its batches to go on after all.
nw_go_on() { rm -f "$NW_STATE/runs/$1"/*/stop; nw_answer ok; }

# RUN, or nothing for the last one: the spools of its stages.
nw_find() {
  nw_run=${1:-$(cut -s -d ' ' -f 2 "$NW_STATE/last" 2>/dev/null)}
  nw_answer "$nw_run" "$(cd "$NW_STATE/runs/${nw_run:-none}" 2>/dev/null && echo */spool)"
}

# RUN STAGE: how the guard of a batch stands.
nw_guard() {
  for nw_word in confirmed reverted reverting armed none; do [ ! -e "$nw_d/guard/$nw_word" ] || break; done
  nw_answer "$nw_word" "$(cat "$nw_d/guard/result" 2>/dev/null)" "$(cat "$nw_d/guard/why" 2>/dev/null)"
}

# SHA256...: which of these files were brought whole for a batch to come.
nw_staged() {
  nw_have=ok
  for nw_f; do [ ! -f "$NW_STATE/incoming/$nw_f" ] || nw_have="$nw_have $nw_f"; done
  nw_answer "$nw_have"
}

# HOLDER: takes the lock away from it, if it is still the one that holds it.
nw_unlock() {
  exec 9>"$NW_STATE/.guard"
  flock -w 10 9 || { nw_answer busy; return; }
  nw_holder=$(readlink "$NW_STATE/lock")
  if [ -z "$nw_holder" ]; then nw_answer free
  elif [ "$nw_holder" = "$1" ]; then rm -f "$NW_STATE/lock" && nw_answer ok
  else nw_answer other "$nw_holder"
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
