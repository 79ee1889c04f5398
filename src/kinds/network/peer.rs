//! Whether root of this node can log in to another node: only observed, never changed.

use crate::kind::valid;
use crate::kind::{Answer, Kind, Observable, Observe, Running, Runs, Target};
use crate::sh::Call;
use crate::shell::Shell;
use std::net::IpAddr;

/// `peer = "node2"`.
pub struct PeerKind;

/// The keys of a step of kind `peer`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The other node's name, as this one knows it.
    peer: String,
    /// Addresses of it that are pinged.
    #[serde(default)]
    addresses: Vec<IpAddr>,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether root got there without a question.
    pub reached: bool,
    /// The last message of ssh when it did not.
    pub error: String,
    /// Those of its addresses that answer a ping.
    pub answering: Vec<String>,
}

impl Want {
    fn section(&self) -> String {
        format!("peer-{}", self.peer)
    }

    fn pings(&self) -> String {
        format!("peer-{}.pings", self.peer)
    }
}

/// The call that tries whether root gets to a peer: without a terminal, without a question, over a connection of its
/// own.
pub fn login(peer: &str) -> Call {
    Call::new("ssh").args(words(peer)).arg("true")
}

fn words(peer: &str) -> [&str; 10] {
    [
        "-n",
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=5",
        "-o",
        "ControlPath=none",
        "-l",
        "root",
        peer,
    ]
}

impl Kind for PeerKind {
    const NAME: &'static str = "peer";
    const DOC: &'static str = "Whether root gets from this node to another without a question, as live migration and recovery need it. \
         Only observed, for checks.";
    const SHELL: Shell = Shell::new(include_str!("peer.sh"));
    const RUNNING: &'static dyn Runs = &Running::new(Self::observe, Self::parse);
    type Want = Want;

    fn name(want: &Want) -> String {
        want.peer.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::one_line("peer", &want.peer)?;
        let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if want.peer.is_empty() || want.peer.starts_with('-') || !want.peer.chars().all(ok) {
            return Err(format!(
                "`{}` is no name of a node",
                want.peer.escape_debug()
            ));
        }
        Ok(())
    }
}

impl Observable for PeerKind {
    type Seen = Seen;
}

impl PeerKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        for want in wants {
            // One that is off takes its time not to answer.
            let login = Call::new("nw_peer_login").arg("ssh");
            let login = login.args(words(&want.peer)).arg("true");
            observe.beside_section(want.section(), login);
            if !want.addresses.is_empty() {
                let addresses = want.addresses.iter().map(ToString::to_string);
                let call = Call::new("nw_peer_pings").args(addresses);
                observe.beside_section(want.pings(), call);
            }
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer
            .get(&want.section())
            .ok_or("the peer was not observed")?;
        let error = match section.status {
            0 => String::new(),
            124 => "no answer in time".to_owned(),
            status => {
                let text = section.text();
                let last = text.lines().rfind(|l| !l.trim().is_empty());
                last.map_or_else(|| format!("status {status}"), |l| l.trim().to_owned())
            }
        };
        Ok(Seen {
            reached: section.status == 0,
            error,
            answering: answer
                .text(&want.pings())
                .lines()
                .map(str::to_owned)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use serde_json::json;

    #[test]
    fn a_name_that_ssh_would_read_as_an_option_is_refused() {
        let why = testing::error(&json!({ "peer": "-oProxyCommand=x" }));
        assert!(why.contains("is no name of a node"), "{why}");
    }
}
