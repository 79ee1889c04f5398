//! The parts of a starter's inventory that nodes themselves can say: release, names, addresses, MACs, disks.

use crate::facts::{self, Facts};
use crate::kind::Observe;
use crate::node::{ConnectOptions, Failure, NodeAccess, NodeError, Privilege, Session, Way};
use anyhow::{Context as _, anyhow};
use ipnet::IpNet;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Asks nodes what they are made of, by the operator's own OpenSSH configuration.
///
/// # Errors
/// When a node cannot be reached; its own sentence says why.
pub fn facts_of(destinations: &[String]) -> anyhow::Result<Vec<Facts>> {
    let dir = tempfile::tempdir().context("cannot make a folder")?;
    let config = dir.path().join("ssh_config");
    std::fs::write(
        &config,
        "Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n",
    )?;
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    destinations
        .iter()
        .map(|destination| {
            let way = Way {
                alias: destination.clone(),
                word: "direct".to_owned(),
                host: destination.clone(),
                port: None,
                user: None,
                door: None,
                jump: None,
                proxy_command: None,
            };
            let options = ConnectOptions {
                config: config.clone(),
                access: NodeAccess {
                    name: destination.clone(),
                    ways: vec![way],
                    old_algorithms: false,
                    known_hosts: home.join(".ssh/known_hosts"),
                    identity: None,
                },
                runtime_dir: crate::workplace::runtime_dir(),
                persist: Duration::from_secs(10),
                timeout: Duration::from_secs(60),
            };
            runtime.block_on(async {
                let with_advice = |e: NodeError| anyhow!("{e}. {}", advice(&e, destination));
                let mut tried = Vec::new();
                let session = loop {
                    match Session::connect(&options, Privilege::Root).await {
                        Ok(session) => break session,
                        // A cause that the operator removes here and now is tried again, each once.
                        Err(error) => match mended_by(&error.failure, destination) {
                            Some(words) if !tried.contains(&words) && asked(&words, &config) => {
                                tried.push(words);
                            }
                            _ => return Err(with_advice(error)),
                        },
                    }
                };
                let mut observe = Observe::default();
                facts::observe(&mut observe);
                let answer = session.observe(&observe).await.map_err(with_advice)?;
                session.close().await.map_err(with_advice)?;
                Ok(Facts::parse(&answer))
            })
        })
        .collect()
}

/// The command by which an operator lets himself in on first contact: ssh asks about the host key, or installs a key
/// by password.
fn mended_by(failure: &Failure, destination: &str) -> Option<Vec<String>> {
    let words: &[&str] = match failure {
        Failure::HostKeyUnknown => &[
            "ssh",
            "-o",
            "StrictHostKeyChecking=ask",
            "--",
            destination,
            "true",
        ],
        Failure::NoKeyAccepted(_) => &["ssh-copy-id", destination],
        _ => return None,
    };
    // A destination is no option of these, whatever its name.
    let fits = !destination.starts_with('-');
    fits.then(|| words.iter().map(|w| (*w).to_owned()).collect())
}

/// Runs such a command on the operator's terminal; whether there is one, and it went well.
fn asked(words: &[String], config: &Path) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    let mut command = Command::new(&words[0]);
    if words[0] == "ssh" {
        command.arg("-F").arg(config);
    }
    let ended = command.args(&words[1..]).status();
    ended.is_ok_and(|status| status.success())
}

/// The advice on a node without a site yet: it names no command that needs a site.
fn advice(error: &NodeError, destination: &str) -> String {
    match mended_by(&error.failure, destination) {
        Some(words) if words[0] == "ssh" => {
            format!("run this on a terminal, or accept its host key once with `ssh {destination}`")
        }
        Some(words) => format!(
            "run this on a terminal, or install your key once with `{}`",
            words.join(" ")
        ),
        None => error.advice(),
    }
}

/// Fills the facts of nodes into the text of a starter's inventory.
pub fn fill(starter: &str, nodes: &[Facts]) -> String {
    let mut text = starter.to_owned();
    if let Some(platform) = nodes.iter().find_map(|n| n.platform) {
        text = text.replace(
            "platform = \"el9\" ",
            &format!("platform = \"{}\" ", platform.word()),
        );
    }
    let zones = zone_lines(starter);
    let mut zones = zones
        .iter()
        .map(|line| (line.as_str(), line.split('=').next()));
    // The first zone is the one that nodes are reached in.
    let (reached, zone) = zones.next().unwrap_or_default();
    let zone = zone.unwrap_or_default();
    if let Some((nic, net)) = nodes.first().and_then(main_address) {
        let new = format!(
            "{zone}= {{ nic = \"{nic}\", network = \"{}\", otherwise = \"drop\" }}",
            net.trunc()
        );
        text = text.replace(reached, &new);
    }
    // No node was asked what its other interfaces are for.
    for (line, _) in zones {
        text = text.replace(&format!("\n{line}"), &format!("\n#{line}"));
    }
    let names: Vec<String> = nodes.iter().map(name).collect();
    let quoted = names
        .iter()
        .map(|n| format!("\"{n}\""))
        .collect::<Vec<_>>()
        .join(", ");
    text = text.replace(
        "nodes = [\"node1\", \"node2\"]",
        &format!("nodes = [{quoted}]"),
    );
    let (from, to) = ("[node.node1]", "# Nodes that have the same roles");
    if let (Some(start), Some(end)) = (text.find(from), text.find(to)) {
        let tables: String = nodes.iter().map(|n| table(n, zone.trim()) + "\n").collect();
        text.replace_range(start..end, &tables);
    }
    text
}

