# nw_packet_filter_client: the address that this login comes from. sudo drops what tells it, but began with it.
nw_packet_filter_client() {
  nw_packet_filter_pid=$$
  while [ "$nw_packet_filter_pid" -gt 1 ] && [ -r "/proc/$nw_packet_filter_pid/environ" ]; do
    nw_packet_filter_from=$(tr '\0' '\n' <"/proc/$nw_packet_filter_pid/environ" | sed -n 's/^SSH_CONNECTION=//p')
    if [ -n "$nw_packet_filter_from" ]; then
      echo "client ${nw_packet_filter_from%% *}"
      return 0
    fi
    nw_packet_filter_up=0
    while read -r nw_packet_filter_key nw_packet_filter_rest; do
      [ "$nw_packet_filter_key" != PPid: ] || nw_packet_filter_up=$nw_packet_filter_rest
    done <"/proc/$nw_packet_filter_pid/status"
    nw_packet_filter_pid=$nw_packet_filter_up
  done
}

# nw_packet_filter_seen PROGRAM IPTABLES: where this login comes from, Shorewall's version, what it says of itself, and the
# policies of the kernel's chains.
nw_packet_filter_seen() {
  nw_packet_filter_client
  echo "version $(cat "/usr/share/$1/version" 2>/dev/null)"
  echo "state $(cat "/var/lib/$1/state" 2>/dev/null)"
  command -v "$2" >/dev/null 2>&1 || return 0
  nw_packet_filter_rules=$("$2" -S 2>/dev/null) || return 0
  printf '%s\n' "$nw_packet_filter_rules" | grep -e '^-P '
  echo "rules $(printf '%s\n' "$nw_packet_filter_rules" | grep -c -e '^-A ')"
}

# Sets nw_packet_filter_state to its first word: Started, Stopped, Cleared, or nothing where it never ran.
nw_packet_filter_word() {
  nw_packet_filter_state=
  [ ! -s "/var/lib/$1/state" ] || read -r nw_packet_filter_state nw_packet_filter_rest <"/var/lib/$1/state" || :
}

# nw_packet_filter PROGRAM: somebody cleared or stopped it by hand.
nw_packet_filter() {
  nw_packet_filter_word "$1"
  case $nw_packet_filter_state in Started | Restored) return 0 ;; esac
  "$1" start </dev/null
}

nw_packet_filter_note() {
  nw_packet_filter_word "$1"
  printf '%s\n' "$nw_packet_filter_state" >"$NW_GUARD/filter-$1"
}

nw_packet_filter_undo() {
  [ -s "$NW_GUARD/filter-$1" ] || return 0
  read -r nw_packet_filter_state <"$NW_GUARD/filter-$1" || return 0
  case $nw_packet_filter_state in
  Clear*) "$1" clear </dev/null ;;
  Stop*) "$1" stop </dev/null ;;
  esac
}
