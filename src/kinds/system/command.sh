# nw_command_there PATH...: those that exist.
nw_command_there() {
  for nw_command_one do
    if [ -e "$nw_command_one" ] || [ -L "$nw_command_one" ]; then printf '%s\n' "$nw_command_one"; fi
  done
}
