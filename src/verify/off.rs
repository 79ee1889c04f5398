//! Every proof that can be had that a node is off, before a person tells the cluster so.
//!
//! Facts: docs/facts/fencing.md#confirming-by-hand, docs/facts/membership.md#state-of-the-membership.

use crate::kinds::network::peer::login;
use crate::platform::Platform;
use crate::sh::Call;
use crate::shell::{ENV, Shell};
use crate::site::Site;
use std::fmt::Write as _;

/// What a proof says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    /// The node is on.
    On,
    /// The node is off.
    Off,
    /// Nothing for sure: what is off does not answer, and what is cut off does not either.
    Silent,
    /// It waits for this very node.
    Waits,
    /// How things stand, no proof.
    Note,
}

impl Says {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Silent => "silent",
            Self::Waits => "waits",
            Self::Note => "-",
        }
    }
}

/// One proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What it says.
    pub says: Says,
    /// What was looked at, and what was seen.
    pub what: String,
}

impl Proof {
    fn new(says: Says, what: impl Into<String>) -> Self {
        Self {
            says,
            what: what.into(),
        }
    }
}

/// The text that asks a survivor for proofs. Like all such text it does nothing before its last line.
pub fn question(site: &Site, node: &str) -> String {
    let mut calls = Vec::new();
    for device in site.fencing(node).devices {
        calls.push(Call::new("nw_off_device").args([device.name, device.agent, device.input]));
    }
    for (address, _) in addresses(site, node) {
        calls.push(Call::new("nw_off_ping").arg(address));
    }
    let mut calls: Vec<String> = calls.iter().map(Call::to_shell).collect();
    // All at once: what is off takes its time not to answer.
    for call in &mut calls {
        call.push_str(" &");
    }
    let asked = Call::new("nw_off_login").arg(node);
    calls.push(format!("{} {}", asked.to_shell(), login(node).to_shell()));
    calls.extend(["nw_off_cluster", "wait"].map(str::to_owned));
    script(&calls)
}

/// A text that does nothing: whoever carries it out is on.
pub fn greeting() -> String {
    script(&["true".to_owned()])
}

/// What came of the operator's own try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing came from the node itself, and why that may be.
    Nothing(String),
    /// Something did: that a login works, or how it was refused.
    Life(String),
}

/// What the operator's own try says.
pub fn from_here(heard: &Heard) -> Proof {
    match heard {
        Heard::Life(what) => Proof::new(Says::On, format!("ssh is answered: {what}")),
        Heard::Nothing(why) => Proof::new(Says::Silent, format!("ssh: {why}")),
    }
}

/// The text that tells a survivor's cluster that a node is off.
pub fn confirmation(site: &Site, node: &str, survivor: &str) -> String {
    let stack = site.platform_of(survivor).manager().confirms_by();
    let call = Call::new("nw_off_confirm").args([stack, node]);
    script(&[call.to_shell()])
}

/// The command that does so, for people.
pub fn command(platform: Platform, node: &str) -> String {
    platform.manager().confirmation(node)
}

const OFF: Shell = Shell::new(include_str!("off.sh")).needing(&[ENV]);

fn script(calls: &[String]) -> String {
    let mut script = format!("{}main() {{\ncd /\n(\n", OFF.text());
    for call in calls {
        let _ = writeln!(script, "{call}");
    }
    script.push_str(")\nprintf '\\n%s' \"$?\"\n}\nmain\n");
    script
}

/// All addresses of a node with their zones.
fn addresses(site: &Site, node: &str) -> Vec<(String, String)> {
    let Some(found) = site.node(node) else {
        return Vec::new();
    };
    let zones = found.address.iter();
    zones
        .map(|(zone, address)| (address.ip().to_string(), zone.to_string()))
        .collect()
}

