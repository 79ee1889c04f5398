//! The windows in which items that can cut the operator off run under the guard.

use super::{Decided, Item};
use crate::kind::{Resource, lets_in};
use std::collections::BTreeSet;

/// Cuts the items of a node into windows: each run of items that can cut the operator off becomes a stage of its own.
///
/// Items of the same role between two such items belong to the window, so that a file and the service that reads it
/// are rolled back together. An item that ends a stage ends a window too. `logins` are the accounts that this run and its
/// operators log in with.
pub fn windows(decided: &mut Decided, resources: &[Resource], logins: &BTreeSet<String>) {
    let items = &mut decided.items;
    for Item { change, work } in items.iter_mut() {
        let of_kind = || {
            let mine = resources
                .iter()
                .filter(|r| change.addresses.contains(&r.address));
            mine.into_iter().any(|r| r.guard.cuts_off.holds(logins))
        };
        change.guarded = work.path.as_deref().is_some_and(lets_in::path) || of_kind();
    }
    let role = |at: usize, items: &[Item]| {
        let change = &items[at].change;
        let first = change.addresses.first();
        (change.stage, first.map(|a| a.role.clone()))
    };
    let mut begin = 0;
    while begin < items.len() {
        let mine = role(begin, items);
        let mut end = begin + 1;
        while end < items.len() && role(end, items) == mine {
            end += 1;
        }
        let guarded = |i: &Item| i.change.guarded;
        if let (Some(first), Some(last)) = (
            items[begin..end].iter().position(guarded),
            items[begin..end].iter().rposition(guarded),
        ) {
            for item in &mut items[begin + first..=begin + last] {
                item.change.guarded = true;
            }
        }
        begin = end;
    }
    let mut stage = 0;
    let mut before: Option<(usize, bool)> = None;
    for Item { change, .. } in items.iter_mut() {
        let now = (change.stage, change.guarded);
        if before.is_some_and(|b| b != now) {
            stage += 1;
        }
        before = Some(now);
        change.stage = stage;
    }
}
