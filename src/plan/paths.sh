# nw_path_whole WANTED PATH...: the digests of the files, and the content of those whose line is not in WANTED
# (lines of "digest  path", in the same order: when nothing differs, one comparison tells).
nw_path_whole() {
  nw_want=$1; shift
  nw_sums=$(sha256sum -- "$@")
  printf '%s\n' "$nw_sums"
  [ "$nw_sums" = "$nw_want" ] && return 0
  [ -n "$nw_sums" ] || return 0
  while IFS= read -r nw_line; do
    case "
$nw_want
" in *"
$nw_line
"*) continue ;; esac
    nw_path_content "${nw_line#*  }"
  done <<NW_END
$nw_sums
NW_END
  return 0
}

nw_path_content() {
  printf '\n%s content %s\n' "$NW_SENTINEL" "$1"
  cat -- "$1"
}

# nw_path_contents PATH...: the content of each that is a file.
nw_path_contents() {
  for nw_p in "$@"; do
    [ -f "$nw_p" ] && nw_path_content "$nw_p"
  done
  return 0
}

# nw_path_entries FOLDER...: what lies in each, by its path, seven of each at most.
nw_path_entries() {
  for nw_p; do
    if [ ! -d "$nw_p" ] || [ -L "$nw_p" ]; then continue; fi
    find "$nw_p" -mindepth 1 -maxdepth 1 | sort | head -n 7
  done
}
