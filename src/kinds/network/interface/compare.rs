//! The differences of an interface, the cost of each, and the call that mends it.

use super::seen::{Seen, whole};
use super::want::{BondWant, Sort, Want};
use crate::kind::{Delta, Target, Verdict};
use crate::platform::NetworkStyle;
use crate::sh::Call;
use std::net::IpAddr;

/// The effect of a change on the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    /// The traffic is not affected.
    Free,
    /// It may go another way, or there is more of it.
    Change,
    /// It stops for a moment, while the device stays.
    Moment,
    /// The device is taken down and started anew.
    Recreate,
}

/// One difference.
#[derive(Clone, Debug)]
pub(super) struct InterfaceChange {
    /// The difference that is shown; none for one that is changed along with another.
    pub(super) delta: Option<Delta>,
    pub(super) cost: Cost,
    /// The call that changes it on a device that stays.
    pub(super) call: Option<Call>,
}

/// Everything in which one differs, and what it costs at most.
#[derive(Clone, Debug, Default)]
pub(super) struct Differences {
    pub(super) list: Vec<InterfaceChange>,
}

impl Differences {
    /// The highest cost of all.
    pub(super) fn cost(&self) -> Cost {
        self.list.iter().map(|d| d.cost).max().unwrap_or(Cost::Free)
    }

    fn add(&mut self, delta: Delta, cost: Cost, call: Option<Call>) {
        let delta = Some(delta);
        self.list.push(InterfaceChange { delta, cost, call });
    }

    /// Changed along with the others, and shown by them.
    fn silently(&mut self, call: Call) {
        self.list.push(InterfaceChange {
            delta: None,
            cost: Cost::Free,
            call: Some(call),
        });
    }

    /// The differences that are shown.
    fn reported(&self) -> impl Iterator<Item = &Delta> {
        self.list.iter().filter_map(|d| d.delta.as_ref())
    }

    /// Whether it has this point.
    pub(super) fn has(&self, what: &str) -> bool {
        self.reported().any(|d| d.what == what)
    }

    /// The differences of a device that is there.
    pub(super) fn of(want: &Want, seen: &Seen, style: NetworkStyle) -> Self {
        let mut all = Self::default();
        let name = want.interface.as_str();
        let link = || Call::new("ip").args(["link", "set", "dev", name]);
        if !seen.present {
            let delta = Delta::new("device", "", want.sort.word());
            all.add(delta, Cost::Change, None);
            return all;
        }
        if style == NetworkStyle::Keyfile && want.uuid.is_some() && seen.profile != want.uuid {
            let other = seen.profile.clone().unwrap_or_else(|| "none".into());
            all.add(Delta::new("profile", other, "ours"), Cost::Recreate, None);
        }
        if want.sort == Sort::Vlan && (seen.vlan, &seen.parent) != (want.vlan, &want.parent) {
            let text = |vlan: Option<u16>, parent: &Option<String>| {
                let parent = parent.as_deref().unwrap_or("nothing");
                format!("{} on {parent}", vlan.unwrap_or_default())
            };
            let delta = Delta::new(
                "vlan",
                text(seen.vlan, &seen.parent),
                text(want.vlan, &want.parent),
            );
            all.add(delta, Cost::Recreate, None);
        }
        if let Some(bond) = &want.bond {
            all.bond(name, bond, seen);
            for port in seen.ports.iter().filter(|p| !want.ports.contains(p)) {
                let part = Call::new("nw_interface_part").arg(port);
                all.add(Delta::new("port", port, ""), Cost::Moment, Some(part));
            }
        }
        if want.sort == Sort::Bridge && seen.options.get("stp").is_some_and(|v| v != "0") {
            let delta = Delta::new("stp", "on", "off");
            let mend = set(name, "bridge/stp_state", "0");
            all.add(delta, Cost::Change, Some(mend));
        }
        if seen.master != want.master {
            let from = seen.master.clone().unwrap_or_default();
            let to = want.master.clone().unwrap_or_default();
            let part = Call::new("nw_interface_part").arg(name);
            let part = want.master.is_none().then_some(part);
            all.add(Delta::new("master", from, to), Cost::Moment, part);
        }
        if let Some(mtu) = want.mtu.filter(|mtu| *mtu != seen.mtu) {
            // A card resets its link; VLANs and bridges only count differently.
            let card = matches!(want.sort, Sort::Ethernet | Sort::Bond);
            let cost = if card { Cost::Moment } else { Cost::Change };
            let mend = link().args(["mtu", &mtu.to_string()]);
            let delta = Delta::new("mtu", seen.mtu.to_string(), mtu.to_string());
            all.add(delta, cost, Some(mend));
        }
        if !seen.up {
            let delta = Delta::new("link", "off", "on");
            all.add(delta, Cost::Free, Some(link().arg("up")));
        }
        all.addresses(want, seen);
        all.routes(want, seen);
        all
    }

