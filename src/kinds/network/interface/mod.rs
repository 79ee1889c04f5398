//! Network interfaces: the files that describe them, and the running devices.
//!
//! Facts: docs/facts/network.md#mtu, docs/facts/network.md#routes, docs/facts/network.md#a-running-clusters-links.
//!
//! The running side is compared with the kernel, never with the files, so a file that describes the present state
//! interrupts no traffic. A running device takes each change that it can; it is taken down only for one that it cannot
//! take, and the plan then names the devices on top of it. Devices are taken down from the top and started from the
//! bottom.

mod compare;
mod devices;
mod seen;
mod want;

use crate::kind::{
    Answer, Attributes, Circumstances, CutsOff, Delta, Depends, Edit, EditChange, Files, Guarding,
    Kind, Observe, Orphans, Retire, Running, Runs, Target, Verdict,
};
use crate::platform::NetworkStyle;
use crate::sh::Call;
use crate::shell::{FILES, KERNEL, SERVICE, Shell};
use crate::text::Text;

use compare::{Cost, Differences};
pub use seen::Seen;
use want::Sort;
pub use want::Want;

/// `interface = "bond0"` with its `type`.
pub struct InterfaceKind;

/// The file that ifupdown starts reading with.
const INTERFACES: &str = "/etc/network/interfaces";

/// The file of the form before keyfiles, which NetworkManager reads too.
fn old_ifcfg(interface: &str) -> String {
    format!("/etc/sysconfig/network-scripts/ifcfg-{interface}")
}

impl Kind for InterfaceKind {
    const NAME: &'static str = "interface";
    const DOC: &'static str = "Network interfaces: cards, bonds, VLANs, bridges and a serial line, in their files and at work. Only differences are changed, and the plan shows what they interrupt; an interface that carries a running cluster is left alone.";
    // STYLE is the system that starts them at boot: ifcfg (start scripts of EL6 and EL7), keyfile (NetworkManager),
    // ifupdown. The guard notes the kernel's state in words that restore it, whichever program had set it.
    const SHELL: Shell = Shell::new(include_str!("back.sh")).needing(&[
        FILES,
        KERNEL,
        SERVICE,
        Shell::new(include_str!("interface.sh")),
    ]);
    const ORPHANS: Orphans = Orphans {
        stays_because: Self::stays_because,
        retire: Self::retire,
        after_removal: Self::after_removal,
        ..Orphans::removed(
            "taken down, and its files removed while they are as they were written; a bridge that guests are connected to, \
         and everything where no step describes interfaces, stays",
        )
    };
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        compare_written: Some(Self::compare_written),
        together: true,
        title: Some(Self::title),
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.interface.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        want.validate()
    }

    fn files(want: &Want, target: &Target) -> Files {
        Files {
            edits: Self::edits(want, target),
            writes: Self::writes(want, target),
            ..Files::default()
        }
    }

    fn depends(want: &Want, _target: &Target) -> Depends {
        Depends {
            paths: want.files.iter().map(|f| f.path.clone()).collect(),
        }
    }

    fn guard(want: &Want, target: &Target) -> Guarding {
        Guarding {
            cuts_off: CutsOff::Always,
            note: Self::note(want, target),
            undo: Self::undo(want, target),
            ..Guarding::default()
        }
    }
}

impl InterfaceKind {
    fn edits(want: &Want, target: &Target) -> Vec<Edit> {
        let plain = |path: String, change: EditChange| Edit {
            path,
            change,
            attributes: Attributes::default(),
        };
        let mut edits: Vec<Edit> = want
            .files
            .iter()
            .map(|file| Edit {
                path: file.path.clone(),
                change: EditChange::Whole {
                    content: file.content.clone(),
                    check: None,
                    once: false,
                },
                attributes: Attributes {
                    owner: Some("root".into()),
                    group: Some("root".into()),
                    mode: Some(file.mode.clone().unwrap_or_else(|| "0644".into())),
                },
            })
            .collect();
        match target.platform.network() {
            _ if want.sort == Sort::Ppp => {}
            NetworkStyle::Ifcfg => {}
            NetworkStyle::Keyfile => {
                edits.push(plain(old_ifcfg(&want.interface), EditChange::Absent));
            }
            NetworkStyle::Ifupdown => {
                edits.push(plain(
                    INTERFACES.into(),
                    EditChange::Only {
                        line: Some(Text::plain("source /etc/network/interfaces.d/*")),
                        matches: r"^\s*source(-directory)?\s+/etc/network/interfaces\.d(/\*?)?\s*$"
                            .into(),
                    },
                ));
                edits.push(plain(
                    INTERFACES.into(),
                    EditChange::NoStanza {
                        interface: want.interface.clone(),
                    },
                ));
            }
        }
        edits
    }

