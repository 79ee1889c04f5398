//! The two ways to look at the nodes, and what each takes.
//!
//! Both start in the controller's namespace, so both meet the nodes directly, and both read the `ssh_config` that
//! nodewright wrote for the site: the same keys, ciphers and ways in.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nodewright::lab::Lab;
use nodewright::sh::quote;

use crate::workload::{self, Node};

/// The program that is measured, built for release.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_nodewright");

/// A lab with a site for it.
pub struct Place<'a> {
    lab: &'a Lab,
    nodes: Vec<Node>,
    dir: tempfile::TempDir,
    agent: Agent,
    runs: u32,
}

/// The agent that has the lab's key, for both ways.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It is ours; one that has ended already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Peak resident memory of the controller in KiB.
pub struct Memory {
    /// Of nodewright itself.
    pub own: u64,
    /// With the `ssh` processes that it leaves open.
    pub all: u64,
}

impl<'a> Place<'a> {
    /// Writes the site of a lab's nodes and readies the nodes.
    pub fn new(lab: &'a Lab) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("nwb").tempdir()?;
        let nodes: Vec<Node> = lab
            .state()
            .nodes
            .iter()
            .map(|node| Node {
                name: node.name.clone(),
                address: node.address().to_string(),
            })
            .collect();
        let agent = Agent::start(dir.path(), &lab.state().key)?;
        let place = Self {
            lab,
            nodes,
            dir,
            agent,
            runs: 0,
        };
        let site = place.path("site");
        workload::write_site(&site, &place.nodes)?;
        fs::copy(&lab.state().known_hosts, site.join("known_hosts"))?;
        fs::write(site.join(".gitignore"), "/.nodewright/\n")?;
        // A site is kept in git, and a run asks git for its commit.
        for words in [
            &["init", "-q"][..],
            &["add", "."],
            &["commit", "-q", "-m", "The site of the benchmark"],
        ] {
            let git = Command::new("git")
                .arg("-C")
                .arg(&site)
                .args([
                    "-c",
                    "user.name=bench",
                    "-c",
                    "user.email=bench@bench.example",
                ])
                .args(words)
                .status()?;
            ensure!(git.success(), "git {words:?}: {git}");
        }
        for node in &place.nodes {
            fs::write(place.script(node), workload::check(node))?;
        }
        let prepare = place.path("prepare");
        fs::write(&prepare, workload::prepare())?;
        let config = lab.ssh_config().to_owned();
        place.all_at_once(
            &config,
            |_| (prepare.clone(), "ControlPath=none".into()),
            "prepared\n",
        )?;
        Ok(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn script(&self, node: &Node) -> PathBuf {
        self.path(&format!("check.{}", node.name))
    }

    fn config(&self) -> PathBuf {
        self.path("site/.nodewright/ssh_config")
    }

    fn master(&self, node: &Node) -> PathBuf {
        self.path(&format!("master.{}", node.name))
    }

    /// A program that starts where the controller is.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.lab.state().namespace))
            .args(["--", program])
            .env("SSH_AUTH_SOCK", &self.agent.socket)
            .stdin(Stdio::null());
        command
    }

    /// Feeds a script to the shell of every node, all nodes at once; every node has to say `wanted` and nothing else.
    fn all_at_once(
        &self,
        config: &Path,
        way: impl Fn(&Node) -> (PathBuf, String),
        wanted: &str,
    ) -> Result<Duration> {
        let word = |path: &Path| quote(&path.display().to_string());
        let said = |node: &Node| self.path(&format!("said.{}", node.name));
        let mut text = String::new();
        for node in &self.nodes {
            let (script, option) = way(node);
            let _ = writeln!(
                text,
                "ssh -F {} -o {} {} sh -s <{} >{} 2>&1 &",
                word(config),
                quote(&option),
                node.name,
                word(&script),
                word(&said(node))
            );
        }
        text.push_str("wait\n");
        let all = self.path("all");
        fs::write(&all, text)?;
        let start = Instant::now();
        let status = self.inside("sh").arg(&all).status()?;
        let took = start.elapsed();
        ensure!(status.success(), "the floor: {status}");
        for node in &self.nodes {
            let said = fs::read_to_string(said(node))?;
            ensure!(
                said == wanted,
                "{} is not as the script wants it: {said}",
                node.name
            );
        }
        Ok(took)
    }

    /// The floor: one login a node, one script.
    pub fn floor_cold(&self) -> Result<Duration> {
        let way = |node: &Node| (self.script(node), "ControlPath=none".to_owned());
        self.all_at_once(&self.config(), way, "as wanted\n")
    }

    /// The same over connections that are open.
    pub fn floor_warm(&self) -> Result<Duration> {
        let way = |node: &Node| {
            let path = format!("ControlPath={}", self.master(node).display());
            (self.script(node), path)
        };
        self.all_at_once(&self.config(), way, "as wanted\n")
    }

    /// Opens the connections of [`floor_warm`](Self::floor_warm).
    pub fn open_masters(&self) -> Result<()> {
        for node in &self.nodes {
            let status = self
                .inside("ssh")
                .arg("-F")
                .arg(self.config())
                .args(["-M", "-N", "-f", "-S"])
                .arg(self.master(node))
                .arg(&node.name)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            ensure!(status.success(), "no connection to {}: {status}", node.name);
        }
        Ok(())
    }

    /// Ends the connections that were opened by hand.
    pub fn close_masters(&self) {
        let sockets: Vec<PathBuf> = self.nodes.iter().map(|node| self.master(node)).collect();
        self.end(&sockets);
    }

    fn end(&self, sockets: &[PathBuf]) {
        let ends: Vec<Child> = sockets
            .iter()
            .filter_map(|socket| {
                self.inside("ssh")
                    .args(["-F", "none", "-O", "exit", "-S"])
                    .arg(socket)
                    .arg("master")
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .ok()
            })
            .collect();
        for mut end in ends {
            // One that is gone already says so, which is as good.
            let _ = end.wait();
        }
    }

    /// A folder for control sockets in which there are none.
    pub fn fresh(&mut self) -> Result<PathBuf> {
        self.runs += 1;
        let dir = self.path(&format!("r{}", self.runs));
        fs::create_dir(&dir)?;
        Ok(dir)
    }

    /// Ends the connections that nodewright left open.
    pub fn leave(&self, runtime: &Path) -> Result<()> {
        let mut sockets = Vec::new();
        for entry in fs::read_dir(runtime.join("nodewright"))? {
            sockets.extend(Some(entry?.path().join("master")).filter(|path| path.exists()));
        }
        sockets.sort();
        self.end(&sockets);
        fs::remove_dir_all(runtime)?;
        Ok(())
    }

    fn nodewright(&self, runtime: &Path, log: &str) -> Result<Command> {
        let log = fs::File::create(self.path(log))?;
        let mut command = self.inside(PROGRAM);
        command
            .arg("-C")
            .arg(self.path("site"))
            .args(["apply", "--yes"])
            .env("XDG_RUNTIME_DIR", runtime)
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }

    fn said(&self, log: &str) -> String {
        fs::read_to_string(self.path(log)).unwrap_or_default()
    }

    /// Brings the nodes to their state, and proves it by the script.
    pub fn first_apply(&mut self) -> Result<Duration> {
        let runtime = self.fresh()?;
        let start = Instant::now();
        let status = self.nodewright(&runtime, "log")?.status()?;
        let took = start.elapsed();
        ensure!(
            status.success(),
            "the first apply: {status}\n{}",
            self.said("log")
        );
        self.leave(&runtime)?;
        self.floor_cold()?;
        Ok(took)
    }

    /// An apply that has nothing to do.
    pub fn nothing_to_do(&self, runtime: &Path) -> Result<Duration> {
        let mut command = self.nodewright(runtime, "log")?;
        let start = Instant::now();
        let status = command.status()?;
        let took = start.elapsed();
        if !status.success() {
            bail!(
                "an apply with nothing to do: {status}\n{}",
                self.said("log")
            );
        }
        Ok(took)
    }

    /// What an apply that has nothing to do takes of memory; it is looked at every 2 ms, and not timed.
    pub fn memory(&mut self) -> Result<Memory> {
        let runtime = self.fresh()?;
        let mut process = self.nodewright(&runtime, "log")?.spawn()?;
        let mut own = 0;
        let status = loop {
            // `nsenter` becomes the program, so the number stays the same.
            own = own.max(peak(process.id()).unwrap_or_default());
            if let Some(status) = process.try_wait()? {
                break status;
            }
            thread::sleep(Duration::from_millis(2));
        };
        ensure!(
            status.success(),
            "it ended with {status}: {}",
            self.said("log")
        );
        let runtime_word = runtime.display().to_string();
        let masters: u64 = fs::read_dir("/proc")?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&words).contains(&runtime_word)
            })
            .filter_map(peak)
            .sum();
        self.leave(&runtime)?;
        Ok(Memory {
            own,
            all: own + masters,
        })
    }
}

/// The most memory a process had so far, in KiB. A process that has ended has none.
fn peak(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Agent {
    fn start(dir: &Path, key: &Path) -> Result<Self> {
        let socket = dir.join("agent");
        let process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("ssh-agent does not start")?;
        let agent = Self { process, socket };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !agent.socket.exists() {
            ensure!(Instant::now() < deadline, "ssh-agent makes no socket");
            thread::sleep(Duration::from_millis(5));
        }
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &agent.socket)
            .status()?;
        ensure!(added.success(), "ssh-add: {added}");
        Ok(agent)
    }
}
