# The running name, then a line for each process of a cluster that goes by it.
nw_hostname_seen() {
  uname -n
  for nw_hostname_stat in /proc/[0-9]*/stat; do
    { IFS= read -r nw_hostname_line <"$nw_hostname_stat"; } 2>/dev/null || continue
    case $nw_hostname_line in
    *'(corosync)'*) echo corosync ;;
    *'(pacemakerd)'*) echo pacemakerd ;;
    *'(fenced)'*) echo fenced ;;
    *'(rgmanager)'*) echo rgmanager ;;
    *'(dlm_controld)'*) echo dlm_controld ;;
    esac
  done
  return 0
}

nw_hostname_set() {
  if command -v hostname >/dev/null 2>&1; then hostname -- "$1"; else printf '%s\n' "$1" >/proc/sys/kernel/hostname; fi
}
