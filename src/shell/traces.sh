# nw_traces membership|manager: the traces of an earlier cluster on this node, a line each. Where there is one, no cluster
# is formed: this is the only list of them.
nw_traces() {
  case $1 in
  membership) set -- /var/lib/corosync/ringid_* ;;
  manager) set -- "$NW_STATE/resource_manager/started" ;;
  esac
  for nw_trace in "$@" /var/lib/pacemaker/cib/cib.xml; do [ ! -e "$nw_trace" ] || echo "trace $nw_trace"; done
}
