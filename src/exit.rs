//! The exit codes, in one place.

/// How a command ended; the number is its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Nothing to do, or all done.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// Changes pending (`plan`).
    Pending = 2,
    /// Findings or failed checks.
    Findings = 3,
    /// A node could not be reached.
    Unreachable = 4,
    /// Refused to destroy data.
    Refused = 5,
    /// Rolled back by the guard.
    PutBack = 6,
    /// Locked by another run.
    Locked = 7,
    /// Still waiting for a long step.
    Waiting = 8,
    /// Wrong usage, site or role.
    Usage = 64,
    /// Ctrl-C before anything began.
    Interrupted = 130,
}

impl Exit {
    /// Every code, with what it means, for the manual.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::Done, "nothing to do, or all done"),
        (Self::Failed, "failed"),
        (Self::Pending, "changes pending (plan)"),
        (Self::Findings, "findings or failed checks"),
        (Self::Unreachable, "a node could not be reached"),
        (Self::Refused, "refused to destroy data"),
        (Self::PutBack, "rolled back by the guard"),
        (Self::Locked, "locked by another run"),
        (Self::Waiting, "still waiting for a long step"),
        (Self::Usage, "wrong usage, site or role"),
        (
            Self::Interrupted,
            "interrupted (Ctrl-C) before anything began",
        ),
    ];
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
