//! The process of one machine: how it is started, whether it runs, how it ends.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::image::{INITRAMFS, KERNEL};
use super::monitor::Monitor;
use super::{Machine, Machines, connections, image, mac, management_mac, seed, wires};
use crate::lab::hardware::Accel;
use crate::lab::state::{LabState, StateNode};
use crate::lab::{cgroup, namespace, tools};

/// The kernel's command line: nothing that emulation would make slow, no clock that a snapshot would take elsewhere,
/// and names of network cards that are the initramfs's to give.
const KERNEL_ARGUMENTS: &str = "quiet loglevel=4 net.ifnames=0 mitigations=off nokaslr no5lvl tsc=unstable \
     clocksource=acpi_pm no_timer_check audit=0 apparmor=0 selinux=0 random.trust_cpu=on systemd.show_status=0";

/// The time that an orderly end may take under emulation.
const PATIENCE: Duration = Duration::from_mins(2);

/// The place where QEMU listens for a machine's monitor.
fn socket(lab: &LabState, node: &StateNode) -> PathBuf {
    lab.dir.join(format!("{}.qmp", node.name))
}

fn disk(own: &Machines, node: &StateNode, name: &str) -> PathBuf {
    own.disks.join(format!("{}.{name}.qcow2", node.name))
}

fn initramfs(own: &Machines, node: &StateNode) -> PathBuf {
    own.disks.join(format!("{}.initramfs", node.name))
}

/// Makes a machine's disks anew: its own over the image's, the others empty.
pub fn furnish(lab: &LabState, own: &Machines, number: usize) -> Result<()> {
    let (node, machine) = (&lab.nodes[number], &own.machines[number]);
    let image = machine.image.join(image::DISK);
    let create = |to: &Path| {
        let mut command = tools::command("qemu-img");
        command.args(["create", "-q", "-f", "qcow2"]).arg(to);
        command
    };
    tools::run(
        create(&disk(own, node, "root"))
            .arg("-F")
            .arg("raw")
            .arg("-b")
            .arg(&image),
    )?;
    for (i, each) in machine.hardware.disks.iter().enumerate() {
        tools::run(create(&disk(own, node, &seed::serial(i))).arg(each.size.to_string()))?;
    }
    let mut archive = std::fs::read(machine.image.join(INITRAMFS))
        .with_context(|| format!("the image {} is not whole", machine.image.display()))?;
    archive.extend(seed::of_machine(lab, number, machine)?);
    std::fs::write(initramfs(own, node), archive)?;
    Ok(())
}

/// Starts a machine; its processor is paused until [`go`]. With a tag, it has the state that was saved under it.
pub fn start(lab: &LabState, own: &Machines, number: usize, tag: Option<&str>) -> Result<()> {
    let node = &lab.nodes[number];
    let mut command = cgroup::command(&node.groups)?;
    command
        .arg("nsenter")
        .arg(namespace::enter(&lab.namespace))
        .args(["--", "qemu-system-x86_64"]);
    describe(&mut command, lab, own, number);
    if let Some(tag) = tag {
        command.args(["-loadvm", tag]);
    }
    tools::run(&mut command).with_context(|| format!("node `{}` cannot start", node.name))?;
    let mut monitor = monitor(lab, node)?;
    for name in &own.machines[number].pulled {
        set_link(&mut monitor, own, number, name, false)?;
    }
    Ok(())
}

/// All of QEMU's arguments.
fn describe(command: &mut Command, lab: &LabState, own: &Machines, number: usize) {
    let (node, machine) = (&lab.nodes[number], &own.machines[number]);
    let (accel, cpu) = match own.accel {
        Accel::Tcg => ("tcg,thread=multi,tb-size=256", "max,la57=off,svm=off"),
        Accel::Kvm => ("kvm", "host"),
    };
    let console = machine.ports().console;
    command
        .args(["-name", &format!("nw.{}.{}", lab.name, node.name)])
        .args([
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-vga",
            "none",
        ])
        .args([
            "-machine",
            "pc,vmport=off,hpet=off",
            "-accel",
            accel,
            "-cpu",
            cpu,
        ])
        .args(["-smp", "1", "-m", &own.memory.to_string()])
        .arg("-kernel")
        .arg(machine.image.join(KERNEL))
        .arg("-initrd")
        .arg(initramfs(own, node))
        .args([
            "-append",
            &format!("console=ttyS{console} {KERNEL_ARGUMENTS}"),
        ])
        .args([
            "-qmp",
            &format!("unix:{},server=on,wait=off", escaped(&socket(lab, node))),
        ]);
    serial_ports(command, lab, number, machine);
    drive(command, &disk(own, node, "root"), "root");
    for i in 0..machine.hardware.disks.len() {
        let name = seed::serial(i);
        drive(command, &disk(own, node, &name), &name);
    }
    card(
        command,
        "mgmt",
        &wires::management_tap(number),
        &management_mac(number),
    );
    for (j, nic) in machine.hardware.nics.iter().enumerate() {
        card(
            command,
            &card_name(j),
            &wires::tap(number, j),
            &mac(number, j, nic),
        );
    }
    command
        .args(["-device", "virtio-rng-pci", "-device", "i6300esb"])
        .args(["-action", "watchdog=reset", "-S", "-daemonize"]);
}

