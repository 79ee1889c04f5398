# nw_package TOOL install|remove NAME...: one transaction.
nw_package() {
  nw_tool=$1 nw_verb=$2; shift 2
  case $nw_tool in
  apt) DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold --no-install-recommends "$nw_verb" -- "$@" ;;
  *) "$nw_tool" -y -q "$nw_verb" "$@" ;;
  esac
}