    fn observe(wants: &[&Want], target: &Target, observe: &mut Observe) {
        let style = target.platform.network();
        let ip = |words: &[&str]| Call::new("ip").args(words.iter().copied());
        observe.section(seen::DEVICES, devices::query());
        observe.section(seen::ADDRESSES, ip(&["-o", "addr"]));
        observe.section(seen::ROUTES, ip(&["-4", "route"]));
        observe.section(seen::ROUTES6, ip(&["-6", "route"]));
        observe.section(seen::FILES, devices::query_files(style));
        if style == NetworkStyle::Keyfile {
            let fields = ["-t", "-f", "DEVICE,UUID", "connection", "show", "--active"];
            observe.section(seen::PROFILES, Call::new("nmcli").args(fields));
        } else {
            let clients = ["-C", "dhclient", "-o", "args="];
            observe.section(seen::DHCP, Call::new("ps").args(clients));
        }
        if wants.iter().any(|w| w.sort == Sort::Ppp) {
            let daemons = ["-C", "pppd", "-o", "args="];
            observe.section(seen::PPP, Call::new("ps").args(daemons));
            let boot = [
                "/etc/systemd/system/multi-user.target.wants/ppp-serial.service",
                "/etc/init/ppp-serial.conf",
                "/etc/rc2.d/S[0-9][0-9]ppp-serial",
            ];
            observe.section(seen::BOOT, Call::new("nw_names").args(boot));
        }
        if wants.iter().any(|w| !w.carries.is_empty()) {
            let daemons = ["-x", "corosync|aisexec"];
            observe.section(seen::CLUSTER, Call::new("pgrep").args(daemons));
        }
        if wants.iter().any(|w| w.carries_mirrors()) {
            observe.slow_section(seen::MIRRORS, Call::new("nw_interface_mirrors"));
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        Seen::read(want, answer)
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        compare::judge(want, seen, circumstances.target)
    }

    /// NetworkManager has to read a changed profile again, pppd its words; else a file is what the next boot reads.
    fn compare_written(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let verdict = Self::compare(want, seen, circumstances);
        let again = |what: &str| Delta::new(what, "as it was", "as it is written");
        match verdict {
            Verdict::Same if want.sort == Sort::Ppp => Verdict::Change(vec![
                again("pppd"),
                Delta::new("interrupts", "", want.interrupted(seen)),
            ]),
            Verdict::Same if circumstances.target.platform.network() == NetworkStyle::Keyfile => {
                Verdict::Change(vec![again("profile")])
            }
            other => other,
        }
    }

    fn writes(want: &Want, target: &Target) -> Vec<String> {
        // Whether it is started at boot.
        let link = "/etc/systemd/system/multi-user.target.wants/ppp-serial.service";
        let line = want.sort == Sort::Ppp && target.platform.has_systemd();
        line.then(|| link.to_owned()).into_iter().collect()
    }

    fn note(want: &Want, target: &Target) -> Vec<Call> {
        if want.sort == Sort::Ppp {
            return vec![Call::new("nw_interface_serial_note")];
        }
        let above = want.above.iter().map(|u| u.name.clone());
        let note = Call::new("nw_interface_note").arg(target.platform.network().word());
        vec![note.arg(&want.interface).args(above)]
    }

    fn undo(want: &Want, target: &Target) -> Vec<Call> {
        if want.sort == Sort::Ppp {
            return vec![Call::new("nw_interface_serial_undo")];
        }
        vec![Call::new("nw_interface_undo").arg(target.platform.network().word())]
    }

    fn stays_because(name: &str, answer: &Answer) -> Option<String> {
        if answer.get(seen::DEVICES).is_none() {
            return Some("no step describes interfaces, so it stays as it is".to_owned());
        }
        let devices = answer.text(seen::DEVICES);
        let guests = seen::guests(name, &devices);
        (!guests.is_empty()).then(|| format!("guests are connected to it: {}", guests.join(", ")))
    }

    fn retire(name: &str, target: &Target) -> Retire {
        let style = target.platform.network().word();
        let call = |function: &'static str| Call::new(function).arg(style);
        if name.starts_with("ppp") {
            return Retire {
                note: vec![Call::new("nw_interface_serial_note")],
                calls: vec![Call::new("nw_interface_serial_off")],
                undo: vec![Call::new("nw_interface_serial_undo")],
            };
        }
        Retire {
            note: vec![call("nw_interface_note").arg(name)],
            calls: vec![call("nw_interface_away").arg(name)],
            undo: vec![call("nw_interface_undo")],
        }
    }

    fn after_removal(target: &Target) -> Vec<Call> {
        let mut calls = Vec::new();
        if target.platform.network() == NetworkStyle::Keyfile {
            calls.push(Call::new("nmcli").args(["connection", "reload"]));
        }
        if target.platform.has_systemd() {
            calls.push(Call::new("systemctl").arg("daemon-reload"));
        }
        calls
    }

    /// Starts it as the boot would do it.
    fn start(want: &Want, style: NetworkStyle, uuid: &str) -> Vec<Call> {
        let there = |device: &String| Call::new("nw_interface_there").arg(device);
        let up = Call::new("ifup").arg(&want.interface);
        match style {
            NetworkStyle::Keyfile => {
                let up = Call::new("nmcli").args(["-w", "60", "connection", "up"]);
                vec![up.args(["uuid", uuid])]
            }
            NetworkStyle::Ifupdown => {
                let state = |device: &String, word: &str| {
                    Call::new("nw_interface_state").args([device.as_str(), word])
                };
                let parent = want.parent.iter().filter(|_| want.sort == Sort::Vlan);
                let mut calls: Vec<Call> = parent
                    .map(|parent| there(parent).then(&state(parent, "yes")))
                    .collect();
                calls.extend([state(&want.interface, "no"), up]);
                calls
            }
            NetworkStyle::Ifcfg => {
                let ports = want.ports.iter().filter(|_| want.sort == Sort::Bridge);
                let mut calls: Vec<Call> =
                    ports.map(|port| there(port).args(["ifup", port])).collect();
                calls.push(up);
                calls
            }
        }
    }

    fn title(names: &str, deltas: &[Delta]) -> String {
        let mut hit: Vec<&str> = Vec::new();
        let reported = deltas
            .iter()
            .filter(|d| d.what.split(' ').next_back() == Some("interrupts"));
        for name in reported.flat_map(|d| d.to.split(", ")) {
            if !hit.contains(&name) {
                hit.push(name);
            }
        }
        if hit.is_empty() {
            format!("set up {names}")
        } else {
            format!("set up {names}; interrupts {}", hit.join(", "))
        }
    }

    fn actions(wants: &[(&Want, &Seen)], circumstances: &Circumstances<'_>) -> Vec<Call> {
        let style = circumstances.target.platform.network();
        let mut all = Vec::new();
        for (want, seen) in wants.iter().filter(|(w, _)| w.sort != Sort::Ppp) {
            let differences = Differences::of(want, seen, style);
            let recreate = !seen.present || differences.cost() == Cost::Recreate;
            all.push((*want, *seen, differences, recreate));
        }
        let mut calls = Vec::new();
        if !all.is_empty() && style == NetworkStyle::Keyfile {
            calls.push(Call::new("nmcli").args(["connection", "reload"]));
        }
        for (want, seen, _, recreate) in all.iter().rev() {
            if *recreate && seen.present {
                let above: Vec<_> = want.above.iter().map(|u| u.name.clone()).collect();
                if !above.is_empty() {
                    calls.push(Call::new("nw_interface_keep").args(above));
                }
                // NetworkManager takes it down itself.
                if style != NetworkStyle::Keyfile {
                    let drop = Call::new("nw_interface_drop");
                    calls.push(drop.args([want.sort.word(), &want.interface]));
                }
            }
        }
        for (want, _, differences, recreate) in &all {
            let uuid = want.uuid.clone().unwrap_or_default();
            if *recreate || style == NetworkStyle::Keyfile && differences.has("master") {
                calls.extend(Self::start(want, style, &uuid));
                continue;
            }
            let mends: Vec<Call> = differences
                .list
                .iter()
                .filter_map(|d| d.call.clone())
                .collect();
            if style == NetworkStyle::Keyfile && !mends.is_empty() {
                calls.push(Call::new("nw_interface_reapply").args([&want.interface, &uuid]));
            }
            calls.extend(mends);
        }
        if style != NetworkStyle::Keyfile {
            for (want, _, differences, recreate) in &all {
                if let Some(master) = want.master.as_ref()
                    && (*recreate || differences.has("master"))
                {
                    calls.push(Call::new("nw_interface_join").args([&want.interface, master]));
                }
            }
        }
        if !all.is_empty() {
            calls.push(Call::new("nw_interface_end"));
        }
        if wants.iter().any(|(w, _)| w.sort == Sort::Ppp) {
            calls.push(Call::new("nw_interface_serial"));
        }
        calls
    }
}

#[cfg(test)]
mod tests;
