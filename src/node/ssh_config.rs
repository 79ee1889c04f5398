//! The site's `ssh_config`: every way to every node, for `OpenSSH` to use here and by hand with `ssh -F`.

use super::knock::Door;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One way in to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Its name in the configuration: the node's name for the first way, `NODE.WORD` for others.
    pub alias: String,
    /// The word of the site for it: `direct`, `jump`, `knock-ZONE`, `peer-ZONE`.
    pub word: String,
    /// Name or address to connect to.
    pub host: String,
    /// TCP port; the operator's own configuration decides without one.
    pub port: Option<u16>,
    /// The login; the operator's own configuration decides without one.
    pub user: Option<String>,
    /// The place to knock at before a connection.
    pub door: Option<Door>,
    /// Another alias of this configuration, or any destination, to jump through.
    pub jump: Option<String>,
    /// A command whose standard input and output is the connection (`ProxyCommand`). It is the operator's own text.
    pub proxy_command: Option<String>,
}

/// The word of a way to where a node is just now and will not be once it is renumbered: the guard uses the site's own
/// instead.
pub const AT: &str = "at";

/// The way to one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAccess {
    /// The node's name; `known_hosts` has its host key under this name, whichever way is taken.
    pub name: String,
    /// The ways in, tried in this order.
    pub ways: Vec<Way>,
    /// The node's sshd is that of EL6 (5.3) and needs algorithms that are off by default today
    /// (docs/facts/ssh.md#keys-and-algorithms-of-old-releases).
    pub old_algorithms: bool,
    /// The site's `known_hosts`.
    pub known_hosts: PathBuf,
    /// A private key to offer instead of what agent and configuration have.
    pub identity: Option<PathBuf>,
}

/// The reason why a value cannot be written in an `ssh_config`, which has no way to write it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} of node {node} cannot be written into an ssh_config: {value:?} holds {why}")]
pub struct ConfigError {
    /// The node.
    pub node: String,
    /// The name of the value.
    pub what: &'static str,
    /// The value.
    pub value: String,
    /// The part of the value that cannot be written.
    pub why: &'static str,
}

/// Seconds for the TCP connection and the greeting of one way.
const CONNECT_SECONDS: u32 = 10;

/// The text of the configuration for these nodes, with the operator's own included at its end.
///
/// The first value that `OpenSSH` meets counts, so these lines win over the operator's own for these nodes, and only
/// for them. Fails when a value holds characters that the format has no way to write (a line break, a quote).
pub fn ssh_config(nodes: &[NodeAccess]) -> Result<String, ConfigError> {
    let mut out = String::from(
        "# Written by nodewright from the site; by hand: ssh -F THIS_FILE NODE\n\
         # All other options come from your own configuration, included at the end.\n",
    );
    for node in nodes {
        for way in &node.ways {
            write_way(&mut out, node, way)?;
        }
    }
    // With -F the system's file is not read, so it is included too.
    out.push_str("\nHost *\n  Include ~/.ssh/config\n  Include /etc/ssh/ssh_config\n");
    Ok(out)
}

fn write_way(out: &mut String, node: &NodeAccess, way: &Way) -> Result<(), ConfigError> {
    let _ = write!(
        out,
        "\nHost {}\n  HostName {}\n  HostKeyAlias {}\n",
        word(node, "an alias", &way.alias)?,
        word(node, "a host", &way.host)?,
        word(node, "the name", &node.name)?,
    );
    if let Some(port) = way.port {
        let _ = writeln!(out, "  Port {port}");
    }
    if let Some(user) = &way.user {
        let _ = writeln!(out, "  User {}", word(node, "a user", user)?);
    }
    let _ = write!(
        out,
        "  UserKnownHostsFile {}\n  StrictHostKeyChecking yes\n  CheckHostIP no\n  UpdateHostKeys no\n",
        path(node, "the known_hosts file", &node.known_hosts)?
    );
    // A connection that a change of the network left behind is given up in time for the guard's window.
    let _ = write!(
        out,
        "  ConnectTimeout {CONNECT_SECONDS}\n  ServerAliveInterval 5\n  ServerAliveCountMax 3\n  TCPKeepAlive yes\n"
    );
    // Overrides those options of the operator that open more than a session, write to it, or hide why it failed.
    out.push_str(
        "  LogLevel INFO\n  ClearAllForwardings yes\n  ForwardAgent no\n  ForwardX11 no\n",
    );
    out.push_str("  RequestTTY no\n  RemoteCommand none\n  PermitLocalCommand no\n");
    if let Some(identity) = &node.identity {
        let _ = write!(
            out,
            "  IdentityFile {}\n  IdentitiesOnly yes\n",
            path(node, "the key", identity)?
        );
    }
    if let Some(jump) = &way.jump {
        let _ = writeln!(out, "  ProxyJump {}", word(node, "a jump host", jump)?);
    } else if let Some(command) = &way.proxy_command {
        if command.contains(['\n', '\r', '\0']) {
            return Err(refuse(
                node,
                "the proxy command",
                command,
                "a line break or NUL",
            ));
        }
        let _ = writeln!(out, "  ProxyCommand {command}");
    }
    if node.old_algorithms {
        out.push_str(
            "  HostKeyAlgorithms +ssh-rsa\n  PubkeyAcceptedAlgorithms +ssh-rsa\n  \
             KexAlgorithms +diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha1\n",
        );
    }
    Ok(())
}

