//! The ways in which work on a node fails, each in one sentence and with what to do about it.

/// The reason why something on a node could not be done. `Display` names the node; [`NodeError::advice`] gives the
/// remedy.
#[derive(Debug, thiserror::Error)]
#[error("{node}: {failure}")]
pub struct NodeError {
    /// The node.
    pub node: String,
    /// The failure.
    pub failure: Failure,
    /// The output of ssh or the node, for `-v`: never a secret of the site, but not scrubbed either.
    pub output: String,
}

/// One kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The name of the node or of a jump host has no address.
    #[error("the name {0} could not be resolved")]
    Name(String),
    /// No way leads to the address.
    #[error("there is no route to it")]
    NoRoute,
    /// Something answered, and nothing listens on the port.
    #[error("the connection was refused: no sshd listens there")]
    Refused,
    /// No answer came in time.
    #[error("nothing answered in time")]
    Timeout,
    /// The connection ended before the login was done.
    #[error("sshd closed the connection before the login")]
    Closed,
    /// The node's kernel accepted the connection, and no sshd greeted: a hung machine, or no memory.
    #[error("something accepts the connection there, and no sshd greets")]
    Mute,
    /// The proxy command of ssh ended; its own message is not in ssh's log.
    #[error("the jump host or proxy on the way gave no connection to it")]
    Through,
    /// The site does not know the node's host key.
    #[error("its host key is not in the site's known_hosts")]
    HostKeyUnknown,
    /// The node shows another host key than the site knows.
    #[error("its host key is another than the site knows")]
    HostKeyChanged,
    /// Old and new software have no algorithm in common.
    #[error("ssh and sshd have no algorithm in common: {0}")]
    NoCommonAlgorithm(String),
    /// No login is possible with the keys that were offered.
    #[error("no key was accepted for {0}")]
    NoKeyAccepted(String),
    /// The login works and gives no shell.
    #[error("the login gives no shell: {0}")]
    NoShell(String),
    /// No further channel could be opened.
    #[error("sshd opens no further session on this connection")]
    NoChannel,
    /// The login's profile writes into every answer.
    #[error("the login's profile prints text before every answer: {0}")]
    NoisyProfile(String),
    /// The login may not become root.
    #[error("sudo refuses: {0}")]
    SudoRefused(String),
    /// The login may become root with a password, and none was given.
    #[error("sudo asks for a password")]
    SudoNeedsPassword,
    /// The password was not accepted.
    #[error("sudo did not accept the password")]
    SudoWrongPassword,
    /// sudo wants a terminal (the default of EL6).
    #[error("sudo insists on a terminal (requiretty)")]
    SudoNeedsTty,
    /// A filesystem is full.
    #[error("a disk is full: {0}")]
    DiskFull(String),
    /// A filesystem is read-only.
    #[error("a filesystem is read-only: {0}")]
    ReadOnly(String),
    /// The node does not permit execution where it is needed.
    #[error("the node may not execute it: {0}")]
    NoExec(String),
    /// A tool that the node needs is not there.
    #[error("the tool {0} is missing")]
    MissingTool(String),
    /// The answer ended before its end.
    #[error("the answer was cut off ({0})")]
    Truncated(String),
    /// The answer is not one to what was asked.
    #[error("it did not answer what it was asked: {0}")]
    Untrue(String),
    /// The answer is longer than any can be.
    #[error("it said more than {} KiB where less belongs, and was not heard to the end", .0 >> 10)]
    TooMuch(usize),
    /// The connection went away.
    #[error("the connection was lost")]
    Lost,
    /// The answer did not come, or did not go on, in time.
    #[error("no answer came for {0} seconds")]
    Late(u64),
    /// Another run holds the node.
    #[error("another run holds it: {0}")]
    Locked(Box<super::Holder>),
    /// A validator refused, or a batch could not be prepared; nothing was changed.
    #[error("nothing was begun: {0}")]
    NotReady(String),
    /// No run was carried out on the node.
    #[error("no run was carried out there yet")]
    NoRun,
    /// There is no such run on the node.
    #[error("it knows no run {0}")]
    NoSuchRun(String),
    /// The batch had given up when it was to begin; nothing was changed.
    #[error("the batch timed out before it was released; nothing was changed")]
    GaveUp,
    /// Its door could not be knocked at.
    #[error("knocking is impossible there: {0}")]
    NoKnock(String),
    /// Every way in failed.
    #[error("no way in works: {}", list(.0))]
    NoWay(Vec<(String, Failure)>),
    /// This machine's own side.
    #[error("on this machine: {0}")]
    Here(String),
    /// Anything else, in its own words.
    #[error("{0}")]
    Other(String),
}

fn list(ways: &[(String, Failure)]) -> String {
    let ways: Vec<_> = ways.iter().map(|(way, f)| format!("{way}: {f}")).collect();
    ways.join("; ")
}

impl NodeError {
    /// A failure of a node, without output.
    pub fn new(node: &str, failure: Failure) -> Self {
        Self {
            node: node.to_owned(),
            failure,
            output: String::new(),
        }
    }

    /// Whether the node could not be reached at all (exit code 4).
    pub fn is_unreachable(&self) -> bool {
        self.failure.is_unreachable()
    }

