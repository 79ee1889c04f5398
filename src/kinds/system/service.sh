# Observation by systemd: one "systemctl show", then a line "Tick=PID TICK" a main process.
nw_service_units() {
  nw_sv_show=$(systemctl show -p Id,Names,LoadState,ActiveState,SubState,UnitFileState,SourcePath,Type,RemainAfterExit,MainPID,ActiveEnterTimestampMonotonic -- "$@")
  nw_sv_rc=$?
  printf '%s\n\n' "$nw_sv_show"
  printf '%s\n' "$nw_sv_show" | sed -n 's/^MainPID=\([1-9]\)/\1/p' | while read -r nw_sv_pid; do
    nw_tick "$nw_sv_pid"
    printf 'Tick=%s %s\n' "$nw_sv_pid" "$nw_tick"
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

# nw_service_lines FILE...: "DIGEST  FILE" or "missing  FILE" a line, as it is now. Of a folder or a pattern it is the digest
# of the lines of all files that it stands for.
nw_service_lines() {
  for nw_sv_file; do
    shift
    if [ -f "$nw_sv_file" ]; then set -- "$@" "$nw_sv_file"; continue; fi
    # shellcheck disable=SC2086 # Expanded on purpose, and not split.
    nw_sv_sum=$(IFS=; set -- $nw_sv_file; [ ! -e "$1" ] || find -L "$@" -type f -exec sha256sum -- {} +) || return
    if [ -n "$nw_sv_sum" ]; then nw_sv_sum=$(printf '%s\n' "$nw_sv_sum" | sort | sha256sum); else nw_sv_sum=missing; fi
    printf '%s  %s\n' "${nw_sv_sum%% *}" "$nw_sv_file"
  done
  [ "$#" -eq 0 ] || sha256sum -- "$@"
}

# Whether what is kept of $1 is of the instance that runs.
nw_service_kept() {
  { IFS= read -r nw_sv_head <"$NW_STATE/services/$1"; } 2>/dev/null && [ "$nw_sv_head" = "$nw_instance $1" ]
}

# nw_service_keep NAME LINES: the instance that runs has read these. What is kept of its other files stays.
nw_service_keep() {
  mkdir -p "$NW_STATE/services" || return
  { printf '%s %s\n%s\n' "$nw_instance" "$1" "$2"; ! nw_service_kept "$1" || cat "$NW_STATE/services/$1"; } |
    awk '{ path = $0; sub(/^[^ ]*  /, "", path) } !had[path]++' >"$NW_STATE/services/.nw-$1" &&
    mv -f "$NW_STATE/services/.nw-$1" "$NW_STATE/services/$1"
}

# nw_service_note NAME INSTANCE LINES FILE...: before the first of these files is written. LINES are what this instance has
# read of them; another one has read what is there.
nw_service_note() {
  nw_sv_name=$1 nw_sv_read_by=$2 nw_sv_now=$3; shift 3
  nw_service_instance "$nw_sv_name" || return
  [ -n "$nw_instance" ] || return 0
  [ "$nw_instance" = "$nw_sv_read_by" ] || nw_sv_now=$(nw_service_lines "$@") || return
  nw_service_keep "$nw_sv_name" "$nw_sv_now"
}

# nw_service_pay start|restart|reload NAME FILE...: done, and kept with what it reads by that.
nw_service_pay() {
  nw_sv_verb=$1 nw_sv_name=$2; shift 2
  nw_sv_ifs=$IFS; IFS=$nw_nl; set -f
  # shellcheck disable=SC2046 # Files that another step names, too. Split on purpose.
  set -- "$@" $(sed -e 1d -e 's/^[^ ]*  //' "$NW_STATE/services/$nw_sv_name" 2>/dev/null)
  IFS=$nw_sv_ifs; set +f
  nw_sv_now=$(nw_service_lines "$@") || return
  nw_service_do "$nw_sv_verb" "$nw_sv_name" && nw_service_instance "$nw_sv_name" || return
  [ -z "$nw_instance" ] || nw_service_keep "$nw_sv_name" "$nw_sv_now"
}

# nw_service NAME enable|disable|keep start|stop|keep restart|reload|none FILE...
# The third is what the instance owes of which something is kept; one that somebody started since owes nothing.
nw_service() {
  nw_sv_name=$1 nw_sv_boots=$2 nw_sv_run=$3 nw_sv_verb=$4; shift 4
  if nw_systemd; then
    # A unit file may have been written just now. A first drop-in's folder is not noticed without being told.
    case "$nw_nl$(printf '%s\n' "$@")" in *"$nw_nl/etc/systemd/system/"*) systemctl daemon-reload </dev/null || return ;; esac
    case $(systemctl show -p LoadState,NeedDaemonReload -- "$nw_sv_name") in
    *NeedDaemonReload=yes* | *LoadState=not-found*) systemctl daemon-reload </dev/null || return ;;
    esac
  fi
  [ "$nw_sv_boots" = keep ] || nw_service_boot "$nw_sv_boots" "$nw_sv_name" || return
  if [ "$nw_sv_run" = stop ]; then
    nw_service_do stop "$nw_sv_name" && rm -f "$NW_STATE/services/$nw_sv_name"
    return
  fi
  nw_service_instance "$nw_sv_name" || return
  if [ -z "$nw_instance" ]; then
    [ "$nw_sv_run" = start ] || return 0
    nw_sv_verb=start
  elif [ "$nw_sv_verb" = none ] || ! nw_service_kept "$nw_sv_name"; then return 0
  fi
  nw_service_pay "$nw_sv_verb" "$nw_sv_name" "$@"
}

