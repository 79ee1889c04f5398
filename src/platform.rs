//! The releases a node can run.

/// A release family; decides the form of every file and the tools that are asked.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// RHEL/CentOS 6: upstart, yum, cman.
    El6,
    /// RHEL/CentOS 7: systemd, yum, corosync 2.
    El7,
    /// RHEL 8 and its rebuilds: dnf, NetworkManager, corosync 3.
    El8,
    /// RHEL 9 and its rebuilds.
    El9,
    /// RHEL 10 and its rebuilds.
    El10,
    /// Debian 12.
    Debian12,
    /// Debian 13.
    Debian13,
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

impl Platform {
    /// Every platform, oldest first.
    pub const ALL: [Self; 7] = [
        Self::El6,
        Self::El7,
        Self::El8,
        Self::El9,
        Self::El10,
        Self::Debian12,
        Self::Debian13,
    ];

    /// Its word in a site and in role files.
    pub fn word(self) -> &'static str {
        match self {
            Self::El6 => "el6",
            Self::El7 => "el7",
            Self::El8 => "el8",
            Self::El9 => "el9",
            Self::El10 => "el10",
            Self::Debian12 => "debian12",
            Self::Debian13 => "debian13",
        }
    }

    /// Reads its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.word() == word)
    }

    /// Whether it is a RHEL or a rebuild.
    pub fn is_el(self) -> bool {
        !matches!(self, Self::Debian12 | Self::Debian13)
    }

    /// Whether services are systemd units (EL6 has SysV scripts under upstart).
    pub fn has_systemd(self) -> bool {
        self != Self::El6
    }

    /// Its package manager.
    pub fn package_tool(self) -> PackageTool {
        match self {
            Self::El6 | Self::El7 => PackageTool::Yum,
            Self::El8 | Self::El9 | Self::El10 => PackageTool::Dnf,
            Self::Debian12 | Self::Debian13 => PackageTool::Apt,
        }
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}
