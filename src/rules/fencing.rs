//! Rules about fence devices, and about which member wins when both fence each other.

use super::{Rule, at, found, once, path};
use crate::platform::Manager;
use crate::site::resolved::fencing;
use crate::site::tables::machines::FenceDevice;
use crate::site::words::types::Name;
use crate::site::{Finding, Severity, Site};
use ipnet::IpNet;
use std::net::IpAddr;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "FENCE-NONE",
        severity: Severity::Error,
        title: "Every member has a fence device.",
        why: "Without fencing no work is taken over from a failed member, and its locks are never released.",
        facts: &["fencing#why-every-member-needs-it"],
        check: none,
    },
    Rule {
        code: "FENCE-ONE-METHOD",
        severity: Severity::Warning,
        title: "Every member has at least two fence methods.",
        why: "A member that loses its power loses its BMC too, so the only method fails until a person acts.",
        facts: &["fencing#one-method"],
        check: one_method,
    },
    Rule {
        code: "FENCE-ATTRIBUTES",
        severity: Severity::Error,
        title: "A fence device has all values that its agent requires.",
        why: "An agent without an address or a password fails only when a member has to be fenced.",
        facts: &["fencing#agents"],
        check: attributes,
    },
    Rule {
        code: "FENCE-AGENT",
        severity: Severity::Error,
        title: "A fence agent cuts the power.",
        why: "fence_manual and fence_null report success without doing anything, so that two nodes may write to the same data.",
        facts: &["fencing#manual-fencing"],
        check: agent,
    },
    Rule {
        code: "FENCE-OPTIONS",
        severity: Severity::Error,
        title: "The options of a fence device hold nothing that has a key of its own.",
        why: "A delay on both devices cancels itself, a password there is stored in clear text, and another action may leave the member running.",
        facts: &["fencing#delay", "fencing#secrets"],
        check: options,
    },
    Rule {
        code: "FENCE-SNMP",
        severity: Severity::Warning,
        title: "A fence device is asked by SNMPv3 with privacy.",
        why: "Without privacy everybody on the way reads what is switched, and without authentication everybody may switch it.",
        facts: &["fencing#agents"],
        check: snmp_level,
    },
    Rule {
        code: "FENCE-CYCLE",
        severity: Severity::Warning,
        title: "A fence device switches off and on, and does not cycle.",
        why: "A controller refuses to cycle the power of a machine that is off, so a member that lost its power cannot be fenced.",
        facts: &["fencing#agents"],
        check: cycle,
    },
    Rule {
        code: "FENCE-SECRET",
        severity: Severity::Error,
        title: "No secret of a fence device is stored in the CIB.",
        why: "The members copy, log and display the CIB, so only secrets that an agent reads from a script stay out of it.",
        facts: &["fencing#secrets"],
        check: secret_in_cib,
    },
    Rule {
        code: "FENCE-METHOD",
        severity: Severity::Error,
        title: "All devices of a fence method are listed together.",
        why: "Methods are tried in order, and a device that is listed apart would become another method.",
        facts: &["fencing#why-every-member-needs-it"],
        check: method,
    },
    Rule {
        code: "FENCE-TWICE",
        severity: Severity::Error,
        title: "A fence device, or an outlet of one, belongs to one node.",
        why: "With a shared device, fencing one node switches off another one, possibly the node that fences.",
        facts: &["fencing#crossed-controllers"],
        check: twice,
    },
    Rule {
        code: "FENCE-SELF",
        severity: Severity::Error,
        title: "A fence device's address is not the address of a node.",
        why: "A device at a node's own address cannot be reached once that node has failed.",
        facts: &["fencing#crossed-controllers"],
        check: own_address,
    },
    Rule {
        code: "FENCE-CROSSED",
        severity: Severity::Error,
        title: "The address of a crossed BMC is in the network of the peer's card.",
        why: "The cable of a crossed BMC ends at the peer, so only the peer can reach it.",
        facts: &["fencing#crossed-controllers"],
        check: crossed,
    },
    Rule {
        code: "CROSSED-NETWORKS",
        severity: Severity::Error,
        title: "The two crossed cables have different networks.",
        why: "With one network for both cables a node would send packets for the peer's BMC over the wrong cable.",
        facts: &["network#addresses"],
        check: networks,
    },
    Rule {
        code: "FENCE-DELAY",
        severity: Severity::Error,
        title: "A two-node cluster has a preferred member, and fencing it is delayed.",
        why: "When the link fails, each member fences the other; without a delay both may go down.",
        facts: &["fencing#delay"],
        check: delay,
    },
    Rule {
        code: "FENCE-DELAY-LONG",
        severity: Severity::Warning,
        title: "The fence delay is at most one minute.",
        why: "A fence action has 90 seconds by default including the delay, and all shared storage is frozen until the action ends.",
        facts: &["fencing#delay"],
        check: delay_long,
    },
    Rule {
        code: "FENCE-SAME-SECRET",
        severity: Severity::Warning,
        title: "Each fence device has its own password.",
        why: "One password that leaks would open all devices.",
        facts: &[],
        check: same_secret,
    },
];

