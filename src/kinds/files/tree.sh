# nw_tree_seen stat|sum FOLDER...: all folders and what lies in them, by one process.
nw_tree_seen() {
  command -v stat >/dev/null 2>&1 && command -v sha256sum >/dev/null 2>&1 || return 127
  nw_tree_what=$1; shift
  case $nw_tree_what in
  stat) find "$@" -maxdepth 1 -exec stat -c '%f %s %a %U %G %n' -- {} + ;;
  sum) find "$@" -mindepth 1 -maxdepth 1 -type f -exec sha256sum -- {} + | sort -k 2 ;;
  esac 2>/dev/null
}

# nw_tree_read WANTED FOLDER...: the digests of their files, then the content of each file whose line is not in WANTED.
# None of a file that is to hold a secret (its line in WANTED has a dash for its digest) or was written with one, none above 128 KiB, and no more than 1 MiB in all.
nw_tree_read() {
  nw_tree_want=$1; shift
  nw_tree_sums=$(nw_tree_seen sum "$@")
  nw_tree_rc=$?
  [ -n "$nw_tree_sums" ] || return "$nw_tree_rc"
  printf '%s\n' "$nw_tree_sums"
  nw_room=1048576
  nw_tree_sums=$(nw_differing "$nw_tree_want" "$nw_tree_sums") || return
  printf '%s\n' "$nw_tree_sums" | while IFS= read -r nw_tree_one; do
    nw_tree_one=${nw_tree_one#*  }
    [ -n "$nw_tree_one" ] || continue
    ! nw_manifest_secret tree "${nw_tree_one%/*}" || ! nw_tree_hidden "$nw_tree_one" || continue
    nw_content "$nw_tree_one" 131072 || continue
  done
  return "$nw_tree_rc"
}

# nw_tree_stage [nw_preflight] COUNT NAME CONTENT NAME CONTENT... [CHECK...]: stages the files in the folder ./staged, and all
# of them as one beside it; runs CHECK with {staged} and {joined} put in, by the first word if there is one.
nw_tree_stage() {
  nw_tree_by=$1 nw_tree_n=$2 nw_tree_at=$(pwd -P)/staged; shift 2
  mkdir -m 0700 ./staged && ( umask 077; : >./staged.joined ) || return 1
  while [ "$nw_tree_n" -gt 0 ]; do
    cat -- "$2" >"./staged/$1" && cat -- "$2" >>./staged.joined || return 1
    shift 2
    nw_tree_n=$((nw_tree_n - 1))
  done
  for nw_tree_word; do
    shift
    case $nw_tree_word in
    *'{staged}'*) nw_tree_word=${nw_tree_word%%'{staged}'*}$nw_tree_at${nw_tree_word#*'{staged}'} ;;
    *'{joined}'*) nw_tree_word=${nw_tree_word%%'{joined}'*}$nw_tree_at.joined${nw_tree_word#*'{joined}'} ;;
    esac
    set -- "$@" "$nw_tree_word"
  done
  [ "$#" -eq 0 ] || ( cd /; $nw_tree_by "$@" </dev/null )
}

# nw_tree_check COUNT NAME CONTENT... [CHECK...]: before anything is changed, away from its place.
nw_tree_check() {
  # Among the contents of the batch, which are destroyed when it ends, however it ends.
  nw_tree_tmp=$(mktemp -d "$NW_BLOB/.nw-tree.XXXXXX") || return 1
  ( cd "$nw_tree_tmp" && nw_tree_stage nw_preflight "$@" )
  nw_tree_rc=$?
  rm -rf -- "$nw_tree_tmp"
  return "$nw_tree_rc"
}

# nw_tree_replace FOLDER MODE OWNER GROUP FILE_MODE SECRETS SUMS COUNT NAME CONTENT... [CHECK...]: stages, checks, keeps what was
# there, swaps by rename. SECRETS are the files that hold one, a line each; SUMS the digests that the plan saw.
nw_tree_replace() {
  nw_tree_path=$1 nw_tree_mode=$2 nw_tree_owner=$3:$4 nw_tree_files=$5 nw_tree_secrets=$6 nw_tree_sums=$7; shift 7
  if [ "$(nw_tree_seen sum "$nw_tree_path")" != "$nw_tree_sums" ]; then
    printf '%s was changed since the plan was made\n' "$nw_tree_path"
    return 3
  fi
  nw_inside "$nw_tree_path" "${nw_tree_owner%%:*}" no nw_tree_replace_here "$@"
}

nw_tree_replace_here() {
  nw_private || return
  # Until the folder is there, files of both are hidden.
  nw_tree_stage '' "$@" && nw_tree_list all && nw_tree_swap && nw_tree_list new
  nw_public
}

# Whether a file of such a folder holds a secret. Where it is not known which ones do, all of them.
nw_tree_hidden() {
  nw_tree_listed=$NW_STATE/secret-files
  ! grep -F -x -q -- "$1" "$nw_tree_listed" 2>/dev/null || return 0
  ! grep -F -q -- "${1%/*}/" "$nw_tree_listed" 2>/dev/null
}

# nw_tree_list all|new: notes which files of the folder hold a secret; "all" leaves those that did.
nw_tree_list() {
  nw_tree_listed=$NW_STATE/secret-files
  [ -n "$nw_tree_secrets" ] || [ -e "$nw_tree_listed" ] || return 0
  {
    [ ! -e "$nw_tree_listed" ] || while IFS= read -r nw_tree_one; do
      if [ "$1" = all ] || [ "${nw_tree_one%/*}" != "$nw_tree_path" ]; then printf '%s\n' "$nw_tree_one"; fi
    done <"$nw_tree_listed"
    [ -z "$nw_tree_secrets" ] || printf '%s\n' "$nw_tree_secrets"
  } >"$nw_tree_listed.new" && mv -f -- "$nw_tree_listed.new" "$nw_tree_listed"
}

nw_tree_swap() {
  find ./staged -type f -exec chmod -- "$nw_tree_files" {} + &&
    chown -R -- "$nw_tree_owner" ./staged && chmod -- "$nw_tree_mode" ./staged || return 1
  if [ -d "../$nw_name" ]; then
    # A folder that held a secret is not kept: it can be rendered again, and secrets stay secret.
    [ -n "$nw_tree_secrets" ] || nw_manifest_secret tree "$nw_tree_path" || nw_keep "$nw_tree_path" "../$nw_name" || return 1
    mv -T -- "../$nw_name" ./old || return 1
  fi
  mv -T -- ./staged "../$nw_name" || { mv -T -- ./old "../$nw_name" 2>/dev/null; return 1; }
  nw_relabel -R -- "$nw_tree_path"
}

# nw_tree_remove FOLDER DIGEST KEEP(yes|no): a folder that nobody wants any more, while it is as it was written: DIGEST is that
# of its files' digests and names, and of no folder in which anything but plain files with plain names lies.
nw_tree_remove() { [ ! -d "${1%/*}/" ] || nw_inside "$1" '*' no nw_tree_remove_here "$@"; }
nw_tree_remove_here() {
  if [ ! -e "./$nw_name" ] && [ ! -L "./$nw_name" ]; then return 0; fi
  nw_tree_sum=other
  # A find that failed says nothing of what lies in it.
  [ ! -L "./$nw_name" ] && nw_tree_odd=$(find "./$nw_name" -mindepth 1 \( ! -type f -o -name '.*' \)) && [ -z "$nw_tree_odd" ] &&
    nw_tree_sum=$(cd "./$nw_name" && sha256sum -- * | sha256sum) || nw_tree_sum=other
  [ "${nw_tree_sum%% *}" = "$2" ] || nw_changed "$1" "$2" "${nw_tree_sum%% *}" || return
  [ "$3" = no ] || nw_keep "$1" "./$nw_name" || return
  # Whole or not at all, for whoever looks.
  nw_private && mv -T -- "../$nw_name" ./old || return
  nw_public && [ ! -e "$nw_tmp" ]
}