/// Reads what a survivor said.
pub fn proofs(site: &Site, node: &str, said: &str) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let zones = addresses(site, node);
    let mut lines = said.lines().peekable();
    while let Some(line) = lines.next() {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (status, name) = rest.split_once(' ').unwrap_or((rest, ""));
        match kind {
            "device" => proofs.push(match status {
                "0" => Proof::new(Says::On, format!("{name} says that it is on")),
                "2" => Proof::new(Says::Off, format!("{name} says that it is off")),
                "124" => Proof::new(Says::Silent, format!("{name} did not answer in time")),
                "127" => Proof::new(
                    Says::Silent,
                    format!("{name} cannot be asked: its files are not there"),
                ),
                _ => Proof::new(
                    Says::Silent,
                    format!("{name} gave no answer (status {status})"),
                ),
            }),
            "ping" => {
                let zone = zones.iter().find(|(a, _)| a == name);
                let zone = zone
                    .map(|(_, z)| format!(" in zone {z}"))
                    .unwrap_or_default();
                proofs.push(if status == "0" {
                    Proof::new(Says::On, format!("{name}{zone} answers a ping"))
                } else {
                    Proof::new(Says::Silent, format!("{name}{zone} answers no ping"))
                });
            }
            "login" => {
                let told = lines.next_if(|l| l.starts_with("said "));
                let told = told.map_or("", |l| &l["said ".len()..]);
                proofs.push(ssh(status, told));
            }
            "cman" => proofs.extend(cman(node, rest)),
            "domain" => proofs.extend(domain(site, node, rest)),
            "pacemaker" => proofs.extend(pacemaker(node, rest)),
            _ => {}
        }
    }
    proofs
}

/// What `ssh` said: whatever comes from the other side is a sign of life.
fn ssh(status: &str, said: &str) -> Proof {
    let silent = [
        "timed out",
        "No route to host",
        "unreachable",
        "Could not resolve",
        "Name or service not known",
        "not known",
    ];
    if status == "0" {
        Proof::new(Says::On, "ssh gets in")
    } else if said.contains("during banner exchange") || said.starts_with("Connection to ") {
        // The second is what OpenSSH 9 says last of that.
        Proof::new(
            Says::On,
            "its kernel accepts ssh's connection, and no sshd greets",
        )
    } else if status == "124" || said.is_empty() || silent.iter().any(|s| said.contains(s)) {
        Proof::new(Says::Silent, "ssh gets no answer")
    } else {
        Proof::new(Says::On, format!("ssh is answered: {said}"))
    }
}

/// A line of `cman_tool nodes -F id,type,name`: `2 X node2`.
fn cman(node: &str, line: &str) -> Option<Proof> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, kind, name] = words.as_slice() else {
        return None;
    };
    (*name == node).then(|| match *kind {
        "M" => Proof::new(Says::On, "cman has it as a member"),
        "X" => Proof::new(Says::Silent, "cman has it as dead"),
        other => Proof::new(Says::Silent, format!("cman has it as `{other}`")),
    })
}

/// A line of `fence_tool ls -n`: `nodeid 2 member 0 victim 1 last fence master 0 how none`, or of the domain as a whole.
fn domain(site: &Site, node: &str, line: &str) -> Option<Proof> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let id = site.node(node)?.host_id.as_ref()?.to_string();
    match words.as_slice() {
        ["wait", "state", state @ ..] if *state != ["none"] => Some(Proof::new(
            Says::Note,
            format!("the fence domain waits for {}", state.join(" ")),
        )),
        ["nodeid", of, "member", _, "victim", "1", ..] if *of == id => Some(Proof::new(
            Says::Waits,
            "the fence domain waits for it to be fenced",
        )),
        _ => None,
    }
}

