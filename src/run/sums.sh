# nw_sums PATH...: the digest of each that is a file; what a link leads to is not what was written there.
nw_sums() {
  for nw_p; do
    shift
    if [ -L "$nw_p" ]; then printf 'link  %s\n' "$nw_p"; else set -- "$@" "$nw_p"; fi
  done
  [ "$#" -eq 0 ] || sha256sum -- "$@"
}
