//! The lab itself: nodes come up, answer, work without a network, and leave nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nodewright::lab::{self, Backend, Flavour, LabNode, LabSpec, NodeAddress, Power};

use crate::nodes::{self, PROGRAM, fresh_name};

fn program(words: &[&str]) -> String {
    let output = Command::new(PROGRAM)
        .args(words)
        .output()
        .expect("it starts");
    assert!(
        output.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What is left of a lab on this machine, each with a word of where.
pub fn traces(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let namespace = entry.file_name().to_string_lossy().into_owned();
        if namespace == format!("nw-{name}") || namespace.starts_with(&format!("nw-{name}.")) {
            found.push(format!("namespace {namespace}"));
        }
    }
    let folder = format!("/run/nodewright/lab/{name}");
    if Path::new(&folder).exists() {
        found.push(format!("folder {folder}"));
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    found.extend(
        mounts
            .lines()
            .filter(|line| line.contains(&format!("{folder}/")))
            .map(|line| format!("mount {line}")),
    );
    for hierarchy in fs::read_dir("/sys/fs/cgroup")
        .expect("control groups")
        .flatten()
    {
        let group = hierarchy.path().join("nodewright-lab").join(name);
        if group.exists() {
            found.push(format!("group {}", group.display()));
        }
    }
    let group = Path::new("/sys/fs/cgroup/nodewright-lab").join(name);
    if group.exists() {
        found.push(format!("group {}", group.display()));
    }
    for process in fs::read_dir("/proc").expect("processes").flatten() {
        let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        if words.contains(&format!("{folder}/")) || words.contains(&format!("nw.{name}.")) {
            found.push(format!("process {words}"));
        }
    }
    found
}

#[test]
fn bare_nodes_install_packages_without_a_network() {
    let nodes = nodes::debian(2);
    assert_eq!(nodes.ok("node1", "hostname"), "node1\n");
    assert_eq!(nodes.ok("10.77.1.2", "hostname"), "node2\n");
    assert!(
        nodes
            .ok("node1", "ping -c 1 -W 5 10.77.1.2")
            .contains(" 0% packet loss")
    );
    // Bare: no interpreter, no repository but the root's own, nobody outside to ask.
    assert!(!nodes.sh("node1", "command -v python3").status.success());
    assert_eq!(
        nodes.ok("node1", "ip route"),
        "10.77.0.0/16 dev eth0 proto kernel scope link src 10.77.1.1 \n"
    );
    nodes.ok(
        "node1",
        "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install hello chrony",
    );
    assert_eq!(nodes.ok("node1", "hello"), "Hello, world!\n");
    assert_eq!(nodes.ok("node1", "systemctl is-active chrony"), "active\n");
    assert!(!nodes.sh("node2", "command -v hello").status.success());
    assert_eq!(nodes.ok("node1", "systemctl --failed --no-legend"), "");
}

#[test]
fn nodes_of_two_releases_stand_in_one_lab() {
    let mut spec = LabSpec::debian(fresh_name(), 2);
    for (node, codename) in spec.nodes.iter_mut().zip(["bookworm", "trixie"]) {
        node.codename = Some(codename.into());
    }
    let nodes = nodes::up(spec);
    let release = |node: &str| nodes.ok(node, ". /etc/os-release; echo $VERSION_ID $ID");
    assert_eq!(release("node1"), "12 debian\n");
    assert_eq!(release("node2"), "13 debian\n");
    nodes.ok("node2", "ping -c 1 -W 5 10.77.1.1");
    assert!(!nodes.sh("node2", "command -v python3").status.success());
    nodes.ok(
        "node2",
        "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install hello chrony",
    );
    assert_eq!(nodes.ok("node2", "hello"), "Hello, world!\n");
    for unit in ["chrony", "ssh"] {
        assert_eq!(
            nodes.ok("node2", &format!("systemctl is-active {unit}")),
            "active\n"
        );
    }
    for node in ["node1", "node2"] {
        assert_eq!(nodes.ok(node, "systemctl --failed --no-legend"), "");
    }
}

#[test]
fn a_lab_has_the_names_networks_and_wires_it_is_asked_for() {
    let node = |name: &str, last: u8| {
        LabNode::new(
            name,
            vec![
                NodeAddress::new("eth0", format!("192.0.2.{last}/24").parse().unwrap())
                    .with_mac(format!("00:16:76:d6:c9:0{last}")),
                NodeAddress::new("eth1", format!("10.0.1.{last}/24").parse().unwrap()),
                NodeAddress::new("eth4", format!("10.0.3.{last}/29").parse().unwrap()),
            ],
        )
    };
    let mut spec = LabSpec::new(fresh_name(), vec![node("left", 5), node("right", 6)]);
    spec.controller = vec!["192.0.2.1/24".parse().unwrap()];
    let nodes = nodes::up(spec);
    assert_eq!(
        nodes.ok("left", "cat /sys/class/net/eth0/address"),
        "00:16:76:d6:c9:05\n"
    );
    for far in [
        "192.0.2.6",
        "192.0.2.1",
        "10.0.1.6",
        "10.0.1.254",
        "10.0.3.6",
    ] {
        nodes.ok("left", &format!("ping -c 1 -W 5 {far}"));
    }
    // Each network is a bridge of its own, with one wire a node.
    for bridge in ["br0", "br1", "br2"] {
        let wires = Command::new("ip")
            .args([
                "-n",
                &nodes.state().namespace,
                "-o",
                "link",
                "show",
                "master",
                bridge,
            ])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&wires.stdout).lines().count(),
            2,
            "{bridge}"
        );
    }
    assert_eq!(nodes.ok("10.0.1.6", "hostname"), "right\n");
}

