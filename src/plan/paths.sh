# How paths are looked at. What is no regular file is never opened: a pipe would wait, and a device may do something. What
# is exchanged for one meanwhile is given up. Each function fails where a tool does, and hands over as many paths as fit.

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
  nw_sums=$(printf '%s\n\n%s\n' "$nw_want" "$nw_sums" | awk '!now { if ($0 == "") now = 1; else want[$0]; next } !($0 in want)') || return
  nw_room=8388608
  while IFS= read -r nw_line; do
    [ -z "$nw_line" ] || nw_path_content "${nw_line#*  }" 131072 || return
  done <<NW_END
$nw_sums
NW_END
}

# nw_path_content PATH LIMIT: none of a file that is larger, nor of one that there is no room for any more.
nw_path_content() {
  nw_size=$(timeout 10 wc -c -- "$1") || return
  nw_size=${nw_size%% *}
  if [ "$nw_size" -gt "$2" ] || [ "$nw_size" -gt "$nw_room" ]; then return 0; fi
  nw_room=$((nw_room - nw_size))
  printf '\n%s content %s\n' "$NW_SENTINEL" "$1"
  timeout 10 head -c "$nw_size" -- "$1"
}

# nw_path_contents PATH...: the digest and the content of each that is a file.
nw_path_contents() {
  nw_path_sum "$@" || return
  nw_room=8388608
  for nw_p in "$@"; do
    [ ! -f "$nw_p" ] || nw_path_content "$nw_p" 1048576 || return
  done
}

# nw_path_entries FOLDER...: what lies in each, by its path, seven of each at most.
nw_path_entries() {
  for nw_p; do
    if [ ! -d "$nw_p" ] || [ -L "$nw_p" ]; then continue; fi
    nw_n=0
    for nw_one in "$nw_p"/* "$nw_p"/.[!.]* "$nw_p"/..?*; do
      if [ ! -e "$nw_one" ] && [ ! -L "$nw_one" ]; then continue; fi
      [ "$nw_n" -lt 7 ] || break
      nw_n=$((nw_n + 1))
      printf '%s\n' "$nw_one"
    done
  done
}
