# nw_traces membership|manager: what an earlier cluster left behind on this node, a line each. Where there is anything,
# no cluster is formed: what counts stands here and nowhere else.
nw_traces() {
  case $1 in
  membership) set -- /var/lib/corosync/ringid_* ;;
  manager) set -- "$NW_STATE/resource_manager/started" ;;
  esac
  for nw_trace in "$@" /var/lib/pacemaker/cib/cib.xml; do [ ! -e "$nw_trace" ] || echo "trace $nw_trace"; done
}