    fn bond(&mut self, name: &str, bond: &BondWant, seen: &Seen) {
        let found = |option: &str| -> String {
            let value = seen.options.get(option).map_or("", String::as_str);
            let value = if option == "arp_ip_target" {
                value
            } else {
                // Words and their numbers: `active-backup 1`.
                value.split(' ').next().unwrap_or_default()
            };
            value.to_owned()
        };
        let targets: Vec<String> = bond.arp_targets.iter().map(ToString::to_string).collect();
        let number = |n: u32| Some(n.to_string());
        // Options that a bond takes only while it is down and has no cards (docs/facts/network.md#bonds).
        let down = [
            ("mode", Some(bond.mode.clone())),
            ("lacp_rate", bond.lacp_rate.clone()),
            ("xmit_hash_policy", bond.hash.clone()),
            ("arp_interval", number(bond.arp_interval)),
            (
                "arp_ip_target",
                (!targets.is_empty()).then(|| targets.join(" ")),
            ),
        ];
        for (option, wanted) in down {
            let found = found(option);
            if let Some(wanted) = wanted.filter(|w| *w != found) {
                self.add(Delta::new(option, found, wanted), Cost::Recreate, None);
            }
        }
        let live = [
            ("miimon", number(bond.miimon)),
            ("downdelay", number(bond.downdelay)),
            ("updelay", number(bond.updelay)),
            ("primary", bond.primary.clone()),
            ("primary_reselect", bond.reselect.clone()),
        ];
        for (option, wanted) in live {
            let found = found(option);
            if let Some(wanted) = wanted.filter(|w| *w != found) {
                let mend = set(name, &format!("bonding/{option}"), &wanted);
                self.add(Delta::new(option, found, wanted), Cost::Free, Some(mend));
            }
        }
    }

    fn addresses(&mut self, want: &Want, seen: &Seen) {
        let name = want.interface.as_str();
        if seen.dhcp != want.dhcp && (seen.dhcp || seen.lent || seen.addresses.is_empty()) {
            let word = |on: bool| if on { "yes" } else { "no" };
            let delta = Delta::new("dhcp", word(seen.dhcp), word(want.dhcp));
            self.add(delta, Cost::Recreate, None);
            return;
        }
        if want.dhcp {
            if !seen.addresses.iter().any(|a| !a.contains(':')) {
                self.add(
                    Delta::new("address", "none", "by DHCP"),
                    Cost::Recreate,
                    None,
                );
            }
            return;
        }
        let wanted: Vec<String> = want.nets().map(|n| n.to_string()).collect();
        // A port has no address at all; addresses that others added to our device (a cluster's) are left alone.
        let port = want.master.is_some();
        let same_host = |a: &String| {
            let host = |t: &str| t.split('/').next().unwrap_or(t).to_owned();
            wanted.iter().any(|w| host(w) == host(a))
        };
        let old = seen.addresses.iter().filter(|a| !wanted.contains(a));
        let old: Vec<&String> = old
            .filter(|a| port || same_host(a) || seen.is_known(a))
            .collect();
        for address in &old {
            let mend = Call::new("nw_interface_no_address").args([name, address]);
            let delta = Delta::new("address", address.as_str(), "");
            self.add(delta, Cost::Moment, Some(mend));
        }
        let missing = |a: &String| !seen.addresses.contains(a);
        for address in wanted.iter().filter(|a| missing(a)) {
            self.add(Delta::new("address", "", address), Cost::Change, None);
        }
        // The kernel removes the other addresses of a network along with its first one: all are compared again.
        if !old.is_empty() || wanted.iter().any(missing) {
            for address in &wanted {
                self.silently(Call::new("nw_interface_address").args([name, address]));
            }
        }
    }

    fn routes(&mut self, want: &Want, seen: &Seen) {
        let name = want.interface.as_str();
        if want.master.is_some() {
            return;
        }
        let route = |verb: &str, to: &str, via: &str| {
            let family = if via.contains(':') { "-6" } else { "-4" };
            Call::new("ip").args([family, "route", verb, to, "via", via, "dev", name])
        };
        let gateway = want.gateway.map(|g| g.to_string());
        let lost = self.has("address");
        for via in &seen.gateways {
            if Some(via) != gateway.as_ref() && !want.dhcp {
                let mend = route("del", "default", via);
                self.add(Delta::new("gateway", via, ""), Cost::Change, Some(mend));
            }
        }
        if let Some(via) = gateway {
            let mend = route("replace", "default", &via);
            if !seen.gateways.contains(&via) {
                self.add(Delta::new("gateway", "", via), Cost::Change, Some(mend));
            } else if lost {
                self.silently(mend);
            }
        }
        let wanted = want.routes.iter();
        let wanted: Vec<(String, IpAddr)> = wanted.map(|r| (whole(&r.to), r.via)).collect();
        let lines: Vec<String> = wanted
            .iter()
            .map(|(to, via)| format!("{to} via {via}"))
            .collect();
        for line in seen.routes.iter().filter(|line| !lines.contains(line)) {
            let Some((to, via)) = line.split_once(" via ") else {
                continue;
            };
            if seen.is_known(to) {
                let mend = route("del", to, via);
                self.add(Delta::new("route", line, ""), Cost::Change, Some(mend));
            }
        }
        for ((to, via), line) in wanted.iter().zip(lines) {
            let mend = route("replace", to, &via.to_string());
            if !seen.routes.contains(&line) {
                self.add(Delta::new("route", "", line), Cost::Change, Some(mend));
            } else if lost {
                self.silently(mend);
            }
        }
    }
}