#[test]
fn power_keeps_the_disk_and_reset_does_not() {
    let nodes = nodes::debian(1);
    let name = nodes.state().name.clone();
    let boot = nodes.ok(
        "node1",
        "echo kept >/root/kept; cat /proc/sys/kernel/random/boot_id",
    );
    for how in [Power::Cut, Power::Off] {
        lab::power(&name, "node1", how).unwrap();
        assert_eq!(lab::status(&name).unwrap().1[0].processes, 0);
        assert!(!nodes.sh("node1", "true").status.success());
        lab::power(&name, "node1", Power::On).unwrap();
        assert_eq!(nodes.ok("node1", "cat /root/kept"), "kept\n");
    }
    assert_ne!(
        nodes.ok("node1", "cat /proc/sys/kernel/random/boot_id"),
        boot
    );
    lab::reset(&name).unwrap();
    assert!(!nodes.sh("node1", "cat /root/kept").status.success());
    assert_eq!(nodes.ok("node1", "hostname"), "node1\n");
}

#[test]
fn down_leaves_nothing_and_does_not_mind_being_asked_twice() {
    let name = fresh_name();
    let shown = program(&["lab", "up", "--name", &name, "-n", "2"]);
    assert!(
        shown.contains("node2") && shown.contains("10.77.1.2"),
        "{shown}"
    );
    assert!(!traces(&name).is_empty());
    let again = Command::new(PROGRAM)
        .args(["lab", "up", "--name", &name])
        .output()
        .unwrap();
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("is up"));
    assert_eq!(
        program(&["lab", "ssh", "--name", &name, "node2", "hostname"]),
        "node2\n"
    );
    program(&["lab", "down", "--name", &name]);
    assert_eq!(traces(&name), [""; 0]);
    program(&["lab", "down", "--name", &name]);
}

