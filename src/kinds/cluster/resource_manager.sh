# nw_resource_manager_seen pacemaker|rgmanager: what the other members have to know too.
nw_resource_manager_seen() {
  ! nw_marked resource_manager/due || echo due
  nw_traces manager
  ! nw_service_runs "$1" || echo running
}

# nw_resource_manager_ready pacemaker|rgmanager
nw_resource_manager_ready() {
  case $1 in
  rgmanager) nw_service_runs rgmanager ;;
  # Once there is who decides.
  *) cibadmin --query --local 2>/dev/null | grep -q '^<cib .*dc-uuid=' ;;
  esac
}
