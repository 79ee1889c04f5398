//! An open connection to one node, and asking over it.

use super::master::{self, ConnectOptions};
use super::privilege::{Program, StdinPiece};
use super::{Failure, NodeError, Privilege, classify, run_id};
use crate::kind::{ANSWER_LIMIT, Answer, AnswerError, Observe};
use crate::sh::Call;
use openssh::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Mutex;

/// A connection to one node. Dropping it leaves the connection open for the next command, for
/// [`ConnectOptions::persist`]; [`close`](Self::close) ends it.
pub struct Session {
    options: ConnectOptions,
    privilege: Privilege,
    master: Mutex<std::sync::Arc<openssh::Session>>,
    way: String,
    warm: bool,
}

/// The whole output of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Exit status as ssh gave it; `None` when the script was ended by a signal.
    pub status: Option<i32>,
}

/// The time that a connection that an earlier command left may take to open a channel before it is thought dead.
const WARM_TIMEOUT: Duration = Duration::from_secs(8);

impl Session {
    /// Connects, by the first way that works; a connection that an earlier command left open is used again.
    pub async fn connect(
        options: &ConnectOptions,
        privilege: Privilege,
    ) -> Result<Self, NodeError> {
        let master = master::connect(options).await?;
        Ok(Self {
            options: options.clone(),
            privilege,
            master: Mutex::new(std::sync::Arc::new(master.ssh)),
            way: master.way,
            warm: master.warm,
        })
    }

    /// The node's name.
    pub fn node(&self) -> &str {
        &self.options.access.name
    }

    /// The alias of the way in that was taken.
    pub fn way(&self) -> &str {
        &self.way
    }

    /// Whether the connection had been left open by an earlier command.
    pub fn is_warm(&self) -> bool {
        self.warm
    }

    /// Observes, and reads the whole answer: one channel, one trip.
    ///
    /// Fails when the answer is not whole within [`ConnectOptions::timeout`]. A connection that an earlier command left
    /// and that turns out dead is made again, once. So is one that is lost in the middle: an observation changes
    /// nothing.
    pub async fn observe(&self, observe: &Observe) -> Result<Answer, NodeError> {
        match self.observe_once(observe).await {
            Err(error) if error.failure == Failure::Lost => self.observe_once(observe).await,
            answered => answered,
        }
    }

    async fn observe_once(&self, observe: &Observe) -> Result<Answer, NodeError> {
        let sentinel = run_id::random_hex(16)
            .map_err(|e| self.error(Failure::Here(format!("no random bytes: {e}"))))?;
        let reply = self.run_script(&observe.script(&sentinel)).await?;
        Answer::parse(&reply.stdout, &sentinel, observe).map_err(|error| {
            let output = format!(
                "{}{}",
                String::from_utf8_lossy(&reply.stderr),
                if matches!(error, AnswerError::Noise(_)) {
                    String::from_utf8_lossy(&reply.stdout)
                } else {
                    "".into()
                }
            );
            let failure = classify::remote(&output, reply.status).unwrap_or_else(|| match &error {
                AnswerError::Noise(line) => Failure::NoisyProfile(line.clone()),
                AnswerError::Truncated(after) => {
                    Failure::Truncated(format!("after section {after}"))
                }
                AnswerError::Unasked(_) | AnswerError::Missing(_) | AnswerError::TooLarge(_) => {
                    Failure::Untrue(error.to_string())
                }
                AnswerError::Empty if reply.status.is_none() => Failure::Lost,
                AnswerError::Empty => Failure::NoShell(format!(
                    "it ended with status {}: {}",
                    reply.status.unwrap_or(-1),
                    classify::last_line(&output)
                )),
            });
            NodeError {
                node: self.node().to_owned(),
                failure,
                output,
            }
        })
    }

    /// Runs a script as root with an empty standard input and reads its whole output. Only the script's last line
    /// should call anything, so that one that is cut off does nothing.
    pub async fn run_script(&self, script: &str) -> Result<Reply, NodeError> {
        let reply = self.run(&Program::Script(script)).await?;
        if reply.stdout.is_empty()
            && reply.status != Some(0)
            && !matches!(self.privilege, Privilege::Root)
            && let Some(failure) =
                classify::remote(&String::from_utf8_lossy(&reply.stderr), reply.status)
        {
            return Err(NodeError {
                node: self.node().to_owned(),
                failure,
                output: String::from_utf8_lossy(&reply.stderr).into_owned(),
            });
        }
        Ok(reply)
    }

    /// An ssh of the operator's own over this connection, which goes on without this process: its options follow.
    pub async fn ssh(&self) -> std::process::Command {
        let control = self.master.lock().await.control_socket().to_owned();
        let mut ssh = std::process::Command::new("ssh");
        ssh.arg("-F").arg(&self.options.config);
        ssh.arg("-S").arg(control);
        ssh
    }

