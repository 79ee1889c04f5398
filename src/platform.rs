//! The releases that a node can run: one row of one table each.
//!
//! Everything that depends on a release is a field of its row; no other part of the program names a release. A role
//! file has its words for a release under the release's own word (`el9`) or under one of a family (`el8+`, `el`): see
//! [`Platform::keys`].

mod words;

pub use words::{
    BootLoader, FenceWords, Init, Installer, Manager, Modules, NameFile, NetworkStyle, PackageTool,
    Stack, StockRepository, SysctlConf, TimeDaemon, VersionLock, VersionWords, ZoneFile,
};

use std::borrow::Cow;
use std::fmt;

/// A release, and the minor release where a site names one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// The index of its row in [`RELEASES`].
    row: usize,
    /// The minor release: 3 of `el7.3`.
    minor: Option<u8>,
}

/// The differences of minor releases before one.
struct Earlier {
    /// The first minor release that is as the row says.
    before: u8,
    /// OpenSSH there.
    openssh: Option<&'static str>,
    /// Whether Pacemaker knows `pcmk_delay_base`.
    delay_base: bool,
}

/// A release.
#[expect(clippy::struct_excessive_bools, reason = "each is a field of a row")]
struct Release {
    /// Its word in a site and in role files.
    word: &'static str,
    /// Its families with its number in each, the nearest first.
    families: &'static [(&'static str, u8)],
    /// `ID` of os-release; none where /etc/redhat-release or Proxmox's own file says it.
    ids: &'static [&'static str],
    /// Minor releases bring different versions, and a site may name one.
    minors: bool,
    /// The differences of earlier minor releases, the earliest first.
    earlier: &'static [Earlier],
    init: Init,
    /// SysV scripts without a process: their status is that of the kernel's tables
    /// (docs/facts/services.md#sysv-scripts).
    kernel_scripts: &'static [&'static str],
    package_tool: PackageTool,
    /// apt reads `.sources` files (apt 1.1); of no meaning for the others.
    sources_files: bool,
    network: NetworkStyle,
    boot_loader: BootLoader,
    stack: Stack,
    manager: Manager,
    time_daemon: TimeDaemon,
    name_file: NameFile,
    zone_file: ZoneFile,
    modules: Modules,
    selinux: bool,
    sysctl_conf: SysctlConf,
    /// libvirt knows the lock manager `lockd`.
    lockd: bool,
    /// Its repositories, or EPEL, have Shorewall.
    shorewall_packaged: bool,
    fence: FenceWords,
    /// The installer that sets it up from a file of answers, where one is known.
    installer: Option<Installer>,
    stock: &'static [StockRepository],
    versions: VersionWords,
}

const EL: &[&str] = &["rhel", "centos", "almalinux", "rocky", "ol"];

/// Agents before 4.0.11 or so, whose words later ones still take, with a warning.
const OLD_FENCE: FenceWords = FenceWords {
    address: "ipaddr",
    user: "login",
    password: "passwd",
    plug: "port",
};

const FENCE: FenceWords = FenceWords {
    address: "ip",
    user: "username",
    password: "password",
    plug: "plug",
};

/// Anaconda, from EL8 on: `install` is no command any more there, and `--nobase` was of EL6 alone
/// (docs/facts/installers.md#kickstart).
const ANACONDA: Installer = Installer {
    file: "kickstart",
    template: "kickstart/anaconda",
    first: &[],
    packages: "%packages",
};

/// CentOS 6 and 7 (docs/facts/packages.md#archives-of-old-releases).
const CENTOS: &[StockRepository] = &[
    ("CentOS-Base.repo", "base", "os/$basearch/"),
    ("CentOS-Base.repo", "updates", "updates/$basearch/"),
    ("CentOS-Base.repo", "extras", "extras/$basearch/"),
];

const CENTOS8: &[StockRepository] = &[
    ("CentOS-Linux-BaseOS.repo", "baseos", "BaseOS/$basearch/os/"),
    (
        "CentOS-Linux-AppStream.repo",
        "appstream",
        "AppStream/$basearch/os/",
    ),
    ("CentOS-Linux-Extras.repo", "extras", "extras/$basearch/os/"),
];

