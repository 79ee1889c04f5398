//! Keys of a lab: the operator's, each node's, and what `ssh` has to know of them.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::machines::back_door;
use super::state::{Backend, LabState, StateNode, private_file};
use super::{namespace, pipe, tools};
use crate::sh::quote;

/// Kinds of keys: releases before 7 know no ed25519, and current ones take no RSA key shorter than this.
const KINDS: [(&str, &str); 2] = [("ed25519", "256"), ("rsa", "3072")];

/// Makes the keys of a lab and the files by which `ssh` uses them.
///
/// `old` says that a node may be too old for ed25519: then there are RSA keys too, which take half a second each.
pub fn make(lab: &LabState, given: Option<&Path>, old: bool) -> Result<()> {
    let kinds = &KINDS[..if old { 2 } else { 1 }];
    if let Some(key) = given {
        let public = key.with_extension("pub");
        fs::copy(&public, lab.key.with_extension("pub"))
            .with_context(|| format!("cannot read the public key {}", public.display()))?;
        let bytes = fs::read(key)
            .with_context(|| format!("cannot read the private key {}", key.display()))?;
        private_file(&lab.key)?.write_all(&bytes)?;
    } else {
        let (kind, bits) = kinds[kinds.len() - 1];
        generate(
            &lab.key,
            kind,
            bits,
            &format!("nodewright lab {}", lab.name),
        )?;
    }
    let mut known = String::new();
    for node in &lab.nodes {
        fs::create_dir_all(host_keys(lab, node))?;
        let mut names = vec![node.name.clone()];
        names.extend(node.addresses.iter().map(|a| a.cidr.addr().to_string()));
        for (kind, bits) in kinds {
            let path = host_keys(lab, node).join(format!("ssh_host_{kind}_key"));
            generate(&path, kind, bits, &node.name)?;
            let public = fs::read_to_string(path.with_extension("pub"))?;
            let mut words = public.split_whitespace();
            if let (Some(algorithm), Some(key)) = (words.next(), words.next()) {
                let _ = writeln!(known, "{} {algorithm} {key}", names.join(","));
            }
        }
    }
    fs::create_dir_all(root_keys(lab))?;
    let (kind, bits) = kinds[kinds.len() - 1];
    for node in &lab.nodes {
        let comment = format!("root@{}", node.name);
        generate(&root_key(lab, &node.name), kind, bits, &comment)?;
    }
    fs::write(&lab.known_hosts, known)?;
    fs::write(&lab.ssh_config, ssh_config(lab))?;
    Ok(())
}

/// The configuration for `ssh -F`: each node by its name and by each of its addresses.
fn ssh_config(lab: &LabState) -> String {
    let mut text = format!("# The lab `{}` of nodewright.\n", lab.name);
    let mut all = Vec::new();
    let word = |path: &Path| format!("\"{}\"", path.display().to_string().replace('%', "%%"));
    for node in &lab.nodes {
        let _ = writeln!(text, "Host {}\n    HostName {}", node.name, node.address());
        all.push(node.name.clone());
        if let (Backend::Machines(_), Some(own)) = (&lab.backend, node.addresses.last()) {
            let name = back_door(node);
            // One connection for all commands that go this way: a login costs a second of emulation. A connection to a
            // machine that was switched off ends soon.
            let _ = writeln!(
                text,
                "Host {name}\n    HostName {}\n    ControlMaster auto\n    ControlPath {}\n    ControlPersist 600\n    \
                 ServerAliveInterval 2",
                own.cidr.addr(),
                word(&control_path(lab, node))
            );
            all.push(name);
        }
        all.extend(node.addresses.iter().map(|a| a.cidr.addr().to_string()));
    }
    let proxy = [
        "nsenter".to_owned(),
        quote(&namespace::enter(&lab.namespace)),
        "--".to_owned(),
        quote(&lab.program.display().to_string()).replace('%', "%%"),
        pipe::COMMAND.to_owned(),
    ]
    .join(" ");
    let _ = write!(
        text,
        "Host {}\n    User root\n    IdentityFile {}\n    IdentitiesOnly yes\n    UserKnownHostsFile {}\n    \
         GlobalKnownHostsFile /dev/null\n    StrictHostKeyChecking yes\n    ServerAliveInterval 5\n    ProxyCommand {proxy} %h %p\n",
        all.join(" "),
        word(&lab.key),
        word(&lab.known_hosts),
    );
    text
}

/// The place where those meet who take the lab's own way into a machine.
pub fn control_path(lab: &LabState, node: &StateNode) -> PathBuf {
    lab.dir.join(format!("{}.ssh", node.name))
}

/// Puts a node's host keys in the `etc/ssh` of its root.
pub fn give_host_keys(lab: &LabState, node: &StateNode, etc_ssh: &Path) -> Result<()> {
    for entry in fs::read_dir(host_keys(lab, node))?.flatten() {
        // The mode, 0600 of private keys, goes along.
        fs::copy(entry.path(), etc_ssh.join(entry.file_name()))?;
    }
    Ok(())
}

/// The folder of a node's host keys.
pub fn host_keys(lab: &LabState, node: &StateNode) -> PathBuf {
    lab.dir.join("host-keys").join(&node.name)
}

/// The folder of the keys by which root goes from node to node in this lab, `root-NODE` and `root-NODE.pub`: those of
/// the site never leave it for a rehearsal.
pub fn root_keys(lab: &LabState) -> PathBuf {
    lab.dir.join("root-keys")
}

/// The private half of such a key.
pub fn root_key(lab: &LabState, node: &str) -> PathBuf {
    root_keys(lab).join(format!("root-{node}"))
}

fn generate(path: &Path, kind: &str, bits: &str, comment: &str) -> Result<()> {
    tools::run(
        tools::command("ssh-keygen")
            .args(["-q", "-t", kind, "-b", bits, "-N", "", "-C", comment, "-f"])
            .arg(path),
    )?;
    Ok(())
}
