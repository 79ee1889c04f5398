nw_path_stat() {
  for nw_p; do if [ -e "$nw_p" ] || [ -L "$nw_p" ]; then printf '%s\000' "$nw_p"; fi; done |
    xargs -0 -r stat -c '%f %a %U %G %s %n' --
}

# nw_path_link PATH...: where those that are links lead.
nw_path_link() {
  for nw_p; do if [ -L "$nw_p" ]; then printf '%s\000' "$nw_p"; fi; done |
    xargs -0 -r sh -c 'exec find "$@" -maxdepth 0 -type l -printf "%p\t%l\n"' nw
}

nw_path_sum() {
  for nw_p; do if [ -f "$nw_p" ]; then printf '%s\000' "$nw_p"; fi; done |
    xargs -0 -r timeout -s KILL 50 sha256sum --
}

# nw_path_whole WANTED PATH...: the digests of the files, and the content of those whose line is not in WANTED
# (lines of "digest  path", in the same order: when nothing differs, one comparison tells).
nw_path_whole() {
  nw_want=$1; shift
  nw_sums=$(nw_path_sum "$@") || return
  printf '%s\n' "$nw_sums"
  [ "$nw_sums" != "$nw_want" ] && [ -n "$nw_sums" ] || return 0
  nw_room=8388608
  nw_sums=$(nw_differing "$nw_want" "$nw_sums") || return
  printf '%s\n' "$nw_sums" | while IFS= read -r nw_line; do [ -z "$nw_line" ] || nw_content "${nw_line#*  }" 131072 || exit; done
}

# nw_path_contents PATH...: the digest and the content of each that is a file.
nw_path_contents() {
  nw_path_sum "$@" || return
  nw_room=8388608
  for nw_p; do [ ! -f "$nw_p" ] || nw_content "$nw_p" 1048576 || return; done
}

# nw_path_entries FOLDER...: the entries of each, by their paths, seven of each at most.
nw_path_entries() {
  for nw_p; do
    if [ -d "$nw_p" ] && [ ! -L "$nw_p" ]; then find "$nw_p" -mindepth 1 -maxdepth 1 | sort | head -n 7; fi
  done
}
