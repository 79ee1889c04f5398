//! Operators, their keys, and who can open the encrypted file.

use super::{Rule, at, found, once, path};
use crate::platform::Platform;
use crate::site::keys::root_file;
use crate::site::tables::inventory::Operator;
use crate::site::words::types::SshKey;
use crate::site::{Finding, Provision, Severity, Site};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SECRETS-ALONE",
        severity: Severity::Warning,
        title: "At least two operators can open the site's encrypted file.",
        why: "If only one person can open it, its secrets are lost with that person.",
        facts: &[],
        check: alone,
    },
    Rule {
        code: "OPERATOR-KEY",
        severity: Severity::Error,
        title: "An operator's key is complete.",
        why: "sshd ignores a damaged line, and its owner is locked out.",
        facts: &["ssh#keys-and-algorithms-of-old-releases"],
        check: broken,
    },
    Rule {
        code: "OPERATOR-KEY-RELEASE",
        severity: Severity::Error,
        title: "Every operator has a key that each node's release supports.",
        why: "OpenSSH knows Ed25519 since 6.5 and security keys since 8.2: EL6 has neither, EL7 and EL8 have no security keys.",
        facts: &["ssh#keys-and-algorithms-of-old-releases"],
        check: release,
    },
    Rule {
        code: "OPERATOR-KEY-TWICE",
        severity: Severity::Error,
        title: "A key belongs to one operator.",
        why: "The nodes' logs tell operators apart by their keys.",
        facts: &["accounts#sudo"],
        check: twice,
    },
    Rule {
        code: "OPERATOR-SECRETS",
        severity: Severity::Error,
        title: "An operator with access to the encrypted file has a key that can open it.",
        why: "age supports Ed25519 and RSA keys of SSH, and its own keys.",
        facts: &["ssh#keys-and-algorithms-of-old-releases"],
        check: cannot_open,
    },
    Rule {
        code: "OPERATOR-SUDO",
        severity: Severity::Warning,
        title: "At least one operator may become root.",
        why: "Otherwise nobody can administer the nodes without root's own login.",
        facts: &[],
        check: sudo,
    },
    Rule {
        code: "PEER-KEYS",
        severity: Severity::Warning,
        title: "Root on each member has an SSH key for its peers, and each member's host keys are pinned.",
        why: "Live migration and recovery log in from node to node as root and fail at an unknown host key.",
        facts: &["ssh#trust-between-nodes"],
        check: peer_keys,
    },
    Rule {
        code: "REVIEW-TWO",
        severity: Severity::Error,
        title: "A site that demands reviewed plans has two operators with an SSH key.",
        why: "The signature has to be of another operator than the one who made the plan.",
        facts: &["ssh#signatures"],
        check: review,
    },
];

/// The keys of an operator with their paths.
fn keys<'a>(name: &str, operator: &'a Operator) -> Vec<(&'a SshKey, Vec<String>)> {
    let own = operator
        .key
        .iter()
        .map(|k| (k, path(&["operator", name, "key"])));
    let more = operator.keys.iter().enumerate();
    let more = more.map(|(i, k)| (k, path(&["operator", name, "keys", &i.to_string()])));
    own.chain(more).collect()
}

fn alone(site: &Site, findings: &mut Vec<Finding>) {
    let who: Vec<&str> = site
        .inventory
        .operator
        .iter()
        .filter(|(_, o)| o.secrets)
        .map(|(name, _)| name.as_str())
        .collect();
    if site.inventory.operator.is_empty() || who.len() >= 2 {
        return;
    }
    let message = match who.as_slice() {
        [one] => format!("only `{one}` can open the encrypted file"),
        _ => "nobody can open the encrypted file".to_owned(),
    };
    findings.push(
        found(message)
            .at(at(site, &["operator"]))
            .help("add `secrets = true` to another operator"),
    );
}

fn review(site: &Site, findings: &mut Vec<Finding>) {
    let operators = &site.inventory.operator;
    let with_key = operators
        .iter()
        .filter(|(name, o)| !keys(name.as_str(), o).is_empty());
    let count = with_key.count();
    if site.inventory.site.review && count < 2 {
        let message = match count {
            0 => "no operator has an SSH key, so that nobody can review a plan".to_owned(),
            _ => "only one operator has an SSH key, so that nobody can review that one's plans"
                .to_owned(),
        };
        findings.push(
            found(message)
                .at(at(site, &["site", "review"]))
                .help("give another operator a `key`, or take `review` out"),
        );
    }
}

