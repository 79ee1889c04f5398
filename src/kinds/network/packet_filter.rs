//! Whether the kernel has the policies, the rules and the chain that Shorewall made. Shorewall's own status is not
//! enough: it does not notice that its rules were flushed (docs/facts/firewall.md#state-of-the-firewall).

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
    /// The address family: `ipv4` or `ipv6`.
    packet_filter: AddressFamily,
    /// The version that the site declares: `5.2`. One that begins otherwise is a finding.
    version: Option<String>,
    /// The addresses and networks that reach sshd without knocking. Where there are some, a run that comes from
    /// elsewhere is a finding, unless it knocks.
    #[serde(default)]
    admits: Vec<String>,
    /// Whether others get in by knocking.
    #[serde(default)]
    knock: bool,
    /// Whether it also closes the other family altogether.
    #[serde(default)]
    alone: bool,
    /// Whether Shorewall leaves Docker's rules alone (`DOCKER=Yes`).
    #[serde(default)]
    docker: bool,
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
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Shorewall's version; empty where it is not installed.
    version: String,
    /// Its state in its own words: `Started`, `Stopped`, `Cleared`; empty where it never ran.
    state: String,
    /// Whether the kernel has the chain by which Shorewall knows that it runs.
    chain: bool,
    /// The kernel's policy for what comes in: `DROP`, `ACCEPT`.
    input: String,
    /// The kernel's policy for what is passed on.
    forward: String,
    /// The kernel's policy for what goes out.
    output: String,
    /// The number of rules that the kernel has.
    rules: usize,
    /// The kernel's own chains that have no rule, or begin with one that accepts everything.
    open: Vec<String>,
    /// Rules of others, which Shorewall removes when it starts: `nat: -A POSTROUTING -j MASQUERADE`.
    foreign: Vec<String>,
    /// Policies of the other family that do not drop, where it has to be closed.
    other: Vec<String>,
    /// The address that the run comes from, where the node knows it.
    client: Option<IpAddr>,
}

/// The number of foreign rules that are listed one by one.
const TOLD: usize = 40;

/// The chains of the kernel that each packet passes one of.
const BUILT_IN: [&str; 3] = ["INPUT", "FORWARD", "OUTPUT"];

/// The chain that a started Shorewall of either family has (docs/facts/firewall.md#state-of-the-firewall).
const MARK: &str = "-N shorewall";

/// The kernel's rules, as `iptables -S` prints them.
#[derive(Clone, Copy)]
struct KernelRules<'a>(&'a str);

impl<'a> KernelRules<'a> {
    fn policy(self, chain: &str) -> &'a str {
        let policy = |line: &'a str| {
            line.strip_prefix("-P ")?
                .strip_prefix(chain)?
                .strip_prefix(' ')
        };
        self.0.lines().find_map(policy).unwrap_or_default()
    }

    /// Whether the rules of this chain hold nothing up: there is none, or the first accepts everything. (The last one may:
    /// that is a policy of Shorewall's.)
    fn lets_all(self, chain: &str) -> bool {
        let of = format!("-A {chain} ");
        let first = self.0.lines().find_map(|line| line.strip_prefix(&of));
        first.is_none_or(|rule| rule == "-j ACCEPT")
    }
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

    fn other(self) -> Self {
        match self {
            Self::Ipv4 => Self::Ipv6,
            Self::Ipv6 => Self::Ipv4,
        }
    }

    fn section(self) -> String {
        format!("{}.{}", PacketFilterKind::NAME, self.word())
    }

    /// The section with the kernel's rules of this family.
    fn kernel(self) -> String {
        format!("{}.{}-kernel", PacketFilterKind::NAME, self.word())
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
    const DOC: &'static str = "Whether the kernel has what Shorewall made: policies, rules and Shorewall's own chain, whatever Shorewall says of \
         itself. What somebody stopped, cleared, flushed or opened by hand is started again. A service starts it for the first \
         time.";
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
        let call = |name| Call::new(name).args(want.packet_filter.programs());
        Guarding {
            cuts_off: CutsOff::Always,
            note: vec![call("nw_packet_filter_note")],
            undo: vec![call("nw_packet_filter_undo")],
            ..Guarding::default()
        }
    }
}

