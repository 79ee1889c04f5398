# What a running service started with is kept in services/NAME: "BOOT PID TICK NAME", then for each file of its
# configuration "DIGEST  PATH" or "missing  PATH". Ticks count from the boot; no clock is read.

# nw_service_levels [NAME]: what Debian starts in its level 2, in the words in which chkconfig lists level 3.
nw_service_levels() {
  for nw_sv_file in /etc/rc2.d/[SK][0-9][0-9]"${1:-}"*; do
    nw_sv_one=${nw_sv_file#/etc/rc2.d/[SK]??}
    [ "$nw_sv_one" = "${1:-$nw_sv_one}" ] || continue
    case $nw_sv_file in
    *'*') ;;
    */S*) printf '%s 3:on\n' "$nw_sv_one" ;;
    *) printf '%s 3:off\n' "$nw_sv_one" ;;
    esac
  done
}

# Observation by systemd: one "systemctl show", then a line "Tick=PID TICK" a main process.
nw_service_units() {
  nw_sv_show=$(systemctl show -p Id,Names,LoadState,ActiveState,SubState,UnitFileState,MainPID,ActiveEnterTimestampMonotonic -- "$@")
  nw_sv_rc=$?
  printf '%s\n\n' "$nw_sv_show"
  printf '%s\n' "$nw_sv_show" | while IFS= read -r nw_sv_line; do
    case $nw_sv_line in
    MainPID=0) ;;
    MainPID=*) nw_tick "${nw_sv_line#*=}"; printf 'Tick=%s %s\n' "${nw_sv_line#*=}" "$nw_tick" ;;
    esac
  done
  return "$nw_sv_rc"
}

# Observation of SysV services: "NAME STATUS PID TICK" a line.
nw_service_scripts() {
  for nw_sv_name; do
    nw_sv_out=$(service "$nw_sv_name" status </dev/null 2>&1); nw_sv_rc=$?
    nw_service_process "$nw_sv_name" "$nw_sv_out"
    printf '%s %s %s %s\n' "$nw_sv_name" "$nw_sv_rc" "$nw_pid" "$nw_tick"
  done
}

nw_service_records() { cat "$NW_STATE/services/"*; }

# One line a file: what is on disk now.
nw_service_lines() {
  for nw_sv_file; do
    if [ -f "$nw_sv_file" ]; then sha256sum -- "$nw_sv_file" || return; else printf 'missing  %s\n' "$nw_sv_file"; fi
  done
}

# Sets nw_sv_record to the lines kept of the instance that runs; nothing when what is kept is of another one.
nw_service_known() {
  nw_sv_record=''
  [ -e "$NW_STATE/services/$1" ] || return 0
  nw_sv_record=$(cat "$NW_STATE/services/$1") || return
  case $nw_sv_record in "$nw_instance $1$nw_nl"*) ;; *) nw_sv_record='' ;; esac
}

# nw_service_keep NAME LINES: the instance that runs started with these.
nw_service_keep() {
  mkdir -p "$NW_STATE/services" || return
  printf '%s %s\n%s\n' "$nw_instance" "$1" "$2" >"$NW_STATE/services/.nw-$1" &&
    mv -f "$NW_STATE/services/.nw-$1" "$NW_STATE/services/$1"
}

# nw_service_note NAME FILE...: before the first of these files is written, keep what the running instance has read.
nw_service_note() {
  nw_sv_name=$1; shift
  nw_service_instance "$nw_sv_name" || return
  [ -n "$nw_instance" ] || return 0
  nw_service_known "$nw_sv_name" || return
  nw_sv_keep=${nw_sv_record#*"$nw_nl"} nw_sv_new=''
  for nw_sv_path; do
    case $nw_nl$nw_sv_keep$nw_nl in *"  $nw_sv_path$nw_nl"*) continue ;; esac
    nw_sv_one=$(nw_service_lines "$nw_sv_path") || return
    nw_sv_keep=$nw_sv_keep${nw_sv_keep:+$nw_nl}$nw_sv_one nw_sv_new=1
  done
  [ -z "$nw_sv_new" ] || nw_service_keep "$nw_sv_name" "$nw_sv_keep"
}

# nw_service_doubt NAME FILE...: what is not as it was kept somebody changed by hand, and may have told the running
# instance, which is the same after a reload: of these files nobody knows what it has read.
nw_service_doubt() {
  nw_sv_name=$1; shift
  nw_service_instance "$nw_sv_name" || return
  [ -n "$nw_instance" ] || return 0
  nw_service_known "$nw_sv_name" || return
  [ -n "$nw_sv_record" ] || return 0
  nw_sv_now=$(nw_service_lines "$@") || return
  nw_sv_keep='' nw_sv_new=''
  nw_sv_ifs=$IFS; IFS=$nw_nl; set -f
  for nw_sv_one in ${nw_sv_record#*"$nw_nl"}; do
    case $nw_nl$nw_sv_now$nw_nl in
    *"$nw_nl$nw_sv_one$nw_nl"*) ;;
    *"  ${nw_sv_one#*  }$nw_nl"*) nw_sv_one="unknown  ${nw_sv_one#*  }" nw_sv_new=1 ;;
    esac
    nw_sv_keep=$nw_sv_keep${nw_sv_keep:+$nw_nl}$nw_sv_one
  done
  IFS=$nw_sv_ifs; set +f
  [ -z "$nw_sv_new" ] || nw_service_keep "$nw_sv_name" "$nw_sv_keep"
}