/// Every release, oldest first within its family.
const RELEASES: &[Release] = &[
    Release {
        word: "el6",
        families: &[("el", 6)],
        ids: EL,
        minors: true,
        earlier: &[],
        init: Init::Chkconfig,
        kernel_scripts: &["ip6tables", "iptables"],
        package_tool: PackageTool::Yum,
        sources_files: false,
        network: NetworkStyle::Ifcfg,
        boot_loader: BootLoader::Grubby,
        stack: Stack::Cman,
        manager: Manager::Rgmanager,
        time_daemon: TimeDaemon::Ntpd,
        name_file: NameFile::Sysconfig,
        zone_file: ZoneFile::Sysconfig,
        modules: Modules::Scripts,
        selinux: true,
        sysctl_conf: SysctlConf::First,
        lockd: false,
        shorewall_packaged: true,
        fence: OLD_FENCE,
        installer: Some(Installer {
            first: &["install"],
            packages: "%packages --nobase",
            ..ANACONDA
        }),
        stock: CENTOS,
        versions: VersionWords {
            drbd: "8.4",
            shorewall: "4.5",
            corosync: "1.4",
            pacemaker: "1.1",
            rsyslog: "5.8",
            sudo: "1.8",
            libvirt: "0.10",
            openssh: "5.3",
        },
    },
    Release {
        word: "el7",
        families: &[("el", 7)],
        ids: EL,
        minors: true,
        earlier: &[
            Earlier {
                before: 1,
                openssh: Some("6.4"),
                delay_base: false,
            },
            Earlier {
                before: 4,
                openssh: Some("6.6"),
                delay_base: false,
            },
            Earlier {
                before: 5,
                openssh: None,
                delay_base: false,
            },
        ],
        init: Init::Systemd,
        kernel_scripts: &[],
        package_tool: PackageTool::Yum,
        sources_files: false,
        network: NetworkStyle::Ifcfg,
        boot_loader: BootLoader::Grubby,
        stack: Stack::Corosync2,
        manager: Manager::Pacemaker,
        time_daemon: TimeDaemon::Chrony,
        name_file: NameFile::Hostname,
        zone_file: ZoneFile::LinkAlone,
        modules: Modules::Lists,
        selinux: true,
        sysctl_conf: SysctlConf::Last,
        lockd: true,
        shorewall_packaged: true,
        fence: OLD_FENCE,
        installer: Some(Installer {
            first: &["install"],
            ..ANACONDA
        }),
        stock: CENTOS,
        versions: VersionWords {
            drbd: "8.4",
            shorewall: "5.1",
            corosync: "2.4",
            pacemaker: "1.1",
            rsyslog: "8.24",
            sudo: "1.8",
            libvirt: "4.5",
            openssh: "7.4",
        },
    },
    EL8,
    Release {
        word: "el9",
        families: &[("el", 9)],
        shorewall_packaged: false,
        stock: &[],
        versions: VersionWords {
            rsyslog: "8.2310",
            libvirt: "10.0",
            openssh: "8.7",
            ..EL8.versions
        },
        ..EL8
    },
    Release {
        word: "el10",
        families: &[("el", 10)],
        shorewall_packaged: false,
        stock: &[],
        versions: VersionWords {
            pacemaker: "3.0",
            rsyslog: "8.2412",
            libvirt: "10.10",
            openssh: "9.9",
            ..EL8.versions
        },
        ..EL8
    },
    DEBIAN12,
    Release {
        word: "debian13",
        families: &[("debian", 13)],
        zone_file: ZoneFile::FormerTimezone,
        sysctl_conf: SysctlConf::Never,
        versions: VersionWords {
            pacemaker: "3.0",
            rsyslog: "8.2504",
            libvirt: "11.3",
            openssh: "10.0",
            ..DEBIAN12.versions
        },
        ..DEBIAN12
    },
    // Proxmox VE 2 and 3: Debian 6 and 7 with Proxmox's own packages of cman, rgmanager and the agents.
    Release {
        word: "pve3",
        families: &[("pve", 3), ("debian", 7)],
        ids: &[],
        init: Init::UpdateRc,
        sources_files: false,
        stack: Stack::Cman,
        manager: Manager::Rgmanager,
        time_daemon: TimeDaemon::Ntpd,
        lockd: false,
        fence: OLD_FENCE,
        installer: None,
        versions: VersionWords {
            drbd: "8.3",
            shorewall: "4.5",
            corosync: "1.4",
            pacemaker: "1.1",
            rsyslog: "5.8",
            sudo: "1.8",
            libvirt: "0.9",
            openssh: "6.0",
        },
        ..DEBIAN12
    },
    // A release of this test alone: its row is all that a new release needs.
    #[cfg(test)]
    Release {
        word: "el99",
        families: &[("el", 99)],
        ..EL8
    },
];

