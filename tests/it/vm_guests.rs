//! Guests on two virtual machines: the shipped example with all its roles, from bare machines to guests that count, by one
//! `apply`; moved live, and taken over when a member loses its power.

use std::process::Command;
use std::time::{Duration, Instant};

use nodewright::lab::{Flavour, MachineSpec, Power};

use crate::machines;
use crate::membership::on_both;
use crate::nodes::Nodes;
use crate::rig::Rig;
use crate::vm_storage;

/// The packages of the roles beside those of the cluster, for the machines' disks: to install them under emulation would
/// take half an hour.
const PACKAGES: [&str; 33] = [
    "acl",
    "acpid",
    "auditd",
    "bind9-dnsutils",
    "chrony",
    "cron",
    "ethtool",
    "git",
    "ksmtuned",
    "libvirt-clients",
    "libvirt-daemon-system",
    "libvirt-sanlock",
    "libxml2-utils",
    "logrotate",
    "lsof",
    "mtr-tiny",
    "netcat-openbsd",
    "polkitd",
    "qemu-system-x86",
    "rsync",
    "rsyslog",
    "shorewall",
    "shorewall6",
    "smartmontools",
    "strace",
    "sudo",
    "tcpdump",
    "tmux",
    "vim",
    "xinetd",
    "xxd",
    "bridge-utils",
    "vlan",
];

/// The example with small disks and two guests, whose disks begin with a program that counts.
fn inventory() -> String {
    let shipped = include_str!("../../inventory/crosslink/inventory.toml");
    let roles = shipped
        .lines()
        .find(|line| line.starts_with("roles = ["))
        .expect("its roles");
    let roles = roles.replace(']', ", \"virtualisation\", \"guests\"]");
    let text = vm_storage::inventory(&roles);
    let guest = |name: &str, node: &str| {
        format!(
            "{name} = {{ node = \"{node}\", failover = true, memory = \"64M\", disk = \"16M\", \
             zones = [\"green\"], image = \"images/counter.raw\" }}\n"
        )
    };
    let from = text.find("[guest]\n").expect("the guests");
    let to = from + text[from..].find("\n[vars").expect("what follows");
    format!(
        "{}[guest]\n{}{}{}\n[vars.virtualisation]\nkvm = false\ntools = false\n\n[vars.guests]\nkvm = false\nmonitor = 290\n",
        &text[..from],
        guest("web", "node1"),
        guest("watch", "node2"),
        &text[to..]
    )
}

/// A disk of one sector: it boots, and writes a record of each half of a second behind itself.
fn counter(desk: &std::path::Path) {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/guest/counter.s");
    let images = desk.join("images");
    std::fs::create_dir_all(&images).unwrap();
    let run = |command: &mut Command| {
        let output = command.current_dir(&images).output().expect("binutils");
        assert!(output.status.success(), "{output:?}");
    };
    run(Command::new("as").args(["--32", source, "-o", "counter.o"]));
    let link = ["-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary"];
    run(Command::new("ld")
        .args(link)
        .args(["counter.o", "-o", "counter.raw"]));
    assert_eq!(
        std::fs::metadata(images.join("counter.raw")).unwrap().len(),
        512
    );
}

/// Two machines with running guests, as one `apply` made them of bare ones.
fn running() -> Option<Rig> {
    let text = inventory();
    let lab = machines::shared("guests", || {
        let mut spec = machines::site(&text);
        let installed = machines::STACK.iter().chain(&PACKAGES);
        spec.flavour = Flavour::Machines(MachineSpec {
            installed: installed.map(ToString::to_string).collect(),
            memory: 1024,
            ..MachineSpec::default()
        });
        spec
    })?;
    let rig = Rig::with(lab, &text);
    counter(&rig.desk.site());
    rig.nodes.stage("running", |lab| {
        let since = Instant::now();
        vm_storage::applied(&rig);
        println!("bare to guests: {:.0} s", since.elapsed().as_secs_f64());
        for (guest, node) in [("web", "node1"), ("watch", "node2")] {
            counts(&rig, node, guest);
        }
        vm_storage::written(lab);
    });
    Some(rig)
}

/// A record that a guest wrote on its disk.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Record {
    number: u32,
    /// How often the guest was started until then.
    starts: u32,
    /// The seconds of the day by the guest's clock.
    time: u32,
}

/// The volume of a guest, in the group of the node that it belongs to.
fn volume(guest: &str) -> &'static str {
    match guest {
        "web" => "/dev/vg_node1/web",
        "watch" => "/dev/vg_node2/watch",
        other => panic!("{other}"),
    }
}

