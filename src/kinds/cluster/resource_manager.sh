# What is kept in resource_manager/: "due", with the boot it was written in, while this node takes part in forming the
# cluster, or was taken down by us and has to come up again; "started" once it was started by us.
: "${NW_STATE:=/var/lib/nodewright}"

nw_resource_manager_running() {
  if [ -d /run/systemd/system ]; then systemctl is-active --quiet "$1"; else service "$1" status >/dev/null 2>&1 </dev/null; fi
}

# nw_resource_manager_seen pacemaker|rgmanager: what the other members have to know too.
nw_resource_manager_seen() {
  read -r nw_rm_boot </proc/sys/kernel/random/boot_id
  if { read -r nw_rm_then <"$NW_STATE/resource_manager/due"; } 2>/dev/null && [ "$nw_rm_then" = "$nw_rm_boot" ]; then
    echo due
  fi
  for nw_rm_trace in "$NW_STATE/resource_manager/started" /var/lib/pacemaker/cib/cib.xml; do
    [ ! -e "$nw_rm_trace" ] || echo "trace $nw_rm_trace"
  done
  ! nw_resource_manager_running "$1" || echo running
}

# nw_resource_manager_nodes pacemaker|rgmanager: how it sees the members.
nw_resource_manager_nodes() {
  case $1 in
  rgmanager) clustat -x ;;
  *) crm_mon --one-shot --as-xml ;;
  esac | sed -n 's/^ *\(<node .*\)/\1/p'
}

# nw_resource_manager_ready pacemaker|rgmanager
nw_resource_manager_ready() {
  case $1 in
  rgmanager) nw_resource_manager_running rgmanager ;;
  # Once there is who decides.
  *) cibadmin --query --local 2>/dev/null | grep -q '^<cib .*dc-uuid=' ;;
  esac
}

# nw_resource_manager pacemaker|rgmanager SECONDS: every member does this at the same time.
nw_resource_manager() {
  read -r nw_rm_boot </proc/sys/kernel/random/boot_id &&
    ( umask 077; mkdir -p "$NW_STATE/resource_manager" && printf '%s\n' "$nw_rm_boot" >"$NW_STATE/resource_manager/due" ) || return
  if [ -d /run/systemd/system ]; then systemctl start "$1"; else service "$1" start; fi </dev/null || return
  nw_rm_left=$2
  until nw_resource_manager_ready "$1"; do
    [ "$nw_rm_left" -gt 0 ] || { echo "$1 was started and did not become ready in time"; return 1; }
    nw_rm_left=$((nw_rm_left - 1))
    sleep 1
  done
  mv -f "$NW_STATE/resource_manager/due" "$NW_STATE/resource_manager/started"
}
