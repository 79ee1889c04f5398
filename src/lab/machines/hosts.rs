//! Hosts beside the machines: a namespace with an address, on a segment or outside, from which packets are sent.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result, bail};
use ipnet::IpNet;

use super::Machines;
use crate::lab::namespace::{self, batch};
use crate::lab::spec::check_name;
use crate::lab::state::LabState;
use crate::lab::tools;

/// The word for the place beyond the controller, which is the gateway to it.
const OUTSIDE: &str = "outside";

/// The controller's address towards hosts outside; it is on each of their wires.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(169, 254, 178, 1);

/// Adds a host with one card `eth0` and one address, and gives its namespace. A host of the same name is replaced.
///
/// `place` is a zone or a segment, or `outside`: then the host reaches the nodes by the controller, as they reach it
/// where the controller is their gateway. Its packets have no VLAN tag.
pub fn add(
    lab: &LabState,
    own: &Machines,
    host: &str,
    place: &str,
    address: IpNet,
) -> Result<String> {
    check_name("a host of the lab", host, 9)?;
    if lab.nodes.iter().any(|node| node.name == host) {
        bail!("`{host}` is a node of lab `{}`", lab.name);
    }
    let namespace = lab.namespace_of(host);
    if namespace::path(&namespace).exists() {
        namespace::remove(&namespace)?;
    }
    let wire = format!("h-{host}");
    namespace::add(&namespace)?;
    let mut here = vec![
        format!("link add {wire} type veth peer name eth0 netns {namespace}"),
        format!("link set {wire} addrgenmode none"),
    ];
    let mut there = vec![
        "link set lo up".to_owned(),
        format!("addr add {address} dev eth0"),
        "link set eth0 up".to_owned(),
    ];
    if place == OUTSIDE {
        if address.addr().is_ipv6() {
            bail!("a host outside of a lab has an address of IPv4");
        }
        tools::run(
            tools::command("nsenter")
                .arg(namespace::enter(&lab.namespace))
                .args(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]),
        )?;
        here.push(format!("addr add {GATEWAY}/32 dev {wire}"));
        here.push(format!("link set {wire} up"));
        here.push(format!("route add {}/32 dev {wire}", address.addr()));
        there.push(format!("route add default via {GATEWAY} dev eth0 onlink"));
    } else {
        let wired = own
            .segment_of(place)
            .with_context(|| format!("lab `{}` has no zone and no segment `{place}`", lab.name))?;
        here.push(format!("link set {wire} mtu {}", wired.segment.mtu));
        there.push(format!("link set eth0 mtu {}", wired.segment.mtu));
        here.push(format!("link set {wire} master {} up", wired.bridge));
        let gateway = wired
            .controller
            .iter()
            .find(|own| own.contains(&address.addr()));
        if let Some(IpAddr::V4(gateway)) = gateway.map(IpNet::addr) {
            there.push(format!("route add default via {gateway}"));
        }
    }
    batch(&lab.namespace, &here)?;
    batch(&namespace, &there)?;
    Ok(namespace)
}