# Whether the running instance was started with other content of one of these files than there is now ($2: lines).
nw_service_owes() {
  nw_service_known "$1" || return
  [ -n "$nw_sv_record" ] || return 1
  nw_sv_ifs=$IFS; IFS=$nw_nl; set -f
  nw_sv_owes=1
  for nw_sv_one in $2; do
    case $nw_sv_record$nw_nl in
    *"$nw_nl$nw_sv_one$nw_nl"*) ;;
    *"  ${nw_sv_one#*  }$nw_nl"*) nw_sv_owes=0 ;;
    esac
  done
  IFS=$nw_sv_ifs; set +f
  return "$nw_sv_owes"
}

# nw_service NAME enable|disable|keep start|stop|keep restart|reload|none FILE...
# The third says what an instance does that runs already and owes.
nw_service() {
  nw_sv_name=$1 nw_sv_boots=$2 nw_sv_run=$3 nw_sv_debt=$4; shift 4
  if nw_systemd; then
    # A unit file may have been written just now. A first drop-in's folder is not noticed without being told.
    case "$nw_nl$(printf '%s\n' "$@")" in *"$nw_nl/etc/systemd/system/"*) systemctl daemon-reload </dev/null || return ;; esac
    case $(systemctl show -p LoadState,NeedDaemonReload -- "$nw_sv_name") in
    *NeedDaemonReload=yes* | *LoadState=not-found*) systemctl daemon-reload </dev/null || return ;;
    esac
  fi
  [ "$nw_sv_boots" = keep ] || nw_service_boot "$nw_sv_boots" "$nw_sv_name" || return
  if [ "$nw_sv_run" = stop ]; then
    nw_service_do stop "$nw_sv_name" || return
    rm -f "$NW_STATE/services/$nw_sv_name"
    return
  fi
  nw_sv_now=$(nw_service_lines "$@") || return
  nw_service_instance "$nw_sv_name" || return
  if [ -z "$nw_instance" ]; then
    [ "$nw_sv_run" = start ] || return 0
    nw_service_do start "$nw_sv_name" || return
  else
    [ "$nw_sv_debt" != none ] || return 0
    nw_service_owes "$nw_sv_name" "$nw_sv_now" || return 0
    nw_service_do "$nw_sv_debt" "$nw_sv_name" || return
  fi
  nw_service_instance "$nw_sv_name" || return
  [ -z "$nw_instance" ] || nw_service_keep "$nw_sv_name" "$nw_sv_now"
}

# nw_service_guard NAME: how it stands before a window of the guard.
nw_service_guard() {
  nw_service_instance "$1" || return
  if nw_systemd; then nw_sv_boots=$(systemctl is-enabled -- "$1" 2>/dev/null || :)
  else
    case $(if nw_service_update_rc; then nw_service_levels "$1"; else chkconfig --list "$1" 2>/dev/null; fi) in *3:on*) nw_sv_boots=enabled ;; *) nw_sv_boots=disabled ;; esac
  fi
  { printf '%s\n' "$nw_instance" "${nw_sv_boots%%"$nw_nl"*}"; nw_service_known "$1"; printf '%s\n' "$nw_sv_record"; } >"$NW_GUARD/service-$1"
}

# Reads what nw_service_guard noted of $1 into nw_sv_was (its instance) and nw_sv_boots.
nw_service_noted() {
  [ -e "$NW_GUARD/service-$1" ] || return 1
  { IFS= read -r nw_sv_was; IFS= read -r nw_sv_boots; } <"$NW_GUARD/service-$1"
}

# nw_service_undo_first NAME: what was not running ends, by the files that it was started with. Stopping a firewall may
# close it: one that was not running leaves everything open.
nw_service_undo_first() {
  nw_service_noted "$1" && [ -z "$nw_sv_was" ] || return 0
  nw_service_instance "$1" || return
  [ -z "$nw_instance" ] || nw_service_do stop "$1" || return
  case $1 in shorewall*) nw_sv_one=${1%.service}; ! command -v "$nw_sv_one" >/dev/null 2>&1 || "$nw_sv_one" clear || : ;; esac
  rm -f "$NW_STATE/services/$1"
}

# nw_service_undo NAME restart|reload|none FILE...: as it stood. What was started with files that are gone again is
# started anew with those that are back.
nw_service_undo() {
  nw_sv_name=$1 nw_sv_debt=$2; shift 2
  nw_service_noted "$nw_sv_name" || return 0
  if nw_systemd; then systemctl daemon-reload </dev/null || :; fi
  case $nw_sv_boots in
  enabled) nw_service_boot enable "$nw_sv_name" || : ;;
  disabled) nw_service_boot disable "$nw_sv_name" || : ;;
  esac
  [ -n "$nw_sv_was" ] || return 0
  nw_service_instance "$nw_sv_name" || return
  if [ -z "$nw_instance" ]; then
    nw_service_do start "$nw_sv_name" || return
  elif [ "$nw_sv_debt" = none ]; then return 0
  else
    # Files that are back are newer than what the instance read only where it was started or told to read in between.
    nw_sv_now=$(nw_service_lines "$@") || return
    if [ "$nw_instance" = "$nw_sv_was" ] && [ "$nw_sv_debt" = restart ] && ! nw_service_owes "$nw_sv_name" "$nw_sv_now"; then return 0; fi
    nw_service_do "$nw_sv_debt" "$nw_sv_name" || return
  fi
  nw_service_instance "$nw_sv_name" || return
  [ -n "$nw_instance" ] || { printf '%s does not run again\n' "$nw_sv_name"; return 1; }
  nw_service_keep "$nw_sv_name" "$(nw_service_lines "$@")"
}
