//! The shell that more than one script of ours needs: each piece a file of constant functions here, named where it is
//! needed, and in a script once, before what calls it.
//!
//! A kind or a part of the engine has its own shell beside it and says what that calls:
//! `Shell::new(include_str!("mount.sh")).needing(&[PROCESS])`.

/// The head of every script: the login's own settings do not count. `NW_STATE` is where a node keeps its record of
/// runs; tests set it.
pub const ENV: Shell = Shell::new(include_str!("env.sh"));

/// Identifies processes by pid, the tick at which they started (field 22 of their stat) and the boot they started in,
/// so that no clock is read (`nw_tick`, `nw_boot`, `nw_alive`). Keeps marks that hold for one boot (`nw_mark`,
/// `nw_marked`), tells whether systemd runs (`nw_systemd`), waits until a command succeeds or prints certain lines
/// (`nw_await`, `nw_shows`), starts processes that outlive a connection (`nw_spawn`), and writes a file atomically
/// (`nw_atomic`).
pub const PROCESS: Shell = Shell::new(include_str!("process.sh"));

/// A service by systemd or SysV: its instance, whether it runs, start and stop, start at boot (`nw_service_instance`,
/// `nw_service_runs`, `nw_service_do`, `nw_service_boot`).
pub const SERVICE: Shell = Shell::new(include_str!("service.sh")).needing(&[PROCESS]);

/// The traces of an earlier cluster on a node (`nw_traces`): a proof of one decides whether one is formed.
pub const TRACES: Shell = Shell::new(include_str!("traces.sh"));

/// Contents of files that travel: which ones, and each within bounds (`nw_differing`, `nw_content`).
pub const CONTENT: Shell = Shell::new(include_str!("content.sh"));

/// The folders that filesystems are mounted on, with their state (`nw_mount_folders`).
pub const MOUNT: Shell = Shell::new(include_str!("mount.sh"));

/// A setting of the kernel, by its file in /proc or /sys (`nw_kernel_set`).
pub const KERNEL: Shell = Shell::new(include_str!("kernel.sh"));

/// Lines and names of many files at once, read here (`nw_lines`, `nw_names`).
pub const FILES: Shell = Shell::new(include_str!("files.sh"));

/// Going where root may write. A path can be changed by whoever owns a part of it, a folder that one is in cannot: so the folder
/// is entered, part by part, and everything in it is done by its name alone (`nw_enter`, `nw_safe`, `nw_down`, `nw_inside`), and a
/// folder of root's alone there (`nw_private`, `nw_public`).
pub const FOLDER: Shell = Shell::new(include_str!("folder.sh"));

/// The manifest, the paths that we manage on this node: lines of ADDRESS, PATH, DIGEST, RUN and `secret` or `plain`, of
/// which the last of an address and path counts; the digest `-` says that it is no longer ours (`nw_manifest`,
/// `nw_own`, `nw_manifest_secret`).
pub const MANIFEST: Shell = Shell::new(include_str!("manifest.sh"));

/// A line of the node's own record of its runs (`nw_journal`).
pub const JOURNAL: Shell = Shell::new(include_str!("journal.sh"));

/// Constant shell functions of this program, and the pieces that they call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shell {
    own: &'static str,
    needs: &'static [Shell],
}

impl Shell {
    /// No shell at all.
    pub const NONE: Self = Self::new("");

    /// A text that calls no other piece.
    pub const fn new(own: &'static str) -> Self {
        Self { own, needs: &[] }
    }

    /// The same text, which calls functions of these pieces.
    #[must_use]
    pub const fn needing(self, needs: &'static [Self]) -> Self {
        Self { needs, ..self }
    }

    /// The text with all that it needs before it.
    pub fn text(self) -> String {
        Pieces::from([self]).text()
    }
}

/// The pieces of one script: each once, after those that it needs.
#[derive(Clone, Debug, Default)]
pub struct Pieces(Vec<&'static str>);

impl Pieces {
    /// Adds a piece and what it needs, unless they are there.
    pub fn add(&mut self, shell: Shell) {
        for need in shell.needs {
            self.add(*need);
        }
        if !shell.own.is_empty() && !self.0.contains(&shell.own) {
            self.0.push(shell.own);
        }
    }

    /// All of them as one text, which ends with a line break.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            text.push_str(piece);
            if !piece.ends_with('\n') {
                text.push('\n');
            }
        }
        text
    }
}

impl<const N: usize> From<[Shell; N]> for Pieces {
    fn from(shells: [Shell; N]) -> Self {
        let mut pieces = Self::default();
        for shell in shells {
            pieces.add(shell);
        }
        pieces
    }
}

/// Checks a whole script with shellcheck, which must find nothing.
#[cfg(test)]
pub(crate) fn check(script: &str) {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    // Some variables are set by `read` to be passed over, some functions serve other scripts; `ps` shows arguments.
    let mut child = Command::new("shellcheck")
        .args(["-s", "sh", "-e", "SC2034,SC2009,SC2317", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("shellcheck is installed");
    let mut stdin = child.stdin.take().expect("its standard input is a pipe");
    stdin.write_all(script.as_bytes()).expect("it reads");
    drop(stdin);
    let out = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&out.stdout), "");
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: Shell = Shell::new("low\n");
    const ONE: Shell = Shell::new("one\n").needing(&[LOW]);
    const TWO: Shell = Shell::new("two").needing(&[ONE, LOW]);

    #[test]
    fn each_piece_stands_once_and_before_those_that_call_it() {
        assert_eq!(TWO.text(), "low\none\ntwo\n");
        assert_eq!(
            Pieces::from([LOW, TWO, Shell::NONE, ONE]).text(),
            "low\none\ntwo\n"
        );
        assert_eq!(Shell::NONE.text(), "");
    }
}