/// The lines of the table `[zone]` that are not commented out.
fn zone_lines(starter: &str) -> Vec<String> {
    let lines = starter.lines().skip_while(|l| *l != "[zone]").skip(1);
    let lines = lines.take_while(|l| !l.is_empty() && !l.starts_with('['));
    let lines = lines.filter(|l| !l.starts_with('#'));
    lines.map(ToOwned::to_owned).collect()
}

/// A node's name: that of `uname -n` without its domain.
fn name(facts: &Facts) -> String {
    facts
        .hostname
        .split('.')
        .next()
        .unwrap_or_default()
        .to_lowercase()
}

/// The first address of version 4 that reaches further than the node, and its interface.
fn main_address(facts: &Facts) -> Option<(String, IpNet)> {
    facts
        .interfaces
        .iter()
        .filter(|(n, _)| n.as_str() != "lo")
        .find_map(|(name, interface)| {
            let nets = interface
                .addresses
                .iter()
                .filter_map(|a| a.parse::<IpNet>().ok());
            nets.into_iter()
                .find(|n| n.addr().is_ipv4())
                .map(|net| (name.clone(), net))
        })
}

/// The table of one node, with its address in the zone that it is reached in.
fn table(facts: &Facts, zone: &str) -> String {
    let mut text = format!(
        "# {}, kernel {}, {} MiB of memory\n",
        facts.release,
        facts.kernel,
        facts.memory_kib / 1024
    );
    let _ = writeln!(text, "[node.{}]", name(facts));
    if let Some((_, net)) = main_address(facts) {
        let _ = writeln!(text, "address = {{ {zone} = \"{}\" }}", net.addr());
    }
    let hardware = facts.interfaces.values().any(|i| i.physical);
    for (name, interface) in facts
        .interfaces
        .iter()
        .filter(|(n, i)| n.as_str() != "lo" && (i.physical || !hardware))
    {
        let others: Vec<&str> = interface.addresses.iter().map(String::as_str).collect();
        let _ = writeln!(
            text,
            "mac.{name} = \"{}\"   # {}",
            interface.mac,
            others.join(" ")
        );
    }
    let mut disks = facts.disks.iter().filter(|(_, d)| d.bytes > 0);
    let chosen = disks.clone().find(|(_, d)| !d.ids.is_empty());
    if let Some((_, disk)) = chosen {
        let _ = writeln!(
            text,
            "disk = {{ id = \"{}\", size = \"{}G\" }}",
            disk.ids[0],
            disk.bytes >> 30
        );
    } else if let Some((name, disk)) = disks.next() {
        let _ = writeln!(
            text,
            "# {name} has {} GiB and no name under /dev/disk/by-id",
            disk.bytes >> 30
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{DiskFacts, InterfaceFacts};
    use crate::platform::Platform;

    #[test]
    fn what_is_advised_before_there_is_a_site_needs_none() {
        for (failure, words) in [
            (
                Failure::HostKeyUnknown,
                "accept its host key once with `ssh hv1`",
            ),
            (
                Failure::NoKeyAccepted("root@hv1".to_owned()),
                "install your key once with `ssh-copy-id hv1`",
            ),
        ] {
            let error = NodeError {
                node: "hv1".to_owned(),
                failure,
                output: String::new(),
            };
            let advice = advice(&error, "hv1");
            assert!(advice.contains(words), "{advice}");
            assert!(!advice.contains("enroll"), "{advice}");
            assert_eq!(mended_by(&error.failure, "-oProxyCommand=x"), None);
        }
        assert_eq!(mended_by(&Failure::Refused, "hv1"), None);
    }

    #[test]
    fn what_nodes_say_stands_in_an_inventory_that_reads() {
        let node = |n: u8| Facts {
            platform: Some(Platform::El7),
            hostname: format!("hv{n}.example.net"),
            interfaces: [(
                "eth0".to_owned(),
                InterfaceFacts {
                    mac: format!("00:16:76:d6:c9:4{n}"),
                    physical: true,
                    addresses: vec![format!("192.0.2.{n}/24")],
                    ..InterfaceFacts::default()
                },
            )]
            .into(),
            disks: [(
                "sda".to_owned(),
                DiskFacts {
                    bytes: 2 << 40,
                    ids: vec![format!("scsi-{n}")],
                    ..DiskFacts::default()
                },
            )]
            .into(),
            ..Facts::default()
        };
        let text = fill(include_str!("starter/inventory.toml"), &[node(1), node(2)]);
        let loaded = crate::site::load_str(&text.replace("SITE", "rack").replace("VERSION", "0.3"));
        let site = loaded.sound().expect("a sound inventory");
        assert_eq!(site.node_names().collect::<Vec<_>>(), ["hv1", "hv2"]);
        assert_eq!(site.platform(), Platform::El7);
        assert_eq!(site.login("hv2").host, "192.0.2.2");
        let disk = site
            .node("hv1")
            .and_then(|n| n.disk.as_ref())
            .map(|d| (d.id.to_string(), d.size.bytes()));
        assert_eq!(disk, Some(("scsi-1".to_owned(), 2 << 40)));
    }
}
