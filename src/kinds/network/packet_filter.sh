# nw_packet_filter_seen PROGRAM: where this login comes from (sudo drops what tells it, but began with it), Shorewall's version,
# and what it says of itself.
nw_packet_filter_seen() {
  nw_pf_pid=$$ nw_pf_from=
  while [ -z "$nw_pf_from" ] && [ "${nw_pf_pid:-0}" -gt 1 ]; do
    nw_pf_from=$(tr '\0' '\n' <"/proc/$nw_pf_pid/environ" | sed -n 's/^SSH_CONNECTION=//p')
    nw_pf_pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$nw_pf_pid/status")
  done
  printf 'client %s\nversion %s\nstate %s\n' "${nw_pf_from%% *}" "$(cat "/usr/share/$1/version")" "$(cat "/var/lib/$1/state")"
}

# nw_packet_filter_kernel IPTABLES: the kernel's rules; where they are not Shorewall's, all tables after them.
nw_packet_filter_kernel() {
  command -v "$1" >/dev/null 2>&1 || return 0
  [ "$1" = iptables ] || [ -e /proc/net/if_inet6 ] || return 0
  nw_pf_rules=$("$1" -S) || return
  printf '%s\n\n' "$nw_pf_rules"
  case $nw_pf_rules in *"-N shorewall"*) return 0 ;; esac
  ! command -v "$1-save" >/dev/null 2>&1 || "$1-save"
}

# nw_packet_filter_note PROGRAM IPTABLES: before a window, what it says of itself, and the rules where they are not its own.
nw_packet_filter_note() {
  cat "/var/lib/$1/state" >"$NW_GUARD/filter-$1" 2>/dev/null || :
  ! command -v "$2-save" >/dev/null 2>&1 || "$2" -L shorewall -n >/dev/null 2>&1 || "$2-save" >"$NW_GUARD/rules-$1"
}

nw_packet_filter_undo() {
  [ -e "$NW_GUARD/rules-$1" ] || return 0
  case $(cat "$NW_GUARD/filter-$1") in '') ;; Stop*) "$1" stop </dev/null || return ;; *) "$1" clear </dev/null || return ;; esac
  "$2-restore" <"$NW_GUARD/rules-$1"
}
