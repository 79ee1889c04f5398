# nw_hostname_set NAME
nw_hostname_set() {
  if command -v hostname >/dev/null 2>&1; then hostname -- "$1"; else printf '%s\n' "$1" >/proc/sys/kernel/hostname; fi
}
