#!/bin/sh
# repository.sh DIR: a repository of small real RPMs, as DIR/6 (services by SysV scripts) and DIR/7 (by units).
# Their names are those that the shipped roles install on a release of this kind; their contents are this file's.
set -eu
dir=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# spec NAME VERSION INSTALL FILES [PROVIDES]: one package.
spec() {
  cat >"$work/$1-$2.spec" <<END
Name: $1
Version: $2
Release: 1.lab
Summary: The test package $1
License: MIT
BuildArch: noarch
AutoReqProv: no
${5:+Provides: $5}
%description
Made on the spot for tests.
%install
mkdir -p %{buildroot}/usr/share/lab
echo '$1 $2' >%{buildroot}/usr/share/lab/$1
$3
%files
/usr/share/lab/$1
$4
END
}

# configured NAME VERSION PATH: a package with one configuration file.
configured() {
  spec "$1" "$2" "mkdir -p %{buildroot}${3%/*}
echo '# $1 $2' >%{buildroot}$3" "%config(noreplace) $3"
}

# daemon NAME VERSION SERVICE CONFIG: a package with a service that only waits, and its configuration file.
daemon() {
  common="mkdir -p %{buildroot}/usr/sbin %{buildroot}${4%/*}
echo '# $1 $2' >%{buildroot}$4
printf '#!/bin/sh\n# Waits; reads its configuration again on HUP.\ntrap : HUP\nwhile :; do sleep 3600 & wait; done\n' >%{buildroot}/usr/sbin/$3"
  files="%config(noreplace) $4
%attr(755,root,root) /usr/sbin/$3"
  if [ "$el" = 6 ]; then
    spec "$1" "$2" "$common
mkdir -p %{buildroot}/etc/init.d
sed 's/@NAME@/$3/' '$here/el6/script' >%{buildroot}/etc/init.d/$3" "$files
%attr(755,root,root) /etc/init.d/$3"
  else
    spec "$1" "$2" "$common
mkdir -p %{buildroot}/usr/lib/systemd/system
printf '[Unit]\nDescription=$1\n[Service]\nExecStart=/usr/sbin/$3\nExecReload=/bin/kill -HUP \$MAINPID\n[Install]\nWantedBy=multi-user.target\n' >%{buildroot}/usr/lib/systemd/system/$3.service" "$files
/usr/lib/systemd/system/$3.service"
  fi
}

# shorewall NAME: answers as Shorewall does and says of itself. 4.5 with a start script, 5.1 with a unit.
shorewall() {
  if [ "$el" = 6 ]; then version=4.5.4; else version=5.1.10; fi
  common="mkdir -p %{buildroot}/usr/sbin %{buildroot}/usr/share/$1 %{buildroot}/etc/$1 %{buildroot}/var/lib/$1
echo $version >%{buildroot}/usr/share/$1/version
echo STARTUP_ENABLED=No >%{buildroot}/etc/$1/$1.conf
sed 's/@NAME@/$1/g; s/@VERSION@/$version/g' '$here/shorewall' >%{buildroot}/usr/sbin/$1"
  files="%config(noreplace) /etc/$1/$1.conf
/usr/share/$1/version
%dir /var/lib/$1
%attr(755,root,root) /usr/sbin/$1"
  if [ "$el" = 6 ]; then
    spec "$1" "$version" "$common
mkdir -p %{buildroot}/etc/init.d
printf '#!/bin/sh\n# chkconfig: - 28 90\n# description: Packet filtering firewall\nexec /usr/sbin/$1 \"\$@\"\n' >%{buildroot}/etc/init.d/$1" "$files
%attr(755,root,root) /etc/init.d/$1"
  else
    spec "$1" "$version" "$common
mkdir -p %{buildroot}/usr/lib/systemd/system
printf '[Unit]\nDescription=$1\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/sbin/$1 start\nExecStop=/usr/sbin/$1 stop\nExecReload=/usr/sbin/$1 reload\n[Install]\nWantedBy=basic.target\n' >%{buildroot}/usr/lib/systemd/system/$1.service" "$files
/usr/lib/systemd/system/$1.service"
  fi
}

here=$(cd "$(dirname "$0")" && pwd)
for el in 6 7; do
  spec hello 1.0 : ''
  spec tree 1.0 : ''
  spec less 1.0 : ''
  spec tmux 1.0 : ''
  spec git 1.0 : ''
  configured labconf 1.0 /etc/labconf.conf
  configured labconf 1.1 /etc/labconf.conf
  configured etckeeper 1.0 /etc/etckeeper/etckeeper.conf
  daemon labd 1.0 labd /etc/labd.conf
  daemon labd 1.1 labd /etc/labd.conf
  daemon chrony 4.0 chronyd /etc/chrony.conf
  daemon ntp 4.2 ntpd /etc/ntp.conf
  daemon rsyslog 5.8 rsyslog /etc/rsyslog.conf
  shorewall shorewall
  shorewall shorewall6
  if [ "$el" = 6 ]; then
    spec cman 3.0.12 "mkdir -p %{buildroot}/usr/sbin %{buildroot}/usr/share/cluster-lab %{buildroot}/etc/init.d %{buildroot}/etc/cluster
cp '$here/el6/cluster/common' %{buildroot}/usr/share/cluster-lab/
cp '$here'/el6/cluster/cman_tool '$here'/el6/cluster/fence_tool '$here'/el6/cluster/ccs_config_validate %{buildroot}/usr/sbin/
cp '$here/el6/cluster/cman' %{buildroot}/etc/init.d/
mkdir -p %{buildroot}/etc/sysconfig
echo '#CONFIG_VALIDATION=WARN' >%{buildroot}/etc/sysconfig/cman
printf '#!/bin/sh\n# chkconfig: - 20 20\n# description: as cman brings it along\nexit 3\n' >%{buildroot}/etc/init.d/corosync" "/usr/share/cluster-lab/common
%dir /etc/cluster
%config(noreplace) /etc/sysconfig/cman
%attr(755,root,root) /usr/sbin/cman_tool
%attr(755,root,root) /usr/sbin/fence_tool
%attr(755,root,root) /usr/sbin/ccs_config_validate
%attr(755,root,root) /etc/init.d/cman
%attr(755,root,root) /etc/init.d/corosync"
  fi
  # Its %pre fails, so that an installation of it fails.
  spec labbroken 1.0 : "%pre
exit 1"
  # What a release brings with its installer, for questions only: no file of it is here.
  spec bash 0 : '' '/bin/sh /bin/bash /usr/bin/sh /usr/bin/bash'
  for name in coreutils openssh-server sudo initscripts python3-dnf-plugin-versionlock yum-plugin-versionlock; do
    spec "$name" 0 : ''
  done
  mkdir -p "$dir/$el"
  rpmbuild --quiet --define "_topdir $work/top" --define '__os_install_post %{nil}' --define '_buildhost lab' -bb "$work"/*.spec
  cp "$work"/top/RPMS/noarch/*.rpm "$dir/$el"
  createrepo_c -q "$dir/$el"
  rm -rf "$work"/top "$work"/*.spec
done
