//! Shorewall's own state and the kernel's rules: whether a firewall was cleared by hand
//! (docs/facts/firewall.md#state-of-the-firewall).

use crate::kind::{
    Answer, Circumstances, CutsOff, Delta, Guarding, Kind, Observe, Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::Shell;
use ipnet::IpNet;
use std::net::IpAddr;

/// `packet_filter = "ipv4"`.
pub struct PacketFilterKind;

/// The keys of a step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Which of the kernel's: `ipv4` or `ipv6`.
    packet_filter: AddressFamily,
    /// The version that the site declares: `5.2`. One that begins otherwise is a finding.
    version: Option<String>,
    /// The addresses and networks that reach sshd without knocking. Where there are some, a run that comes from elsewhere
    /// is a finding, unless it knocks.
    #[serde(default)]
    admits: Vec<String>,
    /// Whether others get in by knocking.
    #[serde(default)]
    knock: bool,
}

/// One of the kernel's filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum AddressFamily {
    /// That of IPv4.
    Ipv4,
    /// That of IPv6.
    Ipv6,
}

/// Its state.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Seen {
    /// Shorewall's version; empty where it is not installed.
    version: String,
    /// Its state in its own words: `Started`, `Stopped`, `Cleared`; empty where it never ran.
    state: String,
    /// The kernel's policy for what comes in: `DROP`, `ACCEPT`.
    input: String,
    /// The kernel's policy for what is passed on.
    forward: String,
    /// How many rules the kernel has.
    rules: u32,
    /// The address that the run comes from, where the node knows it.
    client: Option<IpAddr>,
}

impl AddressFamily {
    fn word(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }

    /// Shorewall's program and iptables' for it.
    fn programs(self) -> [&'static str; 2] {
        match self {
            Self::Ipv4 => ["shorewall", "iptables"],
            Self::Ipv6 => ["shorewall6", "ip6tables"],
        }
    }

    /// Whether it is this one that an address has to pass.
    fn passes(self, ip: IpAddr) -> bool {
        ip.is_ipv4() == (self == Self::Ipv4)
    }

    fn section(self) -> String {
        format!("{}.{}", PacketFilterKind::NAME, self.word())
    }
}

impl Want {
    /// Whether an address that has to pass this filter reaches sshd, as far as is known.
    fn admits(&self, ip: IpAddr) -> bool {
        let has = |text: &String| net(text).is_some_and(|net| net.contains(&ip));
        self.knock || self.admits.is_empty() || self.admits.iter().any(has)
    }
}

/// A network, or an address as one.
fn net(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.ok().or_else(|| text.parse().ok())
}

impl Kind for PacketFilterKind {
    const NAME: &'static str = "packet_filter";
    const DOC: &'static str = "A running Shorewall: a firewall that was cleared or stopped by hand is started again. A service starts it for the \
         first time.";
    const SHELL: Shell = Shell::new(include_str!("packet_filter.sh"));
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.packet_filter.word().to_owned()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        match want.admits.iter().find(|text| net(text).is_none()) {
            Some(text) => Err(format!(
                "`admits`: `{}` is neither an address nor a network",
                text.escape_debug()
            )),
            None => Ok(()),
        }
    }

    fn guard(want: &Want, _target: &Target) -> Guarding {
        let [program, _] = want.packet_filter.programs();
        Guarding {
            cuts_off: CutsOff::Always,
            note: vec![Call::new("nw_packet_filter_note").arg(program)],
            undo: vec![Call::new("nw_packet_filter_undo").arg(program)],
            ..Guarding::default()
        }
    }
}

impl PacketFilterKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        for family in [AddressFamily::Ipv4, AddressFamily::Ipv6] {
            if wants.iter().any(|w| w.packet_filter == family) {
                let call = Call::new("nw_packet_filter_seen").args(family.programs());
                observe.section(family.section(), call);
            }
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer.get(&want.packet_filter.section());
        let text = section.ok_or("the packet filter was not observed")?.text();
        let value = |key: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(key));
            line.unwrap_or_default().trim()
        };
        let first = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        Ok(Seen {
            version: value("version ").to_owned(),
            state: first(value("state ")),
            input: value("-P INPUT ").to_owned(),
            forward: value("-P FORWARD ").to_owned(),
            rules: value("rules ").parse().unwrap_or(0),
            client: value("client ").parse().ok(),
        })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let begins = |declared: &str| {
            let rest = seen.version.strip_prefix(declared);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        match &want.version {
            Some(declared) if !seen.version.is_empty() && !begins(declared) => Verdict::Finding {
                what: format!(
                    "Shorewall {} is installed, and the site declares {declared}: the syntax of its files may differ",
                    seen.version
                ),
                remedy: format!(
                    "write `shorewall = \"{}\"` into [versions]",
                    two(&seen.version)
                ),
            },
            _ if seen.state.starts_with("Clear") || seen.state.starts_with("Stop") => {
                Verdict::Change(vec![Delta::new("state", &seen.state, "Started")])
            }
            _ => match seen.client {
                Some(ip) if want.packet_filter.passes(ip) && !want.admits(ip) => Verdict::Finding {
                    what: format!(
                        "this run comes from {ip}, and the firewall lets no new connection in from there"
                    ),
                    remedy: "write it into `[firewall] operators`, or describe a knock: otherwise the guard rolls back whatever locks this run out"
                        .to_owned(),
                },
                _ => Verdict::Same,
            },
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().map(|(want, _)| {
            let [program, _] = want.packet_filter.programs();
            Call::new("nw_packet_filter").arg(program)
        });
        calls.collect()
    }
}