const EL8: Release = Release {
    word: "el8",
    families: &[("el", 8)],
    ids: EL,
    minors: true,
    earlier: &[],
    init: Init::Systemd,
    kernel_scripts: &[],
    package_tool: PackageTool::Dnf,
    sources_files: false,
    network: NetworkStyle::Keyfile,
    boot_loader: BootLoader::Grubby,
    stack: Stack::Corosync3,
    manager: Manager::Pacemaker,
    time_daemon: TimeDaemon::Chrony,
    name_file: NameFile::Hostname,
    zone_file: ZoneFile::LinkAlone,
    modules: Modules::Lists,
    selinux: true,
    sysctl_conf: SysctlConf::Last,
    lockd: true,
    shorewall_packaged: true,
    fence: FENCE,
    installer: Some(ANACONDA),
    stock: CENTOS8,
    versions: VersionWords {
        drbd: "9",
        shorewall: "5.2",
        corosync: "3.1",
        pacemaker: "2.1",
        rsyslog: "8.2102",
        sudo: "1.9",
        libvirt: "8.0",
        openssh: "8.0",
    },
};

const DEBIAN12: Release = Release {
    word: "debian12",
    families: &[("debian", 12)],
    ids: &["debian"],
    minors: false,
    earlier: &[],
    init: Init::Systemd,
    kernel_scripts: &[],
    package_tool: PackageTool::Apt,
    sources_files: true,
    network: NetworkStyle::Ifupdown,
    boot_loader: BootLoader::UpdateGrub,
    stack: Stack::Corosync3,
    manager: Manager::Pacemaker,
    time_daemon: TimeDaemon::Chrony,
    name_file: NameFile::Hostname,
    zone_file: ZoneFile::Timezone,
    modules: Modules::Lists,
    selinux: false,
    sysctl_conf: SysctlConf::Last,
    lockd: true,
    shorewall_packaged: true,
    fence: FENCE,
    installer: Some(Installer {
        file: "preseed file",
        template: "kickstart/preseed",
        first: &[],
        packages: "",
    }),
    stock: &[],
    versions: VersionWords {
        drbd: "8.4",
        shorewall: "5.2",
        corosync: "3.1",
        pacemaker: "2.1",
        rsyslog: "8.2302",
        sudo: "1.9",
        libvirt: "9.0",
        openssh: "9.2",
    },
};

/// Releases by name, for tests and for the lab; the table does not need them.
#[allow(non_upper_case_globals, reason = "they read as a release's name does")]
impl Platform {
    /// RHEL/CentOS 6.
    pub const El6: Self = Self::named("el6");
    /// RHEL/CentOS 7.
    pub const El7: Self = Self::named("el7");
    /// RHEL 8 and its rebuilds.
    pub const El8: Self = Self::named("el8");
    /// RHEL 9 and its rebuilds.
    pub const El9: Self = Self::named("el9");
    /// RHEL 10 and its rebuilds.
    pub const El10: Self = Self::named("el10");
    /// Debian 12.
    pub const Debian12: Self = Self::named("debian12");
    /// Debian 13.
    pub const Debian13: Self = Self::named("debian13");
    /// Proxmox VE 2 and 3.
    pub const Pve3: Self = Self::named("pve3");
}

impl Platform {
    /// The row of this word; there is none: no build.
    const fn named(word: &str) -> Self {
        let mut row = 0;
        while row < RELEASES.len() {
            let (mut at, a, b) = (0, RELEASES[row].word.as_bytes(), word.as_bytes());
            while at < a.len() && at < b.len() && a[at] == b[at] {
                at += 1;
            }
            if at == a.len() && at == b.len() {
                return Self { row, minor: None };
            }
            row += 1;
        }
        panic!("no row of this word")
    }

