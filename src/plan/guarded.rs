//! The windows in which steps that can cut the operator off run under the guard.

use super::Decided;
use crate::kind::{Resource, Target, lets_in};
use std::collections::BTreeSet;

/// Cuts the steps of a node into windows: each run of steps that can cut the operator off becomes a stage of its own.
///
/// Steps of the same role between two such steps belong to the window, so that a file and the service that reads it
/// are rolled back together. A step that ends a stage ends a window too. `logins` are the accounts that this run and its
/// operators log in with.
pub fn windows(
    decided: &mut Decided,
    resources: &[Resource],
    target: &Target,
    logins: &BTreeSet<String>,
) {
    let steps = &mut decided.steps;
    for step in steps.iter_mut() {
        let of_kind = || {
            let mine = resources
                .iter()
                .filter(|r| step.addresses.contains(&r.address));
            mine.into_iter().any(|r| r.kind.cuts_off(r, target, logins))
        };
        step.guarded = step.path.as_deref().is_some_and(lets_in::path) || of_kind();
    }
    let role = |at: usize, steps: &[super::Step]| {
        let first = steps[at].addresses.first();
        (steps[at].stage, first.map(|a| a.role.clone()))
    };
    let mut begin = 0;
    while begin < steps.len() {
        let mine = role(begin, steps);
        let mut end = begin + 1;
        while end < steps.len() && role(end, steps) == mine {
            end += 1;
        }
        let guarded = |s: &super::Step| s.guarded;
        if let (Some(first), Some(last)) = (
            steps[begin..end].iter().position(guarded),
            steps[begin..end].iter().rposition(guarded),
        ) {
            for step in &mut steps[begin + first..=begin + last] {
                step.guarded = true;
            }
        }
        begin = end;
    }
    let mut stage = 0;
    let mut before: Option<(usize, bool)> = None;
    for step in steps.iter_mut() {
        let now = (step.stage, step.guarded);
        if before.is_some_and(|b| b != now) {
            stage += 1;
        }
        before = Some(now);
        step.stage = stage;
    }
    // A plan has one change a step, in the same order.
    for (change, step) in decided.plan.changes.iter_mut().zip(decided.steps.iter()) {
        change.stage = step.stage;
        change.guarded = step.guarded;
    }
}