fn broken(site: &Site, findings: &mut Vec<Finding>) {
    for (name, operator) in &site.inventory.operator {
        for (key, place) in keys(name.as_str(), operator) {
            if !key.is_whole() {
                findings.push(
                    found(format!("a key of `{name}` is not whole"))
                        .at(at(site, &place))
                        .help("copy the whole line of the `.pub` file"),
                );
            }
        }
    }
}

fn release(site: &Site, findings: &mut Vec<Finding>) {
    let mut platforms: Vec<_> = site.node_names().map(|n| site.platform_of(n)).collect();
    platforms.sort();
    for (name, operator) in &site.inventory.operator {
        let all = keys(name.as_str(), operator);
        let knows_none = |p: &&Platform| !all.iter().any(|(k, _)| p.knows_key(k.kind()));
        if let Some((_, place)) = all.first()
            && let Some(platform) = platforms.iter().find(knows_none)
        {
            let kind = if platform.knows_ed25519() {
                "an Ed25519"
            } else {
                "an RSA"
            };
            findings.push(
                found(format!("`{name}` has no key that {platform} knows"))
                    .at(at(site, place))
                    .help(format!("add {kind} key to `keys`")),
            );
        }
    }
}

fn twice(site: &Site, findings: &mut Vec<Finding>) {
    let operators = site.inventory.operator.iter();
    let all = operators.flat_map(|(name, o)| {
        let keys = keys(name.as_str(), o).into_iter();
        keys.map(|(key, place)| (short(key), place))
            .collect::<Vec<_>>()
    });
    once(
        site,
        all,
        "key",
        "each operator has a key of their own",
        findings,
    );
}

/// A key without its comment, cut in the middle for people.
fn short(key: &SshKey) -> String {
    let body = key.body();
    format!("{} …{}", key.kind(), &body[body.len().saturating_sub(24)..])
}

fn cannot_open(site: &Site, findings: &mut Vec<Finding>) {
    for (name, operator) in &site.inventory.operator {
        let can = operator.age.is_some()
            || operator
                .all_keys()
                .any(|k| matches!(k.kind(), "ssh-ed25519" | "ssh-rsa"));
        if operator.secrets && !can {
            findings.push(
                found(format!("no key of `{name}` can open the encrypted file"))
                    .at(at(site, &["operator", name.as_str(), "secrets"]))
                    .help("add an Ed25519 or RSA key to `keys`, or `age = \"age1…\"`"),
            );
        }
    }
}

/// Members of a cluster with several whose roles let root of a peer in.
fn trusting(site: &Site) -> impl Iterator<Item = &str> {
    let members = site.members();
    let several = members.len() > 1;
    let has = |name: &&str| site.provides(name, Provision::PeerLogin);
    members.into_iter().filter(move |n| several && has(n))
}

fn peer_keys(site: &Site, findings: &mut Vec<Finding>) {
    for node in trusting(site) {
        let keys = site.keys();
        let key = (!keys.root.contains_key(node)).then(|| {
            (
                format!("its root has no key: {} is not there", root_file(node)),
                "`nodewright secret keys` makes it".to_owned(),
            )
        });
        let host = (!keys.host.contains_key(node)).then(|| {
            (
                "its host keys are not in known_hosts".to_owned(),
                format!("`nodewright enroll {node}` pins them"),
            )
        });
        let (what, help): (Vec<_>, Vec<_>) = key.into_iter().chain(host).unzip();
        if !what.is_empty() {
            findings.push(
                found(format!("root cannot go from node to node with {node}"))
                    .at(at(site, &["node", node]))
                    .label(what.join("; "))
                    .help(help.join("; ")),
            );
        }
    }
}

fn sudo(site: &Site, findings: &mut Vec<Finding>) {
    let mut operators = site.inventory.operator.values();
    if operators.len() > 0 && !operators.any(|o| o.sudo) {
        findings.push(
            found("no operator may become root")
                .at(at(site, &["operator"]))
                .help("add `sudo = true` to one"),
        );
    }
}
