//! Virtual machines for tests: booted once, shared by all tests of a run, taken back to a saved state for each.
//!
//! ```text
//! let Some(lab) = machines::shared("net", || machines::site(SITE)) else { return };
//! lab.stage("installed", |lab| { lab.ok("node1", "apt-get …"); });   // made once, then had back in seconds
//! lab.ok("node1", "…");            // by the site's own way in
//! lab.ok("node1.lab", "…");        // by the lab's, which nothing closes
//! ```
//!
//! They need root and QEMU. Where these lack, a test is skipped, unless `NODEWRIGHT_TEST_VM=required` is set. Tests that
//! use them stand in modules called `vm_…`, which nextest runs alone.

use std::fs::{self, File};
use std::os::unix::process::parent_id;
use std::process::{Command, Stdio};

use nodewright::lab::{self, Flavour, LabSpec, LabState, MachineSpec, Power};

use crate::nodes::{self, Held, Nodes, PROGRAM};

/// The state right after the first boot.
const FRESH: &str = "fresh";

/// The machines of a lab that all tests of this run share by its key, at most ten letters; as an earlier test left them,
/// so that [`Nodes::fresh`] or [`Nodes::stage`] comes first. `None`: the test is skipped.
pub fn shared(key: &str, spec: impl FnOnce() -> LabSpec) -> Option<Nodes> {
    if let Some(missing) = missing() {
        assert!(
            std::env::var("NODEWRIGHT_TEST_VM").as_deref() != Ok("required"),
            "no virtual machines for this test: {missing}"
        );
        eprintln!("skipped: {missing}");
        return None;
    }
    // The parent is what runs the tests: every one is a process of its own there. `NODEWRIGHT_TEST_RUN=$$` has the runs of
    // one shell share its machines, since a cluster with storage takes a quarter of an hour to form.
    let run = std::env::var("NODEWRIGHT_TEST_RUN").ok();
    let run = run.map_or_else(parent_id, |pid| {
        pid.parse().expect("the number of a process")
    });
    let name = format!("t-{run}-{key}");
    let lock = File::create(format!("/tmp/nodewright-{name}.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    nodes::sweep();
    let known = LabState::load(&name).expect("a state that can be read");
    let state = known.filter(|known| known.complete).unwrap_or_else(|| {
        let mut spec = spec();
        nodes::released(&mut spec);
        spec.name.clone_from(&name);
        spec.program = Some(PROGRAM.into());
        take_down_with(run, &name);
        lab::up(&spec, &mut |_| ()).unwrap_or_else(|error| panic!("no machines: {error:#}"));
        lab::save(&name, FRESH).unwrap_or_else(|error| panic!("nothing saved: {error:#}"))
    });
    Some(Nodes {
        held: Held::Lent(state, lock),
    })
}

/// What a cluster and its network are made of: to install it under emulation would take minutes of every run. Nothing
/// of it is started. One list for all, so that one image is built.
pub const STACK: [&str; 19] = [
    "bridge-utils",
    "corosync",
    "dlm-controld",
    "drbd-utils",
    "fence-agents",
    "gfs2-utils",
    "ifenslave",
    "ifupdown",
    "ipmitool",
    "lvm2-lockd",
    "pacemaker",
    "pacemaker-cli-utils",
    "parted",
    "ppp",
    "psmisc",
    "resource-agents",
    "sanlock",
    "vlan",
    "watchdog",
];

/// The same machines with packages on their disks from the start.
pub fn with(mut spec: LabSpec, packages: &[&str]) -> LabSpec {
    spec.flavour = Flavour::Machines(MachineSpec {
        installed: packages.iter().map(ToString::to_string).collect(),
        ..MachineSpec::default()
    });
    spec
}

/// Bare machines as a site tells of them, of the release that is tested.
pub fn site(inventory: &str) -> LabSpec {
    let loaded = nodewright::site::load_str(inventory);
    assert_eq!(loaded.findings, []);
    let mut spec = with(LabSpec::of_site("", &loaded.site.expect("a site")), &[]);
    for node in &mut spec.nodes {
        node.codename = None;
    }
    spec
}

fn missing() -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |tool: &str| {
        let mut folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        folders.any(|folder| folder.join(tool).is_file())
    };
    let root = fs::metadata("/proc/self").map(|own| {
        use std::os::unix::fs::MetadataExt as _;
        own.uid() == 0
    });
    if !root.unwrap_or(false) {
        return Some("they need root".into());
    }
    let tools = ["qemu-system-x86_64", "qemu-img", "ipmi_sim", "mke2fs", "xz"];
    let lacking: Vec<_> = tools.into_iter().filter(|tool| !there(tool)).collect();
    (!lacking.is_empty()).then(|| format!("this machine lacks {}", lacking.join(", ")))
}

/// Has the lab taken down when the run of the tests ends, however it ends.
fn take_down_with(run: u32, name: &str) {
    Command::new("setsid")
        .args(["--fork", "sh", "-c"])
        .arg(r#"tail --pid="$1" -f /dev/null; "$2" lab down --name "$3"; rm -f "/tmp/nodewright-$3.lock""#)
        .args(["keeper", &run.to_string(), PROGRAM, name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("setsid starts");
}

/// Whether an SSH server greets a program in a namespace within some seconds.
pub fn greets(namespace: &str, address: &str, seconds: u8) -> bool {
    Command::new("nsenter")
        .arg(format!("--net=/run/netns/{namespace}"))
        .args(["--", PROGRAM, "lab-pipe", address, "22", "--wait"])
        .arg(seconds.to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("nsenter starts")
        .success()
}

impl Nodes {
    /// Takes all machines back to what they were after their first boot.
    #[track_caller]
    pub fn fresh(&self) {
        self.reset(FRESH);
    }

    /// Takes all machines to a stage: made from fresh ones by the first test that asks, had back by all others.
    #[track_caller]
    pub fn stage(&self, tag: &str, make: impl FnOnce(&Self)) {
        let state = LabState::load(&self.state().name).unwrap().unwrap();
        let lab::Backend::Machines(own) = &state.backend else {
            panic!("a stage of containers");
        };
        if own.saved.iter().any(|known| known == tag) {
            self.reset(tag);
        } else {
            self.fresh();
            make(self);
            self.save(tag);
        }
    }

    /// Saves all machines.
    #[track_caller]
    pub fn save(&self, tag: &str) {
        lab::save(&self.state().name, tag).unwrap_or_else(|error| panic!("{error:#}"));
    }

    /// Takes all machines back to what was saved.
    #[track_caller]
    pub fn reset(&self, tag: &str) {
        lab::reset_to(&self.state().name, tag).unwrap_or_else(|error| panic!("{error:#}"));
    }

    /// Switches a node.
    #[track_caller]
    pub fn power(&self, node: &str, how: Power) {
        lab::power(&self.state().name, node, how).unwrap_or_else(|error| panic!("{error:#}"));
    }

    /// Whether an SSH server greets at the address by which the site reaches a node, within some seconds.
    pub fn answers(&self, node: &str) -> bool {
        let state = self.state();
        let address = state.node(node).unwrap().address().to_string();
        greets(&state.namespace, &address, 3)
    }

    /// Puts a host beside the machines and gives the namespace it is in.
    #[track_caller]
    pub fn host(&self, host: &str, place: &str, address: &str) -> String {
        lab::host(&self.state().name, host, place, address.parse().unwrap())
            .unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// What was done to the machines' power since they had the state that was last taken: `node2 bmc cut`.
    pub fn power_events(&self) -> Vec<String> {
        let events = lab::power_events(&self.state().name).unwrap();
        let who = |by_bmc| if by_bmc { "bmc" } else { "lab" };
        events
            .iter()
            .map(|event| format!("{} {} {}", event.node, who(event.by_bmc), event.what))
            .collect()
    }

    /// Pulls the wires of a zone or a card, or plugs them in.
    #[track_caller]
    pub fn link(&self, node: &str, what: &str, up: bool) {
        lab::link(&self.state().name, node, what, up).unwrap_or_else(|error| panic!("{error:#}"));
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // Between two tests machines cost nothing.
        if let Held::Lent(state, _) = &self.held {
            let _ = lab::pause(&state.name);
        }
    }
}