impl PacketFilterKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        for family in [AddressFamily::Ipv4, AddressFamily::Ipv6] {
            let [program, tables] = family.programs();
            let asked = wants.iter().any(|w| w.packet_filter == family);
            if asked {
                let call = Call::new("nw_packet_filter_seen").arg(program);
                observe.section(family.section(), call);
            }
            if asked
                || wants
                    .iter()
                    .any(|w| w.alone && w.packet_filter.other() == family)
            {
                let call = Call::new("nw_packet_filter_kernel").arg(tables);
                observe.section(family.kernel(), call);
            }
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let family = want.packet_filter;
        let section = answer.get(&family.section());
        let text = section.ok_or("the packet filter was not observed")?.text();
        let value = |key: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(key));
            line.unwrap_or_default().trim()
        };
        let first = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let asked = |family: AddressFamily| {
            let [_, tables] = family.programs();
            let section = answer
                .get(&family.kernel())
                .ok_or("the kernel was not asked for its rules")?;
            match section.status {
                0 => Ok(section.text()),
                status => Err(format!(
                    "{tables} does not tell the kernel's rules (its status: {status})"
                )),
            }
        };
        let asked_kernel = asked(family)?;
        let (kernel, all_tables) = asked_kernel
            .split_once("\n\n")
            .unwrap_or((&asked_kernel, ""));
        let lines = KernelRules(kernel);
        let mut seen = Seen {
            version: value("version ").to_owned(),
            state: first(value("state ")),
            chain: kernel.lines().any(|line| line == MARK),
            input: lines.policy("INPUT").to_owned(),
            forward: lines.policy("FORWARD").to_owned(),
            output: lines.policy("OUTPUT").to_owned(),
            rules: kernel
                .lines()
                .filter(|line| line.starts_with("-A "))
                .count(),
            client: value("client ").parse().ok(),
            ..Seen::default()
        };
        // The output is empty where the kernel has no such family, or the tool is missing.
        if !kernel.is_empty() {
            let open = BUILT_IN.into_iter().filter(|chain| lines.lets_all(chain));
            seen.open = open.map(str::to_owned).collect();
        }
        let stays = |line: &&str| !(want.docker && of_docker(line));
        let mut table = "";
        for line in all_tables.lines().filter(stays) {
            match line.strip_prefix('*') {
                Some(name) => table = name,
                None if !line.starts_with("-A ") => {}
                None if table == "filter" => seen.foreign.push(line.to_owned()),
                None => seen.foreign.push(format!("{table}: {line}")),
            }
        }
        if want.alone {
            let kernel = asked(family.other())?;
            let policy = |chain: &str| KernelRules(&kernel).policy(chain);
            let open = BUILT_IN
                .into_iter()
                .filter(|chain| !matches!(policy(chain), "DROP" | ""));
            seen.other = open.map(str::to_owned).collect();
        }
        Ok(seen)
    }

    /// The rules of others that go, each by name as far as a plan is read.
    fn removed(seen: &Seen) -> Vec<Delta> {
        let gone = |rule: &String| Delta::new("a rule of others", rule, "removed");
        let mut deltas: Vec<Delta> = seen.foreign.iter().take(TOLD).map(gone).collect();
        if let Some(more) = seen.foreign.len().checked_sub(TOLD).filter(|n| *n > 0) {
            deltas.push(Delta::new(
                "rules of others",
                format!("{more} more"),
                "removed",
            ));
        }
        deltas
    }

    /// The points in which the kernel is not as a started Shorewall leaves it.
    fn deltas(want: &Want, seen: &Seen) -> Vec<Delta> {
        let word = want.packet_filter.word();
        let mut deltas = Vec::new();
        if !seen.chain {
            let from = format!("{} rules, none of Shorewall's", seen.rules);
            deltas.push(Delta::new(
                format!("the kernel's {word}"),
                from,
                "Shorewall's rules",
            ));
        } else if !seen.open.is_empty() {
            let open = seen.open.join(", ");
            deltas.push(Delta::new(
                format!("the kernel's {word}"),
                format!("lets all through {open}"),
                "Shorewall's rules",
            ));
        }
        for (chain, policy) in BUILT_IN
            .into_iter()
            .zip([&seen.input, &seen.forward, &seen.output])
        {
            if policy != "DROP" {
                deltas.push(Delta::new(format!("the policy of {chain}"), policy, "DROP"));
            }
        }
        for chain in &seen.other {
            let what = format!(
                "the policy of {chain} for {}",
                want.packet_filter.other().word()
            );
            deltas.push(Delta::new(what, "ACCEPT", "DROP"));
        }
        deltas
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let begins = |declared: &str| {
            let rest = seen.version.strip_prefix(declared);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if let Some(declared) = &want.version
            && !seen.version.is_empty()
            && !begins(declared)
        {
            return Verdict::Finding {
                what: format!(
                    "Shorewall {} is installed, and the site declares {declared}: the syntax of its files may differ",
                    seen.version
                ),
                remedy: format!(
                    "write `shorewall = \"{}\"` into [versions]",
                    two(&seen.version)
                ),
            };
        }
        if seen.state.starts_with("Clear") || seen.state.starts_with("Stop") {
            let mut deltas = vec![Delta::new("state", &seen.state, "Started")];
            deltas.extend(Self::removed(seen));
            return Verdict::Change(deltas);
        }
        // If it never ran and no other rules exist, a service starts it.
        let mut deltas = if seen.state.is_empty() && seen.foreign.is_empty() {
            Vec::new()
        } else {
            Self::deltas(want, seen)
        };
        deltas.extend(Self::removed(seen));
        if !deltas.is_empty() {
            return Verdict::Change(deltas);
        }
        match seen.client {
            Some(ip) if want.packet_filter.passes(ip) && !want.admits(ip) => Verdict::Finding {
                what: format!(
                    "this run comes from {ip}, and the firewall lets no new connection in from there"
                ),
                remedy: "write it into `[firewall] operators`, or describe a knock: otherwise the guard rolls back whatever locks this run out"
                    .to_owned(),
            },
            _ => Verdict::Same,
        }
    }

    /// A Shorewall that finds its chain calls itself started and leaves everything as it is.
    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().map(|(want, seen)| {
            let [program, _] = want.packet_filter.programs();
            let verb = match seen
                .version
                .split('.')
                .next()
                .and_then(|n| n.parse::<u8>().ok())
            {
                _ if !seen.chain => "start",
                Some(0..5) => "restart",
                _ => "reload",
            };
            Call::new(program).arg(verb)
        });
        calls.collect()
    }
}

