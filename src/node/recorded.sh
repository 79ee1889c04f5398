: "${NW_STATE:=/var/lib/nodewright}"
# nw_recorded COMMAND...
nw_recorded() {
  nw_rd_lock=$(nw_state_lock)
  nw_rd_noted=unrecorded
  if ( umask 077; mkdir -p "$NW_STATE" && nw_journal begin "$NW_ABOUT" ) 2>/dev/null; then nw_rd_noted=recorded; fi
  ( cd / && "$@" ) </dev/null 2>&1
  nw_rd_status=$?
  {
    case $nw_rd_status in
    0) nw_journal did "$NW_WHAT" && nw_journal end ok ;;
    *) nw_journal failed "$NW_WHAT (status $nw_rd_status)" && nw_journal end "failed 0 $nw_rd_status" ;;
    esac
  } 2>/dev/null || nw_rd_noted=unrecorded
  printf '\n%s %s %s' "$nw_rd_status" "$nw_rd_noted" "$nw_rd_lock"
}
