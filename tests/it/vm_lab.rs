//! The lab of virtual machines itself: what they have, how they are switched, saved and had back.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nodewright::lab::{self, Backend, LabSpec, Power};

use crate::lab::traces;
use crate::machines;
use crate::nodes::{Nodes, PROGRAM, fresh_name};
use crate::rig::Rig;

const SITE: &str = include_str!("../../inventory/crosslink/inventory.toml");

fn shared() -> Option<Nodes> {
    machines::shared("vm", || {
        let mut spec = machines::with(machines::site(SITE), &machines::STACK);
        spec.node_mut("node2")
            .unwrap()
            .hardware
            .bmc
            .as_mut()
            .unwrap()
            .password = "s3cr$t'".into();
        spec
    })
}

/// The machines of the example, as they are after their first boot.
pub fn example() -> Option<Nodes> {
    let lab = shared()?;
    lab.fresh();
    Some(lab)
}

/// All cards are up.
fn linked() -> Option<Nodes> {
    let lab = shared()?;
    lab.stage("linked", |lab| {
        for node in ["node1", "node2"] {
            lab.ok(node, "for n in 1 2 3; do ip link set eth$n up; done");
        }
    });
    Some(lab)
}

/// Runs a script until it succeeds, at most half a minute.
#[track_caller]
fn until(lab: &Nodes, node: &str, script: &str) {
    lab.ok(
        node,
        &format!("for i in $(seq 150); do if {script}; then exit 0; fi; sleep 0.2; done; exit 1"),
    );
}

#[test]
fn machines_have_what_the_site_tells_of() {
    let Some(lab) = example() else { return };
    assert_eq!(
        lab.ok(
            "node2",
            "hostname; cd /sys/class/net; for n in *; do echo $n $(cat $n/address); done"
        ),
        "node2\neth0 00:16:76:d6:d1:40\neth1 00:16:76:d6:d1:41\neth2 00:16:76:d6:d1:42\n\
         eth3 00:16:76:d6:d1:43\neth4 00:16:76:d6:d1:44\nlo 00:00:00:00:00:00\n"
    );
    // Only the way in is set up, and connections come from where the operator is.
    assert_eq!(
        lab.ok("node2", "ip -4 -o address | awk '{print $2, $4}'; ip route | head -n1; echo ${SSH_CONNECTION%% *}"),
        "lo 127.0.0.1/8\neth0 192.0.2.6/24\ndefault via 192.0.2.1 dev eth0 onlink \n198.51.100.10\n"
    );
    assert_eq!(
        lab.ok(
            "node2",
            "lsblk -bno SIZE /dev/disk/by-id/scsi-3600508e00000000aaaaaaaaaaaaaaaa2"
        )
        .trim(),
        (2_u64 << 40).to_string()
    );
    // Debian's kernel, with what containers cannot have.
    lab.ok(
        "node1",
        "modprobe -a bonding 8021q bridge ppp_async drbd dlm gfs2 softdog dm_mod i6300esb && ls /dev/watchdog",
    );
    lab.ok(
        "node1",
        "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install hello && hello",
    );
    assert_eq!(lab.ok("node1", "systemctl --failed --no-legend"), "");
}

#[test]
fn a_machine_of_another_release_has_its_kernel() {
    let lab = machines::shared("trixie", || {
        let mut spec = machines::with(LabSpec::machines("", 1), &[]);
        spec.nodes[0].codename = Some("trixie".into());
        spec
    });
    let Some(lab) = lab else { return };
    lab.fresh();
    let release = "cut -d. -f1,2 /proc/sys/kernel/osrelease; . /etc/os-release; echo $VERSION_ID";
    assert_eq!(lab.ok("node1", release), "6.12\n13\n");
    lab.ok(
        "node1",
        "modprobe -a bonding 8021q bridge ppp_async drbd dlm gfs2 softdog dm_mod i6300esb && ls /dev/watchdog",
    );
    lab.ok(
        "node1",
        "ifquery eth0 && ls /dev/disk/by-id/virtio-lab-disk",
    );
    lab.ok("node1", "echo kept >/root/kept");
    for how in [Power::Off, Power::On] {
        lab.power("node1", how);
    }
    assert_eq!(lab.ok("node1", "cat /root/kept"), "kept\n");
    assert_eq!(lab.ok("node1.lab", "systemctl --failed --no-legend"), "");
}

