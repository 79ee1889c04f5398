//! The shells that nodes have: dash, bash, bash called as sh, busybox ash.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Shell {
    program: &'static str,
    words: &'static [&'static str],
    arg0: Option<&'static str>,
    apart: bool,
}

/// All of them.
pub const SHELLS: [Shell; 4] = [
    Shell {
        program: "dash",
        words: &[],
        arg0: None,
        apart: false,
    },
    Shell {
        program: "bash",
        words: &[],
        arg0: None,
        apart: false,
    },
    Shell {
        program: "bash",
        words: &[],
        arg0: Some("sh"),
        apart: false,
    },
    Shell {
        program: "busybox",
        words: &["ash"],
        arg0: None,
        apart: false,
    },
];

impl Shell {
    /// The same shell in a user and UTS namespace of its own.
    pub fn apart(self) -> Self {
        Self {
            apart: true,
            ..self
        }
    }

    /// Runs a script given on standard input, with `path` before the usual folders of programs.
    pub fn run(self, script: &str, path: Option<&Path>) -> Output {
        let mut command = if self.apart {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--uts", "--", self.program]);
            command
        } else {
            let mut command = Command::new(self.program);
            if let Some(arg0) = self.arg0 {
                command.arg0(arg0);
            }
            command
        };
        let usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let path = path.map_or(usual.to_owned(), |p| format!("{}:{usual}", p.display()));
        let mut child = command
            .args(self.words)
            .arg("-s")
            .env_clear()
            .env("PATH", path)
            .env("HOME", "/nonexistent")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| {
                panic!(
                    "{}: {e}; the tests need dash, bash and busybox",
                    self.program
                )
            });
        child
            .stdin
            .take()
            .expect("its standard input is a pipe")
            .write_all(script.as_bytes())
            .expect("the shell reads its script");
        child.wait_with_output().expect("the shell ends")
    }
}