/// Whether a rule of others is Docker's: of a chain of its own, or of its bridge.
fn of_docker(rule: &str) -> bool {
    let mut words = rule.split(' ');
    words.any(|word| word.starts_with("DOCKER") || word == "docker0")
}

/// The first two numbers of a version.
fn two(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::super::super::kind_named;
    use super::super::super::testing::{actions_on, compare, queries, shown, target};
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;
    use std::sync::Arc;

    // Captured: shorewall 5.2.8 and iptables 1.8.9 on Debian 12, the date and the chains shortened.
    const STARTED: &str = "version 5.2.8\nstate Started Sat Nov 21 04:43:45 UTC 2026 from /etc/shorewall/ (compiled)\n";
    const CLEARED: &str = "version 5.2.8\nstate Cleared Sat Nov 21 04:50:00 UTC 2026\n";
    const FILTERS: &str = "-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT DROP\n-N dynamic\n-N fw-red\n-N red-fw\n-N shorewall\n\
        -A INPUT -i brred -j red-fw\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j DROP\n-A FORWARD -i brred -j red_frwd\n\
        -A FORWARD -j DROP\n-A OUTPUT -o brred -j fw-red\n-A OUTPUT -j ACCEPT\n\n";
    const FLUSHED: &str = "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n\n";

    fn judged(version: &str, said: &str, kernel: &str) -> (Verdict, serde_json::Value) {
        let step = json!({ "packet_filter": "ipv4", "version": version });
        judged_of(&step, said, &[("packet_filter.ipv4-kernel", kernel, 0)]).unwrap()
    }

    fn judged_of(
        step: &serde_json::Value,
        said: &str,
        kernels: &[(&str, &str, i32)],
    ) -> Result<(Verdict, serde_json::Value), String> {
        let kind = kind_named("packet_filter").unwrap();
        let step = step.as_object().unwrap().clone();
        let node = target(Platform::Debian12);
        let read = kind
            .read("r", step.clone(), &Arc::default(), &node)
            .unwrap();
        let family = step["packet_filter"].as_str().unwrap();
        let of = format!("packet_filter.{family}");
        let sections = [(of.as_str(), said, 0)].into_iter();
        let answer = Answer::from_sections(sections.chain(kernels.iter().copied()));
        let compared = compare(&read[0], &node, &answer, false)?;
        Ok((compared.verdict, compared.seen))
    }

    fn what(verdict: &Verdict) -> Vec<String> {
        let Verdict::Change(deltas) = verdict else {
            return Vec::new();
        };
        deltas.iter().map(shown).collect()
    }

    #[test]
    fn each_family_asks_its_own_programs() {
        let step = json!({ "packet_filter": "ipv6" });
        assert_eq!(
            queries(&step, Platform::El6),
            [
                "packet_filter.ipv6: nw_packet_filter_seen shorewall6",
                "packet_filter.ipv6-kernel: nw_packet_filter_kernel ip6tables"
            ]
        );
        let step = json!({ "packet_filter": "ipv4", "alone": true });
        let asked = queries(&step, Platform::El6);
        assert_eq!(asked.len(), 3, "{asked:?}");
        assert!(
            asked.iter().any(|a| a.ends_with("kernel ip6tables")),
            "{asked:?}"
        );
    }

    #[test]
    fn a_firewall_that_runs_is_as_wanted() {
        let (verdict, seen) = judged("5.2", STARTED, FILTERS);
        assert_eq!(verdict, Verdict::Same);
        assert_eq!(
            seen,
            json!({ "version": "5.2.8", "state": "Started", "chain": true, "input": "DROP", "forward": "DROP",
                    "output": "DROP", "rules": 7, "open": [], "foreign": [], "other": [], "client": null })
        );
        // Before the package is there, and before it was ever started.
        assert_eq!(judged("5.2", "version \nstate \n", "").0, Verdict::Same);
        assert_eq!(
            judged("5.2", "version 5.2.8\nstate \n", FLUSHED).0,
            Verdict::Same
        );
    }

    #[test]
    fn what_was_cleared_by_hand_is_started() {
        let (verdict, _) = judged("5.2", CLEARED, FLUSHED);
        let delta = Delta::new("state", "Cleared", "Started");
        assert_eq!(verdict, Verdict::Change(vec![delta]));
    }

    #[test]
    fn what_was_flushed_or_opened_by_hand_is_no_firewall() {
        let (verdict, _) = judged("5.2", STARTED, FLUSHED);
        assert_eq!(
            what(&verdict),
            [
                "the kernel's ipv4: 0 rules, none of Shorewall's -> Shorewall's rules",
                "the policy of INPUT: ACCEPT -> DROP",
                "the policy of FORWARD: ACCEPT -> DROP",
                "the policy of OUTPUT: ACCEPT -> DROP",
            ]
        );
        for (from, to, said) in [
            (
                "-P INPUT DROP",
                "-P INPUT ACCEPT",
                "the policy of INPUT: ACCEPT -> DROP",
            ),
            (
                "-P FORWARD DROP",
                "-P FORWARD ACCEPT",
                "the policy of FORWARD: ACCEPT -> DROP",
            ),
            (
                "-N shorewall\n",
                "",
                "the kernel's ipv4: 7 rules, none of Shorewall's -> Shorewall's rules",
            ),
            (
                "-A INPUT -i brred",
                "-A INPUT -j ACCEPT\n-A INPUT -i brred",
                "the kernel's ipv4: lets all through INPUT -> Shorewall's rules",
            ),
            (
                "-A FORWARD -i brred -j red_frwd\n-A FORWARD -j DROP\n",
                "",
                "the kernel's ipv4: lets all through FORWARD -> Shorewall's rules",
            ),
        ] {
            let kernel = FILTERS.replacen(from, to, 1);
            assert_ne!(kernel, FILTERS, "{from}");
            assert_eq!(what(&judged("5.2", STARTED, &kernel).0), [said]);
        }
        // A kernel whose rules cannot be read does not count as one that filters.
        let step = json!({ "packet_filter": "ipv4" });
        let said = judged_of(&step, STARTED, &[("packet_filter.ipv4-kernel", "", 4)]).unwrap_err();
        assert!(said.contains("does not tell"), "{said}");
        let gone = judged("5.2", STARTED, "").0;
        assert!(matches!(gone, Verdict::Change(_)), "{gone:?}");
    }

    #[test]
    fn the_other_family_stays_closed_where_it_is_not_filtered() {
        let step = json!({ "packet_filter": "ipv4", "alone": true });
        let judged = |other: &str| {
            let kernels = [
                ("packet_filter.ipv4-kernel", FILTERS, 0),
                ("packet_filter.ipv6-kernel", other, 0),
            ];
            judged_of(&step, STARTED, &kernels).unwrap().0
        };
        let closed = FLUSHED.replace("ACCEPT", "DROP");
        assert_eq!(judged(&closed), Verdict::Same);
        // A kernel without IPv6.
        assert_eq!(judged(""), Verdict::Same);
        let open = closed.replacen("DROP", "ACCEPT", 1);
        assert_eq!(
            what(&judged(&open)),
            ["the policy of INPUT for ipv6: ACCEPT -> DROP"]
        );
    }

    // Constructed of what libvirt and a person write, in the form of iptables-save 1.8.9.
    #[test]
    fn rules_of_others_are_named_before_they_go() {
        let rules = "# Generated\n*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 192.168.122.0/24 -j MASQUERADE\nCOMMIT\n*filter\n-A INPUT -j THEIRS\nCOMMIT\n";
        let kernel = format!("{FLUSHED}{rules}");
        let gone = [
            "a rule of others: nat: -A POSTROUTING -s 192.168.122.0/24 -j MASQUERADE -> removed",
            "a rule of others: -A INPUT -j THEIRS -> removed",
        ];
        for (said, first) in [
            (
                "version 5.2.8\nstate \n",
                "the kernel's ipv4: 0 rules, none of Shorewall's -> Shorewall's rules",
            ),
            (CLEARED, "state: Cleared -> Started"),
        ] {
            let told = what(&judged("5.2", said, &kernel).0);
            assert_eq!(told[0], first);
            assert_eq!(told[told.len() - 2..], gone);
        }
        let many = format!("{FLUSHED}*filter\n{}", "-A INPUT -j THEIRS\n".repeat(50));
        let told = what(&judged("5.2", CLEARED, &many).0);
        assert_eq!(told.last().unwrap(), "rules of others: 10 more -> removed");
    }

    // Constructed of what Docker writes, in the form of iptables-save 1.8.9.
    #[test]
    fn rules_that_stay_are_not_reported_to_go() {
        let rules = "*nat\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n*filter\n\
                     -A FORWARD -j DOCKER-USER\n-A INPUT -j THEIRS\n";
        let kernel = format!("{FLUSHED}{rules}");
        let told = |docker: bool| {
            let step = json!({ "packet_filter": "ipv4", "docker": docker });
            let kernels = [("packet_filter.ipv4-kernel", kernel.as_str(), 0)];
            let told = what(&judged_of(&step, CLEARED, &kernels).unwrap().0);
            let rules = told
                .into_iter()
                .filter(|t| t.starts_with("a rule of others"));
            rules.collect::<Vec<_>>()
        };
        assert_eq!(
            told(true),
            ["a rule of others: -A INPUT -j THEIRS -> removed"]
        );
        assert_eq!(told(false).len(), 3);
    }

    #[test]
    fn what_mends_it_is_reported_by_its_version_and_by_its_chain() {
        for (platform, version, kernel, call) in [
            (
                Platform::Debian12,
                "5.2.8",
                FLUSHED.to_owned(),
                "shorewall start",
            ),
            (
                Platform::Debian12,
                "5.2.8",
                FILTERS.replace("T DROP", "T ACCEPT"),
                "shorewall reload",
            ),
            (
                Platform::El6,
                "4.5.4",
                FILTERS.replace("T DROP", "T ACCEPT"),
                "shorewall restart",
            ),
        ] {
            let said = STARTED.replace("5.2.8", version);
            let sections = [
                ("packet_filter.ipv4", said.as_str(), 0),
                ("packet_filter.ipv4-kernel", kernel.as_str(), 0),
            ];
            let step = json!({ "packet_filter": "ipv4" });
            assert_eq!(actions_on(&step, platform, &sections), [call]);
        }
    }

    #[test]
    fn a_run_that_the_firewall_would_keep_out_is_a_finding() {
        let admits = json!(["198.51.100.10", "203.0.113.0/28"]);
        let step = |family: &str, knock: bool| json!({ "packet_filter": family, "admits": admits, "knock": knock });
        let judged = |from: &str, step: serde_json::Value| {
            let kernels = [
                ("packet_filter.ipv4-kernel", FILTERS, 0),
                ("packet_filter.ipv6-kernel", FILTERS, 0),
            ];
            judged_of(&step, &format!("client {from}\n{STARTED}"), &kernels)
                .unwrap()
                .0
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
            let Verdict::Finding { what, remedy } = judged(declared, STARTED, FILTERS).0 else {
                panic!("{declared}");
            };
            assert!(what.contains("5.2.8") && what.contains(declared), "{what}");
            assert!(remedy.contains("shorewall = \"5.2\""), "{remedy}");
        }
        for declared in ["5", "5.2", "5.2.8"] {
            assert_eq!(
                judged(declared, STARTED, FILTERS).0,
                Verdict::Same,
                "{declared}"
            );
        }
    }
}
