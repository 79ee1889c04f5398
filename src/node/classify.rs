//! Reads a failure out of the messages of ssh, sshd, sudo and shells.

use super::Failure;

/// A text and the failure that it means. The first that fits counts, so narrower ones come first.
type Mark = (&'static str, fn(&str) -> Failure);

/// Lines of `OpenSSH`'s client in its log when no connection comes about.
const CONNECT: &[Mark] = &[
    ("Could not resolve hostname", |line| {
        let rest = line.split("hostname ").nth(1).unwrap_or_default();
        Failure::Name(rest.split(':').next().unwrap_or(rest).to_owned())
    }),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", |_| {
        Failure::HostKeyChanged
    }),
    ("has changed and you have requested strict", |_| {
        Failure::HostKeyChanged
    }),
    ("host key is known for", |_| Failure::HostKeyUnknown),
    ("Host key verification failed", |_| Failure::HostKeyUnknown),
    ("no matching ", |line| {
        Failure::NoCommonAlgorithm(after(line, "no matching "))
    }),
    ("Permission denied (", |line| {
        Failure::NoKeyAccepted(line.split(':').next().unwrap_or_default().to_owned())
    }),
    ("Too many authentication failures", |_| {
        Failure::NoKeyAccepted("it: too many keys were offered".to_owned())
    }),
    ("Connection refused", |_| Failure::Refused),
    ("No route to host", |_| Failure::NoRoute),
    ("Network is unreachable", |_| Failure::NoRoute),
    // Without a connection of ssh's own there is no port to name.
    ("UNKNOWN port 65535 timed out", |_| Failure::Timeout),
    ("by UNKNOWN port 65535", |_| Failure::Through),
    ("during banner exchange", |_| Failure::Mute),
    ("Connection timed out", |_| Failure::Timeout),
    ("Operation timed out", |_| Failure::Timeout),
    ("Timeout before authentication", |_| Failure::Timeout),
    ("Timeout, server", |_| Failure::Lost),
    ("kex_exchange_identification", |_| Failure::Closed),
    ("ssh_exchange_identification", |_| Failure::Closed),
    ("Connection reset by peer", |_| Failure::Closed),
    ("Connection closed by", |_| Failure::Closed),
    ("Bad configuration option", |line| {
        Failure::Here(line.to_owned())
    }),
    ("Bad owner or permissions on", |line| {
        Failure::Here(line.to_owned())
    }),
];

/// Messages of a node's shell and tools when they fail.
const REMOTE: &[Mark] = &[
    ("This account is currently not available", |line| {
        Failure::NoShell(line.to_owned())
    }),
    ("This service allows sftp connections only", |line| {
        Failure::NoShell(line.to_owned())
    }),
    ("no tty present and no askpass", |_| {
        Failure::SudoNeedsPassword
    }),
    ("you must have a tty to run sudo", |_| Failure::SudoNeedsTty),
    ("a terminal is required to read the password", |_| {
        Failure::SudoNeedsPassword
    }),
    ("a password is required", |_| Failure::SudoNeedsPassword),
    ("incorrect password attempt", |_| Failure::SudoWrongPassword),
    ("no password was provided", |_| Failure::SudoWrongPassword),
    ("Sorry, try again", |_| Failure::SudoWrongPassword),
    ("is not in the sudoers file", |line| {
        Failure::SudoRefused(line.to_owned())
    }),
    ("is not allowed to ", |line| {
        Failure::SudoRefused(line.to_owned())
    }),
    ("may not run sudo", |line| {
        Failure::SudoRefused(line.to_owned())
    }),
    ("sudo: account validation failure", |line| {
        Failure::SudoRefused(line.to_owned())
    }),
    ("No space left on device", |line| {
        Failure::DiskFull(line.to_owned())
    }),
    ("Disk quota exceeded", |line| {
        Failure::DiskFull(line.to_owned())
    }),
    ("Read-only file system", |line| {
        Failure::ReadOnly(line.to_owned())
    }),
    ("command not found", |line| {
        Failure::MissingTool(tool(line, "command not found"))
    }),
    (": not found", |line| {
        Failure::MissingTool(tool(line, "not found"))
    }),
];

/// The failure that ssh's log of a connection that did not come about means. Its last lines count most: a log may begin
/// with banners and warnings.
pub(super) fn connect(log: &str) -> Failure {
    find(CONNECT, log).unwrap_or_else(|| Failure::Other(last_line(log)))
}

/// The failure that a command's standard error (and what it wrote where an answer belongs) means, if it is one of those
/// that have a sentence.
pub(super) fn remote(output: &str, status: Option<i32>) -> Option<Failure> {
    if let Some(failure) = find(REMOTE, output) {
        return Some(failure);
    }
    (status == Some(126) || output.contains("Permission denied") && output.contains("/bin/sh"))
        .then(|| Failure::NoExec(last_line(output)))
}

fn find(marks: &[Mark], text: &str) -> Option<Failure> {
    for (mark, failure) in marks {
        if let Some(line) = text.lines().find(|line| line.contains(mark)) {
            return Some(failure(
                line.trim().strip_prefix("ssh: ").unwrap_or(line.trim()),
            ));
        }
    }
    None
}

fn after(line: &str, mark: &str) -> String {
    line.split_once(mark)
        .map_or(line, |(_, rest)| rest)
        .to_owned()
}

