//! Steps with `once`: observed on every member, done by one, and by none where any member has the result already.

use super::Decided;
use crate::kind::{Address, Resource};
use std::collections::{BTreeMap, BTreeSet};

/// A member that answered.
pub struct Answered<'a> {
    /// Its name.
    pub node: &'a str,
    /// Its desired state.
    pub resources: &'a [Resource],
    /// The decision for it.
    pub decided: &'a mut Decided,
}

/// The member that does a `once` resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doer {
    /// A member has it already.
    Nobody,
    /// This member: its `source`, else the first that wants it.
    Member(String),
    /// It is not decided, because a member that did not answer may have it. It stays with this member, where
    /// [`next_wave`](super::next_wave) holds it back and names who is missing.
    Undecided(String),
}

impl Doer {
    /// Whether a member keeps the item.
    fn is(&self, node: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Member(doer) | Self::Undecided(doer) => doer == node,
        }
    }
}

/// Leaves each item of what is done once with the one member that does it. `answered` are members of this `cluster`.
pub fn settle(cluster: &BTreeSet<String>, answered: &mut [Answered<'_>]) {
    let doers = doers(cluster, answered);
    for member in answered {
        let node = member.node;
        let others = |address: &Address| doers.get(address).is_some_and(|doer| !doer.is(node));
        let there = |address: &Address| doers.get(address) == Some(&Doer::Nobody);
        let mut awaited = false;
        member.decided.items.retain(|item| {
            let addresses = item.addresses();
            let stays = addresses.is_empty() || !addresses.iter().all(others);
            awaited |= !stays && !addresses.iter().all(there);
            stays
        });
        // Items that another member has already do not end a stage.
        let items = &mut member.decided.items;
        let first = items.iter().map(|i| i.change.stage).min().unwrap_or(0);
        if !awaited {
            for item in items {
                item.change.stage -= first;
            }
        }
        member.decided.later.retain_mut(|later| {
            later.addresses.retain(|address| !others(address));
            !later.addresses.is_empty()
        });
        member.decided.unmet.retain(|unmet| !others(&unmet.address));
    }
}

/// The member for each `once` resource.
fn doers(cluster: &BTreeSet<String>, answered: &[Answered<'_>]) -> BTreeMap<Address, Doer> {
    let has_answered = |node: &str| answered.iter().any(|a| a.node == node);
    let everybody = cluster.iter().all(|member| has_answered(member));
    let mut doers = BTreeMap::new();
    for member in answered {
        for resource in member.resources.iter().filter(|r| r.step.once) {
            let doer = doers.entry(resource.address.clone()).or_insert_with(|| {
                let source = resource.step.source.as_deref().unwrap_or(member.node);
                if everybody {
                    Doer::Member(source.to_owned())
                } else if has_answered(source) {
                    Doer::Undecided(source.to_owned())
                } else {
                    Doer::Undecided(member.node.to_owned())
                }
            });
            if member.decided.same.contains(&resource.address) {
                *doer = Doer::Nobody;
            }
        }
    }
    doers
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::{address, item, names, resource, wave_of};
    use super::*;
    use crate::plan::{Held, Later, Remark};

    const ONCE: &str = "r/command:once";

    /// One member: whether it has done it, and who is to do it by the role.
    fn member(done: bool, source: Option<&str>) -> (Vec<Resource>, Decided) {
        let resources = vec![
            resource("r/command:all", |_| ()),
            resource(ONCE, |meta| {
                meta.once = true;
                meta.source = source.map(ToOwned::to_owned);
            }),
        ];
        let mut decided = Decided::default();
        for (index, resource) in resources.iter().enumerate() {
            if done && resource.step.once {
                decided.same.insert(resource.address.clone());
            } else {
                let mut item = item(index, 0, |meta| meta.once = resource.step.once);
                item.change.addresses = vec![resource.address.clone()];
                decided.items.push(item);
            }
        }
        (resources, decided)
    }

    /// Assigns it in a cluster of these members; gives the members that keep an item of it.
    fn settled(
        cluster: &[&str],
        mut members: Vec<(&'static str, (Vec<Resource>, Decided))>,
    ) -> Vec<(&'static str, Decided)> {
        let mut answered: Vec<Answered<'_>> = members
            .iter_mut()
            .map(|(node, (resources, decided))| Answered {
                node,
                resources,
                decided,
            })
            .collect();
        settle(&names(cluster), &mut answered);
        members
            .into_iter()
            .map(|(node, (_, decided))| (node, decided))
            .collect()
    }

    fn keepers(all: &[(&'static str, Decided)]) -> Vec<&'static str> {
        let once = address(ONCE);
        all.iter()
            .filter(|(_, d)| d.items.iter().any(|i| i.addresses().contains(&once)))
            .map(|(node, _)| *node)
            .collect()
    }

    #[test]
    fn it_is_done_by_its_source_else_by_the_first() {
        for (source, doer) in [
            (None, "node1"),
            (Some("node1"), "node1"),
            (Some("node2"), "node2"),
        ] {
            let all = settled(
                &["node1", "node2"],
                vec![
                    ("node1", member(false, source)),
                    ("node2", member(false, source)),
                ],
            );
            assert_eq!(keepers(&all), [doer]);
            // Steps without `once` stay with every member.
            let all_of = address("r/command:all");
            for (node, decided) in &all {
                let stays = |i: &super::super::Item| i.addresses().contains(&all_of);
                assert!(decided.items.iter().any(stays), "{node}");
            }
        }
    }

    #[test]
    fn where_any_member_has_it_nobody_does_it() {
        for (one, other) in [(true, false), (false, true), (true, true)] {
            let all = settled(
                &["node1", "node2"],
                vec![
                    ("node1", member(one, Some("node1"))),
                    ("node2", member(other, Some("node1"))),
                ],
            );
            assert_eq!(keepers(&all), [] as [&str; 0]);
        }
        // Also where somebody else did not answer: one that has it is enough.
        let all = settled(
            &["node1", "node2", "node3"],
            vec![
                ("node1", member(false, None)),
                ("node2", member(true, None)),
            ],
        );
        assert_eq!(keepers(&all), [] as [&str; 0]);
    }

    #[test]
    fn where_a_member_does_not_answer_it_is_undecided_named_once_and_not_done() {
        for (source, keeper) in [
            (None, "node1"),
            (Some("node2"), "node2"),
            // Its source is the one that does not answer: another one names it.
            (Some("node3"), "node1"),
        ] {
            let all = settled(
                &["node1", "node2", "node3"],
                vec![
                    ("node1", member(false, source)),
                    ("node2", member(false, source)),
                ],
            );
            assert_eq!(keepers(&all), [keeper], "{source:?}");
            let items = all
                .into_iter()
                .map(|(n, d)| (n.to_owned(), d.items))
                .collect();
            // Left out of this run, or lost in it: both are no answer.
            for (part, failed) in [
                (names(&["node1", "node2"]), names(&[])),
                (names(&["node1", "node2", "node3"]), names(&["node3"])),
            ] {
                let cluster = names(&["node1", "node2", "node3"]);
                let wave = wave_of(&items, &cluster, &part, &failed);
                let without = Held::Without(vec!["node3".to_owned()]);
                assert_eq!(wave.held(keeper), Some(&without), "{source:?}");
                let todo = wave.todo().into_values().flatten();
                assert!(todo.into_iter().all(|i| !i.work.meta.once));
            }
        }
    }

    #[test]
    fn what_another_member_has_or_brings_is_no_finding_of_this_one() {
        let unmet = || Remark {
            address: address(ONCE),
            what: "it waits for a device".to_owned(),
            remedy: String::new(),
            device: None,
        };
        let waits = |source| {
            let (resources, mut decided) = member(false, source);
            decided.items.pop();
            decided.unmet.push(unmet());
            (resources, decided)
        };
        let later = |source| {
            let (resources, mut decided) = member(false, source);
            decided.items.pop();
            decided.later.push(Later {
                addresses: vec![address(ONCE)],
                after: address("r/command:all"),
                table: String::new(),
                held: None,
                diffs: Vec::new(),
            });
            (resources, decided)
        };
        let one = Some("node1");
        for (what, first, second, unmet, lasts) in [
            (
                "node1 has it",
                member(true, one),
                waits(one),
                [0, 0],
                [0, 0],
            ),
            (
                "node1 does it",
                member(false, one),
                waits(one),
                [0, 0],
                [0, 0],
            ),
            (
                "node1 does it later",
                later(one),
                later(one),
                [0, 0],
                [1, 0],
            ),
            ("nobody can", waits(one), waits(one), [1, 0], [0, 0]),
            (
                "node1 cannot",
                waits(one),
                member(false, one),
                [1, 0],
                [0, 0],
            ),
        ] {
            let all = settled(
                &["node1", "node2"],
                vec![("node1", first), ("node2", second)],
            );
            let count = |of: fn(&Decided) -> usize| [of(&all[0].1), of(&all[1].1)];
            assert_eq!(count(|d| d.unmet.len()), unmet, "{what}");
            assert_eq!(count(|d| d.later.len()), lasts, "{what}");
        }
    }

    #[test]
    fn what_a_member_has_already_holds_back_nothing_of_another() {
        let staged = |first: bool, done| {
            let (resources, mut decided) = member(done, Some("node1"));
            decided.items.reverse();
            if !first {
                decided.items.last_mut().unwrap().change.stage = 1;
            }
            (resources, decided)
        };
        for (done, stage) in [(true, 0), (false, 1)] {
            let all = settled(
                &["node1", "node2"],
                vec![
                    ("node1", staged(true, done)),
                    ("node2", staged(false, false)),
                ],
            );
            let stages: Vec<usize> = all[1].1.items.iter().map(|i| i.change.stage).collect();
            assert_eq!(stages, [stage], "{done}");
        }
    }

    #[test]
    fn an_item_that_is_also_for_something_else_stays() {
        let mut one = member(false, Some("node1"));
        let mut two = member(false, Some("node1"));
        for (_, decided) in [&mut one, &mut two] {
            decided.items[1]
                .change
                .addresses
                .push(address("r/command:all"));
        }
        let all = settled(&["node1", "node2"], vec![("node1", one), ("node2", two)]);
        assert_eq!(keepers(&all), ["node1", "node2"]);
    }
}