#[test]
fn down_cleans_up_after_an_up_that_was_killed() {
    let name = fresh_name();
    // Built before, so that the kills hit the making of the lab.
    drop(nodes::debian(1));
    let folder = format!("/run/nodewright/lab/{name}");
    for seen in [
        format!("{folder}/lab.json"),
        format!("{folder}/key"),
        format!("/run/netns/nw-{name}"),
        format!("/run/netns/nw-{name}.node3"),
        format!("{folder}/disks/node1/upper"),
        format!("{folder}/node2.log"),
        format!("{folder}/node3.log"),
    ] {
        let mut up = Command::new(PROGRAM)
            .args(["lab", "up", "--name", &name, "-n", "3"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while !Path::new(&seen).exists() {
            assert!(Instant::now() < deadline, "{seen} never came");
            std::thread::sleep(Duration::from_micros(200));
        }
        up.kill().unwrap();
        up.wait().unwrap();
        assert!(lab::down(&name).unwrap(), "killed at {seen}");
        // A tool that the killed command had just called (ssh-keygen) ends by itself, a moment later.
        let deadline = Instant::now() + Duration::from_secs(5);
        while !traces(&name).is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(traces(&name), [""; 0], "killed at {seen}");
    }
}

#[test]
fn a_second_change_of_one_lab_is_refused_while_the_first_is_under_way() {
    let said = lab::up(&LabSpec::debian("a/b", 1), &mut |_| ())
        .unwrap_err()
        .to_string();
    assert!(said.contains("`a/b`"), "{said}");
    let said = lab::status("no-such-lab").unwrap_err().to_string();
    assert!(
        said.contains("no lab `no-such-lab`") && said.contains("lab up"),
        "{said}"
    );
    let nodes = nodes::debian(1);
    let said = lab::power(&nodes.state().name, "node1", Power::Hang)
        .unwrap_err()
        .to_string();
    assert!(said.contains("containers, which cannot hang"), "{said}");
    let said = lab::power(&nodes.state().name, "node7", Power::Cut)
        .unwrap_err()
        .to_string();
    assert!(said.ends_with("no node `node7`; it has node1"), "{said}");
}

#[test]
fn a_root_that_is_brought_boots_with_its_systemd_or_with_sshd_alone() {
    let base = match &nodes::debian(1).state().backend {
        Backend::Containers(own) => own.containers[0].layers[0].clone(),
        Backend::Machines(_) => unreachable!("containers were asked for"),
    };

    let mut spec = LabSpec::debian(fresh_name(), 1);
    spec.flavour = Flavour::Brought(base.clone());
    let folder = nodes::up(spec);
    assert_eq!(folder.ok("node1", "cat /proc/1/comm"), "systemd\n");
    drop(folder);

    let scratch = tempfile::tempdir().unwrap();
    let tarball = scratch.path().join("root.tar");
    let tar = Command::new("tar")
        .args(["--exclude=./usr/lib/systemd", "--exclude=./srv", "-cf"])
        .arg(&tarball)
        .arg("-C")
        .arg(&base)
        .arg(".")
        .status()
        .unwrap();
    assert!(tar.success());
    let name = fresh_name();
    let lab = |words: &[&str]| {
        let output = Command::new(PROGRAM)
            .env("NODEWRIGHT_LAB", scratch.path().join("cache"))
            .args(["lab", "--name", &name])
            .args(words)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    lab(&["up", "-n", "1", "--root", tarball.to_str().unwrap()]);
    assert_eq!(lab(&["ssh", "node1", "cat", "/proc/1/comm"]), "sshd\n");
    lab(&["down"]);
    assert_eq!(traces(&name), [""; 0]);
}

#[test]
fn el9_like_nodes_have_a_real_dnf_and_rpm() {
    let nodes = nodes::el9(1);
    assert!(
        nodes
            .ok("node1", "cat /etc/redhat-release")
            .starts_with("AlmaLinux release 9.4")
    );
    assert!(
        !nodes
            .sh("node1", "command -v apt-get || command -v dpkg")
            .status
            .success()
    );
    nodes.ok("node1", "dnf -y -q install labconf-1.0 labd");
    assert_eq!(
        nodes.ok("node1", "rpm -q labconf"),
        "labconf-1.0-1.lab.noarch\n"
    );
    assert_eq!(nodes.ok("node1", "rpm -V labconf"), "");
    let changed = nodes.sh("node1", "echo more >>/etc/labconf.conf; rpm -V labconf");
    assert_eq!(changed.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&changed.stdout),
        "S.5....T.  c /etc/labconf.conf\n"
    );
    nodes.ok(
        "node1",
        "dnf -y -q update labconf && test -e /etc/labconf.conf.rpmnew",
    );
    nodes.ok(
        "node1",
        "systemctl enable --now labd && systemctl is-active labd",
    );
    assert!(
        !nodes
            .sh("node1", "dnf -y -q install labbroken")
            .status
            .success()
    );
    nodes.ok("node1", "dnf -y -q remove labd && ! command -v labd");
    assert_eq!(nodes.ok("node1", "getenforce"), "Disabled\n");
}

#[test]
fn el7_like_nodes_have_yum() {
    let nodes = nodes::el7(1);
    nodes.ok("node1", "yum -y -q install hello && rpm -q hello");
    assert!(nodes.ok("node1", "cat /etc/redhat-release").contains("7.9"));
}

#[test]
fn el6_like_nodes_have_start_scripts_and_only_the_tools_listed() {
    let nodes = nodes::el6(1);
    assert_eq!(
        nodes.ok("node1", "cat /etc/redhat-release"),
        "CentOS release 6.10 (Final)\n"
    );
    for absent in [
        "systemctl",
        "journalctl",
        "python3",
        "perl",
        "realpath",
        "apt-get",
        "dnf",
        "lsblk",
    ] {
        assert!(
            !nodes
                .sh("node1", &format!("command -v {absent}"))
                .status
                .success(),
            "{absent}"
        );
    }
    assert!(nodes.ok("node1", "sh --version").starts_with("GNU bash"));
    nodes.ok(
        "node1",
        "yum -y -q install labd labconf && rpm -V labd labconf",
    );
    let shown = nodes.sh("node1", "service labd status");
    assert_eq!(shown.status.code(), Some(3));
    assert_eq!(String::from_utf8_lossy(&shown.stdout), "labd is stopped\n");
    nodes.ok(
        "node1",
        "chkconfig --add labd && service labd start && service labd status",
    );
    assert_eq!(
        nodes.ok("node1", "chkconfig --list labd"),
        "labd           \t0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off\n"
    );
    nodes.ok(
        "node1",
        "chkconfig labd off && ! chkconfig labd && chkconfig labd on && chkconfig labd",
    );
    let pid = nodes.ok("node1", "cat /var/run/labd.pid");
    nodes.ok("node1", "service labd restart");
    assert_ne!(nodes.ok("node1", "cat /var/run/labd.pid"), pid);
    let said = nodes.sh("node1", "service nothing start");
    assert_eq!(
        String::from_utf8_lossy(&said.stderr),
        "nothing: unrecognized service\n"
    );
    // Services come back with the power.
    let name = nodes.state().name.clone();
    lab::power(&name, "node1", Power::Cut).unwrap();
    lab::power(&name, "node1", Power::On).unwrap();
    nodes.ok("node1", "service labd status");
}

#[test]
fn el6_like_nodes_refuse_options_that_are_not_listed() {
    let nodes = nodes::el6(1);
    assert_eq!(
        nodes.ok(
            "node1",
            "stat -Lc %a /tmp; printf 'b\\na\\n' | sort -n -k 1,1 | head -n1"
        ),
        "1777\na\n"
    );
    // Nothing was refused while the node came up and its root logged in.
    assert_eq!(nodes.ok("node1", "cat /run/refused || :"), "");
    for (refused, option) in [
        ("sync -f /etc", "-f"),
        ("df --output=target /", "--output=target"),
        ("stat -Lx /", "-Lx"),
        ("readlink -z /etc", "-z"),
    ] {
        let said = nodes.sh("node1", refused);
        assert_eq!(said.status.code(), Some(126), "{refused}");
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(
            said.contains(&format!(
                "option {option} does not stand in node-tools.toml"
            )),
            "{said}"
        );
    }
    assert_eq!(nodes.ok("node1", "wc -l </run/refused"), "4\n");
}

/// What outlives `lab up` has nothing of what its caller has open: a lock or a pipe is not held until the lab is down.
#[test]
fn what_outlives_lab_up_holds_nothing_of_its_caller() {
    let name = fresh_name();
    let folder = tempfile::tempdir().expect("a folder");
    let held = folder.path().join("held");
    fs::write(&held, "").expect("a file");
    // Reading to the end of its output ends only once nobody has it open any more.
    let up = Command::new("timeout")
        .args(["300", "sh", "-c", "exec 7<\"$0\" 9>>\"$0\"; exec \"$@\""])
        .arg(&held)
        .args([PROGRAM, "lab", "up", "--nodes", "1", "--name", &name])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let holders: Vec<_> = fs::read_dir("/proc")
        .expect("processes")
        .flatten()
        .filter(|process| {
            let open = fs::read_dir(process.path().join("fd"))
                .into_iter()
                .flatten();
            let mut open = open
                .flatten()
                .filter_map(|fd| fs::read_link(fd.path()).ok());
            open.any(|file| file == held)
        })
        .map(|process| fs::read(process.path().join("cmdline")).unwrap_or_default())
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
        .collect();
    program(&["lab", "down", "--name", &name]);
    assert!(
        up.status.success(),
        "{}",
        String::from_utf8_lossy(&up.stderr)
    );
    assert_eq!(holders, [""; 0]);
}
