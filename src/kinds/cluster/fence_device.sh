# nw_fence_device_status AGENT INPUT SECONDS [ACTION]: the agent's output, and its exit status (of "status": 0 on, 2 off).
# The agent reads its parameters from standard input, so none of them is in an argument list.
nw_fence_device_status() {
  nw_fd_output=$( { cat "$2"; echo "action=${4:-status}"; } | timeout "$3" "$1" 2>&1)
}

# nw_fence_device_seen SECONDS AGENT INPUT SCRIPT...: the parameters that the agent knows, and what the device answers.
nw_fence_device_seen() {
  nw_fd_seconds=$1 nw_fd_agent=$2 nw_fd_input=$3; shift 3
  # Where a cluster was, a device that does not answer is to be reported, and nothing is to be kept from being formed.
  nw_traces membership
  command -v "$nw_fd_agent" >/dev/null 2>&1 || return 0
  echo installed
  timeout 10 "$nw_fd_agent" -o metadata </dev/null | sed -n 's/.*<parameter [^>]*name="\([^"]*\)".*/parameter \1/p'
  for nw_fd_file in "$nw_fd_input" "$@"; do [ -e "$nw_fd_file" ] || return 0; done
  nw_fence_device_status "$nw_fd_agent" "$nw_fd_input" "$nw_fd_seconds"
  echo "status $?"
}

# nw_fence_device SECONDS AGENT INPUT NODE: fails unless the device says that the node, which is being set up, has power.
nw_fence_device() {
  nw_fence_device_status "$2" "$3" "$1"
  case $? in
  0) return 0 ;;
  2) echo "$2 says that $4 is off, and $4 runs: is it the device of another machine?" ;;
  124) echo "$2 did not report on $4 within $1 seconds" ;;
  *) echo "$2 did not report on $4: $nw_fd_output" ;;
  esac
  return 1
}