#[test]
fn what_was_saved_comes_back_on_all_machines_at_once() {
    let Some(lab) = example() else { return };
    let boot = lab.ok("node1", "cat /proc/sys/kernel/random/boot_id");
    lab.ok("node1", "echo 1 >/root/seen; echo memory >/dev/shm/seen");
    lab.ok("node2", "echo 2 >/root/seen");
    lab.save("seen");
    lab.ok("node1", "rm /root/seen /dev/shm/seen");
    lab.power("node2", Power::Cut);
    lab.link("node1", "red", false);
    lab.reset("seen");
    assert_eq!(
        lab.ok(
            "node1",
            "cat /root/seen /dev/shm/seen /proc/sys/kernel/random/boot_id"
        ),
        format!("1\nmemory\n{boot}")
    );
    assert_eq!(lab.ok("node2", "cat /root/seen"), "2\n");
    let there: u64 = lab.ok("node2", "date +%s").trim().parse().unwrap();
    let here = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(here.abs_diff(there) < 10, "{here} {there}");
    lab.fresh();
    assert!(!lab.sh("node2", "cat /root/seen").status.success());
    let said = lab::reset_to(&lab.state().name, "unseen")
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("`unseen`") && said.contains("there is fresh"),
        "{said}"
    );
}

#[test]
fn a_pulled_wire_is_seen_at_both_ends_of_a_cable_and_at_one_of_a_switch() {
    let Some(lab) = linked() else { return };
    let carrier = |node: &str, card: &str, wanted: bool| {
        let wanted = u8::from(wanted);
        until(
            &lab,
            node,
            &format!("[ $(cat /sys/class/net/{card}/carrier) = {wanted} ]"),
        );
    };
    lab.link("node1", "yellow", false);
    lab.link("node1", "green", false);
    carrier("node1", "eth2", false);
    carrier("node2", "eth2", false);
    carrier("node1", "eth3", false);
    carrier("node2", "eth3", true);
    carrier("node1", "eth1", true);
    lab.link("node2", "eth2", true);
    carrier("node1", "eth2", true);
    carrier("node2", "eth2", true);
    // A wire that is pulled stays so when the machine is switched off and on.
    lab.power("node1", Power::Cut);
    lab.power("node1", Power::On);
    lab.ok("node1", "ip link set eth2 up; ip link set eth3 up");
    carrier("node1", "eth2", true);
    carrier("node1", "eth3", false);
    let said = lab::link(&lab.state().name, "node1", "eth9", true)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("no card and no zone `eth9`; its cards are eth0, eth1"),
        "{said}"
    );
}

#[test]
fn wires_pass_what_the_site_says() {
    let Some(lab) = linked() else { return };
    for (node, last) in [("node1", 1), ("node2", 2)] {
        lab.ok(
            node,
            &format!(
                "modprobe 8021q; ip link set eth1 mtu 9000; ip address add 10.0.1.{last}/24 dev eth1; \
                 ip link add link eth3 name eth3.101 type vlan id 101; \
                 ip address add 10.0.101.{last}/24 dev eth3.101; ip link set eth3.101 up; \
                 ip link set eth0 mtu 9000"
            ),
        );
    }
    lab.ok("node1", "ping -c 1 -W 10 -M do -s 8972 10.0.1.2");
    lab.ok("node1", "ping -c 1 -W 10 -M do -s 1472 10.0.101.2");
    // The switch behind red has the MTU that the site says, whatever the nodes believe.
    lab.ok("node1", "ping -c 1 -W 10 -M do -s 1472 192.0.2.6");
    assert!(
        !lab.sh("node1", "ping -c 1 -W 2 -M do -s 1480 192.0.2.6")
            .status
            .success()
    );
    // A segment is one of its own: nothing of one is heard on another.
    assert!(
        !lab.sh("node1", "ping -c 1 -W 2 -I eth3 10.0.1.2")
            .status
            .success()
    );
}

#[test]
fn cards_bond_over_cables_and_the_serial_line_joins_the_nodes() {
    let Some(lab) = example() else { return };
    for (node, last) in [("node1", 1), ("node2", 2)] {
        lab.ok(
            node,
            &format!(
                "modprobe bonding; ip link add bond0 type bond mode 802.3ad miimon 100 lacp_rate fast; \
                 ip link set eth1 master bond0; ip link set eth2 master bond0; ip link set bond0 up; \
                 ip address add 10.0.1.{last}/24 dev bond0; stty -F /dev/ttyS0 -echo"
            ),
        );
    }
    let ports = |count: u8| {
        for node in ["node1", "node2"] {
            until(
                &lab,
                node,
                &format!("grep -q 'Number of ports: {count}' /proc/net/bonding/bond0"),
            );
        }
        lab.ok("node1", "ping -c 1 -W 10 10.0.1.2");
    };
    ports(2);
    lab.link("node1", "eth1", false);
    ports(1);
    lab.ok(
        "node2",
        "setsid --fork head -n 1 /dev/ttyS0 >/root/heard 2>/dev/null </dev/null",
    );
    lab.ok("node1", "echo hello >/dev/ttyS0");
    until(&lab, "node2", "grep -q hello /root/heard");
}