/// Every fence device of a node with its path.
fn devices(site: &Site) -> Vec<(&str, &FenceDevice, Vec<String>)> {
    let mut all = Vec::new();
    for (name, node) in site.nodes() {
        if let Some(bmc) = &node.bmc {
            all.push((name, bmc, path(&["node", name, "bmc"])));
        }
        for (i, device) in node.fence.iter().enumerate() {
            all.push((name, device, path(&["node", name, "fence", &i.to_string()])));
        }
    }
    all
}

fn ways(site: &Site, member: &str) -> usize {
    site.fencing(member).methods.len()
}

fn none(site: &Site, findings: &mut Vec<Finding>) {
    for member in site.members() {
        if ways(site, member) == 0 {
            findings.push(
                found(format!("member `{member}` cannot be fenced"))
                    .at(at(site, &["node", member]))
                    .help("add `bmc = { agent = \"fence_ipmilan\", … }`"),
            );
        }
    }
}

fn one_method(site: &Site, findings: &mut Vec<Finding>) {
    for member in site.members() {
        if ways(site, member) == 1 {
            findings.push(
                found(format!("member `{member}` can be fenced in one way only"))
                    .at(at(site, &["node", member, "bmc"]))
                    .help("add a switched outlet: `fence = [{ agent = \"fence_apc\", … }]`"),
            );
        }
    }
}

/// Agents that speak over the network with an account.
fn needs_account(agent: &str) -> bool {
    [
        "ipmilan",
        "ilo",
        "drac",
        "bladecenter",
        "apc",
        "rsa",
        "idrac",
        "imm",
    ]
    .iter()
    .any(|a| agent["fence_".len()..].starts_with(a))
        && !agent.ends_with("_snmp")
}

fn attributes(site: &Site, findings: &mut Vec<Finding>) {
    for (name, device, path) in devices(site) {
        let mut lacks = Vec::new();
        if needs_account(device.agent.as_str()) {
            if device.address.is_none() {
                lacks.push("address");
            }
            if device.user.is_none() {
                lacks.push("user");
            }
            if device.password.is_none() {
                lacks.push("password");
            }
        }
        if !lacks.is_empty() {
            findings.push(
                found(format!(
                    "`{}` of `{name}` lacks {}",
                    device.agent,
                    lacks.join(", ")
                ))
                .at(at(site, &path))
                .help("`password = { secret = \"NAME\" }` names it in the site's encrypted file"),
            );
        }
    }
}

fn agent(site: &Site, findings: &mut Vec<Finding>) {
    for (_, device, mut path) in devices(site) {
        if matches!(
            device.agent.as_str(),
            "fence_manual" | "fence_null" | "fence_dummy" | "fence_ack_manual" | "fence_meatware"
        ) {
            path.push("agent".into());
            findings.push(
                found(format!("`{}` switches nothing off", device.agent))
                    .at(at(site, &path))
                    .help("name an agent for real hardware; where it failed, a person confirms by `nodewright confirm-fenced`"),
            );
        }
    }
}

fn options(site: &Site, findings: &mut Vec<Finding>) {
    for (_, device, path) in devices(site) {
        for (table, keys) in [
            ("options", device.options.keys().collect::<Vec<_>>()),
            ("secrets", device.secrets.keys().collect()),
        ] {
            for key in keys {
                let word = key.as_str();
                let help = match word {
                    "delay" | "pcmk_delay_base" | "pcmk_delay_max" => {
                        "`cluster.preferred` and `cluster.delay` set who waits and how long"
                    }
                    _ if word.ends_with("_script") => {
                        "`secrets` or `password` name a secret; the script is made of it"
                    }
                    "passwd" | "password" => "write `password = { secret = \"NAME\" }` beside it",
                    _ if fencing::is_secret(word) && table == "options" => {
                        "write it as `secrets = { … = { secret = \"NAME\" } }`"
                    }
                    _ if fencing::decided(word) => {
                        "`address`, `user` and `plug` are keys of their own; the rest follows from them"
                    }
                    _ if device
                        .options
                        .get(key)
                        .is_some_and(|v| fencing::switches_nothing(word, v.as_str())) =>
                    {
                        "by this the member would run on; leave it out"
                    }
                    _ => continue,
                };
                let mut path = path.clone();
                path.extend([table.to_owned(), word.to_owned()]);
                findings.push(
                    found(format!("`{word}` is no option of a fence device here"))
                        .at(at(site, &path))
                        .help(help),
                );
            }
        }
    }
}

