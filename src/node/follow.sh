# nw_follow DIR OFFSET: the spool from there on, until the batch has ended.
nw_follow() {
  nw_until 200 0.05 test -s "$1/pid" || :
  nw_off=$2 nw_more=yes
  while [ "$nw_more" = yes ]; do
    nw_lives "$1/pid" || nw_more=no
    nw_size=$(wc -c <"$1/spool")
    if [ "$nw_size" -gt "$nw_off" ]; then
      tail -c "+$((nw_off + 1))" "$1/spool" | head -c "$((nw_size - nw_off))" || return
      nw_off=$nw_size
    elif [ "$nw_more" = yes ]; then sleep 0.1
    fi
  done
}
