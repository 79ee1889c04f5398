//! One connection per node: found open from an earlier command, or made, and left open for the next.

use super::ssh_config::{NodeAccess, Way};
use super::{Failure, NodeError, classify, run_id};
use openssh::{ControlPersist, KnownHosts, SessionBuilder};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The way to connect.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The generated configuration ([`ssh_config`](super::ssh_config)), already written.
    pub config: PathBuf,
    /// The node and its ways in.
    pub access: NodeAccess,
    /// The place where control sockets live: short, of this user alone; made when missing
    /// (`$XDG_RUNTIME_DIR/nodewright`).
    pub runtime_dir: PathBuf,
    /// The time for which an unused connection stays open for the next command.
    pub persist: Duration,
    /// The time that one way may take to be logged in, and one answer to come whole.
    pub timeout: Duration,
}

/// Longest runtime directory in bytes. A socket's path has 108 bytes with its NUL; the crate adds
/// `/.ssh-connectionXXXXXX/master` (29) and `OpenSSH` a random suffix of 17 while it makes the socket.
const LONGEST_RUNTIME_DIR: usize = 61;

/// An open connection.
pub(super) struct Master {
    /// The multiplexed connection; dropping it leaves the connection open.
    pub(super) ssh: openssh::Session,
    /// The alias of the way that was taken.
    pub(super) way: String,
    /// Whether an earlier command had left it open.
    pub(super) warm: bool,
}

/// Finds an open connection or makes one, trying the ways in order.
pub(super) async fn connect(options: &ConnectOptions) -> Result<Master, NodeError> {
    let node = &options.access.name;
    let here =
        |what: &str, e: &io::Error| NodeError::new(node, Failure::Here(format!("{what}: {e}")));
    prepare_runtime_dir(&options.runtime_dir)
        .map_err(|why| NodeError::new(node, Failure::Here(why)))?;
    for way in &options.access.ways {
        if let Some(master) = resume(options, way).await {
            return Ok(master);
        }
    }
    let mut tried = Vec::new();
    let mut output = String::new();
    for way in &options.access.ways {
        match open(options, way).await {
            Ok(control) => {
                remember(options, way, &control).map_err(|e| here("the runtime directory", &e))?;
                return Ok(Master {
                    ssh: openssh::Session::resume_mux(control, None),
                    way: way.alias.clone(),
                    warm: false,
                });
            }
            Err((failure, log)) => {
                output.push_str(&log);
                let unreachable = failure.is_unreachable();
                tried.push((way.alias.clone(), failure));
                // A host that was reached and refused us would do so on every way.
                if !unreachable {
                    break;
                }
            }
        }
    }
    let failure = match tried.len() {
        0 => Failure::Here("the inventory lists no way in".into()),
        _ if tried.last().is_some_and(|(_, f)| !f.is_unreachable()) => {
            tried.pop().expect("it was just looked at").1
        }
        1 => tried.remove(0).1,
        _ => Failure::NoWay(tried),
    };
    Err(NodeError {
        node: node.clone(),
        failure,
        output,
    })
}

/// Makes sure that the directory is short, exists and is ours alone.
fn prepare_runtime_dir(dir: &Path) -> Result<(), String> {
    let shown = dir.display();
    let length = dir.as_os_str().as_bytes().len();
    if length > LONGEST_RUNTIME_DIR {
        return Err(format!(
            "the directory for control sockets may have {LONGEST_RUNTIME_DIR} bytes, and {shown} has {length}"
        ));
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| format!("{shown} could not be made: {e}"))?;
    let meta = fs::symlink_metadata(dir).map_err(|e| format!("{shown}: {e}"))?;
    // A file of this process belongs to its user: that names the user without the environment.
    let probe = tempfile::tempfile_in(dir).and_then(|f| f.metadata());
    let uid = probe
        .map_err(|e| format!("{shown} cannot be written: {e}"))?
        .uid();
    if !meta.is_dir() || meta.uid() != uid || meta.permissions().mode() & 0o077 != 0 {
        return Err(format!(
            "{shown} has to be a directory of this user with mode 0700; it is mode {:04o} of user {}",
            meta.permissions().mode() & 0o7777,
            meta.uid()
        ));
    }
    Ok(())
}

