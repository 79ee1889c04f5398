//! The exit codes, in one place.

/// The end of a command; the number is its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Success, or there was no work.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// Changes pending (`plan`, `drift`).
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
        (Self::Pending, "changes pending (plan, drift)"),
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

impl Exit {
    /// The state that the code leaves behind, and the next step.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => {
                "The command did what it was asked, or there was nothing to do. `check`, `verify` and `status` found \
                 nothing."
            }
            Self::Failed => {
                "A step failed, or the command itself. The recap names node and step; `nodewright log NODE` has what \
                 the step said. What was done before it stays done: mend the cause and run the same command again."
            }
            Self::Pending => {
                "`plan` or `drift` shows changes, and made none. `nodewright apply` makes them."
            }
            Self::Findings => {
                "`check` found errors in the site, `verify` or `drift` failed checks, or `status` something degraded or frozen. \
                 Each is shown with its code or its next command; `nodewright explain CODE` says more."
            }
            Self::Unreachable => {
                "A node gave no answer on any way in; nothing is known of it, and silence is no proof that it is off. \
                 `nodewright facts NODE` tries it alone."
            }
            Self::Refused => {
                "A step would have destroyed data that nobody allowed it to destroy. Nothing was destroyed; the \
                 message names the device."
            }
            Self::PutBack => {
                "A guarded change was not confirmed over a new connection within its window, and the node restored \
                 what it had before. Mend the change in the site, and run `nodewright plan`."
            }
            Self::Locked => {
                "Another run holds the lock of a node; nothing was done there. Wait for it or follow it with \
                 `nodewright attach`; `nodewright unlock` removes a lock whose run is gone."
            }
            Self::Waiting => {
                "A long step, as the sync of a mirror, still goes on; what comes after it was not begun. Run the same \
                 command again once it has ended."
            }
            Self::Usage => {
                "Arguments, the site or a role are wrong. Nothing was done; the message says what would be right."
            }
            Self::Interrupted => "Ctrl-C came before anything had begun; nothing was done.",
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
