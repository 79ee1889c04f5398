//! Namespaces wired as a node of the example site is: its devices by their names, and something behind each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Who is around the node: name, device of the node, its addresses (the first with the device's prefix).
type Around = (&'static str, &'static str, &'static [&'static str]);

/// Everybody that the tests send packets from.
pub const AROUND: [Around; 9] = [
    (
        "world",
        "eth0",
        &[
            "192.0.2.1/24",
            "192.0.2.6/24",
            "198.51.100.10/32",
            "198.51.100.11/32",
            "198.51.100.20/32",
            "203.0.113.9/32",
            "203.0.113.10/32",
        ],
    ),
    ("guest", "tap0", &["192.0.2.70/24"]),
    ("grey", "eth1", &["10.0.1.2/24", "10.0.1.77/24"]),
    ("yellow", "eth2", &["10.0.2.2/24", "10.0.2.77/24"]),
    ("green", "eth3.1", &["10.50.0.2/24"]),
    ("wiki", "eth3.101", &["10.51.0.2/24"]),
    ("wiki2", "tap1", &["10.51.0.3/24"]),
    ("mesh", "eth3.102", &["10.52.0.2/24"]),
    ("orange", "eth4", &["10.0.3.2/30"]),
];

/// The serial line's other end.
pub const SERIAL: Around = ("serial", "ppp0", &["10.0.9.2/30"]);

/// The node and what is around it; gone when dropped.
pub struct Yard {
    name: String,
    /// What Shorewall keeps, and its files.
    dir: tempfile::TempDir,
}

fn run(words: &[&str]) {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(
        output.status.success(),
        "{words:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Yard {
    /// Wires node1 of the example site.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let yard = Self {
            name: format!("nwp-{}-{number}", std::process::id()),
            dir: tempfile::tempdir().unwrap(),
        };
        run(&["ip", "netns", "add", &yard.node()]);
        yard.sh(
            "ip link set lo up; sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.ip_forward=1 net.ipv4.icmp_ratemask=0; \
             sysctl -qw net.ipv4.icmp_msgs_per_sec=100000 2>/dev/null || :",
        );
        yard.sh("for b in brred vbr1 vbr101 vbr102; do ip link add $b type bridge; ip link set $b up; done");
        for (name, device, addresses) in AROUND.iter().chain([&SERIAL]) {
            let space = yard.of(name);
            run(&["ip", "netns", "add", &space]);
            run(&[
                "ip",
                "-n",
                &yard.node(),
                "link",
                "add",
                device,
                "type",
                "veth",
                "peer",
                "name",
                "out",
                "netns",
                &space,
            ]);
            let bridge = match *device {
                "eth0" | "tap0" => Some("brred"),
                "eth3.1" => Some("vbr1"),
                "eth3.101" | "tap1" => Some("vbr101"),
                "eth3.102" => Some("vbr102"),
                _ => None,
            };
            if let Some(bridge) = bridge {
                run(&[
                    "ip",
                    "-n",
                    &yard.node(),
                    "link",
                    "set",
                    device,
                    "master",
                    bridge,
                ]);
            }
            run(&["ip", "-n", &yard.node(), "link", "set", device, "up"]);
            run(&["ip", "-n", &space, "link", "set", "lo", "up"]);
            run(&["ip", "-n", &space, "link", "set", "out", "up"]);
            for address in *addresses {
                run(&["ip", "-n", &space, "addr", "add", address, "dev", "out"]);
            }
            // Whoever is meant is reached through the node.
            run(&[
                "ip",
                "-n",
                &space,
                "route",
                "add",
                "192.0.2.5",
                "dev",
                "out",
            ]);
            if *name != "world" && *name != "guest" {
                run(&[
                    "ip",
                    "-n",
                    &space,
                    "route",
                    "add",
                    "default",
                    "via",
                    "192.0.2.5",
                    "dev",
                    "out",
                    "onlink",
                ]);
            } else {
                run(&[
                    "ip",
                    "-n",
                    &space,
                    "route",
                    "add",
                    "10.0.0.0/8",
                    "via",
                    "192.0.2.5",
                    "dev",
                    "out",
                    "onlink",
                ]);
            }
        }
        for (address, device) in [
            ("192.0.2.5/24", "brred"),
            ("10.0.1.1/24", "eth1"),
            ("10.0.2.1/24", "eth2"),
            ("10.0.3.1/30", "eth4"),
            ("10.0.9.1/30", "ppp0"),
        ] {
            yard.sh(&format!("ip addr add {address} dev {device}"));
        }
        // The node has no address there; its answers find the way all the same.
        yard.sh(
            "ip route add default via 192.0.2.1; ip route add 10.50.0.0/24 dev vbr1; \
                 ip route add 10.51.0.0/24 dev vbr101; ip route add 10.52.0.0/24 dev vbr102",
        );
        yard
    }

    /// The namespace of the node.
    pub fn node(&self) -> String {
        format!("{}.node", self.name)
    }

    /// The namespace of somebody around it.
    pub fn of(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }

    /// The folder of Shorewall's files, `shorewall` being in it.
    pub fn files(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Runs a script on the node: in its network, with `/etc/shorewall` and `/var/lib/shorewall` of its own.
    pub fn sh(&self, script: &str) -> String {
        let dir = self.dir.path().display();
        for part in ["shorewall", "var"] {
            std::fs::create_dir_all(Path::new(self.dir.path()).join(part)).unwrap();
        }
        let whole = format!(
            "set -e; mount --bind {dir}/shorewall /etc/shorewall; mount --bind {dir}/var /var/lib/shorewall; \
             mount -t tmpfs none /run/lock 2>/dev/null || :; {script}"
        );
        let output = Command::new("ip")
            .args([
                "netns",
                "exec",
                &self.node(),
                "unshare",
                "--mount",
                "sh",
                "-c",
                &whole,
            ])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {said}{err}");
        said
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        let names = AROUND
            .iter()
            .chain([&SERIAL])
            .map(|(name, _, _)| self.of(name));
        for name in names.chain([self.node()]) {
            let _ = Command::new("ip").args(["netns", "del", &name]).output();
        }
    }
}
