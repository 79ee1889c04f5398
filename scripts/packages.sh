#!/bin/bash
# Makes a Debian package and an RPM of what `make install` puts in place: scripts/packages.sh PROGRAM INTO
# Both need the C library that the program needs, which is read off the program.
set -euo pipefail
program=$(realpath "$1")
mkdir -p "$2"
into=$(realpath "$2")
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
about=$(sed -n 's/^description = "\(.*\)"/\1/p' Cargo.toml)
license=$(sed -n 's/^license = "\(.*\)"/\1/p' Cargo.toml)
libc=$(objdump -T "$program" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
libc=${libc#GLIBC_}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make -s install BIN="$program" DESTDIR="$work/tree" PREFIX=/usr
find "$work/tree/usr/share/man" -type f -exec gzip -9n {} +
install -D -m 0644 -t "$work/tree/usr/share/doc/nodewright" README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT

mkdir "$work/tree/DEBIAN"
(cd "$work/tree" && find usr -type f -exec md5sum {} +) >"$work/tree/DEBIAN/md5sums"
cat >"$work/tree/DEBIAN/control" <<END
Package: nodewright
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: $(id -un)@$(uname -n)
Installed-Size: $(du -sk "$work/tree/usr" | cut -f 1)
Depends: libc6 (>= $libc), libgcc-s1, openssh-client
Recommends: git
Section: admin
Priority: optional
Description: $about
END
dpkg-deb --root-owner-group -Zgzip --build "$work/tree" "$into" >/dev/null
rm -r "$work/tree/DEBIAN"

# What it needs of the C library rpmbuild reads off the program itself.
cat >"$work/nodewright.spec" <<END
Name: nodewright
Version: $version
Release: 1
Summary: $about
License: $license
Requires: openssh-clients
%global debug_package %{nil}
%define __strip /bin/true
%define _build_id_links none
%define _binary_payload w6.gzdio
%description
$about.
%files
/usr/bin/nodewright
/usr/share/man/man1/*
/usr/share/bash-completion/completions/nodewright
/usr/share/zsh/site-functions/_nodewright
/usr/share/fish/vendor_completions.d/nodewright.fish
%doc /usr/share/doc/nodewright
END
rpmbuild -bb --quiet --buildroot "$work/tree" --define "_topdir $work/rpm" --define "_rpmdir $into" \
  --define '_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm' --noclean "$work/nodewright.spec"
ls "$into"/nodewright_"$version"_*.deb "$into"/nodewright-"$version"-1.*.rpm
