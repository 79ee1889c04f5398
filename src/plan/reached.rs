//! The resources that a wave brought to their desired state, by a second observation; and those that a run leaves
//! undone.

use super::{Decided, Item};
use crate::kind::{Address, Delta};
use std::collections::BTreeSet;
use std::fmt;

/// The outcome of a batch that ran to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The resources that are now as wanted, as far as this wave brings them.
    pub changed: BTreeSet<Address>,
    /// The first that is not.
    pub unreached: Option<Unreached>,
}

/// A resource that was done and did not reach its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// The resource.
    pub address: Address,
    /// The remaining differences.
    pub deltas: Vec<Delta>,
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was done and did not reach its state", self.address)?;
        self.deltas
            .iter()
            .try_for_each(|d| write!(f, " ({}: {}, wanted {})", d.what, d.from, d.to))
    }
}

/// One side of a resource: a file of it that one item writes, or what runs by it, which another one brings to its state.
type ItemSide<'a> = (&'a Address, Option<&'a str>);

fn sides(items: &[Item]) -> Vec<ItemSide<'_>> {
    items
        .iter()
        .flat_map(|item| {
            let path = item.work.path.as_deref();
            item.addresses().iter().map(move |a| (a, path))
        })
        .collect()
}

/// The item that brings this side to its state, if there is one.
fn item_of<'i>((address, path): ItemSide<'_>, items: &'i [Item]) -> Option<&'i Item> {
    let brings = |i: &&Item| i.addresses().contains(address) && i.work.path.as_deref() == path;
    items.iter().find(brings)
}

/// Whether an item that was `done` is followed by another phase of the same resource: it was started, and has to take up
/// now what was written afterwards.
fn goes_on(done: Option<&Item>, now: Option<&Item>) -> bool {
    let (Some(done), Some(now)) = (done, now) else {
        return false;
    };
    let alone = done.addresses().len() == 1 && now.addresses().len() == 1;
    let (before, left) = (&done.change.deltas, &now.change.deltas);
    let again = |d: &Delta| before.iter().any(|b| b.what == d.what);
    alone && !before.is_empty() && !left.is_empty() && !left.iter().any(again)
}

/// The result of a batch that ran to its end: the items that were `done`, compared with the decision `now`.
pub fn wholly(done: &[Item], now: &Decided) -> Reached {
    let mut reached = Reached::default();
    for side in sides(done) {
        let (address, _) = side;
        if now.waiting.iter().any(|w| w.address == *address) {
            // Begun, and neither done nor failed.
            continue;
        }
        let item = item_of(side, &now.items);
        if item.is_none() {
            reached.changed.insert(address.clone());
        } else if reached.unreached.is_none() && !goes_on(item_of(side, done), item) {
            reached.unreached = Some(Unreached {
                address: address.clone(),
                deltas: item.map_or_else(Vec::new, |i| i.change.deltas.clone()),
            });
        }
    }
    reached
}

/// The result of a batch that broke in the middle: only resources that are wholly in their desired state now.
pub fn in_part(begun: &[Item], now: &Decided) -> BTreeSet<Address> {
    let all = begun.iter().flat_map(Item::addresses);
    all.filter(|a| now.same.contains(a)).cloned().collect()
}

/// Items that were planned and not done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// The items, in words.
    pub titles: Vec<String>,
    /// The resources that they bring to their state.
    pub addresses: BTreeSet<Address>,
}

impl Undone {
    /// These items; `why` follows each.
    pub fn of(items: &[Item], why: &str) -> Self {
        let titles = items.iter().map(|i| format!("{}{why}", i.change.title));
        Self {
            titles: titles.collect(),
            addresses: items.iter().flat_map(Item::addresses).cloned().collect(),
        }
    }