/// The verdict on one.
pub(super) fn judge(want: &Want, seen: &Seen, target: &Target) -> Verdict {
    let name = want.interface.as_str();
    if want.sort == Sort::Ppp {
        return serial(want, seen);
    }
    if let Some(finding) = card(want, seen, target) {
        return finding;
    }
    if seen.present && !want.sort.is(seen) {
        let what = format!(
            "{name} is of type {} on this node, and of type {} in the site",
            seen.sort,
            want.sort.word()
        );
        return Verdict::refuse(what, &target.node);
    }
    if !seen.elsewhere.is_empty() {
        return Verdict::Finding {
            what: format!(
                "{} describes {name} too: which one holds after a boot is luck",
                seen.elsewhere.join(" and ")
            ),
            remedy: format!("remove it there, then run again on {}", target.node),
        };
    }
    let all = Differences::of(want, seen, target.platform.network());
    let mut deltas: Vec<Delta> = all.reported().cloned().collect();
    if deltas.is_empty() {
        return Verdict::Same;
    }
    if all.cost() > Cost::Free
        && let Some((what, instead)) = in_use(want, seen)
    {
        let points: Vec<&str> = deltas.iter().map(|d| d.what.as_str()).collect();
        let points = points.join(", ");
        let name = want.called();
        let what = format!("{name} carries the {what}, and differs in {points}: {instead}");
        return Verdict::refuse(what, &target.node);
    }
    if seen.up && all.cost() >= Cost::Moment {
        deltas.push(Delta::new("interrupts", "", want.interrupted(seen)));
    }
    Verdict::Change(deltas)
}

/// The traffic of the cluster over an interface at this moment, and when the interface is changed instead.
fn in_use(want: &Want, seen: &Seen) -> Option<(String, &'static str)> {
    if seen.member && !want.carries.is_empty() {
        let carried = want.carries.join(" and the ");
        return Some((
            format!("{carried} of a cluster that runs on this node"),
            "to change it takes the node out of the cluster, and its peer would fence it. It is changed while the node \
             is out of the cluster",
        ));
    }
    if !want.carries_mirrors() {
        return None;
    }
    let apart = "to change it tears them from the peer. It is changed while they are not connected";
    match &seen.mirrors {
        None => Some((
            "mirrors, and DRBD does not show whether they are connected".to_owned(),
            apart,
        )),
        Some(names) if names.is_empty() => None,
        Some(names) => Some((format!("mirrors (connected: {})", names.join(", ")), apart)),
    }
}

/// A card that is not there, or is another one.
fn card(want: &Want, seen: &Seen, target: &Target) -> Option<Verdict> {
    let name = want.interface.as_str();
    if want.sort != Sort::Ethernet {
        return None;
    }
    let wanted = want.mac.as_ref().map(|m| m.to_ascii_lowercase());
    let what = match (&wanted, seen.present) {
        (Some(mac), true) if *mac != seen.mac => {
            format!(
                "{name} has the MAC address {}, and {mac} in the site",
                seen.mac
            )
        }
        (_, false) => format!("there is no card {name}"),
        _ => return None,
    };
    let (what, remedy) = match &seen.called {
        Some(other) if other != name => (
            format!(
                "{what}; the card with {} is called {other}",
                wanted.unwrap_or_default()
            ),
            format!("a boot of {} gives it its name", target.node),
        ),
        _ => (
            what,
            format!("`nodewright facts {}` lists its cards", target.node),
        ),
    };
    Some(Verdict::Finding { what, remedy })
}

/// A serial line: its daemon was started with what the site declares, and is at every boot. Whether the other end
/// answers is a check's question.
fn serial(want: &Want, seen: &Seen) -> Verdict {
    let mut deltas = Vec::new();
    if !seen.at_boot {
        deltas.push(Delta::new("enabled", "no", "yes"));
    }
    let mark = want.serial.as_ref().map(|s| s.mark.clone());
    if seen.mark.is_none() {
        deltas.push(Delta::new("running", "no", "yes"));
    } else if seen.mark != mark {
        deltas.push(Delta::new(
            "pppd",
            "started with other words",
            "as rendered",
        ));
        deltas.push(Delta::new("interrupts", "", want.interrupted(seen)));
    }
    if deltas.is_empty() {
        Verdict::Same
    } else {
        Verdict::Change(deltas)
    }
}

/// Sets an option that a device at work takes.
fn set(device: &str, option: &str, value: &str) -> Call {
    Call::new("nw_kernel_set")
        .arg(format!("/sys/class/net/{device}/{option}"))
        .arg(value)
}
