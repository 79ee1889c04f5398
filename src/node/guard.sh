nw_guard_batch=${NW_DIR%/guard}
NW_GUARD=$nw_guard_batch/guard
nw_guard_unit=/etc/systemd/system/nodewright-guard.service
nw_guard_want=/etc/systemd/system/sysinit.target.wants/nodewright-guard.service
nw_guard_script=/etc/init.d/nodewright-guard

# Sets nw_up to the seconds since the boot.
nw_uptime() { read -r nw_up nw_rest </proc/uptime && nw_up=${nw_up%%.*}; }
# nw_guard_until SECONDS: so many from now on.
nw_guard_until() { nw_uptime && echo "$((nw_up + $1))" | nw_atomic "$NW_GUARD/deadline"; }

# nw_guard_flush PATH...: each file, and all in a folder, on the disk before anything is changed.
nw_guard_flush() {
  find "$@" -type f -exec sh -c 'for nw_f; do dd if=/dev/null of="$nw_f" conv=notrunc,fsync || exit 1; done' nw {} + 2>/dev/null
}

# nw_guard_keep whole|own PATH...: as they are now, a folder with all that lies in it, or its own owner and mode alone.
nw_guard_keep() {
  nw_guard_how=$1; shift
  ( umask 077; mkdir -p "$NW_GUARD/kept" ) && : >>"$NW_GUARD/paths" || return 1
  for nw_path; do
    nw_n=$(wc -l <"$NW_GUARD/paths") nw_n=$((nw_n + 0))
    if [ -d "$nw_path" ] && [ ! -L "$nw_path" ] && [ "$nw_guard_how" = own ]; then
      nw_own=$(stat -c '%a,%u:%g' -- "$nw_path") || return 1
      printf 'folder %s %s\n' "$nw_own" "$nw_path" >>"$NW_GUARD/paths"
    elif [ -e "$nw_path" ] || [ -L "$nw_path" ]; then
      nw_inside "$nw_path" '*' no nw_guard_copy "$nw_n" && nw_guard_flush "$NW_GUARD/kept/$nw_n" || return 1
      printf 'there %s %s\n' "$nw_n" "$nw_path" >>"$NW_GUARD/paths"
    else
      printf 'absent %s %s\n' "$nw_guard_how" "$nw_path" >>"$NW_GUARD/paths"
    fi
  done
}

nw_guard_copy() { cp -a -- "./$nw_name" "$NW_GUARD/kept/$1"; }

# The state of all kept paths, a line each; links and folders without their times.
nw_guard_print() {
  while read -r nw_word nw_n nw_path; do
    if [ "$nw_word" = folder ]; then stat -c '%f %u:%g %N' -- "$nw_path"
    elif [ -e "$nw_path" ] || [ -L "$nw_path" ]; then
      find "$nw_path" -exec stat -c '%f %u:%g %N' -- {} + && find "$nw_path" -type f -exec sha256sum -- {} +
    else printf 'absent %s\n' "$nw_path"
    fi
  done <"$NW_GUARD/paths" 2>&1 | sort
}

# nw_guard_arm LIMIT: puts the guard on. The change may take LIMIT seconds; the wait for the confirmation follows it.
nw_guard_arm() {
  # The manifest is rolled back, too.
  nw_guard_keep own "$NW_STATE/manifest" "$NW_STATE/secret-files" || return
  nw_guard_print >"$NW_GUARD/before"
  { sed '$d' "$NW_DIR/batch.sh" && printf 'nw_guard "$@"\n'; } >"$NW_GUARD/undo.sh" && sh -n "$NW_GUARD/undo.sh" || return 1
  nw_guard_until "$1" && : >"$NW_GUARD/armed" || return 1
  nw_guard_flush "$NW_GUARD/paths" "$NW_GUARD/before" "$NW_GUARD/undo.sh" "$NW_GUARD/armed" || return 1
  { nw_guard_hook && nw_guard_watch; } || { nw_guard_unhook; mv "$NW_GUARD/armed" "$NW_GUARD/off"; return 1; }
  printf 'guard armed %s\n' "$1" >>"$NW_DIR/spool"
}

# Starts the process that waits, and sees that it does.
nw_guard_watch() {
  rm -f "$NW_GUARD/watcher"
  nw_spawn "nodewright-guard-$NW_RUN-$NW_STAGE" "$NW_GUARD/undo.sh" watch
  nw_until 150 0.1 nw_lives "$NW_GUARD/watcher" || { echo 'the rollback could not be started: nothing was changed'; return 1; }
}