    /// Every platform, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..RELEASES.len()).map(|row| Self { row, minor: None })
    }

    fn release(self) -> &'static Release {
        &RELEASES[self.row]
    }

    /// Its word in a site and in role files, without a minor release.
    pub fn word(self) -> &'static str {
        self.release().word
    }

    /// The same without a minor release.
    #[must_use]
    pub fn without_minor(self) -> Self {
        Self {
            minor: None,
            ..self
        }
    }

    /// Reads its word, with a minor release where a site may name one: `el7`, `el7.3`.
    pub fn from_word(word: &str) -> Option<Self> {
        let (head, minor) = match word.split_once('.') {
            Some((head, minor)) => (head, Some(minor)),
            None => (word, None),
        };
        let found = Self::all().find(|p| p.word() == head)?;
        let minor = match minor {
            None => None,
            Some(digits) if found.release().minors && is_minor(digits) => digits.parse().ok(),
            Some(_) => return None,
        };
        Some(Self { minor, ..found })
    }

    /// The platform that os-release's `ID` and `VERSION_ID` name, with the minor release where the table knows them.
    pub fn from_os_release(id: &str, version: &str) -> Option<Self> {
        Self::of_version(version, |release| release.ids.contains(&id))
    }

    /// The platform that /etc/redhat-release names: a RHEL or a rebuild of any vendor.
    pub fn from_redhat_release(version: &str) -> Option<Self> {
        Self::of_version(version, |release| release.ids == EL)
    }

    /// The platform of a version of Proxmox VE, whose os-release is Debian's. Version 2 has what 3 has.
    pub fn from_proxmox(version: &str) -> Option<Self> {
        let major: u8 = version.split('.').next()?.parse().ok()?;
        Self::all().find(|p| p.number_in("pve").is_some_and(|n| n == major.max(3)))
    }

    fn of_version(version: &str, is: impl Fn(&Release) -> bool) -> Option<Self> {
        let mut parts = version.split(|c: char| !c.is_ascii_digit());
        let major: u8 = parts.next()?.parse().ok()?;
        let minor = parts.next().and_then(|m| m.parse().ok());
        let found = Self::all().find(|p| {
            let release = p.release();
            is(release) && release.families.first().is_some_and(|(_, n)| *n == major)
        })?;
        let minor = minor.filter(|_| found.release().minors);
        Some(Self { minor, ..found })
    }

    /// Whether the declared release covers an observed one: a minor release counts where it is declared.
    pub fn covers(self, seen: Self) -> bool {
        self.row == seen.row && (self.minor.is_none() || self.minor == seen.minor)
    }

    /// Its number in a family: 7 in `el`.
    fn number_in(self, family: &str) -> Option<u8> {
        let mut families = self.release().families.iter();
        families.find(|(name, _)| *name == family).map(|(_, n)| *n)
    }

    /// The exactness with which a key of a role's `[platform.*]` means this release: the greatest wins. `el9` before
    /// `el8+` before `el7+` before `el`; a nearer family before another. `None` where the key means other releases.
    pub fn fits(self, key: &str) -> Option<(u8, u8)> {
        if key == self.word() {
            return Some((u8::MAX, 0));
        }
        let (family, from) = family_key(key)?;
        let families = self.release().families;
        let nearness = families
            .iter()
            .rev()
            .position(|(name, _)| *name == family)?;
        let number = self.number_in(family)?;
        (from <= number).then_some((u8::try_from(nearness).unwrap_or(u8::MAX - 1), from))
    }

    /// Every key that a role's `[platform.*]` may have: each release, each family, and families from one release on.
    pub fn keys() -> Vec<Cow<'static, str>> {
        let mut keys: Vec<Cow<'static, str>> = Self::all().map(|p| p.word().into()).collect();
        for (name, number) in Self::all().flat_map(|p| p.release().families) {
            for key in [Cow::from(*name), Cow::from(format!("{name}{number}+"))] {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        keys
    }

    /// The words that may have a minor release behind them.
    pub fn with_minors() -> impl Iterator<Item = &'static str> {
        let rows = RELEASES.iter().filter(|release| release.minors);
        rows.map(|release| release.word)
    }

    /// The way in which services are started.
    pub fn init(self) -> Init {
        self.release().init
    }

    /// Services whose script has no process; its status is that of the kernel's tables.
    pub fn kernel_scripts(self) -> &'static [&'static str] {
        self.release().kernel_scripts
    }

    /// Whether services are systemd units.
    pub fn has_systemd(self) -> bool {
        self.init() == Init::Systemd
    }

    /// Its package manager.
    pub fn package_tool(self) -> PackageTool {
        self.release().package_tool
    }

    /// Whether its apt reads `.sources` files.
    pub fn has_sources_files(self) -> bool {
        self.release().sources_files
    }

    /// The system that brings interfaces up at boot.
    pub fn network(self) -> NetworkStyle {
        self.release().network
    }

    /// The boot loader's tool.
    pub fn boot_loader(self) -> BootLoader {
        self.release().boot_loader
    }

    /// The cluster stack.
    pub fn stack(self) -> Stack {
        self.release().stack
    }

    /// The resource manager.
    pub fn manager(self) -> Manager {
        self.release().manager
    }

    /// The daemon that keeps the time.
    pub fn time_daemon(self) -> TimeDaemon {
        self.release().time_daemon
    }

    /// The place where the node's name is kept.
    pub fn name_file(self) -> NameFile {
        self.release().name_file
    }

    /// The file that names the time zone besides /etc/localtime.
    pub fn zone_file(self) -> ZoneFile {
        self.release().zone_file
    }

    /// The mechanism that loads kernel modules at boot.
    pub fn modules(self) -> Modules {
        self.release().modules
    }

    /// Whether it runs with SELinux.
    pub fn has_selinux(self) -> bool {
        self.release().selinux
    }

    /// When /etc/sysctl.conf is read at boot.
    pub fn sysctl_conf(self) -> SysctlConf {
        self.release().sysctl_conf
    }

    /// Whether its libvirt knows the lock manager `lockd`.
    pub fn has_lockd(self) -> bool {
        self.release().lockd
    }

    /// Whether its repositories, or EPEL, have Shorewall.
    pub fn has_shorewall(self) -> bool {
        self.release().shorewall_packaged
    }

    /// The names of its fence agents' parameters.
    pub fn fence_words(self) -> FenceWords {
        self.release().fence
    }

    /// The installer that sets it up from a file of answers, where one is known.
    pub fn installer(self) -> Option<Installer> {
        self.release().installer
    }

    /// The distribution's own repositories, where its mirrors are gone.
    pub fn stock_repositories(self) -> &'static [StockRepository] {
        self.release().stock
    }

    /// The first of the rows of earlier minor releases that it is before.
    fn earlier(self) -> Option<&'static Earlier> {
        let minor = self.minor?;
        self.release().earlier.iter().find(|e| minor < e.before)
    }

    /// The versions that it brings.
    pub fn versions(self) -> VersionWords {
        let mut versions = self.release().versions;
        if let Some(openssh) = self.earlier().and_then(|e| e.openssh) {
            versions.openssh = openssh;
        }
        versions
    }

    /// Whether its Pacemaker knows `pcmk_delay_base` (docs/facts/releases.md#what-a-release-ships).
    pub fn has_delay_base(self) -> bool {
        self.manager() == Manager::Pacemaker && self.earlier().is_none_or(|e| e.delay_base)
    }

    /// Whether its sshd knows keys of this type: Ed25519 since 6.5, security keys since 8.2
    /// (docs/facts/ssh.md#keys-and-algorithms-of-old-releases).
    pub fn knows_key(self, kind: &str) -> bool {
        if kind.starts_with("sk-") {
            self.openssh() >= (8, 2)
        } else {
            kind != "ssh-ed25519" || self.knows_ed25519()
        }
    }

    /// Whether its sshd knows keys of type Ed25519: since 6.5.
    pub fn knows_ed25519(self) -> bool {
        self.openssh() >= (6, 5)
    }

    /// Whether its sshd signs with SHA-1 alone, which newer clients refuse by themselves: before 7.2.
    pub fn has_old_algorithms(self) -> bool {
        self.openssh() < (7, 2)
    }

    fn openssh(self) -> (u16, u16) {
        let number = |text: &str| text.parse().unwrap_or_default();
        match self.versions().openssh.split_once('.') {
            Some((major, minor)) => (number(major), number(minor)),
            None => (0, 0),
        }
    }
}

