# nw_git_into FOLDER [make]: git runs commands of a checkout's own configuration, so only root may write there.
nw_git_into() { nw_enter "$1" root "${2:-no}" && nw_safe && [ -z "$(find . -maxdepth 1 -name .git ! -user root)" ]; }

# nw_git_seen FOLDER: its state, in lines "WORD VALUE". git 1.7 of EL6 knows no -C.
nw_git_seen() {
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then echo state absent; return 0; fi
  if [ ! -d "$1" ]; then echo state other; return 0; fi
  if [ ! -e "$1/.git" ]; then
    if [ -z "$(find "$1/" -mindepth 1 -maxdepth 1)" ]; then echo state empty; else echo state full; fi
    return 0
  fi
  command -v git >/dev/null 2>&1 || return 127
  nw_git_into "$1" >/dev/null || { echo state other; return 0; }
  nw_git_head=$(git rev-parse --verify -q HEAD) || nw_git_head=none
  nw_git_url=$(git config --get remote.origin.url) || nw_git_url=
  nw_git_changes=$(git status --porcelain) || return 1
  printf 'state checkout\nhead %s\nurl %s\n' "$nw_git_head" "$nw_git_url"
  [ -z "$nw_git_changes" ] || printf '%s\n' "$nw_git_changes" | sed 's/^/change /'
}

# nw_git_checkout FOLDER URL COMMIT: brings the commit, by itself where the server gives it so, and checks it out.
nw_git_checkout() {
  nw_git_into "$1" make || return
  [ -e .git ] || git init -q --template= || return 1
  if git config --get remote.origin.url >/dev/null; then git config remote.origin.url "$2"; else git remote add origin "$2"; fi || return 1
  if ! git cat-file -e "$3^{commit}" 2>/dev/null; then
    git fetch -q origin "$3" 2>/dev/null || git fetch -q --tags origin && git fetch -q origin || return 1
  fi
  git checkout -q "$3"
}
