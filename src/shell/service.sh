# Whether SysV scripts are enabled by Debian's tool.
nw_service_update_rc() { ! command -v chkconfig >/dev/null 2>&1; }

# The process of a SysV service: the one its pid file names, else the oldest that its status ($2) names in "(pid  1 2)".
# Sets nw_pid and nw_tick; 0 and 0 for a service without a process.
nw_service_process() {
  nw_pid=0 nw_best=0
  for nw_file in "/var/run/$1.pid" "/var/run/$1/$1.pid"; do
    { read -r nw_one <"$nw_file"; } 2>/dev/null || continue
    case $nw_one in '' | *[!0-9]*) continue ;; esac
    nw_tick "$nw_one"
    if [ -n "$nw_tick" ]; then nw_pid=$nw_one; return 0; fi
  done
  case $2 in
  *'(pid'*)
    nw_list=${2#*'(pid'}; nw_list=${nw_list#s}; nw_list=${nw_list%%')'*}
    for nw_one in $nw_list; do
      case $nw_one in *[!0-9]*) continue ;; esac
      nw_tick "$nw_one"
      [ -n "$nw_tick" ] || continue
      if [ "$nw_pid" = 0 ] || [ "$nw_tick" -lt "$nw_best" ]; then nw_pid=$nw_one nw_best=$nw_tick; fi
    done ;;
  esac
  nw_tick=$nw_best
}

# Sets nw_instance to "BOOT PID TICK" of the running service $1, or to nothing when it does not run. One without a
# process has 0 for its pid and, by systemd, the microsecond of its start for its tick.
nw_service_instance() {
  nw_instance=
  nw_boot
  if nw_systemd; then
    nw_show=$(systemctl show -p ActiveState,MainPID,ActiveEnterTimestampMonotonic -- "$1") || return
    case $nw_show in *ActiveState=active* | *ActiveState=reloading*) ;; *) return 0 ;; esac
    nw_tick=$(printf '%s\n' "$nw_show" | sed -n 's/^ActiveEnterTimestampMonotonic=//p')
    nw_pid=$(printf '%s\n' "$nw_show" | sed -n 's/^MainPID=//p')
    [ "${nw_pid:=0}" = 0 ] || nw_tick "$nw_pid"
  else
    if [ "${nw_by_lock:-no}" = yes ]; then nw_output= && [ -e "/var/lock/subsys/$1" ] || return 0
    else nw_output=$(service "$1" status </dev/null 2>&1) || return 0
    fi
    nw_service_process "$1" "$nw_output"
  fi
  [ -z "$nw_tick" ] || nw_instance="$nw_boot $nw_pid $nw_tick"
}

# nw_service_by_lock COMMAND...: of a script whose status says nothing of it, as to which its lock file is believed.
nw_service_by_lock() ( nw_by_lock=yes; "$@" )

# nw_service_runs NAME
nw_service_runs() { nw_service_instance "$1" && [ -n "$nw_instance" ]; }

# nw_service_do VERB NAME [WORD]: the word is for a SysV script.
nw_service_do() {
  nw_verb=$1 nw_name=$2; shift 2
  if ! nw_systemd; then
    # A daemon keeps what its script had open.
    service "$nw_name" "$nw_verb" "$@" </dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    return
  fi
  # A unit that failed too often is not started before it is forgiven.
  [ "$nw_verb" != start ] || systemctl reset-failed -- "$nw_name" </dev/null 2>/dev/null || :
  systemctl "$nw_verb" -- "$nw_name" </dev/null
}

# nw_service_boot enable|disable NAME
nw_service_boot() {
  if nw_systemd; then systemctl "$1" -- "$2" </dev/null
  elif nw_service_update_rc; then update-rc.d "$2" defaults >/dev/null && update-rc.d "$2" "$1"
  elif [ "$1" = enable ]; then chkconfig --add "$2" && chkconfig "$2" on
  else chkconfig "$2" off
  fi
}
