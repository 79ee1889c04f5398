//! A network of libvirt: a bridge under a name, or the one that libvirt brings, which is to go.
//!
//! Facts: docs/facts/guests.md#libvirt.

use super::libvirt;
use crate::kind::valid::Presence;
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Payload, Running, Runs, Target, Verdict,
};
use crate::kinds::cluster::cib::element::Element;
use crate::sh::Call;
use crate::text::{Text, Vault};

/// `virtual_network = "default"`.
pub struct VirtualNetworkKind;

/// The keys of a step of kind `virtual_network`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its name.
    virtual_network: String,
    /// The bridge that it stands for.
    bridge: Option<String>,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
}

/// The observed state.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether libvirt answers.
    answers: bool,
    /// Whether it is defined.
    defined: bool,
    /// Whether it is active.
    active: bool,
    /// The bridge that it stands for; empty where it makes one of its own.
    bridge: String,
}

const DEFINITIONS: &str = "virtual_network";

impl Kind for VirtualNetworkKind {
    const NAME: &'static str = "virtual_network";
    const DOC: &'static str =
        "A network of libvirt that stands for a bridge of the node, or one that is to go.";
    const ORPHANS: Orphans = Orphans::reported("the network stays");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        contents: Self::contents,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.virtual_network.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        libvirt::name_is_right("network", &want.virtual_network)?;
        match (&want.bridge, want.state) {
            (Some(bridge), Presence::Present) => libvirt::name_is_right("bridge", bridge),
            (None, Presence::Absent) => Ok(()),
            (None, Presence::Present) => {
                Err("a network needs the `bridge` that it stands for".to_owned())
            }
            (Some(_), Presence::Absent) => {
                Err("a network that is to go has no `bridge`".to_owned())
            }
        }
    }

    fn absent(want: &Want) -> bool {
        want.state == Presence::Absent
    }
}

impl VirtualNetworkKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        libvirt::observe(observe);
        let names = wants.iter().map(|w| w.virtual_network.as_str());
        libvirt::observe_definitions(observe, DEFINITIONS, "net-dumpxml", names);
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let lists = libvirt::lists(answer, None)?;
        let name = &want.virtual_network;
        let text = libvirt::definition(answer, DEFINITIONS, name)?;
        let mut bridge = String::new();
        if !text.is_empty() {
            let network = Element::with_text(&text)
                .map_err(|e| format!("the network {name} cannot be read: {e}"))?;
            let forward = network.child("forward").map_or("", |f| f.get("mode"));
            let own = network.child("bridge").map_or("", |b| b.get("name"));
            if forward == "bridge" {
                own.clone_into(&mut bridge);
            }
        }
        Ok(Seen {
            answers: lists.answers,
            defined: lists.networks.contains_key(name),
            active: lists.networks.get(name).copied().unwrap_or(false),
            bridge,
        })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        if !seen.answers {
            return Verdict::After {
                what: "libvirt answers".to_owned(),
                table: "wanted and not there: defined and started; there and not wanted: removed"
                    .to_owned(),
            };
        }
        let mut deltas = Vec::new();
        match &want.bridge {
            None if seen.defined => deltas.push(Delta::new("network", "defined", "")),
            None => {}
            Some(bridge) => {
                if seen.bridge != *bridge {
                    deltas.push(Delta::new("bridge", &seen.bridge, bridge));
                } else if !seen.active {
                    deltas.push(Delta::new("active", "no", "yes"));
                }
            }
        }
        if deltas.is_empty() {
            Verdict::Same
        } else {
            Verdict::Change(deltas)
        }
    }

    fn contents(want: &Want, _seen: &Seen, _vault: &Vault) -> Vec<Payload> {
        let name = &want.virtual_network;
        let bridge = want.bridge.as_deref().unwrap_or_default();
        // Names are letters, digits, `_`, `-` and `.`.
        let text = format!(
            "<network>\n  <name>{name}</name>\n  <forward mode=\"bridge\"/>\n  <bridge name=\"{bridge}\"/>\n</network>\n"
        );
        vec![Payload::Text(Text::plain(text))]
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().flat_map(|(want, seen)| {
            let name = want.virtual_network.as_str();
            let mut calls = Vec::new();
            let other = want.bridge.as_ref() != Some(&seen.bridge);
            if seen.active && other {
                calls.push(libvirt::virsh(["net-destroy", name]));
            }
            if seen.defined && other {
                calls.push(libvirt::virsh(["net-undefine", name]));
            }
            if want.bridge.is_some() {
                if other {
                    calls.push(libvirt::virsh(["net-define"]).blob(0));
                }
                calls.push(libvirt::virsh(["net-autostart", name]));
                calls.push(libvirt::virsh(["net-start", name]));
            }
            calls
        });
        calls.collect()
    }
}

#[cfg(test)]
#[path = "virtual_network_tests.rs"]
mod tests;