# A node that goes down in the window comes up as it was.
nw_guard_hook() {
  if nw_systemd; then
    mkdir -p "${nw_guard_want%/*}" || return 1
    printf '%s\n' '[Unit]' 'Description=Roll back a change of nodewright that nobody confirmed' DefaultDependencies=no \
      "RequiresMountsFor=$NW_STATE /etc" After=local-fs.target Wants=network-pre.target \
      'Before=sysinit.target network-pre.target network.service networking.service NetworkManager.service' \
      '[Service]' Type=oneshot "ExecStart=/bin/sh $NW_GUARD/undo.sh boot" >"$nw_guard_unit" || return 1
    chmod 0644 "$nw_guard_unit" && ln -s -f ../nodewright-guard.service "$nw_guard_want" && nw_guard_flush "$nw_guard_unit"
  else
    # EL6: start scripts run in the order of their numbers, the network has 10.
    [ -d "${nw_guard_script%/*}" ] || { echo 'nothing here runs at boot that could roll back: nothing was changed'; return 1; }
    printf '%s\n' '#!/bin/sh' "exec /bin/sh $NW_GUARD/undo.sh boot" >"$nw_guard_script" && chmod 0755 "$nw_guard_script" || return 1
    for nw_d in /etc/rc[2345].d; do [ ! -d "$nw_d" ] || ln -s -f ../init.d/nodewright-guard "$nw_d/S01nodewright-guard" || return 1; done
    nw_guard_flush "$nw_guard_script"
  fi
}

nw_guard_unhook() { rm -f "$nw_guard_want" "$nw_guard_unit" "$nw_guard_script" /etc/rc[2345].d/S01nodewright-guard; }

# nw_guard_wait SECONDS: the change is made; waits for the confirmation.
nw_guard_wait() {
  nw_guard_until "$1" || return 1
  # Clients that knocked before the change have to knock again: a door that is open proves nothing about the knock.
  for nw_f in /proc/net/xt_recent/NW_*; do [ ! -e "$nw_f" ] || echo / >"$nw_f" || return 1; done
  : >"$NW_GUARD/waiting"
  printf 'guard waiting %s\n' "$1" >>"$NW_DIR/spool"
  while [ -e "$NW_GUARD/armed" ] && nw_lives "$NW_GUARD/watcher"; do sleep 0.1; done
  # A rollback ends the batch.
  [ -e "$NW_GUARD/confirmed" ] || return 0
  printf 'guard confirmed\n' >>"$NW_DIR/spool"
  nw_guard_unhook
  nw_guard_forget
}

# Of what was kept nothing stays: it may hold secrets.
nw_guard_forget() {
  if [ -d "$NW_GUARD/kept" ]; then find "$NW_GUARD/kept" -type f -exec shred -n 1 -u -- {} + 2>/dev/null; fi
  rm -rf "$NW_GUARD/kept" "$NW_GUARD/before" "$NW_GUARD/after"
}

# nw_guard_settle RESULT...: a batch ends. What is not confirmed is rolled back first; sets nw_result.
nw_guard_settle() {
  nw_result=$*
  if [ -e "$NW_GUARD/confirmed" ] || [ -e "$NW_GUARD/off" ] || [ ! -e "$NW_GUARD/deadline" ]; then
    [ ! -d "$NW_GUARD/kept" ] || nw_guard_forget
    return 0
  fi
  trap '' TERM INT
  if [ -e "$NW_GUARD/armed" ]; then printf '%s\n' "$*" | nw_atomic "$NW_GUARD/undo-now"; fi
  nw_until 3000 0.1 nw_guard_reverted
  nw_result="put-back $(cat "$NW_GUARD/result" 2>/dev/null || echo unknown) $(cat "$NW_GUARD/why" 2>/dev/null)"
}

nw_guard_reverted() {
  [ -e "$NW_GUARD/reverted" ] || nw_lives "$NW_GUARD/watcher" || /bin/sh "$NW_GUARD/undo.sh" now </dev/null >/dev/null 2>&1
  [ -e "$NW_GUARD/reverted" ]
}