/// The stable name under which the connection of a way is remembered: a link to its control socket.
///
/// It changes with everything that decides where the connection leads.
fn stable_name(options: &ConnectOptions, way: &Way) -> PathBuf {
    let access = &options.access;
    let key = format!("{} {} {access:?}", options.config.display(), way.alias);
    let digest = Sha256::digest(key.as_bytes());
    options.runtime_dir.join(run_id::hex(&digest[..8]))
}

/// The connection that an earlier command left, when it is alive.
async fn resume(options: &ConnectOptions, way: &Way) -> Option<Master> {
    let name = stable_name(options, way);
    let control = fs::read_link(&name).ok()?;
    let ssh = openssh::Session::resume_mux(control.clone().into_boxed_path(), None);
    let alive = tokio::time::timeout(Duration::from_secs(3), ssh.check()).await;
    if matches!(alive, Ok(Ok(()))) {
        return Some(Master {
            ssh,
            way: way.alias.clone(),
            warm: true,
        });
    }
    forget(options, &name, &control);
    None
}

/// Removes the socket of a dead connection.
fn forget(options: &ConnectOptions, name: &Path, control: &Path) {
    let _ = fs::remove_file(name);
    if let Some(dir) = control.parent()
        && dir.parent() == Some(options.runtime_dir.as_path())
    {
        let _ = fs::remove_dir_all(dir);
    }
}

/// Points the stable name at a new connection; another command that did so at the same time loses or wins whole.
fn remember(options: &ConnectOptions, way: &Way, control: &Path) -> io::Result<()> {
    let name = stable_name(options, way);
    let new = name.with_extension(run_id::random_hex(4)?);
    std::os::unix::fs::symlink(control, &new)?;
    fs::rename(&new, &name)
}

/// Opens a new connection by one way; gives the path of its control socket, or the failure and ssh's log.
async fn open(options: &ConnectOptions, way: &Way) -> Result<Box<Path>, (Failure, String)> {
    if let Some(door) = &way.door
        && let Err(failure) = door.knock().await
    {
        return Err((failure, String::new()));
    }
    let mut builder = SessionBuilder::default();
    let idle = usize::try_from(options.persist.as_secs()).unwrap_or(usize::MAX);
    builder
        .known_hosts_check(KnownHosts::Strict)
        .control_directory(&options.runtime_dir)
        .control_persist(ControlPersist::IdleFor(
            NonZeroUsize::new(idle).unwrap_or(NonZeroUsize::MIN),
        ))
        .config_file(&options.config);
    match tokio::time::timeout(options.timeout, builder.connect_mux(&way.alias)).await {
        Err(_) => Err((Failure::Timeout, String::new())),
        Ok(Ok(ssh)) => Ok(ssh.detach().0),
        Ok(Err(openssh::Error::Connect(e))) if e.kind() == io::ErrorKind::NotFound => Err((
            Failure::Here(
                "the program ssh was not found; it is in the package openssh-client(s)".into(),
            ),
            e.to_string(),
        )),
        Ok(Err(openssh::Error::Connect(e))) => {
            let log = e.to_string();
            Err((classify::connect(&log), log))
        }
        Ok(Err(e)) => {
            let chain = chain(&e);
            Err((Failure::Here(chain.clone()), chain))
        }
    }
}

/// An error with its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(e) = source {
        text.push_str(": ");
        text.push_str(&e.to_string());
        source = e.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_runtime_dir_is_refused_before_ssh_would_stumble() {
        let dir = tempfile::tempdir().unwrap();
        let long = dir.path().join("x".repeat(62));
        let why = prepare_runtime_dir(&long).unwrap_err();
        assert!(why.contains("may have 61 bytes"), "{why}");
        assert!(!long.exists());
    }

    #[test]
    fn an_open_runtime_dir_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let why = prepare_runtime_dir(dir.path()).unwrap_err();
        assert!(why.contains("mode 0755"), "{why}");
    }
}
