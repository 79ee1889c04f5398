//! The site at the edge with real packets: IPv6 from the same model, and a guest whose address the node answers for.

use super::prober::Proto::{Tcp, Udp};
use super::prober::{Answer, Server, probe};
use super::yard::Yard;
use crate::shorewall::{edge, rendered, vault, write};

use Answer::{Open, Refused, Silent};

fn started() -> Yard {
    let yard = Yard::edge();
    write(&rendered(&edge("5.2")), &vault(1), &yard.files());
    yard.sh("shorewall start; shorewall6 start");
    yard
}

#[test]
fn ipv6_is_let_in_as_ipv4_is() {
    let yard = started();
    let _node = Server::start(&yard.node(), &[22, 80, 2222], &[443, 123]);
    let ports = [(Tcp, 2222), (Tcp, 80), (Udp, 443), (Tcp, 22), (Udp, 123)];
    let node = "2001:db8:1::5";
    let world = yard.of("world");
    // An operator, then somebody, each by IPv6 and by IPv4; neighbours are found, or nothing would come at all.
    let operator = [Open, Open, Open, Silent, Silent];
    let stranger = [Silent, Open, Open, Silent, Silent];
    assert_eq!(probe(&world, "2001:db8:9::7", node, &ports), operator);
    assert_eq!(probe(&world, "2001:db8:77::9", node, &ports), stranger);
    assert_eq!(
        probe(&world, "198.51.100.3", "203.0.113.5", &ports),
        operator
    );
    assert_eq!(
        probe(&world, "203.0.113.9", "203.0.113.5", &ports),
        stranger
    );
    // The office may do everything.
    assert_eq!(
        probe(&yard.of("office"), "10.8.0.2", "10.8.0.1", &ports),
        [Open; 5]
    );
    // Out of the node.
    let _world = Server::start(&world, &[25], &[]);
    assert_eq!(
        probe(&yard.node(), node, "2001:db8:1::1", &[(Tcp, 25)]),
        [Open]
    );
    yard.sh("shorewall6 stop");
    let stopped = [Open, Silent, Silent, Silent, Silent];
    assert_eq!(probe(&world, "2001:db8:77::9", node, &ports), stopped);
}

#[test]
fn a_guest_has_an_address_outside() {
    let yard = started();
    let _guest = Server::start(&yard.of("guest"), &[80], &[]);
    let world = yard.of("world");
    // Its address is asked for on the wire, and the node answers: for others up to 0.8 s late, as kernels do.
    let reaches = |space: &str, from: &str, to: &str| {
        (0..4).any(|_| probe(&yard.of(space), from, to, &[(Tcp, 80)]) == [Open])
    };
    assert!(reaches("world", "203.0.113.9", "198.51.100.40"));
    let neighbours = yard.sh("cat /sys/class/net/bond0/address");
    let found = std::process::Command::new("ip")
        .args(["-n", &world, "neigh", "show", "198.51.100.40"])
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.contains(neighbours.trim()), "{neighbours}{found}");
    let _world = Server::start(&world, &[80], &[]);
    assert!(reaches("guest", "198.51.100.40", "203.0.113.1"));
    // Neither the node nor the office is behind that.
    let _office = Server::start(&yard.of("office"), &[80], &[]);
    let _node = Server::start(&yard.node(), &[81], &[]);
    assert_eq!(
        probe(&yard.of("guest"), "198.51.100.40", "10.8.0.2", &[(Tcp, 80)]),
        [Refused]
    );
    assert_eq!(
        probe(&yard.of("guest"), "198.51.100.40", "10.8.0.1", &[(Tcp, 81)]),
        [Refused]
    );
}
