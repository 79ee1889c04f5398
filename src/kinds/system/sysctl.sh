# nw_sysctl_files: settings that are read at boot, each file with its name.
nw_sysctl_files() { head -v -n 2000 /etc/sysctl.conf /etc/sysctl.d/*; }

# nw_sysctl PATH VALUE: in one write, which the kernel takes whole.
nw_sysctl() {
  [ -e "/proc/sys/$1" ] || { echo "nodewright: this kernel has no /proc/sys/$1: is a module not loaded?" >&2; return 1; }
  printf '%s\n' "$2" >"/proc/sys/$1"
}
