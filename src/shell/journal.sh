# nw_journal WORD TEXT: a line of the node's own record.
nw_journal() {
  printf '%s\t%s\t%s\t%s\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$NW_RUN" "$NW_STAGE" "$1" "$2" >>"$NW_STATE/journal"
}