/// The tool in `bash: line 1: lvs: command not found`, `sh: 1: lvs: not found`, `sudo: lvs: command not found`.
fn tool(line: &str, mark: &str) -> String {
    let before = line.split(mark).next().unwrap_or_default();
    let before = before.trim_end().trim_end_matches(':');
    before.rsplit(": ").next().unwrap_or(before).to_owned()
}

/// The last line with any text.
pub(super) fn last_line(text: &str) -> String {
    let line = text.lines().rev().map(str::trim).find(|l| !l.is_empty());
    line.unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts as ssh wrote them. Those marked "captured" were written by `OpenSSH` 9.2p1 (Debian 12) on loopback or
    /// against addresses of a namespace; the others are the format strings of its source, filled in.
    #[test]
    fn ssh_texts_are_understood() {
        let changed = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n\
             @    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n\
             Host key for node1 has changed and you have requested strict checking.\r\n\
             Host key verification failed.\r\n";
        let jump = "channel 0: open failed: connect failed: Connection refused\r\n\
             stdio forwarding failed\r\nConnection closed by UNKNOWN port 65535\r\n";
        for (text, failure) in [
            // captured
            (
                "ssh: Could not resolve hostname nowhere.invalid: Name or service not known\r\n",
                Failure::Name("nowhere.invalid".into()),
            ),
            // captured; the crate takes "ssh: " away
            (
                "connect to host 127.0.0.1 port 1: Connection refused\r\n",
                Failure::Refused,
            ),
            // captured
            (
                "ssh: connect to host 192.0.2.1 port 22: Network is unreachable\r\n",
                Failure::NoRoute,
            ),
            // sshconnect.c
            (
                "ssh: connect to host 10.0.0.9 port 22: No route to host\r\n",
                Failure::NoRoute,
            ),
            // sshconnect.c
            (
                "ssh: connect to host 10.0.0.9 port 22: Connection timed out\r\n",
                Failure::Timeout,
            ),
            // captured: the greeting does not come
            (
                "Connection timed out during banner exchange\r\n\
                 Connection to 127.0.0.1 port 2299 timed out\r\n",
                Failure::Mute,
            ),
            // captured: nor does it through a proxy that says nothing
            (
                "Connection timed out during banner exchange\r\n\
                 Connection to UNKNOWN port 65535 timed out\r\n",
                Failure::Timeout,
            ),
            // captured: a proxy that ends
            (
                "kex_exchange_identification: Connection closed by remote host\r\n\
                 Connection closed by UNKNOWN port 65535\r\n",
                Failure::Through,
            ),
            // captured
            (
                "No ED25519 host key is known for node1 and you have requested strict checking.\r\n\
                 Host key verification failed.\r\n",
                Failure::HostKeyUnknown,
            ),
            (changed, Failure::HostKeyChanged),
            // captured
            (
                "root@127.0.0.1: Permission denied (publickey,password).\r\n",
                Failure::NoKeyAccepted("root@127.0.0.1".into()),
            ),
            // kex.c; what a client without ssh-rsa says of EL6
            (
                "Unable to negotiate with 10.0.0.9 port 22: no matching host key type found. \
                 Their offer: ssh-rsa,ssh-dss\r\n",
                Failure::NoCommonAlgorithm(
                    "host key type found. Their offer: ssh-rsa,ssh-dss".into(),
                ),
            ),
            // kex.c: MaxStartups, hosts.deny
            (
                "kex_exchange_identification: read: Connection reset by peer\r\n",
                Failure::Closed,
            ),
            (jump, Failure::Refused),
        ] {
            assert_eq!(connect(text), failure, "{text}");
        }
    }

    /// Texts of sudo 1.9.13 (Debian 12, captured), sudo 1.8.6 and 1.8.23 (EL6, EL7: message strings of its source),
    /// bash 5.2, dash 0.5.12, coreutils 9.1 (captured) and nologin of util-linux and shadow (captured).
    #[test]
    fn remote_texts_are_understood() {
        for (text, status, failure) in [
            (
                "sudo: a password is required\n",
                1,
                Failure::SudoNeedsPassword,
            ),
            (
                "sudo: no tty present and no askpass program specified\n",
                1,
                Failure::SudoNeedsPassword,
            ),
            (
                "sudo: sorry, you must have a tty to run sudo\n",
                1,
                Failure::SudoNeedsTty,
            ),
            (
                "Sorry, try again.\nsudo: no password was provided\nsudo: 1 incorrect password attempt\n",
                1,
                Failure::SudoWrongPassword,
            ),
            (
                "admin is not in the sudoers file.\n",
                1,
                Failure::SudoRefused("admin is not in the sudoers file.".into()),
            ),
            (
                "bash: line 1: sha256sum: command not found\n",
                127,
                Failure::MissingTool("sha256sum".into()),
            ),
            (
                "/bin/sh: 1: flock: not found\n",
                127,
                Failure::MissingTool("flock".into()),
            ),
            (
                "cat: write error: No space left on device\n",
                1,
                Failure::DiskFull("cat: write error: No space left on device".into()),
            ),
            (
                "mkdir: cannot create directory '/var/lib/nodewright': Read-only file system\n",
                1,
                Failure::ReadOnly(
                    "mkdir: cannot create directory '/var/lib/nodewright': Read-only file system"
                        .into(),
                ),
            ),
            (
                "This account is currently not available.\n",
                1,
                Failure::NoShell("This account is currently not available.".into()),
            ),
        ] {
            assert_eq!(remote(text, Some(status)), Some(failure), "{text}");
        }
        assert_eq!(remote("something else\n", Some(1)), None);
    }
}