/// All records of a guest, read from its disk on a member that has it active. They must be there without a gap.
#[track_caller]
fn records(nodes: &Nodes, node: &str, guest: &str) -> Vec<Record> {
    let text = nodes.ok(
        node,
        &format!(
            "dd if={} bs=512 skip=1 iflag=direct status=none | od -An -v -w512 -tx4 | \
             while read -r mark number starts time rest; do [ $mark = 4b434954 ] || break; echo $number $starts $time; done",
            volume(guest)
        ),
    );
    let decimal = |bcd: u32| (bcd >> 4) * 10 + (bcd & 15);
    let records: Vec<Record> = text
        .lines()
        .map(|line| {
            let words: Vec<u32> = line
                .split(' ')
                .map(|word| u32::from_str_radix(word, 16).expect("a number"))
                .collect();
            let [number, starts, time] = words[..] else {
                panic!("{line}");
            };
            let part = |shift: u32| decimal((time >> shift) & 0xff);
            Record {
                number,
                starts,
                time: part(0) * 3600 + part(8) * 60 + part(16),
            }
        })
        .collect();
    for (record, i) in records.iter().zip(1..) {
        assert_eq!(record.number, i, "{guest}: {text}");
    }
    records
}

/// Waits until a guest has written ten records more, at most some minutes.
#[track_caller]
fn counts(rig: &Rig, node: &str, guest: &str) {
    let last = format!(
        "dd if={} bs=512 skip=1 iflag=direct status=none | od -An -v -w512 -tx4 | grep -c '^ 4b434954'",
        volume(guest)
    );
    let script = format!(
        "n=$({last}); for i in $(seq 300); do [ $({last}) -lt $((n + 10)) ] || exit 0; sleep 1; done; exit 1"
    );
    rig.nodes.ok(node, &script);
}

/// The longest time between two records, in seconds.
fn longest_gap(records: &[Record]) -> u32 {
    const DAY: u32 = 86_400;
    let pairs = records.windows(2);
    pairs
        .map(|pair| (DAY + pair[1].time - pair[0].time) % DAY)
        .max()
        .unwrap_or(0)
}

/// The member on which Pacemaker has a guest running.
fn place(rig: &Rig, guest: &str) -> String {
    let script = format!(
        "crm_mon -1 | sed -n 's/.*guest_{guest}.*VirtualDomain.*Started \\(node[12]\\).*/\\1/p'"
    );
    rig.nodes.ok("node1", &script).trim().to_owned()
}

#[test]
fn guests_count_after_one_apply_of_bare_machines_and_the_next_changes_nothing() {
    let Some(rig) = running() else { return };
    assert_eq!(place(&rig, "web"), "node1");
    assert_eq!(place(&rig, "watch"), "node2");
    // Each was started once, by one member.
    let domains = "virsh list --name | grep .";
    assert_eq!(on_both(&rig, domains), ["web\n", "watch\n"]);
    for (guest, node) in [("web", "node1"), ("watch", "node2")] {
        counts(&rig, node, guest);
        let all = records(&rig.nodes, node, guest);
        assert!(all.iter().all(|record| record.starts == 1), "{all:?}");
    }
    rig.nothing_to_do();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_guest_is_moved_live_and_back_and_goes_on_counting() {
    let Some(rig) = running() else { return };
    for to in ["node2", "node1"] {
        rig.nodes.ok(
            "node1",
            &format!("crm_resource --move --resource guest_web --node {to} && crm_resource --wait --timeout=600s"),
        );
        assert_eq!(place(&rig, "web"), to);
        counts(&rig, to, "web");
        let all = records(&rig.nodes, to, "web");
        assert!(all.iter().all(|record| record.starts == 1), "{all:?}");
        println!(
            "to {to}: {} records, {} s at most between two",
            all.len(),
            longest_gap(&all)
        );
    }
}

#[test]
fn a_guest_goes_on_at_the_survivor_when_its_member_loses_its_power() {
    let Some(rig) = running() else { return };
    counts(&rig, "node2", "watch");
    let since = Instant::now();
    rig.nodes.power("node2", Power::Cut);
    let there = "crm_mon -1 | grep -q 'guest_watch.*Started node1'";
    rig.nodes.ok(
        "node1",
        &format!(
            "for i in $(seq 600); do if {there}; then exit 0; fi; sleep 1; done; crm_mon -1; exit 1"
        ),
    );
    println!("taken over after {:.0} s", since.elapsed().as_secs_f64());
    counts(&rig, "node1", "watch");
    let all = records(&rig.nodes, "node1", "watch");
    assert_eq!(all.last().map(|record| record.starts), Some(2), "{all:?}");
    println!(
        "watch: {} records, {} s between the last before and the first after",
        all.len(),
        longest_gap(&all)
    );
    // The other one was started once.
    let web = records(&rig.nodes, "node1", "web");
    assert!(web.iter().all(|record| record.starts == 1), "{web:?}");
    assert!(since.elapsed() < Duration::from_secs(900));
}
