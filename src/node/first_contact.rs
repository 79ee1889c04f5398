//! Before a node is known: its host keys with their fingerprints, the operator's key, and sudo without a terminal.
//!
//! The only place that talks to people while it works: `OpenSSH` and sudo ask for passwords on the terminal themselves,
//! and no password passes through this program.

use super::master::ConnectOptions;
use super::ssh_config::Way;
use super::{Failure, NodeError, classify};
use crate::sh::quote;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// One host key of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// The key as `known_hosts` has it, without the name: `ssh-ed25519 AAAA…`.
    pub key: String,
    /// The fingerprint to compare with the node's own console, as `ssh-keygen -l` shows it: `256 SHA256:… (ED25519)`.
    pub fingerprint: String,
}

/// The result of pinning a node's host keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// The node was not known.
    New,
    /// Other keys were known before.
    Changed,
    /// The same keys were known.
    Same,
}

/// Fetches a node's host keys by the first way that answers. This trusts none of them: show the fingerprints, and
/// [`pin`] those that the operator has compared.
///
/// A way without a jump is asked by `ssh-keyscan` for all keys; on others a login is begun, which shows one key.
pub async fn host_keys(options: &ConnectOptions) -> Result<Vec<HostKey>, NodeError> {
    let node = &options.access.name;
    let mut tried = Vec::new();
    for way in &options.access.ways {
        if let Some(door) = &way.door
            && let Err(failure) = door.knock().await
        {
            tried.push((way.alias.clone(), failure));
            continue;
        }
        let found = if way.jump.is_none() && way.proxy_command.is_none() {
            scan(options, way).await
        } else {
            begin_login(options, way).await
        };
        match found {
            Ok(keys) => {
                let with_name = keys.into_iter().map(|key| fingerprint(node, key));
                return with_name.collect::<Result<_, _>>();
            }
            Err(error) => tried.push((way.alias.clone(), error.failure)),
        }
    }
    let failure = match tried.len() {
        1 => tried.remove(0).1,
        _ => Failure::NoWay(tried),
    };
    Err(NodeError::new(node, failure))
}

/// The keys that `ssh-keyscan` sees.
async fn scan(options: &ConnectOptions, way: &Way) -> Result<Vec<String>, NodeError> {
    let node = &options.access.name;
    let port = way.port.unwrap_or(22).to_string();
    // ssh-keyscan knows no `--`.
    if way.host.starts_with('-') {
        let why = format!("{:?} is no name of a host", way.host);
        return Err(NodeError::new(node, Failure::Here(why)));
    }
    let out = output(
        node,
        Command::new("ssh-keyscan").args([
            "-T",
            "10",
            "-t",
            "ed25519,ecdsa,rsa",
            "-p",
            &port,
            "--",
            &way.host,
        ]),
    )
    .await?;
    let keys = keys_in(&String::from_utf8_lossy(&out.stdout));
    if !keys.is_empty() {
        return Ok(keys);
    }
    let log = String::from_utf8_lossy(&out.stderr).into_owned();
    // For a name it prints "getaddrinfo HOST: …", and for a closed port nothing at all.
    let failure = if log.contains("getaddrinfo") {
        Failure::Name(way.host.clone())
    } else {
        begin_login(options, way)
            .await
            .map_or_else(|error| error.failure, |_| Failure::Closed)
    };
    Err(NodeError {
        node: node.clone(),
        failure,
        output: log,
    })
}

