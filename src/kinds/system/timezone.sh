# nw_timezone_known ZONE...: those of which there is a file.
nw_timezone_known() {
  for nw_timezone_one do
    if [ -f "/usr/share/zoneinfo/$nw_timezone_one" ]; then printf '%s\n' "$nw_timezone_one"; fi
  done
}
