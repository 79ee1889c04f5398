//! Namespaces wired as a node of the example site is: its devices by their names, and something behind each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Somebody around the node.
pub struct Around {
    pub name: &'static str,
    /// The node's device that leads there.
    pub device: &'static str,
    /// The bridge that this device is a port of.
    pub bridge: Option<&'static str>,
    /// Addresses, the first with the prefix of its network.
    pub addresses: &'static [&'static str],
    /// What is done there at last: routes.
    pub script: &'static str,
}

const fn around(
    name: &'static str,
    device: &'static str,
    bridge: Option<&'static str>,
    addresses: &'static [&'static str],
    script: &'static str,
) -> Around {
    Around {
        name,
        device,
        bridge,
        addresses,
        script,
    }
}

/// A way to the node for those who have its address on no wire.
const BY_NODE: &str =
    "ip route add 192.0.2.5 dev out; ip route add default via 192.0.2.5 dev out onlink";
/// The same for those outside.
const OUTSIDE: &str =
    "ip route add 192.0.2.5 dev out; ip route add 10.0.0.0/8 via 192.0.2.5 dev out onlink";

/// Everybody around node1 of the example site.
pub const EXAMPLE: [Around; 10] = [
    around(
        "world",
        "eth0",
        Some("brred"),
        &[
            "192.0.2.1/24",
            "192.0.2.6/24",
            "198.51.100.10/32",
            "198.51.100.11/32",
            "198.51.100.20/32",
            "203.0.113.9/32",
            "203.0.113.10/32",
        ],
        OUTSIDE,
    ),
    around("guest", "tap0", Some("brred"), &["192.0.2.70/24"], OUTSIDE),
    around(
        "grey",
        "eth1",
        None,
        &["10.0.1.2/24", "10.0.1.77/24"],
        BY_NODE,
    ),
    around(
        "yellow",
        "eth2",
        None,
        &["10.0.2.2/24", "10.0.2.77/24"],
        BY_NODE,
    ),
    around("green", "eth3.1", Some("vbr1"), &["10.50.0.2/24"], BY_NODE),
    around(
        "wiki",
        "eth3.101",
        Some("vbr101"),
        &["10.51.0.2/24"],
        BY_NODE,
    ),
    around("wiki2", "tap1", Some("vbr101"), &["10.51.0.3/24"], BY_NODE),
    around(
        "mesh",
        "eth3.102",
        Some("vbr102"),
        &["10.52.0.2/24"],
        BY_NODE,
    ),
    around("orange", "eth4", None, &["10.0.3.2/30"], BY_NODE),
    around("serial", "ppp0", None, &["10.0.9.2/30"], BY_NODE),
];

/// The node's own side of it. Where it has no address, its answers find the way all the same.
const EXAMPLE_NODE: &str = "\
ip addr add 192.0.2.5/24 dev brred; ip addr add 10.0.1.1/24 dev eth1; ip addr add 10.0.2.1/24 dev eth2
ip addr add 10.0.3.1/30 dev eth4; ip addr add 10.0.9.1/30 dev ppp0
ip route add default via 192.0.2.1; ip route add 10.50.0.0/24 dev vbr1
ip route add 10.51.0.0/24 dev vbr101; ip route add 10.52.0.0/24 dev vbr102";

/// Everybody around the node of `tests/shorewall/edge.toml`.
pub const EDGE: [Around; 3] = [
    around(
        "world",
        "bond0",
        None,
        &[
            "203.0.113.1/24",
            "198.51.100.3/32",
            "203.0.113.9/24",
            "2001:db8:1::1/64",
            "2001:db8:9::7/128",
            "2001:db8:77::9/128",
        ],
        "ip route add 198.51.100.40 dev out",
    ),
    around(
        "office",
        "eth1",
        None,
        &["10.8.0.2/24"],
        "ip route add default via 10.8.0.1",
    ),
    around(
        "guest",
        "tap0",
        Some("brdmz"),
        &["198.51.100.40/24"],
        "ip route add default via 198.51.100.1",
    ),
];

const EDGE_NODE: &str = "\
ip addr add 203.0.113.5/24 dev bond0; ip addr add 2001:db8:1::5/64 dev bond0 nodad
ip addr add 10.8.0.1/24 dev eth1
ip route add default via 203.0.113.1; ip route add default via 2001:db8:1::1";

/// The node and what is around it; gone when dropped.
pub struct Yard {
    name: String,
    around: &'static [Around],
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
    pub fn example() -> Self {
        Self::wired(&EXAMPLE, EXAMPLE_NODE)
    }

    /// Wires the node of the site at the edge.
    pub fn edge() -> Self {
        Self::wired(&EDGE, EDGE_NODE)
    }

    fn wired(around: &'static [Around], script: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let yard = Self {
            name: format!("nwp-{}-{number}", std::process::id()),
            around,
            dir: tempfile::tempdir().unwrap(),
        };
        run(&["ip", "netns", "add", &yard.node()]);
        yard.sh(
            "ip link set lo up; sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.ip_forward=1 net.ipv4.icmp_ratemask=0; \
             sysctl -qw net.ipv4.icmp_msgs_per_sec=100000 2>/dev/null || :",
        );
        for one in around {
            let space = yard.of(one.name);
            run(&["ip", "netns", "add", &space]);
            run(&[
                "ip",
                "-n",
                &yard.node(),
                "link",
                "add",
                one.device,
                "type",
                "veth",
                "peer",
                "name",
                "out",
                "netns",
                &space,
            ]);
            if let Some(bridge) = one.bridge {
                yard.sh(&format!(
                    "[ -e /sys/class/net/{bridge} ] || ip link add {bridge} type bridge; ip link set {bridge} up; \
                     ip link set {} master {bridge}",
                    one.device
                ));
            }
            run(&["ip", "-n", &yard.node(), "link", "set", one.device, "up"]);
            run(&["ip", "-n", &space, "link", "set", "lo", "up"]);
            run(&["ip", "-n", &space, "link", "set", "out", "up"]);
            for address in one.addresses {
                let mut words = vec!["ip", "-n", &space, "addr", "add", address, "dev", "out"];
                if address.contains("::") {
                    words.push("nodad");
                }
                run(&words);
            }
            run(&["ip", "netns", "exec", &space, "sh", "-ec", one.script]);
        }
        yard.sh(script);
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
        for part in ["shorewall", "shorewall6", "var", "var6"] {
            std::fs::create_dir_all(Path::new(self.dir.path()).join(part)).unwrap();
        }
        let whole = format!(
            "set -e; mount --bind {dir}/shorewall /etc/shorewall; mount --bind {dir}/var /var/lib/shorewall; \
             mount --bind {dir}/shorewall6 /etc/shorewall6; mount --bind {dir}/var6 /var/lib/shorewall6; \
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
        let names = self.around.iter().map(|one| self.of(one.name));
        for name in names.chain([self.node()]) {
            let _ = Command::new("ip").args(["netns", "del", &name]).output();
        }
    }
}
