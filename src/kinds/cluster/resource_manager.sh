# nw_resource_manager_seen pacemaker|rgmanager: the state that the other members have to know too.
nw_resource_manager_seen() {
  ! nw_marked resource_manager/due || echo due
  nw_traces manager
  ! nw_service_runs "$1" || echo running
}
