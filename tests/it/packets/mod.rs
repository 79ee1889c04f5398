//! The firewall of the example site with real packets: Shorewall's rules in the kernel, in namespaces.

mod edge;
mod knocking;
mod matrix;
pub mod prober;
mod yard;

use crate::shorewall::{crosslink, rendered, vault, write};
use yard::Yard;

/// A yard whose node has the example's firewall, started.
fn started(site: &str) -> Yard {
    let yard = Yard::example();
    write(&rendered(site), &vault(3), &yard.files());
    yard.sh("shorewall start");
    // Shorewall turned it off, and what is passed on is to be seen.
    assert_eq!(yard.sh("cat /proc/sys/net/ipv4/ip_forward"), "0\n");
    yard.sh("sysctl -qw net.ipv4.ip_forward=1");
    yard
}

/// The example with Debian's version of Shorewall.
fn example() -> String {
    crosslink("5.2")
}
