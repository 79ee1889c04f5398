//! The checks that a command asks: those of a site's roles, of which a selection may leave some out.

use super::{Pick, Workplace};
use crate::role::{Check, Scope};
use crate::run::{Engine, Event};
use crate::survey::is_asked;
use crate::verify::{CheckRow, counts};
use std::collections::BTreeMap;

/// The checks of every node of a site, also of one that takes no part, for those of its cluster.
pub struct AskedChecks {
    /// The nodes that were asked for.
    nodes: Vec<String>,
    checks: BTreeMap<String, Vec<Check>>,
    /// The number that the selection leaves out.
    left_out: usize,
}

impl AskedChecks {
    /// Those of which the selection leaves something to read.
    pub fn of(place: &Workplace, nodes: &[String], pick: &Pick) -> Self {
        let selection = pick.selection();
        let mut left_out = 0;
        let mut checks = BTreeMap::new();
        for (node, expansion) in &place.nodes {
            let asked = |check: &&Check| is_asked(check, &expansion.resources, &selection);
            let (asked, rest): (Vec<_>, Vec<_>) = expansion.checks.iter().partition(asked);
            if nodes.contains(node) {
                left_out += rest.len();
            }
            checks.insert(node.clone(), asked.into_iter().cloned().collect());
        }
        Self {
            nodes: nodes.to_vec(),
            checks,
            left_out,
        }
    }

    /// Without those that are asked from outside, each of which takes a connection of its own.
    #[must_use]
    pub fn observed(mut self) -> Self {
        for checks in self.checks.values_mut() {
            checks.retain(|check| check.scope != Scope::Outside);
        }
        self
    }

    /// Judges them by what was observed last.
    pub async fn judge(&self, engine: &Engine) -> Vec<CheckRow> {
        let of = |node: &str| self.checks.get(node).map_or(&[][..], Vec::as_slice);
        engine.verify(of).await
    }

    /// The same, and tells them; says whether one fails that counts.
    pub async fn tell(&self, engine: &Engine) -> bool {
        let mut failed = false;
        for row in self.judge(engine).await {
            let outcome = row.outcome;
            failed |= counts(outcome.ok, outcome.skipped, &outcome.severity);
            engine.send(Event::Check {
                node: row.node,
                scope: row.scope.to_string(),
                code: outcome.code,
                severity: outcome.severity,
                ok: outcome.ok,
                skipped: outcome.skipped,
                message: outcome.message,
                remedy: outcome.remedy,
            });
        }
        engine.send(Event::Verified {
            nodes: self.nodes.clone(),
            unseen: engine.plan().unseen,
            unreachable: engine.unreachable(),
            left_out: self.left_out,
        });
        failed
    }
}
