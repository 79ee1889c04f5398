# nw_cluster_conf_canonical PATH: a cluster.conf without its layout: one tag a line, blanks squeezed.
nw_cluster_conf_canonical() {
  { tr '\n\t\r' '   ' <"$1"; echo; } |
    sed -e 's/</\n</g' | sed -n -e '/^</!d' -e 's/  */ /g' -e 's/ $//' -e 's/ \/>$/\/>/' -e '/^<[?!]/d' -e p
}

nw_cluster_conf_unversioned() { sed 's/ config_version="[^"]*"//'; }

# nw_cluster_conf_seen PATH ELEMENTS: the state of the file, and the tags of its elements that cannot hold a secret ("a|b").
nw_cluster_conf_seen() {
  # "6.2.0 config 7"
  nw_cc_output=$(cman_tool version) && case $nw_cc_output in *' config '*) echo "running ${nw_cc_output##* config }" ;; esac
  [ -f "$1" ] || return 0
  stat -c 'file %a %U %G %s' -- "$1"
  nw_cc_sum=$(sha256sum <"$1"); echo "sha256 ${nw_cc_sum%% *}"
  nw_cc_sum=$(nw_cluster_conf_canonical "$1" | nw_cluster_conf_unversioned | sha256sum); echo "content ${nw_cc_sum%% *}"
  nw_cluster_conf_canonical "$1" | grep -E -e "^<($2)[ />]" | sed 's/^/tag /'
}