#[test]
fn power_is_cut_or_taken_in_order_and_disks_keep_what_was_synced() {
    let Some(lab) = example() else { return };
    let boot = lab.ok("node1", "cat /proc/sys/kernel/random/boot_id");
    lab.ok("node1", "echo kept >/root/kept; sync");
    lab.power("node1", Power::Cut);
    assert!(!lab::is_on(&lab.state().name, "node1").unwrap());
    lab.power("node1", Power::On);
    assert_eq!(lab.ok("node1", "cat /root/kept"), "kept\n");
    // In order: services are stopped first.
    lab.ok(
        "node1",
        "printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\nExecStop=/bin/touch /root/stopped\\n' \
         >/run/systemd/system/last.service; systemctl daemon-reload; systemctl start last",
    );
    lab.power("node1", Power::Off);
    lab.power("node1", Power::On);
    assert_ne!(
        lab.ok(
            "node1",
            "ls /root/stopped; cat /proc/sys/kernel/random/boot_id"
        ),
        boot
    );
    lab.ok("node1", "test -e /root/stopped");
    let said = lab::power(&lab.state().name, "node1", Power::On)
        .unwrap_err()
        .to_string();
    assert_eq!(said, "node `node1` is on");
}

#[test]
fn the_back_door_stays_open() {
    let Some(lab) = example() else { return };
    assert_eq!(
        lab.ok(
            "node1.lab",
            "ip -br -4 address show eth0 | awk '{print $3}'"
        ),
        "192.0.2.5/24\n"
    );
    lab.ok(
        "node1.lab",
        "systemctl stop ssh; ip link set eth0 down; echo 'ALL: ALL' >/etc/hosts.deny.new; mv /etc/hosts.deny.new /etc/hosts.deny; \
         rm -f /etc/ssh/ssh_host_* /root/.ssh/authorized_keys; sed -i 's/^root:/root:!/' /etc/shadow",
    );
    assert!(!lab.answers("node1"));
    // A login of its own; and what is mounted by it is the machine's.
    let login = Command::new("ssh")
        .arg("-F")
        .arg(lab.ssh_config())
        .args(["-o", "ControlPath=none", "node1.lab"])
        .arg("mount -t tmpfs none /mnt && findmnt --task 1 /mnt")
        .output()
        .unwrap();
    assert!(
        login.status.success(),
        "{}",
        String::from_utf8_lossy(&login.stderr)
    );
}

#[test]
fn a_run_on_machines_is_a_run() {
    let Some(lab) = example() else { return };
    let rig = Rig::cluster(lab);
    rig.role("[[step]]\nkernel_module = \"bonding\"\n[[step]]\nfile = \"/etc/motd\"\ncontent = \"hello\\n\"\n");
    let begun = Instant::now();
    assert_eq!(rig.apply().code, 0);
    let said = rig.plan();
    assert_eq!(said.code, 0, "{}", said.page());
    assert!(begun.elapsed() < Duration::from_mins(3));
    rig.nodes
        .ok("node2", "grep -qw bonding /proc/modules && cat /etc/motd");
    // A reset ends the connections that were open, so the next run makes new ones.
    rig.nodes.fresh();
    assert_eq!(rig.plan().code, 2);
}

#[test]
fn a_node_is_fenced_by_the_real_agent_over_the_crossed_wire() {
    let Some(lab) = example() else { return };
    lab.ok(
        "node1",
        "ip link set eth4 up; ip address add 10.0.3.1/30 dev eth4",
    );
    let fence = |action: &str| {
        let said = lab.sh(
            "node1",
            &format!("fence_ipmilan -a 10.0.3.2 -P -l fence -p \"s3cr\\$t'\" -o {action}"),
        );
        (said.status.code(), String::from_utf8(said.stdout).unwrap())
    };
    assert_eq!(fence("status"), (Some(0), "Status: ON\n".into()));
    assert_eq!(fence("off"), (Some(0), "Success: Powered OFF\n".into()));
    assert!(!lab::is_on(&lab.state().name, "node2").unwrap());
    assert_eq!(fence("status").0, Some(2));
    assert_eq!(fence("on"), (Some(0), "Success: Powered ON\n".into()));
    assert_eq!(lab.power_events(), ["node2 bmc cut", "node2 bmc on"]);
    // The password is asked for, and the wire is where it comes from.
    let said = lab.sh(
        "node1",
        "fence_ipmilan -a 10.0.3.2 -P -l fence -p wrong -o status",
    );
    assert!(!said.status.success());
    lab.link("node1", "orange", false);
    assert!(!lab.sh("node1", "ping -c 1 -W 1 10.0.3.2").status.success());
}

