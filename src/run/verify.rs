//! The checks of a command: of each node, of the cluster, and from outside.

use super::engine::{Engine, each};
use super::setup::{LabNetwork, Setup};
use crate::probe::{self, PortState};
use crate::role::{Check, Scope, Tcp};
use crate::verify::{self, CheckOutcome, CheckRow, MemberOutcomes};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::process::Command;

impl Engine {
    /// The results of the checks: of each node that was seen, from outside also of the others, then of the cluster.
    /// `checks` knows those of every node, also of one that takes no part.
    pub async fn verify<'c>(&self, checks: impl Fn(&str) -> &'c [Check]) -> Vec<CheckRow> {
        let names = self.setup.members.iter().map(|m| m.target.node.clone());
        let names: Vec<String> = names.collect();
        let ports = names.iter().map(|node| {
            let ports = checks(node).iter().filter_map(|c| c.tcp.clone());
            (node.clone(), ports.collect::<Vec<_>>())
        });
        let ports: BTreeMap<_, _> = ports.collect();
        let setup = Rc::clone(&self.setup);
        let mut answers = each(self.setup.forks, names.clone(), move |node| {
            probe(Rc::clone(&setup), ports[&node].clone())
        })
        .await;
        let mut rows = Vec::new();
        for node in &names {
            let mut answers = answers.remove(node).unwrap_or_default().into_iter();
            for check in checks(node) {
                let outcome = match check.scope {
                    Scope::Cluster => None,
                    Scope::Node => self.outcome(node, check),
                    Scope::Outside => answers.next().map(|a| verify::outside(check, a)),
                };
                rows.extend(outcome.map(|outcome| CheckRow {
                    node: Some(node.clone()),
                    scope: check.scope,
                    outcome,
                }));
            }
            let changed = self.nodes.observed.get(node);
            let changed = changed.and_then(|o| verify::changed_files(&o.decided.changed));
            rows.extend(changed.map(|outcome| CheckRow {
                node: Some(node.clone()),
                scope: Scope::Node,
                outcome,
            }));
        }
        let said = self.setup.cluster.iter().map(|node| {
            let of_cluster = checks(node).iter().filter(|c| c.scope == Scope::Cluster);
            let outcomes = of_cluster.map(|check| {
                let outcome = self.outcome(node, check).ok_or_else(|| self.silence(node));
                (check, outcome)
            });
            MemberOutcomes {
                node,
                outcomes: outcomes.collect(),
            }
        });
        let of_cluster = verify::of_cluster(&said.collect::<Vec<_>>());
        rows.extend(of_cluster.into_iter().map(|outcome| CheckRow {
            node: None,
            scope: Scope::Cluster,
            outcome,
        }));
        rows
    }

    /// The outcome of a check by a node's own answer; `None` where the node was not observed.
    fn outcome(&self, node: &str, check: &Check) -> Option<CheckOutcome> {
        let observation = self.nodes.observed.get(node)?;
        let member = self.setup.members.iter().find(|m| m.target.node == node)?;
        let permits = self.setup.permits();
        let wanted = member.wanted(&self.setup.vault, &permits);
        Some(verify::judge(
            check,
            &wanted,
            &observation.decided,
            &observation.answer,
        ))
    }

    /// The reason why a member gave no answer.
    fn silence(&self, node: &str) -> String {
        match self.nodes.failures.get(node) {
            Some(trouble) => format!("{node} did not answer: {}", trouble.why),
            None => format!("{node} was not observed"),
        }
    }
}

/// Tries ports from the operator's machine, one after the other.
async fn probe(setup: Rc<Setup>, ports: Vec<Tcp>) -> Vec<Result<PortState, String>> {
    let mut answers = Vec::new();
    for port in ports {
        answers.push(match &setup.outside {
            Some(network) => in_lab(network, &port).await,
            None => here(port).await,
        });
    }
    answers
}

async fn here(port: Tcp) -> Result<PortState, String> {
    let probing = tokio::task::spawn_blocking(move || probe::tcp(&port.host, port.port));
    probing.await.unwrap_or_else(|e| Err(e.to_string()))
}

/// The same from where a lab's operator is.
async fn in_lab(network: &LabNetwork, port: &Tcp) -> Result<PortState, String> {
    let host = network.hosts.get(&port.host).copied();
    let host = host.or_else(|| port.host.parse().ok()).ok_or_else(|| {
        format!(
            "{} is no address and no node, and a lab knows no other names",
            port.host
        )
    })?;
    let (program, args) = network
        .command
        .split_first()
        .ok_or("a lab has no network")?;
    let output = Command::new(program)
        .args(args)
        .args([&host.to_string(), &port.port.to_string(), "--probe"])
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .map_err(|e| format!("{program}: {e}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    PortState::from_word(said.trim())
        .ok_or_else(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
