# nw_lines REGEX PATTERN...: "FILE:LINE" of each line that matches, in the files of these names that are there.
nw_lines() {
  nw_li_regex=$1; shift
  # shellcheck disable=SC2068 # Patterns hold no blanks; they are expanded here on purpose.
  grep -s -H -E -e "$nw_li_regex" $@
}

# nw_names PATTERN...: the paths there are that match, a line each.
nw_names() {
  # shellcheck disable=SC2068
  for nw_na in $@; do [ ! -e "$nw_na" ] || printf '%s\n' "$nw_na"; done
}