#[test]
fn hosts_beside_the_machines_send_where_they_stand() {
    let Some(lab) = linked() else { return };
    lab.ok("node2", "ip address add 10.0.1.2/24 dev eth1");
    let from = |namespace: &str, to: &str| machines::greets(namespace, to, 20);
    let red = lab.host("guest", "red", "192.0.2.77/24");
    let grey = lab.host("spy", "grey", "10.0.1.77/24");
    let far = lab.host("far", "outside", "203.0.113.9/32");
    assert!(from(&red, "192.0.2.6"));
    assert!(from(&grey, "10.0.1.2"));
    assert!(from(&far, "192.0.2.6"));
    assert!(!machines::greets(&grey, "192.0.2.6", 2));
    // A red host of the same name moves.
    let red = lab.host("guest", "red", "192.0.2.78/24");
    assert!(from(&red, "192.0.2.6"));
    let said = lab::host(
        &lab.state().name,
        "guest",
        "pink",
        "10.0.0.1/8".parse().unwrap(),
    );
    assert!(
        said.unwrap_err()
            .to_string()
            .contains("no zone and no segment `pink`")
    );
}

#[test]
fn labs_live_beside_each_other_and_down_cleans_up_after_an_up_that_was_killed() {
    // The images are there afterwards, and the other lab stays what it is.
    let Some(beside) = example() else { return };
    beside.ok("node1", "echo mine >/root/mine");
    let image = match &beside.state().backend {
        Backend::Machines(own) => own.machines[0].image.clone(),
        Backend::Containers(_) => unreachable!("machines were asked for"),
    };
    assert!(image.is_dir());
    let name = fresh_name();
    let folder = format!("/run/nodewright/lab/{name}");
    let disks = lab::cache_dir().join("machines").join(&name);
    let up = || {
        Command::new(PROGRAM)
            .args(["lab", "up", "--vm", "--name", &name, "--install"])
            .arg(machines::STACK.join(","))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    for seen in [
        format!("{folder}/key"),
        format!("/run/netns/nw-{name}"),
        format!("{folder}/node2.bmc/lan.conf"),
        disks.join("node1.root.qcow2").display().to_string(),
        format!("{folder}/node1.qmp"),
        format!("{folder}/node2.log"),
    ] {
        let mut up = up();
        let deadline = Instant::now() + Duration::from_mins(1);
        while !Path::new(&seen).exists() {
            assert!(Instant::now() < deadline, "{seen} never came");
            std::thread::sleep(Duration::from_micros(200));
        }
        up.kill().unwrap();
        up.wait().unwrap();
        assert!(lab::down(&name).unwrap(), "killed at {seen}");
        assert!(!disks.exists(), "killed at {seen}");
        // A tool that the killed command had just called ends by itself, a moment later.
        let deadline = Instant::now() + Duration::from_secs(5);
        while !traces(&name).is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(traces(&name), [""; 0], "killed at {seen}");
    }
    // What is left of a lab that this machine does not know any more, as after a restart, goes with the next one.
    let lost = lab::cache_dir().join("machines/t-lost");
    fs::create_dir_all(&lost).unwrap();
    let mut next = up();
    let deadline = Instant::now() + Duration::from_mins(1);
    while lost.exists() {
        assert!(Instant::now() < deadline, "{} stays", lost.display());
        std::thread::sleep(Duration::from_millis(5));
    }
    next.kill().unwrap();
    next.wait().unwrap();
    assert!(lab::down(&name).unwrap());
    assert_eq!(beside.ok("node1", "cat /root/mine"), "mine\n");
}

#[test]
fn what_only_machines_can_is_refused_for_containers() {
    let nodes = crate::nodes::debian(1);
    let name = nodes.state().name.clone();
    for said in [
        lab::save(&name, "x").map(|_| ()),
        lab::reset_to(&name, "x").map(|_| ()),
        lab::link(&name, "node1", "eth0", false).map(|_| ()),
        lab::host(&name, "h", "red", "10.0.0.1/8".parse().unwrap()).map(|_| ()),
    ] {
        let said = said.unwrap_err().to_string();
        assert!(
            said.contains("needs virtual machines") && said.contains("lab up --vm"),
            "{said}"
        );
    }
    let mut spec = LabSpec::machines(fresh_name(), 2);
    spec.nodes[0].hardware.bmc.as_mut().unwrap().password = "two words".into();
    let said = lab::up(&spec, &mut |_| ()).unwrap_err().to_string();
    assert!(said.contains("the BMC of `node1`"), "{said}");
}