/// The first two numbers of a version.
fn two(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::super::super::kind_named;
    use super::super::super::testing::{compare, queries, target};
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;
    use std::sync::Arc;

    // Captured: shorewall 5.2.8 and iptables 1.8.9 on Debian 12, the date shortened.
    const STARTED: &str = "version 5.2.8\nstate Started Sat Nov 21 04:43:45 UTC 2026 from /etc/shorewall/ (compiled)\n\
        -P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT DROP\nrules 214\n";
    const CLEARED: &str = "version 5.2.8\nstate Cleared Sat Nov 21 04:50:00 UTC 2026\n-P INPUT ACCEPT\n\
        -P FORWARD ACCEPT\n-P OUTPUT ACCEPT\nrules 0\n";

    fn judged(version: &str, answer: &str) -> (Verdict, serde_json::Value) {
        judged_of(
            &json!({ "packet_filter": "ipv4", "version": version }),
            answer,
        )
    }

    fn judged_of(step: &serde_json::Value, answer: &str) -> (Verdict, serde_json::Value) {
        let kind = kind_named("packet_filter").unwrap();
        let step = step.as_object().unwrap().clone();
        let node = target(Platform::Debian12);
        let read = kind.read("r", step, &Arc::default(), &node).unwrap();
        let answer = Answer::from_sections([("packet_filter.ipv4", answer, 0)]);
        let compared = compare(&read[0], &node, &answer, false).unwrap();
        (compared.verdict, compared.seen)
    }

    #[test]
    fn each_family_asks_its_own_programs() {
        let step = json!({ "packet_filter": "ipv6" });
        assert_eq!(
            queries(&step, Platform::El6),
            ["packet_filter.ipv6: nw_packet_filter_seen shorewall6 ip6tables"]
        );
    }

    #[test]
    fn a_firewall_that_runs_is_as_wanted() {
        let (verdict, seen) = judged("5.2", STARTED);
        assert_eq!(verdict, Verdict::Same);
        assert_eq!(
            seen,
            json!({ "version": "5.2.8", "state": "Started", "input": "DROP", "forward": "DROP", "rules": 214, "client": null })
        );
        // Before the package is there.
        assert_eq!(judged("5.2", "version \nstate \n").0, Verdict::Same);
    }

    #[test]
    fn what_was_cleared_by_hand_is_started() {
        let (verdict, _) = judged("5.2", CLEARED);
        let delta = Delta::new("state", "Cleared", "Started");
        assert_eq!(verdict, Verdict::Change(vec![delta]));
    }

    #[test]
    fn a_run_that_the_firewall_would_keep_out_is_a_finding() {
        let admits = json!(["198.51.100.10", "203.0.113.0/28"]);
        let step = |family: &str, knock: bool| json!({ "packet_filter": family, "admits": admits, "knock": knock });
        let judged = |from: &str, step: serde_json::Value| {
            judged_of(&step, &format!("client {from}\n{STARTED}")).0
        };
        for (from, knock) in [
            ("198.51.100.10", false),
            ("203.0.113.14", false),
            ("203.0.113.16", true),
            ("2001:db8::1", false),
            ("", false),
            ("UNKNOWN", false),
        ] {
            assert_eq!(judged(from, step("ipv4", knock)), Verdict::Same, "{from}");
        }
        let Verdict::Finding { what, remedy } = judged("203.0.113.16", step("ipv4", false)) else {
            panic!("nothing was found");
        };
        assert!(what.contains("from 203.0.113.16"), "{what}");
        assert!(remedy.contains("[firewall] operators"), "{remedy}");
    }

    #[test]
    fn another_version_than_declared_is_a_finding() {
        for declared in ["5.1", "5.20", "4.5", "5.2.9"] {
            let Verdict::Finding { what, remedy } = judged(declared, STARTED).0 else {
                panic!("{declared}");
            };
            assert!(what.contains("5.2.8") && what.contains(declared), "{what}");
            assert!(remedy.contains("shorewall = \"5.2\""), "{remedy}");
        }
        for declared in ["5", "5.2", "5.2.8"] {
            assert_eq!(judged(declared, STARTED).0, Verdict::Same, "{declared}");
        }
    }
}
