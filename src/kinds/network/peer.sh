# nw_peer_login SSH...: the last line of ssh, a refusal too.
nw_peer_login() {
  nw_pe_output=$(timeout 15 "$@" 2>&1 </dev/null)
  nw_pe_status=$?
  printf '%s\n' "$nw_pe_output" | tail -n 1 | head -c 500
  return "$nw_pe_status"
}

# nw_peer_pings ADDRESS...: those that answer, all asked at once.
nw_peer_pings() {
  for nw_pe_address; do
    { ping -c 2 -w 3 "$nw_pe_address" >/dev/null 2>&1 </dev/null && printf '%s\n' "$nw_pe_address"; } &
  done
  wait
}