/// Splits `el`, `el8+` into the family and the lowest number; `None` where it is no key of a family.
fn family_key(key: &str) -> Option<(&str, u8)> {
    let Some(head) = key.strip_suffix('+') else {
        let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase());
        return bare.then_some((key, 0));
    };
    let family = head.trim_end_matches(|c: char| c.is_ascii_digit());
    let from = head[family.len()..].parse().ok()?;
    Some((family, from))
}

/// Whether these digits are a minor release.
pub(crate) fn is_minor(digits: &str) -> bool {
    matches!(digits.len(), 1 | 2)
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self.minor {
            Some(minor) => write!(f, ".{minor}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl serde::Serialize for Platform {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Platform {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = <Cow<'_, str>>::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("there is no platform `{word}`"));
        Self::from_word(&word).ok_or_else(wrong)
    }
}

impl schemars::JsonSchema for Platform {
    fn schema_name() -> Cow<'static, str> {
        "Platform".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words: Vec<&str> = Self::all().map(Self::word).collect();
        let minors: Vec<&str> = Self::with_minors().collect();
        schemars::json_schema!({
            "description": "The release a node runs; `el7.3` says the minor release too.",
            "examples": [words[0]],
            "anyOf": [
                { "enum": words },
                { "type": "string", "pattern": format!(r"^({})\.(0|[1-9][0-9]?)$", minors.join("|")), "x-minor-of": minors },
            ],
        })
    }
}

#[cfg(test)]
mod tests;
