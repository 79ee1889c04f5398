# How the last batch ended; for one that did not come to its end also what its spool says.
nw_state_last() {
  [ -s "$NW_STATE/last" ] || return 0
  read -r nw_word nw_run nw_stage nw_pid nw_ptick nw_pboot <"$NW_STATE/last"
  if [ "$nw_word" != running ]; then cat "$NW_STATE/last"
  elif nw_alive "$nw_pid" "$nw_ptick" "$nw_pboot"; then printf 'running %s %s\n' "$nw_run" "$nw_stage"
  else printf 'died %s %s\n' "$nw_run" "$nw_stage"; cat "$NW_STATE/runs/$nw_run/$nw_stage/spool"
  fi
}

# "alive HOLDER" or "gone HOLDER", or nothing.
nw_state_lock() {
  nw_holder=$(readlink "$NW_STATE/lock") || return 0
  if nw_holds "$nw_holder"; then printf 'alive %s\n' "$nw_holder"; else printf 'gone %s\n' "$nw_holder"; fi
}

nw_state_journal() { [ ! -e "$NW_STATE/journal" ] || tail -n "$1" "$NW_STATE/journal"; }
# The lines with which runs begin and end.
nw_state_runs() { [ ! -e "$NW_STATE/journal" ] || awk -F'\t' '$4 ~ /^(begin|end|put-back)$/' "$NW_STATE/journal" | tail -n "$1"; }