    /// Adds the resources that would have been decided after them.
    #[must_use]
    pub fn and_later(mut self, decided: &Decided) -> Self {
        for later in &decided.later {
            for address in &later.addresses {
                if self.addresses.insert(address.clone()) {
                    let title = format!("{address} (decided after {})", later.after);
                    self.titles.push(title);
                }
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::{address, item};
    use super::super::{Later, Waiting};
    use super::*;
    use crate::kind::Progress;

    const CRON: &str = "r/cron:backup";
    const SERVICE: &str = "r/service:s";

    fn of(name: &str, path: Option<&str>) -> Item {
        let mut item = item(0, 0, |_| ());
        item.change.addresses = vec![address(name)];
        item.change.title = format!("do {name}");
        item.work.path = path.map(ToOwned::to_owned);
        item
    }

    fn now(items: Vec<Item>) -> Decided {
        Decided {
            items,
            ..Decided::default()
        }
    }

    #[test]
    fn what_is_no_longer_to_be_done_was_reached() {
        let done = [of(CRON, Some("/etc/cron.d/backup")), of(SERVICE, None)];
        let reached = wholly(&done, &now(Vec::new()));
        let both = [address(CRON), address(SERVICE)];
        assert_eq!(reached.changed, both.into());
        assert_eq!(reached.unreached, None);
    }

    #[test]
    fn what_is_still_to_be_done_was_not_reached_and_says_in_which_points() {
        let done = [of(CRON, Some("/etc/cron.d/backup")), of(SERVICE, None)];
        let mut again = of(SERVICE, None);
        again.change.deltas = vec![
            Delta::new("state", "failed", "active"),
            Delta::new("boot", "disabled", "enabled"),
        ];
        let reached = wholly(&done, &now(vec![again]));
        assert_eq!(reached.changed, [address(CRON)].into());
        assert_eq!(
            reached.unreached.unwrap().to_string(),
            "r/service:s was done and did not reach its state (state: failed, wanted active) \
             (boot: disabled, wanted enabled)"
        );
    }

    #[test]
    fn a_file_is_reached_though_what_runs_by_it_comes_in_a_later_stage() {
        let done = [of(SERVICE, Some("/etc/s.conf"))];
        let reached = wholly(&done, &now(vec![of(SERVICE, None)]));
        assert_eq!(reached.changed, [address(SERVICE)].into());
        assert_eq!(reached.unreached, None);
    }

    #[test]
    fn a_service_that_has_to_take_up_what_was_written_after_its_start_goes_on() {
        let with = |whats: &[&str]| {
            let mut item = of(SERVICE, None);
            let deltas = whats.iter().map(|what| Delta::new(*what, "no", "yes"));
            item.change.deltas = deltas.collect();
            item
        };
        for (before, left, goes_on) in [
            (&["enabled", "running"][..], &["restart"][..], true),
            (&["restart"], &["restart"], false),
            (&["restart"], &["restart", "enabled"], false),
            (&["running"], &[], false),
            (&[], &["restart"], false),
        ] {
            let reached = wholly(&[with(before)], &now(vec![with(left)]));
            assert_eq!(reached.changed, BTreeSet::new(), "{before:?} {left:?}");
            assert_eq!(reached.unreached.is_none(), goes_on, "{before:?} {left:?}");
        }
    }

    #[test]
    fn what_was_begun_and_goes_on_by_itself_is_neither_changed_nor_failed() {
        let done = [of(SERVICE, None), of(CRON, None)];
        let mut now = now(Vec::new());
        now.waiting.push(Waiting {
            address: address(CRON),
            progress: Progress::default(),
        });
        let reached = wholly(&done, &now);
        assert_eq!(reached.changed, [address(SERVICE)].into());
        assert_eq!(reached.unreached, None);
    }

    #[test]
    fn the_first_that_was_not_reached_is_named() {
        let done = [of(SERVICE, None), of(CRON, None)];
        let reached = wholly(&done, &now(vec![of(CRON, None), of(SERVICE, None)]));
        assert_eq!(reached.unreached.unwrap().address, address(SERVICE));
    }

    #[test]
    fn of_a_batch_that_broke_only_what_is_as_wanted_counts() {
        // The running side of the service was never begun, and something else is as wanted since long.
        let begun = [of(CRON, Some("/etc/cron.d/backup")), of(SERVICE, None)];
        let now = Decided {
            same: [address(CRON), address("r/package:p")].into(),
            ..Decided::default()
        };
        assert_eq!(in_part(&begun, &now), [address(CRON)].into());
    }

    #[test]
    fn what_is_left_undone_names_what_would_have_been_decided_after_it() {
        let later = |name: &str| Later {
            addresses: vec![address(name)],
            after: address("r/package:p"),
            table: String::new(),
            held: None,
            diffs: Vec::new(),
        };
        let decided = Decided {
            later: vec![later(SERVICE), later(CRON)],
            ..Decided::default()
        };
        let undone = Undone::of(&[of(SERVICE, None)], " (waits for node2)").and_later(&decided);
        // A resource is named once.
        assert_eq!(
            undone.titles,
            [
                "do r/service:s (waits for node2)",
                "r/cron:backup (decided after r/package:p)"
            ]
        );
        assert_eq!(undone.addresses, [address(SERVICE), address(CRON)].into());
    }
}