# A change of a run that is gone, put back before another begins.
nw_guard_leftovers() {
  for nw_g in "$NW_STATE"/runs/*/*/guard/armed "$NW_STATE"/runs/*/*/guard/reverting; do
    nw_g=${nw_g%/*}
    [ -e "$nw_g/undo.sh" ] || continue
    /bin/sh "$nw_g/undo.sh" now </dev/null >/dev/null 2>&1
    nw_finish broken 'a change that nobody had confirmed was rolled back just now; plan again'
  done
}

# nw_guard watch|boot|now: the last line of undo.sh.
nw_guard() {
  exec </dev/null >>"$NW_GUARD/log" 2>&1
  cd /
  trap '' HUP
  case $1 in
  watch)
    nw_me
    echo "$nw_me" | nw_atomic "$NW_GUARD/watcher"
    while [ -e "$NW_GUARD/armed" ]; do
      nw_why=
      nw_uptime
      read -r nw_limit <"$NW_GUARD/deadline"
      if [ -e "$NW_GUARD/undo-now" ]; then nw_why=$(cat "$NW_GUARD/undo-now")
      elif [ "$nw_up" -ge "$nw_limit" ] && [ -e "$NW_GUARD/waiting" ]; then nw_why='timeout nobody confirmed it in time'
      elif [ "$nw_up" -ge "$nw_limit" ]; then nw_why='timeout the change itself took too long'
      elif [ -e "$nw_guard_batch/pid" ] && ! nw_lives "$nw_guard_batch/pid"; then nw_why='timeout its batch was killed'
      fi
      [ -z "$nw_why" ] || nw_guard_undo live
      sleep 0.2
    done ;;
  boot) nw_why='timeout the node went down before anybody confirmed it'; nw_guard_undo boot ;;
  now) nw_why=$(cat "$NW_GUARD/undo-now" 2>/dev/null) || nw_why='timeout what waited for the confirmation was killed'; nw_guard_undo live ;;
  esac
}

# nw_guard_undo live|boot: everything as it was. One that was cut off in the middle is done again from its start.
nw_guard_undo() {
  if ! mv "$NW_GUARD/armed" "$NW_GUARD/reverting" 2>/dev/null && [ ! -e "$NW_GUARD/reverting" ]; then return 0; fi
  exec 8>"$NW_GUARD/turn"
  flock 8 || return 1
  [ -e "$NW_GUARD/reverting" ] || return 0
  [ -s "$NW_GUARD/why" ] || printf '%s\n' "$nw_why" >"$NW_GUARD/why"
  printf 'guard reverting %s\n' "$nw_why" >>"$nw_guard_batch/spool"
  if [ "$1" = live ] && [ ! -e "$NW_GUARD/undo-now" ] && [ ! -e "$NW_GUARD/waiting" ] && nw_lives "$nw_guard_batch/pid"; then
    # A step hangs. The batch is a session of its own; it waits for the end of this.
    kill -TERM -- "-$nw_p" 2>/dev/null
    sleep 2
  fi
  nw_guard_bad=''
  [ "$1" = boot ] || nw_guard_first
  nw_guard_restore
  [ "$1" = boot ] || nw_guard_calls
  nw_guard_print >"$NW_GUARD/after"
  nw_same=differs
  if [ -z "$nw_guard_bad" ] && cmp -s "$NW_GUARD/before" "$NW_GUARD/after"; then nw_same=same; fi
  printf '%s\n' "$nw_same" >"$NW_GUARD/result"
  nw_guard_unhook
  [ "$nw_same" = differs ] || nw_guard_forget
  nw_journal put-back "$(cat "$NW_GUARD/why") ($nw_same)"
  printf 'guard reverted %s\n' "$nw_same" >>"$nw_guard_batch/spool"
  mv "$NW_GUARD/reverting" "$NW_GUARD/reverted"
  exec 8>&-
}

# nw_guard_restore: the files, last kept first. What was being written when the node went down goes.
nw_guard_restore() {
  tac "$NW_GUARD/paths" >"$NW_GUARD/back"
  while read -r nw_word nw_n nw_path; do
    if [ "$nw_word" = absent ] && [ ! -d "${nw_path%/*}/" ]; then continue; fi
    nw_inside "$nw_path" '*' make nw_guard_put "$nw_word" "$nw_n" "$nw_path" || { nw_guard_bad=yes; printf 'not restored: %s\n' "$nw_path"; }
  done <"$NW_GUARD/back"
}

# nw_guard_put WORD NUMBER PATH: one of them, in its folder.
nw_guard_put() {
  rm -rf -- ./.nw-"$NW_RUN"-*
  case $1 in
  folder) nw_own=${2#*,}; nw_directory_here "$3" "${nw_own%:*}" "${nw_own#*:}" "${2%%,*}" ;;
  absent)
    if [ -d "./$nw_name" ] && [ ! -L "./$nw_name" ] && [ "$2" = own ]; then rmdir -- "./$nw_name"; else rm -rf -- "./$nw_name"; fi ;;
  there)
    if [ -f "./$nw_name" ] && [ ! -L "./$nw_name" ] && [ -f "$NW_GUARD/kept/$2" ] && cmp -s "./$nw_name" "$NW_GUARD/kept/$2" &&
      [ "$(stat -c '%a %u %g' -- "./$nw_name")" = "$(stat -c '%a %u %g' -- "$NW_GUARD/kept/$2")" ]; then return 0; fi
    nw_private && cp -a -- "$NW_GUARD/kept/$2" ./new || return 1
    if [ -d "../$nw_name" ] && [ ! -L "../$nw_name" ]; then mv -T -- "../$nw_name" ./old; fi
    mv -fT -- ./new "../$nw_name"
    nw_public ;;
  esac
}

# nw_guard_back FUNCTION...: one call of what brings the running side back; one that fails does not keep the others.
nw_guard_back() { ( umask 022; "$@" ) || { nw_guard_bad=yes; printf 'failed: %s\n' "$1"; }; }
