//! A real sshd on a loopback port, root of its own mount and process namespaces: its own /etc, /var/lib, /var/log and
//! /tmp. Everything that is started in it ends with it.

use nodewright::node::{ConnectOptions, NodeAccess, Privilege, Session, Way, ssh_config};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running sshd.
pub struct Sshd {
    dir: tempfile::TempDir,
    process: Child,
    /// Where it listens.
    pub port: u16,
}

/// What can be different about it.
#[derive(Default)]
pub struct Setup<'a> {
    /// Shell that runs in the namespaces before sshd starts; `$D` is the harness's folder.
    pub before: &'a str,
    /// Lines for `sshd_config`.
    pub config: &'a str,
}

impl Sshd {
    /// Starts one in which root may log in by key.
    pub fn start() -> Self {
        Self::with(&Setup::default())
    }

    /// Starts one.
    pub fn with(setup: &Setup<'_>) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("nw")
            .tempdir_in("/var/tmp")
            .unwrap();
        let d = dir.path();
        for key in ["host", "id"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(d.join(key))
                .status()
                .unwrap();
            assert!(made.success());
        }
        // The port is free now; sshd takes it a moment later.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let d = d.display();
        fs::write(
            dir.path().join("sshd_config"),
            format!(
                "{}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {d}/host\nPidFile none\nStrictModes no\n\
                 AuthorizedKeysFile {d}/id.pub\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
                 UsePAM no\nPermitRootLogin yes\nLogLevel VERBOSE\nForceCommand {d}/count\nMaxStartups 100\n",
                setup.config
            ),
        )
        .unwrap();
        fs::write(
            dir.path().join("count"),
            format!(
                "#!/bin/sh\necho x >>{d}/channels\nexec \"$SHELL\" -c \"$SSH_ORIGINAL_COMMAND\"\n"
            ),
        )
        .unwrap();
        fs::write(dir.path().join("channels"), "").unwrap();
        fs::write(
            dir.path().join("start"),
            format!(
                "set -e\nD={d}\nmount --make-rprivate /\nmkdir -p $D/etc /run/sshd\nchmod 755 $D $D/count\n\
                 chmod 666 $D/channels\ncp -a /etc/. $D/etc\nmount --bind $D/etc /etc\n\
                 for m in /var/lib /var/log /tmp /root /home; do mount -t tmpfs -o mode=755 none $m; done\n\
                 chmod 1777 /tmp; chmod 700 /root\n{}\nexec /usr/sbin/sshd -D -e -f $D/sshd_config\n",
                setup.before
            ),
        )
        .unwrap();
        let mut process = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["/bin/sh", &format!("{d}/start")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = String::new();
        loop {
            let line = lines.next().and_then(Result::ok);
            let line =
                line.unwrap_or_else(|| panic!("sshd did not start (root is needed): {said}"));
            if line.contains("Server listening on") {
                break;
            }
            said.push_str(&line);
            said.push('\n');
        }
        std::thread::spawn(move || {
            use std::io::Write as _;
            let mut log = log;
            for line in lines.map_while(Result::ok) {
                let _ = writeln!(log, "{line}");
            }
        });
        let sshd = Self { dir, process, port };
        sshd.pin("host.pub");
        sshd
    }

    /// The harness's folder, seen alike inside and outside.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Writes `known_hosts` with the key of this file.
    pub fn pin(&self, public: &str) {
        let key = fs::read_to_string(self.dir().join(public)).unwrap();
        fs::write(self.known_hosts(), format!("node1 {key}")).unwrap();
    }

    /// The site's `known_hosts`.
    pub fn known_hosts(&self) -> PathBuf {
        self.dir().join("known_hosts")
    }

    /// A way in as a user.
    pub fn way(&self, user: &str) -> Way {
        Way {
            alias: "node1".into(),
            word: "direct".into(),
            host: "127.0.0.1".into(),
            port: Some(self.port),
            user: Some(user.into()),
            door: None,
            jump: None,
            proxy_command: None,
        }
    }

    /// How to connect by these ways; the configuration is written.
    pub fn options(&self, ways: Vec<Way>) -> ConnectOptions {
        let access = NodeAccess {
            name: "node1".into(),
            ways,
            old_algorithms: false,
            known_hosts: self.known_hosts(),
            identity: Some(self.dir().join("id")),
        };
        let config = self.dir().join("ssh_config");
        let text = ssh_config(std::slice::from_ref(&access)).unwrap();
        // The configuration of whoever runs the tests plays no part in them.
        fs::write(&config, text.replace("  Include ~/.ssh/config\n", "")).unwrap();
        ConnectOptions {
            config,
            access,
            runtime_dir: self.dir().join("run"),
            persist: Duration::from_mins(1),
            timeout: Duration::from_secs(30),
        }
    }

    /// Connected as root.
    pub async fn root(&self) -> Session {
        Session::connect(&self.options(vec![self.way("root")]), Privilege::Root)
            .await
            .unwrap()
    }

    /// The process of the ssh that holds the connection open, by asking it over its control socket.
    pub fn master(&self) -> String {
        self.find_master().expect("a connection is open")
    }

    /// The same, if there is one right now.
    pub fn find_master(&self) -> Option<String> {
        let control = fs::read_dir(self.dir().join("run"))
            .unwrap()
            .find_map(|entry| fs::read_link(entry.unwrap().path()).ok())?;
        let out = Command::new("ssh")
            .arg("-S")
            .arg(control)
            .args(["-O", "check", "node1"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        let pid = said.split("pid=").nth(1)?.split(')').next()?;
        Some(pid.to_owned())
    }

    /// Runs a command in the namespaces, as root, without ssh; gives what it says.
    pub fn inside(&self, script: &str) -> String {
        let out = self.begin_inside(script).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{script}: {said}");
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// The same, without waiting for it.
    pub fn begin_inside(&self, script: &str) -> Child {
        let children = format!("/proc/{0}/task/{0}/children", self.process.id());
        let pid = fs::read_to_string(children).unwrap();
        Command::new("nsenter")
            .args(["-t", pid.trim(), "-m", "-p", "/bin/sh", "-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// How many channels were opened so far.
    pub fn channels(&self) -> usize {
        fs::read_to_string(self.dir().join("channels"))
            .unwrap()
            .lines()
            .count()
    }

    /// How many logins there were so far.
    pub fn logins(&self) -> usize {
        fs::read_to_string(self.dir().join("log"))
            .unwrap()
            .matches("Accepted publickey for")
            .count()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // `--kill-child` ends the first process of the namespace, and the kernel all others in it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
