//! Operators, their keys, and who can open the encrypted file.

use super::{Rule, at, found, once, path};
use crate::resource::Platform;
use crate::site::inventory::Operator;
use crate::site::keys::root_file;
use crate::site::types::SshKey;
use crate::site::{Finding, Severity, Site};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SECRETS-ALONE",
        severity: Severity::Warning,
        title: "Two people at least can open the site's encrypted file.",
        why: "What one person alone can open is gone with that person.",
        check: alone,
    },
    Rule {
        code: "OPERATOR-KEY",
        severity: Severity::Error,
        title: "An operator's key is whole.",
        why: "sshd passes over a broken line, and its owner is locked out.",
        check: broken,
    },
    Rule {
        code: "OPERATOR-KEY-RELEASE",
        severity: Severity::Error,
        title: "An operator has a key that every node's release knows.",
        why: "OpenSSH 5.3 of EL6 knows neither Ed25519 nor security keys (reference.md 4).",
        check: release,
    },
    Rule {
        code: "OPERATOR-KEY-TWICE",
        severity: Severity::Error,
        title: "A key belongs to one operator.",
        why: "Who did what is told apart by the key.",
        check: twice,
    },
    Rule {
        code: "OPERATOR-SECRETS",
        severity: Severity::Error,
        title: "Who may open the encrypted file has a key that can.",
        why: "age takes Ed25519 and RSA keys, and its own.",
        check: cannot_open,
    },
    Rule {
        code: "OPERATOR-SUDO",
        severity: Severity::Warning,
        title: "Somebody among the operators may become root.",
        why: "Otherwise nobody looks after the nodes but root's own password.",
        check: sudo,
    },
    Rule {
        code: "PEER-KEYS",
        severity: Severity::Warning,
        title: "Root of each member has a key to go to its peers with, and its host keys are pinned.",
        why: "Live migration and recovery go from node to node as root, and an unknown host key fails them (reference.md 4, invariant 60).",
        check: peer_keys,
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
    if !site
        .node_names()
        .any(|n| site.platform_of(n) == Platform::El6)
    {
        return;
    }
    for (name, operator) in &site.inventory.operator {
        let known = |k: &SshKey| k.kind() == "ssh-rsa" || k.kind().starts_with("ecdsa-");
        let all = keys(name.as_str(), operator);
        if let Some((_, place)) = all.first()
            && !all.iter().any(|(k, _)| known(k))
        {
            findings.push(
                found(format!("`{name}` has no key that el6 knows"))
                    .at(at(site, place))
                    .help("add an RSA key to `keys`"),
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

/// Members with the role sshd of a cluster that has more than one.
fn trusting(site: &Site) -> impl Iterator<Item = &str> {
    let members = site.members();
    let several = members.len() > 1;
    let has = |name: &&str| site.roles_of(name).iter().any(|r| r == "sshd");
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