fn snmp_level(site: &Site, findings: &mut Vec<Finding>) {
    for (_, device, path) in devices(site) {
        let level = device
            .options
            .iter()
            .find(|(key, _)| key.as_str() == "snmp_sec_level");
        let Some((_, level)) = level.filter(|(_, level)| level.as_str() != "authPriv") else {
            continue;
        };
        let mut path = path;
        path.extend(["options".to_owned(), "snmp_sec_level".to_owned()]);
        findings.push(
            found(format!("the device is asked by SNMPv3 at level `{level}`"))
                .at(at(site, &path))
                .help("write `snmp_sec_level = \"authPriv\"`, with `snmp_priv_prot` and the secret `snmp_priv_passwd`"),
        );
    }
}

fn cycle(site: &Site, findings: &mut Vec<Finding>) {
    for (_, device, path) in devices(site) {
        for (key, _) in device.options.iter().filter(|(key, value)| {
            let key = key.as_str();
            let action = key == "method" || key.starts_with("pcmk_") && key.ends_with("_action");
            action && value.as_str() == "cycle"
        }) {
            let mut path = path.clone();
            path.extend(["options".to_owned(), key.to_string()]);
            findings.push(
                found(format!(
                    "`{key} = \"cycle\"` cannot fence a member that is off"
                ))
                .at(at(site, &path))
                .help("leave it out: the agent then switches off and on"),
            );
        }
    }
}

fn secret_in_cib(site: &Site, findings: &mut Vec<Finding>) {
    for (name, device, path) in devices(site) {
        if site.platform_of(name).manager() != Manager::Pacemaker {
            continue;
        }
        for key in device.secrets.keys().map(Name::as_str) {
            if !fencing::by_script(key) && !fencing::decided(key) {
                let mut path = path.clone();
                path.extend(["secrets".to_owned(), key.to_owned()]);
                findings.push(
                    found(format!(
                        "`{}` takes `{key}` by no script: the CIB would show it",
                        device.agent
                    ))
                    .at(at(site, &path))
                    .help("with SNMP: use version 3, whose passwords it takes by scripts"),
                );
            }
        }
    }
}

fn method(site: &Site, findings: &mut Vec<Finding>) {
    let mut seen: Vec<(&str, Option<&str>)> = Vec::new();
    for (node, device, mut path) in devices(site) {
        let this = (node, device.method.as_ref().map(Name::as_str));
        if let Some(name) = this.1
            && seen.last() != Some(&this)
            && seen.contains(&this)
        {
            path.push("method".into());
            findings.push(
                found(format!(
                    "the devices of method `{name}` are not next to each other"
                ))
                .at(at(site, &path))
                .help("write them one after another, or give it another name"),
            );
        }
        seen.push(this);
    }
}

fn twice(site: &Site, findings: &mut Vec<Finding>) {
    let all = devices(site)
        .into_iter()
        .filter_map(|(_, device, mut path)| {
            let address = device.address.as_ref()?.as_str();
            let plug = device
                .plug
                .as_ref()
                .map(|p| format!(" plug {p}"))
                .unwrap_or_default();
            path.push("address".into());
            Some((format!("{address}{plug}"), path))
        });
    once(
        site,
        all,
        "fence device",
        "write each node's own device",
        findings,
    );
}

fn own_address(site: &Site, findings: &mut Vec<Finding>) {
    for (_, device, mut path) in devices(site) {
        let Some(ip) = device
            .address
            .as_ref()
            .and_then(|a| a.as_str().parse::<IpAddr>().ok())
        else {
            continue;
        };
        for (name, node) in site.nodes() {
            if let Some((zone, _)) = node.address.iter().find(|(_, a)| a.ip() == ip) {
                path.push("address".into());
                findings.push(
                    found(format!("the fence device at {ip} is node `{name}` itself"))
                        .at(at(site, &path))
                        .help("write the address of the management controller")
                        .also(
                            at(site, &["node", name, "address", zone.as_str()]),
                            format!("`{name}`"),
                        ),
                );
                path.pop();
            }
        }
    }
}

