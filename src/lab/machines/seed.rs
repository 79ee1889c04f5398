//! A machine's own name, keys and addresses, which its first boot writes to its disk.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Result, anyhow};

use super::image::HOME;
use super::initramfs::Archive;
use super::{MANAGEMENT_LENGTH, Machine, mac, management_mac};
use crate::digest::hex;
use crate::lab::hardware::WayIn;
use crate::lab::keys;
use crate::lab::state::{LabState, StateNode};

/// The archive that follows that of the image. A disk that has its own already keeps what is on it.
pub fn of_machine(lab: &LabState, number: usize, machine: &Machine) -> Result<Vec<u8>> {
    let node = &lab.nodes[number];
    let mut archive = Archive::default();
    archive.file("names", 0o644, names(number, machine).as_bytes());
    archive.folder("seed/root", 0o700);
    archive.folder("seed/root/.ssh", 0o700);
    let key = fs::read(lab.key.with_extension("pub"))?;
    archive.file("seed/root/.ssh/authorized_keys", 0o600, &key);
    host_keys(&mut archive, lab, node)?;
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
    for (path, text) in [
        ("etc/hostname", format!("{}\n", node.name)),
        // Two machines with the same one would give their bridges the same MACs.
        ("etc/machine-id", format!("{}\n", hex(&random))),
        (
            "etc/hosts",
            "127.0.0.1 localhost\n::1 localhost\n".to_owned(),
        ),
        (
            "etc/network/interfaces",
            interfaces(machine.hardware.way_in.as_ref()),
        ),
        (
            "usr/lib/udev/rules.d/61-nodewright-lab.rules",
            disk_names(machine),
        ),
    ] {
        archive.file(&format!("seed/{path}"), 0o644, text.as_bytes());
    }
    archive.file(&format!("seed/{HOME}/authorized_keys"), 0o600, &key);
    let address = format!("{}/{MANAGEMENT_LENGTH}\n", machine.management);
    archive.file(&format!("seed/{HOME}/address"), 0o644, address.as_bytes());
    let port = format!("/dev/ttyS{}\n", machine.ports().lab);
    archive.file(&format!("seed/{HOME}/port"), 0o644, port.as_bytes());
    archive.file(&format!("seed/{HOME}/furnished"), 0o644, b"");
    Ok(archive.finish())
}

/// The names of the cards by their addresses.
fn names(number: usize, machine: &Machine) -> String {
    let mut text = format!("{} lab0\n", management_mac(number));
    for (j, nic) in machine.hardware.nics.iter().enumerate() {
        let _ = writeln!(text, "{} {}", mac(number, j, nic), nic.name);
    }
    text
}

/// A key of the machine's for each sshd; the lab's own keeps its when the machine's are changed.
fn host_keys(archive: &mut Archive, lab: &LabState, node: &StateNode) -> Result<()> {
    let folder = keys::host_keys(lab, node);
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let content = fs::read(&path)?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let public = path.extension().is_some_and(|end| end == "pub");
        let mode = if public { 0o644 } else { 0o600 };
        archive.file(&format!("seed/etc/ssh/{name}"), mode, &content);
        if name == "ssh_host_ed25519_key" {
            archive.file(&format!("seed/{HOME}/host_key"), 0o600, &content);
        }
    }
    Ok(())
}

/// As Debian's installer writes it.
fn interfaces(way_in: Option<&WayIn>) -> String {
    let mut text =
        "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n".to_owned();
    if let Some(way_in) = way_in {
        let (name, cidr) = (&way_in.address.interface, way_in.address.cidr);
        let family = if cidr.addr().is_ipv4() {
            "inet"
        } else {
            "inet6"
        };
        let _ = write!(
            text,
            "\nauto {name}\niface {name} {family} static\n\taddress {cidr}\n"
        );
        if let Some(gateway) = way_in.gateway {
            let _ = writeln!(text, "\tgateway {gateway}");
        }
    }
    text
}

/// The number of a disk as its serial number says it.
pub fn serial(number: usize) -> String {
    format!("disk{number}")
}

/// Gives disks and their partitions the names under /dev/disk/by-id that the site knows them by.
fn disk_names(machine: &Machine) -> String {
    let disks = machine.hardware.disks.iter().enumerate();
    disks
        .map(|(number, disk)| {
            let (serial, id) = (serial(number), &disk.id);
            format!(
                "SUBSYSTEM==\"block\", ENV{{DEVTYPE}}==\"disk\", ATTR{{serial}}==\"{serial}\", SYMLINK+=\"disk/by-id/{id}\"\n\
                 SUBSYSTEM==\"block\", ENV{{DEVTYPE}}==\"partition\", ATTRS{{serial}}==\"{serial}\", SYMLINK+=\"disk/by-id/{id}-part%n\"\n"
            )
        })
        .collect()
}
