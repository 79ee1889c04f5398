# The state of the mirrors; from version 9 on the file of DRBD has no more than the version.
nw_interface_mirrors() {
  [ -e /proc/drbd ] || return 0
  cat /proc/drbd && { grep -q '^version: [0-8]\.' /proc/drbd || drbdsetup events2 --now; }
}

# Sets nw_if_master to the bond or bridge of a device.
nw_interface_master() {
  nw_if_master=$(readlink "/sys/class/net/$1/master" || readlink "/sys/class/net/$1/brport/bridge")
  nw_if_master=${nw_if_master##*/}
}

# nw_interface_part DEVICE: out of its bond or bridge.
nw_interface_part() {
  nw_interface_master "$1"
  [ -n "$nw_if_master" ] || return 0
  if [ -d "/sys/class/net/$nw_if_master/bonding" ]; then echo "-$1" >"/sys/class/net/$nw_if_master/bonding/slaves"
  elif command -v brctl >/dev/null 2>&1; then brctl delif "$nw_if_master" "$1"
  else ip link set dev "$1" nomaster
  fi
}

# nw_interface_join DEVICE MASTER
nw_interface_join() {
  nw_interface_master "$1"
  [ "$nw_if_master" != "$2" ] || return 0
  nw_interface_part "$1" || return
  if [ -d "/sys/class/net/$2/bonding" ]; then
    ip link set dev "$1" down && echo "+$1" >"/sys/class/net/$2/bonding/slaves"
    return
  fi
  ip addr flush dev "$1"
  if command -v brctl >/dev/null 2>&1; then brctl addif "$2" "$1"; else ip link set dev "$1" master "$2"; fi &&
    ip link set dev "$1" up
}

# nw_interface_routes DEVICE: "-4 ROUTE" or "-6 ROUTE" a line, without the kernel's own, and without what is no word of a route.
nw_interface_routes() {
  for nw_if_key in -4 -6; do
    ip "$nw_if_key" route show dev "$1" |
      sed -e '/proto kernel/d' -e '/^fe80::/d' -e '/^multicast/d' -e 's/^[[:blank:]]*//' -e 's/ *$//' -e 's/ linkdown$//' -e "s/^/$nw_if_key /"
  done
}

# nw_interface_route DEVICE -4|-6 replace|del ROUTE
nw_interface_route() {
  # shellcheck disable=SC2086 # Its words are words of `ip`.
  ( set -f; ip "$2" route "$3" $4 dev "$1" )
}

# nw_interface_keep DEVICE...: notes the IPv6 addresses and the routes that these lose while a device below them is down.
nw_interface_keep() {
  for nw_if_name; do
    [ -e "/sys/class/net/$nw_if_name" ] || continue
    {
      ip -o -6 addr show dev "$nw_if_name" scope global | awk '{ print "addr", $4 }'
      nw_interface_routes "$nw_if_name" | sed 's/^/route /'
    } >>"$NW_DIR/interface-kept.$nw_if_name"
  done
}

# Gives back what was kept and is not there.
nw_interface_end() {
  for nw_if_file in "$NW_DIR"/interface-kept.*; do
    [ -e "$nw_if_file" ] || continue
    nw_interface_restore_addresses "${nw_if_file##*/interface-kept.}" "$nw_if_file"
    rm -f "$nw_if_file"
  done
}

# nw_interface_restore_addresses DEVICE FILE: the addresses and routes that stand there.
nw_interface_restore_addresses() {
  while read -r nw_if_key nw_if_one nw_if_line; do
    case $nw_if_key in
    addr) nw_interface_address "$1" "$nw_if_one" ;;
    route) nw_interface_route "$1" "$nw_if_one" replace "$nw_if_line" ;;
    esac || :
  done <"$2"
}

# nw_interface_no_dhcp DEVICE: no DHCP client asks for it any more.
nw_interface_no_dhcp() {
  for nw_if_file in "/run/dhclient.$1.pid" "/var/run/dhclient-$1.pid" "/run/dhclient6.$1.pid" "/var/run/dhclient6-$1.pid"; do
    { read -r nw_if_line <"$nw_if_file"; } 2>/dev/null || continue
    case $nw_if_line in '' | *[!0-9]*) ;; *) kill "$nw_if_line" 2>/dev/null || : ;; esac
    rm -f "$nw_if_file"
  done
}

# nw_interface_free DEVICE FILE: a bond without what this file of it names: its cards, the addresses that it asks.
nw_interface_free() {
  read -r nw_if_line <"/sys/class/net/$1/bonding/$2" || :
  for nw_if_one in $nw_if_line; do echo "-$nw_if_one" >"/sys/class/net/$1/bonding/$2" || return; done
}

# nw_interface_drop SORT DEVICE: down, so that it can be started anew.
nw_interface_drop() {
  [ -e "/sys/class/net/$2" ] || return 0
  nw_interface_no_dhcp "$2"
  if [ "$1" = vlan ]; then ip link del dev "$2" type vlan; return; fi
  [ "$1" = bond ] || nw_interface_part "$2" || return
  ip addr flush dev "$2"
  ip link set dev "$2" down || return
  [ "$1" != bond ] || nw_interface_free "$2" slaves
}

# nw_interface_state DEVICE yes|no: sets the state that ifupdown records. It starts the device under a VLAN once more where
# it has no record that it runs, and `--force` starts all of these again.
nw_interface_state() {
  [ -d /run/network ] || return 0
  {
    grep -s -v -x -F -e "$1=$1" /run/network/ifstate
    if [ "$2" = yes ]; then printf '%s=%s\n' "$1" "$1"; fi
  } >/run/network/.nw-ifstate
  mv -f /run/network/.nw-ifstate /run/network/ifstate || return
  if [ "$2" = yes ]; then printf '%s\n' "$1" >"/run/network/ifstate.$1"; else rm -f "/run/network/ifstate.$1"; fi
}

# nw_interface_there DEVICE COMMAND...: where the device is there.
nw_interface_there() { nw_if_dev=$1; shift; [ ! -e "/sys/class/net/$nw_if_dev" ] || "$@"; }

# nw_interface_reapply DEVICE UUID: NetworkManager takes up its profile without taking the device down, if it can.
nw_interface_reapply() { nmcli -w 60 device reapply "$1" </dev/null || nmcli -w 60 connection up uuid "$2" </dev/null; }

# nw_interface_address DEVICE ADDRESS
nw_interface_address() {
  case "$(ip -o addr show dev "$1") " in *" $2 "*) return 0 ;; esac
  case $2 in
  *:*) ip -6 addr add "$2" dev "$1" ;;
  *) ip addr add "$2" brd + dev "$1" ;;
  esac
}

# nw_interface_no_address DEVICE ADDRESS
nw_interface_no_address() { case "$(ip -o addr show dev "$1") " in *" $2 "*) ip addr del "$2" dev "$1" ;; esac; }

# The serial line, started anew, and not started any more. EL6 starts it by upstart.
nw_interface_serial() {
  ! nw_systemd || systemctl daemon-reload || return
  if nw_systemd || [ -e /etc/init.d/ppp-serial ]; then nw_service_boot enable ppp-serial && nw_service_do restart ppp-serial; return; fi
  initctl reload-configuration
  initctl stop ppp-serial 2>/dev/null || :
  initctl start ppp-serial
}
nw_interface_serial_off() {
  if nw_systemd || [ -e /etc/init.d/ppp-serial ]; then nw_service_boot disable ppp-serial && nw_service_do stop ppp-serial
  else initctl stop ppp-serial || :
  fi
}
