//! The provisions that the roles of a node have. A role declares them in its file (`provides`); no other part of the
//! program knows roles by their names.

use super::Site;
use std::collections::BTreeMap;

/// A provision of a role for the nodes that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provision {
    /// root of a peer gets in by its key.
    PeerLogin,
    /// Changes under /etc are recorded by etckeeper.
    EtcRecord,
    /// Shorewall filters what reaches the node.
    Firewall,
    /// Disks are divided as `[partition]` says.
    Partitions,
    /// `[mirror]` is acted on.
    Mirrors,
    /// `[guest]` is acted on.
    Guests,
    /// `install` of guests is acted on.
    Installs,
    /// Mail goes to `services.mail`.
    Mail,
    /// Logs go to `services.log`.
    Log,
    /// `services.monitoring` is served.
    Monitoring,
}

impl Provision {
    /// All of them: the word of a role file, the provision, and its meaning.
    pub const ALL: [(&'static str, Self, &'static str); 10] = [
        (
            "peer-login",
            Self::PeerLogin,
            "root of a peer gets in by its key, so the node is also reached over that peer",
        ),
        (
            "etc-record",
            Self::EtcRecord,
            "etckeeper records /etc; a run adds its own commit, and keeps secrets out of it",
        ),
        (
            "firewall",
            Self::Firewall,
            "Shorewall filters what reaches the node, and needs a package of it",
        ),
        ("partitions", Self::Partitions, "acts on `[partition]`"),
        ("mirrors", Self::Mirrors, "acts on `[mirror]`"),
        (
            "guests",
            Self::Guests,
            "acts on `[guest]` and on the lock of guests",
        ),
        ("installs", Self::Installs, "acts on `install` of guests"),
        ("mail", Self::Mail, "acts on `services.mail`"),
        ("log", Self::Log, "acts on `services.log`"),
        (
            "monitoring",
            Self::Monitoring,
            "acts on `services.monitoring`",
        ),
    ];

    /// The words of a role file.
    pub fn words() -> [&'static str; 10] {
        Self::ALL.map(|(word, _, _)| word)
    }

    /// The provision that a word of a role file names.
    pub fn from_word(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _, _)| *known == word);
        found.map(|(_, what, _)| *what)
    }
}

/// The provisions of each node, each with the role that has it.
pub type Provided = BTreeMap<String, Vec<(Provision, String)>>;

impl Site {
    /// Adds the provisions of the nodes' roles, which are known once the roles are read.
    #[must_use]
    pub fn with_provided(mut self, provided: Provided) -> Self {
        self.provided = provided;
        self
    }

    /// The first role of a node that provides something.
    pub fn provider(&self, node: &str, what: Provision) -> Option<&str> {
        let all = self.provided.get(node)?;
        let found = all.iter().find(|(provision, _)| *provision == what);
        found.map(|(_, role)| role.as_str())
    }

    /// Whether a role of a node provides something.
    pub fn provides(&self, node: &str, what: Provision) -> bool {
        self.provider(node, what).is_some()
    }
}