/// The zone with crossed wires.
fn crossed_zone(site: &Site) -> Option<&str> {
    site.inventory
        .zone
        .iter()
        .find(|(_, z)| z.crossed)
        .map(|(name, _)| name.as_str())
}

fn network(site: &Site, node: &str, zone: &str) -> Option<IpNet> {
    let (ip, prefix) = site.address(node, zone)?;
    IpNet::new(ip, prefix?).ok().map(|n| n.trunc())
}

fn crossed(site: &Site, findings: &mut Vec<Finding>) {
    let Some(zone) = crossed_zone(site) else {
        return;
    };
    for member in site.members() {
        let Some(bmc) = site.node(member).and_then(|n| n.bmc.as_ref()) else {
            continue;
        };
        let Some(ip) = bmc
            .address
            .as_ref()
            .and_then(|a| a.as_str().parse::<IpAddr>().ok())
        else {
            continue;
        };
        for peer in site.peers_of(member) {
            let there = network(site, peer, zone);
            if there.is_some_and(|n| n.contains(&ip)) {
                continue;
            }
            let where_it_is = match network(site, member, zone) {
                Some(own) if own.contains(&ip) => format!("in the network of `{member}` itself"),
                _ => "in neither node's network there".to_owned(),
            };
            let help = there.map_or_else(
                || format!("give `{peer}` an address in zone `{zone}`"),
                |n| format!("an address in {n}"),
            );
            findings.push(
                found(format!(
                    "the BMC of `{member}` is {where_it_is}; its wire ends at `{peer}`"
                ))
                .at(at(site, &["node", member, "bmc", "address"]))
                .help(help)
                .also(
                    at(site, &["node", peer, "address", zone]),
                    format!("`{peer}` in zone `{zone}`"),
                ),
            );
        }
    }
}

fn networks(site: &Site, findings: &mut Vec<Finding>) {
    let Some(zone) = crossed_zone(site) else {
        return;
    };
    let nets: Vec<_> = site
        .node_names()
        .filter_map(|n| Some((n, network(site, n, zone)?)))
        .collect();
    for (i, (name, net)) in nets.iter().enumerate() {
        for (other, theirs) in &nets[..i] {
            if net.contains(theirs) || theirs.contains(net) {
                findings.push(
                    found(format!(
                        "`{name}` and `{other}` have one network in zone `{zone}`: {net}"
                    ))
                    .at(at(site, &["node", name, "address", zone]))
                    .help("each wire is a network of its own, such as 10.0.3.0/30 and 10.0.3.4/30")
                    .also(
                        at(site, &["node", other, "address", zone]),
                        format!("`{other}`"),
                    ),
                );
            }
        }
    }
}

fn delay(site: &Site, findings: &mut Vec<Finding>) {
    let Some(cluster) = &site.inventory.cluster else {
        return;
    };
    if cluster.members.len() != 2 {
        return;
    }
    let message = match (&cluster.preferred, cluster.delay.get().is_zero()) {
        (Some(_), false) => return,
        (None, _) => "no member is preferred",
        (Some(_), true) => "shooting the preferred member waits for nothing",
    };
    findings.push(
        found(message)
            .at(at(
                site,
                &[
                    "cluster",
                    if cluster.preferred.is_some() {
                        "preferred"
                    } else {
                        "members"
                    },
                ],
            ))
            .help("add `preferred = \"NODE\"` and `delay = \"15s\"`"),
    );
}

fn delay_long(site: &Site, findings: &mut Vec<Finding>) {
    if let Some(cluster) = &site.inventory.cluster
        && cluster.delay.get().as_secs() > 60
    {
        findings.push(
            found(format!(
                "shooting the preferred member waits {}",
                cluster.delay
            ))
            .at(at(site, &["cluster", "delay"]))
            .help("15s, or what the members' detection times differ by"),
        );
    }
}

fn same_secret(site: &Site, findings: &mut Vec<Finding>) {
    let all = devices(site)
        .into_iter()
        .filter_map(|(_, device, mut path)| {
            path.extend(["password".to_owned(), "secret".to_owned()]);
            Some((device.password.as_ref()?.secret.to_string(), path))
        });
    once(
        site,
        all,
        "fence password",
        "give each device its own",
        findings,
    );
}
