//! A site in a folder of its own, on which commands are run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder with a site (or nothing yet), and a home folder of nobody.
pub struct Desk {
    root: tempfile::TempDir,
    input: String,
    env: Vec<(String, String)>,
}

impl Desk {
    /// An empty folder.
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for dir in ["site", "home"] {
            std::fs::create_dir(root.path().join(dir)).unwrap();
        }
        Self {
            root,
            input: String::new(),
            env: Vec::new(),
        }
    }

    /// The site's folder, in which commands run.
    pub fn site(&self) -> PathBuf {
        self.root.path().join("site")
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Writes a file of the site.
    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.site().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// What the next commands read from standard input.
    pub fn input(&mut self, text: &str) {
        text.clone_into(&mut self.input);
    }

    /// Sets a variable of the next commands.
    pub fn env(&mut self, key: &str, value: &str) {
        self.env.push((key.to_owned(), value.to_owned()));
    }

    /// Reads a file of the site.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.site().join(path)).unwrap()
    }

    /// Runs `nodewright` with these words; gives exit code, standard output and standard error as one page.
    pub fn run<S: AsRef<str>>(&self, words: &[S]) -> String {
        let (code, out, err) = self.output(words);
        let mut page = format!("exit {code}\n");
        for (name, text) in [("stdout", out), ("stderr", err)] {
            if !text.is_empty() {
                page.push_str("--- ");
                page.push_str(name);
                page.push('\n');
                page.push_str(&text);
                if !text.ends_with('\n') {
                    page += "⏎\n";
                }
            }
        }
        page
    }

    /// Like [`run`](Self::run), in three parts. Paths of the desk are shown as `[site]` and `[home]`.
    pub fn output<S: AsRef<str>>(&self, words: &[S]) -> (i32, String, String) {
        use std::io::Write as _;
        let mut child = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(self.input.as_bytes());
        let output = child.wait_with_output().unwrap();
        (
            output.status.code().unwrap_or(-1),
            self.shown(&output.stdout),
            self.shown(&output.stderr),
        )
    }

    /// The command, not yet started.
    pub fn command<S: AsRef<str>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nodewright"));
        command
            .args(words.iter().map(AsRef::as_ref))
            .current_dir(self.site())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home())
            .env("USER", "anna")
            .envs(self.env.iter().map(|(k, v)| (k, v)));
        command
    }

    fn shown(&self, bytes: &[u8]) -> String {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        String::from_utf8(bytes.to_vec())
            .unwrap()
            .replace(&text(&self.site()), "[site]")
            .replace(&text(&self.home()), "[home]")
    }
}

/// An agent that holds a key, for as long as this value lives.
pub struct Agent {
    child: std::process::Child,
    /// Where it listens.
    pub socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Agent {
    /// With this private key.
    pub fn with(key: &Path) -> Self {
        use std::io::BufRead as _;
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent");
        let mut child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // It says where it listens once it does.
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &socket)
            .status();
        assert!(added.unwrap().success());
        Self {
            child,
            socket,
            _folder: folder,
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A small sound site.
pub const SMALL: &str = r#"
[site]
name = "small"
domain = "example.net"
platform = "debian12"

[zone]
red = { nic = "eth0", network = "192.0.2.0/24" }

[node.node1]
address = { red = "192.0.2.5" }
mac.eth0 = "00:00:5e:00:53:01"

[node.node2]
address = { red = "192.0.2.6" }
mac.eth0 = "00:00:5e:00:53:02"

[group.all]
nodes = ["node1", "node2"]
roles = ["own"]

[operator]
"#;

/// A role that opens ports and writes two files, one with a secret.
const OWN: &str = r#"
description = "of the site's own"

[[open]]
zone = "red"
from = "peers"
tcp = [7788, 7789]

[[step]]
file = "/etc/motd"
content = "this is {{ node.name }}\n"

[[step]]
file = "/etc/own.key"
mode = "0600"
content = "key={{ secret('own') }}\n"
"#;

/// The small site with its role.
pub fn small() -> Desk {
    Desk::new()
        .file("inventory.toml", SMALL)
        .file("roles/own.toml", OWN)
}

/// The small site with its role, without the step that needs a secret.
pub fn without_secrets() -> Desk {
    let (steps, _) = OWN.rsplit_once("[[step]]").expect("a last step");
    small().file("roles/own.toml", steps)
}
