# nw_interface_print STYLE DEVICE
nw_interface_print() {
  nw_if_dir=/sys/class/net/$2
  [ -e "$nw_if_dir" ] || { echo absent; return; }
  if [ -d "$nw_if_dir/bonding" ]; then
    echo 'sort bond'
    # In the order in which a bond can be given them.
    for nw_if_key in mode miimon updelay downdelay arp_interval lacp_rate xmit_hash_policy arp_ip_target slaves primary primary_reselect; do
      { read -r nw_if_line <"$nw_if_dir/bonding/$nw_if_key"; } 2>/dev/null || nw_if_line=
      printf 'bond %s %s\n' "$nw_if_key" "$nw_if_line"
    done
  elif [ -d "$nw_if_dir/bridge" ]; then echo 'sort bridge'
  elif nw_if_line=$(grep -s -E "^$2 +\\|" /proc/net/vlan/config); then
    nw_if_line=${nw_if_line#*| }
    printf 'sort vlan %s %s\n' "${nw_if_line%% *}" "${nw_if_line##* }"
  else echo 'sort card'
  fi
  if [ "$(($(cat "$nw_if_dir/flags") & 1))" = 1 ]; then echo 'link up'; else echo 'link down'; fi
  nw_interface_master "$2"
  printf 'mtu %s\nmaster %s\n' "$(cat "$nw_if_dir/mtu")" "$nw_if_master"
  ip -o addr show dev "$2" | awk '!/scope link/ { print "addr", $4 }'
  nw_interface_routes "$2" | sed 's/^/route /'
  if [ "$1" = ifupdown ] && grep -q -s -x -F -e "$2=$2" /run/network/ifstate; then echo 'state yes'; fi
  if [ "$1" = keyfile ]; then printf 'profile %s\n' "$(nmcli -g GENERAL.CON-UUID device show "$2" 2>/dev/null)"
  elif ps -C dhclient -o args= | grep -v nm-dhcp-helper | grep -q -E " $2\$"; then echo dhcp
  fi
}

# nw_interface_note STYLE DEVICE...
nw_interface_note() {
  nw_if_style=$1; shift
  for nw_if_dev; do
    [ ! -e "$NW_GUARD/interface.$nw_if_dev" ] || continue
    nw_interface_print "$nw_if_style" "$nw_if_dev" >"$NW_GUARD/interface.$nw_if_dev" &&
      printf '%s\n' "$nw_if_dev" >>"$NW_GUARD/interfaces" || return
  done
}

# The value of the first line of a note that begins with a word.
nw_interface_from_note() { sed -n -e "s/^$2 //p" "$NW_GUARD/interface.$1" | head -n 1; }

# nw_interface_undo STYLE: all that was noted.
nw_interface_undo() {
  [ -e "$NW_GUARD/interfaces" ] || return 0
  nw_if_bad=0
  if [ "$1" = keyfile ]; then nmcli connection reload || nw_if_bad=1; fi
  tac "$NW_GUARD/interfaces" >"$NW_GUARD/interfaces.back"
  while read -r nw_if_dev; do
    ! grep -q '^absent$' "$NW_GUARD/interface.$nw_if_dev" || nw_interface_away "$1" "$nw_if_dev" || nw_if_bad=1
  done <"$NW_GUARD/interfaces.back"
  for nw_if_part in nw_interface_make nw_interface_fill; do
    while read -r nw_if_dev; do
      grep -q '^absent$' "$NW_GUARD/interface.$nw_if_dev" || nw_interface_is "$1" "$nw_if_dev" ||
        "$nw_if_part" "$1" "$nw_if_dev" || nw_if_bad=1
    done <"$NW_GUARD/interfaces"
  done
  while read -r nw_if_dev; do
    nw_interface_is "$1" "$nw_if_dev" && continue
    printf '%s is not as it was:\n' "$nw_if_dev"
    nw_interface_print "$1" "$nw_if_dev"
    nw_if_bad=1
  done <"$NW_GUARD/interfaces"
  return "$nw_if_bad"
}

# nw_interface_is STYLE DEVICE: whether it stands as noted.
nw_interface_is() { [ "$(nw_interface_print "$1" "$2")" = "$(cat "$NW_GUARD/interface.$2")" ]; }

# nw_interface_make STYLE DEVICE: the device itself.
nw_interface_make() {
  nw_if_note=$(nw_interface_from_note "$2" profile)
  if [ -n "$nw_if_note" ]; then
    nmcli -w 60 connection up uuid "$nw_if_note" || :
    ! nw_interface_is "$1" "$2" || return 0
  fi
  nw_if_sort=$(nw_interface_from_note "$2" sort)
  case $nw_if_sort in
  vlan*) nw_interface_print "$1" "$2" | grep -q -x -F -e absent -e "sort $nw_if_sort" || ip link del dev "$2" type vlan ;;
  esac
  if [ ! -e "/sys/class/net/$2" ]; then
    case $nw_if_sort in
    vlan*) nw_if_sort=${nw_if_sort#vlan }; ip link add link "${nw_if_sort#* }" name "$2" type vlan id "${nw_if_sort%% *}" ;;
    bond) echo "+$2" >/sys/class/net/bonding_masters ;;
    bridge) if command -v brctl >/dev/null 2>&1; then brctl addbr "$2"; else ip link add name "$2" type bridge; fi ;;
    esac || return
  fi
  [ "$nw_if_sort" != bond ] || nw_interface_rebond "$1" "$2"
  ip link set dev "$2" mtu "$(nw_interface_from_note "$2" mtu)" && ip link set dev "$2" "$(nw_interface_from_note "$2" link)"
}

