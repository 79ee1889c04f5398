# nw_tree_seen stat|sum FOLDER...: all folders and what lies in them, by one process.
nw_tree_seen() {
  nw_tree_what=$1; shift
  for nw_tree_dir do
    [ ! -L "$nw_tree_dir" ] || continue
    for nw_tree_one in "$nw_tree_dir"/* "$nw_tree_dir"/.[!.]* "$nw_tree_dir"/..?*; do
      if [ -e "$nw_tree_one" ] || [ -L "$nw_tree_one" ]; then set -- "$@" "$nw_tree_one"; fi
    done
  done
  case $nw_tree_what in
  stat) stat -c '%f %a %U %G %n' -- "$@" ;;
  sum)
    nw_tree_n=$#
    while [ "$nw_tree_n" -gt 0 ]; do
      nw_tree_one=$1; shift
      if [ -f "$nw_tree_one" ] && [ ! -L "$nw_tree_one" ]; then set -- "$@" "$nw_tree_one"; fi
      nw_tree_n=$((nw_tree_n - 1))
    done
    [ "$#" -eq 0 ] || sha256sum -- "$@" ;;
  esac
}

# Stages "COUNT NAME CONTENT NAME CONTENT... [CHECK...]" in the folder nw_tree_stage, and its files as one beside it;
# runs CHECK with {staged} and {joined} put in.
nw_tree_stage() {
  rm -rf -- "$nw_tree_stage" "$nw_tree_stage.joined" || return 1
  mkdir -m 0700 -- "$nw_tree_stage" || return 1
  ( umask 077; : >"$nw_tree_stage.joined" ) || return 1
  nw_tree_n=$1; shift
  while [ "$nw_tree_n" -gt 0 ]; do
    cat -- "$2" >"$nw_tree_stage/$1" && cat -- "$2" >>"$nw_tree_stage.joined" || return 1
    shift 2
    nw_tree_n=$((nw_tree_n - 1))
  done
  [ "$#" -gt 0 ] || return 0
  if [ "$nw_tree_early" = yes ] && ! command -v "$1" >/dev/null 2>&1; then
    echo "$1 is not there yet; checked again before the folder is put in place"
    return 0
  fi
  nw_tree_n=$#
  while [ "$nw_tree_n" -gt 0 ]; do
    nw_tree_word=$1; shift
    case $nw_tree_word in
    *'{staged}'*) nw_tree_word=${nw_tree_word%%'{staged}'*}$nw_tree_stage${nw_tree_word#*'{staged}'} ;;
    *'{joined}'*) nw_tree_word=${nw_tree_word%%'{joined}'*}$nw_tree_stage.joined${nw_tree_word#*'{joined}'} ;;
    esac
    set -- "$@" "$nw_tree_word"
    nw_tree_n=$((nw_tree_n - 1))
  done
  "$@" </dev/null
}

# nw_tree_check COUNT NAME CONTENT... [CHECK...]: before anything is changed, away from its place.
nw_tree_check() {
  # Among the contents of the batch, which are destroyed when it ends, however it ends.
  nw_tree_tmp=$(mktemp -d "$NW_BLOB/.nw-tree.XXXXXX") || return 1
  nw_tree_stage=$nw_tree_tmp/staged nw_tree_early=yes
  nw_tree_stage "$@"
  nw_tree_rc=$?
  rm -rf -- "$nw_tree_tmp"
  return "$nw_tree_rc"
}

# nw_tree_replace FOLDER MODE OWNER GROUP FILE_MODE KEEP(yes|no) COUNT NAME CONTENT... [CHECK...]: stages, checks, keeps
# what was there, swaps by rename.
nw_tree_replace() {
  nw_tree_path=$1 nw_tree_mode=$2 nw_tree_owner=$3:$4 nw_tree_files=$5 nw_tree_keep=$6; shift 6
  nw_tree_beside=${nw_tree_path%/*}/.nw-${NW_RUN:-run}-${nw_tree_path##*/}
  nw_tree_stage=$nw_tree_beside nw_tree_early=no
  nw_tree_stage "$@" && nw_tree_swap
  nw_tree_rc=$?
  rm -rf -- "$nw_tree_beside" "$nw_tree_beside.joined" "$nw_tree_beside.old"
  return "$nw_tree_rc"
}

# Whether the manifest says that the folder was written with a secret in it.
nw_tree_was_secret() {
  [ -s "${NW_STATE:-}/manifest" ] || return 1
  nw_tree_line=$(grep -F -- "/tree:$nw_tree_path$(printf '\t')" "$NW_STATE/manifest" | tail -n 1)
  case $nw_tree_line in *"$(printf '\t')secret") return 0 ;; *) return 1 ;; esac
}

nw_tree_swap() {
  for nw_tree_one in "$nw_tree_beside"/*; do
    [ ! -f "$nw_tree_one" ] || chmod -- "$nw_tree_files" "$nw_tree_one" || return 1
  done
  chown -R -- "$nw_tree_owner" "$nw_tree_beside" && chmod -- "$nw_tree_mode" "$nw_tree_beside" || return 1
  if [ -d "$nw_tree_path" ]; then
    # What held a secret is not kept: it can be rendered again, and secrets stay secret.
    if [ "$nw_tree_keep" = yes ] && ! nw_tree_was_secret; then
      nw_tree_kept=$NW_DIR/kept$nw_tree_path
      ( umask 077; mkdir -p -- "${nw_tree_kept%/*}" ) && rm -rf -- "$nw_tree_kept" || return 1
      cp -a -- "$nw_tree_path" "$nw_tree_kept" || return 1
    fi
    mv -- "$nw_tree_path" "$nw_tree_beside.old" || return 1
  fi
  if ! mv -- "$nw_tree_beside" "$nw_tree_path"; then
    [ ! -d "$nw_tree_beside.old" ] || mv -- "$nw_tree_beside.old" "$nw_tree_path"
    return 1
  fi
  ! command -v restorecon >/dev/null 2>&1 || restorecon -R -- "$nw_tree_path" || :
}
