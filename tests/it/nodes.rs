//! Nodes for tests: bare Debian ones of the product's lab, and EL-like ones with layers of `tests/nodes` over them.
//!
//! Each test has a lab of its own, which is gone when the value is dropped. Root filesystems are built once and shared
//! (a file lock lets one process build them). They need root and the lab's tools; where these lack, a test fails and
//! says what to install.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nodewright::lab::{self, FirstProcess, Flavour, Lab, LabSpec, Recipe};
use nodewright::platform::Platform;
use sha2::{Digest as _, Sha256};

/// The product's program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_nodewright");

/// Some nodes that live as long as this value, or are lent by it from those that many tests share.
pub struct Nodes {
    pub(crate) held: Held,
}

/// Whose the lab is.
pub(crate) enum Held {
    /// This test's own.
    Own(Lab),
    /// One for many tests, of which one at a time has the lock.
    Lent(
        lab::LabState,
        #[expect(dead_code, reason = "held")] fs::File,
    ),
}

/// What bare nodes run, as a platform of sites: `NODEWRIGHT_TEST_RELEASE`, else Debian 12. By it all tests on bare nodes
/// and on machines can be run on another release of Debian.
pub fn release() -> Platform {
    let word = std::env::var("NODEWRIGHT_TEST_RELEASE").unwrap_or_else(|_| "debian12".to_owned());
    Platform::from_word(&word)
        .filter(|platform| lab::codename_of(*platform).is_some())
        .unwrap_or_else(|| panic!("NODEWRIGHT_TEST_RELEASE: labs have no nodes of `{word}`"))
}

/// The package of Debian 12 by the names that it has in the release that is tested.
pub fn package(name: &str) -> String {
    let codename = lab::codename_of(release()).expect("a release of labs");
    lab::package_names(codename, &[name.to_owned()]).join(" ")
}

/// Has nodes of no particular release be of the one that is tested.
pub(crate) fn released(spec: &mut LabSpec) {
    let codename = lab::codename_of(release()).expect("a release of labs");
    for node in &mut spec.nodes {
        node.codename.get_or_insert_with(|| codename.to_owned());
    }
}

/// `count` bare Debian nodes, `node1` and so on.
pub fn debian(count: u8) -> Nodes {
    up(LabSpec::debian(fresh_name(), count))
}

/// Nodes that answer as EL 9 does, with systemd, rpm and dnf.
pub fn el9(count: u8) -> Nodes {
    el("el9", count, FirstProcess::Systemd)
}

/// Nodes that answer as EL 7 does, with systemd, rpm and yum.
pub fn el7(count: u8) -> Nodes {
    el("el7", count, FirstProcess::Systemd)
}

/// Nodes that answer as EL 6 does: start scripts, rpm and yum, and only the commands of `node-tools.toml`.
pub fn el6(count: u8) -> Nodes {
    el(
        "el6",
        count,
        FirstProcess::Sshd("/opt/lab/sbin/sshd".into()),
    )
}

/// Nodes as `spec` says; its name and program are given here.
pub fn up(mut spec: LabSpec) -> Nodes {
    sweep();
    released(&mut spec);
    spec.program = Some(PROGRAM.into());
    let lab = Lab::up(&spec).unwrap_or_else(|error| panic!("no lab for this test: {error:#}"));
    Nodes {
        held: Held::Own(lab),
    }
}

impl Nodes {
    /// What `ssh -F` takes.
    pub fn ssh_config(&self) -> &Path {
        &self.state().ssh_config
    }

    /// What is known of the lab.
    pub fn state(&self) -> &lab::LabState {
        match &self.held {
            Held::Own(lab) => lab.state(),
            Held::Lent(state, _) => state,
        }
    }

    /// Runs a script in the login shell of root on a node.
    pub fn sh(&self, node: &str, script: &str) -> Output {
        Command::new("ssh")
            .arg("-F")
            .arg(self.ssh_config())
            .args([node, "--", script])
            .stdin(Stdio::null())
            .output()
            .expect("ssh starts")
    }

    /// The same for a script that has to succeed; gives what it wrote.
    #[track_caller]
    pub fn ok(&self, node: &str, script: &str) -> String {
        let output = self.sh(node, script);
        assert!(
            output.status.success(),
            "`{script}` on {node}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("the node answers in UTF-8")
    }
}

/// Runs a script on a node as at its console: in the namespaces of its first process, without its sshd.
#[track_caller]
pub fn console(node: &lab::StateNode, script: &str) {
    fn processes(dir: &Path, found: &mut Vec<String>) {
        if let Ok(text) = fs::read_to_string(dir.join("cgroup.procs")) {
            found.extend(text.lines().map(str::to_owned));
        }
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                processes(&entry.path(), found);
            }
        }
    }
    let mut found = Vec::new();
    for group in &node.groups {
        processes(group, &mut found);
    }
    let first = found.iter().find(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let inner = status.lines().find(|l| l.starts_with("NSpid:"));
        inner.is_some_and(|l| l.split_whitespace().count() == 3 && l.ends_with("\t1"))
    });
    let first = first.expect("the node's first process");
    let output = Command::new("nsenter")
        .args([
            "-t", first, "-m", "-u", "-i", "-n", "-p", "-r", "-w", "--", "/bin/sh", "-c", script,
        ])
        .stdin(Stdio::null())
        .output()
        .expect("nsenter starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "`{script}`: {}\n{said}",
        output.status
    );
}

