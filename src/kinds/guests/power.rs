//! The calls that start and stop a guest which no resource manager starts and stops.
//!
//! Facts: docs/facts/guests.md#power.

use super::libvirt::{URI, virsh};
use crate::sh::Call;

pub use super::libvirt::runs;

/// The call that starts a guest from its definition in libvirt. libvirt refuses one that runs.
pub fn started(guest: &str) -> Call {
    virsh(["start", guest])
}

/// The call that starts a guest from the definition that is the first content of its step. The one that libvirt has stays, and
/// holds from the next start.
pub fn started_from_content() -> Call {
    virsh(["create"]).blob(0)
}

/// The call that asks a guest to shut down, as its power button would (ACPI). It does not wait.
pub fn asked_to_stop(guest: &str) -> Call {
    virsh(["shutdown", guest])
}

/// The call that waits until a guest is off, for so many seconds.
pub fn off_within(guest: &str, seconds: u64) -> Call {
    let wait = Call::new("nw_await").args([seconds.to_string(), format!("the end of {guest}")]);
    let shows = Call::new("nw_shows").arg("^shut off$");
    wait.then(&shows).then(&state(guest))
}

/// The call that says a guest's state.
pub fn state(guest: &str) -> Call {
    virsh(["domstate", guest])
}

/// The call that puts a person on a guest's serial console.
pub fn console(guest: &str) -> Call {
    Call::new("virsh").args(["-c", URI, "console", guest])
}

/// The call that says where a guest's screen is served, as VNC counts it: `127.0.0.1:0`, or `:0`.
pub fn screen(guest: &str) -> Call {
    virsh(["vncdisplay", guest])
}

/// The port of a screen that [`screen`] named, on the loopback address of its node.
pub fn screen_port(display: &str) -> Option<u16> {
    let (host, number) = display.trim().rsplit_once(':')?;
    let own = ["", "127.0.0.1", "localhost"].contains(&host);
    let number: u16 = number.parse().ok().filter(|_| own)?;
    number.checked_add(5900)
}

/// The call that takes the power off a guest.
pub fn cut(guest: &str) -> Call {
    virsh(["destroy", guest])
}

#[cfg(test)]
mod tests {
    use super::screen_port;

    #[test]
    fn a_screen_has_a_port_on_loopback_alone() {
        let ports = [
            ":0",
            "127.0.0.1:2\n\n",
            "localhost:7",
            "192.0.2.5:0",
            "",
            "error: x",
            ":60000",
        ];
        let ports = ports.map(screen_port);
        assert_eq!(
            ports,
            [Some(5900), Some(5902), Some(5907), None, None, None, None]
        );
    }
}
