# What is kept in resource_manager/: "due", with the boot it was written in, while this node takes part in forming the
# cluster, or was taken down by us and has to come up again; "started" once it was started by us.

# nw_resource_manager_seen pacemaker|rgmanager: what the other members have to know too.
nw_resource_manager_seen() {
  ! nw_marked resource_manager/due || echo due
  nw_traces manager
  ! nw_service_runs "$1" || echo running
}

# nw_resource_manager_nodes pacemaker|rgmanager: how it sees the members, its resources, what failed, and who was fenced.
nw_resource_manager_nodes() {
  case $1 in
  rgmanager) clustat -x ;;
  *) crm_mon --one-shot --as-xml ;;
  esac | sed -n -e 's/^ *\(<node .*\)/\1/p' -e 's/^ *\(<resource .*\)/\1/p' -e 's/^ *\(<failure .*\)/\1/p' -e 's/^ *\(<fence_event .*\)/\1/p'
}

# nw_resource_manager_ready pacemaker|rgmanager
nw_resource_manager_ready() {
  case $1 in
  rgmanager) nw_service_runs rgmanager ;;
  # Once there is who decides.
  *) cibadmin --query --local 2>/dev/null | grep -q '^<cib .*dc-uuid=' ;;
  esac
}
