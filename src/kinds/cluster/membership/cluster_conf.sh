# nw_cluster_conf_line PATH: a file as one whole line.
nw_cluster_conf_line() { tr '\n\t\r' '   ' <"$1"; echo; }

# nw_cluster_conf_canonical PATH: a cluster.conf without its version and its layout: one tag a line, blanks squeezed.
nw_cluster_conf_canonical() {
  nw_cluster_conf_line "$1" | sed -e 's/</\n</g' | sed -n -e '/^</!d' -e 's/  */ /g' -e 's/ $//' -e 's/ \/>$/\/>/' -e '/^<[?!]/d' \
    -e 's/ config_version="[^"]*"//' -e p
}

# nw_cluster_conf_seen PATH ELEMENT...: what is there, and of its tags those of elements that cannot hold a secret.
nw_cluster_conf_seen() {
  nw_cc_path=$1; shift
  # "6.2.0 config 7"
  nw_cc_said=$(cman_tool version) && case $nw_cc_said in *' config '*) echo "running ${nw_cc_said##* config }" ;; esac
  [ -f "$nw_cc_path" ] || return 0
  stat -c 'file %a %U %G %s' -- "$nw_cc_path"
  nw_cc_sum=$(sha256sum <"$nw_cc_path"); echo "sha256 ${nw_cc_sum%% *}"
  nw_cc_sum=$(nw_cluster_conf_canonical "$nw_cc_path" | sha256sum); echo "content ${nw_cc_sum%% *}"
  nw_cluster_conf_line "$nw_cc_path" | sed -n -e 's/.*<cluster [^>]*config_version="\([0-9]*\)".*/version \1/p'
  nw_cluster_conf_canonical "$nw_cc_path" | while IFS= read -r nw_cc_tag; do
    nw_cc_name=${nw_cc_tag#<}; nw_cc_name=${nw_cc_name%%[ />]*}
    for nw_cc_one; do
      [ "$nw_cc_one" != "$nw_cc_name" ] || printf 'tag %s\n' "$nw_cc_tag"
    done
  done
}