    /// Words that the login's shell carries out as root, for a person who sits before it: sudo may ask.
    pub fn as_root(&self, call: &Call) -> String {
        match self.privilege {
            Privilege::Root => call.to_shell(),
            Privilege::SudoNoPassword | Privilege::SudoPassword(_) => {
                Call::new("sudo").then(call).to_shell()
            }
        }
    }

    /// Ends the connection; the next command logs in anew.
    pub async fn close(self) -> Result<(), NodeError> {
        let node = self.options.access.name.clone();
        let Some(ssh) = std::sync::Arc::into_inner(self.master.into_inner()) else {
            return Ok(());
        };
        ssh.close()
            .await
            .map_err(|e| NodeError::new(&node, Failure::Here(master::chain(&e))))
    }

    /// Runs a program and reads its whole output. A busy node is waited for while its answer goes on: the longest pause
    /// is [`ConnectOptions::timeout`], and the whole answer takes [`PATIENCE`] times as long at most.
    pub(super) async fn run(&self, program: &Program<'_>) -> Result<Reply, NodeError> {
        let silence = self.options.timeout;
        self.run_within(program, silence, silence * PATIENCE).await
    }

    /// The same with limits of its own.
    pub(super) async fn run_within(
        &self,
        program: &Program<'_>,
        silence: Duration,
        deadline: Duration,
    ) -> Result<Reply, NodeError> {
        let mut channel = self.open(program).await?;
        let work = async {
            let fed = feed(&mut channel.stdin, &channel.input, deadline);
            let streams = read_both(&mut channel.stdout, &mut channel.stderr, silence);
            // A reply beyond its limit is not read to the end.
            let ((), streams) = tokio::try_join!(fed, streams)?;
            Ok(streams)
        };
        let (stdout, stderr) = tokio::time::timeout(deadline, work)
            .await
            .map_err(|_| self.error(Failure::Late(deadline.as_secs())))?
            .map_err(|failure| self.error(failure))?;
        let status = channel.status(self).await?;
        Ok(Reply {
            stdout,
            stderr,
            status,
        })
    }

    /// Opens a channel for a program; its input is still to be written.
    pub(super) async fn open(&self, program: &Program<'_>) -> Result<Channel, NodeError> {
        let (command, input) = self
            .privilege
            .wrap(program)
            .map_err(|e| self.error(Failure::Here(format!("a file to be sent: {e}"))))?;
        let mut master = self.master.lock().await;
        match tokio::time::timeout(WARM_TIMEOUT, spawn(&master, &command)).await {
            Ok(Ok(parts)) => return Ok(Channel::new(parts, input)),
            Ok(Err(Failure::NoChannel)) => return Err(self.error(Failure::NoChannel)),
            // The connection is gone, or was left by an earlier command and no longer leads anywhere.
            Ok(Err(_)) | Err(_) => {}
        }
        // No stop to a dead master's listening: it must not be found again.
        let _ = tokio::time::timeout(Duration::from_secs(1), async {
            let control = master.control_socket().to_owned();
            let _ = std::fs::remove_file(control);
        })
        .await;
        *master = std::sync::Arc::new(master::connect(&self.options).await?.ssh);
        match tokio::time::timeout(self.options.timeout, spawn(&master, &command)).await {
            Ok(Ok(parts)) => Ok(Channel::new(parts, input)),
            Ok(Err(failure)) => Err(self.error(failure)),
            Err(_) => Err(self.error(Failure::Timeout)),
        }
    }

    pub(super) fn error(&self, failure: Failure) -> NodeError {
        NodeError::new(self.node(), failure)
    }

    pub(super) fn timeout(&self) -> Duration {
        self.options.timeout
    }
}

type Child = openssh::Child<std::sync::Arc<openssh::Session>>;

/// One channel: a program on the node and its three streams.
pub(super) struct Channel {
    child: Child,
    /// The bytes to write first.
    input: Vec<StdinPiece>,
    /// Closed when taken and dropped.
    stdin: Option<openssh::ChildStdin>,
    /// Its standard output.
    pub(super) stdout: openssh::ChildStdout,
    /// Its standard error.
    pub(super) stderr: openssh::ChildStderr,
}

impl Channel {
    fn new(mut child: Child, input: Vec<StdinPiece>) -> Self {
        let stdin = child.stdin().take();
        let stdout = child.stdout().take().expect("standard streams are piped");
        let stderr = child.stderr().take().expect("standard streams are piped");
        Self {
            child,
            input,
            stdin,
            stdout,
            stderr,
        }
    }

    /// Writes the whole standard input and closes it; no part of it may take longer than `patience`.
    pub(super) async fn write(&mut self, patience: Duration) -> Result<(), Failure> {
        let input = std::mem::take(&mut self.input);
        feed(&mut self.stdin, &input, patience).await
    }