fn refuse(node: &NodeAccess, what: &'static str, value: &str, why: &'static str) -> ConfigError {
    ConfigError {
        node: node.name.clone(),
        what,
        value: value.to_owned(),
        why,
    }
}

/// A single word without anything that the format, its patterns or its tokens give a meaning to.
fn word<'a>(node: &NodeAccess, what: &'static str, value: &'a str) -> Result<&'a str, ConfigError> {
    if value.is_empty() || value.starts_with('-') {
        return Err(refuse(node, what, value, "nothing, or a leading dash"));
    }
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"._-:@[]/,+".contains(&b);
    if value.bytes().all(fine) {
        Ok(value)
    } else {
        Err(refuse(
            node,
            what,
            value,
            "something other than letters, digits and ._-:@[]/,+",
        ))
    }
}

/// A path between double quotes, its `%` doubled because they start tokens.
fn path(node: &NodeAccess, what: &'static str, value: &Path) -> Result<String, ConfigError> {
    let Some(text) = value.to_str() else {
        let text = value.to_string_lossy();
        return Err(refuse(node, what, &text, "bytes that are not UTF-8"));
    };
    if text.contains(['"', '\\', '\n', '\r', '\0', '$']) {
        return Err(refuse(
            node,
            what,
            text,
            "a quote, backslash, dollar or line break",
        ));
    }
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> NodeAccess {
        NodeAccess {
            name: "node1".into(),
            ways: vec![
                Way {
                    alias: "node1".into(),
                    word: "direct".into(),
                    host: "192.0.2.5".into(),
                    port: Some(22),
                    user: Some("root".into()),
                    door: None,
                    jump: None,
                    proxy_command: None,
                },
                Way {
                    alias: "node1.jump".into(),
                    word: "jump".into(),
                    host: "10.0.2.1".into(),
                    port: Some(2222),
                    user: Some("root".into()),
                    door: None,
                    jump: Some("admin@gate.example.net:22".into()),
                    proxy_command: None,
                },
            ],
            old_algorithms: true,
            known_hosts: "/srv/my site/known_hosts".into(),
            identity: None,
        }
    }

    /// The values that `ssh -G` reads in the text: the parser that counts.
    fn resolved(config: &str, alias: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        std::fs::write(&file, config).unwrap();
        let out = std::process::Command::new("ssh")
            .arg("-G")
            .arg("-F")
            .arg(&file)
            .arg(alias)
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }

    #[test]
    fn openssh_reads_what_was_meant() {
        let text = ssh_config(&[node()]).unwrap();
        let direct = resolved(&text, "node1");
        for line in [
            "hostname 192.0.2.5",
            "port 22",
            "user root",
            "hostkeyalias node1",
            "stricthostkeychecking true",
            "userknownhostsfile /srv/my site/known_hosts",
            "serveraliveinterval 5",
            "connecttimeout 10",
        ] {
            assert!(
                direct.lines().any(|l| l == line),
                "{line} is missing in:\n{direct}"
            );
        }
        assert!(
            direct.contains("kexalgorithms ") && direct.contains("diffie-hellman-group14-sha1")
        );
        let jump = resolved(&text, "node1.jump");
        assert!(jump.contains("proxyjump admin@gate.example.net"), "{jump}");
        assert!(jump.contains("hostkeyalias node1\n"), "{jump}");
    }

    #[test]
    fn other_hosts_are_left_to_the_operator() {
        let mine = resolved("", "elsewhere");
        let text = ssh_config(&[node()]).unwrap();
        let theirs = resolved(
            &text
                .replace("Include ~/.ssh/config", "")
                .replace("Include /etc/ssh/ssh_config", ""),
            "elsewhere",
        );
        assert_eq!(theirs, mine);
    }

    #[test]
    fn what_the_format_cannot_carry_is_refused() {
        for host in [
            "a b",
            "-oProxyCommand=x",
            "h\nProxyCommand x",
            "$(x)",
            "%h",
            "",
        ] {
            let mut node = node();
            node.ways[0].host = host.into();
            let error = ssh_config(&[node]).unwrap_err();
            assert_eq!((error.what, error.value.as_str()), ("a host", host));
        }
        let mut node = node();
        node.known_hosts = "/a\"b".into();
        assert!(ssh_config(&[node]).is_err());
    }
}