/// Four of them: the console, the lab's own, and where the site has one the line to the other node.
fn serial_ports(command: &mut Command, lab: &LabState, number: usize, machine: &Machine) {
    let node = &lab.nodes[number];
    let ports = machine.ports();
    let mut chardev = |text: String| {
        command.args(["-chardev", &text]);
    };
    chardev(format!(
        "file,id=console,append=on,path={}",
        escaped(&node.log)
    ));
    chardev(format!(
        "socket,id=lab,server=on,wait=off,path={}",
        escaped(&super::line::socket(lab, node))
    ));
    let joined = ports.line.filter(|_| lab.nodes.len() == 2);
    if joined.is_some() {
        let end = if number == 0 {
            "server=on,wait=off"
        } else {
            "reconnect=1"
        };
        let path = escaped(&lab.dir.join("line"));
        chardev(format!("socket,id=line,{end},path={path}"));
    }
    for port in 0..4 {
        let end = match port {
            _ if port == ports.console => "chardev:console",
            _ if port == ports.lab => "chardev:lab",
            _ if Some(port) == joined => "chardev:line",
            _ => "null",
        };
        command.args(["-serial", end]);
    }
}

fn drive(command: &mut Command, file: &Path, name: &str) {
    command.args([
        "-drive",
        &format!(
            "file={},format=qcow2,if=none,id={name},cache=unsafe",
            escaped(file)
        ),
        "-device",
        &format!("virtio-blk-pci,drive={name},serial={name}"),
    ]);
}

/// A card of a gigabit: bonds by LACP ask for speed and duplex.
fn card(command: &mut Command, name: &str, tap: &str, mac: &str) {
    command.args([
        "-netdev",
        &format!("tap,id={name},ifname={tap},script=no,downscript=no"),
        "-device",
        &format!(
            "virtio-net-pci,id={name}.card,netdev={name},mac={mac},speed=1000,duplex=full,romfile="
        ),
    ]);
}

fn card_name(number: usize) -> String {
    format!("net{number}")
}

/// A path within a list of options, where a comma would end it.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

/// Opens the conversation with a machine that runs.
pub fn monitor(lab: &LabState, node: &StateNode) -> Result<Monitor> {
    Monitor::open(&socket(lab, node)).with_context(|| format!("node `{}` is off", node.name))
}

/// Plugs the wire of a card in or pulls it out, as the machine sees it.
pub fn set_link(
    monitor: &mut Monitor,
    own: &Machines,
    number: usize,
    nic: &str,
    up: bool,
) -> Result<()> {
    let nics = &own.machines[number].hardware.nics;
    let at = nics
        .iter()
        .position(|known| known.name == nic)
        .with_context(|| format!("no card is named `{nic}`"))?;
    monitor.execute("set_link", &json!({ "name": card_name(at), "up": up }))?;
    Ok(())
}

/// Whether a machine's process runs.
pub fn is_on(node: &StateNode) -> bool {
    !cgroup::processes(&node.groups).is_empty()
}

/// Ends a machine as if its power had been cut.
pub fn cut(lab: &LabState, node: &StateNode) -> Result<()> {
    cgroup::end(&node.groups)?;
    connections::forget(lab, node);
    // The socket is stale now, and QEMU makes a new one.
    let _ = std::fs::remove_file(socket(lab, node));
    Ok(())
}

/// Has a machine shut down, as its power button would, and waits until it is off.
pub fn shut_down(lab: &LabState, node: &StateNode) -> Result<()> {
    if !is_on(node) {
        return Ok(());
    }
    let begun = super::line::send(lab, node, "off");
    let deadline = Instant::now() + PATIENCE;
    while is_on(node) {
        if begun.is_err() || Instant::now() > deadline {
            bail!(
                "node `{}` does not shut down; `nodewright lab power {} cut` cuts its power",
                node.name,
                node.name
            );
        }
        // The kernel gives no event for the end of a group that std could wait for.
        std::thread::sleep(Duration::from_millis(20));
    }
    cut(lab, node)
}
