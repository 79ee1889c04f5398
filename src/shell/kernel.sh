# nw_kernel_set FILE VALUE: a setting of the kernel, in one write, which it takes whole.
nw_kernel_set() {
  [ -e "$1" ] || { echo "nodewright: this kernel has no $1: is a module not loaded?" >&2; return 1; }
  printf '%s\n' "$2" >"$1"
}