/// A line of nodes of `crm_mon`.
fn pacemaker(node: &str, line: &str) -> Option<Proof> {
    let says = |key: &str, value: &str| line.contains(&format!(" {key}=\"{value}\""));
    // Nodes also stand where a resource runs: there nothing is said of them.
    if !says("name", node) || !line.contains(" online=\"") {
        return None;
    }
    Some(if says("unclean", "true") && !says("online", "true") {
        Proof::new(Says::Waits, "Pacemaker waits for it to be fenced")
    } else if says("online", "true") {
        Proof::new(Says::On, "Pacemaker has it as online")
    } else {
        Proof::new(Says::Silent, "Pacemaker has it as offline")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::load_str;

    fn site(platform: &str) -> Site {
        let text = include_str!("../../inventory/crosslink/inventory.toml");
        let text = text.replacen("\"el7\"", &format!("\"{platform}\""), 1);
        load_str(&text).site.expect("a site")
    }

    fn told(platform: &str, said: &str) -> Vec<String> {
        proofs(&site(platform), "node2", said)
            .iter()
            .map(|p| format!("{}: {}", p.says.word(), p.what))
            .collect()
    }

    #[test]
    fn every_address_and_device_is_asked_and_no_secret_is_told() {
        let question = question(&site("el6"), "node2");
        let calls: Vec<_> = question
            .lines()
            .filter(|l| l.starts_with("nw_off_") && !l.contains("()"))
            .collect();
        assert_eq!(
            calls,
            [
                "nw_off_device fence_node2_ipmilan fence_ipmilan /usr/local/sbin/fence-secrets/fence_node2_ipmilan.options &",
                "nw_off_ping 192.0.2.6 &",
                "nw_off_ping 10.0.1.2 &",
                "nw_off_ping 10.0.2.2 &",
                "nw_off_ping 10.0.3.5 &",
                "nw_off_ping 10.0.9.2 &",
                "nw_off_login node2 ssh -n -o BatchMode=yes -o ConnectTimeout=5 -o ControlPath=none -l root node2 true",
                "nw_off_cluster",
            ]
        );
        assert!(question.ends_with("\nmain\n"));
    }

    // Written from source: cman_tool and fence_tool of cluster 3.2.0.
    #[test]
    fn a_victim_of_cman_that_nobody_hears_is_confirmed() {
        let said = "device 1 fence_node2_ipmilan\nping 1 10.0.2.2\nlogin 255 node2\n\
            said ssh: connect to host node2 port 22: No route to host\n\
            cman 1 M node1\ncman 2 X node2\ndomain wait state    fencing\n\
            domain nodeid 1 member 1 victim 0 last fence master 0 how none\n\
            domain nodeid 2 member 0 victim 1 last fence master 0 how none\n";
        assert_eq!(
            told("el6", said),
            [
                "silent: fence_node2_ipmilan gave no answer (status 1)",
                "silent: 10.0.2.2 in zone yellow answers no ping",
                "silent: ssh gets no answer",
                "silent: cman has it as dead",
                "-: the fence domain waits for fencing",
                "waits: the fence domain waits for it to be fenced",
            ]
        );
        assert_eq!(command(Platform::El6, "node2"), "fence_ack_manual node2");
    }

    #[test]
    fn any_sign_of_life_says_that_it_is_on() {
        for (said, on) in [
            (
                "device 0 fence_node2_ipmilan\n",
                "fence_node2_ipmilan says that it is on",
            ),
            ("ping 0 10.0.1.2\n", "10.0.1.2 in zone grey answers a ping"),
            ("login 0 node2\n", "ssh gets in"),
            (
                "login 255 node2\nsaid ssh: connect to host node2 port 22: Connection refused\n",
                "ssh is answered: ssh: connect to host node2 port 22: Connection refused",
            ),
            (
                "login 255 node2\nsaid Host key verification failed.\n",
                "ssh is answered: Host key verification failed.",
            ),
            // captured (OpenSSH 9.2), and from the source of 5.3
            (
                "login 255 node2\nsaid Connection to 127.0.0.1 port 2299 timed out\n",
                "its kernel accepts ssh's connection, and no sshd greets",
            ),
            (
                "login 255 node2\nsaid Connection timed out during banner exchange\n",
                "its kernel accepts ssh's connection, and no sshd greets",
            ),
            ("cman 2 M node2\n", "cman has it as a member"),
            (
                "pacemaker <node name=\"node2\" id=\"2\" online=\"true\" unclean=\"false\"/>\n",
                "Pacemaker has it as online",
            ),
        ] {
            assert_eq!(told("el7", said), [format!("on: {on}")]);
        }
    }

    #[test]
    fn what_is_said_of_the_survivor_is_no_proof_of_the_other() {
        let said = "cman 1 M node1\ndomain nodeid 1 member 1 victim 1 last fence master 0 how none\n\
            pacemaker <node name=\"node1\" id=\"1\" online=\"true\" unclean=\"false\"/>\n\
            pacemaker <node name=\"node2\" id=\"2\" cached=\"true\"/>\n";
        assert_eq!(told("el6", said), [""; 0]);
        let said = "device 2 fence_node2_ipmilan\n\
            pacemaker <node name=\"node2\" id=\"2\" online=\"false\" unclean=\"true\"/>\n";
        assert_eq!(
            told("el7", said),
            [
                "off: fence_node2_ipmilan says that it is off",
                "waits: Pacemaker waits for it to be fenced",
            ]
        );
    }
}
