//! Two virtual machines joined by a bond, a trunk with VLANs, a cable and a serial line, with the role `network` on them.

use crate::machines;
use crate::rig::Rig;
use std::collections::BTreeMap;

pub const SITE: &str = r#"
[site]
name = "wired"
domain = "example.net"
platform = "debian12"
[site.guard]
window = "60s"
[zone]
red = { nic = "eth0", bridge = "brred", network = "192.0.2.0/24", gateway = "192.0.2.1" }
grey = { bond = { name = "bond0", nics = ["eth1", "eth5"] }, network = "10.0.1.0/24", mtu = 9000 }
yellow = { nic = "eth2", network = "10.0.2.0/24" }
green = { nic = "eth3", vlan = 1, bridge = "vbr1", network = "10.1.0.0/16" }
blue = { nic = "eth3", vlans = { wiki = 101 } }
[serial]
tty = "ttyS1"
network = "10.0.9.0/30"
[firewall]
operators = ["198.51.100.10"]
[cluster]
members = ["node1", "node2"]
ring = "yellow"
preferred = "node1"
delay = "15s"
[node.node1]
host_id = 1
bmc = { agent = "fence_ipmilan", address = "203.0.113.1", user = "fence", password = { secret = "bmc1" } }
address = { red = "192.0.2.5", grey = "10.0.1.1", yellow = "10.0.2.1", green = "10.1.0.5", serial = "10.0.9.1" }
mac = { eth0 = "00:16:76:d6:c9:40", eth1 = "00:16:76:d6:c9:41", eth2 = "00:16:76:d6:c9:42", eth3 = "00:16:76:d6:c9:43", eth5 = "00:16:76:d6:c9:45" }
[node.node2]
host_id = 2
bmc = { agent = "fence_ipmilan", address = "203.0.113.2", user = "fence", password = { secret = "bmc2" } }
address = { red = "192.0.2.6", grey = "10.0.1.2", yellow = "10.0.2.2", green = "10.1.0.6", serial = "10.0.9.2" }
mac = { eth0 = "00:16:76:d6:d1:40", eth1 = "00:16:76:d6:d1:41", eth2 = "00:16:76:d6:d1:42", eth3 = "00:16:76:d6:d1:43", eth5 = "00:16:76:d6:d1:45" }
[group.all]
nodes = ["node1", "node2"]
roles = ["base", "network"]
"#;

/// The site on its machines, brought up once for all tests.
pub fn up() -> Option<Rig> {
    let lab = machines::shared("wired", || {
        machines::with(machines::site(SITE), &machines::STACK)
    })?;
    let rig = Rig::with(lab, SITE);
    rig.write("roles/base.toml", "description = \"nothing of it\"\n");
    rig.nodes.stage("wired", |_| {
        let said = rig.apply();
        assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
        for node in ["node1", "node2"] {
            rig.until(node, "ip -4 addr show ppp0 | grep -q inet");
        }
    });
    Some(rig)
}

/// A text with words replaced, each of which has to be there.
#[track_caller]
pub fn replaced(text: &str, edits: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text
}

impl Rig {
    /// Writes the site with words replaced.
    #[track_caller]
    pub fn site_with(&self, edits: &[(&str, &str)]) {
        self.write("inventory.toml", &replaced(SITE, edits));
    }

    /// Number, changes of carrier and flags of each device: another number is another device, a change a broken link.
    pub fn links(&self, node: &str) -> BTreeMap<String, String> {
        let told = self.nodes.ok(
            node,
            "cd /sys/class/net; for d in *; do [ ! -e $d/ifindex ] || \
             echo $d $(cat $d/ifindex) $(cat $d/carrier_changes) $(cat $d/flags); done",
        );
        let lines = told.lines().filter_map(|l| l.split_once(' '));
        lines
            .map(|(name, rest)| (name.to_owned(), rest.to_owned()))
            .collect()
    }

    /// Runs a script until it succeeds, at most a minute.
    #[track_caller]
    pub fn until(&self, node: &str, script: &str) {
        let script = format!(
            "for i in $(seq 120); do if {script}; then exit 0; fi; sleep 0.5; done; exit 1"
        );
        self.nodes.ok(node, &script);
    }

    /// Waits until a machine that was switched on lets the lab in, at most some minutes.
    #[track_caller]
    pub fn up(&self, node: &str) {
        let door = format!("{node}.lab");
        let mut tries = 0;
        while !self
            .nodes
            .sh(&door, "systemctl is-active multi-user.target")
            .status
            .success()
        {
            tries += 1;
            assert!(tries < 300, "{node} does not come up");
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
    }

    /// The steps that set devices up, as the plan tells them.
    #[track_caller]
    pub fn planned(&self) -> Vec<String> {
        let plan = self.plan();
        let page = plan.page();
        let set = page.lines().filter(|l| l.starts_with("set up "));
        set.map(|l| l.split(" [").next().unwrap_or(l).to_owned())
            .collect()
    }
}
