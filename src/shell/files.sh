# nw_lines REGEX PATTERN...: "FILE:LINE" of each line that matches, in the files that the patterns name. What is not there
# or cannot be read is passed over.
nw_lines() {
  nw_li_regex=$1; shift
  # Patterns hold no blanks; they are expanded here on purpose.
  # shellcheck disable=SC2068
  grep -s -H -E -e "$nw_li_regex" $@
}

# nw_names PATTERN...: the paths there are that match, a line each.
nw_names() {
  # shellcheck disable=SC2068
  for nw_na in $@; do [ ! -e "$nw_na" ] || printf '%s\n' "$nw_na"; done
}