/// The key that a login shows; the login itself may be refused.
async fn begin_login(options: &ConnectOptions, way: &Way) -> Result<Vec<String>, NodeError> {
    let node = &options.access.name;
    let here = |e: io::Error| NodeError::new(node, Failure::Here(e.to_string()));
    let file = tempfile::NamedTempFile::new().map_err(here)?;
    let log = tempfile::NamedTempFile::new().map_err(here)?;
    let known = format!("UserKnownHostsFile={}", file.path().display());
    // To files and not to pipes: a proxy command that outlives ssh would hold a pipe open.
    let status = Command::new("ssh")
        .arg("-F")
        .arg(&options.config)
        .arg("-E")
        .arg(log.path())
        .args(["-o", "StrictHostKeyChecking=accept-new", "-o", &known])
        .args(["-o", "BatchMode=yes", "-o", "PreferredAuthentications=none"])
        .args(["-o", "ControlPath=none", "-o", "HashKnownHosts=no"])
        .args([&way.alias, "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    let timeout = tokio::time::timeout(options.timeout, status).await;
    let _ = timeout.map_err(|_| NodeError::new(node, Failure::Timeout))?;
    let keys = keys_in(&fs::read_to_string(file.path()).map_err(here)?);
    if !keys.is_empty() {
        return Ok(keys);
    }
    let log = fs::read_to_string(log.path()).map_err(here)?;
    Err(NodeError {
        node: node.clone(),
        failure: classify::connect(&log),
        output: log,
    })
}

/// The keys of lines `NAME TYPE KEY`.
fn keys_in(text: &str) -> Vec<String> {
    let key = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?;
        let (kind, key) = (words.next()?, words.next()?);
        (!name.starts_with('#')).then(|| format!("{kind} {key}"))
    };
    let mut keys: Vec<_> = text.lines().filter_map(key).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn fingerprint(node: &str, key: String) -> Result<HostKey, NodeError> {
    let here = |why: String| NodeError::new(node, Failure::Here(format!("ssh-keygen: {why}")));
    let mut child = std::process::Command::new("ssh-keygen")
        .args(["-l", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| here(e.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = writeln!(stdin, "{key}");
    }
    let out = child.wait_with_output().map_err(|e| here(e.to_string()))?;
    let text = String::from_utf8_lossy(&out.stdout);
    let words: Vec<_> = text.split_whitespace().collect();
    match words.as_slice() {
        [bits, sum, .., kind] => Ok(HostKey {
            fingerprint: format!("{bits} {sum} {kind}"),
            key,
        }),
        _ => Err(here(format!("it cannot read {key:?}"))),
    }
}

/// Writes these keys into the site's `known_hosts` as the node's only ones; other lines stay as they are.
pub fn pin(known_hosts: &Path, node: &str, keys: &[HostKey]) -> io::Result<Pinned> {
    let old = match fs::read_to_string(known_hosts) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(e),
    };
    let is_its = |line: &&str| line.split_whitespace().next() == Some(node);
    let before: Vec<&str> = old.lines().filter(is_its).collect();
    let after: Vec<String> = keys.iter().map(|k| format!("{node} {}", k.key)).collect();
    let known = |line: &str| {
        after
            .iter()
            .any(|a| line == a || line.starts_with(&format!("{a} ")))
    };
    if before.len() == after.len() && before.iter().all(|line| known(line)) {
        return Ok(Pinned::Same);
    }
    let mut text = String::new();
    for line in old.lines().filter(|line| !is_its(line)) {
        text.push_str(line);
        text.push('\n');
    }
    for line in &after {
        text.push_str(line);
        text.push('\n');
    }
    let folder = known_hosts.parent().filter(|p| !p.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist(known_hosts)?;
    Ok(if before.is_empty() {
        Pinned::New
    } else {
        Pinned::Changed
    })
}

/// Adds the key that comes in on standard input to the login's own.
const INSTALL: &str = r#"set -eu
umask 077
IFS= read -r nw_key
nw_rest=${nw_key#* }
mkdir -p "$HOME/.ssh"
nw_file=$HOME/.ssh/authorized_keys
if [ -e "$nw_file" ] && grep -qF -- "${nw_rest%% *}" "$nw_file"; then echo present; exit 0; fi
if [ -s "$nw_file" ] && [ -n "$(tail -c 1 "$nw_file")" ]; then echo >>"$nw_file"; fi
printf '%s\n' "$nw_key" >>"$nw_file"
if command -v restorecon >/dev/null 2>&1; then restorecon -R "$HOME/.ssh" || :; fi
echo installed
"#;

/// Installs a public key (`ssh-ed25519 AAAA… comment`) for the login, by an ssh that asks for the password on this
/// terminal where it needs one. Gives whether the key is new there.
pub async fn install_key(options: &ConnectOptions, public_key: &str) -> Result<bool, NodeError> {
    let node = &options.access.name;
    let public_key = public_key.trim();
    let words = public_key.split_whitespace().count();
    if words < 2 || public_key.contains(['\n', '\r', '\0']) {
        let why = "the public key has to be one line: ssh-ed25519 AAAA… comment".to_owned();
        return Err(NodeError::new(node, Failure::Here(why)));
    }
    let command = format!("exec /bin/sh -c {}", quote(INSTALL));
    let log = interactive(options, &[], &command, Some(&format!("{public_key}\n"))).await?;
    match log.trim() {
        "installed" => Ok(true),
        "present" => Ok(false),
        other => Err(NodeError::new(
            node,
            Failure::Other(format!("the key was not installed: {other}")),
        )),
    }
}

/// Lets the login who calls sudo call it without a terminal, and nobody else. A sudoers file with a dot in its name is
/// not read, so the new one can be checked in its place.
const LIFT: &str = r#"set -eu
PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH
umask 077
nw_name=$(printf %s "$SUDO_USER" | tr -c A-Za-z0-9_- _)
nw_new=$(mktemp /etc/sudoers.d/.nw-XXXXXX)
trap "rm -f \"$nw_new\"" EXIT
printf "Defaults:%s !requiretty\n" "$SUDO_USER" >"$nw_new"
visudo -cqf "$nw_new"
chmod 440 "$nw_new"
mv -f "$nw_new" "/etc/sudoers.d/60-nodewright-$nw_name"
"#;

/// Lifts sudo's requiretty for the login, by `/etc/sudoers.d/60-nodewright-LOGIN`, checked with visudo before it is put
/// in place. sudo asks for the password on this terminal where it needs one.
pub async fn lift_requiretty(options: &ConnectOptions) -> Result<(), NodeError> {
    let prompt = quote(&format!("sudo on {}: ", options.access.name));
    let command = format!("exec sudo -p {prompt} /bin/sh -c {}", quote(LIFT));
    interactive(options, &["-tt"], &command, None)
        .await
        .map(|_| ())
}

/// Runs ssh with this terminal, by the first way that is not out of reach. Gives its standard output, if `input` is
/// given; else that goes to the terminal too.
async fn interactive(
    options: &ConnectOptions,
    flags: &[&str],
    command: &str,
    input: Option<&str>,
) -> Result<String, NodeError> {
    let node = &options.access.name;
    let here = |e: io::Error| NodeError::new(node, Failure::Here(e.to_string()));
    let mut tried = Vec::new();
    for way in &options.access.ways {
        if let Some(door) = &way.door
            && let Err(failure) = door.knock().await
        {
            tried.push((way.alias.clone(), failure));
            continue;
        }
        let log = tempfile::NamedTempFile::new().map_err(here)?;
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(&options.config).arg("-E").arg(log.path());
        ssh.args(["-o", "ControlPath=none"]).args(flags);
        ssh.args([&way.alias, command]);
        if input.is_some() {
            ssh.stdin(Stdio::piped()).stdout(Stdio::piped());
        }
        let mut child = ssh.spawn().map_err(here)?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // A refused login closes it; the log has the reason.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let out = child.wait_with_output().await.map_err(here)?;
        if out.status.success() {
            return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
        }
        let log = fs::read_to_string(log.path()).map_err(here)?;
        let failure = if out.status.code() == Some(255) {
            classify::connect(&log)
        } else {
            let status = out.status.code().unwrap_or(-1);
            Failure::Other(format!("it ended with status {status}; see above"))
        };
        if !failure.is_unreachable() {
            return Err(NodeError {
                node: node.clone(),
                failure,
                output: log,
            });
        }
        tried.push((way.alias.clone(), failure));
    }
    Err(NodeError::new(
        node,
        match tried.len() {
            1 => tried.remove(0).1,
            _ => Failure::NoWay(tried),
        },
    ))
}

async fn output(node: &str, command: &mut Command) -> Result<std::process::Output, NodeError> {
    command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| NodeError::new(node, Failure::Here(format!("{}: {e}", program(command)))))
}

fn program(command: &Command) -> String {
    command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinning_replaces_a_nodes_keys_and_leaves_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        let key = |key: &str| HostKey {
            key: key.to_owned(),
            fingerprint: String::new(),
        };
        let read = || fs::read_to_string(&file).unwrap();
        assert_eq!(
            pin(&file, "node1", &[key("ssh-rsa AA")]).unwrap(),
            Pinned::New
        );
        fs::write(
            &file,
            "# ours\nnode1 ssh-rsa AA comment\nnode10 ssh-rsa BB\n",
        )
        .unwrap();
        assert_eq!(
            pin(&file, "node1", &[key("ssh-rsa AA")]).unwrap(),
            Pinned::Same
        );
        assert_eq!(
            pin(&file, "node1", &[key("ssh-ed25519 CC")]).unwrap(),
            Pinned::Changed
        );
        assert_eq!(read(), "# ours\nnode10 ssh-rsa BB\nnode1 ssh-ed25519 CC\n");
    }

    #[test]
    fn comments_of_keyscan_are_no_keys() {
        let text = "# 127.0.0.1:22 SSH-2.0-OpenSSH_9.2p1\n[127.0.0.1]:22 ssh-ed25519 AAAA\n";
        assert_eq!(keys_in(text), ["ssh-ed25519 AAAA"]);
    }
}
