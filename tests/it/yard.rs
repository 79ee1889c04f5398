//! A site and its one node, worked on as an operator does: over OpenSSH, by an agent, as an account of one's own.

use crate::nodes::{self, Nodes};
use crate::support::{Agent, Desk};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A desk and the node `node1`, without `--lab`.
pub struct Yard {
    /// The desk; its home holds the operator's key.
    pub desk: Desk,
    /// The node.
    pub nodes: Nodes,
    /// What the operator types for sudo lies here, outside of everything else.
    pub apart: tempfile::TempDir,
    agent: Agent,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Yard {
    /// `login` is the account, `sudo` how it becomes root, as in `[site.ssh]`. The account has to be made by the test.
    pub fn new(login: &str, sudo: &str, rest: &str) -> Self {
        let nodes = nodes::debian(1);
        let desk = Desk::new();
        let key = desk.home().join(".ssh/id_ed25519");
        std::fs::create_dir(key.parent().unwrap()).unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "anna@desk", "-f"])
            .arg(&key)
            .status();
        assert!(made.unwrap().success());
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let apart = tempfile::tempdir().unwrap();
        let agent = Agent::with(&key);
        let address = nodes.state().nodes[0].address();
        let inventory = format!(
            "[site]\nname = \"yard\"\ndomain = \"example.net\"\nplatform = \"{}\"\nssh = {{ user = \"{login}\", sudo = \"{sudo}\" }}\n\
             [zone]\nred = {{ nic = \"eth0\", network = \"10.77.0.0/16\" }}\n\
             [operator]\nanna = {{ key = \"{}\", secrets = true }}\n\
             [node.node1]\naddress = {{ red = \"{address}\" }}\n{rest}",
            nodes::release(),
            public.trim()
        );
        let desk = desk.file("inventory.toml", &inventory);
        std::fs::copy(&nodes.state().known_hosts, desk.site().join("known_hosts")).unwrap();
        nodes.ok(
            "node1",
            &format!(
                "id {login} >/dev/null 2>&1 || useradd -m -s /bin/bash {login}; h=$(getent passwd {login} | cut -d: -f6); \
                 mkdir -p $h/.ssh; echo '{}' >>$h/.ssh/authorized_keys; chown -R {login} $h/.ssh; chmod 700 $h/.ssh",
                public.trim()
            ),
        );
        Self {
            desk,
            nodes,
            apart,
            agent,
        }
    }

    /// Writes a file of the site.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.desk.site().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs `nodewright` where the node can be reached, with something on its standard input.
    pub fn run_with(&self, words: &[&str], input: &str) -> Said {
        let namespace = &self.nodes.state().namespace;
        let mut child = Command::new("nsenter")
            .arg(format!("--net=/run/netns/{namespace}"))
            .args(["--", nodes::PROGRAM])
            .args(words)
            .current_dir(self.desk.site())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.desk.home())
            .env("XDG_RUNTIME_DIR", self.desk.home())
            .env("USER", "anna")
            .env("SSH_AUTH_SOCK", &self.agent.socket)
            .env(
                "NODEWRIGHT_SUDO_PASSWORD_FILE",
                self.apart.path().join("password"),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs `nodewright` with nothing on its standard input.
    pub fn run(&self, words: &[&str]) -> Said {
        self.run_with(words, "")
    }
}