/// A name that no other test has: `t-PID-NUMBER`.
pub fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "t-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Takes down what tests left that were killed.
pub(crate) fn sweep() {
    for name in lab::names() {
        let pid = name
            .strip_prefix("t-")
            .and_then(|rest| rest.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // Another test may be sweeping it at this moment.
            let _ = lab::down(&name);
        }
    }
}

/// Nodes of this specification that answer as EL 6 does.
pub fn el6_as(spec: LabSpec) -> Nodes {
    el_as(spec, "el6", FirstProcess::Sshd("/opt/lab/sbin/sshd".into()))
}

fn el(flavour: &str, count: u8, init: FirstProcess) -> Nodes {
    el_as(LabSpec::debian(fresh_name(), count), flavour, init)
}

fn el_as(mut spec: LabSpec, flavour: &str, init: FirstProcess) -> Nodes {
    let (base, layers) = el_layers();
    spec.flavour = Flavour::Layers(
        vec![layers.join(flavour), layers.join("common"), base],
        init,
    );
    up(spec)
}

/// The root with rpm and dnf, and the folder of the layers that go over it.
fn el_layers() -> (PathBuf, PathBuf) {
    let mut recipe = Recipe {
        name: "el-like".into(),
        offline: Vec::new(),
        ..Recipe::default()
    };
    recipe.packages.extend(
        [
            "acl",
            "cpio",
            "createrepo-c",
            "cron",
            "dnf",
            "dnf-plugins-core",
            "ethtool",
            "etckeeper",
            "gawk",
            "git",
            "iptables",
            "rpm",
        ]
        .map(String::from),
    );
    let base = recipe
        .ensure(&lab::cache_dir(), None, &mut |_| ())
        .unwrap_or_else(|error| panic!("no root for EL-like nodes: {error:#}"));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let nodes = here.join("tests/nodes");
    let tools = fs::read_to_string(here.join("node-tools.toml")).expect("node-tools.toml");
    let mut digest = Sha256::new();
    digest.update(base.as_os_str().as_encoded_bytes());
    digest.update(&tools);
    for file in files(&nodes) {
        digest.update(file.as_os_str().as_encoded_bytes());
        digest.update(fs::read(&file).expect("a file of tests/nodes"));
    }
    let bytes = digest.finalize();
    let number = bytes[..6]
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let layers = lab::cache_dir().join(format!("el-like-layers-{number:012x}"));
    lab::make_once(&layers, &mut |_| (), |new| {
        fs::create_dir_all(new)?;
        let tools_file = new.join("tools");
        fs::write(&tools_file, el6_tools(&tools))?;
        let output = Command::new("unshare")
            .args(["--mount", "--propagation", "private"])
            .arg(nodes.join("build.sh"))
            .args([&base, new, &tools_file])
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let lines: Vec<&str> = said.lines().collect();
            let end = lines[lines.len().saturating_sub(10)..].join("\n");
            anyhow::bail!("build.sh: {end}");
        }
        Ok(())
    })
    .unwrap_or_else(|error| panic!("no layers for EL-like nodes: {error:#}"));
    (base, layers)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .expect("a folder of tests/nodes")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    found
        .into_iter()
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The commands of `node-tools.toml` that EL 6 has, a line each as `build.sh` reads them.
fn el6_tools(text: &str) -> String {
    let file: toml::Table = text.parse().expect("node-tools.toml is TOML");
    let mut list = String::new();
    for (name, tool) in file["tool"].as_table().expect("[tool]") {
        if tool["since"].as_str() != Some("el6") {
            continue;
        }
        let options = tool
            .get("options")
            .map(|words| words.as_str().expect("options"));
        let kind = match options {
            None => "any",
            Some(_) if tool.get("runs").is_some() => "runs",
            Some(_) => "options",
        };
        list.extend([name, " ", kind, " ", options.unwrap_or_default(), "\n"]);
    }
    list
}

#[test]
fn every_line_of_node_tools_says_what_brings_the_command() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("node-tools.toml"))
        .expect("node-tools.toml");
    let file: toml::Table = text.parse().expect("TOML");
    assert_eq!(file.keys().collect::<Vec<_>>(), ["tool"]);
    for (name, tool) in file["tool"].as_table().expect("[tool]") {
        let tool = tool.as_table().expect("a table");
        let word = |key: &str| tool.get(key).and_then(toml::Value::as_str);
        let package = word("package").unwrap_or_else(|| panic!("{name}: no package"));
        assert_eq!(package.split(' ').count(), 2, "{name}: package and version");
        let since = word("since").unwrap_or_else(|| panic!("{name}: no since"));
        assert!(
            ["el6", "el7", "el8", "debian12", "pve3"].contains(&since),
            "{name}: since {since}"
        );
        for key in tool.keys() {
            assert!(
                ["package", "since", "options", "runs"].contains(&key.as_str()),
                "{name}: unknown key {key}"
            );
        }
        for option in word("options").unwrap_or_default().split_whitespace() {
            assert!(
                option.starts_with('-') && option.len() > 1,
                "{name}: {option}"
            );
        }
    }
}
