#!/bin/bash
# The demonstration: two bare nodes on this machine, and what is done with them.
set -euo pipefail
cd "$(dirname "$0")"
nodewright=${CARGO_TARGET_DIR:-target}/debug/nodewright
lab=demo-$$

step() { printf '\n== %s\n' "$1"; shift; printf '$ nodewright %s\n' "$*"; "$nodewright" "$@"; }
trap '"$nodewright" lab down --name "$lab" >/dev/null' EXIT

step 'Two bare nodes' lab up --name "$lab" -n 2
step 'What they are' lab ssh --name "$lab" node1 -- sed -n '1p' /etc/os-release
step 'All gone again' lab down --name "$lab"
