#!/bin/bash
# The demonstration: the site inventory/crosslink, rehearsed on two bare nodes on this machine.
set -euo pipefail
cd "$(dirname "$0")"
PATH=$(realpath "${CARGO_TARGET_DIR:-target}")/debug:$PATH
export NODEWRIGHT_LAB_NAME=demo-$$ USER=${USER:-root}
work=$(mktemp -d)
cp -r inventory/crosslink "$work/site"
cd "$work/site"
export XDG_RUNTIME_DIR=$work/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
trap 'nodewright lab down >/dev/null 2>&1; rm -rf "$work"' EXIT

# words WORD...: as one would type them.
words() {
  line=''
  for word; do
    case $word in
    *[!A-Za-z0-9_./:=@%+,-]*) line="$line '$word'" ;;
    *) line="$line $word" ;;
    esac
  done
  printf '$%s\n' "$line"
}

# step TITLE CODE COMMAND...: shows a command, runs it, and ends the demonstration when it ends with another code.
step() {
  printf '\n\033[1m== %s\033[0m\n' "$1"
  expected=$2
  shift 2
  words "$@"
  code=0
  "$@" || code=$?
  if [ "$code" != "$expected" ]; then
    printf 'ended with %s, expected %s\n' "$code" "$expected" >&2
    exit 1
  fi
}

step 'Two bare nodes, as the site describes them' 0 nodewright lab up
step 'Is the site sound?' 0 nodewright --lab check
step 'What would change? (exit 2: changes are pending)' 2 nodewright --lab plan --color never
step 'Do it' 0 nodewright --lab apply --yes --quiet
step 'Again: nothing to do' 0 nodewright --lab apply --yes
step 'Break three things by hand' 0 nodewright lab ssh node1 -- \
  'sed -i /node2-grey/d /etc/hosts; echo "intruder ALL=(ALL) ALL" >>/etc/sudoers.d/60-operators; dpkg --remove lsof'
step 'The plan shows exactly those' 2 nodewright --lab plan
step 'Mend them' 0 nodewright --lab apply --yes
step 'Nothing is left to do' 0 nodewright --lab plan
step 'Ask the checks of all roles' 0 nodewright --lab verify -v
step 'Who changed what: the journal of node1' 0 nodewright --lab log node1
step 'And /etc itself remembers, a commit a run' 0 nodewright lab ssh node1 -- git -C /etc log --oneline
step 'All gone again' 0 nodewright lab down
