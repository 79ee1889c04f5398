# nw_cib_seen: the CIB without its status; nothing where Pacemaker does not run.
nw_cib_seen() {
  nw_traces manager
  command -v cibadmin >/dev/null 2>&1 || return 0
  echo installed
  nw_cib_live=$(cibadmin --query --local 2>/dev/null) || return 0
  echo running
  printf '%s\n' "$nw_cib_live" | sed -n -e '/^<cib /p' -e '/^  <configuration/,/^  <\/configuration>/p'
}

# nw_cib_push FROM OLD NEW SECONDS: pushes the difference of OLD and NEW, if the configuration is still that of FROM.
# Then the cluster has so many seconds to become idle.
nw_cib_push() {
  nw_cib_patch=$NW_DIR/cib-patch.xml nw_cib_now=$NW_DIR/cib-now.xml
  # A fault in the state of the cluster just now is a warning, and no reason to leave the configuration wrong.
  nw_cib_output=$(crm_verify --xml-file "$3" 2>&1) || case $nw_cib_output in
  *'Warnings found'* | *'(with warnings)'*) ;; # Pacemaker 3 says the second
  *) printf '%s\n' "$nw_cib_output" 'Pacemaker would not take this configuration'; return 1 ;;
  esac
  cibadmin --query --local | sed -n -e '/^  <configuration/,/^  <\/configuration>/p' >"$nw_cib_now"
  cmp -s "$1" "$nw_cib_now" || { echo 'the CIB was changed since it was observed: run again'; return 1; }
  # 1: they differ.
  crm_diff --original "$2" --new "$3" >"$nw_cib_patch.all" && return
  [ "$?" = 1 ] || return 1
  # What crm_diff leaves out with --no-version, which came after 1.1.13: the versions are those of two files.
  sed '/<version>/,/<\/version>/d' "$nw_cib_patch.all" >"$nw_cib_patch" || return
  cibadmin --patch --xml-file "$nw_cib_patch" || return
  [ "$4" = 0 ] || crm_resource --wait --timeout="${4}s" </dev/null || { echo "the cluster had not settled after $4 seconds: \`crm_mon -1rf\` tells what it waits for"; return 1; }
}
