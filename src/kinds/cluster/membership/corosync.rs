//! The keys of corosync.conf, and which of them a running corosync reloads.
//!
//! Facts: docs/facts/membership.md#configuration-of-corosync, docs/facts/membership.md#state-of-the-membership.

use super::seen::ToolReport;
use std::collections::BTreeMap;

/// Keys by their path, as `corosync-cmapctl` names them: `totem.token`.
pub(super) type ConfigKeys = BTreeMap<String, String>;

/// The consequence of a changed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// `corosync-cfgtool -R`.
    Reload,
    /// All members down: with it changed on one alone the members no longer hear or count each other.
    Outage,
    /// A restart, one member after the other.
    Restart,
}

/// Reads a configuration: sections in braces, one `key: value` a line. Nodes and interfaces are numbered as they come,
/// an interface with a number of its own by that.
pub(super) fn keys(text: &str) -> ConfigKeys {
    let mut keys = ConfigKeys::new();
    let mut path: Vec<String> = Vec::new();
    let (mut nodes, mut interfaces) = (0, 0);
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_suffix('{') {
            let count = match name.trim() {
                "node" => Some(&mut nodes),
                "interface" => Some(&mut interfaces),
                _ => None,
            };
            path.push(match count {
                Some(count) => {
                    *count += 1;
                    format!("{}.{}", name.trim(), *count - 1)
                }
                None => name.trim().to_owned(),
            });
        } else if line == "}" {
            path.pop();
        } else if let Some((key, value)) = line.split_once(':') {
            let (key, value) = (key.trim(), value.trim());
            if matches!(key, "linknumber" | "ringnumber")
                && let Some(section) = path.last_mut()
            {
                *section = format!("interface.{value}");
            } else {
                let mut whole = path.clone();
                whole.push(key.to_owned());
                keys.insert(whole.join("."), value.to_owned());
            }
        }
    }
    keys
}

/// Patterns (`grep -E`), of which each has a line in what [`parse_status`] reads, once these members are in a cluster that
/// is quorate.
pub(super) fn whole(ids: &[u32]) -> Vec<String> {
    let quorate = std::iter::once("^Quorate: +Yes".to_owned());
    let member = |id| format!(r"members\.{id}\.status \(str\) = joined$");
    quorate.chain(ids.iter().map(member)).collect()
}

/// Parses the output of `corosync-cmapctl`: `totem.token (u32) = 10000`.
pub(super) fn running(text: &str) -> ConfigKeys {
    let line = |line: &str| {
        let (key, rest) = line.split_once(" (")?;
        let (_, value) = rest.split_once(") = ")?;
        Some((key.to_owned(), value.trim().to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// The keys whose running value is another than the wanted one: key, running, wanted. A key that is wanted no more
/// counts where its section is one that the wanted configuration speaks of.
pub(super) fn differences(
    wanted: &ConfigKeys,
    running: &ConfigKeys,
) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (key, value) in wanted {
        let now = running.get(key).cloned().unwrap_or_default();
        if now != *value {
            found.push((key.clone(), now, value.clone()));
        }
    }
    for (key, value) in running {
        if !wanted.contains_key(key) && !of_its_own(key) {
            found.push((key.clone(), value.clone(), String::new()));
        }
    }
    found
}

/// Keys that corosync adds to those of its file.
fn of_its_own(key: &str) -> bool {
    let ours = ["totem.", "nodelist.node.", "quorum.", "logging."];
    !ours.iter().any(|own| key.starts_with(own))
        || key.starts_with("totem.interface.")
        || key.starts_with("quorum.cancel_")
        || key.starts_with("logging.logger_subsys.")
}

/// The consequence of a changed key, on this version of corosync.
pub(super) fn takes(key: &str, version: &str) -> Takes {
    const TIMERS: [&str; 12] = [
        "token",
        "token_coefficient",
        "token_retransmit",
        "token_retransmits_before_loss_const",
        "token_warning",
        "consensus",
        "join",
        "send_join",
        "merge",
        "hold",
        "fail_recv_const",
        "max_messages",
    ];
    if key.starts_with("logging.") {
        return Takes::Reload;
    }
    match key.strip_prefix("totem.") {
        Some(timer) if TIMERS.contains(&timer) => Takes::Reload,
        Some("crypto_cipher" | "crypto_hash" | "secauth") if takes_key(version) => Takes::Reload,
        Some(
            "version" | "transport" | "cluster_name" | "ip_version" | "crypto_cipher"
            | "crypto_hash" | "secauth" | "keyfile" | "rrp_mode" | "link_mode",
        ) => Takes::Outage,
        Some(rest) if rest.starts_with("interface.") => Takes::Outage,
        None if key.starts_with("nodelist.") || key.starts_with("quorum.") => Takes::Outage,
        _ => Takes::Restart,
    }
}

/// Whether a running corosync takes up another key: from 3.1 on.
pub(super) fn takes_key(version: &str) -> bool {
    let mut numbers = version.split('.').map(|n| n.parse().unwrap_or(0));
    let both = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    both >= (3, 1)
}

/// Reads `corosync-cmapctl` and `corosync-quorumtool -s` (docs/facts/membership.md#state-of-the-membership).
pub(super) fn parse_status(text: &str) -> ToolReport {
    let map = running(text);
    let line = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().trim().to_owned()
    };
    // Of version 3 `runtime.members.2.status`, of 2 `runtime.totem.pg.mrp.srp.members.2.status`.
    let member = |(key, value): (&String, &String)| {
        let (_, id) = key.strip_suffix(".status")?.rsplit_once(".members.")?;
        (value == "joined").then(|| id.to_owned())
    };
    let of = |key: &str| map.get(key).cloned().unwrap_or_default();
    ToolReport {
        quorate: line("Quorate:").starts_with("Yes"),
        cluster: of("totem.cluster_name"),
        members: map.iter().filter_map(member).collect(),
        flags: line("Flags:"),
        token: of("runtime.config.totem.token").parse().unwrap_or(0),
        gone: Vec::new(),
    }
}

/// Members that no link reaches, by `corosync-cfgtool -s`: `2 on link 0`; of corosync 2 the rings that are faulty.
pub(super) fn broken_links(parse_status: &str) -> Vec<String> {
    let mut link = "";
    let mut broken = Vec::new();
    for line in parse_status.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["LINK" | "RING", "ID", id, ..] => link = id,
            ["nodeid:", id, state] if *state == "disconnected" => {
                broken.push(format!("{} on link {link}", id.trim_end_matches(':')));
            }
            [.., "FAULTY"] => broken.push(format!("ring {link}")),
            _ => {}
        }
    }
    broken
}