# nw_service_guard NAME: how it stands before a window of the guard.
nw_service_guard() {
  nw_service_instance "$1" || return
  if nw_systemd; then nw_sv_boots=$(systemctl is-enabled -- "$1" 2>/dev/null || :)
  else
    case $(if nw_service_update_rc; then echo /etc/rc2.d/S[0-9][0-9]"$1"; else chkconfig --list "$1" 2>/dev/null; fi) in
    *3:on* | *S[0-9][0-9]"$1") nw_sv_boots=enabled ;;
    *) nw_sv_boots=disabled ;;
    esac
  fi
  printf '%s\n' "$nw_instance" "${nw_sv_boots%%"$nw_nl"*}" >"$NW_GUARD/service-$1"
}

# Reads what nw_service_guard noted of $1 into nw_sv_was (its instance) and nw_sv_boots.
nw_service_noted() {
  [ -e "$NW_GUARD/service-$1" ] || return 1
  { IFS= read -r nw_sv_was; IFS= read -r nw_sv_boots; } <"$NW_GUARD/service-$1"
}

# nw_service_undo_first NAME [PROGRAM]: stops a service that the window started, while the files it was started with are in
# place. Stopping a firewall may close it: the program of one that was not running leaves everything open.
nw_service_undo_first() {
  nw_service_noted "$1" && [ -z "$nw_sv_was" ] || return 0
  nw_service_instance "$1" || return
  [ -z "$nw_instance" ] || nw_service_do stop "$1" || return
  [ "$#" = 1 ] || ! command -v "$2" >/dev/null 2>&1 || "$2" clear || :
  rm -f "$NW_STATE/services/$1"
}

# nw_service_undo NAME restart|reload|none FILE...: as it stood. What was started with files that are gone again is
# started anew with those that are back; the instance that was there has read those, unless it reads them by a reload.
nw_service_undo() {
  nw_sv_name=$1 nw_sv_verb=$2; shift 2
  nw_service_noted "$nw_sv_name" || return 0
  if nw_systemd; then systemctl daemon-reload </dev/null || :; fi
  case $nw_sv_boots in enabled | disabled) nw_service_boot "${nw_sv_boots%d}" "$nw_sv_name" || : ;; esac
  [ -n "$nw_sv_was" ] || return 0
  nw_service_instance "$nw_sv_name" || return
  case $nw_sv_verb,$nw_instance in
  *,) nw_sv_verb=start ;;
  none,* | "restart,$nw_sv_was") return 0 ;;
  esac
  nw_service_pay "$nw_sv_verb" "$nw_sv_name" "$@" || return
  [ -n "$nw_instance" ] || { printf '%s does not run again\n' "$nw_sv_name"; return 1; }
}
