# Whether a node is off, as one that is left sees it. Nothing here changes anything.

# nw_off_device NAME AGENT INPUT
nw_off_device() {
  [ -e "$3" ] || { echo "device 127 $1"; return 0; }
  { cat "$3"; echo action=status; } | timeout 30 "$2" >/dev/null 2>&1
  echo "device $? $1"
}

# nw_off_ping ADDRESS
nw_off_ping() {
  ping -c 2 -w 3 "$1" >/dev/null 2>&1 </dev/null
  echo "ping $? $1"
}

# nw_off_login NODE SSH…: a refusal is an answer too.
nw_off_login() {
  nw_off_node=$1; shift
  nw_off_said=$(timeout 15 "$@" 2>&1 </dev/null)
  nw_off_status=$?
  echo "login $nw_off_status $nw_off_node"
  printf '%s\n' "$nw_off_said" | sed -n '$s/^/said /p'
}

# nw_off_cluster
nw_off_cluster() {
  if command -v cman_tool >/dev/null 2>&1; then
    timeout 10 cman_tool nodes -F id,type,name 2>/dev/null | sed 's/^/cman /'
    timeout 10 fence_tool ls -n 2>/dev/null | sed 's/^/domain /'
  fi
  ! command -v crm_mon >/dev/null 2>&1 ||
    timeout 20 crm_mon --one-shot --as-xml 2>/dev/null | sed -n 's/^ *\(<node .*\)/pacemaker \1/p'
}

# nw_off_confirm cman|pacemaker NODE
nw_off_confirm() {
  case $1 in
  cman) echo absolutely | timeout 60 fence_ack_manual "$2" 2>&1 ;;
  *) timeout 60 stonith_admin --confirm "$2" 2>&1 </dev/null ;;
  esac
}
