# nw_follow DIR OFFSET: the spool from there on, until the batch has ended.
nw_follow() {
  nw_until 200 0.05 test -s "$1/pid" || :
  nw_pid=0 nw_ptick=0 nw_pboot=none
  [ ! -s "$1/pid" ] || read -r nw_pid nw_ptick nw_pboot <"$1/pid"
  nw_off=$2
  if nw_alive "$nw_pid" "$nw_ptick" "$nw_pboot" && tail --version >/dev/null 2>&1; then
    tail -c "+$((nw_off + 1))" -f -s 0.1 --pid="$nw_pid" "$1/spool"
    return
  fi
  while :; do
    nw_more=no
    if nw_alive "$nw_pid" "$nw_ptick" "$nw_pboot"; then nw_more=yes; fi
    nw_size=$(wc -c <"$1/spool")
    if [ "$nw_size" -gt "$nw_off" ]; then
      tail -c "+$((nw_off + 1))" "$1/spool" | head -c "$((nw_size - nw_off))" || return
      nw_off=$nw_size
    fi
    [ "$nw_more" = yes ] || return 0
    sleep 0.1
  done
}
