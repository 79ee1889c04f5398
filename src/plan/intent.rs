//! The intent of a command.

/// The intent of a command that acts on nodes. It decides what the command may take down, whether it needs the node's
/// lock and the newest checkout of the site, and what the node's journal calls it.
///
/// An operation to come (`update`, `rotate`, `rebuild`) is one more variant here, with its answer to each
/// of these questions, and one file in `operate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Intent {
    /// Look at nodes and change nothing.
    #[default]
    Look,
    /// Bring nodes to the state that the site describes.
    Converge,
    /// The same, with all members of the cluster taken down where a change needs that, and up again.
    Outage,
    /// Take orphans out of the manifests of their nodes.
    Forget,
    /// Declare a lost member of the cluster to be off.
    ConfirmFenced,
    /// Put the cluster in maintenance, or end it.
    Maintenance,
    /// Move what runs on a member to the others, and keep it off.
    Drain,
    /// Take back what a drain did.
    Resume,
    /// Have the cluster fence a member.
    Fence,
    /// Stop the whole cluster.
    Stop,
    /// Start the whole cluster.
    Start,
    /// Start, stop or move a guest, or reach its console.
    Guest,
    /// Run a command of the operator's own.
    Script,
}

impl Intent {
    /// Whether all members of the cluster may be taken down.
    pub fn may_take_down(self) -> bool {
        self == Self::Outage
    }

    /// Whether it needs the lock of its nodes, so that it is refused while another run holds one. A command of the
    /// operator's own runs without the lock: it may only read, or be what a hanging run waits for.
    pub fn holds_lock(self) -> bool {
        !matches!(self, Self::Look | Self::Script)
    }

    /// Whether it acts by what the site says a node is to be. Then a checkout that does not contain the commit last
    /// applied needs a word of the operator's, and the node's journal records its own commit.
    pub fn applies_site(self) -> bool {
        matches!(self, Self::Converge | Self::Outage | Self::Forget)
    }

    /// Its name in a node's journal: the command as it is typed.
    pub fn journal_word(self) -> &'static str {
        match self {
            Self::Look => "verify",
            Self::Converge => "apply",
            Self::Outage => "apply --outage",
            Self::Forget => "forget",
            Self::ConfirmFenced => "confirm-fenced",
            Self::Maintenance => "maintenance",
            Self::Drain => "drain",
            Self::Resume => "resume",
            Self::Fence => "fence",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Guest => "guest",
            Self::Script => "run",
        }
    }
}