    /// The remedy, in one sentence.
    pub fn advice(&self) -> String {
        self.failure.advice(&self.node)
    }
}

impl Failure {
    /// Whether another way in may still work: the node was not reached.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Name(_)
                | Self::NoRoute
                | Self::Refused
                | Self::Timeout
                | Self::Closed
                | Self::Mute
                | Self::Through
                | Self::Lost
                | Self::Late(_)
                | Self::NoWay(_)
                | Self::NoKnock(_)
        )
    }

    /// Whether the node itself gave no answer, or was not even tried. Every other failure, a refusal too, is an answer.
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Name(_)
            | Self::NoRoute
            | Self::Timeout
            | Self::Through
            | Self::Lost
            | Self::NoKnock(_)
            | Self::Here(_) => true,
            Self::NoWay(ways) => ways.iter().all(|(_, failure)| failure.is_silence()),
            _ => false,
        }
    }

    /// Adds the place that a receiver named when it refused (`state PLACE`): not every tool names it.
    pub(super) fn name_place(&mut self, refused: &str) {
        let Some(place) = refused.strip_prefix("state ") else {
            return;
        };
        match self {
            Self::DiskFull(output) | Self::ReadOnly(output) if !output.contains(place) => {
                *output = format!("{place}: {output}");
            }
            Self::NotReady(output) => *output = format!("{place} could not be written"),
            _ => {}
        }
    }

    fn advice(&self, node: &str) -> String {
        match self {
            Self::Name(name) => format!("give {node} an address in the inventory, or make {name} resolvable"),
            Self::NoRoute => "check this machine's routes and `reach` of the node".into(),
            Self::Refused => "start sshd there, or correct the port in the inventory".into(),
            Self::Timeout | Self::Late(_) => {
                "see whether it is up and whether a firewall drops the connection (knock, or another `reach`)".into()
            }
            Self::Closed => {
                "see its sshd's log: MaxStartups, hosts.deny, penalties after failed logins (OpenSSH 9.8 and later; they \
                 end by themselves), or a machine short of memory"
                    .into()
            }
            Self::Mute => "check its console: a machine that hangs, or is out of memory, does this".into(),
            Self::Through => {
                "try it by hand (ssh -J, or the proxy command): the host between may be down, refuse you, or not reach the node"
                    .into()
            }
            Self::HostKeyUnknown => format!("nodewright enroll {node}: shows the fingerprints and pins them"),
            Self::HostKeyChanged => format!(
                "if {node} was reinstalled, compare the fingerprint on its console and run nodewright enroll {node}; \
                 if not, somebody may intercept the connection"
            ),
            Self::NoCommonAlgorithm(_) => {
                "declare the release in the inventory (el6 gets the older algorithms); on EL9 controllers also \
                 update-crypto-policies --set DEFAULT:SHA1"
                    .into()
            }
            Self::NoKeyAccepted(_) => format!(
                "load the key into your agent (ssh-add -l shows what is offered), or nodewright enroll {node}; ssh is called \
                 by the node's name, so an entry of ~/.ssh/config counts under `Host {node}`, not under its address"
            ),
            Self::NoShell(_) => "give the login /bin/sh or bash as its shell, and no forced command".into(),
            Self::NoChannel => "raise MaxSessions in its sshd_config".into(),
            Self::NoisyProfile(_) => {
                "let ~/.bashrc and its like write only where the shell is interactive: case $- in *i*) …".into()
            }
            Self::SudoRefused(_) => "let the login run /bin/sh as root in sudoers, or log in as root".into(),
            Self::SudoNeedsPassword => "say `sudo = \"password\"` in the inventory, or give the login NOPASSWD in sudoers".into(),
            Self::SudoWrongPassword => "try again; it was sent once and not stored".into(),
            Self::SudoNeedsTty => format!("nodewright enroll {node}: lifts requiretty for this login only"),
            Self::DiskFull(_) => "make room (df -h, df -i), then run again".into(),
            Self::ReadOnly(_) => {
                "see dmesg: a filesystem that turned read-only has lost its disk; else mount it read-write".into()
            }
            Self::NoExec(_) => "mount it without noexec, or see SELinux's denials (ausearch -m avc)".into(),
            Self::MissingTool(tool) => format!("install the package that brings {tool}"),
            Self::Untrue(_) | Self::TooMuch(_) => format!(
                "no node does this by itself: log in by hand (ssh {node}) and see what answers there, before you trust it \
                 with anything"
            ),
            Self::Truncated(_) | Self::Lost => "run again; a batch that has begun goes on there: nodewright attach".into(),
            Self::Locked(_) => format!("wait for it, follow it with nodewright attach {node}, or nodewright unlock {node}"),
            Self::NotReady(_) => "nothing was changed; fix the cause and run again".into(),
            Self::NoRun => "there is nothing to follow; `nodewright apply` begins a run".into(),
            Self::NoSuchRun(_) => format!("`nodewright log {node}` shows the runs it knows"),
            Self::GaveUp => "run again".into(),
            Self::NoWay(_) => "see each way's reason; `reach` in the inventory lists them".into(),
            Self::NoKnock(_) => "see that your key opens secrets.age, or come another way".into(),
            Self::Here(_) => "mend it here and run again".into(),
            Self::Other(_) => "run again with -v to see the whole output".into(),
        }
    }
}
