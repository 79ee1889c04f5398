#!/bin/bash
# fetch-kernel.sh FOLDER: downloads into the folder the kernel that Debian installs, and a busybox that needs no library.
# APT_CONFIG names where from.
set -euo pipefail
cd "$1"
apt-get -q update
kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
apt-get -q download "$kernel" busybox-static
