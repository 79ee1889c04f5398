#!/bin/bash
# build.sh BASE OUT TOOLS: the layers that turn a Debian root (BASE, with rpm, dnf and createrepo_c) into nodes that
# answer as EL ones do: OUT/common under OUT/el9, OUT/el7 or OUT/el6. TOOLS has a line for each command that the el6
# node may have: "NAME any", "NAME options OPTION…", or "NAME runs OPTION…" where it starts another command.
#
# Runs in a mount namespace of its own.
set -euo pipefail
base=$1 out=$2 tools=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$out/root
mkdir -p "$root"

# lay NAME LOWER: mounts the root with what is written going to OUT/NAME.
lay() {
  mkdir -p "$out/$1" "$out/work-$1"
  mount -t overlay build -o "lowerdir=$2,upperdir=$out/$1,workdir=$out/work-$1" "$root"
  mount -t proc proc "$root/proc"
  for name in null zero urandom; do : >"$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
}
finish() { # NAME
  umount -R "$root"
  rm -rf "${out:?}/work-$1" "${out:?}/${1:?}"/{dev,proc,tmp}
}

lay common "$base"
mkdir -p "$root/tmp/nodes" "$root/etc/rpm" "$root/etc/yum.repos.d" "$root/etc/dnf/vars"
cp -r "$here"/. "$root/tmp/nodes"
chroot "$root" /bin/sh /tmp/nodes/repository.sh /srv/rpms
ln -s 7 "$root/srv/rpms/9"
echo '%_dbpath /var/lib/rpm' >"$root/etc/rpm/macros"
cat >"$root/etc/yum.repos.d/lab.repo" <<'END'
[lab]
name=lab
baseurl=file:///srv/rpms/$releasever
enabled=1
gpgcheck=0
END
cp "$here"/selinux-disabled/* "$root/usr/sbin/"
chmod 755 "$root"/usr/sbin/{getenforce,getsebool,restorecon}
ln -sf dnf "$root/usr/bin/yum"
# Of dnf's plugins only those that hold packages and set up repositories.
find "$root"/usr/lib/python3/dist-packages/dnf-plugins -name '*.py' ! -name versionlock.py ! -name config_manager.py -delete
chroot "$root" rpm --initdb
chroot "$root" rpm -i --nodeps /srv/rpms/7/{bash,coreutils,openssh-server,sudo}-0-*.rpm 2>/dev/null
# Nothing shall take such a node for a Debian one.
rm -rf "$root"/usr/bin/apt* "$root"/usr/bin/dpkg* "$root"/etc/apt "$root"/etc/debian_version "$root"/var/lib/dpkg
finish common

# release NAME VERSION FULL: what tells a release.
release() {
  mkdir -p "$out/$1/etc/dnf/vars"
  echo "$3" >"$out/$1/etc/redhat-release"
  ln -s redhat-release "$out/$1/etc/system-release"
  echo "${2%%.*}" >"$out/$1/etc/dnf/vars/releasever"
}
release el9 9.4 'AlmaLinux release 9.4 (Seafoam Ocelot)'
release el7 7.9 'CentOS Linux release 7.9.2009 (Core)'
printf '%s\n' 'NAME="AlmaLinux"' 'VERSION="9.4 (Seafoam Ocelot)"' 'ID="almalinux"' 'ID_LIKE="rhel centos fedora"' \
  'VERSION_ID="9.4"' 'PLATFORM_ID="platform:el9"' 'PRETTY_NAME="AlmaLinux 9.4 (Seafoam Ocelot)"' >"$out/el9/etc/os-release"
printf '%s\n' 'NAME="CentOS Linux"' 'VERSION="7 (Core)"' 'ID="centos"' 'ID_LIKE="rhel fedora"' \
  'VERSION_ID="7"' 'PRETTY_NAME="CentOS Linux 7 (Core)"' >"$out/el7/etc/os-release"

lay el6 "$out/common:$base"
# The real commands move out of the search path; what stands in it is made from the list.
lab=$root/opt/lab
mkdir -p "$lab"
# Some links in a slim root lead nowhere; cp names them and goes on.
cp -aL "$root/usr/bin" "$lab/bin" 2>/dev/null || :
cp -aL "$root/usr/sbin" "$lab/sbin" 2>/dev/null || :
[ -x "$lab/bin/bash" ] && [ -x "$lab/sbin/sshd" ] && [ -x "$lab/sbin/userdel" ]
rm -rf "${root:?}"/usr/{bin,sbin,games} "${root:?}"/etc/{init.d,rc?.d}
mkdir "$root"/usr/bin "$root"/usr/sbin "$root"/etc/init.d "$root"/etc/rc{0,1,2,3,4,5,6}.d
rm -f "$root"/etc/os-release "$root"/usr/lib/os-release
cp "$lab/bin/bash" "$lab/bin/sh"
cp "$here/el6/guard" "$lab/guard"
install -m 755 "$here"/el6/{chkconfig,service} "$lab/sbin/"
for name in iptables ip6tables; do
  sed "s/@NAME@/$name/g" "$here/el6/iptables" >"$root/etc/init.d/$name"
  chmod 755 "$root/etc/init.d/$name"
  for level in 2 3 4 5; do ln -s "../init.d/$name" "$root/etc/rc$level.d/S08$name"; done
done
rm -f "$lab/bin/yum" "$lab"/bin/systemctl "$lab"/bin/journalctl
# Python's program and dnf's have left their places.
printf '#!/opt/lab/bin/bash\nexport PATH=/opt/lab/sbin:/opt/lab/bin PYTHONHOME=/usr\nexec /opt/lab/bin/python3 /opt/lab/bin/dnf "$@"\n' >"$lab/bin/yum"
chmod 755 "$lab/bin/yum"
while read -r name kind options; do
  for dir in bin sbin; do
    [ -e "$lab/$dir/$name" ] || continue
    there=$root/usr/$dir/$name
    if [ "$kind" != any ]; then
      if [ "$kind" = runs ]; then runs=yes; else runs=no; fi
      printf '#!/opt/lab/bin/bash\nreal=/opt/lab/%s/%s runs=%s allowed=%q\n. /opt/lab/guard\n' \
        "$dir" "$name" "$runs" "$options" >"$there"
      chmod 755 "$there"
    else
      cp -a "$lab/$dir/$name" "$there"
    fi
    break
  done
done <"$tools"
# What etckeeper asks of git is not ours to judge.
printf '#!/opt/lab/bin/bash\nexport PATH=/opt/lab/sbin:/opt/lab/bin:$PATH\nexec /opt/lab/bin/etckeeper "$@"\n' >"$root/usr/bin/etckeeper"
finish el6
mkdir -p "$out/el6/etc/dnf/vars"
release el6 6.10 'CentOS release 6.10 (Final)'
rmdir "$root"