# nw_interface_rebond STYLE BOND: its options and cards, where one of them is another.
nw_interface_rebond() {
  nw_interface_print "$1" "$2" | grep '^bond ' >"$NW_GUARD/bond.now"
  grep '^bond ' "$NW_GUARD/interface.$2" >"$NW_GUARD/bond.noted"
  ! cmp -s "$NW_GUARD/bond.now" "$NW_GUARD/bond.noted" || return 0
  ip link set dev "$2" down
  nw_interface_free "$2" slaves
  nw_interface_free "$2" arp_ip_target
  # Some words mean nothing in some modes, and are refused.
  while read -r _ nw_if_key nw_if_line; do
    case $nw_if_key in
    arp_ip_target) for nw_if_one in $nw_if_line; do echo "+$nw_if_one" >"/sys/class/net/$2/bonding/arp_ip_target"; done ;;
    slaves) for nw_if_one in $nw_if_line; do nw_interface_join "$nw_if_one" "$2"; done ;;
    *) echo "${nw_if_line%% *}" >"/sys/class/net/$2/bonding/$nw_if_key" ;;
    esac 2>/dev/null
  done <"$NW_GUARD/bond.noted"
}

# nw_interface_fill STYLE DEVICE: restores its master, its addresses and its routes.
nw_interface_fill() {
  nw_if_note=$(nw_interface_from_note "$2" master)
  if [ -n "$nw_if_note" ]; then nw_interface_join "$2" "$nw_if_note"; else nw_interface_part "$2"; fi
  if grep -q '^dhcp$' "$NW_GUARD/interface.$2" && ! nw_interface_print "$1" "$2" | grep -q '^dhcp$'; then
    ip addr flush dev "$2"
    [ "$1" != ifupdown ] || nw_interface_state "$2" no
    ifup "$2" </dev/null || :
  fi
  [ "$1" != ifupdown ] || nw_interface_state "$2" "$(nw_interface_from_note "$2" state)"
  nw_interface_print "$1" "$2" | grep -v -x -F -f "$NW_GUARD/interface.$2" >"$NW_GUARD/interface.now"
  # Before any is made: in words that mean less, one of these routes stands for the one that is noted.
  while read -r nw_if_key nw_if_one nw_if_line; do
    case $nw_if_key in
    addr) ip addr del "$nw_if_one" dev "$2" ;;
    route) nw_interface_route "$2" "$nw_if_one" del "$nw_if_line" 2>/dev/null ;;
    esac
  done <"$NW_GUARD/interface.now"
  nw_interface_restore_addresses "$2" "$NW_GUARD/interface.$2"
}

# nw_interface_away STYLE DEVICE: gone, or a card switched off.
nw_interface_away() {
  [ "$1" != ifupdown ] || nw_interface_state "$2" no || return
  [ -e "/sys/class/net/$2" ] || return 0
  if [ "$1" = keyfile ]; then nmcli -w 60 device disconnect "$2" || :; else nw_interface_no_dhcp "$2"; fi
  [ -e "/sys/class/net/$2" ] || return 0
  ip link set dev "$2" down
  if [ -d "/sys/class/net/$2/bonding" ]; then
    nw_interface_free "$2" slaves
    echo "-$2" >/sys/class/net/bonding_masters
  elif [ -d "/sys/class/net/$2/bridge" ]; then
    if command -v brctl >/dev/null 2>&1; then brctl delbr "$2"; else ip link del dev "$2" type bridge; fi
  elif grep -q -s -E "^$2 +\\|" /proc/net/vlan/config; then ip link del dev "$2" type vlan
  else nw_interface_part "$2" && ip addr flush dev "$2"
  fi
}

# The guard's note of the serial line, and its rollback.
nw_interface_serial_note() { ps -C pppd -o args= | grep -E ' call serial( |$)' >"$NW_GUARD/interface-serial" || :; }
nw_interface_serial_undo() {
  if [ -s "$NW_GUARD/interface-serial" ]; then nw_interface_serial; else nw_interface_serial_off; fi
}
