#!/bin/bash
# Installs what the tests and the demonstration need on Debian 12 and that is not there yet. Needs root and Rust.
# Further tools of cargo are named as arguments: scripts/setup.sh cargo-deny
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

# A program or file, and the package that brings it.
wanted='
mmdebstrap mmdebstrap
systemd-nspawn systemd-container
ip iproute2
ssh openssh-client
sshd openssh-server
sudo sudo
shellcheck shellcheck
shorewall shorewall
shorewall6 shorewall6
ip6tables iptables
nsenter util-linux
git git
make make
cc gcc
/usr/include/stdio.h libc6-dev
dash dash
busybox busybox-static
qemu-system-x86_64 qemu-system-x86
qemu-img qemu-utils
ipmi_sim openipmi
mke2fs e2fsprogs
xz xz-utils
zstd zstd
gpg gpg
gpg-agent gpg-agent
dot graphviz
xmllint libxml2-utils
xsltproc xsltproc
parted parted
debconf-set-selections debconf
python3 python3-venv
rpmbuild rpm
objdump binutils
zsh zsh
fish fish
'
missing=()
while read -r program package; do
  [ -n "$program" ] || continue
  command -v "$program" >/dev/null || [ -e "$program" ] || missing+=("$package")
done <<<"$wanted"
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "missing here: ${missing[*]}; as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  apt-get -q update
  # Both parts of QEMU have to be of one version, and the part that is here may be of a newer release.
  if [[ " ${missing[*]} " == *" qemu-system-x86 "* ]]; then
    version=$(apt-cache policy qemu-system-x86 | sed -n 's/^ *Candidate: //p')
    missing+=("qemu-utils=$version" --allow-downgrades)
  fi
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"
fi

if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
  PATH=$HOME/.cargo/bin:$PATH
fi
if ! command -v cargo >/dev/null; then
  echo "cargo is not in the search path: install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer" >&2
  exit 1
fi
# Compiling one takes minutes, so an installed one is used as it is.
for tool in cargo-nextest "$@"; do
  if ! cargo "${tool#cargo-}" --version >/dev/null 2>&1; then
    cargo install "$tool" --locked
  fi
done
# Reads kickstart files as each release does; no package of Debian.
validator=$(dirname "$0")/../target/pykickstart
if [ ! -x "$validator/bin/ksvalidator" ]; then
  python3 -m venv "$validator"
  "$validator/bin/pip" -q install pykickstart==3.78
fi
# The two language servers for TOML, which read the schemas of inventories and role files.
editors=$(dirname "$0")/../target/editors
if [ ! -x "$editors/bin/tombi" ] || [ ! -x "$editors/bin/taplo" ]; then
  python3 -m venv "$editors"
  "$editors/bin/pip" -q install taplo==0.9.3 tombi==1.9.6
fi
