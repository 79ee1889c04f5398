# What a node is made of: sysfs and procfs through cat and stat, nothing that has to be installed.
nw_facts_release() { cat /etc/os-release 2>/dev/null; printf '%s\n' ---; cat /etc/redhat-release 2>/dev/null; printf '%s\n' ---; cat /etc/debian_version; printf '%s\n' ---; dpkg-query -W -f '${Version}' pve-manager 2>/dev/null; }

nw_facts_links() {
  for nw_d in /sys/class/net/*; do
    [ -e "$nw_d/address" ] || continue
    nw_v=virtual; [ -e "$nw_d/device" ] && nw_v=physical
    nw_mac=; nw_mtu=; nw_up=
    read -r nw_mac <"$nw_d/address"
    [ -r "$nw_d/bonding_slave/perm_hwaddr" ] && read -r nw_mac <"$nw_d/bonding_slave/perm_hwaddr"
    read -r nw_mtu <"$nw_d/mtu"
    read -r nw_up <"$nw_d/operstate"
    printf '%s %s %s %s %s\n' "${nw_d##*/}" "$nw_mac" "$nw_mtu" "$nw_up" "$nw_v"
  done
}

# Sizes in sectors of 512 bytes, as sysfs has them.
nw_facts_disks() {
  for nw_d in /sys/block/*; do
    case ${nw_d##*/} in loop*|ram*|zram*|dm-*|drbd*|sr*|fd*) continue ;; esac
    nw_size=0; nw_model=
    read -r nw_size <"$nw_d/size"
    [ -r "$nw_d/device/model" ] && read -r nw_model <"$nw_d/device/model"
    printf '%s %s %s\n' "${nw_d##*/}" "$nw_size" "$nw_model"
  done
}

nw_facts_ids() { QUOTING_STYLE=literal stat -c %N /dev/disk/by-id/*; }

nw_facts_signatures() { blkid -o full; }

nw_facts_selinux() {
  for nw_f in /sys/fs/selinux/enforce /selinux/enforce; do
    [ -r "$nw_f" ] && { cat "$nw_f"; return 0; }
  done
  echo none
}

nw_facts_virtual() {
  cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name
  printf '%s\n' ---
  while read -r nw_k nw_c nw_rest; do
    case $nw_k in flags) printf '%s\n' "$nw_rest"; break ;; esac
  done </proc/cpuinfo
}

nw_facts_versions() {
  for nw_t in drbdadm corosync shorewall pacemakerd; do
    command -v "$nw_t" >/dev/null || continue
    case $nw_t in
    drbdadm) printf 'drbd %s\n' "$(drbdadm --version | while read -r nw_l; do case $nw_l in DRBDADM_VERSION=*) echo "${nw_l#*=}" ;; esac; done)" ;;
    corosync) printf 'corosync %s\n' "$(corosync -v | while read -r nw_l; do case $nw_l in *version*) echo "${nw_l##*version }" ;; esac; done)" ;;
    shorewall) printf 'shorewall %s\n' "$(shorewall version)" ;;
    pacemakerd) printf 'pacemaker %s\n' "$(pacemakerd --version | { read -r nw_l; echo "${nw_l#Pacemaker }"; })" ;;
    esac
  done
}
