//! The columns of the table of releases: for each, the words that a release may have there.

/// The way in which services are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// systemd's units.
    Systemd,
    /// SysV scripts, which `chkconfig` enables.
    Chkconfig,
    /// SysV scripts, which `update-rc.d` enables.
    UpdateRc,
}

impl Init {
    /// The command that restarts a service, for display.
    pub fn restart(self, service: &str) -> String {
        match self {
            Self::Systemd => format!("systemctl restart {service}"),
            Self::Chkconfig | Self::UpdateRc => format!("service {service} restart"),
        }
    }
}

/// The package manager of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageTool {
    /// yum 3, on EL6 and EL7.
    Yum,
    /// dnf, from EL8 on.
    Dnf,
    /// apt-get and dpkg.
    Apt,
}

impl PackageTool {
    /// Its word in the shell.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yum => "yum",
            Self::Dnf => "dnf",
            Self::Apt => "apt",
        }
    }

    /// Whether packages are RPMs.
    pub fn is_rpm(self) -> bool {
        self != Self::Apt
    }

    /// The package that holds packages back and the file that lists them; `None` for apt, which needs neither.
    pub fn version_lock(self) -> Option<VersionLock> {
        match self {
            Self::Yum => Some(VersionLock {
                package: "yum-plugin-versionlock",
                list: "/etc/yum/pluginconf.d/versionlock.list",
            }),
            Self::Dnf => Some(VersionLock {
                package: "python3-dnf-plugin-versionlock",
                list: "/etc/dnf/plugins/versionlock.list",
            }),
            Self::Apt => None,
        }
    }

    /// Whether its `install` does not go back to an older version.
    pub fn has_downgrade(self) -> bool {
        self == Self::Yum
    }
}

/// The way in which packages are held at a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionLock {
    /// The package of the plugin.
    pub package: &'static str,
    /// Its list.
    pub list: &'static str,
}

/// The system that brings interfaces up at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkStyle {
    /// The start scripts of EL6 and EL7, with ifcfg files.
    Ifcfg,
    /// NetworkManager, with keyfiles.
    Keyfile,
    /// ifupdown, with files in interfaces.d.
    Ifupdown,
}

impl NetworkStyle {
    /// Its word in the shell.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ifcfg => "ifcfg",
            Self::Keyfile => "keyfile",
            Self::Ifupdown => "ifupdown",
        }
    }
}

/// The boot loader's tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootLoader {
    /// `grubby` changes the entries.
    Grubby,
    /// `update-grub` writes them from /etc/default/grub and grub.d.
    UpdateGrub,
}

/// The cluster stack: the services that form the membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// cman over corosync 1, with cluster.conf.
    Cman,
    /// corosync 2.
    Corosync2,
    /// corosync 3, with knet.
    Corosync3,
}

/// The resource manager: the service that starts and stops a cluster's resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// rgmanager, above cman.
    Rgmanager,
    /// Pacemaker.
    Pacemaker,
}

impl Manager {
    /// The command that declares to the cluster that a node is off, for display.
    pub fn confirmation(self, node: &str) -> String {
        match self {
            Self::Rgmanager => format!("fence_ack_manual {node}"),
            Self::Pacemaker => format!("stonith_admin --confirm {node}"),
        }
    }
}

/// The daemon that keeps the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeDaemon {
    /// ntpd.
    Ntpd,
    /// chronyd.
    Chrony,
}

/// The place where the node's name is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFile {
    /// `HOSTNAME` in /etc/sysconfig/network.
    Sysconfig,
    /// /etc/hostname.
    Hostname,
}

/// The file that names the time zone besides /etc/localtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneFile {
    /// `ZONE` in /etc/sysconfig/clock.
    Sysconfig,
    /// /etc/timezone.
    Timezone,
    /// Nothing: /etc/timezone, where an earlier release left it, is read no more.
    FormerTimezone,
    /// Nothing.
    LinkAlone,
}

/// When /etc/sysctl.conf is read at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SysctlConf {
    /// Before /etc/sysctl.d, of which files of any suffix are read.
    First,
    /// After /etc/sysctl.d, of which files are read that end in `.conf`.
    Last,
    /// Never; of /etc/sysctl.d, files are read that end in `.conf`.
    Never,
}

/// The mechanism that loads kernel modules at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modules {
    /// Scripts in /etc/sysconfig/modules.
    Scripts,
    /// Lists in /etc/modules-load.d.
    Lists,
}

/// The names that fence agents give to the parameters that every one of them has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FenceWords {
    /// The device's address.
    pub address: &'static str,
    /// The account.
    pub user: &'static str,
    /// Its password.
    pub password: &'static str,
    /// The outlet or slot.
    pub plug: &'static str,
}

/// The installer that sets a release up from a file of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installer {
    /// The name of such a file there.
    pub file: &'static str,
    /// The template of the file.
    pub template: &'static str,
    /// Lines that this release alone wants.
    pub first: &'static [&'static str],
    /// The line that begins the packages.
    pub packages: &'static str,
}

/// A repository of the distribution's own: file, section, and the path below the archive.
pub type StockRepository = (&'static str, &'static str, &'static str);

/// The versions that decide a syntax, as a release brings them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionWords {
    /// DRBD's kernel module.
    pub drbd: &'static str,
    /// Shorewall, of the release or of EPEL.
    pub shorewall: &'static str,
    /// Corosync.
    pub corosync: &'static str,
    /// Pacemaker.
    pub pacemaker: &'static str,
    /// rsyslog.
    pub rsyslog: &'static str,
    /// sudo.
    pub sudo: &'static str,
    /// libvirt.
    pub libvirt: &'static str,
    /// OpenSSH.
    pub openssh: &'static str,
}