    /// The exit status once the streams have ended; fails with [`Failure::Lost`] when the connection went away.
    pub(super) async fn status(self, session: &Session) -> Result<Option<i32>, NodeError> {
        let ssh = self.child.session();
        match self.child.wait().await {
            Ok(status) => Ok(status.code()),
            // The crate reads 127 as "no such command" and gives no status.
            Err(openssh::Error::Remote(_)) => Ok(Some(127)),
            Err(_) if ssh.check().await.is_ok() => Ok(None),
            Err(_) => Err(session.error(Failure::Lost)),
        }
    }
}

/// The number of times its longest silence that a whole answer may take.
const PATIENCE: u32 = 10;

/// The bytes that a node may say on standard error.
pub(super) const ERRORS_LIMIT: usize = 1 << 20;

/// Reads a stream to its end; one that says more than this is not read on.
pub(super) async fn read_all(
    stream: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut some = stream.take(limit as u64 + 1);
    let read = some.read_to_end(&mut bytes).await;
    read.map_err(|e| Failure::Here(format!("the pipe to ssh: {e}")))?;
    if bytes.len() > limit {
        return Err(Failure::TooMuch(limit));
    }
    Ok(bytes)
}

/// Reads an answer and its standard error, each to its end. It is given up once no more of the answer comes for
/// `silence`.
async fn read_both(
    stdout: &mut (impl AsyncRead + Unpin),
    stderr: &mut (impl AsyncRead + Unpin),
    silence: Duration,
) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    const CHUNK: usize = 64 * 1024;
    let answer = async {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = tokio::time::timeout(silence, stdout.read(&mut chunk));
            let read = read.await.map_err(|_| Failure::Late(silence.as_secs()))?;
            match read.map_err(|e| Failure::Here(format!("the pipe to ssh: {e}")))? {
                0 => return Ok(bytes),
                n => bytes.extend_from_slice(&chunk[..n]),
            }
            if bytes.len() > ANSWER_LIMIT {
                return Err(Failure::TooMuch(ANSWER_LIMIT));
            }
        }
    };
    let errors = read_all(stderr, ERRORS_LIMIT);
    tokio::pin!(answer, errors);
    let mut said = None;
    loop {
        tokio::select! {
            bytes = &mut answer => {
                let bytes = bytes?;
                let said = match said {
                    Some(said) => said,
                    None => tokio::time::timeout(silence, errors)
                        .await
                        .map_err(|_| Failure::Late(silence.as_secs()))??,
                };
                return Ok((bytes, said));
            }
            bytes = &mut errors, if said.is_none() => said = Some(bytes?),
        }
    }
}

/// Writes these pieces and closes the pipe. A program that ends early closes it, too: its output has the reason.
async fn feed(
    stdin: &mut Option<openssh::ChildStdin>,
    input: &[StdinPiece],
    patience: Duration,
) -> Result<(), Failure> {
    const CHUNK: usize = 64 * 1024;
    let Some(mut pipe) = stdin.take() else {
        return Ok(());
    };
    for piece in input {
        match piece {
            StdinPiece::Bytes(bytes) => {
                for chunk in bytes.chunks(CHUNK) {
                    if !push(&mut pipe, chunk, patience).await? {
                        return Ok(());
                    }
                }
            }
            StdinPiece::File(file) => {
                let here = |e| Failure::Here(format!("{}: {e}", file.path.display()));
                let opened = tokio::fs::File::open(&file.path).await.map_err(here)?;
                let mut reader = opened.take(file.bytes);
                let mut chunk = vec![0; CHUNK];
                loop {
                    let n = reader.read(&mut chunk).await.map_err(here)?;
                    if n == 0 {
                        break;
                    }
                    if !push(&mut pipe, &chunk[..n], patience).await? {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

/// Writes one chunk; `false` where the reader is gone.
async fn push(
    pipe: &mut openssh::ChildStdin,
    chunk: &[u8],
    patience: Duration,
) -> Result<bool, Failure> {
    match tokio::time::timeout(patience, pipe.write_all(chunk)).await {
        Err(_) => Err(Failure::Late(patience.as_secs())),
        Ok(written) => Ok(written.is_ok()),
    }
}

async fn spawn(ssh: &std::sync::Arc<openssh::Session>, command: &str) -> Result<Child, Failure> {
    let mut command = std::sync::Arc::clone(ssh).arc_raw_command(command);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().await.map_err(|e| match e {
        openssh::Error::Disconnected => Failure::Lost,
        openssh::Error::SshMux(_) if master::chain(&e).contains("refused") => Failure::NoChannel,
        e => Failure::Here(master::chain(&e)),
    })
}
