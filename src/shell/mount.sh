# nw_mount_folders PATH...: "STATE PATH" a line: mounted (it is not looked into: it may hang), link (the way there leads over
# one), none, other (no folder), full, immutable or empty.
nw_mount_folders() {
  nw_mn_mounted=$(cat /proc/self/mountinfo) || return
  for nw_mn_path; do
    nw_mn_real=$nw_mn_path nw_mn_state=full
    case $nw_mn_mounted in
    *" $nw_mn_path "*) nw_mn_state=mounted ;;
    *) nw_mn_real=$(readlink -f -- "$nw_mn_path") || nw_mn_real=$nw_mn_path ;;
    esac
    if [ "$nw_mn_real" != "$nw_mn_path" ]; then nw_mn_state='link'
    elif [ "$nw_mn_state" = mounted ]; then :
    elif [ ! -e "$nw_mn_path" ]; then nw_mn_state=none
    elif [ ! -d "$nw_mn_path" ]; then nw_mn_state=other
    elif nw_mn_in=$(find "$nw_mn_path/" -mindepth 1 -maxdepth 1) && [ -z "$nw_mn_in" ]; then
      case $(lsattr -d -- "$nw_mn_path" 2>/dev/null) in [!\ ]*i*' '*) nw_mn_state=immutable ;; *) nw_mn_state=empty ;; esac
    fi
    printf '%s %s\n' "$nw_mn_state" "$nw_mn_path"
  done
}
