# Before another key is written: a running daemon has the old one. (One that does not run will start with the new one.)
nw_membership_other_key() { ! corosync-cmapctl -g totem.version >/dev/null 2>&1 </dev/null || nw_mark membership/key; }

# nw_membership_seen corosync|cman: the state that the other members have to know too, then "running" and its tools' output.
nw_membership_seen() {
  nw_mb_name=$(uname -n)
  echo "name $nw_mb_name"
  nw_mb_output=$(getent hosts "$nw_mb_name") && echo "address ${nw_mb_output%%[ 	]*}"
  for nw_mb_mark in due key; do ! nw_marked "membership/$nw_mb_mark" || echo "mark $nw_mb_mark"; done
  nw_traces membership
  nw_membership_state "$1"
}

nw_membership_state() {
  case $1 in
  cman) cman_tool status && echo running && cman_tool nodes -F id,type,name ;;
  *)
    corosync-cmapctl | grep -E '^(totem\.cluster_name|runtime\.config\.totem\.token|runtime\..*members\.[0-9]+\.status) ' &&
      echo running && corosync-quorumtool -s ;;
  esac
  # A daemon that does not run is no failure.
  return 0
}

nw_membership_map() { corosync-cmapctl | grep -E '^(totem|nodelist|quorum|logging)\.'; }

# nw_membership_leave SERVICE...: those that run stop in this order; marks say what has to come up again.
nw_membership_leave() {
  nw_mark membership/due || return
  for nw_mb_service; do
    case $nw_mb_service in pacemaker | rgmanager) ! nw_service_runs "$nw_mb_service" || nw_mark resource_manager/due || return ;; esac
    nw_membership_stop "$nw_mb_service" || return
  done
}

# nw_membership_stop SERVICE: where it runs.
nw_membership_stop() { ! nw_service_runs "$1" || { echo "stopping $1"; nw_service_do stop "$1"; }; }

# nw_membership_off NODE: cman's fence domain is told that a member is off.
nw_membership_off() { echo absolutely | timeout 60 fence_ack_manual "$1"; }
