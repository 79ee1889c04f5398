//! Whether root of this node reaches libvirt on another over ssh, as live migration does: only observed.
//!
//! Facts: docs/facts/guests.md#migration.

use super::libvirt;
use crate::kind::{Answer, Kind, Observable, Observe, Running, Runs, Target};
use crate::kinds::network::peer::PeerKind;
use crate::sh::Call;
use crate::shell::Shell;

/// `libvirt_peer = "node2"`.
pub struct LibvirtPeerKind;

/// The keys of a step of kind `libvirt_peer`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The other node's name, as this one knows it.
    libvirt_peer: String,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether its libvirt answered.
    pub reached: bool,
    /// The last message where it did not.
    pub error: String,
}

impl Want {
    fn section(&self) -> String {
        format!("libvirt-peer-{}", self.libvirt_peer)
    }
}

impl Kind for LibvirtPeerKind {
    const NAME: &'static str = "libvirt_peer";
    const DOC: &'static str = "Whether root of this node reaches libvirt on another over ssh, as live migration does. Only looked at, for checks.";
    const SHELL: Shell = PeerKind::SHELL;
    const RUNNING: &'static dyn Runs = &Running::new(Self::observe, Self::parse);
    type Want = Want;

    fn name(want: &Want) -> String {
        want.libvirt_peer.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        libvirt::name_is_right("node", &want.libvirt_peer)?;
        if want.libvirt_peer.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err("a node's name has small letters".to_owned());
        }
        Ok(())
    }
}

impl Observable for LibvirtPeerKind {
    type Seen = Seen;
}

impl LibvirtPeerKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        for want in wants {
            let uri = format!("qemu+ssh://root@{}/system?no_tty=1", want.libvirt_peer);
            let call = Call::new("nw_peer_login").args(["virsh", "-q", "-c", &uri, "uri"]);
            observe.beside_section(want.section(), call);
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer
            .get(&want.section())
            .ok_or("the peer was not observed")?;
        let text = section.text();
        let error = match section.status {
            0 => String::new(),
            124 => "no answer in time".to_owned(),
            127 => "virsh is not installed".to_owned(),
            status if text.trim().is_empty() => format!("status {status}"),
            _ => text.trim().to_owned(),
        };
        Ok(Seen {
            reached: section.status == 0,
            error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use serde_json::json;

    /// Over ssh without a question, and by the name that root's own configuration knows.
    #[test]
    fn it_asks_the_peer_without_a_terminal() {
        let asked = testing::queries(
            &json!({ "libvirt_peer": "node2" }),
            crate::platform::Platform::Debian12,
        );
        assert_eq!(
            asked,
            [
                "libvirt-peer-node2: nw_peer_login virsh -q -c 'qemu+ssh://root@node2/system?no_tty=1' uri"
            ]
        );
        assert!(testing::error(&json!({ "libvirt_peer": "x/y" })).contains("is no name of a node"));
    }
}
